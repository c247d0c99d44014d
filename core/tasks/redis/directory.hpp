#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/redis/pool.hpp"
#include "tasks/redis/names.hpp"
#include "tasks/redis/scripts.hpp"

namespace spikard::tasks::redis {

/// A queue as ids and keys know it.
struct Queue {
  std::string name;
  std::string base;
  std::uint32_t number = 0;
};

/// Numbers of queues, and the sequences that new jobs get, a thousand at a time. Thread-safe; calls come from tasks on `loop`.
class Directory {
 public:
  template <class T>
  using Async = Task<Result<T>>;
  using Found = std::shared_ptr<const Queue>;

  Directory(net::redis::Pool& pool, const Names& names, const Scripts& scripts) : pool_(pool), names_(names), scripts_(scripts) {}

  /// Known, or nothing: no round trip.
  [[nodiscard]] Found known(std::string_view name) const;
  [[nodiscard]] Found known(std::uint32_t number) const;
  /// Makes it when it is new. rate_limited when there are too many.
  [[nodiscard]] Async<Found> make(net::Loop& loop, std::string name);
  /// Nothing for a number that no queue has.
  [[nodiscard]] Async<Found> find(net::Loop& loop, std::uint32_t number);
  /// All, by name.
  [[nodiscard]] Async<std::vector<Found>> all(net::Loop& loop);

  /// The first of so many, which grow from call to call of this process.
  [[nodiscard]] Async<std::uint64_t> take(net::Loop& loop, std::uint64_t count);
  /// Those at hand were given out before, by a server that forgot it.
  void drop();

 private:
  Found note(std::string name, std::uint32_t number);

  net::redis::Pool& pool_;
  const Names& names_;
  const Scripts& scripts_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Found> by_name_;
  std::unordered_map<std::uint32_t, Found> by_number_;
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace spikard::tasks::redis
