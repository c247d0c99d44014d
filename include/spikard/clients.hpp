#pragma once

#include <string_view>

#include "net/operation_target.hpp"
#include "telemetry/context.hpp"

namespace spikard::app {
class Application;
}
namespace spikard::net {
class BlockingPool;
}

namespace spikard {

namespace detail {
[[nodiscard]] net::BlockingPool& blocking_pool(app::Application& application);
}

/// The clients of the toolbox by name, for everything a handler is given (Context, Message, TaskRun). `default` is always there;
/// a name that `services` does not have throws std::invalid_argument. Every call of a client takes a Caller first: pass the
/// context itself.
///
///     auto user = co_await ctx.cache().get(ctx, "user:" + id);
template <class D>
class HasClients {
 public:
  /// On whose behalf: this handler's loop and trace.
  operator net::Caller() const {
    const auto& self = static_cast<const D&>(*this);
    return net::Caller(self.loop(), self.trace());
  }
};

}  // namespace spikard
