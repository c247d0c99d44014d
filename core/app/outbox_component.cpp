#include "app/outbox_component.hpp"

#include <utility>

namespace spikard::app {
namespace {

/// The next deployment may have it, or another process that shares the database has it now.
Error not_here(Error error) { return std::move(error).with_retry(RetryClass::temporary); }

}  // namespace

/// One database. Belongs to the service loop.
struct OutboxComponent::Watched {
  std::shared_ptr<db::Client> client;
  std::shared_ptr<db::detail::OutboxListener> listener;
  std::shared_ptr<db::Relay> relay;
  bool checking = false;
  Function<void()> checked;
};

OutboxComponent::~OutboxComponent() = default;

void OutboxComponent::run_on(net::Loop& service) {
  std::vector<std::shared_ptr<db::Client>> early;
  {
    const std::lock_guard lock(mutex_);
    loop_ = &service;
    early.swap(early_);
  }
  for (auto& client : early) opened(std::move(client));
}

void OutboxComponent::opened(std::shared_ptr<db::Client> client) {
  net::Loop* loop = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (loop_ == nullptr) {
      early_.push_back(std::move(client));
      return;
    }
    loop = loop_;
  }
  loop->post([this, client = std::move(client)]() mutable { watch(std::move(client)); });
}

void OutboxComponent::watch(std::shared_ptr<db::Client> client) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
  }
  auto watched = std::make_shared<Watched>();
  watched->client = std::move(client);
  watched_.push_back(watched);
  const std::weak_ptr<Watched> weak = watched;
  const auto begin = [this, weak] {
    const std::shared_ptr<Watched> self = weak.lock();
    if (self == nullptr || self->relay != nullptr) return;
    self->relay = db::Relay::make(self->client, *loop_, [this](net::Caller caller, const db::Relay::Entry& entry) {
      return deliver(std::move(caller), entry);
    });
    self->relay->on_error([this](const db::Relay::Entry& entry, const Error& error) {
      logger_.warn("outbox: not delivered yet",
                   {{"target", entry.what.target}, {"id", std::to_string(entry.id)}, {"error", error.to_string()}});
    });
    self->relay->on_refused([this](const db::Relay::Entry& entry, const Error& error) {
      logger_.error("outbox: refused for good and set aside",
                    {{"target", entry.what.target}, {"id", std::to_string(entry.id)}, {"error", error.to_string()}});
    });
    self->relay->start();
  };
  watched->listener = watched->client->listen_to_outbox(*loop_, begin);
  // Entries of an earlier run, or of a program in another language.
  watched->checking = true;
  const std::shared_ptr<db::Client> quiet = watched->client->untraced();
  spawn(quiet->first(net::Caller(*loop_), "SELECT id FROM spikard_outbox"),
        [begin, watched, quiet](const std::exception_ptr&, std::optional<Result<std::optional<db::Rows>>> row) mutable {
          watched->checking = false;
          if (watched->checked) return std::exchange(watched->checked, nullptr)();
          // Only where there is no table is there nothing to do; whatever else went wrong, the relay tries again.
          if (row.has_value() && !row->ok() && row->error().detail() == "undefined_table") return;
          begin();
        });
}

Task<Result<void>> OutboxComponent::deliver(net::Caller caller, const db::Relay::Entry& entry) {
  const std::string& target = entry.what.target;
  const std::size_t dot = target.find('.');
  const std::string subsystem = target.substr(0, dot);
  const std::string name = dot == std::string::npos ? std::string() : target.substr(dot + 1);
  if (subsystem == "messaging" && entry.what.kind == "publish") {
    Result<std::shared_ptr<messaging::Client>> client = clients_.messaging(name);
    if (!client.ok()) co_return Result<void>(not_here(std::move(client).error()));
    const std::shared_ptr<messaging::Client> held = *client;
    Result<void> done = co_await held->deliver(caller, entry.what.payload);
    co_return done;
  }
  if (subsystem == "tasks" && entry.what.kind == "enqueue") {
    Result<std::shared_ptr<tasks::Client>> client = clients_.tasks(name);
    if (!client.ok()) co_return Result<void>(not_here(std::move(client).error()));
    const std::shared_ptr<tasks::Client> held = *client;
    // The same entry twice is one task.
    Result<void> done = co_await held->enqueue_entry(caller, entry.what.payload, "outbox:" + entry.key);
    co_return done;
  }
  co_return Result<void>(invalid_argument("outbox: nobody takes " + entry.what.kind + " for " + target));
}

void OutboxComponent::close(Function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    early_.clear();
  }
  // `done` once the last has ended.
  struct Join {
    explicit Join(Function<void()> f) : fn(std::move(f)) {}
    ~Join() { fn(); }
    Function<void()> fn;
  };
  auto join = std::make_shared<Join>(std::move(done));
  for (const auto& watched : watched_) {
    watched->listener->alive = false;
    if (watched->checking) watched->checked = [join] {};
    if (watched->relay != nullptr) watched->relay->stop([join] {});
  }
}

Counts OutboxComponent::counts() const {
  Counts counts;
  for (const auto& watched : watched_) {
    if (watched->relay != nullptr) counts.finished += watched->relay->delivered();
  }
  return counts;
}

}  // namespace spikard::app
