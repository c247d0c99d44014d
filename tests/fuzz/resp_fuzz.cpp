// Replies in one piece and in small ones must agree; a copy is what it was copied from; URLs and redirections never crash.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/redis/error.hpp"
#include "net/redis/link.hpp"
#include "net/redis/resp.hpp"
#include "net/redis/url.hpp"

namespace {

using namespace spikard::net::redis;

void show(View view, std::string& out) {
  out.push_back(static_cast<char>('a' + static_cast<int>(view.kind())));
  out.append(view.text());
  if (const auto number = view.integer()) out.append(std::to_string(*number));
  (void)view.real();
  (void)view.truth();
  (void)view.find("id");
  std::size_t count = 0;
  for (const View one : view) {
    show(one, out);
    ++count;
  }
  if (view.has_elements() && count != view.size()) std::abort();
  out.push_back(';');
}

/// What was read, and where it ended.
std::string read(std::string_view in, std::size_t step) {
  Limits limits;
  limits.depth = 8;
  limits.bytes = 65536;
  limits.values = 4096;
  limits.line = 4096;
  Parser parser(limits);
  std::string out;
  std::size_t at = 0;
  std::size_t end = 0;
  while (end < in.size()) {
    end = std::min(in.size(), end + step);
    while (at < end) {
      const std::string_view rest = in.substr(at, end - at);
      const Parser::Status status = parser.parse(rest);
      if (status == Parser::Status::broken) return out + "broken";
      if (status == Parser::Status::more) {
        if (parser.wanted() <= rest.size()) std::abort();
        break;
      }
      std::string shown;
      show(parser.view(rest), shown);
      const Reply copy(parser.view(rest));
      std::string again;
      show(copy.view(), again);
      if (shown != again) std::abort();
      out += shown;
      at += parser.consumed();
      parser.next();
    }
  }
  return out + std::to_string(at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(text, SIZE_MAX / 2) != read(text, std::size_t{1} + data[0] % 23)) std::abort();
  constexpr std::array<std::string_view, 1> extra{"prefix"};
  (void)Options::parse(text, extra);
  (void)detail::redirection_of(text, Endpoint("h", 1));
  (void)error_of(text);
  (void)slot_of(text);
  return 0;
}
