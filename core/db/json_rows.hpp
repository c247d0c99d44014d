#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_out.hpp"
#include "db/rows.hpp"

namespace spikard::db {

enum class JsonFormat : std::uint8_t {
  array,   ///< [{...},{...}]
  ndjson,  ///< one object a line
};

/// Rows straight to JSON text, without nodes between: what HTTP answers and `query_stream` send. Decimals are numbers with all
/// their digits, timestamps text, bytes base64 text, JSON columns the JSON itself. Taken in parts: `take` gives what was written
/// since the last time; `finish` closes the array.
class JsonRows final : public RowWriter {
 public:
  explicit JsonRows(JsonFormat format = JsonFormat::array) noexcept : format_(format) {}

  void begin(std::span<const Column> columns) override;
  void begin_row() override;
  void end_row() override;
  void null() override {
    key();
    out_.null();
  }
  void boolean(bool v) override {
    key();
    out_.boolean(v);
  }
  void integer(std::int64_t v) override {
    key();
    out_.integer(v);
  }
  void real(double v) override {
    key();
    out_.number(v);
  }
  void decimal(std::string_view number) override {
    key();
    out_.raw(number);
  }
  void text(std::string_view v) override {
    key();
    out_.string(v);
  }
  void bytes(std::string_view v) override;
  void timestamp(std::string_view rfc3339) override {
    key();
    out_.string(rfc3339);
  }
  void json(std::string_view document) override;
  [[nodiscard]] std::size_t size() const noexcept override { return out_.size(); }

  /// After the last row.
  void finish();
  /// Valid until the next call that writes.
  [[nodiscard]] std::string_view view() const noexcept { return out_.view(); }
  /// What was written is dealt with.
  void clear() noexcept { out_.clear(); }

 private:
  void key() { out_.raw(keys_[at_++]); }

  const JsonFormat format_;
  std::vector<std::string> keys_;  // `{"a":`, `,"b":`
  std::size_t at_ = 0;
  bool any_ = false;
  JsonOut out_;
};

}  // namespace spikard::db
