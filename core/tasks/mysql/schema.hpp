#pragma once

#include <span>
#include <string_view>

namespace spikard::tasks::mysql {

/// Steps for `store::mysql::Database::migrate`.
[[nodiscard]] std::span<const std::string_view> schema() noexcept;

}  // namespace spikard::tasks::mysql
