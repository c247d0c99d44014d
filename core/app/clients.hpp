#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cloudevents_operations.hpp"
#include "app/event_client.hpp"
#include "app/faults/inject.hpp"
#include "app/toolbox.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "cache/client.hpp"
#include "db/client.hpp"
#include "db/operations.hpp"
#include "messaging/client.hpp"
#include "messaging/operations.hpp"
#include "net/blocking_pool.hpp"
#include "services/manifest.gen.hpp"
#include "storage/client.hpp"
#include "store/open_transactions.hpp"
#include "tasks/client.hpp"
#include "tasks/operations.hpp"
#include "telemetry/provider.hpp"

namespace spikard::store::sqlite {
class Databases;
}
namespace spikard::store::postgres {
class Databases;
}
namespace spikard::store::mysql {
class Databases;
}
namespace spikard::tasks {
class Hubs;
}

namespace spikard::app {

/// The clients of an application by name, made from `services` of its manifest. One that is named there, or that a consumer, a
/// worker or a schedule uses, is opened at the start; `default` of a subsystem that the manifest does not name is opened by the
/// first who asks, so that an application makes no file it does not use. Thread-safe.
class Clients {
 public:
  struct Environment {
    Clock* clock = nullptr;
    net::BlockingPool* pool = nullptr;
    telemetry::Tracer tracer{};
    std::shared_ptr<HttpClients> http{};                                  ///< for senders of events
    std::function<void(const std::shared_ptr<db::Client>&)> opened_db{};  ///< told of each database that is opened, on any thread
    std::function<std::string()> base_url{};                              ///< of the HTTP server, for signed URLs
    std::shared_ptr<Faults> faults{};                                     ///< of a test; null: none
    /// Handlers of consumers and workers that operations start. Null before work begins.
    std::function<std::unique_ptr<worker_loop::WorkSink>(const WorkOrigin&)> make_sink{};
  };
  Clients(const services::Manifest& manifest, Environment environment);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  /// Before the start, as far as it can be known: invalid_argument naming the field for a client that is not there.
  [[nodiscard]] Result<void> check() const;
  /// Opens what the start opens, and applies migrations where the manifest says so (on `service`, another thread's loop); blocks.
  /// Errors name the field.
  [[nodiscard]] Result<void> open(net::Loop& service);
  /// Puts them into the toolbox.
  void add_to(Toolbox& toolbox);

  /// not_found for a name that is not there; else what opening it said.
  [[nodiscard]] Result<std::shared_ptr<cache::Client>> cache(std::string_view name);
  [[nodiscard]] Result<std::shared_ptr<storage::Client>> storage(std::string_view name);
  [[nodiscard]] Result<std::shared_ptr<db::Client>> db(std::string_view name);
  [[nodiscard]] Result<std::shared_ptr<messaging::Client>> messaging(std::string_view name);
  [[nodiscard]] Result<std::shared_ptr<tasks::Client>> tasks(std::string_view name);
  [[nodiscard]] Result<std::shared_ptr<EventClient>> events(std::string_view name);
  /// Scheme of the URL of a broker of `services.messaging`: `memory`, `sqlite`, `kafka`.
  [[nodiscard]] std::string broker_scheme(const std::string& name) const;

  [[nodiscard]] store::OpenTransactions& transactions() noexcept { return transactions_; }
  /// Operations that have work in progress of their own, for the drain: those that are open.
  [[nodiscard]] std::vector<std::shared_ptr<db::Operations>> db_operations();
  [[nodiscard]] std::vector<std::shared_ptr<messaging::Operations>> messaging_operations();
  [[nodiscard]] std::vector<std::shared_ptr<tasks::Operations>> tasks_operations();
  /// Before a loop goes, on its thread: connections of it close.
  void forget(net::Loop& loop);
  /// No more calls come. Blocks.
  void close();

 private:
  template <class Client, class Operations>
  struct Opened {
    std::shared_ptr<Client> client;
    std::shared_ptr<Operations> operations;
  };
  /// One name of one subsystem.
  template <class Client, class Operations>
  struct Slot {
    std::function<Result<Opened<Client, Operations>>()> open;
    std::mutex mutex;
    Opened<Client, Operations> opened;
  };
  template <class Client, class Operations>
  using Slots = std::map<std::string, std::shared_ptr<Slot<Client, Operations>>, std::less<>>;
  template <class Client, class Operations>
  class Target;

  template <class Client, class Operations>
  static Result<Opened<Client, Operations>> get(Slot<Client, Operations>& slot);
  template <class Client, class Operations>
  static Result<std::shared_ptr<Client>> get(Slots<Client, Operations>& slots, std::string_view subsystem, std::string_view name);
  /// Where the faults of a client are decided; nothing where it has none.
  [[nodiscard]] std::optional<FaultSite> faulty(services::FaultyClients kind, const std::string& name) const;
  [[nodiscard]] Result<void> reach(net::Loop& service, const std::string& name);
  [[nodiscard]] Result<void> migrate(net::Loop& service, const std::string& name, const services::DbConfig& config);
  template <class Client, class Operations>
  static void add_to(Toolbox& toolbox, Subsystem subsystem, Slots<Client, Operations>& slots);

  const services::Manifest& manifest_;
  const Environment environment_;
  std::shared_ptr<store::sqlite::Databases> databases_;   // null in a build without SQLite
  std::shared_ptr<store::postgres::Databases> postgres_;  // null in a build without PostgreSQL
  std::shared_ptr<store::mysql::Databases> mysql_;        // null in a build without MySQL
  std::shared_ptr<tasks::Hubs> hubs_;
  store::OpenTransactions transactions_;
  Slots<cache::Client, net::OperationTarget> cache_;
  Slots<storage::Client, net::OperationTarget> storage_;
  Slots<db::Client, db::Operations> db_;
  Slots<messaging::Client, messaging::Operations> messaging_;
  Slots<tasks::Client, tasks::Operations> tasks_;
  Slots<EventClient, EventOperations> events_;
};

}  // namespace spikard::app
