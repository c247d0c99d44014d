#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "telemetry/utf8.hpp"

namespace spikard::telemetry::otlp {

/// Writes Protocol Buffers to a string the caller owns: what OTLP needs, always in the canonical (shortest) form.
class ProtobufWriter {
 public:
  explicit ProtobufWriter(std::string& out) noexcept : out_(out) {}

  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80U));
      value >>= 7U;
    }
    out_.push_back(static_cast<char>(value));
  }
  void uint_field(std::uint32_t field, std::uint64_t value) {
    tag(field, 0);
    varint(value);
  }
  void fixed64_field(std::uint32_t field, std::uint64_t value) {
    tag(field, 1);
    raw(value);
  }
  void double_field(std::uint32_t field, double value) { fixed64_field(field, std::bit_cast<std::uint64_t>(value)); }
  void fixed32_field(std::uint32_t field, std::uint32_t value) {
    tag(field, 5);
    raw(value);
  }
  void bytes_field(std::uint32_t field, std::string_view value) {
    put_bytes(grow(bytes_size(field, value.size())), field, value);
  }
  /// `string` of proto3 is UTF-8, and decoders refuse what is not.
  void text_field(std::uint32_t field, std::string_view value) {
    if (is_ascii(value)) return bytes_field(field, value);
    std::string text;
    append_utf8(text, value);
    bytes_field(field, text);
  }
  void tag(std::uint32_t field, std::uint32_t wire) { varint(field << 3U | wire); }
  template <class T>
  void raw(T value) {
    static_assert(std::endian::native == std::endian::little);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }

  /// Room for `size` more bytes, all of which the caller writes.
  [[nodiscard]] char* grow(std::size_t size) {
    const std::size_t at = out_.size();
    out_.resize(at + size);
    return out_.data() + at;
  }
  static char* put_varint(char* at, std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7U) *at++ = static_cast<char>(value | 0x80U);
    *at++ = static_cast<char>(value);
    return at;
  }
  static char* put_bytes(char* at, std::uint32_t field, std::string_view value) noexcept {
    at = put_varint(put_varint(at, std::uint64_t{field} << 3U | 2U), value.size());
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    return at + value.size();
  }
  /// Of a field of bytes, with tag and length.
  [[nodiscard]] static constexpr std::size_t bytes_size(std::uint32_t field, std::size_t size) noexcept {
    return varint_size(std::uint64_t{field} << 3U) + varint_size(size) + size;
  }

  /// A message inside: `end` takes what `begin` gave. Longer than 127 bytes, it is moved to make room for its length.
  [[nodiscard]] std::size_t begin(std::uint32_t field) {
    tag(field, 2);
    out_.push_back('\0');
    return out_.size();
  }
  void end(std::size_t from) {
    std::uint64_t size = out_.size() - from;
    if (size < 0x80) {
      out_[from - 1] = static_cast<char>(size);
      return;
    }
    char length[10];
    std::size_t count = 0;
    for (; size >= 0x80; size >>= 7U) length[count++] = static_cast<char>(size | 0x80U);
    length[count++] = static_cast<char>(size);
    out_[from - 1] = length[0];
    out_.insert(from, length + 1, count - 1);
  }
  [[nodiscard]] static constexpr std::size_t varint_size(std::uint64_t value) noexcept {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7U) ++size;
    return size;
  }

 private:
  std::string& out_;
};

}  // namespace spikard::telemetry::otlp
