#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "db/parameter.hpp"
#include "db/rows.hpp"
#include "store/mysql/connection.hpp"

namespace spikard::db::mysql {

[[nodiscard]] ColumnType column_type(const store::mysql::wire::Field& field) noexcept;
[[nodiscard]] std::vector<Column> columns_of(const store::mysql::Fields& fields);

/// The values of a binary row in the order of `fields`. False: the server sent something else than it said.
[[nodiscard]] bool write_row(std::string_view body, const store::mysql::Fields& fields, RowWriter& rows);

/// For so many placeholders; each goes as what it is, and the server makes of it what its place wants. Errors:
/// invalid_argument/parameter_count.
[[nodiscard]] Result<std::vector<store::mysql::Argument>> arguments_of(std::span<const Parameter> parameters,
                                                                       std::size_t placeholders);

}  // namespace spikard::db::mysql
