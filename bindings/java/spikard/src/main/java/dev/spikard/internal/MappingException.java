package dev.spikard.internal;

/** A value that does not fit the type it is read as; the message says where. */
public final class MappingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  public MappingException(String message) {
    super(message);
  }

  MappingException in(String member) {
    String text = getMessage();
    return new MappingException(text.startsWith(".") || text.startsWith("[") ? "." + member + text : "." + member + ": " + text);
  }

  MappingException at(int index) {
    String text = getMessage();
    return new MappingException("[" + index + "]" + (text.startsWith(".") || text.startsWith("[") ? text : ": " + text));
  }
}
