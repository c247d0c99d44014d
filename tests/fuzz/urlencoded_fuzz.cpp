// Query pairs, decoding and form trees: decoding against the slow way, output is UTF-8, nothing out of bounds.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "http/urlencoded.hpp"

namespace {

using namespace spikard;

std::string slow_bytes(std::string_view text, bool plus) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus) {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
               std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Decodes code points one by one; anything that cannot be one is replaced byte by byte, and counted apart.
bool slow_is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto b = static_cast<unsigned char>(s[i]);
    int n = b < 0x80 ? 1 : b >> 5 == 6 ? 2 : b >> 4 == 14 ? 3 : b >> 3 == 30 ? 4 : 0;
    if (n == 0 || i + static_cast<std::size_t>(n) > s.size()) return false;
    std::uint32_t c = n == 1 ? b : b & (0x7FU >> n);
    for (int k = 1; k < n; ++k) {
      const auto x = static_cast<unsigned char>(s[i + static_cast<std::size_t>(k)]);
      if (x >> 6 != 2) return false;
      c = c << 6 | (x & 63);
    }
    const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return false;
    i += static_cast<std::size_t>(n);
  }
  return true;
}

void check(std::string_view text, bool plus) {
  const std::size_t room_size = http::max_decoded(text.size());
  auto memory = std::make_unique<char[]>(room_size);
  http::TextRoom room{memory.get(), memory.get() + room_size};
  const std::string_view fast = http::decode_component(text, room, plus);
  if (room.out_of_room || !slow_is_utf8(fast)) std::abort();
  const std::string bytes = slow_bytes(text, plus);
  if (slow_is_utf8(bytes)) {
    if (bytes != fast || !http::decodes_to(text, bytes, plus)) std::abort();
  } else if (fast.find("\xEF\xBF\xBD") == std::string_view::npos) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const std::string input(reinterpret_cast<const char*>(data), size);
  check(input, true);
  check(input, false);
  http::QueryPairs pairs(input);
  for (http::QueryPair pair; pairs.next(pair);) check(pair.value, true);
  NodeBuilder out;
  http::FormError error;
  if (http::form_to_tree(input, {}, out, error)) {
    const std::string text = json::to_string(out.root());
    const auto back = json::parse(text);
    if (!back.ok() || !equal(back->root(), out.root())) std::abort();
  } else if (!out.nodes().empty() || error.message.empty()) {
    std::abort();
  }
  bool found = false;
  NodeBuilder deep;
  (void)http::deep_object_to_tree(input, "a", {}, deep, found, error);
  if (found == deep.nodes().empty()) std::abort();
  return 0;
}
