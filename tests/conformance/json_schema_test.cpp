// The official JSON Schema test suite, 2020-12, from ../shared beside the repository (left out when it is not there).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "validation/schema.hpp"

namespace {

namespace fs = std::filesystem;
using spikard::Document;
using spikard::Value;
using spikard::validation::CompileOptions;
using spikard::validation::Issues;
using spikard::validation::Schema;

/// Test cases of `optional` that do not pass: where (a prefix of file/group/test), how many, and why.
struct Exception {
  std::string prefix;
  int failures;
  std::string reason;
};
const std::vector<Exception>& exceptions() {
  static const std::vector<Exception> list{
#include "json_schema_exceptions.inc"
  };
  return list;
}

fs::path suite() { return fs::current_path() / ".." / "shared" / "conformance" / "json-schema-2020-12"; }

Document read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  auto parsed = spikard::json::parse(text.str());
  EXPECT_TRUE(parsed.ok()) << path << ": " << (parsed.ok() ? "" : parsed.error().message());
  return parsed.ok() ? std::move(*parsed) : Document();
}

class JsonSchemaSuite : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(suite())) GTEST_SKIP() << "left out: " << suite() << " is not there";
    const fs::path remotes = suite() / "remotes";
    for (const auto& entry : fs::recursive_directory_iterator(remotes)) {
      if (entry.path().extension() == ".json")
        remotes_["http://localhost:1234/" + fs::relative(entry.path(), remotes).generic_string()] = read(entry.path());
    }
    for (const auto& [uri, document] : remotes_) options_.documents[uri] = document.root();
  }

  /// Runs a file; `table`: failures may be expected.
  void run(const fs::path& path, const std::string& name, bool table) {
    const Document file = read(path);
    for (const Value group : file.root().elements()) {
      const std::string group_name = name + "/" + std::string(group.find("description").text());
      const auto schema = Schema::compile(group.find("schema"), options_);
      for (const Value test : group.find("tests").elements()) {
        const std::string id = group_name + "/" + std::string(test.find("description").text());
        bool pass = schema.ok();
        std::string why = schema.ok() ? "" : schema.error().message();
        if (schema.ok()) {
          const Value data = test.find("data");
          const bool expected = test.find("valid").as_bool();
          pass = schema->valid(data) == expected;
          Issues issues;
          if (schema->check(data, {}, issues) != schema->valid(data) || issues.empty() != schema->valid(data)) {
            pass = false;
            why = "check and valid do not agree";
          }
        }
        ++ran_;
        const auto exception = std::find_if(exceptions().begin(), exceptions().end(),
                                            [&](const Exception& e) { return table && id.starts_with(e.prefix); });
        if (exception == exceptions().end()) EXPECT_TRUE(pass) << id << " " << why;
        else if (!pass) ++failures_[exception->prefix];
      }
    }
  }

  std::map<std::string, Document> remotes_;
  CompileOptions options_;
  int ran_ = 0;
  std::map<std::string, int> failures_;
};

TEST_F(JsonSchemaSuite, RequiredTests) {
  for (const auto& entry : fs::directory_iterator(suite() / "tests" / "draft2020-12")) {
    const std::string name = entry.path().stem().string();
    // format.json wants annotation only; our format asserts.
    if (entry.is_regular_file() && name != "format") run(entry.path(), name, false);
  }
  EXPECT_GT(ran_, 1000);
  std::cout << ran_ << " required tests\n";
}

TEST_F(JsonSchemaSuite, OptionalTests) {
  for (const auto& entry : fs::recursive_directory_iterator(suite() / "tests" / "draft2020-12" / "optional")) {
    if (entry.path().extension() != ".json") continue;
    const std::string name =
        fs::relative(entry.path(), suite() / "tests" / "draft2020-12" / "optional").replace_extension().generic_string();
    run(entry.path(), name, true);
  }
  EXPECT_GT(ran_, 500);
  int excepted = 0;
  for (const Exception& e : exceptions()) {
    EXPECT_EQ(failures_[e.prefix], e.failures) << e.prefix << ": " << e.reason;
    excepted += e.failures;
  }
  std::cout << ran_ << " optional tests, " << excepted << " of them listed exceptions\n";
}

}  // namespace
