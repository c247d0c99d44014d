package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Json;
import dev.spikard.internal.MappingException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** Messages, tasks and events: what came is given to its handler, and what that says is told to the core. */
final class WorkHandlers {
  /** `route` of what was started by an operation: its `user` says what it is. */
  private static final int BY_OPERATION = -1;

  private final Binding binding;

  WorkHandlers(Binding binding) {
    this.binding = binding;
  }

  void handle(Port port, Port.Event event) {
    long id = event.id;
    int kind = event.kind;
    Work work = new Work(port, id);
    Plan.WorkPlan plan;
    Object subject;
    try {
      Map<String, Object> nodes = Port.Records.result(event.rec, event.base);
      if (kind == Abi.EV_CLOUDEVENT) {
        plan = binding.plan.events.get(event.route);
        subject = CloudEvent.of(map(nodes.get("event")));
      } else {
        Plan.WorkSource source = event.route == BY_OPERATION ? binding.dynamic.get(event.user) : kind == Abi.EV_MESSAGE ? binding.plan.consumers.get(event.route) : binding.plan.workers.get(event.route);
        if (source == null) throw new IllegalStateException("work for a handler that has ended");
        subject = kind == Abi.EV_MESSAGE ? message(event, nodes) : run(event, nodes, source);
        plan = kind == Abi.EV_MESSAGE ? source.handlers().get("") : source.handlers().getOrDefault((String) nodes.get("name"), source.handlers().get(""));
        if (plan == null) throw Outcome.fatal("there is no task '" + nodes.get("name") + "' here");
      }
    } catch (Throwable error) {
      failed(work, kind, error);
      return;
    }
    port.owed.put(id, work);
    Scope scope = plan.mode() == Plan.Mode.BLOCKING ? binding.scopeOf(port, work) : new Scope(binding, work, null, false);
    Runnable run = () -> {
      boolean blocking = plan.mode() == Plan.Mode.BLOCKING;
      if (blocking) work.begin();
      Object value;
      try {
        value = plan.code().call(subject);
      } catch (Throwable error) {
        if (blocking) work.leave();
        failed(work, kind, error instanceof MappingException && kind != Abi.EV_MESSAGE ? refused(kind, error) : error);
        return;
      }
      if (blocking) work.leave();
      if (value instanceof CompletionStage<?> stage) {
        CompletableFuture<?> future = Http.future(stage);
        work.await(future);
        future.whenComplete((result, error) -> {
          if (error == null) answer(work, kind, result);
          else failed(work, kind, error instanceof CompletionException && error.getCause() != null ? error.getCause() : error);
        });
        return;
      }
      answer(work, kind, value);
    };
    if (plan.mode() == Plan.Mode.LOOP) scope.run(run);
    else binding.execute(scope, run, refused -> failed(work, kind, refused));
  }

  /** What does not fit its type will not when it comes again. */
  private static Throwable refused(int kind, Throwable error) {
    return kind == Abi.EV_TASK ? Outcome.fatal("invalid arguments: " + error.getMessage()) : Outcome.nack(false);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  private static Map<String, String> headers(Port.Event event) {
    Map<String, String> out = new LinkedHashMap<>();
    Port.Records.pairs(event.rec, event.base, Abi.AT_RECORD_META).forEach(pair -> out.put(pair.getKey(), pair.getValue()));
    return out;
  }

  private static Instant instant(Object ms) {
    return ms instanceof Number number ? Instant.ofEpochMilli(number.longValue()) : null;
  }

  private static long number(Object value) {
    return value instanceof Number number ? number.longValue() : 0;
  }

  private static Message message(Port.Event event, Map<String, Object> nodes) {
    byte[] payload = Port.Records.bytes(event.rec, event.base, Abi.AT_RECORD_BODY);
    long attempt = event.rec.getInt(event.base + Abi.AT_RECORD_ATTEMPT) & 0xffffffffL;
    Object key = nodes.get("key");
    String text = key instanceof byte[] bytes ? new String(bytes, java.nio.charset.StandardCharsets.UTF_8) : (String) key;
    return new Message((String) nodes.get("name"), payload, text, headers(event), attempt, number(nodes.get("tries")), instant(nodes.get("enqueued_ms")));
  }

  private static TaskRun run(Port.Event event, Map<String, Object> nodes, Plan.WorkSource source) {
    return new TaskRun((String) nodes.get("name"), Port.Records.bytes(event.rec, event.base, Abi.AT_RECORD_BODY), number(nodes.get("tries")) + 1, (String) nodes.getOrDefault("id", ""),
        (String) nodes.getOrDefault("queue", source.queue()), headers(event), instant(nodes.get("enqueued_ms")), instant(nodes.get("scheduled_at")), number(nodes.get("lease")), source.client());
  }

  private void over(Work work) {
    work.finish();
    work.port.owed.remove(work.id, work);
  }

  private void answer(Work work, int kind, Object value) {
    Port port = work.port;
    long id = work.id;
    if (value instanceof Outcome outcome) {
      say(work, outcome);
      return;
    }
    try {
      if (kind == Abi.EV_CLOUDEVENT && (value instanceof CloudEvent || value instanceof Map<?, ?>)) {
        port.submit(batch -> batch.nodes(batch.add(Abi.CMD_RESULT, id), value));
      } else if (kind == Abi.EV_TASK && value != null) {
        byte[] result = Json.write(value);
        port.submit(batch -> batch.body(batch.add(Abi.CMD_ACK, id), result));
      } else {
        port.submit(batch -> batch.add(Abi.CMD_ACK, id));
      }
      over(work);
    } catch (RuntimeException | Error error) { // a result that is no JSON
      over(work);
      binding.fail(port, id, error, 0);
    }
  }

  private void say(Work work, Outcome outcome) {
    Port port = work.port;
    long id = work.id;
    over(work);
    if (outcome instanceof Outcome.Retry retry) port.submit(batch -> batch.arg(batch.add(Abi.CMD_RETRY, id), Math.max(0, Client.millis(retry.after))));
    else if (outcome instanceof Outcome.Nack nack) port.submit(batch -> batch.flags(batch.add(Abi.CMD_NACK, id), nack.requeue ? Abi.F_REQUEUE : 0));
    else if (outcome instanceof Outcome.Fatal) binding.fail(port, id, outcome, Abi.F_FATAL);
    else port.submit(batch -> batch.add(Abi.CMD_ACK, id));
  }

  private void failed(Work work, int kind, Throwable error) {
    if (error instanceof Outcome outcome) {
      say(work, outcome);
      return;
    }
    over(work);
    boolean cancelled = error instanceof CancelledException || error instanceof InterruptedException || error instanceof java.util.concurrent.CancellationException;
    if (cancelled && work.isCancelled()) work.port.submit(batch -> batch.flags(batch.add(Abi.CMD_NACK, work.id), Abi.F_REQUEUE));
    else binding.fail(work.port, work.id, error, 0);
  }
}
