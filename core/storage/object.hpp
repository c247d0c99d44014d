#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace spikard::storage {

/// What is known of an object without its content. A value.
struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;  ///< strong entity-tag with its quotes; another one after every write
  WallTime last_modified{};
  std::optional<std::string> content_type;
  std::optional<std::string> cache_control;
  std::optional<std::string> content_disposition;
  std::map<std::string, std::string> metadata;  ///< names in lower case
};

/// Which bytes, and on which condition. At most one of `suffix` and the pair `offset`, `length`.
struct ReadOptions {
  ReadOptions() = default;
  std::optional<std::uint64_t> offset;  ///< at or after the end: range_not_satisfiable
  std::optional<std::uint64_t> length;  ///< cut at the end of the object; 0 is refused
  std::optional<std::uint64_t> suffix;  ///< the last so many bytes; 0 is refused
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
};

/// When a write may happen. Checked and done in one step, against every other writer of the store.
struct WriteConditions {
  WriteConditions() = default;
  std::optional<std::string> if_match;       ///< an etag; what is not there does not match
  std::optional<std::string> if_none_match;  ///< `*` only
};

/// What is kept beside the content. A write replaces all of it.
struct WriteOptions {
  WriteOptions() = default;
  std::optional<std::string> content_type;
  std::optional<std::string> cache_control;
  std::optional<std::string> content_disposition;
  std::map<std::string, std::string> metadata;
  WriteConditions conditions;
};

inline constexpr std::uint32_t max_page = 10'000;

struct ListQuery {
  ListQuery() = default;
  std::string prefix;
  std::string delimiter;    ///< empty: nothing is rolled up
  std::string start_after;  ///< only what is greater, entries and prefixes alike
  std::uint32_t limit = 1000;
  std::optional<std::string> cursor;  ///< `ListPage::cursor` of the page before; the backend's own
};

/// Entries and prefixes, each in the order of their bytes.
struct ListPage {
  std::vector<ObjectInfo> entries;  ///< key, size, etag and last_modified only
  std::vector<std::string> prefixes;
  std::optional<std::string> cursor;  ///< where the next page goes on; nothing on the last
};

/// A part of an object that is there.
struct Span {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// The bytes that `options` asks for in an object of `size`. Errors: range_not_satisfiable.
[[nodiscard]] Result<Span> resolve_range(const ReadOptions& options, std::uint64_t size);
/// Errors: condition_not_met.
[[nodiscard]] Result<void> check_conditions(const ReadOptions& options, std::string_view etag);
/// `etag` of what is there; null for nothing. Errors: condition_not_met.
[[nodiscard]] Result<void> check_conditions(const WriteConditions& conditions, const std::string* etag);

[[nodiscard]] Error no_such_object(std::string_view key);

/// Instants of writes: the clock's, but each later than the one before, so that one never names two writes. Thread-safe.
class Versions {
 public:
  [[nodiscard]] WallTime next(const Clock& clock);

 private:
  std::mutex mutex_;
  WallTime last_{};
};

}  // namespace spikard::storage
