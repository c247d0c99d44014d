#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "tasks/job.hpp"

namespace spikard::tasks {

/// Reads the members of an object of arguments. Null is as if the member were not there. The first problem is kept, as
/// invalid_argument that names the member and says what was expected.
class Members {
 public:
  /// `where` comes before the members' names: empty, or `jobs[3].`.
  explicit Members(Value object, std::string where = {});

  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = {}, std::size_t shortest = 0,
                                 std::size_t longest = std::numeric_limits<std::size_t>::max());
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t low, std::int64_t high);
  [[nodiscard]] double number(std::string_view name, double otherwise);
  /// RFC 3339 text or ms since the epoch; 0 when it is not there.
  [[nodiscard]] Millis instant(std::string_view name);
  /// Any value, as JSON text; `null` when it is not there.
  [[nodiscard]] std::string json(std::string_view name);
  [[nodiscard]] std::vector<std::string> texts(std::string_view name);
  [[nodiscard]] JobId id(std::string_view name);
  /// The member itself, or a Value that does not exist.
  [[nodiscard]] Value any(std::string_view name);
  void wrong(std::string_view name, std::string_view expected);

  /// What was wrong, or the name of a member that nobody asked for.
  [[nodiscard]] Result<void> finish();

 private:
  Value object_;
  std::string where_;
  std::optional<Error> problem_;
  std::vector<std::string_view> known_;
};

/// With `stored` the members that only `new_job_to_json` writes are taken as well.
/// `transaction`: takes the member of that name, and gives its number (0: none).
[[nodiscard]] Result<NewJob> new_job_from_nodes(Value object, std::string where, bool stored = false,
                                                std::uint64_t* transaction = nullptr);
[[nodiscard]] std::string new_job_to_json(const NewJob& job);

// One value each.
void put(NodeBuilder& out, const Job& job);
void put(NodeBuilder& out, const Enqueued& enqueued);
void put(NodeBuilder& out, const QueueStats& stats);
void put(NodeBuilder& out, const Schedule& schedule);

[[nodiscard]] std::string_view name_of(Misfire misfire) noexcept;
[[nodiscard]] std::string_view name_of(Overlap overlap) noexcept;
[[nodiscard]] std::optional<Misfire> misfire_from(std::string_view name) noexcept;
[[nodiscard]] std::optional<Overlap> overlap_from(std::string_view name) noexcept;

[[nodiscard]] std::string tags_to_json(const std::vector<std::string>& tags);
[[nodiscard]] std::vector<std::string> tags_from_json(std::string_view text);

}  // namespace spikard::tasks
