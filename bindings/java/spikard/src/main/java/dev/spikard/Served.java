package dev.spikard;

/**
 * An answer that the core makes by itself, without the bytes coming here: {@link Storage#object}, {@link Storage#accept}, {@link Database#rows}.
 */
public final class Served {
  final int operation;
  final Client client;
  final dev.spikard.internal.Arguments arguments;
  final int status;

  Served(int operation, Client client, dev.spikard.internal.Arguments arguments, int status) {
    this.operation = operation;
    this.client = client;
    this.arguments = arguments;
    this.status = status;
  }
}
