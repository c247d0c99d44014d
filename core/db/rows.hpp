#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::db {

enum class ColumnType : std::uint8_t { any, integer, real, decimal, text, bytes, boolean, timestamp, date, time, uuid, json };
/// As in spec/operations/db.yaml (`types`).
[[nodiscard]] std::string_view name_of(ColumnType type) noexcept;

struct Column {
  std::string name;
  ColumnType type = ColumnType::any;
};

/// invalid_argument/duplicate_column when two have one name: a row is an object.
[[nodiscard]] Result<void> check_columns(std::span<const Column> columns);

/// Where a backend writes rows, value by value in the order of the columns. Called on whatever thread runs the statement, by one
/// at a time. Texts are UTF-8 already.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  /// Before the first row of each run of a statement: forgets all rows, and the columns of an earlier run.
  virtual void begin(std::span<const Column> columns) = 0;
  virtual void begin_row() = 0;
  virtual void end_row() = 0;
  virtual void null() = 0;
  virtual void boolean(bool v) = 0;
  virtual void integer(std::int64_t v) = 0;
  virtual void real(double v) = 0;                    ///< finite
  virtual void decimal(std::string_view number) = 0;  ///< a number as JSON writes them
  virtual void text(std::string_view v) = 0;
  virtual void bytes(std::string_view v) = 0;
  virtual void timestamp(std::string_view rfc3339) = 0;
  virtual void json(std::string_view document) = 0;  ///< checked JSON
  /// Bytes held.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
};

/// Rows as nodes: one array of objects.
class NodeRows final : public RowWriter {
 public:
  enum class Form : std::uint8_t { array, rows, row };
  explicit NodeRows(Form form = Form::array) noexcept : form_(form) {}
  void begin(std::span<const Column> columns) override;
  void begin_row() override;
  void end_row() override { nodes_.end(); }
  void null() override { key(), nodes_.null(); }
  void boolean(bool v) override { key(), nodes_.boolean(v); }
  void integer(std::int64_t v) override { key(), nodes_.integer(v); }
  void real(double v) override { key(), nodes_.number(v); }
  void decimal(std::string_view number) override { key(), nodes_.numtext(number); }
  void text(std::string_view v) override { key(), nodes_.string(v); }
  void bytes(std::string_view v) override { key(), nodes_.bytes(v); }
  void timestamp(std::string_view rfc3339) override { key(), nodes_.string(rfc3339); }
  void json(std::string_view document) override;
  [[nodiscard]] std::size_t size() const noexcept override { return nodes_.nodes().size() * sizeof(Node) + nodes_.text().size(); }

  [[nodiscard]] const std::vector<Column>& columns() const noexcept { return columns_; }
  /// An array; begins anew.
  [[nodiscard]] Document take();
  /// The result of an operation: `{rows, columns, types}`, or `{row, types}` with the first row or null. Made where the rows are,
  /// so that they are not copied. For writers made with the same form; the last call.
  [[nodiscard]] Document result();

 private:
  void key() { nodes_.key(columns_[at_++].name); }

  const Form form_;
  std::vector<Column> columns_;
  std::size_t at_ = 0;
  bool any_ = false;
  NodeBuilder nodes_;
};

}  // namespace spikard::db
