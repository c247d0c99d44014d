#include "telemetry/otlp/exporter.hpp"

#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "net/grpc/test_grpc_server.hpp"
#include "net/http_client/test_http_server.hpp"
#include "net/service_thread.hpp"

namespace spikard::telemetry::otlp {
namespace {

using net::test::Server;
using namespace std::chrono_literals;

struct OtlpExporterTest : ::testing::Test {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  Server server{*loop};
  std::vector<std::string> warnings;
  std::shared_ptr<OtlpExporter> exporter;
  std::shared_ptr<Provider> provider;

  void open(Function<void(services::TelemetryConfig&)> change = {}) {
    services::TelemetryConfig config;
    config.exporter = services::TelemetryExporter::otlp_http_json;
    config.endpoint = "http://" + server.address;
    config.schedule_delay_ms = 600000;  // nothing by itself
    if (change) change(config);
    Settings settings = *settings_from(config, {}, "svc");
    exporter = std::make_shared<OtlpExporter>(settings, [this](const std::string& text) { warnings.push_back(text); });
    ProviderOptions options(clock);
    options.exporter = exporter;
    options.resource = settings.resource;
    provider = std::make_shared<Provider>(std::move(options));
    ASSERT_TRUE(exporter->attach(*loop, *provider).ok());
  }
  ~OtlpExporterTest() override {
    if (exporter != nullptr) exporter->detach();
  }
  template <class F>
  void turn_until(F done) {
    for (int i = 0; i < 10000 && !done(); ++i) loop->turn(1000);
    ASSERT_TRUE(done());
  }
  bool flush(Duration timeout = 5s) {
    std::optional<bool> done;
    exporter->flush(timeout, [&](bool ok) { done = ok; });
    turn_until([&] { return done.has_value(); });
    return done.value_or(false);
  }
  void spans(int n) {
    for (int i = 0; i < n; ++i) provider->start("s", SpanKind::internal, {}).end();
  }
  void expect_balanced(const Counts& c) { EXPECT_EQ(c.ended, c.exported + c.dropped + c.failed + c.waiting); }
  static std::string ok() { return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"; }
  static std::string body_of(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }
};

TEST_F(OtlpExporterTest, FlushSendsEverythingInBatches) {
  open([](services::TelemetryConfig& c) {
    c.max_export_batch_size = 10;
    c.metrics = false;
    c.headers = {{"api-key", "secret"}};
  });
  for (int i = 0; i < 5; ++i) server.answers.push_back(ok());
  spans(25);
  Logger(nullptr, provider).log({}, log::Level::info, "hello", {{"a", 1}});
  EXPECT_TRUE(flush());
  EXPECT_EQ(server.requests.size(), 4U);
  std::size_t seen = 0;
  bool logs = false;
  for (const std::string& request : server.requests) {
    EXPECT_NE(request.find("api-key: secret"), std::string::npos);
    EXPECT_NE(request.find("Content-Type: application/json"), std::string::npos);
    const auto body = json::parse(body_of(request));
    ASSERT_TRUE(body.ok()) << request;
    if (request.starts_with("POST /v1/traces "))
      seen += body->root().find("resourceSpans").at(0).find("scopeSpans").at(0).find("spans").size();
    else logs = request.starts_with("POST /v1/logs ");
  }
  EXPECT_EQ(seen, 25U);
  EXPECT_TRUE(logs);
  const Counts c = exporter->spans();
  EXPECT_EQ(c.exported, 25U);
  EXPECT_EQ(c.waiting, 0U);
  expect_balanced(c);
}

TEST_F(OtlpExporterTest, FullBatchGoesByItselfAndTheRestAfterTheDelay) {
  open([](services::TelemetryConfig& c) {
    c.max_export_batch_size = 10;
    c.schedule_delay_ms = 50;
  });
  for (int i = 0; i < 4; ++i) server.answers.push_back(ok());
  spans(11);
  turn_until([&] { return exporter->spans().exported == 10; });
  turn_until([&] { return exporter->spans().exported == 11; });
}

TEST_F(OtlpExporterTest, DropsAreCountedExactly) {
  open([](services::TelemetryConfig& c) {
    c.max_queue_size = 100;
    c.metrics = false;
  });
  spans(250);
  EXPECT_EQ(exporter->spans().dropped, 150U);
  EXPECT_EQ(exporter->spans().waiting, 100U);
  server.answers = {ok()};
  EXPECT_TRUE(flush());
  expect_balanced(exporter->spans());
  spans(3);
  exporter->detach();
  EXPECT_EQ(exporter->spans().dropped, 153U);
  expect_balanced(exporter->spans());
}

TEST_F(OtlpExporterTest, RetriesWhatMayBeRetriedAndHonoursRetryAfter) {
  open([](services::TelemetryConfig& c) { c.metrics = false; });
  server.answers = {"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", "",
                    "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", ok()};
  spans(1);
  EXPECT_TRUE(flush(8s));
  EXPECT_EQ(server.requests.size(), 4U);
  EXPECT_EQ(exporter->spans().exported, 1U);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("cannot be exported"), std::string::npos);
  EXPECT_NE(warnings[1].find("again"), std::string::npos);
}

TEST_F(OtlpExporterTest, GivesUpWhatMayNot) {
  open([](services::TelemetryConfig& c) { c.metrics = false; });
  server.answers = {"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"2\"}}"};
  spans(5);
  EXPECT_FALSE(flush());
  EXPECT_EQ(exporter->spans().failed, 5U);
  spans(5);
  EXPECT_FALSE(flush());
  EXPECT_EQ(exporter->spans().failed, 7U);
  EXPECT_EQ(exporter->spans().exported, 3U);
  expect_balanced(exporter->spans());
}

TEST_F(OtlpExporterTest, BlackHoleEndsWithTheFlush) {
  server.mute = true;  // accepts, never answers
  open();
  spans(10);
  const Instant before = clock.now();
  EXPECT_FALSE(flush(100ms));
  EXPECT_LT(clock.now() - before, 2s);
  exporter->detach();
  EXPECT_EQ(exporter->spans().failed, 10U);
  expect_balanced(exporter->spans());
}

TEST_F(OtlpExporterTest, NobodyThereEndsAtItsTimeout) {
  open([](services::TelemetryConfig& c) {
    c.endpoint = "http://127.0.0.1:9";
    c.export_timeout_ms = 200;
    c.metrics = false;
  });
  spans(10);
  EXPECT_FALSE(flush());
  EXPECT_EQ(exporter->spans().failed, 10U);
}

TEST_F(OtlpExporterTest, GzipAndMetrics) {
  open([](services::TelemetryConfig& c) { c.compression = services::TelemetryCompression::gzip; });
  Tracer(provider).counter("orders", "{order}", "").add(3, {{"k", "v"}});
  Tracer(provider).histogram("h", "s", "").record(0.2);
  server.answers = {ok()};
  EXPECT_TRUE(flush());
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_TRUE(server.requests[0].starts_with("POST /v1/metrics "));
  EXPECT_NE(server.requests[0].find("Content-Encoding: gzip"), std::string::npos);
  const std::string body = body_of(server.requests[0]);
  std::string out(100000, '\0');
  ::z_stream stream{};
  ASSERT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ASSERT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  EXPECT_NE(out.find(R"("name":"orders")"), std::string::npos);
  EXPECT_NE(out.find(R"("isMonotonic":true)"), std::string::npos);
}

TEST_F(OtlpExporterTest, WhereNothingEndedNothingIsSent) {
  open([](services::TelemetryConfig& c) { c.metrics = false; });
  EXPECT_TRUE(flush());
  EXPECT_TRUE(server.requests.empty());
}

TEST_F(OtlpExporterTest, ItMeasuresItself) {
  open([](services::TelemetryConfig& c) {
    c.max_queue_size = 10;
    c.max_export_batch_size = 10;
    c.metrics = false;
  });
  server.answers = {ok()};
  spans(12);
  EXPECT_TRUE(flush());
  spans(3);
  std::map<std::string, std::vector<double>> seen;
  for (const MetricData& metric : provider->metrics().collect()) {
    for (const MetricPoint& point : metric.points)
      seen[metric.name].push_back(metric.type == MetricType::histogram ? static_cast<double>(point.count) : point.value);
  }
  EXPECT_EQ(seen["otel.sdk.processor.span.queue.size"], std::vector<double>{3});
  EXPECT_EQ(seen["otel.sdk.processor.span.queue.capacity"], std::vector<double>{10});
  EXPECT_EQ(seen["otel.sdk.processor.span.processed"], (std::vector<double>{13, 2}));  // the second: queue_full
  EXPECT_EQ(seen["otel.sdk.exporter.span.exported"], (std::vector<double>{10, 0}));
  EXPECT_EQ(seen["otel.sdk.exporter.operation.duration"], std::vector<double>{1});
  exporter->detach();
  for (const MetricData& metric : provider->metrics().collect()) EXPECT_FALSE(metric.name.starts_with("otel.sdk.processor"));
}

/// Several threads end spans while the service thread exports; nothing is lost or counted twice (TSan).
TEST(OtlpExporterThreads, NothingIsLostBetweenThreads) {
  RealClock clock;
  auto collector = net::ServiceThread::start(clock, "collector").value();
  std::unique_ptr<Server> server;
  std::promise<std::string> address;
  collector->loop().post([&] {
    server = std::make_unique<Server>(collector->loop());
    for (int i = 0; i < 4000; ++i) server->answers.push_back("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    address.set_value(server->address);
  });
  services::TelemetryConfig config;
  config.exporter = services::TelemetryExporter::otlp_http;
  config.endpoint = "http://" + address.get_future().get();
  config.max_queue_size = 1000;
  config.max_export_batch_size = 50;
  config.schedule_delay_ms = 1;
  const Settings settings = *settings_from(config, {}, "svc");
  auto exporter = std::make_shared<OtlpExporter>(settings, nullptr);
  ProviderOptions options(clock);
  options.exporter = exporter;
  auto provider = std::make_shared<Provider>(std::move(options));
  auto service = net::ServiceThread::start(clock).value();
  std::promise<void> attached;
  service->loop().post([&] {
    EXPECT_TRUE(exporter->attach(service->loop(), *provider).ok());
    attached.set_value();
  });
  attached.get_future().wait();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Tracer tracer(provider);
      for (int i = 0; i < 2000; ++i) {
        Span span = tracer.start("work", SpanKind::internal, {}, {{"i", i}});
        tracer.start("inner", SpanKind::client, span.context()).end();
        tracer.counter("c", "1", "").add();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::promise<bool> flushed;
  service->loop().post([&] { exporter->flush(20s, [&](bool ok) { flushed.set_value(ok); }); });
  EXPECT_TRUE(flushed.get_future().get());
  std::promise<void> gone;
  service->loop().post([&] {
    exporter->detach();
    gone.set_value();
  });
  gone.get_future().wait();
  const Counts c = exporter->spans();
  EXPECT_EQ(c.ended, 16000U);
  EXPECT_EQ(c.ended, c.exported + c.dropped);
  EXPECT_EQ(c.failed, 0U);
  std::promise<void> closed;
  collector->loop().post([&] {
    server.reset();
    closed.set_value();
  });
  closed.get_future().wait();
}

// ---- gRPC

struct OtlpGrpcTest : OtlpExporterTest {
  net::test::GrpcServer grpc{*loop};

  void open_grpc(Function<void(services::TelemetryConfig&)> change = {}) {
    open([&](services::TelemetryConfig& c) {
      c.exporter = services::TelemetryExporter::otlp_grpc;
      c.endpoint = "http://" + grpc.address;
      c.metrics = false;
      if (change) change(c);
    });
  }
};

TEST_F(OtlpGrpcTest, EachSignalGoesToItsService) {
  open_grpc([](services::TelemetryConfig& c) {
    c.metrics = true;
    c.headers = {{"Api-Key", "secret"}};
  });
  grpc.answers.resize(3);
  spans(2);
  Logger(nullptr, provider).log({}, log::Level::info, "hello", {});
  provider->metrics().counter("n", "1", "").add();
  EXPECT_TRUE(flush());
  std::vector<std::string> paths;
  for (const auto& request : grpc.requests) {
    paths.push_back(request.header(":path"));
    EXPECT_EQ(request.header("api-key"), "secret");
    EXPECT_EQ(request.header("grpc-encoding"), "");
    EXPECT_EQ(request.body.substr(0, 5), net::test::GrpcServer::framed(request.body.substr(5)).substr(0, 5));
  }
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (std::vector<std::string>{"/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                                             "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                                             "/opentelemetry.proto.collector.trace.v1.TraceService/Export"}));
  EXPECT_EQ(exporter->spans().exported, 2U);
  expect_balanced(exporter->spans());
}

TEST_F(OtlpGrpcTest, GzipIsSaid) {
  open_grpc([](services::TelemetryConfig& c) { c.compression = services::TelemetryCompression::gzip; });
  grpc.answers.resize(1);
  spans(100);
  EXPECT_TRUE(flush());
  EXPECT_EQ(grpc.requests[0].header("grpc-encoding"), "gzip");
  EXPECT_EQ(grpc.requests[0].body[0], 1);
  EXPECT_EQ(grpc.requests[0].body.substr(5, 2), "\x1f\x8b");
}

TEST_F(OtlpGrpcTest, ABusyCollectorIsAskedAgainAnOverfullOneWhenItSaysSo) {
  using Server = net::test::GrpcServer;
  open_grpc();
  // RetryInfo with no delay: at once
  const std::string delay = "\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x02\x0a";
  std::string any = delay + std::string(1, '\0');
  const std::string status = "\x1a" + std::string(1, static_cast<char>(any.size())) + any;
  grpc.answers = {
      Server::refusal("14", "later"), Server::refusal("8", "", {{"grpc-status-details-bin", base64::encode(status)}}), {}};
  spans(3);
  EXPECT_TRUE(flush());
  EXPECT_EQ(grpc.requests.size(), 3U);
  EXPECT_EQ(exporter->spans().exported, 3U);
  grpc.answers = {Server::refusal("8", "full")};
  spans(2);
  EXPECT_FALSE(flush());
  EXPECT_EQ(exporter->spans().failed, 2U);
  grpc.answers = {Server::refusal("3", "what is this?")};
  spans(1);
  EXPECT_FALSE(flush());
  EXPECT_EQ(exporter->spans().failed, 3U);
  expect_balanced(exporter->spans());
  EXPECT_EQ(warnings.size(), 3U);
  EXPECT_NE(warnings.back().find("RESOURCE_EXHAUSTED: full"), std::string::npos) << warnings.back();
}

TEST_F(OtlpGrpcTest, PartialSuccessIsCounted) {
  open_grpc();
  net::test::GrpcServer::Reply partial;
  partial.body = net::test::GrpcServer::framed(std::string("\x0a\x02\x08\x04"));  // partial_success {rejected_spans: 4}
  grpc.answers = {partial};
  spans(10);
  EXPECT_FALSE(flush());
  EXPECT_EQ(exporter->spans().exported, 6U);
  EXPECT_EQ(exporter->spans().failed, 4U);
}

TEST_F(OtlpGrpcTest, ASilentCollectorCostsTheFlushBudgetAndNothingElse) {
  open_grpc();
  net::test::GrpcServer::Reply silent;
  silent.then = net::test::GrpcServer::Then::silent;
  grpc.answers = {silent};
  spans(10);
  EXPECT_FALSE(flush(20ms));
  exporter->detach();
  EXPECT_EQ(exporter->spans().failed, 10U);
  expect_balanced(exporter->spans());
}

}  // namespace
}  // namespace spikard::telemetry::otlp
