#pragma once

#include <span>
#include <string_view>

namespace spikard::tasks::postgres {

/// Steps of `store::postgres::Database::migrate`; docs/guide/tasks.md has the layout for those who enqueue by plain SQL.
[[nodiscard]] std::span<const std::string_view> schema() noexcept;

}  // namespace spikard::tasks::postgres
