#include "storage/file/names.hpp"

#include <cstddef>

namespace spikard::storage::file {

namespace {

constexpr std::size_t max_piece = 200;

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// How many bytes of `text` make a piece: as many as fit, no character cut where it is UTF-8.
std::size_t piece_of(std::string_view text) {
  std::size_t spelled = 0;
  std::size_t taken = 0;
  while (taken < text.size()) {
    const std::size_t more = text[taken] == '%' ? 3 : 1;
    if (spelled + more > max_piece) break;
    spelled += more;
    ++taken;
  }
  if (taken == text.size()) return taken;
  std::size_t cut = taken;
  while (cut > taken - 4 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
  return (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U ? taken : cut;
}

bool unescape(std::string_view name, std::string& out) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      out.push_back(name[i]);
      continue;
    }
    const std::string_view code = name.substr(i + 1, 2);
    if (code == "25") {
      out.push_back('%');
    } else if (code == "2e") {
      out.push_back('.');
    } else {
      return false;
    }
    i += 2;
  }
  return true;
}

}  // namespace

std::vector<std::string> spell(std::string_view segment) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t size = piece_of(segment);
    if (size == segment.size()) break;
    out.push_back(escaped(segment.substr(0, size)).append(piece_suffix));
    segment.remove_prefix(size);
  }
  if (segment == ".") {
    out.emplace_back("%2e");
  } else if (segment == "..") {
    out.emplace_back("%2e%2e");
  } else {
    out.push_back(escaped(segment));
  }
  return out;
}

std::optional<Spelled> read_name(std::string_view name) {
  Spelled out{Spelled::Kind::plain, {}};
  if (name.ends_with(piece_suffix)) {
    out.kind = Spelled::Kind::piece;
    name.remove_suffix(piece_suffix.size());
  } else if (name.ends_with(beside_suffix)) {
    out.kind = Spelled::Kind::beside;
    name.remove_suffix(beside_suffix.size());
  }
  if (name.empty() || !unescape(name, out.text)) return std::nullopt;
  return out;
}

}  // namespace spikard::storage::file
