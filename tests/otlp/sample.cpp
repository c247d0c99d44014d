// Writes one export request of every signal to the folder it is given, as protobuf and JSON: test_otlp.py decodes them by the
// official opentelemetry-proto package.
#include <fstream>
#include <string>

#include "telemetry/otlp/encode.hpp"
#include "telemetry/propagation.hpp"

using namespace spikard;
using namespace spikard::telemetry;

namespace {

SpanData span() {
  SpanData out;
  out.context = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1");
  out.parent_span_id = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01").span_id;
  out.parent_remote = true;
  out.kind = SpanKind::server;
  out.status = SpanStatus::error;
  out.status_message = "broken \xff bytes";  // not UTF-8: a decoder would refuse it
  out.name = "GET /items/{id}";
  out.start = WallTime(std::chrono::nanoseconds(1700000000000000001));
  out.end = WallTime(std::chrono::nanoseconds(1700000000500000002));
  out.dropped_attributes = 3;
  out.dropped_events = 4;
  const std::vector<std::string> list{"x", "y"};
  const std::int64_t numbers[] = {-1, 2};
  out.attributes.set("text", std::string(300, 'x'));
  out.attributes.set("negative", -42);
  out.attributes.set("big", INT64_MAX);
  out.attributes.set("double", 0.1);
  out.attributes.set("yes", true);
  out.attributes.set("list", list);
  out.attributes.set("numbers", std::span<const std::int64_t>(numbers));
  out.attributes.set("twice", 1);
  out.attributes.set("twice", 2);
  out.attributes.set("bytes", "\xc3\x28");
  out.events.push_back({"exception", WallTime(std::chrono::nanoseconds(1700000000100000000)), {{"exception.type", "E"}}});
  out.links.push_back(extract("00-00000000000000000000000000000001-0000000000000002-01"));
  return out;
}

LogRecord record() {
  LogRecord out;
  out.time = WallTime(std::chrono::nanoseconds(1700000000000000005));
  out.level = log::Level::warn;
  out.body = "hello \xe2\x82\xac";
  out.attributes.set("n", 1);
  out.context = span().context;
  return out;
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  Attributes resource{{"service.name", "svc"}, {"telemetry.sdk.language", "cpp"}};
  struct Still final : Clock {
    Instant now() const noexcept override { return Instant(); }
    WallTime wall() const noexcept override { return WallTime(std::chrono::nanoseconds(1700000000500000000)); }
  } clock;
  Metrics metrics(2000, &clock);
  metrics.counter("orders", "{order}", "Orders").add(3, {{"shop", "a"}});
  metrics.up_down_counter("open", "1", "").add(-2);
  Histogram h = metrics.histogram("http.server.request.duration", "s", "Duration");
  h.record(0.02, {{"http.route", "/x"}});
  h.record(99.0, {{"http.route", "/x"}}, span().context);
  metrics.observe(&metrics, "size", "By", "", MetricType::gauge, [](Observation& o) { o.observe(7.5); });
  const WallTime start(std::chrono::nanoseconds(1700000000000000000));
  const WallTime now(std::chrono::nanoseconds(1700000001000000000));
  for (const auto encoding : {otlp::Encoding::protobuf, otlp::Encoding::json}) {
    const std::string end = encoding == otlp::Encoding::json ? ".json" : ".pb";
    const std::string folder = std::string(argv[1]) + "/";
    std::string spans;
    otlp::append_span(spans, encoding, 0, span());
    otlp::append_span(spans, encoding, 1, SpanData{});
    write(folder + "traces" + end, otlp::request(otlp::Signal::traces, encoding, resource, spans));
    std::string logs;
    otlp::append_log(logs, encoding, 0, record());
    otlp::append_log(logs, encoding, 1, LogRecord{});
    write(folder + "logs" + end, otlp::request(otlp::Signal::logs, encoding, resource, logs));
    std::string points;
    std::size_t count = 0;
    for (const MetricData& metric : metrics.collect()) otlp::append_metric(points, encoding, count++, metric, start, now);
    write(folder + "metrics" + end, otlp::request(otlp::Signal::metrics, encoding, resource, points));
  }
  return 0;
}
