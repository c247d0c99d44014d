package dev.spikard;

/** What cron expressions mean. */
public final class Cron extends CronOperations {
  Cron(App app, String name) {
    super(app, name);
  }
}
