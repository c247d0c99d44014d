#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

// Octets of AMQP 0-9-1 (amqp0-9-1.pdf, section 4.2): frames, values, field tables. No I/O.
namespace spikard::messaging::amqp {

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };
inline constexpr std::size_t frame_overhead = 8;  ///< type, channel, size, end

/// Cut out of a byte stream. The payload is a view into the reader's buffer, until the next `room`.
struct Frame {
  FrameType type = FrameType::heartbeat;
  std::uint16_t channel = 0;
  std::string_view payload{};
};

class FrameReader {
 public:
  /// `max_frame` as negotiated, overhead included.
  explicit FrameReader(std::size_t max_frame) noexcept : max_frame_(max_frame) {}
  /// Where to put at least `size` more bytes; then say how many came.
  [[nodiscard]] char* room(std::size_t size);
  void filled(std::size_t size) noexcept { end_ += size; }
  void feed(std::string_view bytes);
  /// False: more bytes are needed. corrupt: this is no AMQP 0-9-1 server, or one that ran mad; nothing more comes out.
  [[nodiscard]] Result<bool> next(Frame& frame);

 private:
  const std::size_t max_frame_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Values out of a payload. What goes beyond its end is nought and empty, and `failed`.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(integer(1)); }
  [[nodiscard]] std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(integer(2)); }
  [[nodiscard]] std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(integer(4)); }
  [[nodiscard]] std::uint64_t u64() noexcept { return integer(8); }
  [[nodiscard]] std::string_view short_text() noexcept { return bytes(u8()); }
  /// Long strings, tables and arrays.
  [[nodiscard]] std::string_view long_text() noexcept { return bytes(u32()); }
  [[nodiscard]] std::string_view bytes(std::size_t size) noexcept;
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  [[nodiscard]] std::uint64_t integer(std::size_t size) noexcept;
  std::string_view rest_;
  bool failed_ = false;
};

/// A value of a table or an array. Types are RabbitMQ's (its errata: `s` is a signed 16-bit integer, `x` octets).
struct Field {
  enum class Kind : std::uint8_t { none, boolean, integer, real, text, time, array, table };
  Kind kind = Kind::none;
  std::int64_t integer = 0;  ///< boolean, time (seconds since 1970) as well
  double real = 0;
  std::string_view text{};  ///< the octets of an array and a table as well
};
/// False for a type that nobody knows.
[[nodiscard]] bool read_field(Reader& in, Field& out) noexcept;
/// Each entry in its order: `take(name, field)`. False: cut off, or of a type that nobody knows.
template <class Take>
[[nodiscard]] bool each_entry(std::string_view table, Take take) {
  Reader in(table);
  while (!in.empty()) {
    const std::string_view name = in.short_text();
    Field field;
    if (!read_field(in, field) || in.failed()) return false;
    take(name, field);
  }
  return true;
}
template <class Take>
[[nodiscard]] bool each_element(std::string_view array, Take take) {
  Reader in(array);
  while (!in.empty()) {
    Field field;
    if (!read_field(in, field) || in.failed()) return false;
    take(field);
  }
  return true;
}
/// As text: integers in decimal, `true` and `false`; nothing for arrays and tables.
[[nodiscard]] std::string text_of(const Field& field);

void put_u8(std::string& out, std::uint8_t value);
void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);
void put_u64(std::string& out, std::uint64_t value);
/// At most 255 bytes, what is longer is cut: callers check.
void put_short_text(std::string& out, std::string_view text);
void put_long_text(std::string& out, std::string_view text);

/// A table or an array that is written in place: its size is put in by the destructor.
class Sized {
 public:
  explicit Sized(std::string& out) : out_(out), at_(out.size()) { put_u32(out, 0); }
  ~Sized();
  Sized(const Sized&) = delete;
  Sized& operator=(const Sized&) = delete;

 private:
  std::string& out_;
  const std::size_t at_;
};
void put_entry(std::string& out, std::string_view name, std::string_view text);
void put_entry(std::string& out, std::string_view name, bool value);
void put_entry(std::string& out, std::string_view name, std::int64_t value);

/// A frame around what is written until it is gone.
class FrameScope {
 public:
  FrameScope(std::string& out, FrameType type, std::uint16_t channel);
  ~FrameScope();
  FrameScope(const FrameScope&) = delete;
  FrameScope& operator=(const FrameScope&) = delete;

 private:
  std::string& out_;
  const std::size_t at_;
};

}  // namespace spikard::messaging::amqp
