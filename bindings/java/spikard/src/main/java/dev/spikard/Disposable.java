package dev.spikard;

/**
 * A dependency and what is to be done when it is no longer used.
 *
 * @param value what handlers get
 * @param cleanup runs once, after the answer was made, or at the end of the application for a singleton
 */
public record Disposable(Object value, AutoCloseable cleanup) {}
