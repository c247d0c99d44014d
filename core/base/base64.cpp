#include "base/base64.hpp"

#include <cstdint>

namespace spikard::base64 {
namespace {

constexpr char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct Table {
  std::uint8_t at[256];
};
constexpr Table values_of(const char* alphabet) {
  Table table{};
  for (auto& v : table.at) v = 255;
  for (std::uint8_t i = 0; i < 64; ++i) table.at[static_cast<unsigned char>(alphabet[i])] = i;
  return table;
}
constexpr Table standard_values = values_of(standard);
constexpr Table url_values = values_of(url);

std::uint32_t byte(std::string_view s, std::size_t at) { return static_cast<unsigned char>(s[at]); }

void encode_with(const char* alphabet, bool pad, std::string_view bytes, std::string& out) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  std::size_t at = 0;
  for (; bytes.size() - at >= 3; at += 3) {
    const std::uint32_t v = byte(bytes, at) << 16 | byte(bytes, at + 1) << 8 | byte(bytes, at + 2);
    const char group[] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63], alphabet[v & 63]};
    out.append(group, 4);
  }
  const std::size_t rest = bytes.size() - at;
  if (rest == 0) return;
  const std::uint32_t v = byte(bytes, at) << 16 | (rest == 2 ? byte(bytes, at + 1) << 8 : 0);
  out.push_back(alphabet[v >> 18]);
  out.push_back(alphabet[v >> 12 & 63]);
  if (rest == 2) out.push_back(alphabet[v >> 6 & 63]);
  if (pad) out.append(3 - rest, '=');
}

/// `text` without padding.
std::optional<std::string> decode_with(const Table& values, std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::uint8_t v = values.at[static_cast<unsigned char>(c)];
    if (v == 255) return std::nullopt;
    bits = bits << 6 | v;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held));
      bits &= (1U << held) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return out;
}

}  // namespace

void encode(std::string_view bytes, std::string& out) { encode_with(standard, true, bytes, out); }

std::string encode(std::string_view bytes) {
  std::string out;
  encode(bytes, out);
  return out;
}

std::string encode_url(std::string_view bytes) {
  std::string out;
  encode_with(url, false, bytes, out);
  return out;
}

std::optional<std::string> decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) text.remove_suffix(2);
  else if (text.ends_with('=')) text.remove_suffix(1);
  return decode_with(standard_values, text);
}

std::optional<std::string> decode_url(std::string_view text) { return decode_with(url_values, text); }

}  // namespace spikard::base64
