// Operations, telemetry and limits of messaging, on memory:.
#include <cmath>

#include "messaging/memory/memory.hpp"
#include "messaging_rig.hpp"
#include "telemetry/memory_exporter.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::messaging {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using worker_loop::Outcome;

struct MessagingOperations : Rig {
  std::shared_ptr<Operations> operations;
  std::vector<std::pair<std::string, std::uint64_t>> made;
  std::shared_ptr<Script> script;

  void SetUp() override {
    Rig::SetUp();
    begin();
  }
  void begin() {
    script = std::make_shared<Script>(*loop);
    operations = std::make_shared<Operations>(client, [this](const std::string& name, std::uint64_t user) {
      made.emplace_back(name, user);
      return script;
    });
  }
  void TearDown() override {
    bool closed = false;
    operations->consumers().close([&] { closed = true; });
    settle();
    EXPECT_TRUE(closed);
    operations.reset();
    Rig::TearDown();
  }
  Result<Document> call(Operation operation, const std::string& args) {
    Document document = json::parse(args).value();
    Result<Document> result = await(operations->call(caller(), operation, std::move(document), nullptr));
    settle();
    return result;
  }
  std::string text(Operation operation, const std::string& args) {
    Result<Document> result = call(operation, args);
    return result.ok() ? json::to_string(result->root()) : result.error().to_string();
  }
};

TEST_P(MessagingOperations, WholeLife) {
  EXPECT_EQ(text(Operation::messaging_start_consumer,
                 R"({"name": "c", "topic": "t", "dead_letter": "t.dead", "user": 42, "backoff": null,
                     "schema": {"type": "object", "required": ["id"]}})"),
            R"({"consumer":1})");
  EXPECT_EQ(made, (std::vector<std::pair<std::string, std::uint64_t>>{{"c", 42}}));
  EXPECT_EQ(text(Operation::messaging_publish, R"({"topic": "t", "payload": "{\"id\": 1}", "key": "k", "headers": {"h": "v"}})"),
            R"({"position":1})");
  EXPECT_EQ(script->handled, Strings{R"({"id": 1}#1 ack)"});
  EXPECT_EQ(text(Operation::messaging_publish_batch,
                 R"({"messages": [{"topic": "t", "payload": "{}"}, {"topic": "u", "payload": "x", "key": null}]})"),
            R"({"positions":[2,3]})");
  EXPECT_EQ(text(Operation::messaging_stats, "{}"),
            R"({"messages_published":3,"messages_acked":1,"messages_dead_lettered":1,"messages_dropped":0})");
  Result<Document> list = call(Operation::messaging_list_dead_letters, R"({"topic": "t.dead"})");
  ASSERT_TRUE(list.ok());
  const Value first = list->root().find("messages").at(0);
  EXPECT_EQ(first.find("position").as_int(), 4);
  EXPECT_EQ(first.find("original_topic").text(), "t");
  EXPECT_EQ(first.find("group").text(), "c");
  EXPECT_EQ(first.find("reason").text(), "invalid");
  EXPECT_EQ(first.find("delivery_count").as_int(), 1);
  EXPECT_EQ(first.find("size").as_int(), 2);
  EXPECT_TRUE(first.find("payload").is_null());
  EXPECT_TRUE(first.find("validation_errors").is_string());
  EXPECT_TRUE(list->root().find("next").is_null());
  Result<Document> peeked = call(Operation::messaging_peek_dead_letter, R"({"topic": "t.dead", "position": 4})");
  ASSERT_TRUE(peeked.ok());
  EXPECT_EQ(peeked->root().find("message").find("payload").text(), "{}");
  EXPECT_TRUE(peeked->root().find("message").find("payload").is(NodeType::bytes));
  EXPECT_EQ(text(Operation::messaging_redrive_dead_letters, R"({"topic": "t.dead", "positions": [4], "to": "elsewhere"})"),
            R"({"count":1})");
  EXPECT_EQ(text(Operation::messaging_purge_dead_letters, R"({"topic": "t.dead"})"), R"({"count":0})");
  EXPECT_EQ(text(Operation::messaging_groups, "{}"),
            R"({"groups":[{"group":"c","topic":"t","waiting":0,"in_hand":0,"delayed":0}]})");
  EXPECT_EQ(text(Operation::messaging_seek, R"({"group": "c", "topic": "t", "position": 1})"), "{}");
  EXPECT_EQ(script->handled.size(), 2U);
  EXPECT_EQ(text(Operation::messaging_topic_match, R"({"style": "mqtt", "pattern": "a/+", "topic": "a/b"})"),
            R"({"value":true})");
  EXPECT_EQ(text(Operation::messaging_stop_consumer, R"({"consumer": 1})"), R"({"drained":true,"unfinished":0})");
  EXPECT_EQ(text(Operation::messaging_delete_group, R"({"group": "c", "topic": "t"})"), R"({"deleted":true})");
  EXPECT_EQ(call(Operation::messaging_stop_consumer, R"({"consumer": 1})").error().kind(), ErrorKind::not_found);
}

TEST_P(MessagingOperations, BadArgumentsAreNamed) {
  const auto message = [&](Operation operation, const std::string& args) {
    Result<Document> result = call(operation, args);
    EXPECT_FALSE(result.ok()) << args;
    if (result.ok()) return std::string();
    EXPECT_EQ(result.error().kind(), ErrorKind::invalid_argument) << args;
    return result.error().message();
  };
  using O = Operation;
  EXPECT_EQ(message(O::messaging_publish, R"({"topic": "t"})"), "payload: missing");
  EXPECT_EQ(message(O::messaging_publish, R"({"topic": "t", "payload": 1})"), "payload: expected text or bytes");
  EXPECT_EQ(message(O::messaging_publish, R"({"topic": "t", "payload": "", "headers": {"a": 1}})"), "headers.a: expected text");
  EXPECT_EQ(message(O::messaging_publish, R"({"topic": "t", "payload": "", "nope": 1})"), "nope: no such argument");
  EXPECT_EQ(message(O::messaging_publish, "[]"), "expected an object");
  EXPECT_EQ(message(O::messaging_publish_batch, R"({"messages": [{"topic": "t", "payload": ""}, {"topic": 1, "payload": ""}]})")
                .substr(0, 17),
            "messages[1].topic");
  EXPECT_EQ(message(O::messaging_publish_batch, R"({"messages": [{"topic": "t", "payload": ""}, {"topic": "", "payload": ""}]})")
                .substr(0, 17),
            "messages[1].topic");
  EXPECT_EQ(message(O::messaging_publish, R"({"topic": "t", "payload": "", "headers": {"": "v"}})"),
            "headers: expected names that are not empty");
  EXPECT_EQ(message(O::messaging_publish_batch, R"({"messages": [{"topic": "t", "payload": "", "headers": {"": "v"}}]})"),
            "messages[0].headers: expected names that are not empty");
  EXPECT_EQ(message(O::messaging_publish_batch, R"({"messages": [{"topic": "a.*", "payload": ""}]})").substr(0, 18),
            "messages[0].topic:");
  EXPECT_EQ(await(client->publish(caller(), Message("t", "", {}, Headers{{"n", "\xff"}}))).error().message(),
            "headers.n: expected UTF-8");
  EXPECT_NE(message(O::messaging_start_consumer, R"({"name": "c", "topic": "t", "concurrency": 0})").find("concurrency"),
            std::string::npos);
  EXPECT_NE(message(O::messaging_start_consumer, R"({"name": "c", "topic": "t", "start_from": "x"})").find("start_from"),
            std::string::npos);
  EXPECT_NE(message(O::messaging_start_consumer, R"({"name": "c", "topic": "t", "client": "x"})").find("client"),
            std::string::npos);
  EXPECT_NE(message(O::messaging_start_consumer, R"({"name": "c", "topic": "t", "user": "x"})").find("user"), std::string::npos);
  EXPECT_NE(message(O::messaging_start_consumer, R"({"topic": "t"})").find("name"), std::string::npos);
  EXPECT_EQ(message(O::messaging_seek, R"({"group": "g", "topic": "t"})"), "expected exactly one of position, time and from");
  EXPECT_EQ(message(O::messaging_seek, R"({"group": "g", "topic": "t", "time": "now"})"),
            "time: expected an instant as in RFC 3339");
  EXPECT_EQ(message(O::messaging_seek, R"({"group": "g", "topic": "t", "position": -1})"),
            "position: expected an integer of 0 or more");
  EXPECT_EQ(message(O::messaging_list_dead_letters, R"({"topic": "t", "limit": 1001})"),
            "limit: expected an integer from 1 to 1000");
  EXPECT_EQ(message(O::messaging_topic_match, R"({"style": "x", "pattern": "a", "topic": "a"})"),
            "style: expected `nats`, `mqtt`, `amqp` or `auto`");
  EXPECT_EQ(call(O::messaging_publish, R"({"topic": "t", "payload": "", "transaction": 1})").error().kind(),
            ErrorKind::unsupported);
}

TEST_P(MessagingOperations, PublishOnMemoryCompletesAtOnce) {
  start(config("c", "t"));
  const Document args = json::parse(R"({"topic": "t", "payload": "a"})").value();
  const std::optional<Result<Document>> now = operations->call_now(Operation::messaging_publish, args.root());
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(json::to_string((*now)->root()), R"({"position":1})");
  settle();
  EXPECT_EQ(handled("c"), Strings{"a#1 ack"});
}

TEST_P(MessagingOperations, AConsumerThatStopsIsNotStoppedAgainAndStaysOnTheList) {
  ASSERT_TRUE(call(Operation::messaging_start_consumer, R"({"name": "c", "topic": "t"})").ok());
  script->script["a"] = {Step(seconds(2), Outcome::ack())};
  publish("t", "a");
  std::string first;
  Document args = json::parse(R"({"consumer": 1})").value();
  spawn(operations->call(caller(), Operation::messaging_stop_consumer, std::move(args), nullptr),
        [&](const std::exception_ptr&, std::optional<Result<Document>> result) {
          first = result && result->ok() ? json::to_string(result->value().root()) : "failed";
        });
  settle();
  EXPECT_EQ(call(Operation::messaging_stop_consumer, R"({"consumer": 1})").error().kind(), ErrorKind::not_found);
  EXPECT_NE(operations->consumers().find(1), nullptr);
  EXPECT_EQ(first, "");
  advance(seconds(2));
  EXPECT_EQ(first, R"({"drained":true,"unfinished":0})");
  EXPECT_EQ(operations->consumers().find(1), nullptr);
}

TEST_P(MessagingOperations, AKilledConsumerHandsNothingBack) {
  ASSERT_TRUE(call(Operation::messaging_start_consumer, R"({"name": "c", "topic": "t", "ack_wait_ms": 1000})").ok());
  script->script["a"] = {Step(hours(1), Outcome::ack())};
  ASSERT_TRUE(call(Operation::messaging_publish, R"({"topic": "t", "payload": "a"})").ok());
  ASSERT_TRUE(call(Operation::messaging_kill_consumer, R"({"consumer": 1})").ok());
  services::Consumer next = config("d", "t", "c");
  start(next);
  EXPECT_EQ(handled("d"), Strings{});
  advance(seconds(1));
  EXPECT_EQ(handled("d"), Strings{"a#2 ack"});
}

TEST_P(MessagingOperations, TheDrainOfAllStartsNoneAnyMore) {
  ASSERT_TRUE(call(Operation::messaging_start_consumer, R"({"name": "c", "topic": "t"})").ok());
  script->script["a"] = {Step(seconds(1), Outcome::ack())};
  ASSERT_TRUE(call(Operation::messaging_publish, R"({"topic": "t", "payload": "a"})").ok());
  bool stopped = false;
  bool idle = false;
  operations->consumers().stop_taking([&] { stopped = true; });
  operations->consumers().finish([&] { idle = true; });
  settle();
  EXPECT_TRUE(stopped);
  EXPECT_FALSE(idle);
  EXPECT_EQ(call(Operation::messaging_start_consumer, R"({"name": "d", "topic": "t"})").error().kind(), ErrorKind::unavailable);
  advance(seconds(1));
  EXPECT_TRUE(idle);
  EXPECT_EQ(operations->consumers().counts().acked, 1U);
}

struct MessagingTelemetry : Rig {
  std::shared_ptr<telemetry::MemoryExporter> exporter = std::make_shared<telemetry::MemoryExporter>();
  std::shared_ptr<telemetry::Provider> provider;
  void SetUp() override {
    telemetry::ProviderOptions options(clock);
    options.exporter = exporter;
    provider = std::make_shared<telemetry::Provider>(std::move(options));
    client_options.tracer = telemetry::Tracer(provider);
    Rig::SetUp();
  }
  void TearDown() override {
    Rig::TearDown();
    client_options.tracer = {};
  }
};

TEST_P(MessagingTelemetry, SendAndProcessAreOneTrace) {
  const Script& script = start(config("c", "t"), {{"a", {Outcome::error("boom")}}});
  publish("t", "a");
  advance(seconds(1));
  const std::vector<telemetry::SpanData> spans = exporter->take_spans();
  ASSERT_EQ(spans.size(), 3U);
  const telemetry::SpanData& send = spans[0];
  EXPECT_EQ(send.name, "send t");
  EXPECT_EQ(send.kind, telemetry::SpanKind::producer);
  EXPECT_EQ(send.attributes.find("messaging.system").text(), "memory");
  EXPECT_EQ(send.attributes.find("messaging.operation.type").text(), "send");
  EXPECT_EQ(send.attributes.find("messaging.destination.name").text(), "t");
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_EQ(spans[i].name, "process t");
    EXPECT_EQ(spans[i].kind, telemetry::SpanKind::consumer);
    EXPECT_EQ(spans[i].context.trace_id, send.context.trace_id);
    EXPECT_EQ(spans[i].parent_span_id, send.context.span_id);
    EXPECT_EQ(spans[i].attributes.find("messaging.consumer.group.name").text(), "g");
    EXPECT_EQ(spans[i].attributes.find("messaging.operation.type").text(), "process");
  }
  EXPECT_EQ(spans[1].status, telemetry::SpanStatus::error);
  EXPECT_EQ(spans[2].status, telemetry::SpanStatus::unset);
  EXPECT_EQ(script.items[0]->trace.span_id, spans[1].context.span_id) << "what the handler does belongs to its span";
  bool consumed = false;
  for (const telemetry::MetricData& metric : provider->metrics().collect()) {
    if (metric.name != "messaging.client.consumed.messages") continue;
    consumed = true;
    double sum = 0;
    for (const telemetry::MetricPoint& point : metric.points) sum += point.value;
    EXPECT_EQ(sum, 2.0);
  }
  EXPECT_TRUE(consumed);
}

TEST_P(MessagingTelemetry, WhatCompletesAtOnceHasItsSpanToo) {
  telemetry::SpanContext trace;
  trace.trace_id.fill(0xab);
  trace.span_id.fill(0xcd);
  trace.flags = 1;
  start(config("c", "t"));
  Message message("t", "a");
  const auto position = client->publish_now(trace, message);
  ASSERT_TRUE(position.has_value() && position->ok());
  settle();
  const std::vector<telemetry::SpanData> spans = exporter->take_spans();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].parent_span_id, trace.span_id);
  EXPECT_EQ(spans[1].parent_span_id, spans[0].context.span_id);
  EXPECT_EQ(spans[1].context.trace_id, trace.trace_id);
}

TEST_P(MessagingTelemetry, WhatIsDroppedIsAMetric) {
  start(config("c", "t"), {{"a", {Outcome::nack(false)}}});
  publish("t", "a");
  double dropped = -1;
  for (const telemetry::MetricData& metric : provider->metrics().collect()) {
    if (metric.name == "messages_dropped") dropped = metric.points.at(0).value;
  }
  EXPECT_EQ(dropped, 1.0);
}

struct MessagingMemory : Rig {};

TEST_P(MessagingMemory, IsBoundedAndFreesWhatIsDone) {
  services::MessagingConfig small;
  small.url = "memory:";
  small.max_bytes = 1U << 20U;
  backend = messaging::open(small, Environment(clock)).value();
  client = std::make_shared<Client>(backend, ClientOptions());
  // Nobody waits for them: old ones go for new ones.
  for (int i = 0; i < 50; ++i) publish("t", std::string(100'000, 'x'));
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  start(one, {{std::string(100'000, 'y'), {Step(hours(1), Outcome::ack())}}});
  // Now somebody does.
  Result<std::uint64_t> last = std::uint64_t{0};
  int taken = 0;
  for (; taken < 50; ++taken) {
    last = await(client->publish(caller(), Message("t", std::string(100'000, 'y'))));
    if (!last.ok()) break;
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().kind(), ErrorKind::rate_limited);
  EXPECT_EQ(taken, 10);
  advance(hours(1));
  EXPECT_EQ(handled("c").size(), 10U);
  publish("t", "there is room again");
}

TEST_P(MessagingMemory, WhatCouldNeverFitTakesNoReplayAway) {
  services::MessagingConfig small;
  small.url = "memory:";
  small.max_bytes = 1U << 20U;
  backend = messaging::open(small, Environment(clock)).value();
  client = std::make_shared<Client>(backend, ClientOptions());
  publish("t", "old");
  const std::vector<Message> large(11, Message("t", std::string(100'000, 'x')));
  EXPECT_EQ(await(client->publish_batch(caller(), large)).error().kind(), ErrorKind::rate_limited);
  services::Consumer earliest = config("e", "t", "e");
  earliest.start_from = services::StartFrom::earliest;
  start(earliest);
  EXPECT_EQ(handled("e"), Strings{"old#1 ack"});
}

TEST_P(MessagingMemory, ReplayGoesBackAsFarAsTheRetention) {
  services::MessagingConfig brief;
  brief.url = "memory:";
  brief.retention_ms = 60'000;
  backend = messaging::open(brief, Environment(clock)).value();
  client = std::make_shared<Client>(backend, ClientOptions());
  start(config("slow", "t", "slow"), {{"old", {Step(hours(9), Outcome::ack())}}});
  publish("t", "old");
  advance(seconds(61));
  publish("t", "new");
  services::Consumer earliest = config("e", "t", "e");
  earliest.start_from = services::StartFrom::earliest;
  start(earliest);
  EXPECT_EQ(handled("e"), Strings{"new#1 ack"});
  advance(hours(9));
  EXPECT_EQ(handled("slow").back(), "old#1 ack") << "who waits for it keeps it";
}

TEST(MessagingRegistry, AUrlOfNobodyIsRefused) {
  net::VirtualClock clock;
  services::MessagingConfig config;
  for (const auto& [url, kind] : {std::pair{"memory:x", ErrorKind::invalid_argument},
                                  {"nope:", ErrorKind::invalid_argument},
                                  {"memory", ErrorKind::invalid_argument},
                                  {"sqlite:x.db", ErrorKind::unsupported}}) {
    config.url = url;
    Result<std::shared_ptr<Backend>> opened = messaging::open(config, Environment(clock));
    ASSERT_FALSE(opened.ok()) << url;
    EXPECT_EQ(opened.error().kind(), kind) << url;
    EXPECT_NE(opened.error().message().find("url:"), std::string::npos);
  }
}

BackendCase memory_case() {
  return {"memory", [] {
            return [](Clock& clock) {
              services::MessagingConfig config;
              config.url = "memory:";
              return messaging::open(config, Environment(clock));
            };
          }};
}
const auto name = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Backends, MessagingOperations, ::testing::Values(memory_case()), name);
INSTANTIATE_TEST_SUITE_P(Backends, MessagingTelemetry, ::testing::Values(memory_case()), name);
INSTANTIATE_TEST_SUITE_P(Backends, MessagingMemory, ::testing::Values(memory_case()), name);

}  // namespace
}  // namespace spikard::messaging
