package dev.spikard;

/** A value that the manifest writes as a text of its own. */
public interface ConfigText {
  String text();
}
