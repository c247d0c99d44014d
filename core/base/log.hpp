#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace spikard::log {

enum class Level : std::uint8_t { trace, debug, info, warn, error, off };
[[nodiscard]] std::string_view name_of(Level level) noexcept;
[[nodiscard]] std::optional<Level> level_from(std::string_view text) noexcept;

enum class Format : std::uint8_t { json, human };

/// Where finished lines go. Thread-safe. The application gives one; nothing else of the library writes to standard output or
/// error.
class Sink {
 public:
  virtual ~Sink() = default;
  /// `line` ends with a newline and holds no other.
  virtual void write(Level level, std::string_view line) noexcept = 0;
};

/// Writes to a descriptor it does not own (2 is standard error), a line a call; lines of several threads do not mix. A failed
/// write is given up.
class FdSink final : public Sink {
 public:
  explicit FdSink(int fd) noexcept : fd_(fd) {}
  void write(Level level, std::string_view line) noexcept override;

 private:
  int fd_;
  std::mutex mutex_;
};

/// What an attribute may be. Borrowed: lives for the call that logs it.
class Field {
 public:
  enum class Type : std::uint8_t { null, boolean, integer, uinteger, number, text, json };
  Field(std::nullptr_t) noexcept {}
  Field(bool v) noexcept : type_(Type::boolean), integer_(v ? 1 : 0) {}
  template <std::signed_integral T>
  Field(T v) noexcept : type_(Type::integer), integer_(v) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Field(T v) noexcept : type_(Type::uinteger), integer_(static_cast<std::int64_t>(v)) {}
  Field(double v) noexcept : type_(Type::number), number_(v) {}
  Field(const char* v) noexcept : type_(Type::text), text_(v) {}
  Field(std::string_view v) noexcept : type_(Type::text), text_(v) {}
  Field(const std::string& v) noexcept : type_(Type::text), text_(v) {}
  /// JSON text that is written as it stands (a report). Nothing in it is redacted.
  static Field json(std::string_view v) noexcept {
    Field field(v);
    field.type_ = Type::json;
    return field;
  }

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }
  [[nodiscard]] double number() const noexcept { return number_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  Type type_ = Type::null;
  union {
    std::int64_t integer_ = 0;
    double number_;
  };
  std::string_view text_;
};

struct Attribute {
  std::string_view key;
  Field value;
};
using Attributes = std::initializer_list<Attribute>;

/// Makes lines of messages and attributes. Values of attributes with secret names become `[redacted]`, and so do user names and
/// passwords in URLs, in messages too. Thread-safe.
///
///     logger.info("request finished", {{"route", "orders.create"}, {"status", 201}});
class Logger {
 public:
  /// `clock` and `sink` outlive the logger; a null sink logs nothing.
  Logger(std::shared_ptr<Sink> sink, const Clock& clock, Format format = Format::json, Level level = Level::info,
         std::string app = {});

  [[nodiscard]] bool enabled(Level level) const noexcept { return level >= level_ && level != Level::off && sink_ != nullptr; }
  void log(Level level, std::string_view message, Attributes attributes = {}) noexcept { log_fields(level, message, attributes); }
  /// As `log`, for attributes that are known only when it runs.
  void log_fields(Level level, std::string_view message, std::span<const Attribute> attributes) noexcept;
  void trace(std::string_view message, Attributes attributes = {}) noexcept { log(Level::trace, message, attributes); }
  void debug(std::string_view message, Attributes attributes = {}) noexcept { log(Level::debug, message, attributes); }
  void info(std::string_view message, Attributes attributes = {}) noexcept { log(Level::info, message, attributes); }
  void warn(std::string_view message, Attributes attributes = {}) noexcept { log(Level::warn, message, attributes); }
  void error(std::string_view message, Attributes attributes = {}) noexcept { log(Level::error, message, attributes); }

 private:
  void write_json(std::string& line, Level level, std::string_view message, std::span<const Attribute> attributes) const;
  void write_human(std::string& line, Level level, std::string_view message, std::span<const Attribute> attributes) const;

  std::shared_ptr<Sink> sink_;
  const Clock& clock_;
  Format format_;
  Level level_;
  std::string app_;
};

}  // namespace spikard::log
