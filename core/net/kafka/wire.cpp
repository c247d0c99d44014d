#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {

void Writer::uvarint(std::uint64_t v) {
  while (v >= 0x80U) {
    out_.push_back(static_cast<char>(v | 0x80U));
    v >>= 7U;
  }
  out_.push_back(static_cast<char>(v));
}

void Writer::sized(std::string_view v, bool wide) {
  if (flexible_) uvarint(v.size() + 1);
  else if (wide) i32(static_cast<std::int32_t>(v.size()));
  else i16(static_cast<std::int16_t>(v.size()));
  out_.append(v);
}

void Writer::nullable_string(const std::optional<std::string>& v) {
  if (v) string(*v);
  else if (flexible_) uvarint(0);
  else i16(-1);
}

void Writer::null_bytes() {
  if (flexible_) uvarint(0);
  else i32(-1);
}

void Writer::array(std::size_t count) {
  if (flexible_) uvarint(count + 1);
  else i32(static_cast<std::int32_t>(count));
}

void Writer::null_array() {
  if (flexible_) uvarint(0);
  else i32(-1);
}

std::uint64_t Reader::uvarint() {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (in_.empty()) break;
    const auto byte = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    if (shift == 63 && byte > 1) break;
    v |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80U) return v;
  }
  fail();
  return 0;
}

std::string_view Reader::raw(std::size_t size) {
  if (size > in_.size()) {
    fail();
    return {};
  }
  const std::string_view out = in_.substr(0, size);
  in_.remove_prefix(size);
  return out;
}

std::optional<std::string_view> Reader::sized(bool wide) {
  std::int64_t size = 0;
  if (flexible_) {
    const std::uint64_t v = uvarint();
    if (v > in_.size() + 1) fail();
    size = ok_ ? static_cast<std::int64_t>(v) - 1 : -1;
  } else {
    size = wide ? i32() : i16();
  }
  if (!ok_ || size == -1) return std::nullopt;
  if (size < -1) {
    fail();
    return std::nullopt;
  }
  const std::string_view out = raw(static_cast<std::size_t>(size));
  if (!ok_) return std::nullopt;
  return out;
}

std::size_t Reader::array(std::size_t least) {
  std::int64_t count = 0;
  if (flexible_) {
    const std::uint64_t v = uvarint();
    if (v > in_.size() + 1) fail();
    count = ok_ ? static_cast<std::int64_t>(v) - 1 : -1;
  } else {
    count = i32();
  }
  if (!ok_ || count == -1) return 0;
  if (count < -1 || static_cast<std::size_t>(count) > in_.size() / least) {
    fail();
    return 0;
  }
  return static_cast<std::size_t>(count);
}

void Reader::tags() {
  if (!flexible_) return;
  const std::uint64_t count = uvarint();
  if (count > in_.size()) fail();
  for (std::uint64_t i = 0; i < count && ok_; ++i) {
    (void)uvarint();
    const std::uint64_t size = uvarint();
    if (size > in_.size()) fail();
    (void)raw(static_cast<std::size_t>(size));
  }
}

}  // namespace spikard::net::kafka
