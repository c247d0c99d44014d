package dev.spikard;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;

/** What an App has become: the manifest and, by its numbers, the code behind it. */
final class Plan {
  /** Where a handler runs. */
  enum Mode {
    /** On the loop's thread; it never waits. */
    LOOP,
    /** On a thread that may block. */
    BLOCKING
  }

  /** Code behind a number: handler, hook, factory. */
  interface Code {
    Object call(Object[] arguments) throws Throwable;
  }

  /** From where an argument of a handler comes. */
  enum Source { PARAMETER, JSON, TEXT, BYTES, REQUEST, DEPENDENCY, CONTEXT, CANCELLATION, BODY_STREAM }

  record Argument(Source source, int index, dev.spikard.internal.Mapper mapper, String member) {}

  /** A declared parameter: its place in an echo, its name. */
  record Parameter(String place, String name) {}

  record Route(Code handler, Mode mode, int status, String path, List<Parameter> parameters, List<Argument> arguments) {
    boolean needsRequest() {
      for (Argument argument : arguments) {
        switch (argument.source) {
          case REQUEST, CONTEXT, CANCELLATION, BODY_STREAM -> {
            return true;
          }
          default -> {
          }
        }
      }
      return false;
    }
  }

  record HookPlan(Hook hook, Mode mode) {}

  record FactoryPlan(Factory factory, Mode mode) {}

  /** A handler of messages, tasks or events: how its arguments are made of what came. */
  record WorkPlan(WorkCode code, Mode mode, Map<String, Object> schema) {}

  /** subject: Message, TaskRun or CloudEvent. */
  interface WorkCode {
    Object call(Object subject) throws Throwable;
  }

  /** Handlers of one consumer (under ""), or of one worker by the tasks' names. */
  record WorkSource(String queue, String client, Map<String, WorkPlan> handlers) {}

  final Map<String, Object> manifest;
  final List<Route> routes = new ArrayList<>();
  final List<List<HookPlan>> hooks = new ArrayList<>();
  final Map<Integer, FactoryPlan> factories = new HashMap<>();
  final Map<Long, Object> tokens = new HashMap<>();
  final List<WorkSource> consumers = new ArrayList<>();
  final List<WorkSource> workers = new ArrayList<>();
  final List<WorkPlan> events = new ArrayList<>();
  List<Runnable> onStart = List.of();
  List<Runnable> onStop = List.of();
  int threads;
  ExecutorService executor;
  Consumer<Throwable> failures;

  Plan(Map<String, Object> manifest) {
    this.manifest = manifest;
  }

  /** Route of the harness and of tests: none of the request was declared in Java. */
  Route route(int number) {
    return number >= 0 && number < routes.size() ? routes.get(number) : null;
  }
}
