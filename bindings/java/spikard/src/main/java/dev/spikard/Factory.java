package dev.spikard;

import java.util.List;

/** Makes a dependency from those it needs. It may give a CompletionStage, or a {@link Disposable} with its clean-up; what is AutoCloseable is closed. */
@FunctionalInterface
public interface Factory {
  Object make(List<Object> needs) throws Exception;
}
