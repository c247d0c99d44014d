#include "app/clients.hpp"

#include "app/cache_invalidation.hpp"
#include "app/faults/backends.hpp"

#include <algorithm>
#include <future>
#include <set>

#include "cache/operations.hpp"
#include "cache/registry.hpp"
#include "db/migrations.hpp"
#include "db/registry.hpp"
#include "messaging/registry.hpp"
#include "storage/operations.hpp"
#include "storage/registry.hpp"
#ifdef SPIKARD_STORE_MYSQL
#include "store/mysql/database.hpp"
#endif
#ifdef SPIKARD_STORE_POSTGRES
#include "store/postgres/database.hpp"
#endif
#ifdef SPIKARD_STORE_SQLITE
#include "store/sqlite/databases.hpp"
#endif
#include "tasks/memory/hub.hpp"

namespace spikard::app {
namespace {

Error below(std::string_view subsystem, std::string_view name, const Error& error) {
  Error copy(error.kind(), "services." + std::string(subsystem) + "." + std::string(name) + ": " + error.message());
  return std::move(copy).with_detail(error.detail()).with_retry(error.retry());
}

/// Names of a subsystem with their configurations, `default` among them.
template <class Config>
std::map<std::string, Config> with_default(const std::map<std::string, Config>& named, bool in_memory) {
  std::map<std::string, Config> all = named;
  all.try_emplace("default");
  if (!in_memory) return all;
  for (auto& [name, config] : all) {
    if (config.url.starts_with("sqlite:")) config.url = "sqlite::memory:";
    else if (config.url.starts_with("file:")) config.url = "memory:";
  }
  return all;
}

Result<std::shared_ptr<store::Transaction>> open_transaction(const store::OpenTransactions& open, std::uint64_t number) {
  auto found = open.find(number);
  if (!found.ok() && found.error().kind() == ErrorKind::not_found)
    return invalid_argument("transaction: there is none with this number");
  return found;
}

}  // namespace

/// What the port calls: opened by the first call where the start has not.
template <class Client, class Operations>
class Clients::Target final : public net::OperationTarget {
 public:
  Target(std::shared_ptr<Slot<Client, Operations>> slot, std::string where) : slot_(std::move(slot)), where_(std::move(where)) {}

  std::optional<Result<Document>> call_now(Operation operation, Value args) override { return call_now_for({}, operation, args); }
  std::optional<Result<Document>> call_now_for(const telemetry::SpanContext& trace, Operation operation, Value args) override {
    auto opened = operations();
    if (!opened.ok()) return Result<Document>(std::move(opened).error());
    return (*opened)->call_now_for(trace, operation, args);
  }
  Task<Result<Document>> call(net::Caller caller, Operation operation, Document args, net::OperationStream* stream) override {
    auto opened = operations();
    if (!opened.ok()) return refused(std::move(opened).error());
    return (*opened)->call(std::move(caller), operation, std::move(args), stream);
  }

 private:
  Result<net::OperationTarget*> operations() {
    if (net::OperationTarget* known = known_.load(std::memory_order_acquire); known != nullptr) return known;
    auto opened = get(*slot_);
    if (!opened.ok()) {
      const std::size_t dot = where_.find('.');
      return below(where_.substr(0, dot), where_.substr(dot + 1), opened.error());
    }
    known_.store(opened->operations.get(), std::memory_order_release);
    return static_cast<net::OperationTarget*>(opened->operations.get());
  }
  static Task<Result<Document>> refused(Error error) { co_return std::move(error); }

  const std::shared_ptr<Slot<Client, Operations>> slot_;
  const std::string where_;
  std::atomic<net::OperationTarget*> known_{nullptr};
};

Clients::Clients(const services::Manifest& manifest, Environment environment)
    : manifest_(manifest), environment_(std::move(environment)) {
#ifdef SPIKARD_STORE_SQLITE
  databases_ = std::make_shared<store::sqlite::Databases>(*environment_.pool);
#endif
#ifdef SPIKARD_STORE_MYSQL
  mysql_ = std::make_shared<store::mysql::Databases>();
#endif
#ifdef SPIKARD_STORE_POSTGRES
  postgres_ = std::make_shared<store::postgres::Databases>();
#endif
  hubs_ = std::make_shared<tasks::Hubs>();
  const services::Services& services = manifest.services;
  for (const auto& entry : with_default(services.cache, manifest.in_memory_stores)) {
    auto slot = std::make_shared<Slot<cache::Client, net::OperationTarget>>();
    slot->open = [this, name = std::string(entry.first),
                  config = entry.second]() -> Result<Opened<cache::Client, net::OperationTarget>> {
      cache::Environment environment(*environment_.clock);
      environment.tracer = environment_.tracer;
      environment.name = name;
      if (auto site = faulty(services::FaultyClients::cache, name)) {
        environment.wrap = [site = *site](std::unique_ptr<cache::Backend> backend) {
          return with_faults(std::move(backend), site);
        };
      }
      auto opened = cache::open(config, environment);
      if (!opened.ok()) return std::move(opened).error();
      return Opened<cache::Client, net::OperationTarget>{
          std::make_shared<cache::Client>(*opened),
          std::make_shared<CacheInvalidation>(std::make_shared<cache::Operations>(*opened), transactions_)};
    };
    cache_.emplace(entry.first, std::move(slot));
  }
  for (const auto& entry : with_default(services.storage, manifest.in_memory_stores)) {
    auto slot = std::make_shared<Slot<storage::Client, net::OperationTarget>>();
    slot->open = [this, name = std::string(entry.first),
                  config = entry.second]() -> Result<Opened<storage::Client, net::OperationTarget>> {
      storage::Environment environment(*environment_.clock, *environment_.pool);
      environment.name = name;
      environment.tracer = environment_.tracer;
      if (environment_.base_url) environment.base_url = environment_.base_url();
      auto backend = storage::open(config, environment);
      if (!backend.ok()) return std::move(backend).error();
      if (auto site = faulty(services::FaultyClients::storage, name))
        *backend = with_faults(std::move(*backend), std::move(*site));
      auto client = std::make_shared<storage::Client>(std::move(*backend), config, environment.tracer);
      return Opened<storage::Client, net::OperationTarget>{client, std::make_shared<storage::Operations>(client)};
    };
    storage_.emplace(entry.first, std::move(slot));
  }
  for (const auto& entry : with_default(services.db, manifest.in_memory_stores)) {
    auto slot = std::make_shared<Slot<db::Client, db::Operations>>();
    slot->open = [this, name = std::string(entry.first), config = entry.second]() -> Result<Opened<db::Client, db::Operations>> {
      db::Environment environment(*environment_.pool);
      environment.databases = databases_.get();
      environment.postgres = postgres_.get();
      environment.mysql = mysql_.get();
      db::Registry registry;
      db::register_builtin_backends(registry);
      auto backend = registry.open(config, environment);
      if (!backend.ok()) return std::move(backend).error();
      if (auto site = faulty(services::FaultyClients::db, name)) *backend = with_faults(std::move(*backend), std::move(*site));
      auto client = db::Client::make(std::move(*backend), db::ClientOptions(config), environment_.tracer);
      if (environment_.opened_db) environment_.opened_db(client);
      auto operations = std::make_shared<db::Operations>(client, *environment_.pool, transactions_, config.migrations);
      return Opened<db::Client, db::Operations>{std::move(client), std::move(operations)};
    };
    db_.emplace(entry.first, std::move(slot));
  }
  for (const auto& entry : with_default(services.messaging, manifest.in_memory_stores)) {
    auto slot = std::make_shared<Slot<messaging::Client, messaging::Operations>>();
    slot->open = [this, name = std::string(entry.first),
                  config = entry.second]() -> Result<Opened<messaging::Client, messaging::Operations>> {
      messaging::Environment environment(*environment_.clock);
      environment.databases = databases_.get();
      environment.name = name;
      auto backend = messaging::open(config, environment);
      if (!backend.ok()) return std::move(backend).error();
      if (auto site = faulty(services::FaultyClients::messaging, name))
        *backend = with_faults(std::move(*backend), std::move(*site));
      messaging::ClientOptions options;
      options.topics = config.topics;
      options.max_message_bytes = config.max_message_bytes;
      options.name = name;
      options.tracer = environment_.tracer;
      auto client = std::make_shared<messaging::Client>(std::move(*backend), std::move(options));
      const auto make_sink = [this](const std::string& consumer, std::uint64_t user) -> std::shared_ptr<worker_loop::WorkSink> {
        if (!environment_.make_sink) return nullptr;
        return environment_.make_sink({WorkOrigin::Kind::message, WorkOrigin::by_operation, user, consumer});
      };
      const auto find = [this](std::uint64_t number) { return open_transaction(transactions_, number); };
      auto operations = std::make_shared<messaging::Operations>(client, make_sink, find);
      return Opened<messaging::Client, messaging::Operations>{std::move(client), std::move(operations)};
    };
    messaging_.emplace(entry.first, std::move(slot));
  }
  for (const auto& entry : with_default(services.tasks, manifest.in_memory_stores)) {
    auto slot = std::make_shared<Slot<tasks::Client, tasks::Operations>>();
    slot->open = [this, name = std::string(entry.first),
                  config = entry.second]() -> Result<Opened<tasks::Client, tasks::Operations>> {
      tasks::Environment environment;
      environment.databases = databases_.get();
      environment.postgres = postgres_.get();
      environment.mysql = mysql_.get();
      environment.hubs = hubs_.get();
      tasks::ClientOptions options;
      options.store.url = config.url;
      options.store.retention_ms = static_cast<tasks::Millis>(config.retention_ms);
      options.store.failed_retention_ms = static_cast<tasks::Millis>(config.failed_retention_ms);
      options.poll = std::chrono::milliseconds(config.poll_ms);
      options.tracer = environment_.tracer;
      auto backend = tasks::open_backend(options.store, environment);
      if (!backend.ok()) return std::move(backend).error();
      if (auto site = faulty(services::FaultyClients::tasks, name)) *backend = with_faults(std::move(*backend), std::move(*site));
      auto client = std::make_shared<tasks::Client>(std::move(*backend), std::move(options));
      const auto sinks = [this](const tasks::WorkerOptions& worker, std::uint64_t user,
                                net::Loop&) -> Result<std::unique_ptr<worker_loop::WorkSink>> {
        if (!environment_.make_sink) return Error(ErrorKind::unsupported, "tasks.start_worker: nobody handles its tasks here");
        return environment_.make_sink({WorkOrigin::Kind::task, WorkOrigin::by_operation, user, worker.name});
      };
      const auto find = [this](std::uint64_t number) { return open_transaction(transactions_, number); };
      auto operations = std::make_shared<tasks::Operations>(client, sinks, find, "tasks." + name);
      return Opened<tasks::Client, tasks::Operations>{std::move(client), std::move(operations)};
    };
    tasks_.emplace(entry.first, std::move(slot));
  }
  std::map<std::string, services::EventSender> senders = services.events;
  senders.try_emplace("default");
  for (const auto& entry : senders) {
    auto slot = std::make_shared<Slot<EventClient, EventOperations>>();
    slot->open = [this, name = std::string(entry.first),
                  config = entry.second]() -> Result<Opened<EventClient, EventOperations>> {
      EventClientOptions options;
      options.name = name;
      options.http = environment_.http;
      options.tracer = environment_.tracer;
      options.broker = [this](const std::string& broker) {
        auto client = messaging(broker);
        return std::pair(client.ok() ? *client : std::shared_ptr<messaging::Client>(), broker_scheme(broker));
      };
      auto client = EventClient::create(config, std::move(options));
      if (!client.ok()) return std::move(client).error();
      return Opened<EventClient, EventOperations>{*client, std::make_shared<EventOperations>(*client)};
    };
    events_.emplace(entry.first, std::move(slot));
  }
}

std::optional<FaultSite> Clients::faulty(services::FaultyClients kind, const std::string& name) const {
  if (environment_.faults == nullptr || !environment_.faults->covers(kind)) return std::nullopt;
  return FaultSite(environment_.faults, std::string(services::name_of(kind)) + "." + name);
}

Clients::~Clients() { close(); }

template <class Client, class Operations>
Result<Clients::Opened<Client, Operations>> Clients::get(Slot<Client, Operations>& slot) {
  const std::lock_guard lock(slot.mutex);
  if (slot.opened.client == nullptr) {
    auto opened = slot.open();
    if (!opened.ok()) return opened;
    slot.opened = std::move(*opened);
  }
  return slot.opened;
}

template <class Client, class Operations>
Result<std::shared_ptr<Client>> Clients::get(Slots<Client, Operations>& slots, std::string_view subsystem,
                                             std::string_view name) {
  const auto at = slots.find(name);
  if (at == slots.end()) {
    std::string names;
    for (const auto& [known, slot] : slots) names += (names.empty() ? "" : ", ") + known;
    return Error(ErrorKind::not_found,
                 "services." + std::string(subsystem) + ": there is no \"" + std::string(name) + "\"; there is " + names);
  }
  auto opened = get(*at->second);
  if (!opened.ok()) return below(subsystem, name, opened.error());
  return std::move(opened->client);
}

Result<std::shared_ptr<cache::Client>> Clients::cache(std::string_view name) { return get(cache_, "cache", name); }
Result<std::shared_ptr<storage::Client>> Clients::storage(std::string_view name) { return get(storage_, "storage", name); }
Result<std::shared_ptr<db::Client>> Clients::db(std::string_view name) { return get(db_, "db", name); }
Result<std::shared_ptr<messaging::Client>> Clients::messaging(std::string_view name) {
  return get(messaging_, "messaging", name);
}
Result<std::shared_ptr<tasks::Client>> Clients::tasks(std::string_view name) { return get(tasks_, "tasks", name); }

Result<std::shared_ptr<EventClient>> Clients::events(std::string_view name) { return get(events_, "events", name); }

std::string Clients::broker_scheme(const std::string& name) const {
  const auto named = manifest_.services.messaging.find(name);
  const std::string url = named == manifest_.services.messaging.end() ? services::MessagingConfig().url : named->second.url;
  return url.substr(0, url.find(':'));
}

Result<void> Clients::check() const {
  const auto known = [](const auto& slots, std::string_view subsystem, const std::string& name,
                        const std::string& where) -> Result<void> {
    if (slots.contains(name)) return {};
    return invalid_argument(where + ".client: there is no \"" + name + "\" in services." + std::string(subsystem));
  };
  std::size_t index = 0;
  for (const services::Consumer& c : manifest_.consumers)
    SPIKARD_TRY(known(messaging_, "messaging", c.client, "consumers[" + std::to_string(index++) + "]"));
  index = 0;
  for (const services::EventEndpoint& e : manifest_.events) {
    if (e.inbox && !db_.contains(e.inbox->db)) {
      return invalid_argument("events[" + std::to_string(index) + "].inbox.db: there is no \"" + e.inbox->db +
                              "\" in services.db");
    }
    ++index;
  }
  index = 0;
  for (const services::EventConsumer& c : manifest_.event_consumers) {
    const std::string where = "event_consumers[" + std::to_string(index++) + "]";
    SPIKARD_TRY(known(messaging_, "messaging", c.consumer.client, where + ".consumer"));
    if (!c.reply.empty() && !events_.contains(c.reply))
      return invalid_argument(where + ".reply: there is no \"" + c.reply + "\" in services.events");
    if (c.inbox && !db_.contains(c.inbox->db))
      return invalid_argument(where + ".inbox.db: there is no \"" + c.inbox->db + "\" in services.db");
    if (c.subscriptions.empty() && !c.handler)
      return invalid_argument(where + ": expected subscriptions, or a handler for every event");
  }
  index = 0;
  for (const services::Worker& w : manifest_.workers)
    SPIKARD_TRY(known(tasks_, "tasks", w.client, "workers[" + std::to_string(index++) + "]"));
  index = 0;
  for (const services::Schedule& s : manifest_.schedules)
    SPIKARD_TRY(known(tasks_, "tasks", s.client, "schedules[" + std::to_string(index++) + "]"));
  return {};
}

Result<void> Clients::open(net::Loop& service) {
  const auto each = [](auto& slots, std::string_view subsystem, const std::set<std::string>& names) -> Result<void> {
    for (const std::string& name : names) {
      if (auto opened = get(slots, subsystem, name); !opened.ok()) return std::move(opened).error();
    }
    return {};
  };
  const auto named = [](const auto& map) {
    std::set<std::string> names;
    for (const auto& [name, config] : map) names.insert(name);
    return names;
  };
  const services::Services& services = manifest_.services;
  std::set<std::string> brokers = named(services.messaging);
  for (const services::Consumer& c : manifest_.consumers) brokers.insert(c.client);
  for (const services::EventConsumer& c : manifest_.event_consumers) brokers.insert(c.consumer.client);
  std::set<std::string> stores = named(services.tasks);
  for (const services::Worker& w : manifest_.workers) stores.insert(w.client);
  for (const services::Schedule& s : manifest_.schedules) stores.insert(s.client);
  SPIKARD_TRY(each(cache_, "cache", named(services.cache)));
  SPIKARD_TRY(each(storage_, "storage", named(services.storage)));
  SPIKARD_TRY(each(db_, "db", named(services.db)));
  for (const auto& [name, config] : services.db) {
    if (!config.url.starts_with("sqlite:")) SPIKARD_TRY(reach(service, name));
    if (config.migrate_on_start) SPIKARD_TRY(migrate(service, name, config));
  }
  SPIKARD_TRY(each(messaging_, "messaging", brokers));
  SPIKARD_TRY(each(tasks_, "tasks", stores));
  return each(events_, "events", named(services.events));
}

/// A server that cannot be reached, or does not let us in, is told at the start.
Result<void> Clients::reach(net::Loop& service, const std::string& name) {
  auto client = db(name);
  if (!client.ok()) return std::move(client).error();
  const std::shared_ptr<db::Client> quiet = (*client)->untraced();
  std::promise<Result<void>> reached;
  service.post([&] {
    spawn(quiet->execute(net::Caller(service), "SELECT 1"),
          [&](const std::exception_ptr&, std::optional<Result<std::uint64_t>> done) {
            if (!done) reached.set_value(internal_error("the first statement ended with an exception"));
            else if (done->ok()) reached.set_value({});
            else reached.set_value(std::move(*done).error());
          });
  });
  auto result = reached.get_future().get();
  if (!result.ok()) return below("db", name, result.error());
  return {};
}

void Clients::forget([[maybe_unused]] net::Loop& loop) {
#ifdef SPIKARD_STORE_MYSQL
  mysql_->forget(loop);
#endif
#ifdef SPIKARD_STORE_POSTGRES
  postgres_->forget(loop);
#endif
}

Result<void> Clients::migrate(net::Loop& service, const std::string& name, const services::DbConfig& config) {
  auto client = db(name);
  if (!client.ok()) return std::move(client).error();
  db::Migrations migrations(*client, *environment_.pool, config.migrations);
  std::promise<Result<void>> applied;
  service.post([&] {
    spawn(migrations.apply(net::Caller(service)),
          [&](const std::exception_ptr&, std::optional<Result<std::vector<std::string>>> names) {
            if (!names) applied.set_value(internal_error("migrations ended with an exception"));
            else if (names->ok()) applied.set_value({});
            else applied.set_value(std::move(*names).error());
          });
  });
  auto result = applied.get_future().get();
  if (!result.ok()) return below("db", name, result.error());
  return {};
}

template <class Client, class Operations>
void Clients::add_to(Toolbox& toolbox, Subsystem subsystem, Slots<Client, Operations>& slots) {
  for (const auto& [name, slot] : slots)
    toolbox.add(subsystem, name,
                std::make_shared<Target<Client, Operations>>(slot, std::string(name_of(subsystem)) + "." + name));
}

void Clients::add_to(Toolbox& toolbox) {
  add_to(toolbox, Subsystem::cache, cache_);
  add_to(toolbox, Subsystem::storage, storage_);
  add_to(toolbox, Subsystem::db, db_);
  add_to(toolbox, Subsystem::messaging, messaging_);
  add_to(toolbox, Subsystem::tasks, tasks_);
  // Encoding and decoding need no place to send to: these are not opened by their first call.
  for (const auto& entry : events_) {
    toolbox.add(Subsystem::cloudevents, entry.first,
                std::make_shared<EventOperations>([this, name = std::string(entry.first)] { return events(name); }));
  }
}

namespace {
template <class Slots, class F>
void each_open(Slots& slots, F fn) {
  for (auto& [name, slot] : slots) {
    const std::lock_guard lock(slot->mutex);
    if (slot->opened.client != nullptr) fn(name, slot->opened);
  }
}
}  // namespace

std::vector<std::shared_ptr<db::Operations>> Clients::db_operations() {
  std::vector<std::shared_ptr<db::Operations>> out;
  each_open(db_, [&](const std::string&, auto& opened) { out.push_back(opened.operations); });
  return out;
}

std::vector<std::shared_ptr<messaging::Operations>> Clients::messaging_operations() {
  std::vector<std::shared_ptr<messaging::Operations>> out;
  each_open(messaging_, [&](const std::string&, auto& opened) { out.push_back(opened.operations); });
  return out;
}

std::vector<std::shared_ptr<tasks::Operations>> Clients::tasks_operations() {
  std::vector<std::shared_ptr<tasks::Operations>> out;
  each_open(tasks_, [&](const std::string&, auto& opened) { out.push_back(opened.operations); });
  return out;
}

void Clients::close() {
  each_open(tasks_, [](const std::string&, auto& opened) { opened.client->close(); });
  const auto forget = [](auto& slots) { each_open(slots, [](const std::string&, auto& opened) { opened = {}; }); };
  forget(events_);
  forget(tasks_);
  forget(messaging_);
  each_open(db_, [](const std::string&, auto& opened) { opened.client->close(); });
  forget(db_);
  forget(storage_);
  forget(cache_);
#ifdef SPIKARD_STORE_SQLITE
  databases_->close();
#endif
}

}  // namespace spikard::app
