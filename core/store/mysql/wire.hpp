#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "store/receive_buffer.hpp"

/// The client/server protocol of MySQL and MariaDB as bytes, without sockets (MySQL Internals, "Client/Server Protocol"; MariaDB
/// Knowledge Base, "Client/Server Protocol").
namespace spikard::store::mysql::wire {

/// Capabilities that client and server agree on. Those beyond 32 bits are MariaDB's.
namespace capability {
enum : std::uint64_t {
  mysql = 1U << 0U,  ///< MariaDB: not set, so that its own capabilities count
  found_rows = 1U << 1U,
  connect_with_db = 1U << 3U,
  protocol_41 = 1U << 9U,
  ssl = 1U << 11U,
  transactions = 1U << 13U,
  secure_connection = 1U << 15U,
  multi_results = 1U << 17U,
  ps_multi_results = 1U << 18U,
  plugin_auth = 1U << 19U,
  connect_attributes = 1U << 20U,
  lenenc_auth = 1U << 21U,
  deprecate_eof = 1U << 24U,
  extended_metadata = std::uint64_t{1} << 35U,
  cache_metadata = std::uint64_t{1} << 36U,
};
}  // namespace capability

namespace status {
enum : std::uint16_t { in_transaction = 1, autocommit = 2, more_results = 8 };
}

namespace command {
enum : std::uint8_t {
  quit = 1,
  query = 3,
  statement_prepare = 0x16,
  statement_execute = 0x17,
  statement_close = 0x19,
  reset = 0x1f
};
}

/// Types of columns and parameters (include/field_types.h).
namespace type {
enum : std::uint8_t {
  decimal = 0,
  tiny = 1,
  shorter = 2,
  integer = 3,
  real4 = 4,
  real8 = 5,
  null = 6,
  timestamp = 7,
  big = 8,
  medium = 9,
  date = 10,
  time = 11,
  datetime = 12,
  year = 13,
  varchar = 15,
  bit = 16,
  json = 245,
  new_decimal = 246,
  enumeration = 247,
  set = 248,
  tiny_blob = 249,
  medium_blob = 250,
  long_blob = 251,
  blob = 252,
  var_string = 253,
  string = 254,
  geometry = 255,
};
}  // namespace type

namespace flag {
enum : std::uint16_t { is_unsigned = 32, zerofill = 64 };
}
constexpr std::uint16_t binary_charset = 63;
constexpr std::size_t largest_packet = 0xFFFFFF;

inline std::uint64_t get_le(const char* at, std::size_t bytes) noexcept {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < bytes; ++i) v |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  return v;
}

/// Received bytes, cut into packets; what was split because of its size comes whole.
class Reader : public ReceiveBuffer {
 public:
  enum class Next : std::uint8_t { packet, more, broken };
  explicit Reader(std::size_t max_packet = std::size_t{1} << 30U) noexcept : max_(max_packet) {}

  /// `out` is valid until the next call. `broken`: not the number that comes next, or beyond the limit.
  [[nodiscard]] Next next(std::string_view& out);
  /// The answer to a command begins with 1.
  void expect(std::uint8_t sequence) noexcept { sequence_ = sequence; }
  /// Of the packet that comes next, or of the one that is to be sent in its place.
  [[nodiscard]] std::uint8_t sequence() const noexcept { return sequence_; }

 private:
  const std::size_t max_;
  std::uint8_t sequence_ = 0;
  std::string joined_;
  bool joining_ = false;
};

/// Reads a packet from its start. After what is not there everything is empty or 0, and `ok()` is false.
class Body {
 public:
  explicit Body(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() noexcept { return number(8); }
  std::uint64_t number(std::size_t bytes) noexcept { return take(bytes) ? get_le(at_, bytes) : 0; }
  std::uint64_t length() noexcept;   ///< length-encoded; 0xFB (NULL) is not one
  std::string_view text() noexcept;  ///< up to a NUL
  std::string_view bytes(std::uint64_t count) noexcept {
    return take(count) ? std::string_view(at_, static_cast<std::size_t>(count)) : std::string_view();
  }
  std::string_view counted() noexcept { return bytes(length()); }

 private:
  bool take(std::uint64_t count) noexcept {
    if (!ok_ || rest_.size() < count) {
      ok_ = false;
      return false;
    }
    at_ = rest_.data();
    rest_.remove_prefix(static_cast<std::size_t>(count));
    return true;
  }
  std::string_view rest_;
  const char* at_ = nullptr;
  bool ok_ = true;
};

/// Appends one packet at a time, split where it is larger than a packet can be.
class Writer {
 public:
  explicit Writer(std::string& out) noexcept : out_(out) {}
  void begin(std::uint8_t sequence = 0) {
    sequence_ = sequence;
    header_at_ = out_.size();
    out_.append(4, '\0');
  }
  void end();
  void u8(std::uint64_t v) { out_.push_back(static_cast<char>(v)); }
  void number(std::uint64_t v, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) out_.push_back(static_cast<char>(v >> (8 * i)));
  }
  void length(std::uint64_t v);
  void text(std::string_view v) {
    out_.append(v);
    out_.push_back('\0');
  }
  void bytes(std::string_view v) { out_.append(v); }
  void counted(std::string_view v) {
    length(v.size());
    out_.append(v);
  }

 private:
  std::string& out_;
  std::size_t header_at_ = 0;
  std::uint8_t sequence_ = 0;
};

/// The server's first packet (protocol version 10).
struct Handshake {
  std::string version;
  std::uint32_t connection = 0;
  std::string scramble;
  std::uint64_t capabilities = 0;
  std::string plugin;
  [[nodiscard]] bool is_mariadb() const noexcept { return (capabilities & capability::mysql) == 0; }
};
[[nodiscard]] std::optional<Handshake> read_handshake(std::string_view packet);

/// An ERR packet (0xFF).
struct ServerError {
  std::uint16_t number = 0;
  std::string sqlstate;
  std::string message;
};
[[nodiscard]] ServerError read_error(std::string_view packet);

/// An OK packet (0x00, or 0xFE at the end of rows), or an EOF packet of old.
struct Done {
  std::uint64_t affected = 0;
  std::uint64_t last_id = 0;
  std::uint16_t status = 0;
};
[[nodiscard]] std::optional<Done> read_ok(std::string_view packet) noexcept;
[[nodiscard]] std::optional<Done> read_eof(std::string_view packet) noexcept;

/// A column as its definition has it.
struct Field {
  std::string name;
  std::uint8_t type = 0;
  std::uint16_t charset = 0;
  std::uint16_t flags = 0;
  std::uint32_t length = 0;
  bool json = false;  ///< MariaDB's JSON, which is text with a check
  bool uuid = false;
  bool operator==(const Field&) const = default;
};
[[nodiscard]] std::optional<Field> read_field(std::string_view packet, bool extended);

/// The values of a binary row, one after the other.
class Row {
 public:
  Row(std::string_view packet, std::size_t columns) noexcept;
  /// False: the row is broken. `null` says whether there is none. A number is as many bytes as its type has, a date or time what
  /// stands behind its length.
  bool next(const Field& field, std::string_view& value, bool& null) noexcept;

 private:
  Body body_;
  std::string_view nulls_;
  std::size_t at_ = 0;
};

}  // namespace spikard::store::mysql::wire
