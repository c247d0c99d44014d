#include "messaging/consumer.hpp"

#include <unordered_map>

#include "base/json.hpp"
#include "messaging/message.hpp"
#include "net/await.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::messaging {
namespace {

constexpr std::size_t max_reported_errors = 20;

Error field_error(const std::string& path, std::string_view field, std::string_view why) {
  std::string message = path.empty() ? std::string(field) : path + "." + std::string(field);
  message.append(": ").append(why);
  return invalid_argument(std::move(message));
}

Result<worker_loop::RetryPolicy> retry_policy(const services::Consumer& config, const std::string& path) {
  worker_loop::RetryPolicy out;
  out.max_retries = config.max_retries;
  out.initial = std::chrono::milliseconds(config.backoff.initial_ms);
  out.max = std::chrono::milliseconds(config.backoff.max_ms);
  out.jitter = config.backoff.jitter_percent / 100.0;
  out.factor = 2.0;
  if (const Value factor = config.backoff.factor.root(); factor.exists() && !factor.is_null()) {
    if (!factor.node().is_number() || !(factor.as_double() >= 1.0 && factor.as_double() <= 100.0))
      return field_error(path, "backoff.factor", "expected a number from 1 to 100");
    out.factor = factor.as_double();
  }
  if (config.backoff.kind == services::BackoffKind::constant) {
    out.factor = 1.0;
    out.max = out.initial;
  }
  return out;
}

}  // namespace

Result<ConsumerOptions> ConsumerOptions::from(const services::Consumer& config, TopicStyle style, const std::string& path) {
  Result<TopicPattern> pattern = TopicPattern::compile(style, config.topic);
  if (!pattern.ok()) return field_error(path, "topic", pattern.error().message());
  ConsumerOptions out(std::move(pattern).value());
  out.name = config.name;
  out.subscribe.group = config.group.empty() ? config.name : config.group;
  out.subscribe.consumer = config.name;
  out.subscribe.earliest = config.start_from == services::StartFrom::earliest;
  out.subscribe.ordered = config.ordered;
  out.subscribe.ack_wait = std::chrono::milliseconds(config.ack_wait_ms);
  if (config.dead_letter) {
    if (Result<void> good = check_topic(style, *config.dead_letter); !good.ok())
      return field_error(path, "dead_letter", good.error().message());
    if (out.subscribe.pattern.matches(*config.dead_letter))
      return field_error(path, "dead_letter", "it is one of the topics that this consumer takes");
    out.subscribe.dead_letter = *config.dead_letter;
  }
  Result<worker_loop::RetryPolicy> retry = retry_policy(config, path);
  if (!retry.ok()) return std::move(retry).error();
  out.work.name = config.name;
  out.work.concurrency = config.concurrency;
  out.work.max_in_flight = config.max_in_flight;
  out.work.handler_timeout = std::chrono::milliseconds(config.handler_timeout_ms.value_or(0));
  out.work.retry = *retry;
  out.subscribe.max_in_flight = std::max(config.concurrency, config.max_in_flight);
  if (const Value schema = config.schema.root(); schema.exists() && !schema.is_null()) {
    Result<validation::Schema> compiled = validation::Schema::compile(schema);
    if (!compiled.ok()) return field_error(path, "schema", compiled.error().message());
    out.schema = std::make_shared<const validation::Schema>(std::move(compiled).value());
  }
  return out;
}

/// Between the worker loop and the handlers: messages that do not fit the schema get no further, and every handling has its span.
class Consumer::Gate final : public worker_loop::WorkSink, public worker_loop::WorkObserver {
 public:
  Gate(const ConsumerOptions& options, Instruments instruments, std::shared_ptr<worker_loop::WorkSink> sink, Clock& clock)
      : options_(options), instruments_(std::move(instruments)), sink_(std::move(sink)), clock_(clock) {}

  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& worker) override {
    worker_ = worker;
    sink_->attach(worker);
  }

  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) override {
    if (options_.schema != nullptr) {
      worker_loop::Outcome invalid = check(item->payload);
      if (invalid.kind != worker_loop::Outcome::Kind::ack) {
        if (const auto worker = worker_.lock()) worker->complete(ticket, std::move(invalid));
        return;
      }
    }
    sink_->on_work(ticket, std::move(item));
  }
  void on_cancel(std::uint64_t ticket, CancelReason reason) override { sink_->on_cancel(ticket, reason); }

  void on_begin(std::uint64_t ticket, worker_loop::WorkItem& item) override {
    const auto header = [&item](std::string_view name) {
      const std::string* value = find_header(item.headers, name);
      return value == nullptr ? std::string_view() : std::string_view(*value);
    };
    item.trace = telemetry::extract(header(telemetry::traceparent_header), header(telemetry::tracestate_header),
                                    header(telemetry::baggage_header));
    if (!instruments_.tracer) return;
    const bool pattern = !options_.subscribe.pattern.exact();
    const std::string& destination = pattern ? options_.subscribe.pattern.text() : item.name;
    telemetry::Span span = instruments_.tracer.start("process " + destination, telemetry::SpanKind::consumer, item.trace);
    if (span.recording()) {
      span.set({{"messaging.system", instruments_.system},
                {"messaging.operation.name", "process"},
                {"messaging.operation.type", "process"},
                {"messaging.destination.name", item.name},
                {"messaging.consumer.group.name", options_.subscribe.group},
                {"messaging.message.body.size", item.payload.size()},
                {"messaging.message.delivery_count", item.delivery_count}});
      if (pattern) span.set("messaging.destination.template", options_.subscribe.pattern.text());
      if (item.position != 0) span.set("messaging.message.id", std::to_string(item.position));
    }
    item.trace = span.context();
    begun_.emplace(ticket, Begun{std::move(span), clock_.now()});
  }
  void on_end(std::uint64_t ticket, const worker_loop::WorkItem&, const worker_loop::Outcome& outcome,
              const worker_loop::Settlement& settlement) override {
    if (!instruments_.tracer) return;
    using Kind = worker_loop::Outcome::Kind;
    std::string_view failure;
    if (outcome.kind == Kind::error) failure = "handler_error";
    else if (outcome.kind == Kind::timeout) failure = "timeout";
    else if (outcome.kind == Kind::reject) failure = settlement.reason;
    ended(ticket, worker_loop::name_of(outcome.kind), failure, settlement.error);
  }
  void on_cut(std::uint64_t ticket, const worker_loop::WorkItem&, CancelReason) override {
    if (instruments_.tracer) ended(ticket, "handed_back", "cancelled", {});
  }

 private:
  struct Begun {
    telemetry::Span span;
    Instant at;
  };

  void ended(std::uint64_t ticket, std::string_view outcome, std::string_view failure, std::string_view error) {
    const auto at = begun_.find(ticket);
    if (at == begun_.end()) return;
    telemetry::Span& span = at->second.span;
    span.set("messaging.outcome", outcome);
    const double seconds = std::chrono::duration<double>(clock_.now() - at->second.at).count();
    if (!failure.empty()) {
      span.set("error.type", failure);
      if (failure == "handler_error") span.exception({}, error);
      span.status(telemetry::SpanStatus::error, error);
      instruments_.duration.record(seconds,
                                   {{"messaging.system", instruments_.system},
                                    {"messaging.operation.name", "process"},
                                    {"messaging.destination.name", label()},
                                    {"error.type", failure}},
                                   span.context());
    } else {
      instruments_.duration.record(seconds,
                                   {{"messaging.system", instruments_.system},
                                    {"messaging.operation.name", "process"},
                                    {"messaging.destination.name", label()}},
                                   span.context());
    }
    instruments_.consumed.add(
        1, {{"messaging.system", instruments_.system}, {"messaging.destination.name", label()}, {"messaging.outcome", outcome}});
    begun_.erase(at);
  }
  /// Of few values: a consumer of many topics counts by its pattern.
  [[nodiscard]] const std::string& label() const noexcept { return options_.subscribe.pattern.text(); }

  worker_loop::Outcome check(const std::string& payload) {
    worker_loop::Outcome invalid;
    Result<Document> read = reader_.read(payload);
    std::string errors;
    if (!read.ok()) {
      invalid = worker_loop::Outcome::reject("the payload is not JSON: " + read.error().message());
      json::Writer out(errors);
      out.begin_array();
      out.begin_object();
      out.key("type");
      out.string("json_invalid");
      out.key("loc");
      out.begin_array();
      out.string("payload");
      out.end_array();
      out.key("msg");
      out.string(read.error().message());
      out.end_object();
      out.end_array();
    } else if (!options_.schema->valid(read->root())) {
      validation::Issues issues;
      const std::string_view prefix[] = {"payload"};
      options_.schema->check(read->root(), prefix, issues);
      issues.sort();
      const std::size_t count = issues.size();
      invalid = worker_loop::Outcome::reject(std::to_string(count) + (count == 1 ? " validation error" : " validation errors") +
                                             " in message");
      write(issues, errors);
    } else {
      return invalid;
    }
    invalid.reason = "invalid";
    invalid.details = std::move(errors);
    return invalid;
  }

  /// `[{type, loc, msg}]`: the payload is there, so what they looked at need not be.
  static void write(const validation::Issues& issues, std::string& text) {
    json::Writer out(text);
    out.begin_array();
    std::size_t count = 0;
    for (const validation::Issue& issue : issues.list()) {
      if (++count > max_reported_errors) break;
      out.begin_object();
      out.key("type");
      out.string(issue.type);
      out.key("loc");
      out.begin_array();
      for (const std::string& segment : issue.loc) out.string(segment);
      out.end_array();
      out.key("msg");
      out.string(issue.msg);
      out.end_object();
    }
    out.end_array();
  }

  const ConsumerOptions& options_;
  Instruments instruments_;
  const std::shared_ptr<worker_loop::WorkSink> sink_;
  Clock& clock_;
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
  std::unordered_map<std::uint64_t, Begun> begun_;
  json::Reader reader_;
};

struct Consumer::Parts {
  Parts(ConsumerOptions of_options, std::unique_ptr<Subscription> of_subscription)
      : options(std::move(of_options)), subscription(std::move(of_subscription)) {}
  const ConsumerOptions options;
  const std::unique_ptr<Subscription> subscription;
  std::unique_ptr<Gate> gate;
  bool leaving = false;
  bool left = false;
  std::vector<Function<void()>> waiting;  // until it has left

  static void leave(const std::shared_ptr<Parts>& self, Function<void()> done) {
    if (self->left) return done();
    self->waiting.push_back(std::move(done));
    if (std::exchange(self->leaving, true)) return;
    Task<Result<void>> close = self->subscription->close();
    spawn(std::move(close), [self](const std::exception_ptr&, const std::optional<Result<void>>&) {
      self->left = true;
      for (Function<void()>& one : std::exchange(self->waiting, {})) one();
    });
  }
};

Consumer::Consumer(net::Loop& loop, ConsumerOptions options, Instruments instruments, std::unique_ptr<Subscription> subscription,
                   std::shared_ptr<worker_loop::WorkSink> sink)
    : loop_(loop), parts_(std::make_shared<Parts>(std::move(options), std::move(subscription))) {
  parts_->gate = std::make_unique<Gate>(parts_->options, std::move(instruments), std::move(sink), loop.clock());
  worker_loop::WorkerLoopOptions work = parts_->options.work;
  work.observer = parts_->gate.get();
  worker_ = worker_loop::WorkerLoop::create(loop, *parts_->subscription, *parts_->gate, std::move(work));
  parts_->gate->attach(worker_);
  worker_->start();
}

Consumer::~Consumer() {
  if (!closing_) kill();
}

void Consumer::kill() {
  closing_ = true;
  parts_->left = true;  // a dead one says no good-bye
  worker_->abandon();
  worker_->close([parts = parts_] {});
}

void Consumer::close(Function<void()> done) {
  closing_ = true;
  worker_->close([parts = parts_, done = std::move(done)]() mutable { Parts::leave(parts, std::move(done)); });
}

Task<Consumer::Stopped> Consumer::stop(Duration limit) {
  const std::shared_ptr<Consumer> self = shared_from_this();
  Stopped out;
  if (closing_) co_return out;
  closing_ = true;
  auto idle = std::make_shared<net::Event>(loop_);
  auto closed = std::make_shared<net::Event>(loop_);
  worker_->stop_taking([] {});
  worker_->finish([idle] { idle->set(); });
  Task<Result<void>> wait = net::with_deadline(loop_, limit, idle->wait());
  Result<void> waited = co_await std::move(wait);
  if (!waited.ok()) {
    out.unfinished = worker_->counts().running;
    out.drained = out.unfinished == 0;
  }
  close([closed] { closed->set(); });
  // What was begun is brought to its end, whoever does not want to wait any more.
  Task<Result<void>> end = closed->wait().with_token(CancelSource().token());
  Result<void> ended = co_await std::move(end);
  (void)ended;
  co_return out;
}

std::shared_ptr<worker_loop::WorkSink> handler_sink(const std::vector<net::Loop*>& loops, Handler handler) {
  return std::make_shared<worker_loop::TaskSink>(loops, std::move(handler));
}

}  // namespace spikard::messaging
