#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/object.hpp"

namespace spikard::storage {

/// The prefix that `key` is rolled up to under this query, or nothing. `key` begins with the query's prefix.
[[nodiscard]] std::optional<std::string_view> rolled_up(std::string_view key, const ListQuery& query) noexcept;
/// The smallest text that is greater than every text beginning with `prefix`; nothing when there is none.
[[nodiscard]] std::optional<std::string> after_all_with(std::string_view prefix);
/// What an item must be greater than: the later of `start_after` and the cursor, for backends whose cursor is the last item.
[[nodiscard]] std::string_view place_of(const ListQuery& query) noexcept;

/// A page in the making, for backends that go through keys in their order and whose cursor is the last item.
class PageBuilder {
 public:
  explicit PageBuilder(const ListQuery& query) : query_(query), after_(place_of(query)) {}

  [[nodiscard]] std::string_view after() const noexcept { return after_; }
  /// False when the page was full before it: there is more, and this is the end.
  [[nodiscard]] bool entry(ObjectInfo info);
  [[nodiscard]] bool prefix(std::string_view prefix);
  [[nodiscard]] ListPage finish() && { return std::move(page_); }

 private:
  [[nodiscard]] bool room();

  const ListQuery& query_;
  std::string_view after_;
  ListPage page_;
  std::string last_;
};

}  // namespace spikard::storage
