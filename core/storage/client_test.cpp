#include "storage/client.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "net/virtual_clock.hpp"
#include "telemetry/memory_exporter.hpp"

namespace spikard::storage {
namespace {

/// Spans of calls (fixtures/README.md section 4, telemetry).
struct StorageSpans : ::testing::Test {
  net::VirtualClock clock;
  net::BlockingPool pool{clock};
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::shared_ptr<telemetry::MemoryExporter> exporter = std::make_shared<telemetry::MemoryExporter>();
  std::shared_ptr<Client> client;
  net::Caller caller{*loop};

  void SetUp() override {
    telemetry::ProviderOptions options(clock);
    options.exporter = exporter;
    services::StorageConfig config;
    config.url = "memory:";
    Environment environment(clock, pool);
    environment.tracer = telemetry::Tracer(std::make_shared<telemetry::Provider>(std::move(options)));
    client = Client::open(config, environment).value();
    caller.trace.trace_id[0] = 7;
    caller.trace.span_id[0] = 9;
    caller.trace.flags = 1;
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(std::move(task), [&](std::exception_ptr, std::optional<T> value) { out = std::move(value); });
    return std::move(out.value());
  }
  /// `name status attributes`, a line a span.
  std::string spans() {
    std::string out;
    for (const telemetry::SpanData& span : exporter->take_spans()) {
      EXPECT_EQ(span.kind, telemetry::SpanKind::client);
      EXPECT_EQ(span.context.trace_id[0], 7);
      EXPECT_EQ(span.parent_span_id[0], 9);
      NodeBuilder nodes;
      telemetry::write(nodes, span, {});
      out += span.name + " " + std::string(name_of(span.status)) + " " + json::to_string(nodes.root().find("attributes")) + "\n";
    }
    return out;
  }
};

TEST_F(StorageSpans, OneForEachCall) {
  (void)run(client->write(caller, "k", "x"));
  (void)run(client->exists(caller, "no"));
  (void)run(client->read(caller, "no"));
  (void)run(client->stat(caller, "/"));
  (void)run(client->copy(caller, "k", "l"));
  EXPECT_EQ(
      spans(),
      R"(storage.write unset {"storage.operation":"write","storage.backend":"memory","storage.key":"k","storage.outcome":"ok"}
storage.exists unset {"storage.operation":"exists","storage.backend":"memory","storage.key":"no","storage.outcome":"ok"}
storage.read error {"storage.operation":"read","storage.backend":"memory","storage.key":"no","storage.outcome":"not_found","error.type":"not_found"}
storage.stat error {"storage.operation":"stat","storage.backend":"memory","storage.key":"/","storage.outcome":"invalid_argument","error.type":"invalid_key"}
storage.copy unset {"storage.operation":"copy","storage.backend":"memory","storage.key":"k","storage.target":"l","storage.outcome":"ok"}
)");
}

TEST_F(StorageSpans, OfAStreamLastAsLongAsIt) {
  {
    auto writer = run(client->open_write(caller, "k"));
    (void)run((*writer)->write("abc"));
    EXPECT_EQ(spans(), "");
    (void)run((*writer)->finish());
  }
  EXPECT_NE(spans().find(R"("storage.outcome":"ok")"), std::string::npos);
  {
    auto reader = run(client->open_read(caller, "k"));
    EXPECT_EQ(spans(), "");
    EXPECT_EQ(run((*reader)->next()).value(), "abc");  // all there is: who knows the size need not ask again
    EXPECT_NE(spans().find(R"("storage.outcome":"ok")"), std::string::npos);
  }
  (void)run(client->open_read(caller, "k"));  // for its info
  EXPECT_NE(spans().find(R"("storage.outcome":"ok")"), std::string::npos);
  (void)run(client->write(caller, "large", std::string(1U << 20U, 'x')));
  (void)spans();
  {
    auto given_up = run(client->open_read(caller, "large"));
    (void)run((*given_up)->next());
  }
  EXPECT_NE(spans().find(R"("storage.outcome":"cancelled")"), std::string::npos);
  {
    auto given_up = run(client->open_write(caller, "k"));
  }
  EXPECT_NE(spans().find(R"("storage.outcome":"cancelled","error.type":"aborted")"), std::string::npos);
}

}  // namespace
}  // namespace spikard::storage
