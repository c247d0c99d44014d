#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spikard::net::kafka {

/// Kafka's primitive types, big-endian. `flexible` chooses the compact forms of newer versions (KIP-482). Appends to `out`.
class Writer {
 public:
  Writer(std::string& out, bool flexible) noexcept : out_(out), flexible_(flexible) {}

  void i8(std::int8_t v) { out_.push_back(static_cast<char>(v)); }
  void i16(std::int16_t v) { big(static_cast<std::uint16_t>(v)); }
  void i32(std::int32_t v) { big(static_cast<std::uint32_t>(v)); }
  void i64(std::int64_t v) { big(static_cast<std::uint64_t>(v)); }
  void boolean(bool v) { i8(v ? 1 : 0); }
  void uvarint(std::uint64_t v);
  void varint(std::int64_t v) { uvarint((static_cast<std::uint64_t>(v) << 1U) ^ static_cast<std::uint64_t>(v >> 63)); }
  void raw(std::string_view v) { out_.append(v); }

  void string(std::string_view v) { sized(v, false); }
  void nullable_string(const std::optional<std::string>& v);
  void bytes(std::string_view v) { sized(v, true); }
  void null_bytes();
  void array(std::size_t count);
  void null_array();
  /// No tagged fields.
  void tags() {
    if (flexible_) out_.push_back(0);
  }

 private:
  template <class T>
  void big(T v) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
      out_.push_back(static_cast<char>(static_cast<unsigned char>(v >> static_cast<unsigned>(shift))));
  }
  void sized(std::string_view v, bool wide);

  std::string& out_;
  const bool flexible_;
};

/// The other way, over bytes of a peer. Once something does not fit, `ok()` is false and every read says zero or nothing.
class Reader {
 public:
  Reader(std::string_view in, bool flexible) noexcept : in_(in), flexible_(flexible) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return in_.size(); }
  [[nodiscard]] std::string_view rest() const noexcept { return in_; }

  std::int8_t i8() { return static_cast<std::int8_t>(big<std::uint8_t>()); }
  std::int16_t i16() { return static_cast<std::int16_t>(big<std::uint16_t>()); }
  std::int32_t i32() { return static_cast<std::int32_t>(big<std::uint32_t>()); }
  std::int64_t i64() { return static_cast<std::int64_t>(big<std::uint64_t>()); }
  std::uint32_t u32() { return big<std::uint32_t>(); }
  bool boolean() { return i8() != 0; }
  std::uint64_t uvarint();
  std::int64_t varint() {
    const std::uint64_t v = uvarint();
    return static_cast<std::int64_t>(v >> 1U) ^ -static_cast<std::int64_t>(v & 1U);
  }
  std::string_view raw(std::size_t size);

  /// A null reads as empty.
  std::string_view string() { return sized(false).value_or(std::string_view()); }
  std::optional<std::string_view> nullable_string() { return sized(false); }
  std::string_view bytes() { return sized(true).value_or(std::string_view()); }
  std::optional<std::string_view> nullable_bytes() { return sized(true); }
  /// How many elements follow; never more than the bytes that are left could hold, `least` bytes each.
  std::size_t array(std::size_t least = 1);
  void tags();
  void fail() noexcept {
    ok_ = false;
    in_ = {};
  }

 private:
  template <class T>
  T big() {
    if (in_.size() < sizeof(T)) {
      fail();
      return 0;
    }
    T v = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      v = static_cast<T>((static_cast<std::uint64_t>(v) << 8U) | static_cast<std::uint8_t>(in_[i]));
    in_.remove_prefix(sizeof(T));
    return v;
  }
  std::optional<std::string_view> sized(bool wide);

  std::string_view in_;
  bool flexible_;
  bool ok_ = true;
};

}  // namespace spikard::net::kafka
