#include "store/mysql/wire.hpp"

namespace spikard::store::mysql::wire {

Reader::Next Reader::next(std::string_view& out) {
  if (!joining_) joined_.clear();
  for (;;) {
    if (pending() < 4) {
      want(4);
      return Next::more;
    }
    const char* at = front();
    const auto length = static_cast<std::size_t>(get_le(at, 3));
    if (joined_.size() + length > max_) return Next::broken;
    if (pending() < length + 4) {
      want(length + 4);
      return Next::more;
    }
    // An error that the server sends of its own (it shuts down) has whatever number.
    const bool error = length > 0 && static_cast<unsigned char>(at[4]) == 0xFF;
    if (static_cast<std::uint8_t>(at[3]) != sequence_ && !error) return Next::broken;
    take(length + 4);
    ++sequence_;
    if (!joining_ && length < largest_packet) {
      out = {at + 4, length};
      return Next::packet;
    }
    joined_.append(at + 4, length);
    joining_ = length == largest_packet;
    if (joining_) continue;
    out = joined_;
    return Next::packet;
  }
}

std::uint64_t Body::length() noexcept {
  switch (const std::uint8_t first = u8(); first) {
    case 0xFC: return number(2);
    case 0xFD: return number(3);
    case 0xFE: return number(8);
    case 0xFB:
    case 0xFF: ok_ = false; return 0;
    default: return first;
  }
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

void Writer::end() {
  std::size_t left = out_.size() - header_at_ - 4;
  // What is too large for a packet goes on in the next; one that is full is followed by another, if need be an empty one.
  for (;;) {
    const std::size_t length = left < largest_packet ? left : largest_packet;
    for (std::size_t i = 0; i < 3; ++i) out_[header_at_ + i] = static_cast<char>(length >> (8 * i));
    out_[header_at_ + 3] = static_cast<char>(sequence_++);
    if (length < largest_packet) return;
    header_at_ += 4 + length;
    left -= length;
    out_.insert(header_at_, 4, '\0');
  }
}

void Writer::length(std::uint64_t v) {
  if (v < 0xFB) return u8(v);
  const std::size_t bytes = v < 0x10000 ? 2 : v < 0x1000000 ? 3 : 8;
  u8(bytes == 2 ? 0xFC : bytes == 3 ? 0xFD : 0xFE);
  number(v, bytes);
}

std::optional<Handshake> read_handshake(std::string_view packet) {
  Body body(packet);
  if (body.u8() != 10) return std::nullopt;
  Handshake out;
  out.version = body.text();
  out.connection = body.u32();
  out.scramble = body.bytes(8);
  (void)body.u8();
  out.capabilities = body.u16();
  (void)body.u8();   // character set
  (void)body.u16();  // status
  out.capabilities |= std::uint64_t{body.u16()} << 16U;
  const std::size_t scramble = body.u8();
  (void)body.bytes(6);
  const std::uint32_t more = body.u32();
  if (out.is_mariadb()) out.capabilities |= std::uint64_t{more} << 32U;
  if (!body.ok()) return std::nullopt;
  if ((out.capabilities & capability::secure_connection) != 0) {
    std::string_view rest = body.bytes(scramble > 21 ? scramble - 8 : 13);
    if (!rest.empty() && rest.back() == '\0') rest.remove_suffix(1);
    out.scramble += rest;
  }
  if ((out.capabilities & capability::plugin_auth) != 0) {
    const std::string_view name = body.rest();
    out.plugin = name.substr(0, name.find('\0'));
  }
  if (!body.ok() || out.scramble.size() < 20) return std::nullopt;
  return out;
}

ServerError read_error(std::string_view packet) {
  Body body(packet);
  ServerError out;
  (void)body.u8();
  out.number = body.u16();
  std::string_view rest = body.rest();
  if (rest.size() >= 6 && rest[0] == '#') {
    out.sqlstate = rest.substr(1, 5);
    rest.remove_prefix(6);
  }
  out.message = rest;
  return out;
}

std::optional<Done> read_ok(std::string_view packet) noexcept {
  Body body(packet);
  (void)body.u8();
  Done out;
  out.affected = body.length();
  out.last_id = body.length();
  out.status = body.u16();
  if (!body.ok()) return std::nullopt;
  return out;
}

std::optional<Done> read_eof(std::string_view packet) noexcept {
  Body body(packet);
  (void)body.u8();
  (void)body.u16();  // warnings
  Done out;
  out.status = body.u16();
  if (!body.ok()) return std::nullopt;
  return out;
}

std::optional<Field> read_field(std::string_view packet, bool extended) {
  Body body(packet);
  Field out;
  (void)body.counted();  // catalog
  (void)body.counted();  // schema
  (void)body.counted();  // table
  (void)body.counted();  // table before its alias
  out.name = body.counted();
  (void)body.counted();  // name before its alias
  if (extended) {
    Body more(body.counted());
    while (more.ok() && !more.rest().empty()) {
      const std::uint8_t what = more.u8();
      const std::string_view value = more.counted();
      if (what == 1 && value == "json") out.json = true;
      if (what == 0 && value == "uuid") out.uuid = true;
    }
  }
  (void)body.length();  // of what follows
  out.charset = body.u16();
  out.length = body.u32();
  out.type = body.u8();
  out.flags = body.u16();
  if (!body.ok()) return std::nullopt;
  return out;
}

Row::Row(std::string_view packet, std::size_t columns) noexcept : body_(packet) {
  (void)body_.u8();
  nulls_ = body_.bytes((columns + 9) / 8);
}

bool Row::next(const Field& field, std::string_view& value, bool& null) noexcept {
  if (!body_.ok()) return false;
  const std::size_t bit = at_++ + 2;
  if (bit / 8 >= nulls_.size()) return false;
  null = (static_cast<unsigned char>(nulls_[bit / 8]) >> (bit % 8) & 1U) != 0;
  value = {};
  if (null) return true;
  switch (field.type) {
    case type::null: null = true; return true;
    case type::tiny: value = body_.bytes(1); break;
    case type::shorter:
    case type::year: value = body_.bytes(2); break;
    case type::integer:
    case type::medium:
    case type::real4: value = body_.bytes(4); break;
    case type::big:
    case type::real8: value = body_.bytes(8); break;
    case type::date:
    case type::datetime:
    case type::timestamp:
    case type::time: value = body_.bytes(body_.u8()); break;
    default: value = body_.counted(); break;
  }
  return body_.ok();
}

}  // namespace spikard::store::mysql::wire
