package dev.spikard;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** A store of tasks. */
public final class Tasks extends TasksOperations {
  Tasks(App app, String name) {
    super(app, name);
  }

  /** Runs a task: what it gives is the job's result; see {@link Outcome}. */
  @FunctionalInterface
  public interface TaskHandler {
    Object run(TaskRun run) throws Exception;
  }

  /** Enqueues a task with its arguments: a record, a Map, or anything else that is JSON. */
  public EnqueueResult enqueueJson(String task, Object args) {
    return enqueue(task, given -> given.args(args));
  }

  /** Starts a worker beside those of the application; it runs until it is stopped. Handlers by the tasks' names; "" is for all others. */
  public Worker work(String name, Map<String, ? extends TaskHandler> handlers, Consumer<? super StartWorkerOptions> options) {
    Binding binding = binding();
    Map<String, Plan.WorkPlan> plans = new LinkedHashMap<>();
    handlers.forEach((task, handler) -> plans.put(task, new Plan.WorkPlan(subject -> handler.run((TaskRun) subject), Plan.Mode.BLOCKING, null)));
    long user = binding.nextToken.getAndIncrement();
    binding.dynamic.put(user, new Plan.WorkSource("default", name(), plans));
    try {
      startWorker(name, given -> {
        if (!plans.containsKey("")) given.tasks(new ArrayList<>(plans.keySet()));
        if (options != null) options.accept(given);
        given.user(user);
      });
      return new Worker(this, binding, name, user);
    } catch (RuntimeException error) {
      binding.dynamic.remove(user);
      throw error;
    }
  }

  /** A worker that {@link #work} has started. */
  public static final class Worker implements AutoCloseable {
    private final Tasks client;
    private final Binding binding;
    private final String name;
    private final long user;

    Worker(Tasks client, Binding binding, String name, long user) {
      this.client = client;
      this.binding = binding;
      this.name = name;
      this.user = user;
    }

    /** Takes nothing new, waits for what runs, hands back what is left. */
    public StopWorkerResult stop(Duration timeout) {
      try {
        return client.stopWorker(name, given -> given.timeout(timeout));
      } finally {
        binding.dynamic.remove(user);
      }
    }

    /** For tests: as if its process had died. */
    public void kill() {
      client.killWorker(name);
    }

    /** {@link #stop} with the core's time limit. */
    @Override
    public void close() {
      try {
        client.stopWorker(name);
      } finally {
        binding.dynamic.remove(user);
      }
    }
  }
}
