#include "report.hpp"

#include <cstdio>
#include <numeric>

#include "plan.hpp"

namespace spikard::cli::crash {
namespace {

std::string seconds(Duration span) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", std::chrono::duration<double>(span).count());
  return text;
}
std::int64_t milliseconds(Duration span) { return std::chrono::duration_cast<std::chrono::milliseconds>(span).count(); }

void print_as_json(const Report& report) {
  NodeBuilder out;
  const auto number = [&](std::string_view key, std::uint64_t value) { out.key(key), out.uinteger(value); };
  const auto texts = [&](std::string_view key, const std::vector<std::string>& list) {
    out.key(key);
    out.begin_array();
    for (const std::string& one : list) out.string(one);
    out.end();
  };
  const auto broken = report.promises_broken();
  out.begin_object();
  out.key("kept"), out.boolean(broken.empty());
  number("seed", report.seed);
  number("processes", report.processes);
  out.key("took_ms"), out.integer(milliseconds(report.took));
  out.key("settled_ms"), out.integer(milliseconds(report.settled));
  out.key("kills");
  out.begin_object();
  for (std::size_t i = 0; i < report.kills.size(); ++i) {
    out.key(kind_words[i]);
    out.begin_object();
    number("count", report.kills[i].count);
    out.key("slowest_recovery_ms"), out.integer(milliseconds(report.kills[i].slowest));
    out.end();
  }
  out.end();
  out.key("requests");
  out.begin_object();
  number("sent", report.sent);
  number("acknowledged", report.acknowledged);
  number("refused", report.refused);
  number("unknown", report.unknown);
  number("others", report.others);
  out.key("answers");
  out.begin_object();
  for (const auto& [status, count] : report.answers) number(std::to_string(status), count);
  out.end();
  out.end();
  out.key("checks");
  out.begin_array();
  for (const Found& one : report.checks) {
    out.begin_object();
    out.key("check"), out.string(one.what);
    number("there", one.there);
    number("lost", one.lost);
    if (one.sql) number("doubled", one.doubled), number("phantom", one.phantom);
    texts("examples", one.examples);
    out.end();
  }
  out.end();
  out.key("stuck");
  out.begin_array();
  for (const Remains& one : report.stuck) {
    out.begin_object();
    out.key("what"), out.string(one.what);
    out.key("count"), out.integer(one.count);
    out.end();
  }
  out.end();
  texts("looked_at", report.looked_at);
  texts("broken", broken);
  out.key("log"), out.string(report.log);
  out.end();
  print_json(out.root());
}

}  // namespace

std::vector<std::string> Report::promises_broken() const {
  std::vector<std::string> out = broken;
  for (const Found& one : checks) {
    const auto say = [&](std::uint64_t count, const char* what) {
      if (count == 0) return;
      std::string line = one.what + ": " + std::to_string(count) + " " + what;
      for (std::size_t i = 0, shown = 0; i < one.examples.size(); ++i) {
        if (!one.examples[i].starts_with(what)) continue;
        line += (shown++ == 0 ? ": " : ", ") + one.examples[i].substr(std::string_view(what).size() + 1);
      }
      out.push_back(std::move(line));
    };
    say(one.lost, "lost");
    say(one.doubled, "doubled");
    say(one.phantom, "phantom");
  }
  for (const Remains& one : stuck) out.push_back("stuck: " + one.what + ": " + std::to_string(one.count));
  return out;
}

void print(const Report& report, const Common& common) {
  if (common.json) return print_as_json(report);
  Table kills({"INTERRUPTED BY", "TIMES", "SLOWEST RECOVERY"});
  for (std::size_t i = 0; i < report.kills.size(); ++i) {
    const Counted& one = report.kills[i];
    if (one.count > 0) kills.add({std::string(kind_names[i]), std::to_string(one.count), seconds(one.slowest)});
  }
  kills.print("no kills");
  std::printf("\n");
  Table requests({"REQUESTS", "SENT", "ACKNOWLEDGED", "REFUSED", "UNKNOWN"});
  requests.add({"that make something", std::to_string(report.sent), std::to_string(report.acknowledged),
                std::to_string(report.refused), std::to_string(report.unknown)});
  if (report.others > 0) requests.add({"others", "", std::to_string(report.others), "", ""});
  requests.print("");
  std::string answers;
  for (const auto& [status, count] : report.answers)
    answers += (answers.empty() ? "" : ", ") + std::to_string(count) + " with " + std::to_string(status);
  std::printf("answered: %s\n", answers.empty() ? "none" : answers.c_str());
  std::printf("\n");
  Table checks({"CHECK", "THERE", "LOST", "DOUBLED", "PHANTOM"});
  for (const Found& one : report.checks) {
    const auto cell = [&](std::uint64_t n) { return one.sql ? std::to_string(n) : std::string("-"); };
    checks.add({one.what, std::to_string(one.there), std::to_string(one.lost), cell(one.doubled), cell(one.phantom)});
  }
  checks.print("no checks");
  std::printf("\n");
  for (const std::string& one : report.looked_at) std::printf("%s\n", one.c_str());
  const auto broken = report.promises_broken();
  if (report.stuck.empty() && !report.looked_at.empty())
    std::printf("nothing stuck %s after the load\n", seconds(report.settled).c_str());
  for (const std::string& one : broken) std::printf("BROKEN %s\n", one.c_str());
  if (!broken.empty() && !report.log.empty()) std::printf("what the application printed: %s\n", report.log.c_str());
  const std::uint32_t count = std::accumulate(report.kills.begin(), report.kills.end(), 0U,
                                              [](std::uint32_t sum, const Counted& one) { return sum + one.count; });
  std::printf("%s: %u kills in %s, seed %llu\n", broken.empty() ? "kept" : "broken", count, seconds(report.took).c_str(),
              static_cast<unsigned long long>(report.seed));
}

}  // namespace spikard::cli::crash
