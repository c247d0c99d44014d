#include "telemetry/otlp/exporter.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/await.hpp"
#include "net/grpc/client.hpp"
#include "net/http_client/client.hpp"

namespace spikard::telemetry::otlp {
namespace {

/// A batch is closed before its count when it is this long.
constexpr std::size_t max_batch_bytes = std::size_t{4} << 20U;
constexpr std::size_t max_answer_bytes = std::size_t{1} << 20U;
constexpr std::string_view user_agent = "OTel-OTLP-Exporter-spikard";
constexpr Duration first_backoff = std::chrono::milliseconds(500);
constexpr Duration last_backoff = std::chrono::seconds(5);

Result<std::string> gzip(std::string_view text) {
  ::z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return internal_error("deflateInit2");
  std::string out(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int state = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (state != Z_STREAM_END) return internal_error("deflate");
  return out;
}

std::optional<Duration> retry_after(const net::http::Headers& headers) {
  const std::string_view text = net::http::find_header(headers, "retry-after");
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds > 86400) return std::nullopt;
  return std::chrono::seconds(seconds);
}

bool may_retry(int status) noexcept { return status == 429 || status == 502 || status == 503 || status == 504; }

/// OTLP, "OTLP/gRPC Response": a server that has no room must say when, else nobody asks again.
bool may_retry(const net::grpc::Answer& answer) noexcept {
  using net::grpc::Code;
  switch (answer.code) {
    case Code::cancelled:
    case Code::deadline_exceeded:
    case Code::aborted:
    case Code::out_of_range:
    case Code::unavailable:
    case Code::data_loss: return true;
    case Code::resource_exhausted: return answer.retry_delay.has_value();
    default: return false;
  }
}

std::string_view method_of(Signal signal) noexcept {
  switch (signal) {
    case Signal::traces: return "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    case Signal::metrics: return "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    case Signal::logs: return "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
  }
  return {};
}

Encoding encoding_of(const SignalSettings& to) noexcept {
  return to.protocol == Protocol::http_json ? Encoding::json : Encoding::protobuf;
}

/// What became of one try to export.
struct Attempt {
  bool taken = false;  ///< the collector answers that it has it, but for `refused` items
  std::uint64_t refused = 0;
  bool cancelled = false;
  bool again = false;  ///< worth another try, after `wait` where the collector says so
  std::optional<Duration> wait{};
  std::string why{};
};

Attempt attempt_of(const Error& error) {
  Attempt out;
  out.cancelled = error.kind() == ErrorKind::cancelled;
  out.again = error.retry() == RetryClass::temporary || error.kind() == ErrorKind::corrupt;
  out.why = error.message();
  return out;
}

std::string_view name_of(Signal signal) noexcept {
  return signal == Signal::traces ? "traces" : signal == Signal::metrics ? "metrics" : "logs";
}

}  // namespace

/// The half that lives on the loop.
class OtlpExporter::Worker {
 public:
  Worker(OtlpExporter& of, net::Loop& loop, Provider& provider)
      : owner_(of),
        loop_(loop),
        provider_(provider),
        started_(loop.clock().wall()),
        alive_(std::make_shared<bool>(true)),
        span_lane_(*this, &of.spans_),
        log_lane_(*this, &of.logs_),
        metric_lane_(*this, nullptr) {}
  ~Worker() {
    provider_.metrics().forget(this);
    *alive_ = false;
    cancel_.cancel(CancelReason::shutdown);
  }

  Result<void> start() {
    for (Lane* lane : lanes()) {
      if (!lane->to().enabled) continue;
      observe(*lane);
      if (lane->to().protocol == Protocol::grpc) {
        net::grpc::ClientOptions options;
        options.ca = lane->to().certificate;
        options.user_agent = user_agent;
        lane->grpc = std::make_unique<net::grpc::Client>(loop_, lane->to().url, std::move(options));
      } else {
        net::http::ClientOptions options;
        options.ca = lane->to().certificate;
        options.user_agent = user_agent;
        options.connections_per_host = 1;
        lane->http = std::make_unique<net::http::Client>(loop_, std::move(options));
      }
      lane->timer.start(lane->interval());
    }
    return {};
  }

  /// A batch is full.
  void due(Signal signal) {
    for (Lane* lane : lanes()) {
      if (lane->signal() == signal) kick(*lane);
    }
  }

  void flush(Duration timeout, Function<void(bool)> done) {
    auto waiter = std::make_shared<Flush>();
    waiter->done = std::move(done);
    waiter->timer = std::make_unique<net::Timer>(loop_, [waiter] { waiter->end(false); });
    waiter->timer->start(timeout);
    waiter->left = 1;
    for (Lane* lane : lanes()) {
      if (!lane->open()) continue;
      ++waiter->left;
      lane->flushes.push_back(waiter);
      lane->drain = true;
      kick(*lane);
    }
    waiter->one(true);
  }

 private:
  struct Lane;
  /// OpenTelemetry's semantic conventions, "SDK metrics" (1.34).
  void observe(Lane& lane) {
    static constexpr std::string_view items[] = {"span", "metric_data_point", "log"};
    static constexpr std::string_view protocols[] = {"otlp_http", "otlp_http_json", "otlp_grpc"};
    const std::string item(items[static_cast<std::size_t>(lane.signal())]);
    const std::string which = item == "metric_data_point" ? "metric" : item;
    lane.component = std::string(protocols[static_cast<std::size_t>(lane.to().protocol)]) + "_" + which + "_exporter";
    telemetry::Metrics& metrics = provider_.metrics();
    lane.took = metrics.histogram("otel.sdk.exporter.operation.duration", "s", "How long exports took, with their retries.");
    if (lane.queue == nullptr) return;
    const Queue* queue = lane.queue;
    const std::string unit = item == "span" ? "{span}" : "{log_record}";
    const auto counts = [queue] {
      const std::lock_guard lock(queue->mutex);
      return queue->counts;
    };
    const std::string processor = item == "span" ? "batching_span_processor" : "batching_log_processor";
    const auto gauge = [&](const std::string& name, const char* description, MetricType type, auto read) {
      metrics.observe(this, name, unit, description, type, std::move(read));
    };
    gauge("otel.sdk.processor." + item + ".queue.size", "What waits to be exported.", MetricType::up_down_counter,
          [counts, processor](Observation& out) {
            out.observe(static_cast<double>(counts().waiting), {{"otel.component.type", processor}});
          });
    gauge("otel.sdk.processor." + item + ".queue.capacity", "How much may wait.", MetricType::up_down_counter,
          [queue, processor](Observation& out) {
            out.observe(static_cast<double>(queue->limits.queue), {{"otel.component.type", processor}});
          });
    gauge("otel.sdk.processor." + item + ".processed", "What ended, by whether there was room for it.", MetricType::counter,
          [counts, processor](Observation& out) {
            const Counts now = counts();
            out.observe(static_cast<double>(now.ended - now.dropped), {{"otel.component.type", processor}});
            out.observe(static_cast<double>(now.dropped), {{"otel.component.type", processor}, {"error.type", "queue_full"}});
          });
    gauge("otel.sdk.exporter." + item + ".exported", "What the collector has, and what was given up.", MetricType::counter,
          [counts, component = lane.component](Observation& out) {
            const Counts now = counts();
            out.observe(static_cast<double>(now.exported), {{"otel.component.type", component}});
            out.observe(static_cast<double>(now.failed), {{"otel.component.type", component}, {"error.type", "_OTHER"}});
          });
  }

  struct Flush {
    Function<void(bool)> done;
    std::unique_ptr<net::Timer> timer;
    int left = 0;
    bool good = true;
    void one(bool ok) {
      good = good && ok;
      if (--left == 0) end(good);
    }
    void end(bool ok) {
      if (!done) return;
      auto fn = std::move(done);
      done = nullptr;
      const auto last = std::move(timer);  // it keeps this alive, and so goes at the very end
      if (last != nullptr) last->stop();
      fn(ok);
    }
  };

  /// One signal's way out: one request at a time.
  struct Lane {
    Lane(Worker& of, Queue* from) : worker(of), queue(from), timer(of.loop_, [this] { worker.tick(*this); }) {}
    [[nodiscard]] const SignalSettings& to() const noexcept {
      return queue != nullptr ? queue->to : worker.owner_.settings_.metrics;
    }
    [[nodiscard]] Signal signal() const noexcept { return queue != nullptr ? queue->signal : Signal::metrics; }
    [[nodiscard]] Duration interval() const noexcept {
      return queue != nullptr ? queue->limits.delay : worker.owner_.settings_.metric_interval;
    }
    Worker& worker;
    Queue* queue;  // null: metrics
    net::Timer timer;
    [[nodiscard]] bool open() const noexcept { return http != nullptr || grpc != nullptr; }
    std::unique_ptr<net::http::Client> http;  // one of them
    std::unique_ptr<net::grpc::Client> grpc;
    std::vector<std::shared_ptr<Flush>> flushes;
    std::string component;  // `otel.component.type`
    Histogram took;
    bool busy = false;
    bool drain = false;  // what waits goes out without waiting for its batch to be full
    bool good = true;    // since the last flush began
    bool failing = false;
  };

  std::array<Lane*, 3> lanes() noexcept { return {&span_lane_, &log_lane_, &metric_lane_}; }

  void tick(Lane& lane) {
    lane.timer.start(lane.interval());
    lane.drain = true;
    kick(lane);
  }

  void kick(Lane& lane) {
    if (lane.busy || !lane.open()) return;
    lane.busy = true;
    spawn(run(&lane).with_token(cancel_.token()), [this, alive = alive_, l = &lane](std::exception_ptr) {
      if (!*alive) return;
      l->busy = false;
      if (l->drain) kick(*l);  // asked for again meanwhile
    });
  }

  /// Exports until there is no more to send.
  Task<void> run(Lane* lane) {
    const std::shared_ptr<bool> alive = alive_;
    for (bool more = true; more;) {
      const bool all = std::exchange(lane->drain, false);
      std::vector<std::shared_ptr<Flush>> flushes = std::move(lane->flushes);
      lane->flushes.clear();
      if (!flushes.empty()) lane->good = true;
      for (Batch batch = take(*lane, all); batch.count != 0; batch = take(*lane, all)) {
        const std::size_t count = batch.count;
        const Instant begun = loop_.now();
        Task<std::uint64_t> sending = send(lane, std::move(batch.bytes), count);
        const std::uint64_t taken = co_await sending;
        if (!*alive) co_return;
        const Duration took = loop_.now() - begun;
        if (taken == count) lane->took.record(took, {{"otel.component.type", lane->component}}, {});
        else lane->took.record(took, {{"otel.component.type", lane->component}, {"error.type", "_OTHER"}}, {});
        settle(*lane, count, taken);
        lane->good = lane->good && taken == count;
        if (lane->queue == nullptr) break;  // one snapshot
      }
      for (const auto& flush : flushes) flush->one(lane->good);
      more = lane->drain;
    }
  }

  Batch take(Lane& lane, bool all) {
    Batch batch;
    const Encoding encoding = encoding_of(lane.to());
    if (lane.queue == nullptr) {
      if (!all) return batch;
      const WallTime now = loop_.clock().wall();
      for (const MetricData& metric : provider_.metrics().collect())
        append_metric(batch.bytes, encoding, batch.count++, metric, started_, now);
      return batch;
    }
    Queue& queue = *lane.queue;
    const std::lock_guard lock(queue.mutex);
    if (queue.batches.empty()) return batch;
    const bool full = queue.batches.size() > 1 || queue.batches.front().count >= queue.limits.batch;
    if (!full && !all) {
      queue.told = false;
      return batch;
    }
    batch = std::move(queue.batches.front());
    queue.batches.pop_front();
    if (queue.batches.empty()) queue.told = false;
    return batch;
  }

  void settle(Lane& lane, std::size_t count, std::uint64_t taken) {
    if (lane.queue == nullptr) return;
    const std::lock_guard lock(lane.queue->mutex);
    lane.queue->counts.waiting -= count;
    lane.queue->counts.exported += taken;
    lane.queue->counts.failed += count - taken;
  }

  /// How many of them the collector has.
  Task<std::uint64_t> send(Lane* lane, std::string batch, std::size_t count) {
    const std::shared_ptr<bool> alive = alive_;
    const SignalSettings& to = lane->to();
    std::string body = request(lane->signal(), encoding_of(to), owner_.settings_.resource, batch);
    std::string().swap(batch);
    bool gzipped = false;
    if (to.gzip) {
      if (auto smaller = gzip(body); smaller.ok()) {
        body = std::move(smaller).value();
        gzipped = true;
      }
    }
    const Instant deadline = loop_.now() + to.timeout;
    Duration backoff = first_backoff;
    for (;;) {
      const Duration left = std::max<Duration>(deadline - loop_.now(), std::chrono::milliseconds(1));
      Task<Attempt> trying = to.protocol == Protocol::grpc ? call(lane, body, gzipped, left) : post(lane, body, gzipped, left);
      const Attempt attempt = co_await std::move(trying);
      if (!*alive || attempt.cancelled) co_return 0;
      tell(*lane, attempt.why);
      if (attempt.taken) co_return count - std::min<std::uint64_t>(attempt.refused, count);
      if (!attempt.again) co_return 0;
      std::optional<Duration> wait = attempt.wait;
      if (!wait) {
        // Half to all of it, so that many processes do not come back together.
        jitter_ = jitter_ * 6364136223846793005ULL + 1442695040888963407ULL;
        wait =
            backoff / 2 + Duration(static_cast<std::int64_t>((jitter_ >> 33U) % static_cast<std::uint64_t>(backoff.count() / 2)));
        backoff = std::min(backoff * 2, last_backoff);
      }
      if (loop_.now() + *wait >= deadline) co_return 0;
      Result<void> slept = co_await net::sleep(loop_, *wait);
      if (!*alive || !slept.ok()) co_return 0;
    }
  }

  Task<Attempt> post(Lane* lane, std::string body, bool gzipped, Duration timeout) {
    const SignalSettings& to = lane->to();
    const Signal signal = lane->signal();
    const Encoding encoding = encoding_of(to);
    net::http::Request post("POST", to.url);
    post.headers.emplace_back("Content-Type", content_type(encoding));
    if (gzipped) post.headers.emplace_back("Content-Encoding", "gzip");
    for (const auto& header : to.headers) post.headers.push_back(header);
    post.body = std::move(body);
    post.timeout = timeout;
    post.max_response_bytes = max_answer_bytes;
    post.idempotent = true;  // a span that comes twice is better than one that does not
    Task<Result<net::http::Response>> sending = lane->http->send(std::move(post));
    const Result<net::http::Response> answer = co_await std::move(sending);
    if (!answer.ok()) co_return attempt_of(answer.error());
    Attempt out;
    if (answer->status >= 200 && answer->status < 300) {
      taken(out, rejected(signal, encoding, answer->body));
    } else {
      out.why = "the collector answers " + std::to_string(answer->status);
      out.again = may_retry(answer->status);
      out.wait = retry_after(answer->headers);
    }
    co_return out;
  }

  Task<Attempt> call(Lane* lane, std::string body, bool gzipped, Duration timeout) {
    const Signal signal = lane->signal();
    net::grpc::Call call(std::string(method_of(signal)), std::move(body));
    call.metadata = lane->to().headers;
    call.gzipped = gzipped;
    call.timeout = timeout;
    call.max_response_bytes = max_answer_bytes;
    Task<Result<net::grpc::Answer>> calling = lane->grpc->call(std::move(call));
    const Result<net::grpc::Answer> answer = co_await std::move(calling);
    if (!answer.ok()) co_return attempt_of(answer.error());
    Attempt out;
    if (answer->code == net::grpc::Code::ok) {
      taken(out, rejected(signal, Encoding::protobuf, answer->message));
    } else {
      out.why = "the collector answers " + std::string(net::grpc::name_of(answer->code));
      if (!answer->text.empty()) out.why.append(": ").append(answer->text, 0, 200);
      out.again = may_retry(*answer);
      out.wait = answer->retry_delay;
    }
    co_return out;
  }

  static void taken(Attempt& out, std::uint64_t refused) {
    out.taken = true;
    out.refused = refused;
    if (refused != 0) out.why = "the collector refused " + std::to_string(refused) + " items";
  }

  /// Once when it begins to fail, once when it works again.
  void tell(Lane& lane, const std::string& why) {
    const bool fails = !why.empty();
    if (fails == lane.failing) return;
    lane.failing = fails;
    if (owner_.warn_) {
      owner_.warn_("telemetry: " + std::string(name_of(lane.signal())) +
                   (fails ? " cannot be exported: " + why : std::string(" are exported again")));
    }
  }

  OtlpExporter& owner_;
  net::Loop& loop_;
  Provider& provider_;
  const WallTime started_;
  std::shared_ptr<bool> alive_;
  CancelSource cancel_;
  std::uint64_t jitter_ =
      0x9e3779b97f4a7c15ULL ^ static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  Lane span_lane_;
  Lane log_lane_;
  Lane metric_lane_;
};

OtlpExporter::OtlpExporter(Settings settings, Function<void(const std::string&)> warn)
    : settings_(std::move(settings)), warn_(std::move(warn)) {
  spans_.signal = Signal::traces;
  spans_.to = settings_.traces;
  spans_.limits = settings_.span_batches;
  logs_.signal = Signal::logs;
  logs_.to = settings_.logs;
  logs_.limits = settings_.log_batches;
  for (Queue* queue : {&spans_, &logs_}) queue->encoding = encoding_of(queue->to);
}

OtlpExporter::~OtlpExporter() { detach(); }

template <class Append>
void OtlpExporter::add(Queue& queue, Append append) noexcept {
  if (!queue.to.enabled) return;
  bool tell = false;
  try {
    const std::lock_guard lock(queue.mutex);
    if (queue.counts.waiting >= queue.limits.queue) {
      ++queue.counts.ended;
      ++queue.counts.dropped;
      return;
    }
    const bool fresh = queue.batches.empty() || queue.batches.back().count >= queue.limits.batch ||
                       queue.batches.back().bytes.size() >= max_batch_bytes;
    if (fresh) {
      queue.batches.emplace_back();
      queue.batches.back().bytes.reserve(std::min<std::size_t>(queue.limits.batch * std::size_t{512}, 65536));
    }
    ++queue.counts.ended;
    Batch& batch = queue.batches.back();
    const std::size_t before = batch.bytes.size();
    try {
      append(batch.bytes, batch.count);
    } catch (...) {
      batch.bytes.resize(before);
      ++queue.counts.dropped;
      return;
    }
    ++batch.count;
    ++queue.counts.waiting;
    if (!queue.told && (queue.batches.size() > 1 || batch.count >= queue.limits.batch)) tell = queue.told = true;
  } catch (...) {
    return;  // out of memory, before anything was counted
  }
  if (!tell) return;
  std::shared_ptr<net::Loop::Mailbox> mailbox;
  {
    const std::lock_guard lock(mailbox_mutex_);
    mailbox = mailbox_;
  }
  if (mailbox == nullptr) return;
  try {
    mailbox->post([self = weak_from_this(), signal = queue.signal] {
      if (const auto alive = self.lock(); alive != nullptr && alive->worker_ != nullptr) alive->worker_->due(signal);
    });
  } catch (...) {
    // The timer takes it along.
  }
}

void OtlpExporter::on_span(const SpanData& span) noexcept {
  add(spans_, [&](std::string& bytes, std::size_t count) { append_span(bytes, spans_.encoding, count, span); });
}

void OtlpExporter::on_log(const LogRecord& record) noexcept {
  add(logs_, [&](std::string& bytes, std::size_t count) { append_log(bytes, logs_.encoding, count, record); });
}

Result<void> OtlpExporter::attach(net::Loop& loop, Provider& provider) {
  worker_ = std::make_unique<Worker>(*this, loop, provider);
  SPIKARD_TRY(worker_->start());
  const std::lock_guard lock(mailbox_mutex_);
  mailbox_ = loop.mailbox();
  return {};
}

void OtlpExporter::flush(Duration timeout, Function<void(bool)> done) {
  if (worker_ == nullptr) return done(false);
  worker_->flush(timeout, std::move(done));
}

void OtlpExporter::detach() {
  {
    const std::lock_guard lock(mailbox_mutex_);
    mailbox_ = nullptr;
  }
  worker_.reset();
  for (Queue* queue : {&spans_, &logs_}) {
    const std::lock_guard lock(queue->mutex);
    std::uint64_t queued = 0;
    for (const Batch& batch : queue->batches) queued += batch.count;
    queue->batches.clear();
    queue->counts.dropped += queued;
    queue->counts.waiting -= queued;
    queue->counts.failed += queue->counts.waiting;  // on their way
    queue->counts.waiting = 0;
  }
}

Counts OtlpExporter::spans() const {
  const std::lock_guard lock(spans_.mutex);
  return spans_.counts;
}

Counts OtlpExporter::logs() const {
  const std::lock_guard lock(logs_.mutex);
  return logs_.counts;
}

}  // namespace spikard::telemetry::otlp
