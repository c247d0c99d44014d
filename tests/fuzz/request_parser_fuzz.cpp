// The parser whole, byte by byte and in two parts must agree, and with the slow reference.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "http/h1/request_parser.hpp"
#include "reference_request_parser.hpp"

namespace {

using namespace spikard;
using http::h1::Parse;

void require(bool fine) {
  if (!fine) std::abort();
}

struct Outcome {
  Parse result = Parse::need_more;
  http::h1::Head head;
  http::h1::HeadError error;
  std::string text;
  std::vector<http::ViewPair> views;
};

/// Each part in memory of its exact size, so that a read past the end is seen.
Outcome feed(std::string_view input, const http::h1::HeadLimits& limits, std::size_t first, std::size_t step) {
  Outcome out;
  http::h1::RequestParser parser;
  out.views.resize(limits.header_count);
  std::size_t given = 0;
  std::size_t next = std::min(first, input.size());
  std::unique_ptr<char[]> memory;
  while (out.result == Parse::need_more) {
    auto grown = std::make_unique<char[]>(next);
    std::copy_n(memory.get(), given, grown.get());
    std::copy(input.begin() + static_cast<std::ptrdiff_t>(given), input.begin() + static_cast<std::ptrdiff_t>(next),
              grown.get() + given);
    memory = std::move(grown);
    given = next;
    out.result = parser.parse(memory.get(), 0, static_cast<std::uint32_t>(given), out.views.data(), limits);
    if (given == input.size()) break;
    next = std::min(given + step, input.size());
  }
  out.head = parser.head();
  out.error = parser.error();
  out.text.assign(memory.get(), given);
  return out;
}

void same(const Outcome& a, const Outcome& b) {
  require(a.result == b.result && a.error.status == b.error.status && a.error.message == b.error.message);
  if (a.result != Parse::done) return;
  require(a.head.end == b.head.end && a.head.header_count == b.head.header_count &&
          a.head.content_length == b.head.content_length);
  require(a.text.substr(0, a.head.end) == b.text.substr(0, b.head.end));
  for (std::uint32_t i = 0; i < a.head.header_count; ++i)
    require(a.views[i].value.off == b.views[i].value.off && a.views[i].value.len == b.views[i].value.len);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  http::h1::HeadLimits limits;
  if (data[0] & 1) limits = {40, 120, 4};
  const std::string_view input(reinterpret_cast<const char*>(data + 2), size - 2);
  if (input.empty()) return 0;
  const Outcome whole = feed(input, limits, input.size(), 1);
  same(whole, feed(input, limits, 1, 1));
  same(whole, feed(input, limits, 1 + data[1] % input.size(), input.size()));

  fuzz::ReferenceHead expected;
  const fuzz::Verdict verdict = fuzz::reference_parse(input, limits, expected);
  if (whole.result == Parse::need_more) require(verdict == fuzz::Verdict::incomplete);
  if (whole.result == Parse::error) require(verdict != fuzz::Verdict::accepted);
  if (whole.result != Parse::done) return 0;
  require(verdict == fuzz::Verdict::accepted);
  const auto text = [&](http::View v) { return std::string_view(whole.text).substr(v.off, v.len); };
  const http::h1::Head& head = whole.head;
  require(head.begin == expected.begin && head.end == expected.end && text(head.method_text) == expected.method &&
          text(head.target) == expected.target);
  require(text(head.path) == expected.path && text(head.query) == expected.query && head.version == expected.version);
  require(head.path_escaped == (expected.path.find('%') != std::string::npos));
  require(head.keep_alive == expected.keep_alive && head.expect_continue == expected.expect_continue &&
          head.upgrade == expected.upgrade);
  require((head.framing == http::h1::Framing::chunked) == expected.chunked &&
          (head.framing == http::h1::Framing::length) == expected.content_length.has_value());
  require(head.content_length == expected.content_length.value_or(0));
  require(head.header_count == expected.headers.size());
  for (std::uint32_t i = 0; i < head.header_count; ++i) {
    require(text(whole.views[i].name) == expected.headers[i].first && text(whole.views[i].value) == expected.headers[i].second);
  }
  return 0;
}
