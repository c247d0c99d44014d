#include "store/postgres/wire.hpp"

#include <algorithm>
#include <charconv>

namespace spikard::store::postgres::wire {

Reader::Next Reader::next(Message& out) noexcept {
  if (pending() < 5) {
    want(5);
    return Next::more;
  }
  const char* at = front();
  const std::uint32_t length = get32(at + 1);
  if (length < 4 || length > max_) return Next::broken;
  const std::size_t whole = std::size_t{length} + 1;
  if (pending() < whole) {
    want(whole);
    return Next::more;
  }
  out.type = at[0];
  out.body = {at + 5, length - 4};
  take(whole);
  return Next::message;
}

std::string_view Body::text() noexcept {
  const std::size_t nul = rest_.find('\0');
  if (!ok_ || nul == std::string_view::npos) {
    ok_ = false;
    return {};
  }
  const std::string_view out = rest_.substr(0, nul);
  rest_.remove_prefix(nul + 1);
  return out;
}

ErrorFields read_error(std::string_view body) {
  ErrorFields out;
  Body in(body);
  for (;;) {
    const char kind = static_cast<char>(in.u8());
    if (!in.ok() || kind == 0) return out;
    const std::string_view value = in.text();
    switch (kind) {
      case 'V': out.severity = value; break;
      case 'S':
        if (out.severity.empty()) out.severity = value;
        break;
      case 'C': out.sqlstate = value; break;
      case 'M': out.message = value; break;
      case 's': out.schema = value; break;
      case 't': out.table = value; break;
      case 'c': out.column = value; break;
      case 'n': out.constraint = value; break;
      case 'P': out.position = value; break;
      default: break;
    }
  }
}

std::optional<std::vector<Field>> read_fields(std::string_view body) {
  Body in(body);
  const std::uint16_t count = in.u16();
  std::vector<Field> out;
  out.reserve(std::min<std::size_t>(count, body.size() / 19));
  for (std::uint16_t i = 0; i < count; ++i) {
    Field field;
    field.name = in.text();
    (void)in.bytes(6);  // table and column
    field.type = in.u32();
    (void)in.bytes(8);  // size, modifier, format
    if (!in.ok()) return std::nullopt;
    out.push_back(std::move(field));
  }
  return out;
}

std::optional<std::vector<std::uint32_t>> read_parameters(std::string_view body) {
  Body in(body);
  const std::uint16_t count = in.u16();
  std::vector<std::uint32_t> out;
  for (std::uint16_t i = 0; i < count; ++i) {
    out.push_back(in.u32());
    if (!in.ok()) return std::nullopt;
  }
  return out;
}

std::uint64_t affected_of(std::string_view tag) noexcept {
  if (tag.starts_with("SELECT") || tag.starts_with("FETCH")) return 0;
  const std::size_t space = tag.rfind(' ');
  if (space == std::string_view::npos) return 0;
  std::uint64_t count = 0;
  const auto [stop, code] = std::from_chars(tag.data() + space + 1, tag.data() + tag.size(), count);
  return code == std::errc() && stop == tag.data() + tag.size() ? count : 0;
}

}  // namespace spikard::store::postgres::wire
