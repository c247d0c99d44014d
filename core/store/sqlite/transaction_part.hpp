#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/database.hpp"

namespace spikard::store::sqlite {

/// An open write transaction of a SQLite database, for those whose tables are in the same file.
class TransactionPart {
 public:
  /// `fn(Connection&)` on the blocking pool inside the transaction; it owns what it uses and ends no transaction. An error leaves
  /// only rollback. Wake-ups: `connection.after_commit(...)`.
  template <class F>
  [[nodiscard]] Task<detail::ResultOf<F>> run(net::Loop& loop, F fn) {
    using R = detail::ResultOf<F>;
    auto value = std::make_shared<std::optional<R>>();
    Function<Result<void>(Connection&)> step = [value, fn = std::move(fn)](Connection& connection) mutable -> Result<void> {
      if constexpr (std::is_void_v<std::invoke_result_t<F&, Connection&>>) {
        fn(connection);
        value->emplace();
      } else {
        value->emplace(fn(connection));
      }
      if (!(*value)->ok()) return (*value)->error();
      return {};
    };
    Result<void> done = co_await run_step(loop, std::move(step));
    if (!done.ok()) co_return R(std::move(done).error());
    co_return std::move(**value);
  }

 protected:
  ~TransactionPart() = default;
  [[nodiscard]] virtual Task<Result<void>> run_step(net::Loop& loop, Function<Result<void>(Connection&)> step) = 0;
};

}  // namespace spikard::store::sqlite
