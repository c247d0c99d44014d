#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/receive_buffer.hpp"

/// PostgreSQL's protocol 3.0 as bytes, without sockets (PostgreSQL documentation, chapter "Frontend/Backend Protocol").
namespace spikard::store::postgres::wire {

/// A message of the server. `body` is valid until the next `Reader::room`.
struct Message {
  char type = 0;
  std::string_view body;
};

/// Received bytes, cut into messages.
class Reader : public ReceiveBuffer {
 public:
  enum class Next : std::uint8_t { message, more, broken };
  explicit Reader(std::size_t max_message = std::size_t{256} << 20U) noexcept : max_(max_message) {}

  /// `broken`: no protocol of ours, or a message beyond the limit.
  [[nodiscard]] Next next(Message& out) noexcept;

 private:
  const std::size_t max_;
};

inline std::uint16_t get16(const char* at) noexcept {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(at[0]) << 8U | static_cast<unsigned char>(at[1]));
}
inline std::uint32_t get32(const char* at) noexcept {
  std::uint32_t v = 0;
  std::memcpy(&v, at, 4);
  return __builtin_bswap32(v);
}
inline std::uint64_t get64(const char* at) noexcept {
  std::uint64_t v = 0;
  std::memcpy(&v, at, 8);
  return __builtin_bswap64(v);
}

/// Reads a body from its start. After what is not there everything is empty or 0, and `ok()` is false.
class Body {
 public:
  explicit Body(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  std::uint8_t u8() noexcept { return take(1) ? static_cast<std::uint8_t>(at_[0]) : 0; }
  std::uint16_t u16() noexcept { return take(2) ? get16(at_) : 0; }
  std::uint32_t u32() noexcept { return take(4) ? get32(at_) : 0; }
  std::string_view text() noexcept;  ///< up to a NUL
  std::string_view bytes(std::size_t count) noexcept { return take(count) ? std::string_view(at_, count) : std::string_view(); }

 private:
  bool take(std::size_t count) noexcept {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return false;
    }
    at_ = rest_.data();
    rest_.remove_prefix(count);
    return true;
  }
  std::string_view rest_;
  const char* at_ = nullptr;
  bool ok_ = true;
};

/// Appends one message at a time.
class Writer {
 public:
  explicit Writer(std::string& out) noexcept : out_(out) {}
  void begin(char type) {
    if (type != 0) out_.push_back(type);
    length_at_ = out_.size();
    out_.append(4, '\0');
  }
  void end() {
    const auto length = static_cast<std::uint32_t>(out_.size() - length_at_);
    for (unsigned i = 0; i < 4; ++i) out_[length_at_ + i] = static_cast<char>(length >> (24U - 8U * i));
  }
  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v) {
    u8(static_cast<std::uint8_t>(v >> 8U));
    u8(static_cast<std::uint8_t>(v));
  }
  void u32(std::uint32_t v) {
    u16(static_cast<std::uint16_t>(v >> 16U));
    u16(static_cast<std::uint16_t>(v));
  }
  void text(std::string_view v) {
    out_.append(v);
    out_.push_back('\0');
  }
  void bytes(std::string_view v) { out_.append(v); }
  void empty(char type) {
    begin(type);
    end();
  }

 private:
  std::string& out_;
  std::size_t length_at_ = 0;
};

/// Of ErrorResponse and NoticeResponse.
struct ErrorFields {
  std::string severity;
  std::string sqlstate;
  std::string message;
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
  std::string position;
};
[[nodiscard]] ErrorFields read_error(std::string_view body);

/// A column as RowDescription has it.
struct Field {
  std::string name;
  std::uint32_t type = 0;
};
/// Nothing for what is no RowDescription.
[[nodiscard]] std::optional<std::vector<Field>> read_fields(std::string_view body);
[[nodiscard]] std::optional<std::vector<std::uint32_t>> read_parameters(std::string_view body);

/// The values of a DataRow, one after the other.
class Row {
 public:
  explicit Row(std::string_view body) noexcept : at_(body.data()), end_(at_ + body.size()) {
    if (body.size() >= 2) {
      count_ = get16(at_);
      at_ += 2;
    }
  }
  [[nodiscard]] std::uint16_t count() const noexcept { return count_; }
  /// False: the row is broken. `null` says whether there is none.
  bool next(std::string_view& value, bool& null) noexcept {
    if (end_ - at_ < 4) return false;
    const auto length = static_cast<std::int32_t>(get32(at_));
    at_ += 4;
    null = length < 0;
    if (null) {
      value = {};
      return true;
    }
    if (end_ - at_ < length) return false;
    value = {at_, static_cast<std::size_t>(length)};
    at_ += length;
    return true;
  }

 private:
  const char* at_;
  const char* end_;
  std::uint16_t count_ = 0;
};

/// Rows that a command tag says were changed; 0 for a SELECT.
[[nodiscard]] std::uint64_t affected_of(std::string_view tag) noexcept;

}  // namespace spikard::store::postgres::wire
