#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "db/parameter.hpp"
#include "db/rows.hpp"
#include "store/postgres/connection.hpp"

namespace spikard::db::postgres {

[[nodiscard]] ColumnType column_type(std::uint32_t type) noexcept;
[[nodiscard]] std::vector<Column> columns_of(const store::postgres::Prepared& prepared);

/// The values of a DataRow in the order of `fields`, binary for what `is_binary` says. False: the server sent something else
/// than it said.
[[nodiscard]] bool write_row(std::string_view body, std::span<const store::postgres::wire::Field> fields, RowWriter& rows);

/// For placeholders of the types the server found. Errors: invalid_argument/parameter_count, invalid_parameter.
[[nodiscard]] Result<std::vector<store::postgres::Argument>> arguments_of(std::span<const Parameter> parameters,
                                                                          std::span<const std::uint32_t> types);

}  // namespace spikard::db::postgres
