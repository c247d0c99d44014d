// spec/cloudevents-1.0.2.schema.json against the official schema (beside the repository, left out when it is not there), over the
// events of the fixtures and generated mutations of them; and the codec against both: it takes nothing that they refuse.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "validation/schema.hpp"

namespace {

namespace fs = std::filesystem;
using spikard::Document;
using spikard::NodeBuilder;
using spikard::Value;
using spikard::validation::Schema;

const fs::path shared = fs::current_path() / ".." / "shared";

Document read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  auto parsed = spikard::json::parse(text.str());
  EXPECT_TRUE(parsed.ok()) << path << ": " << (parsed.ok() ? "" : parsed.error().message());
  return parsed.ok() ? std::move(*parsed) : Document();
}

/// A member of an object, its text replaced; the rest as it is.
Document changed(Value object, std::string_view member, const std::string* value) {
  std::string text;
  spikard::json::Writer out(text);
  out.begin_object();
  for (const auto& [key, old] : object.members()) {
    if (key == member) continue;
    out.key(key);
    out.write(old);
  }
  if (value != nullptr) {
    out.key(member);
    out.raw(*value);
  }
  out.end_object();
  return std::move(*spikard::json::parse(text));
}

/// Objects with a `specversion` or an `id` and a `source`, at any depth.
void collect(Value value, std::vector<Document>& events) {
  if (value.is_object()) {
    if (value.find("specversion").exists() || (value.find("id").exists() && value.find("type").exists()))
      events.emplace_back(value);
    for (const auto& [key, member] : value.members()) collect(member, events);
  } else if (value.is_array()) {
    for (const Value element : value.elements()) collect(element, events);
  }
}

const std::vector<std::string> members{"specversion",     "id",         "source", "type",        "subject", "time",
                                       "datacontenttype", "dataschema", "data",   "data_base64", "ext",     "Bad-Name"};
const std::vector<std::string> values{"null",
                                      "\"\"",
                                      "\"x\"",
                                      "\"1.0\"",
                                      "5",
                                      "1.5",
                                      "true",
                                      "[]",
                                      "{}",
                                      "[null]",
                                      R"({"a":1})",
                                      R"("2024-01-15T10:30:00Z")",
                                      R"("2024-13-15T10:30:00Z")",
                                      R"("2024-01-15")",
                                      R"("https://x/y")",
                                      R"("/relative")",
                                      R"("a b")",
                                      R"("text/plain")",
                                      R"("AP8=")",
                                      R"("A")",
                                      R"("\u0000")",
                                      "2147483648",
                                      "-1e400",
                                      R"("ü")"};

std::vector<Document> seeds() {
  std::vector<Document> list;
  const auto add = [&](std::string_view text) { list.push_back(std::move(*spikard::json::parse(text))); };
  add(R"({"specversion":"1.0","id":"1","source":"/s","type":"t"})");
  add(R"({"specversion":"1.0","id":"1","source":"https://x","type":"t","subject":"s","time":"2024-01-15T10:30:00Z","datacontenttype":"application/json","dataschema":"urn:x","data":{"a":[1]},"ext":5})");
  add(R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"AP8="})");
  add("{}");
  add("[]");
  add("null");
  if (fs::exists(shared / "fixtures/toolbox/cloudevents.json"))
    collect(read(shared / "fixtures/toolbox/cloudevents.json").root(), list);
  return list;
}

template <class Check>
std::size_t for_each_mutation(Check check) {
  std::size_t count = 0;
  std::mt19937 random(1);
  for (const Document& seed : seeds()) {
    check(seed.root());
    ++count;
    if (!seed.root().is_object()) continue;
    for (const std::string& member : members) {
      check(changed(seed.root(), member, nullptr).root());
      for (const std::string& value : values) {
        const Document once = changed(seed.root(), member, &value);
        check(once.root());
        // One further change, at random.
        check(changed(once.root(), members[random() % members.size()], &values[random() % values.size()]).root());
        count += 2;
      }
    }
  }
  return count;
}

Schema compiled(Value schema) {
  auto made = Schema::compile(schema);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message());
  return std::move(*made);
}

TEST(CloudEventsSchema, OursAgreesWithTheOfficialOne) {
  const fs::path official = shared / "conformance/cloudevents/cloudevents-1.0.2.json";
  if (!fs::exists(official)) GTEST_SKIP() << "left out: " << official << " is not there";
  const Document text = read(official);
  // The dialect is older; the keywords in use mean the same in both.
  const Document theirs_json = changed(text.root(), "$schema", nullptr);
  const Schema theirs = compiled(theirs_json.root());
  const Document ours_json = read("spec/cloudevents-1.0.2.schema.json");
  const Schema ours = compiled(ours_json.root());
  std::size_t valid = 0;
  const std::size_t count = for_each_mutation([&](Value event) {
    const bool a = theirs.valid(event);
    valid += a ? 1 : 0;
    ASSERT_EQ(a, ours.valid(event)) << spikard::json::to_string(event);
  });
  EXPECT_GT(count, 5000U);
  EXPECT_GT(valid, 1000U);
}

TEST(CloudEventsSchema, TheCodecTakesNothingThatItRefuses) {
  const Document ours_json = read("spec/cloudevents-1.0.2.schema.json");
  const Schema ours = compiled(ours_json.root());
  std::size_t taken = 0;
  for_each_mutation([&](Value value) {
    const auto event = spikard::cloudevents::from_json(value);
    if (!event.ok()) return;
    ++taken;
    EXPECT_TRUE(ours.valid(value)) << spikard::json::to_string(value);
    // What it writes is valid too, and reads back the same.
    const std::string written = to_json(*event);
    const Document again = std::move(*spikard::json::parse(written));
    EXPECT_TRUE(ours.valid(again.root())) << written;
    const auto read_again = spikard::cloudevents::from_json(again.root());
    ASSERT_TRUE(read_again.ok()) << written;
    EXPECT_EQ(to_json(*read_again), written);
  });
  EXPECT_GT(taken, 500U);
}

}  // namespace
