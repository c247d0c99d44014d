#pragma once

#include <string_view>

#include "app/event_client.hpp"
#include "cache/client.hpp"
#include "db/client.hpp"
#include "messaging/client.hpp"
#include "net/operation_target.hpp"
#include "storage/client.hpp"
#include "tasks/client.hpp"
#include "telemetry/provider.hpp"

namespace spikard::app {
class Application;
}
namespace spikard::net {
class BlockingPool;
}

namespace spikard {

namespace detail {
[[nodiscard]] net::BlockingPool& blocking_pool(app::Application& application);
// These throw std::runtime_error: for a name that is not in `services`, for a store that cannot be opened.
[[nodiscard]] cache::Client& cache_of(app::Application& application, std::string_view name);
[[nodiscard]] storage::Client& storage_of(app::Application& application, std::string_view name);
[[nodiscard]] db::Client& db_of(app::Application& application, std::string_view name);
[[nodiscard]] messaging::Client& messaging_of(app::Application& application, std::string_view name);
[[nodiscard]] tasks::Client& tasks_of(app::Application& application, std::string_view name);
[[nodiscard]] app::EventClient& events_of(app::Application& application, std::string_view name);
[[nodiscard]] telemetry::Tracer tracer_of(app::Application& application);
[[nodiscard]] const telemetry::Logger& logger_of(app::Application& application);
}  // namespace detail

/// The clients of the toolbox by name, for everything a handler is given (Context, Message, TaskRun). `default` is always there;
/// a name that `services` does not have throws. Every call of a client takes a Caller first: pass the context itself.
///
///     auto user = co_await ctx.cache().get(ctx, "user:" + id);
template <class D>
class HasClients {
 public:
  /// On whose behalf: this handler's loop and trace.
  operator net::Caller() const { return net::Caller(self().loop(), self().trace()); }

  [[nodiscard]] cache::Client& cache(std::string_view name = "default") const {
    return detail::cache_of(self().application(), name);
  }
  [[nodiscard]] storage::Client& storage(std::string_view name = "default") const {
    return detail::storage_of(self().application(), name);
  }
  [[nodiscard]] db::Client& db(std::string_view name = "default") const { return detail::db_of(self().application(), name); }
  [[nodiscard]] messaging::Client& messaging(std::string_view name = "default") const {
    return detail::messaging_of(self().application(), name);
  }
  [[nodiscard]] tasks::Client& tasks(std::string_view name = "default") const {
    return detail::tasks_of(self().application(), name);
  }
  /// Sends CloudEvents where `services.events` says.
  [[nodiscard]] app::EventClient& events(std::string_view name = "default") const {
    return detail::events_of(self().application(), name);
  }

  /// A span below this handler's; it ends where it goes out of scope. Hand its context on by `Caller(ctx.loop(),
  /// span.context())`.
  ///
  ///     auto span = ctx.span("charge", {{"shop.items", 3}});
  [[nodiscard]] telemetry::Span span(std::string_view name, telemetry::AttributeList attributes = {}) const {
    return telemetry().start(name, telemetry::SpanKind::internal, self().trace(), attributes);
  }
  /// A line of the application's log with this handler's trace and span ids, and a record for telemetry.
  void log(log::Level level, std::string_view message, telemetry::AttributeList attributes = {}) const {
    detail::logger_of(self().application()).log(self().trace(), level, message, attributes);
  }
  /// As `log`, with attributes that are JSON already (an object).
  void log_json(log::Level level, std::string_view message, Value attributes) const {
    detail::logger_of(self().application()).log(self().trace(), level, message, attributes);
  }
  /// For instruments and spans of one's own; null where telemetry is off.
  [[nodiscard]] telemetry::Tracer telemetry() const { return detail::tracer_of(self().application()); }

 private:
  [[nodiscard]] const D& self() const noexcept { return static_cast<const D&>(*this); }
};

}  // namespace spikard
