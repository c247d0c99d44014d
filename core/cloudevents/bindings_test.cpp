#include <gtest/gtest.h>

#include <map>

#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

Result<Decoded> decode(const Lines& headers, std::string_view body = {}) {
  std::vector<FieldView> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  return decode_http(views, body);
}

Lines minimal(const Lines& further = {}) {
  Lines lines{{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "/s"}, {"ce-type", "t"}};
  lines.insert(lines.end(), further.begin(), further.end());
  return lines;
}

std::string json_of(const Result<Decoded>& decoded) {
  if (!decoded.ok()) return "error: " + decoded.error().message();
  return decoded->events.size() == 1 ? to_json(decoded->events[0]) : to_json(decoded->events);
}

constexpr std::string_view minimal_json = R"({"specversion":"1.0","id":"1","source":"/s","type":"t"})";

TEST(HttpBinding, HeaderNamesInAnyCase) {
  EXPECT_EQ(
      json_of(decode({{"CE-SpecVersion", "1.0"}, {"Ce-Id", "1"}, {"ce-SOURCE", "/s"}, {"cE-type", "t"}, {"Ce-MyExt", "v"}})),
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t","myext":"v"})");
}

TEST(HttpBinding, PercentEncodedValues) {
  const auto subject = [](std::string value) {
    const auto decoded = decode(minimal({{"ce-subject", std::move(value)}}));
    return decoded.ok() ? decoded->events[0].subject : "refused";
  };
  EXPECT_EQ(subject("Euro%20%E2%82%AC%20%F0%9F%98%80"), "Euro € 😀");
  EXPECT_EQ(subject(R"("a \"b\"")"), "a \"b\"");
  EXPECT_EQ(subject(R"("a%20b")"), "a b");
  EXPECT_EQ(subject("%c3%a9"), "é");
  EXPECT_EQ(subject("100%25"), "100%");
  EXPECT_EQ(subject("%2541"), "%41");
  EXPECT_EQ(subject("%41b"), "Ab");
  EXPECT_EQ(subject("50% off"), "50% off");
  EXPECT_EQ(subject("%4"), "%4");
  EXPECT_EQ(subject("raw é"), "raw é");
  for (const char* bad : {"%C0%A0", "%FF", "a%E2%82", "%ED%A0%80", "%F4%90%80%80", "%0A", "%00", "%C2%85", "%EF%BF%BF", ""})
    EXPECT_EQ(subject(bad), "refused") << bad;
}

TEST(HttpBinding, EveryValueComesBackAsItWas) {
  std::string all;
  for (char32_t c = 0xA0; c < 0x2000; c += 37) {
    if (c < 0x800) {
      all += static_cast<char>(0xC0 | c >> 6);
    } else {
      all += static_cast<char>(0xE0 | c >> 12);
      all += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    }
    all += static_cast<char>(0x80 | (c & 0x3F));
  }
  for (char c = 0x20; c < 0x7F; ++c) all += c;
  std::string encoded;
  detail::percent_encode(all, encoded);
  for (const char c : encoded) EXPECT_TRUE(c > 0x20 && c < 0x7F && c != '"');
  EXPECT_EQ(detail::decode_header_value(encoded), all);
  std::string euro;
  detail::percent_encode("Euro € 😀", euro);
  EXPECT_EQ(euro, "Euro%20%E2%82%AC%20%F0%9F%98%80");
}

TEST(HttpBinding, PayloadByContentType) {
  EXPECT_EQ(
      json_of(decode(minimal({{"Content-Type", "application/json; charset=utf-8"}}), R"({ "a": 1.50 })")),
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json; charset=utf-8","data":{ "a": 1.50 }})");
  EXPECT_EQ(json_of(decode(minimal({{"Content-Type", "text/plain"}}), "héllo")),
            R"({"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"héllo"})");
  EXPECT_EQ(
      json_of(decode(minimal({{"Content-Type", "application/octet-stream"}}), std::string_view("\0\xff", 2))),
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/octet-stream","data_base64":"AP8="})");
  EXPECT_EQ(
      json_of(decode(minimal({{"Content-Type", "text/plain; charset=latin1"}}), "\xe9")),
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain; charset=latin1","data_base64":"6Q=="})");
  EXPECT_EQ(json_of(decode(minimal(), "x")), R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"eA=="})");
  EXPECT_EQ(json_of(decode(minimal())), minimal_json);
  EXPECT_FALSE(decode(minimal({{"Content-Type", "application/json"}}), "{").ok());
  EXPECT_FALSE(decode(minimal({{"Content-Type", "nonsense"}}), "x").ok());
}

TEST(HttpBinding, BinaryThatIsRefused) {
  EXPECT_FALSE(decode({{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-type", "t"}}).ok());
  EXPECT_FALSE(decode(minimal({{"ce-id", "2"}})).ok());
  EXPECT_FALSE(decode(minimal({{"ce-datacontenttype", "text/plain"}})).ok());
  EXPECT_FALSE(decode(minimal({{"ce-data", "x"}})).ok());
  EXPECT_FALSE(decode(minimal({{"ce-my-ext", "x"}})).ok());
  EXPECT_FALSE(decode(minimal({{"ce-", "x"}})).ok());
  EXPECT_FALSE(decode(minimal({{"ce-time", "now"}})).ok());
  EXPECT_TRUE(decode(minimal({{"ce-ext", ""}})).ok());
}

TEST(HttpBinding, ModesByMediaType) {
  EXPECT_EQ(*http_mode("Application/CloudEvents+JSON; charset=UTF-8"), Mode::structured);
  EXPECT_EQ(*http_mode("application/cloudevents-batch+json"), Mode::batched);
  EXPECT_EQ(*http_mode("application/json"), Mode::binary);
  EXPECT_EQ(*http_mode(""), Mode::binary);
  for (const char* unknown : {"application/cloudevents+avro", "application/cloudevents", "application/cloudevents-batch+xml"})
    EXPECT_EQ(http_mode(unknown).error().detail(), "unknown_format") << unknown;
  EXPECT_EQ(http_mode("application/cloudevents+json; charset=utf-16").error().detail(), "unsupported_charset");
}

TEST(HttpBinding, StructuredIgnoresHeaders) {
  EXPECT_EQ(json_of(decode({{"content-type", "application/cloudevents+json"}, {"ce-id", "other"}}, minimal_json)), minimal_json);
  EXPECT_FALSE(decode({{"content-type", "application/cloudevents+json"}}, "").ok());
}

TEST(HttpBinding, EncodesInEveryMode) {
  Event event("t", "/s", "1");
  event.subject = "€ x";
  event.set("n", AttributeValue::integer(5));
  event.data = Data::json(json::parse(R"({"a":1})")->root());
  const auto binary = encode_http(event, Mode::binary);
  ASSERT_TRUE(binary.ok());
  EXPECT_EQ(binary->headers, (Fields{{"ce-specversion", "1.0"},
                                     {"ce-id", "1"},
                                     {"ce-source", "/s"},
                                     {"ce-type", "t"},
                                     {"ce-subject", "%E2%82%AC%20x"},
                                     {"ce-n", "5"},
                                     {"content-type", "application/json"}}));
  EXPECT_EQ(binary->body, R"({"a":1})");
  const auto structured = encode_http(event, Mode::structured);
  EXPECT_EQ(structured->headers, (Fields{{"content-type", "application/cloudevents+json"}}));
  EXPECT_EQ(json_of(decode(structured->headers, structured->body)), to_json(event));
  const auto batch = encode_http(std::vector<Event>{event, event});
  EXPECT_EQ(decode(batch->headers, batch->body)->events.size(), 2U);
  EXPECT_FALSE(encode_http(Event(), Mode::binary).ok());
}

std::map<std::string, std::string> fields(const BrokerMessage& message) { return {message.fields.begin(), message.fields.end()}; }

Event sample() {
  Event event("t", "/s", "1");
  event.subject = "€ x";
  event.set("partitionkey", AttributeValue::string("k7"));
  event.set_json(json::parse(R"({"a":1})")->root());
  return event;
}

TEST(BrokerBinding, KafkaIsPlainUtf8WithAKeyMapper) {
  const auto message = encode_broker(sample(), Binding::kafka, Mode::binary, "partitionkey");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->key, "k7");
  EXPECT_EQ(fields(*message).at("ce_subject"), "€ x");
  EXPECT_EQ(fields(*message).at("ce_partitionkey"), "k7");
  EXPECT_EQ(fields(*message).at("content-type"), "application/json");
  EXPECT_FALSE(message->content_type);
  EXPECT_FALSE(encode_broker(sample(), Binding::kafka, Mode::binary)->key);
}

TEST(BrokerBinding, EveryBindingAndModeComesBackAsItWas) {
  for (const Binding binding : {Binding::kafka, Binding::amqp, Binding::mqtt3, Binding::mqtt5, Binding::nats, Binding::redis}) {
    for (const Mode mode : {Mode::binary, Mode::structured}) {
      const auto message = encode_broker(sample(), binding, mode);
      if (mode == Mode::binary && binding == Binding::mqtt3) {
        EXPECT_EQ(message.error().kind(), ErrorKind::unsupported);
        continue;
      }
      ASSERT_TRUE(message.ok()) << name_of(binding);
      std::vector<FieldView> views;
      for (const auto& [name, value] : message->fields) views.push_back({name, value});
      const auto decoded = decode_broker(binding, views, message->content_type.value_or(""), message->body.value_or(""));
      ASSERT_TRUE(decoded.ok()) << name_of(binding) << decoded.error().message();
      EXPECT_EQ(decoded->mode, mode);
      EXPECT_EQ(to_json(decoded->events.at(0)), to_json(sample()));
    }
    EXPECT_EQ(binding_of(name_of(binding)), binding);
  }
}

TEST(BrokerBinding, AmqpTakesBothPrefixesAndItsOwnTypes) {
  const std::vector<Property> properties{{"cloudEvents_specversion", AttributeValue::string("1.0")},
                                         {"cloudEvents:id", AttributeValue::string("1")},
                                         {"cloudEvents_source", AttributeValue::string("/s")},
                                         {"cloudEvents_type", AttributeValue::string("t")},
                                         {"cloudEvents_n", AttributeValue::integer(5)},
                                         {"cloudEvents_b", AttributeValue::boolean(true)},
                                         {"x-other", AttributeValue::string("ignored")}};
  EXPECT_EQ(json_of(decode_broker(Binding::amqp, properties, "", "")),
            R"({"specversion":"1.0","id":"1","source":"/s","type":"t","n":5,"b":true})");
}

TEST(BrokerBinding, Mqtt5HasBareNames) {
  const auto message = encode_broker(sample(), Binding::mqtt5, Mode::binary);
  EXPECT_EQ(message->content_type, "application/json");
  EXPECT_EQ(fields(*message).at("specversion"), "1.0");
  EXPECT_FALSE(fields(*message).contains("datacontenttype"));
  const std::vector<FieldView> properties{
      {"specversion", "1.0"}, {"id", "1"}, {"source", "/s"}, {"type", "t"}, {"not-ours", "x"}};
  EXPECT_EQ(json_of(decode_broker(Binding::mqtt5, properties, "", "")), minimal_json);
}

TEST(BrokerBinding, NatsHasHttpsHeadersAndTheDocumentOf1_0_2) {
  const auto message = encode_broker(sample(), Binding::nats, Mode::binary);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(fields(*message).at("ce-subject"), "%E2%82%AC%20x");
  EXPECT_EQ(fields(*message).at("ce-datacontenttype"), "application/json");
  EXPECT_FALSE(fields(*message).contains("content-type"));
  EXPECT_EQ(fields(*encode_broker(sample(), Binding::nats, Mode::structured)).at("content-type"), "application/cloudevents+json");
  const std::vector<FieldView> any_case{
      {"Ce-SpecVersion", "1.0"}, {"CE-ID", "\"1\""}, {"ce-source", "/s"}, {"ce-type", "t"}, {"other", "x"}};
  EXPECT_EQ(json_of(decode_broker(Binding::nats, any_case, "", "")), minimal_json);
  const std::vector<FieldView> none{{"other", "x"}};
  EXPECT_EQ(decode_broker(Binding::nats, none, "", minimal_json)->mode, Mode::structured) << "1.0.2 had no headers";
  const std::vector<FieldView> both{{"Content-Type", "application/cloudevents+json"}, {"ce-id", "not this"}};
  EXPECT_EQ(json_of(decode_broker(Binding::nats, both, "", minimal_json)), minimal_json);
  const std::vector<FieldView> overlong{{"ce-specversion", "1.0"}, {"ce-id", "%C0%A0"}, {"ce-source", "/s"}, {"ce-type", "t"}};
  EXPECT_FALSE(decode_broker(Binding::nats, overlong, "", "").ok());
}

TEST(BrokerBinding, UnknownFormatsAndBatchesAreRefused) {
  const std::vector<FieldView> avro{{"content-type", "application/cloudevents+avro"}};
  EXPECT_EQ(decode_broker(Binding::kafka, avro, "", "x").error().kind(), ErrorKind::unsupported);
  const std::vector<FieldView> batch{{"content-type", "application/cloudevents-batch+json"}};
  EXPECT_EQ(decode_broker(Binding::kafka, batch, "", "[]").error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(encode_broker(sample(), Binding::kafka, Mode::batched).error().kind(), ErrorKind::unsupported);
}

}  // namespace
}  // namespace spikard::cloudevents
