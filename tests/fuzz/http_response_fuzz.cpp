// The response parser in one piece and in small ones must agree; URLs never crash.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http_client/response_parser.hpp"
#include "net/http_client/url.hpp"

namespace {

using spikard::net::http::ResponseParser;

struct Outcome {
  bool failed = false;
  bool done = false;
  bool keep = false;
  int status = 0;
  std::size_t taken = 0;
  std::size_t headers = 0;
  std::string body;
  bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view text, bool head, std::size_t step, std::size_t room) {
  ResponseParser parser(head);
  Outcome out;
  while (out.taken < text.size() && !parser.done()) {
    auto took = parser.feed(text.substr(out.taken, step), out.body, room);
    if (!took.ok()) {
      out = {};
      out.failed = true;
      return out;
    }
    out.taken += *took;
  }
  out.failed = !parser.end_of_stream().ok();
  out.done = parser.done();
  if (out.done) {
    out.keep = parser.keep_alive();
    out.status = parser.status();
    out.headers = parser.headers().size();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool head = (data[0] & 1U) != 0;
  const Outcome whole = parse(text, head, SIZE_MAX, SIZE_MAX);
  const Outcome pieces = parse(text, head, std::size_t{1} + data[1] % 17, std::size_t{1} + data[0] / 2);
  if (!(whole == pieces)) std::abort();
  (void)spikard::net::http::Url::parse(text);
  return 0;
}
