package dev.spikard;

/** Code around handlers: it may look at the request, set context and headers, and answer by giving anything but null ({@link App#onRequest} and the like). */
@FunctionalInterface
public interface Hook {
  Object call(Request request, ResponseDraft response) throws Exception;
}
