#include "app/application.hpp"

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>

#include "app/background_component.hpp"
#include "app/clients.hpp"
#include "app/cloudevents_callback.hpp"
#include "app/cloudevents_inbox.hpp"
#include "app/cloudevents_messaging.hpp"
#include "app/http_component.hpp"
#include "app/outbox_component.hpp"
#include "app/signals.hpp"
#include "app/telemetry_operations.hpp"
#include "app/work_components.hpp"
#include "base/json.hpp"
#include "base/tz.hpp"

namespace spikard::app {
namespace {

std::string_view name_of(State state) {
  switch (state) {
    case State::created: return "created";
    case State::started: return "started";
    case State::ready: return "ready";
    case State::draining: return "draining";
    case State::stopped: return "stopped";
  }
  return "unknown";
}

Duration ms(std::uint32_t n) { return std::chrono::milliseconds(n); }

}  // namespace

IoUnit::~IoUnit() {
  if (background_ != nullptr) background_->abandon();
  application_.closing(*this);
  background_.reset();
  if (server_ != nullptr) {
    server_->close();
    sink_->on_close();
    server_.reset();
  }
  application_.http_clients_->forget(*loop_);
  application_.clients_->forget(*loop_);
}

void Application::closing(IoUnit& unit) {
  units_.closing(unit, [&] {
    if (http_ != nullptr) http_->closing(unit);
    if (background_ != nullptr) background_->closing(unit);
  });
}

Application::Application(services::Manifest manifest) : manifest_(std::move(manifest)) {}

Application::~Application() { close(); }

Result<std::shared_ptr<Application>> Application::create(services::Manifest manifest, ApplicationOptions options) {
  std::shared_ptr<Application> self(new Application(std::move(manifest)));
  if (!self->has_role(services::Role::web)) self->manifest_.http.reset(), self->manifest_.events.clear();
  const services::Manifest& m = self->manifest_;
  if (options.clock != nullptr) {
    self->clock_ = std::move(options.clock);
    if (self->clock_->is_virtual()) self->virtual_clock_ = static_cast<net::VirtualClock*>(self->clock_.get());
  } else if (m.clock == services::ClockKind::virtual_) {
#ifdef NDEBUG
    if (const char* test = std::getenv("SPIKARD_TEST"); test == nullptr || std::strcmp(test, "1") != 0) {
      return invalid_argument("clock: \"virtual\" is for tests: set SPIKARD_TEST=1 in the environment, or \"real\"");
    }
#endif
    WallTime start{std::chrono::seconds(1767225600)};  // 2026-01-01T00:00:00Z
    if (const char* text = std::getenv("SPIKARD_TEST_START"); text != nullptr) {
      const std::optional<std::int64_t> ms = parse_rfc3339_ms(text);
      if (!ms) return invalid_argument("SPIKARD_TEST_START: expected an instant of RFC 3339, where the virtual clock begins");
      start = WallTime{std::chrono::milliseconds(*ms)};
    }
    auto clock = std::make_shared<net::VirtualClock>(start);
    self->virtual_clock_ = clock.get();
    self->clock_ = std::move(clock);
  } else {
    self->clock_ = std::make_shared<RealClock>();
  }
  if (!options.faults && m.faults) {
    auto plan = FaultPlan::from(*m.faults);
    if (!plan.ok()) return std::move(plan).error();
    options.faults = std::move(*plan);
  }
  if (options.faults) {
    SPIKARD_TRY(options.faults->check());
    if (self->virtual_clock_ == nullptr) return invalid_argument("faults: expected the virtual clock (`\"clock\": \"virtual\"`)");
    self->faults_ = std::make_shared<Faults>(std::move(*options.faults));
  }
  if (options.log_sink == nullptr) options.log_sink = std::make_shared<log::FdSink>(STDERR_FILENO);
  self->logger_ =
      std::make_unique<log::Logger>(std::move(options.log_sink), *self->clock_, static_cast<log::Format>(m.log.format),
                                    static_cast<log::Level>(m.log.level), m.name);
  auto telemetry = Telemetry::create(m, options.environment, *self->clock_, *self->logger_);
  if (!telemetry.ok()) return std::move(telemetry).error();
  self->telemetry_ = std::move(telemetry).value();
  self->pool_ = std::make_unique<net::BlockingPool>(*self->clock_, net::BlockingPoolOptions{.threads = 32, .queue = 4096});
  Clients::Environment environment;
  environment.clock = self->clock_.get();
  environment.faults = self->faults_;
  environment.pool = self->pool_.get();
  environment.tracer = self->telemetry_->tracer();
  environment.opened_db = [app = self.get()](const std::shared_ptr<db::Client>& client) { app->outbox_->opened(client); };
  environment.base_url = [app = self.get()] { return app->base_url(); };
  environment.make_sink = [app = self.get()](const WorkOrigin& origin) -> std::unique_ptr<worker_loop::WorkSink> {
    return app->make_work_sink_ ? app->make_work_sink_(origin) : nullptr;
  };
  environment.http = self->http_clients_;
  self->clients_ = std::make_unique<Clients>(m, std::move(environment));
  SPIKARD_TRY(self->clients_->check());
  self->event_gate_ =
      std::make_shared<DbEventGate>([clients = self->clients_.get()](const std::string& name) { return clients->db(name); });
  self->clients_->add_to(self->toolbox_);
  self->toolbox_.add(Subsystem::telemetry, "default", std::make_shared<TelemetryOperations>(*self->telemetry_));
  if (m.io_threads == 0) return invalid_argument("io_threads: expected at least 1, got 0");
  if (!m.events.empty() && !m.http) return invalid_argument("events: expected `http`, for they come over HTTP");
  if (m.http) {
    services::HttpConfig http = *m.http;
    auto stores = m.services.storage;
    stores.try_emplace("default");
    auto find = [app = self.get()](const std::string& name) -> Result<std::shared_ptr<storage::Client>> {
      // A store that nobody named and nobody has used has made no links; whoever asks does not bring it about.
      const std::string folder = services::StorageConfig().url.substr(sizeof("file:") - 1);
      if (!app->manifest_.services.storage.contains(name) && !std::filesystem::exists(folder))
        return Error(ErrorKind::unavailable, "services.storage: \"" + name + "\" was never used");
      return app->clients_->storage(name);
    };
    auto signed_urls = StorageRoutes::create(stores, http, std::move(find));
    if (!signed_urls.ok()) return std::move(signed_urls).error();
    self->storage_routes_ = std::move(signed_urls).value();
    if (!m.events.empty()) {
      auto endpoints = EventEndpoints::create(m.events, http);
      if (!endpoints.ok()) return std::move(endpoints).error();
      self->event_endpoints_ = std::move(endpoints).value();
    }
    auto compiled = http::CompiledHttp::compile(http);
    if (!compiled.ok()) return std::move(compiled).error();
    self->compiled_ = std::move(compiled).value();
    self->singletons_ = http::make_singletons();
  }
  auto background = std::make_unique<BackgroundComponent>(*self, self->units_);
  self->background_ = background.get();
  if (m.http) {
    auto http = std::make_unique<HttpComponent>(*self, self->units_);
    self->http_ = http.get();
    self->components_.push_back(std::move(http));
  }
  self->components_.push_back(std::move(background));
  self->add_work();
  if (auto flush = self->telemetry_->component(ms(m.shutdown.flush_ms)); flush != nullptr)
    self->components_.push_back(std::move(flush));
  return self;
}

void Application::add_work() {
  // In the order of the start, before HTTP.
  std::vector<std::unique_ptr<Component>> list;
  const auto work = [&](std::unique_ptr<WorkComponent> component) {
    work_.push_back(component.get());
    list.push_back(std::move(component));
  };
  if (has_role(services::Role::consumer)) {
    for (std::uint32_t i = 0; i < manifest_.consumers.size(); ++i) {
      const services::Consumer& config = manifest_.consumers[i];
      work(std::make_unique<ConsumerComponent>(
          *this, *clients_, config, "consumers[" + std::to_string(i) + "]",
          [i, name = config.name](MakeWorkSink& make) -> std::shared_ptr<worker_loop::WorkSink> {
            return make({WorkOrigin::Kind::message, i, 0, name});
          }));
    }
    for (std::uint32_t i = 0; i < manifest_.event_consumers.size(); ++i) {
      const services::EventConsumer& config = manifest_.event_consumers[i];
      work(std::make_unique<ConsumerComponent>(*this, *clients_, config.consumer,
                                               "event_consumers[" + std::to_string(i) + "].consumer",
                                               [this, &config](MakeWorkSink&) { return make_event_work_sink(config); }));
    }
  }
  if (has_role(services::Role::worker)) {
    for (std::uint32_t i = 0; i < manifest_.workers.size(); ++i) work(std::make_unique<TaskWorkerComponent>(*this, *clients_, i));
  }
  if (has_role(services::Role::scheduler) && !manifest_.schedules.empty())
    work(std::make_unique<SchedulerComponent>(*this, *clients_));
  list.push_back(std::make_unique<OperationsComponent>(*clients_));
  auto outbox = std::make_unique<OutboxComponent>(*clients_, *logger_);
  outbox_ = outbox.get();
  list.push_back(std::move(outbox));
  components_.insert(components_.begin(), std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
}

std::shared_ptr<worker_loop::WorkSink> Application::make_event_work_sink(const services::EventConsumer& config) {
  std::vector<EventLane> lanes;
  units_.visit([&](const std::vector<IoUnit*>& units) {
    for (IoUnit* unit : units) {
      if (unit->event_sink_ != nullptr) lanes.push_back({&unit->loop(), unit->event_sink_});
    }
  });
  if (lanes.empty()) return nullptr;
  EventWorkSink::Options options;
  options.gate = event_gate_;
  if (!config.reply.empty()) {
    auto replies = clients_->events(config.reply);
    if (!replies.ok()) {
      logger_->error("event consumer without its reply",
                     {{"consumer", config.consumer.name}, {"error", replies.error().to_string()}});
      return nullptr;
    }
    options.replies = std::move(replies).value();
  }
  return std::make_shared<EventWorkSink>(config, clients_->broker_scheme(config.consumer.client), std::move(lanes),
                                         std::move(options));
}

bool Application::has_role(services::Role role) const noexcept {
  return manifest_.roles.empty() || std::find(manifest_.roles.begin(), manifest_.roles.end(), role) != manifest_.roles.end();
}

bool Application::ready() const noexcept {
  return state() == State::ready && std::all_of(components_.begin(), components_.end(), [](const auto& c) { return c->ready(); });
}

void Application::add(std::unique_ptr<Component> component) { components_.insert(components_.begin(), std::move(component)); }

std::vector<std::string> Application::addresses() const {
  std::vector<std::string> list;
  for (const net::ReservedAddress& address : reserved_) list.push_back(address.address());
  return list;
}

std::string Application::base_url() const {
  for (std::size_t i = 0; i < reserved_.size(); ++i) {
    const std::string address = reserved_[i].address();
    if (!address.starts_with("unix:")) return (tls_[i] == nullptr ? "http://" : "https://") + address;
  }
  return {};
}

Result<void> Application::reserve() {
  if (!manifest_.http || !reserved_.empty()) return {};
  std::size_t index = 0;
  for (const services::Listener& listener : manifest_.http->listeners) {
    const std::string where = "http.listeners[" + std::to_string(index++) + "]";
    auto address = net::ReservedAddress::reserve({.address = listener.address, .port = listener.port});
    if (!address.ok()) {
      reserved_.clear();
      tls_.clear();
      return Error(address.error().kind(), where + ": " + address.error().message());
    }
    reserved_.push_back(std::move(address).value());
    std::shared_ptr<net::TlsContext> tls;
    if (listener.tls) {
      auto context = net::TlsContext::server(
          {.certificate = listener.tls->certificate, .key = listener.tls->key, .alpn = listener.tls->alpn});
      if (!context.ok()) {
        reserved_.clear();
        tls_.clear();
        return Error(context.error().kind(), where + ".tls: " + context.error().message());
      }
      tls = std::move(context).value();
    }
    tls_.push_back(std::move(tls));
  }
  return {};
}

Result<void> Application::start() {
  if (state() != State::created) return Error(ErrorKind::conflict, "the application was started already");
  if (failed_) return Error(ErrorKind::conflict, "the application's start has failed; make another one");
  SPIKARD_TRY(reserve());
  auto service = net::ServiceThread::start(*clock_);
  if (!service.ok()) return std::move(service).error();
  service_ = std::move(service).value();
  // What was opened by then is closed as it is at the end, while its loop is there: connections of it may not outlive that. The
  // outbox begins with the first client, not with its start.
  const auto failed = [this](std::size_t started, Error why) {
    failed_ = true;
    for (std::size_t k = components_.size(); k-- > 0;) {
      if (k < started || components_[k].get() == outbox_) close_component(*components_[k]);
    }
    close();
    return why;
  };
  if (auto exporting = telemetry_->start(service_->loop()); !exporting.ok()) return failed(0, std::move(exporting).error());
  outbox_->run_on(service_->loop());
  if (auto opened = clients_->open(service_->loop()); !opened.ok()) return failed(0, std::move(opened).error());
  for (std::size_t i = 0; i < components_.size(); ++i) {
    if (auto started = components_[i]->start(); !started.ok())
      return failed(i, Error(started.error().kind(), std::string(components_[i]->name()) + ": " + started.error().message()));
  }
  std::vector<Component*> all;
  for (const auto& component : components_) all.push_back(component.get());
  const services::Shutdown& s = manifest_.shutdown;
  const DrainLimits limits{
      .delay = ms(s.delay_ms), .timeout = ms(s.timeout_ms), .cleanup = ms(s.cleanup_ms), .flush = ms(s.flush_ms)};
  drain_ = std::make_unique<Drain>(
      service_->loop(), std::move(all), limits, [this] { enter(State::draining); },
      [this](const DrainReport& report) { stopped(report); });
  enter(State::started);
  if (!manifest_.http) enter(State::ready);
  return {};
}

void Application::close_component(Component& component) {
  std::promise<void> closed;
  service_->loop().post([&] { component.close([&] { closed.set_value(); }); });
  closed.get_future().wait();
}

Result<std::unique_ptr<IoUnit>> Application::open_io(Function<Result<http::Sink*>(IoUnit&)> make_sink) {
  if (service_ == nullptr) return Error(ErrorKind::conflict, "start the application before opening a port");
  std::unique_ptr<IoUnit> unit(new IoUnit(*this));
  auto loop = net::Loop::create(*clock_);
  if (!loop.ok()) return std::move(loop).error();
  unit->loop_ = std::move(loop).value();
  unit->background_ = std::make_unique<worker_loop::Background>(
      *unit->loop_, worker_loop::BackgroundOptions{.concurrency = 1024, .capacity = 1 << 16});
  auto sink = make_sink(*unit);
  if (!sink.ok()) return std::move(sink).error();
  if (compiled_ != nullptr) {
    http::ServerOptions options;
    options.singletons = singletons_;
    options.pool = pool_.get();
    options.ready = [this] { return ready(); };
    telemetry_->serve(options);
    options.on_failure = [this](const http::Exchange& exchange, const http::Failure& failure) {
      const http::RequestRecord& record = exchange.record();
      logger_->error("handler failed", {{"path", record.text(record.path)},
                                        {"request", record.id},
                                        {"type", failure.type},
                                        {"error", failure.message},
                                        {"trace", failure.trace.empty() ? log::Field(nullptr) : log::Field(failure.trace)}});
    };
    unit->db_ = std::make_unique<DbHttp>(*unit->loop_, **sink, manifest_.http->problem_base);
    unit->storage_ = std::make_unique<StorageHttp>(*unit->loop_, *unit->db_, storage_routes_, manifest_.http->problem_base);
    unit->sink_ = unit->storage_.get();
    if (event_endpoints_ != nullptr) {
      if (unit->event_sink_ == nullptr) return Error(ErrorKind::conflict, "events: nobody handles them on this loop");
      EventHttpOptions event_options;
      event_options.gate = event_gate_;
      event_options.tracer = telemetry_->tracer();
      event_options.call_back = [this, io = unit->loop_.get()](std::string url, std::string rate) {
        Task<> granted = grant_by_callback(*io, http_clients_, std::move(url), std::move(rate), *logger_);
        spawn(std::move(granted), [](const std::exception_ptr&) {});
      };
      unit->events_ = std::make_unique<EventHttpSink>(*unit->loop_, event_endpoints_, *unit->sink_, *unit->event_sink_,
                                                      std::move(event_options));
      unit->sink_ = unit->events_.get();
    }
    auto server = http::Server::create(*unit->loop_, compiled_, *unit->sink_, std::move(options));
    if (!server.ok()) return std::move(server).error();
    unit->server_ = std::move(server).value();
    for (std::size_t i = 0; i < reserved_.size(); ++i) {
      auto listener = reserved_[i].listen();
      if (!listener.ok()) return std::move(listener).error();
      std::unique_ptr<net::Listener> listening = std::move(listener).value();
      if (tls_[i] != nullptr) listening = net::tls_listener(std::move(listening), tls_[i]);
      SPIKARD_TRY(unit->server_->listen(std::move(listening)));
    }
  }
  units_.opened(*unit);
  if (state() == State::started) enter(State::ready);
  return unit;
}

void Application::begin_work(MakeWorkSink make_sink) {
  std::call_once(work_begun_, [&] {
    // Waits until they have subscribed: what is published from now on finds them. Bounded, for a broker may be slow.
    auto begun = std::make_shared<std::promise<void>>();
    auto waiting = begun->get_future();
    service_->loop().post([this, make = std::move(make_sink), begun]() mutable {
      make_work_sink_ = std::move(make);
      auto left = std::make_shared<std::size_t>(work_.size() + 1);
      const auto one = [left, begun] {
        if (--*left == 0) begun->set_value();
      };
      for (WorkComponent* component : work_) component->begin(make_work_sink_, one);
      one();
    });
    waiting.wait_for(std::chrono::seconds(10));
  });
}

void Application::reload_certificates() {
  for (std::size_t i = 0; i < tls_.size(); ++i) {
    if (tls_[i] == nullptr) continue;
    const std::string where = "http.listeners[" + std::to_string(i) + "].tls";
    if (auto reloaded = tls_[i]->reload(); reloaded.ok()) logger_->info("certificate reloaded", {{"listener", where}});
    else
      logger_->error("certificate not reloaded: the old one stays", {{"listener", where}, {"error", reloaded.error().message()}});
  }
}

void Application::drain(std::optional<Duration> timeout) {
  if (service_ == nullptr) return;
  service_->loop().post([this, timeout] {
    if (timeout) drain_->limit(*timeout);
    drain_->signal();
  });
}

void Application::enter(State next) {
  State now = state();
  do {
    if (now >= next) return;
  } while (!state_.compare_exchange_weak(now, next, std::memory_order_acq_rel));
  if (next == State::ready) {
    std::string text;
    for (const std::string& address : addresses()) text += (text.empty() ? "" : " ") + address;
    logger_->info("ready", {{"listening", text}, {"pid", getpid()}});
  } else if (next == State::draining) {
    logger_->info("draining");
  }
  const std::lock_guard lock(observers_mutex_);
  for (auto& [key, fn] : observers_) fn(next);
}

void Application::stopped(const DrainReport& report) {
  {
    const std::lock_guard lock(mutex_);
    report_ = report.to_json();
  }
  exit_code_.store(report.exit_code(), std::memory_order_release);
  const std::string text = report.to_json();
  logger_->info("drained", {{"report", log::Field::json(text)}});
  enter(State::stopped);
}

void Application::on_state(const void* key, Function<void(State)> fn) {
  const std::lock_guard lock(observers_mutex_);
  observers_.emplace_back(key, std::move(fn));
}

void Application::forget_states(const void* key) {
  const std::lock_guard lock(observers_mutex_);
  std::erase_if(observers_, [key](const auto& o) { return o.first == key; });
}

std::string Application::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::string Application::info() const {
  std::string out;
  json::Writer w(out);
  w.begin_object();
  w.key("name"), w.string(manifest_.name);
  w.key("state"), w.string(name_of(state()));
  w.key("addresses");
  w.begin_array();
  for (const std::string& address : addresses()) w.string(address);
  w.end_array();
  w.key("pid"), w.integer(getpid());
  w.key("clients");
  w.begin_object();
  for (std::size_t i = 0; i < subsystem_count; ++i) {
    const auto subsystem = static_cast<Subsystem>(i);
    w.key(name_of(subsystem));
    w.begin_array();
    for (const std::string& name : toolbox_.names(subsystem)) w.string(name);
    w.end_array();
  }
  w.end_object();
  w.key("telemetry"), w.boolean(telemetry_->provider() != nullptr);
  if (manifest_.http) w.key("problem_base"), w.string(manifest_.http->problem_base);
  w.end_object();
  return out;
}

Result<void> Application::check_workers(std::uint32_t workers) const {
  if (workers == 0) return invalid_argument("workers: expected at least 1, got 0");
  if (workers == 1) return {};
  // What lies in one process's memory the others would not see.
  const auto refuse = [](const auto& configs, std::string_view subsystem, const std::string& client,
                         std::string_view what) -> Result<void> {
    const auto at = configs.find(client);
    if (at == configs.end() || !at->second.url.starts_with("memory:")) return {};
    return invalid_argument("services." + std::string(subsystem) + "." + client +
                            ".url: `memory:` is a store of its own in each process, so " + std::string(what) +
                            " cannot run in several workers; use `sqlite:FILE`");
  };
  for (const services::Consumer& c : manifest_.consumers)
    SPIKARD_TRY(refuse(manifest_.services.messaging, "messaging", c.client, "consumers"));
  for (const services::Worker& w : manifest_.workers)
    SPIKARD_TRY(refuse(manifest_.services.tasks, "tasks", w.client, "task workers"));
  for (const services::Schedule& s : manifest_.schedules)
    SPIKARD_TRY(refuse(manifest_.services.tasks, "tasks", s.client, "schedules"));
  return {};
}

SupervisorOptions Application::supervisor_options(std::uint32_t workers) const {
  const services::Shutdown& s = manifest_.shutdown;
  SupervisorOptions options;
  options.workers = workers;
  options.deadline = ms(s.delay_ms) + ms(s.timeout_ms) + ms(s.cleanup_ms) + ms(s.flush_ms) + std::chrono::seconds(1);
  return options;
}

net::Loop& Application::service_loop() { return service_->loop(); }

Result<int> Application::run(Function<std::unique_ptr<http::Sink>(IoUnit&)> make_sink,
                             Function<MakeWorkSink(std::vector<net::Loop*>)> make_work_sinks) {
  std::unique_ptr<Signals> signals;
  if (manifest_.handle_signals) {
    auto blocked = Signals::block();
    if (!blocked.ok()) return std::move(blocked).error();
    signals = std::move(blocked).value();
  }
  SPIKARD_TRY(start());
  struct Unit {
    std::unique_ptr<http::Sink> sink;
    std::unique_ptr<IoUnit> io;
  };
  std::vector<Unit> units(manifest_.io_threads);
  for (Unit& unit : units) {
    auto io = open_io([&](IoUnit& opened) -> Result<http::Sink*> {
      unit.sink = make_sink(opened);
      return unit.sink.get();
    });
    if (!io.ok()) return std::move(io).error();
    unit.io = std::move(io).value();
  }
  if (make_work_sinks) {
    std::vector<net::Loop*> loops;
    for (Unit& unit : units) loops.push_back(&unit.io->loop());
    begin_work(make_work_sinks(std::move(loops)));
  }
  on_state(&units, [&](State state) {
    if (state != State::stopped) return;
    for (Unit& unit : units) unit.io->loop().stop();
  });
  if (signals != nullptr) {
    service_->loop().post([this, s = signals.get()] {
      auto watched = s->watch(service_->loop(), [this](int number) {
        if (number == SIGHUP) reload_certificates();
        else drain_->signal();
      });
      if (!watched.ok()) logger_->error("signals are not watched: " + watched.error().message());
    });
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < units.size(); ++i) threads.emplace_back([loop = &units[i].io->loop()] { loop->run(); });
  units[0].io->loop().run();
  for (std::thread& thread : threads) thread.join();
  forget_states(&units);
  if (signals != nullptr) {
    std::promise<void> gone;
    service_->loop().post([&] {
      signals->unwatch();
      gone.set_value();
    });
    gone.get_future().wait();
  }
  for (Unit& unit : units) {
    unit.io.reset();  // before its sink
    unit.sink.reset();
  }
  close();
  return exit_code();
}

void Application::close() {
  if (service_ == nullptr) return;
  std::promise<void> forgotten;
  service_->loop().post([&] {
    http_clients_->forget(service_->loop());
    clients_->forget(service_->loop());
    forgotten.set_value();
  });
  forgotten.get_future().wait();
  service_->stop();
  drain_.reset();
  work_.clear();
  components_.clear();
  clients_->close();
  telemetry_->stop();
  http_ = nullptr;
  background_ = nullptr;
  pool_->stop();  // joins what runs
  service_.reset();
}

}  // namespace spikard::app
