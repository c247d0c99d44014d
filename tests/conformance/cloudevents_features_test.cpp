// The scenarios of cloudevents/conformance (Gherkin files beside the repository, left out when they are not there) against the
// codec. Only the steps that they use are known; any other fails.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "cloudevents/message.hpp"

namespace {

namespace fs = std::filesystem;
using namespace spikard;
using namespace spikard::cloudevents;

std::string trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return std::string(text);
}

std::string replaced(std::string text, const std::map<std::string, std::string>& row) {
  for (const auto& [name, value] : row) {
    const std::string place = "<" + name + ">";
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at + value.size()))
      text.replace(at, place.size(), value);
  }
  return text;
}

struct Step {
  std::string text;
  std::string document;                         // between """
  std::vector<std::vector<std::string>> table;  // rows of | |
};

struct Scenario {
  std::string name;
  std::vector<Step> steps;
  std::vector<std::vector<std::string>> examples;
};

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> row;
  std::size_t from = line.find('|') + 1;
  for (std::size_t bar = line.find('|', from); bar != std::string::npos; bar = line.find('|', from)) {
    row.push_back(trim(std::string_view(line).substr(from, bar - from)));
    from = bar + 1;
  }
  return row;
}

std::vector<Scenario> read(const fs::path& path) {
  std::ifstream in(path);
  std::vector<Scenario> list;
  std::string line;
  bool examples = false;
  bool background = false;
  while (std::getline(in, line)) {
    const std::string text = trim(line);
    if (text.empty() || text[0] == '#' || text[0] == '@' || text.starts_with("Feature:")) continue;
    if (text.starts_with("Background:")) {
      background = true;
    } else if (text.starts_with("Scenario")) {
      background = examples = false;
      list.push_back({trim(text.substr(text.find(':') + 1)), {}, {}});
    } else if (text.starts_with("Examples:")) {
      examples = true;
    } else if (background || list.empty()) {
      continue;
    } else if (text == R"(""")") {
      const std::size_t indent = line.find('"');
      std::string& document = list.back().steps.back().document;
      while (std::getline(in, line) && trim(line) != R"(""")") {
        document += line.size() > indent ? line.substr(std::min(indent, line.find_first_not_of(' '))) : "";
        document += '\n';
      }
      if (!document.empty()) document.pop_back();
    } else if (text[0] == '|') {
      (examples ? list.back().examples : list.back().steps.back().table).push_back(cells(text));
    } else {
      list.back().steps.push_back({text.substr(text.find(' ') + 1), {}, {}});
    }
  }
  return list;
}

/// A message in the making and what came of it.
struct World {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<Event> event;

  void http_request(const std::string& text) {
    std::size_t at = text.find('\n') + 1;  // the request line
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      if (line.empty()) break;
      headers.emplace_back(line.substr(0, line.find(':')), trim(line.substr(line.find(':') + 1)));
    }
    body = at < text.size() ? text.substr(at) : "";
  }

  void parse(bool http) {
    std::vector<FieldView> views;
    for (const auto& [name, value] : headers) views.push_back({name, value});
    auto decoded = http ? decode_http(views, body) : decode_broker(Binding::kafka, views, "", body);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message();
    event = decoded->events.at(0);
  }

  void run(const Step& step) {
    if (step.text == "an HTTP request") {
      http_request(step.document);
    } else if (step.text == "a Kafka message with payload:") {
      body = step.document;
    } else if (step.text == "Kafka headers:") {
      for (std::size_t i = 1; i < step.table.size(); ++i) headers.emplace_back(step.table[i][0], step.table[i][1]);
    } else if (step.text == "parsed as HTTP request" || step.text == "parsed as Kafka message") {
      parse(step.text == "parsed as HTTP request");
    } else if (step.text == "the attributes are:") {
      ASSERT_TRUE(event);
      for (std::size_t i = 1; i < step.table.size(); ++i)
        EXPECT_EQ(event->attribute(step.table[i][0]), step.table[i][1]) << step.table[i][0];
    } else if (step.text == "the data is equal to the following JSON:") {
      ASSERT_TRUE(event && event->data);
      const auto wanted = json::parse(step.document);
      ASSERT_TRUE(wanted.ok());
      EXPECT_TRUE(equal(event->data->value(), wanted->root())) << event->data->to_bytes();
    } else {
      FAIL() << "a step that is not known: " << step.text;
    }
  }
};

TEST(CloudEventsConformance, EveryScenario) {
  const fs::path folder = fs::current_path() / ".." / "shared/conformance/cloudevents-conformance/features";
  if (!fs::exists(folder)) GTEST_SKIP() << "left out: " << folder << " is not there";
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    for (const Scenario& scenario : read(entry.path())) {
      std::vector<std::map<std::string, std::string>> rows(scenario.examples.empty() ? 1 : scenario.examples.size() - 1);
      for (std::size_t i = 1; i < scenario.examples.size(); ++i) {
        for (std::size_t k = 0; k < scenario.examples[0].size(); ++k)
          rows[i - 1][scenario.examples[0][k]] = scenario.examples[i][k];
      }
      for (const auto& row : rows) {
        SCOPED_TRACE(entry.path().filename().string() + ": " + replaced(scenario.name, row));
        World world;
        for (Step step : scenario.steps) {
          step.text = replaced(step.text, row);
          step.document = replaced(step.document, row);
          for (auto& line : step.table) {
            for (std::string& cell : line) cell = replaced(cell, row);
          }
          world.run(step);
        }
        ++count;
      }
    }
  }
  EXPECT_EQ(count, 7U);
}

}  // namespace
