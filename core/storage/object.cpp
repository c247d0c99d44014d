#include "storage/object.hpp"

#include <algorithm>

namespace spikard::storage {

namespace {
Error not_satisfiable(std::string message) { return invalid_argument(std::move(message)).with_detail("range_not_satisfiable"); }
Error not_met(std::string message) {
  return Error(ErrorKind::condition_failed, std::move(message)).with_detail("condition_not_met");
}
}  // namespace

Result<Span> resolve_range(const ReadOptions& options, std::uint64_t size) {
  if (options.suffix.has_value()) {
    if (*options.suffix == 0) return not_satisfiable("suffix: 0 bytes are no range");
    const std::uint64_t part = std::min(*options.suffix, size);
    return Span{size - part, part};
  }
  if (options.length == std::uint64_t{0}) return not_satisfiable("length: 0 bytes are no range");
  if (!options.offset.has_value()) return Span{0, std::min(options.length.value_or(size), size)};
  if (*options.offset >= size) {
    return not_satisfiable("offset: " + std::to_string(*options.offset) + " is at or after the end (" + std::to_string(size) +
                           " bytes)");
  }
  const std::uint64_t left = size - *options.offset;
  return Span{*options.offset, std::min(options.length.value_or(left), left)};
}

Result<void> check_conditions(const ReadOptions& options, std::string_view etag) {
  if (options.if_match.has_value() && *options.if_match != "*" && *options.if_match != etag)
    return not_met("if_match: the object has another etag");
  if (options.if_none_match.has_value() && (*options.if_none_match == "*" || *options.if_none_match == etag))
    return not_met("if_none_match: the object has this etag");
  return {};
}

Result<void> check_conditions(const WriteConditions& conditions, const std::string* etag) {
  if (conditions.if_match.has_value()) {
    if (etag == nullptr) return not_met("if_match: there is no object of this key");
    if (*conditions.if_match != *etag) return not_met("if_match: the object has another etag");
  }
  if (conditions.if_none_match.has_value() && etag != nullptr) return not_met("if_none_match: there is an object of this key");
  return {};
}

Error no_such_object(std::string_view key) { return {ErrorKind::not_found, "no object '" + std::string(key) + "'"}; }

WallTime Versions::next(const Clock& clock) {
  const WallTime now = clock.wall();
  const std::lock_guard lock(mutex_);
  last_ = std::max(now, last_ + Duration(1));
  return last_;
}

}  // namespace spikard::storage
