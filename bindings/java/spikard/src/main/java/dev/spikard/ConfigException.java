package dev.spikard;

/** An application that cannot be as it is said: the message names the member. */
public final class ConfigException extends SpikardException {
  private static final long serialVersionUID = 1;

  public ConfigException(String message) {
    super(message);
  }

  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
