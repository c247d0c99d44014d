package dev.spikard;

/**
 * Answers a request: {@code app.get("/orders/{id}", request -> ...)}. It gives a {@link Response}, text, bytes, a record or anything else that is JSON, null for no content, or a CompletionStage of one of
 * these. It runs on a thread that may block.
 */
@FunctionalInterface
public interface Handler {
  Object handle(Request request) throws Exception;
}
