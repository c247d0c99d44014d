#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"

namespace spikard::store {

/// An open write transaction of a server's database, for those whose tables are in the same one.
template <class Connection>
class TransactionStep {
 public:
  using Step = Function<Task<Result<void>>(Connection&)>;

  /// `fn(Connection&)`, a Task<Result<T>>, inside the transaction; it owns what it uses and ends no transaction. An error leaves
  /// only rollback.
  template <class F>
  [[nodiscard]] auto run(net::Loop& loop, F fn) -> std::invoke_result_t<F&, Connection&> {
    using R = typename ResultOf<std::invoke_result_t<F&, Connection&>>::type;
    auto value = std::make_shared<std::optional<R>>();
    auto held = std::make_shared<F>(std::move(fn));
    Step step = [value, held](Connection& connection) -> Task<Result<void>> { return into(value, held, connection); };
    Result<void> done = co_await run_step(loop, std::move(step));
    if (!done.ok()) co_return R(std::move(done).error());
    co_return std::move(**value);
  }

 protected:
  ~TransactionStep() = default;
  [[nodiscard]] virtual Task<Result<void>> run_step(net::Loop& loop, Step step) = 0;

 private:
  template <class T>
  struct ResultOf;
  template <class R>
  struct ResultOf<Task<R>> {
    using type = R;
  };
  template <class R, class F>
  static Task<Result<void>> into(std::shared_ptr<std::optional<R>> value, std::shared_ptr<F> fn, Connection& connection) {
    R result = co_await (*fn)(connection);
    value->emplace(std::move(result));
    if (!(*value)->ok()) co_return Result<void>((*value)->error());
    co_return Result<void>();
  }
};

}  // namespace spikard::store
