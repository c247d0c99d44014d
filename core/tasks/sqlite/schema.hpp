#pragma once

#include <span>
#include <string_view>

namespace spikard::tasks::sqlite {

/// The tables, as docs/guide/tasks.md documents them: step n makes version n + 1, and is never changed.
[[nodiscard]] std::span<const std::string_view> schema() noexcept;

}  // namespace spikard::tasks::sqlite
