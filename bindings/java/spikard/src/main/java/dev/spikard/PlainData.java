package dev.spikard;

/** What stands for plain data wherever a value goes to the core: answers, arguments, payloads. */
@FunctionalInterface
public interface PlainData {
  /** A Map, a List, or a value of JSON. */
  Object plain();
}
