import dev.spikard.CancelReason;
import dev.spikard.CancelledException;
import dev.spikard.Outcome;
import dev.spikard.Spikard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The nth delivery of a payload, or the nth run of a task, takes the nth entry of its sequence, then the default. */
final class Script {
  private final Map<String, Object> spec;
  private final Map<String, Integer> taken = new HashMap<>();

  Script(Map<String, Object> spec) {
    Values.only(spec, "default known outcomes", "handler");
    this.spec = spec;
  }

  synchronized Object next(String name) {
    for (Object each : Values.list(spec, "outcomes")) {
      Map<String, Object> one = Values.map(each);
      if (!name.equals(one.getOrDefault("payload", one.get("task")))) continue;
      int n = taken.merge(name, 1, Integer::sum) - 1;
      List<Object> sequence = Values.list(one, "sequence");
      if (n < sequence.size()) return sequence.get(n);
      break;
    }
    return spec.get("default");
  }

  /** What a consumer or worker has done, and how much at once. */
  static final class Handled {
    private final List<Object> done = new ArrayList<>();
    private int now;
    private int most;
    private int cancellations;
    private boolean dead;

    synchronized List<Object> done() {
      return new ArrayList<>(done);
    }

    synchronized int most() {
      return most;
    }

    synchronized int cancellations() {
      return cancellations;
    }

    synchronized void die() {
      dead = true;
    }

    private synchronized void settled(Map<String, Object> what, String outcome) {
      what.put("outcome", outcome);
      done.add(what);
    }

    Object run(Object entry, Map<String, Object> what) throws Exception {
      synchronized (this) {
        most = Math.max(most, ++now);
      }
      try {
        Spikard.cancellation().throwIfCancelled(); // one that was cut off just before hears of it first
        while (entry instanceof Map<?, ?> map && map.containsKey("sleep_ms")) {
          Spikard.sleep(Duration.ofMillis(Values.number(map.get("sleep_ms"))));
          entry = map.get("then");
        }
      } catch (CancelledException error) {
        synchronized (this) {
          ++cancellations;
          if (error.reason() == CancelReason.DEADLINE && !dead) settled(what, "timeout");
        }
        throw error;
      } finally {
        synchronized (this) {
          --now;
        }
      }
      synchronized (this) {
        if (dead) return null;
      }
      return end(entry, what);
    }

    private Object end(Object entry, Map<String, Object> what) {
      if ("ack".equals(entry)) {
        settled(what, "ack");
        return null;
      }
      if ("throw".equals(entry)) {
        settled(what, "error");
        throw new IllegalStateException("the script threw");
      }
      Map.Entry<String, Object> one = Values.map(entry).entrySet().iterator().next();
      switch (one.getKey()) {
        case "nack":
          settled(what, "nack");
          return Outcome.nack((Boolean) Values.map(one.getValue()).get("requeue"));
        case "retry":
          settled(what, "retry");
          return Outcome.retry(Duration.ofMillis(Values.number(Values.map(one.getValue()).get("after_ms"))));
        case "fatal":
          settled(what, "fatal");
          throw Outcome.fatal(String.valueOf(one.getValue()));
        case "result":
          settled(what, "done");
          return one.getValue();
        default:
          throw new Values.NotBuilt("outcome " + one.getKey());
      }
    }
  }
}
