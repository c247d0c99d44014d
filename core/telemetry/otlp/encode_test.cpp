#include "telemetry/otlp/encode.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "telemetry/otlp/protobuf.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::telemetry::otlp {
namespace {

// That the whole is what the official package decodes is tests/otlp/test_otlp.py's to show; here is what bytes alone say.

TEST(ProtobufWriterTest, LengthsOfEverySize) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 16383U, 16384U, 2097151U, 2097152U}) {
    std::string nested;
    ProtobufWriter w(nested);
    const std::size_t at = w.begin(3);
    nested.append(size, 'x');
    w.end(at);
    std::string flat;
    ProtobufWriter(flat).bytes_field(3, std::string(size, 'x'));
    EXPECT_EQ(nested, flat) << size;
  }
}

TEST(OtlpJsonTest, SpanAsTheSpecificationHasIt) {
  SpanData span;
  span.context = extract("00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01");
  span.parent_span_id = extract("00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b173-01").span_id;
  span.name = "I'm a server span";
  span.kind = SpanKind::server;
  span.start = WallTime(std::chrono::nanoseconds(1544712660000000000));
  span.end = WallTime(std::chrono::nanoseconds(1544712661000000000));
  span.attributes.set("my.span.attr", "some value");
  span.attributes.set("i", 5);
  std::string batch;
  append_span(batch, Encoding::json, 0, span);
  EXPECT_EQ(
      batch,
      R"({"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173",)"
      R"("name":"I'm a server span","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000",)"
      R"("attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}},{"key":"i","value":{"intValue":"5"}}],"flags":257})");
  append_span(batch, Encoding::json, 1, span);
  Attributes resource;
  resource.set("service.name", "my.service");
  const auto whole = json::parse(request(Signal::traces, Encoding::json, resource, batch));
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->root().find("resourceSpans").at(0).find("scopeSpans").at(0).find("spans").size(), 2U);
}

TEST(OtlpTest, RejectedItemsOfAnAnswer) {
  EXPECT_EQ(rejected(Signal::traces, Encoding::protobuf, ""), 0U);
  EXPECT_EQ(rejected(Signal::traces, Encoding::protobuf, std::string("\x0a\x07\x08\x05\x12\x03why", 9)), 5U);
  EXPECT_EQ(rejected(Signal::traces, Encoding::protobuf, std::string("\x12\x01x\x0a\x02\x08\x05", 7)), 5U);
  EXPECT_EQ(rejected(Signal::traces, Encoding::protobuf, "\xff\xff\xff"), 0U);
  EXPECT_EQ(rejected(Signal::traces, Encoding::json, R"({"partialSuccess":{"rejectedSpans":"5"}})"), 5U);
  EXPECT_EQ(rejected(Signal::logs, Encoding::json, R"({"partialSuccess":{"rejectedLogRecords":6}})"), 6U);
  EXPECT_EQ(rejected(Signal::metrics, Encoding::json, "{}"), 0U);
  EXPECT_EQ(rejected(Signal::metrics, Encoding::json, "[1"), 0U);
}

}  // namespace
}  // namespace spikard::telemetry::otlp
