#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/cloudevents_http.hpp"
#include "app/component.hpp"
#include "app/db_http.hpp"
#include "app/drain.hpp"
#include "app/faults/faults.hpp"
#include "app/http_clients.hpp"
#include "app/io_units.hpp"
#include "app/storage_http.hpp"
#include "app/supervisor.hpp"
#include "app/telemetry.hpp"
#include "app/toolbox.hpp"
#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "http/compiled.hpp"
#include "http/server.hpp"
#include "http/sink.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/service_thread.hpp"
#include "net/tls.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"
#include "services/manifest.gen.hpp"
#include "worker_loop/background.hpp"

namespace spikard::app {

class Application;
class Clients;
class HttpComponent;
class BackgroundComponent;
class OutboxComponent;
class WorkComponent;

/// One I/O loop of an application with its share of every component that runs on I/O loops (an HTTP server, background tasks).
/// Belongs to the thread that turns `loop()`.
class IoUnit {
 public:
  ~IoUnit();
  IoUnit(const IoUnit&) = delete;
  IoUnit& operator=(const IoUnit&) = delete;

  [[nodiscard]] net::Loop& loop() noexcept { return *loop_; }
  /// Null in an application without HTTP.
  [[nodiscard]] http::Server* server() noexcept { return server_.get(); }
  /// In-process background tasks of this loop's handlers; the drain waits for them.
  [[nodiscard]] worker_loop::Background& background() noexcept { return *background_; }
  /// Who handles CloudEvents that come in on this loop; from inside `make_sink`. Outlives the unit. Needed where the manifest has
  /// `events`.
  void handle_events(cloudevents::EventSink& sink) noexcept { event_sink_ = &sink; }
  /// Answers with stored objects and stores bodies for this loop's handlers. Null in an application without HTTP, and inside
  /// `make_sink`.
  [[nodiscard]] StorageHttp* storage_http() noexcept { return storage_.get(); }
  /// The same for rows of a database.
  [[nodiscard]] DbHttp* db_http() noexcept { return db_.get(); }

 private:
  friend class Application;
  explicit IoUnit(Application& application) : application_(application) {}
  Application& application_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<worker_loop::Background> background_;
  std::unique_ptr<DbHttp> db_;
  std::unique_ptr<StorageHttp> storage_;
  std::unique_ptr<EventHttpSink> events_;
  std::unique_ptr<http::Server> server_;
  http::Sink* sink_ = nullptr;
  cloudevents::EventSink* event_sink_ = nullptr;
};

enum class State : std::uint8_t { created, started, ready, draining, stopped };

struct ApplicationOptions {
  /// Where log lines go; the default writes to standard error in the manifest's format.
  std::shared_ptr<log::Sink> log_sink{};
  /// Replaces the clock that the manifest asks for (tests).
  std::shared_ptr<Clock> clock{};
  /// Replaces the faults that the manifest asks for (tests).
  std::optional<FaultPlan> faults{};
  /// The `OTEL_...` variables are read from here. The caller passes what it has (process_config); nothing else is read.
  services::Environment environment{};
};

/// The one runtime of a process: manifest, components, service thread, readiness, one drain. Thread-safe unless said otherwise.
///
/// create (checks everything, opens nothing) → reserve (addresses; before a fork) → start (service thread, components) → open_io
/// on every I/O thread → drain → report.
class Application : public std::enable_shared_from_this<Application> {
 public:
  /// Errors: invalid_argument naming the manifest's field and what was expected.
  [[nodiscard]] static Result<std::shared_ptr<Application>> create(services::Manifest manifest, ApplicationOptions options = {});
  ~Application();

  [[nodiscard]] const services::Manifest& manifest() const noexcept { return manifest_; }
  [[nodiscard]] Clock& clock() noexcept { return *clock_; }
  [[nodiscard]] net::VirtualClock* virtual_clock() noexcept { return virtual_clock_; }
  /// What goes wrong under test; null where nothing does.
  [[nodiscard]] const Faults* faults() const noexcept { return faults_.get(); }
  [[nodiscard]] log::Logger& logger() noexcept { return *logger_; }
  [[nodiscard]] Telemetry& telemetry() noexcept { return *telemetry_; }
  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_acquire); }
  /// `127.0.0.1:8000` of each listener, once reserved.
  [[nodiscard]] std::vector<std::string> addresses() const;
  /// Of signed URLs that have no `presign.base_url`: the first TCP listener. Empty where there is none.
  [[nodiscard]] std::string base_url() const;

  /// Binds every listener without listening; port 0 is resolved here. Idempotent. Single-threaded, before any fork.
  [[nodiscard]] Result<void> reserve();
  /// After the fork. Reserves if that was not done, starts the service thread and the components.
  [[nodiscard]] Result<void> start();
  /// A further component, before start (consumers, workers, schedulers; tests).
  void add(std::unique_ptr<Component> component);

  /// A loop for the calling thread, with its own listeners (SO_REUSEPORT). `make_sink` gets the unit and gives the sink that
  /// serves it; the sink outlives the unit. The first unit makes the application ready.
  [[nodiscard]] Result<std::unique_ptr<IoUnit>> open_io(Function<Result<http::Sink*>(IoUnit&)> make_sink);

  /// Reads every listener's certificate and key again, for handshakes from now on; what cannot be read is logged and the old one
  /// stays. Any thread. SIGHUP does this in programs whose signals the core handles.
  void reload_certificates();
  /// Begins the drain; a second call forces it. `timeout` replaces shutdown.timeout. Async-signal-unsafe; any thread.
  void drain(std::optional<Duration> timeout = std::nullopt);
  /// Called on the service loop's thread at each change (ready, draining, stopped). `key` names the observer for `forget_states`.
  void on_state(const void* key, Function<void(State)> fn);
  /// After it returns the observer is not called any more. Not from inside an observer.
  void forget_states(const void* key);
  /// The report as JSON once stopped, else empty.
  [[nodiscard]] std::string report() const;
  [[nodiscard]] int exit_code() const noexcept { return exit_code_.load(std::memory_order_acquire); }

  /// The whole life of a C++ program: signals (if the manifest handles them), `io_threads` I/O loops each with a sink from
  /// `make_sink`, until drained. Returns the exit code. Blocks the calling thread, which is the first I/O thread.
  /// `make_work_sinks` is asked once, with the loops that handlers of messages and tasks run on.
  [[nodiscard]] Result<int> run(Function<std::unique_ptr<http::Sink>(IoUnit&)> make_sink,
                                Function<MakeWorkSink(std::vector<net::Loop*>)> make_work_sinks = {});

  /// The core's own loop: leases, schedulers, the drain. Started by `start`.
  [[nodiscard]] net::Loop& service_loop();
  /// For calls that block: SQLite, files. One for the application; its threads start with the first job.
  [[nodiscard]] net::BlockingPool& pool() noexcept { return *pool_; }

  /// The clients of `services`, by name.
  [[nodiscard]] Clients& clients() noexcept { return *clients_; }
  /// The same as the port sees them. Add to it before `start`.
  [[nodiscard]] Toolbox& toolbox() noexcept { return toolbox_; }
  [[nodiscard]] Result<net::OperationTarget*> operation_target(Operation operation, std::uint32_t client) const {
    return toolbox_.target(operation, client);
  }
  /// Starts consumers, workers and schedules, whose handlers `make_sink` reaches: with the first port of a host, with the I/O
  /// loops of a C++ program. Later calls do nothing.
  void begin_work(MakeWorkSink make_sink);
  [[nodiscard]] const std::shared_ptr<const http::CompiledHttp>& compiled_http() const noexcept { return compiled_; }
  /// `{"state": "ready", "addresses": ["127.0.0.1:8000"], "pid": 4711, "problem_base": "https://..."}`.
  [[nodiscard]] std::string info() const;
  /// In state ready, and every component says it is.
  [[nodiscard]] bool ready() const noexcept;

  /// Whether this manifest may run in `workers` processes; the error names the field and the cure.
  [[nodiscard]] Result<void> check_workers(std::uint32_t workers) const;
  [[nodiscard]] SupervisorOptions supervisor_options(std::uint32_t workers) const;

  /// Stops the service thread. Every IoUnit must be gone. Also done by the destructor.
  void close();

 private:
  explicit Application(services::Manifest manifest);
  void add_work();
  [[nodiscard]] std::shared_ptr<worker_loop::WorkSink> make_event_work_sink(const services::EventConsumer& config);
  [[nodiscard]] bool has_role(services::Role role) const noexcept;
  void enter(State state);
  void stopped(const DrainReport& report);
  void close_component(Component& component);
  friend class IoUnit;
  void closing(IoUnit& unit);

  services::Manifest manifest_;
  std::shared_ptr<Clock> clock_;
  net::VirtualClock* virtual_clock_ = nullptr;
  std::shared_ptr<Faults> faults_;
  std::unique_ptr<log::Logger> logger_;
  std::unique_ptr<Telemetry> telemetry_;
  std::shared_ptr<const http::CompiledHttp> compiled_;
  std::shared_ptr<StorageRoutes> storage_routes_;
  std::shared_ptr<EventEndpoints> event_endpoints_;  // null without `events`
  std::shared_ptr<EventGate> event_gate_;
  std::shared_ptr<HttpClients> http_clients_ = std::make_shared<HttpClients>();
  std::shared_ptr<http::Singletons> singletons_;
  std::vector<net::ReservedAddress> reserved_;
  std::vector<std::shared_ptr<net::TlsContext>> tls_;  // one a listener; null for plain text
  std::unique_ptr<net::BlockingPool> pool_;
  std::unique_ptr<Clients> clients_;
  Toolbox toolbox_;
  std::unique_ptr<net::ServiceThread> service_;
  std::once_flag work_begun_;
  MakeWorkSink make_work_sink_;  // on the service loop
  IoUnits units_;
  std::vector<std::unique_ptr<Component>> components_;
  std::vector<WorkComponent*> work_;
  HttpComponent* http_ = nullptr;
  BackgroundComponent* background_ = nullptr;
  OutboxComponent* outbox_ = nullptr;
  std::unique_ptr<Drain> drain_;
  std::atomic<State> state_{State::created};
  std::atomic<int> exit_code_{0};
  bool failed_ = false;  // the start has
  mutable std::mutex mutex_;
  std::string report_;
  std::vector<std::pair<const void*, Function<void(State)>>> observers_;
  std::mutex observers_mutex_;
};

}  // namespace spikard::app
