// Routes from the input (lines up to an empty one), then paths; the router against trying every pattern.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "http/router.hpp"
#include "http/urlencoded.hpp"

namespace {

using namespace spikard::http;

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == at) out.emplace_back();
    else out.back() += c;
  }
  return out;
}

/// One character a segment: what the pattern has there. The smallest string is the one that wins.
std::optional<std::string> rank(const PathPattern& pattern, const std::vector<std::string>& path) {
  std::string out;
  for (std::size_t i = 0; i < pattern.segments.size(); ++i) {
    const auto& s = pattern.segments[i];
    if (i >= path.size()) return std::nullopt;
    if (s.parameter && s.type == SegmentType::path)
      return path.size() == i + 1 && path[i].empty() ? std::nullopt : std::optional(out + "c");
    if (s.parameter) {
      if (path[i].empty()) return std::nullopt;
      out += 'b';
    } else {
      if (!decodes_to(path[i], s.text, false)) return std::nullopt;
      out += 'a';
    }
  }
  return pattern.segments.size() == path.size() ? std::optional(out) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2048) return 0;
  const std::vector<std::string> lines = split({reinterpret_cast<const char*>(data), size}, '\n');
  std::size_t i = 0;
  std::vector<std::string> patterns;
  std::vector<PathPattern> parsed;
  for (; i < lines.size() && !lines[i].empty(); ++i) {
    auto pattern = PathPattern::parse(lines[i]);
    if (!pattern.ok()) continue;
    const RouteSpec one{Method::get, lines[i], 0};
    if (!Router::build({&one, 1}).ok()) std::abort();
    patterns.push_back(lines[i]);
    parsed.push_back(std::move(*pattern));
    std::vector<RouteSpec> specs;
    for (std::uint32_t k = 0; k < patterns.size(); ++k) specs.push_back({Method::get, patterns[k], k});
    if (Router::build(specs).ok()) continue;
    patterns.pop_back();
    parsed.pop_back();
  }
  std::vector<RouteSpec> specs;
  for (std::uint32_t k = 0; k < patterns.size(); ++k) specs.push_back({Method::get, patterns[k], k});
  const auto router = Router::build(specs);
  if (!router.ok()) std::abort();
  std::array<std::string_view, Router::max_captures> captures;
  for (; i < lines.size(); ++i) {
    const std::string& path = lines[i];
    const Router::Match match = router->match(Method::get, path, captures);
    std::optional<std::string> best;
    std::uint32_t winner = 0;
    if (!path.empty() && path.front() == '/') {
      const std::vector<std::string> segments = split(std::string_view(path).substr(1), '/');
      for (std::uint32_t k = 0; k < parsed.size(); ++k) {
        const auto r = rank(parsed[k], segments);
        if (r && (!best || *r < *best)) {
          best = r;
          winner = k;
        }
      }
    }
    if ((match.outcome == Router::Outcome::found) != best.has_value()) std::abort();
    if (!best) continue;
    if (match.route != winner) std::abort();
    if (match.captures != parsed[winner].parameters().size()) std::abort();
    for (std::uint32_t c = 0; c < match.captures; ++c) {
      if (captures[c].empty() || captures[c].data() < path.data() ||
          captures[c].data() + captures[c].size() > path.data() + path.size())
        std::abort();
    }
  }
  return 0;
}
