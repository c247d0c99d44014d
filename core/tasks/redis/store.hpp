#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/await.hpp"
#include "net/redis/pool.hpp"
#include "tasks/memory/hub.hpp"
#include "tasks/redis/directory.hpp"
#include "tasks/redis/record.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks::redis {

[[nodiscard]] Error no_such_job(JobId id);
[[nodiscard]] Error stranger();

/// What all operations work with: scripts, names, connections, who is told. Thread-safe, as the backend is.
class Store {
 public:
  template <class T>
  using Async = Task<Result<T>>;
  using View = net::redis::View;
  using Command = net::redis::Command;

  Store(const StoreOptions& options, net::redis::Options server, std::string prefix, std::shared_ptr<Hub> hub);

  /// On a cluster scripts reach one queue only.
  [[nodiscard]] bool cluster() const noexcept { return cluster_; }
  /// A script on a queue, with what each begins with.
  [[nodiscard]] Command begin(const net::redis::Script& script, std::string_view base, Millis now,
                              std::size_t expected_bytes = 512) const;
  /// Tells this process what a script has told the others.
  void tell(View news) const;

  /// `decode` gets the whole answer of a script, whose news were told.
  template <class T, class Decode>
  [[nodiscard]] Async<T> ask(net::Loop& loop, Command command, Decode decode) {
    const auto taken = [&](View reply) -> Result<T> {
      if (reply.size() < 2) return stranger();
      tell(reply[1]);
      return decode(reply);
    };
    const std::shared_ptr<net::redis::Client> client = pool.on(loop);
    Async<T> asking = client->run(std::move(command), taken);
    Result<T> out = co_await std::move(asking);
    co_return out;
  }
  /// Where the answer was lost it is asked for again: `make(again)` is the command, and the script knows what it has done.
  template <class T, class Make, class Decode>
  [[nodiscard]] Async<T> ask_until_known(net::Loop& loop, Make make, Decode decode) {
    const Instant until = loop.now() + patience;
    for (bool again = false;; again = true) {
      Command command = make(again);
      Async<T> asking = ask<T>(loop, std::move(command), decode);
      Result<T> out = co_await std::move(asking);
      if (out.ok()) co_return out;
      const ErrorKind kind = out.error().kind();
      const bool unknown = kind == ErrorKind::outcome_unknown;
      if (!unknown && !(again && (kind == ErrorKind::unavailable || kind == ErrorKind::timeout))) co_return out;
      if (loop.now() >= until) co_return out;
      const Result<void> slept = co_await net::sleep(loop, pause);
      if (!slept.ok()) co_return out;
    }
  }

  /// With `fixed` the jobs have these ids, and `request.origin` is kept for `origin_life`.
  [[nodiscard]] Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request, std::vector<JobId> fixed = {});
  [[nodiscard]] Async<std::optional<Job>> job(net::Loop& loop, JobId id);

  [[nodiscard]] Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule);
  [[nodiscard]] Async<bool> remove_schedule(net::Loop& loop, std::string name);
  /// Puts what schedules owe into the queues first.
  [[nodiscard]] Async<std::vector<Schedule>> schedules(net::Loop& loop);
  [[nodiscard]] Async<FireResult> fire(net::Loop& loop, FireRequest request);

  const StoreOptions options;
  const Names names;
  const Scripts scripts;
  net::redis::Pool pool;
  Directory directory;
  const std::shared_ptr<Hub> hub;

  static constexpr Duration patience = std::chrono::seconds(10);  // for an answer that was lost
  static constexpr Duration pause = std::chrono::milliseconds(20);

 private:
  struct Plan;
  [[nodiscard]] Async<void> locate(net::Loop& loop, const EnqueueRequest& request, Plan& plan);
  [[nodiscard]] Command enqueue_command(const EnqueueRequest& request, const Plan& plan, bool again) const;
  [[nodiscard]] Async<std::optional<Schedule>> schedule(net::Loop& loop, std::string name, std::string& record);
  /// Whether the record was still `before` and is `after` now; owed jobs are noted in the same step.
  [[nodiscard]] Async<bool> swap(net::Loop& loop, std::string name, std::string before, std::string after, std::vector<Owed> owed,
                                 bool told);
  [[nodiscard]] Async<void> deliver(net::Loop& loop, Owed owed);

  const bool cluster_;
  const std::string retention_;
  const std::string failed_retention_;
};

}  // namespace spikard::tasks::redis
