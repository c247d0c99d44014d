package dev.spikard;

/** Sends events where {@code services.events} says, and reads and writes messages of them. */
public final class CloudEvents extends CloudEventsOperations {
  CloudEvents(App app, String name) {
    super(app, name);
  }
}
