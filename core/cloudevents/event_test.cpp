#include "cloudevents/event.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

Result<Event> read(std::string_view json) {
  auto document = json::parse(json);
  EXPECT_TRUE(document.ok()) << json;
  return from_json(document->root());
}

/// An event with these further members.
std::string with(std::string_view members) {
  return R"({"specversion":"1.0","id":"1","source":"/s","type":"t")" + std::string(members.empty() ? "" : ",") +
         std::string(members) + "}";
}

/// The problems of an event that has these members too; empty when it is valid.
std::string problems(std::string_view members) {
  auto event = read(with(members));
  return event.ok() ? "" : event.error().message();
}

TEST(CloudEvent, EveryRequiredAttributeIsMissedAtOnce) {
  const auto event = read("{}");
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(event.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(event.error().detail(), "invalid_event");
  EXPECT_EQ(event.error().message(), "specversion: is required\nid: is required\nsource: is required\ntype: is required");
  EXPECT_FALSE(read("[]").ok());
  EXPECT_FALSE(read("null").ok());
}

TEST(CloudEvent, JsonRoundTripKeepsEveryKindOfValue) {
  const std::string all =
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json","dataschema":"urn:x","subject":"s",)"
      R"("time":"2024-01-15T10:30:00.5+01:00","n":-5,"flag":true,"text":"é","data":{"big":123456789012345678901234567890,"x":[1.5,null]}})";
  const auto event = read(all);
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(to_json(*event), all);
  EXPECT_EQ(event->attribute("n"), "-5");
  EXPECT_EQ(event->extension("n")->as_integer(), -5);
  EXPECT_TRUE(event->extension("flag")->as_boolean());
  EXPECT_EQ(event->attribute("specversion"), "1.0");
}

TEST(CloudEvent, NullAttributeIsAbsentNullDataIsData) {
  const auto event = read(with(R"("subject":null,"ext":null,"data_base64":null,"data":null)"));
  ASSERT_TRUE(event.ok()) << event.error().message();
  EXPECT_EQ(to_json(*event), with(R"("data":null)"));
  EXPECT_EQ(to_json(*read(with(""))), with(""));
}

TEST(CloudEvent, RulesThatOnlyTheTextHas) {
  EXPECT_NE(problems(R"("My-Ext":"x")"), "");
  EXPECT_NE(problems(R"("UPPER":"x")"), "");
  EXPECT_NE(problems(R"("with_under":"x")"), "");
  EXPECT_NE(problems(R"("":"x")"), "");
  EXPECT_NE(problems(R"("ext":{"a":1})"), "");
  EXPECT_NE(problems(R"("ext":[1])"), "");
  EXPECT_NE(problems(R"("ext":1.5)"), "");
  EXPECT_NE(problems(R"("ext":1.0)"), "");
  EXPECT_NE(problems(R"("ext":2147483648)"), "");
  EXPECT_NE(problems(R"("ext":-2147483649)"), "");
  EXPECT_NE(problems(R"("ext":18446744073709551615)"), "");
  EXPECT_EQ(problems(R"("ext1":2147483647,"ext2":-2147483648,"averyveryverylongname25":false,"empty":"")"), "");
  EXPECT_NE(problems("\"ext\":\"a\\u0000b\""), "");
  EXPECT_NE(problems(R"("ext":"a\u001fb")"), "");
  EXPECT_NE(problems("\"ext\":\"a\\u007f\""), "");
  EXPECT_NE(problems("\"ext\":\"a\\u0085\""), "");
  EXPECT_NE(problems("\"ext\":\"a\\uffff\""), "");
  EXPECT_NE(problems("\"ext\":\"a\\ufdd0\""), "");
  EXPECT_NE(problems("\"ext\":\"\\ud83f\\udfff\""), "");  // U+1FFFF
  EXPECT_EQ(problems("\"ext\":\"\\ud83d\\ude00 \\u00a0\""), "");
  EXPECT_NE(problems(R"("data":1,"data_base64":"AA==")"), "");
  EXPECT_NE(problems(R"("data":null,"data_base64":"AA==")"), "");
  EXPECT_EQ(problems(R"("data":1,"data_base64":null)"), "");
  EXPECT_NE(problems(R"("data_base64":"AA")"), "");
  EXPECT_NE(problems(R"("data_base64":"A-A=")"), "");
  EXPECT_NE(problems(R"("data_base64":5)"), "");
  EXPECT_NE(problems(R"("id":"2")"), "") << "twice";
}

TEST(CloudEvent, StandardAttributes) {
  for (const char* bad :
       {R"("subject":"")", R"("subject":5)", R"("dataschema":"")", R"("dataschema":"/relative")", R"("dataschema":"a b")",
        R"("time":"yesterday")", R"("time":"2024-01-15")", R"("time":"2024-01-15T10:30:00")", R"("time":"2023-02-29T00:00:00Z")",
        R"("time":1)", R"("datacontenttype":"text")", R"("datacontenttype":"")", R"("datacontenttype":"text/plain; charset")"}) {
    EXPECT_NE(problems(bad), "") << bad;
  }
  for (const char* good :
       {R"("dataschema":"https://x/y#z")", R"("time":"2024-01-15T10:30:00Z")", R"("time":"2016-12-31T23:59:60Z")",
        R"("time":"2024-01-15t10:30:00.123456789z")", R"("datacontenttype":"text/plain; charset=\"utf-8\"","data":"x")"}) {
    EXPECT_EQ(problems(good), "") << good;
  }
  EXPECT_FALSE(read(R"({"specversion":"0.3","id":"1","source":"/s","type":"t"})").ok());
  EXPECT_FALSE(read(R"({"specversion":1.0,"id":"1","source":"/s","type":"t"})").ok());
}

TEST(CloudEvent, SourceIsAUriReference) {
  for (const char* good : {"https://github.com/cloudevents", "mailto:a@b.c", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
                           "cloudevents/spec/pull/123", "/sensors/tn-1234567/alerts", "1-555-123-4567", "//host/p?q#f", "?q",
                           "#f", "./a:b", "%20"}) {
    EXPECT_TRUE(detail::is_uri_reference(good)) << good;
  }
  for (const char* bad : {"a b", "1:2", "%zz", "a\\b", "é", "<x>", "http://[::1", "a##b", ":a"}) {
    EXPECT_FALSE(detail::is_uri_reference(bad)) << bad;
  }
}

TEST(CloudEvent, DataByItsType) {
  const auto text = read(with(R"("datacontenttype":"application/xml","data":"<a/>")"));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->data->kind(), Data::Kind::text);
  EXPECT_EQ(text->data->to_bytes(), "<a/>");
  const auto json = read(with(R"("datacontenttype":"application/vnd.x+json","data":"<a/>")"));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->data->kind(), Data::Kind::json);
  EXPECT_EQ(json->data->to_bytes(), "\"<a/>\"");
  const auto bytes = read(with(R"("datacontenttype":"image/png","data_base64":"AP8=")"));
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->data->to_bytes(), std::string("\0\xff", 2));
  EXPECT_EQ(to_json(*bytes), with(R"("datacontenttype":"image/png","data_base64":"AP8=")"));
}

TEST(CloudEvent, BuiltInCode) {
  Event event("com.example.x", "/s", "1");
  event.set_text("hi");
  event.set("tenant", AttributeValue::string("acme"));
  event.set("tenant", AttributeValue::string("beta"));
  event.set("blob", AttributeValue::binary("\x01\x02"));
  event.set("at", AttributeValue::timestamp(WallTime(std::chrono::milliseconds(1500))));
  EXPECT_TRUE(validate(event).ok());
  EXPECT_EQ(event.attribute("tenant"), "beta");
  EXPECT_EQ(event.attribute("blob"), "AQI=");
  EXPECT_EQ(event.attribute("at"), "1970-01-01T00:00:01.5Z");
  event.set("id", AttributeValue::string("2"));
  EXPECT_FALSE(validate(event).ok()) << "a standard attribute is no extension";
  event.extensions.clear();
  event.set("link", AttributeValue::uri("/relative"));
  EXPECT_FALSE(validate(event).ok());
  event.extensions.clear();
  event.datacontenttype.clear();
  EXPECT_FALSE(validate(event).ok()) << "text without its type";
}

TEST(CloudEvent, BatchIsAllOrNothing) {
  const auto batch = [](const std::string& text, std::size_t max) {
    auto document = json::parse(text);
    return batch_from_json(document->root(), max);
  };
  EXPECT_EQ(batch("[]", 10)->size(), 0U);
  EXPECT_EQ(batch("[" + with("") + "," + with("") + "]", 2)->size(), 2U);
  EXPECT_EQ(batch("[" + with("") + "," + with("") + "]", 1).error().kind(), ErrorKind::too_large);
  const auto bad = batch("[" + with("") + R"(,{"id":"2","source":"/s","type":"t","specversion":"1.0","X":1}])", 10);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message(), "[1].X: a name is made of lower-case letters and digits");
  EXPECT_FALSE(batch(with(""), 10).ok());
}

TEST(CloudEvent, NodesCarryBytesAsBytes) {
  const auto event = read(with(R"("n":1,"b":false,"data_base64":"AP8=")"));
  NodeBuilder nodes;
  to_nodes(*event, nodes);
  EXPECT_TRUE(nodes.root().find("data").is(NodeType::bytes));
  EXPECT_EQ(nodes.root().size(), 7U);
  const auto again = from_json(nodes.root());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(to_json(*again), to_json(*event));
}

TEST(CloudEvent, ProblemsAreBoundedAndReadable) {
  std::string members;
  for (int i = 0; i < 100; ++i) members += (i == 0 ? "\"X" : ",\"X") + std::to_string(i) + "\":1";
  members += ",\"\\u0007" + std::string(500, 'x') + "\":1";
  const std::string text = problems(members);
  EXPECT_LT(text.size(), 5000U);
  EXPECT_EQ(text.find('\a'), std::string::npos);
}

}  // namespace
}  // namespace spikard::cloudevents
