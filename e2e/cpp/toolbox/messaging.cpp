// The ops of `messaging` (fixtures/README.md section 5) on the C++ client.
#include "messaging/client.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "messaging/registry.hpp"
#include "store/sqlite/databases.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

/// What one started consumer has handled; its handlers may outlive it.
struct Played {
  explicit Played(Value script_of) : script(script_of) {}
  struct Handled {
    messaging::Inbound item;
    std::string outcome;
  };
  Script script;
  std::vector<Handled> handled;
  std::size_t running = 0;
  std::size_t most = 0;
  std::shared_ptr<messaging::Consumer> consumer;
};

/// As Consumer::stop, of all at once.
struct Shutdown {
  std::size_t left = 0;
  std::uint64_t unfinished = 0;
};

Task<worker_loop::Outcome> handle(net::Loop& loop, std::shared_ptr<Played> played, messaging::Inbound item) {
  Script::Entry entry = played->script.next(item->payload);
  played->most = std::max(played->most, ++played->running);
  Result<worker_loop::Outcome> outcome = co_await act(loop, std::move(entry));
  --played->running;
  if (!outcome.ok()) {
    const CancelToken token = co_await current_token();
    if (token.reason() == CancelReason::deadline) played->handled.push_back({item, "timeout"});
    co_return worker_loop::Outcome::error("cancelled");
  }
  played->handled.push_back({item, std::string(worker_loop::name_of(outcome->kind))});
  co_return std::move(*outcome);
}

void write_headers(NodeBuilder& out, const messaging::Headers& headers) {
  out.begin_object();
  for (const auto& [name, value] : headers) {
    out.key(name);
    out.string(value);
  }
  out.end();
}

class MessagingClient final : public ToolboxClient {
 public:
  MessagingClient(Stage& stage, std::unique_ptr<store::sqlite::Databases> databases, std::shared_ptr<messaging::Client> client)
      : stage_(stage), databases_(std::move(databases)), client_(std::move(client)) {}

  std::vector<std::string> capabilities() const override {
    std::vector<std::string> out;
    if (client_->capabilities().replay) out.emplace_back("replay");
    if (!client_->capabilities().owns_delays) out.emplace_back("real_time");
    return out;
  }

  Task<Result<Document>> run(std::string op, Document given) override {
    const Value args = given.root();
    if (op == "publish") {
      Result<Document> done = co_await publish(args);
      co_return done;
    }
    if (op == "start_consumer") {
      Result<Document> done = co_await start(args);
      co_return done;
    }
    if (op == "expect_dead_letters") {
      Result<Document> done = co_await dead_letters(args);
      co_return done;
    }
    if (op == "shutdown_wait") {
      only(args, {}, op);
      while (shutdown_ != nullptr && shutdown_->left > 0) {
        Result<void> slept = co_await net::sleep(stage_.loop(), std::chrono::milliseconds(1));
        if (!slept.ok()) co_return Result<Document>(slept.error());
      }
      NodeBuilder out;
      out.begin_object();
      out.key("drained");
      out.boolean(shutdown_ == nullptr || shutdown_->unfinished == 0);
      out.key("unfinished");
      out.uinteger(shutdown_ == nullptr ? 0 : shutdown_->unfinished);
      out.end();
      co_return Result<Document>(Document(std::move(out)));
    }
    co_return now(op, args);
  }

  Task<Result<Document>> close() override {
    for (auto& [name, played] : consumers_) {
      if (played->consumer != nullptr) played->consumer->kill();
      played->consumer.reset();
    }
    // With a server, what goes back does so now.
    const Duration rest = std::chrono::milliseconds(client_->capabilities().owns_delays ? 1 : 50);
    Result<void> slept = co_await net::sleep(stage_.loop(), rest);
    (void)slept;
    consumers_.clear();
    client_.reset();
    if (databases_ != nullptr) databases_->close();
    co_return nothing();
  }

 private:
  Result<Document> now(const std::string& op, Value args) {
    if (op == "stop_consumer") {
      only(args, {"consumer"}, op);
      stop(text_or(args, "consumer"), std::chrono::seconds(20), std::make_shared<Shutdown>());
      return nothing();
    }
    if (op == "kill_consumer") {
      only(args, {"consumer"}, op);
      Played& played = find(text_or(args, "consumer"));
      played.consumer->kill();
      played.consumer.reset();
      return nothing();
    }
    if (op == "expect_handled") {
      only(args, {"consumer"}, op);
      return handled(find(text_or(args, "consumer")));
    }
    if (op == "max_in_flight") {
      only(args, {"consumer"}, op);
      return of(static_cast<std::int64_t>(find(text_or(args, "consumer")).most));
    }
    if (op == "shutdown_begin") {
      only(args, {"drain_timeout_ms"}, op);
      shutdown_ = std::make_shared<Shutdown>();
      const Duration limit = ms_of(args, "drain_timeout_ms").value_or(std::chrono::seconds(20));
      for (auto& [name, played] : consumers_) {
        if (played->consumer != nullptr) stop(name, limit, shutdown_);
      }
      return nothing();
    }
    if (op == "metric") {
      only(args, {"name"}, op);
      if (text_or(args, "name") != "messages_dropped") throw NotBuilt("metric " + std::string(text_or(args, "name")));
      return of(static_cast<std::int64_t>(client_->counts().dropped));
    }
    if (op == "topic_match") {
      only(args, {"style", "pattern", "topic"}, op);
      const auto style = services::topic_style_from(text_or(args, "style"));
      if (!style) throw NotBuilt("style " + std::string(text_or(args, "style")));
      return of(messaging::topic_match(*style, text_or(args, "pattern"), text_or(args, "topic")));
    }
    throw NotBuilt(op);
  }

  Played& find(std::string_view name) {
    const auto at = consumers_.find(name);
    if (at == consumers_.end()) throw std::runtime_error("no consumer " + std::string(name));
    return *at->second;
  }

  void stop(std::string_view name, Duration limit, const std::shared_ptr<Shutdown>& shutdown) {
    Played& played = find(name);
    if (played.consumer == nullptr) return;
    const std::shared_ptr<messaging::Consumer> consumer = std::move(played.consumer);
    played.consumer.reset();
    ++shutdown->left;
    spawn(consumer->stop(limit),
          [shutdown, consumer](const std::exception_ptr&, std::optional<messaging::Consumer::Stopped> how) {
            --shutdown->left;
            if (how) shutdown->unfinished += how->unfinished;
          });
  }

  Task<Result<Document>> publish(Value args) {
    only(args, {"topic", "payload", "key", "headers"}, "publish");
    messaging::Message message(std::string(text_or(args, "topic")), std::string(bytes_of(args.find("payload"))));
    if (const Value key = args.find("key"); key && !key.is_null()) message.key = std::string(key.text());
    if (const Value headers = args.find("headers")) {
      for (const auto& [name, value] : headers.members()) message.headers.emplace_back(name, value.text());
    }
    Result<std::uint64_t> position = co_await client_->publish(net::Caller(stage_.loop()), std::move(message));
    if (!position.ok()) co_return Result<Document>(position.error());
    co_return nothing();
  }

  Task<Result<Document>> start(Value args) {
    only(args,
         {"name", "topic", "group", "handler", "max_retries", "dead_letter", "backoff", "ack_wait_ms", "handler_timeout_ms",
          "max_concurrency", "ordered", "start_from"},
         "start_consumer");
    services::Consumer config;
    config.name = text_or(args, "name");
    config.topic = text_or(args, "topic");
    config.group = text_or(args, "group");
    const auto number = [](Value object, std::string_view key, std::uint32_t fallback) {
      return static_cast<std::uint32_t>(int_or(object, key, fallback));
    };
    config.max_retries = number(args, "max_retries", config.max_retries);
    config.ack_wait_ms = number(args, "ack_wait_ms", config.ack_wait_ms);
    config.concurrency = number(args, "max_concurrency", config.concurrency);
    config.ordered = flag(args, "ordered");
    if (const Value dead = args.find("dead_letter"); dead && !dead.is_null()) config.dead_letter = std::string(dead.text());
    if (const Value limit = args.find("handler_timeout_ms"); limit && !limit.is_null())
      config.handler_timeout_ms = number(args, "handler_timeout_ms", 0);
    if (const Value backoff = args.find("backoff")) {
      only(backoff, {"initial_ms", "factor", "max_ms"}, "backoff");
      config.backoff.initial_ms = number(backoff, "initial_ms", config.backoff.initial_ms);
      config.backoff.max_ms = number(backoff, "max_ms", config.backoff.max_ms);
      if (const Value factor = backoff.find("factor")) config.backoff.factor = Document(factor);
    }
    if (const std::string_view from = text_or(args, "start_from"); !from.empty()) {
      const auto known = services::start_from_from(from);
      if (!known) throw NotBuilt("start_from " + std::string(from));
      config.start_from = *known;
    }
    Result<messaging::ConsumerOptions> options = client_->consumer_options(config);
    if (!options.ok()) co_return Result<Document>(options.error());
    auto played = std::make_shared<Played>(args.find("handler"));
    net::Loop& loop = stage_.loop();
    messaging::Handler handler = [&loop, played](messaging::Inbound item) { return handle(loop, played, std::move(item)); };
    const std::vector<net::Loop*> loops{&loop};
    std::shared_ptr<worker_loop::WorkSink> sink = messaging::handler_sink(loops, std::move(handler));
    Result<std::shared_ptr<messaging::Consumer>> started =
        co_await client_->start_consumer(loop, std::move(options).value(), std::move(sink));
    if (!started.ok()) co_return Result<Document>(started.error());
    played->consumer = std::move(started).value();
    consumers_[config.name] = std::move(played);
    co_return nothing();
  }

  Task<Result<Document>> dead_letters(Value args) {
    only(args, {"topic"}, "expect_dead_letters");
    messaging::DeadLetterQuery query{std::string(text_or(args, "topic"))};
    query.payloads = true;
    query.limit = 1000;
    Result<messaging::DeadLetterPage> page = co_await client_->list_dead_letters(net::Caller(stage_.loop()), std::move(query));
    if (!page.ok()) co_return Result<Document>(page.error());
    NodeBuilder out;
    out.begin_array();
    for (const messaging::DeadLetter& one : page->messages) {
      out.begin_object();
      out.key("payload");
      out.bytes(one.message.payload);
      out.key("key");
      if (one.message.key) out.string(*one.message.key);
      else out.null();
      out.key("headers");
      write_headers(out, one.message.headers);
      out.end();
    }
    out.end();
    co_return Result<Document>(Document(std::move(out)));
  }

  static Document handled(const Played& played) {
    NodeBuilder out;
    out.begin_array();
    for (const Played::Handled& one : played.handled) {
      out.begin_object();
      out.key("payload");
      out.bytes(one.item->payload);
      out.key("headers");
      write_headers(out, one.item->headers);
      out.key("delivery_count");
      out.uinteger(one.item->delivery_count);
      out.key("outcome");
      out.string(one.outcome);
      out.end();
    }
    out.end();
    return Document(std::move(out));
  }

  Stage& stage_;
  std::unique_ptr<store::sqlite::Databases> databases_;
  std::shared_ptr<messaging::Client> client_;
  std::map<std::string, std::shared_ptr<Played>, std::less<>> consumers_;
  std::shared_ptr<Shutdown> shutdown_;
};

struct Server {
  std::string_view backend;
  const char* variable;
  bool owns_waits;
};
constexpr Server servers[] = {
    {"amqp", "SPIKARD_TEST_AMQP_URL", true}, {"kafka", "SPIKARD_TEST_KAFKA_URL", true}, {"mqtt", "SPIKARD_TEST_MQTT_URL", false},
    {"nats", "SPIKARD_TEST_NATS_URL", true}, {"redis", "SPIKARD_TEST_REDIS_URL", true},
};

const char* server_of(std::string_view backend) {
  for (const Server& one : servers) {
    if (one.backend == backend) return std::getenv(one.variable);
  }
  return nullptr;
}

/// A URL of the server under which nobody was before.
std::string fresh_place(std::string_view backend, const std::string& server) {
  static int count = 0;
  const std::string name = "fixture_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  if (backend == "amqp") return server + "?name=" + name;
  if (backend == "nats") return server + "?storage=memory&stream=" + name;
  if (backend == "mqtt") return server + "?session_expiry_s=60&prefix=" + name + "/";
  if (backend == "kafka") return server + "?prefix=" + name + ".";
  if (backend == "redis") return server + "?prefix=" + name;
  throw NotBuilt("messaging on " + std::string(backend));
}

Task<Result<std::shared_ptr<ToolboxClient>>> open_messaging(Stage& stage, Document config) {
  using Opened = Result<std::shared_ptr<ToolboxClient>>;
  only(config.root(), {"backend"}, "messaging");
  const std::string_view backend = text_or(config.root(), "backend", "memory");
  services::MessagingConfig wanted;
  messaging::Environment environment(stage.clock());
  std::unique_ptr<store::sqlite::Databases> databases;
  if (backend == "memory") {
    wanted.url = "memory:";
  } else if (backend == "sqlite") {
    databases = std::make_unique<store::sqlite::Databases>(stage.pool());
    environment.databases = databases.get();
    wanted.url = "sqlite:" + stage.folder() + "/messaging.db";
  } else if (const char* server = server_of(backend); server != nullptr) {
    wanted.url = fresh_place(backend, server);
    if (backend == "mqtt") {
      databases = std::make_unique<store::sqlite::Databases>(stage.pool());
      environment.databases = databases.get();
      wanted.store = "sqlite:" + stage.folder() + "/deliveries.db";
    }
  } else {
    throw NotBuilt("messaging on " + std::string(backend));
  }
  Result<std::shared_ptr<messaging::Backend>> opened = messaging::open(wanted, environment);
  if (!opened.ok()) co_return Opened(opened.error());
  messaging::ClientOptions options;
  options.tracer = stage.tracer();
  auto client = std::make_shared<messaging::Client>(std::move(opened).value(), std::move(options));
  co_return Opened(std::make_shared<MessagingClient>(stage, std::move(databases), std::move(client)));
}

}  // namespace

Subsystem messaging_subsystem() {
  Subsystem out{"messaging", {"memory", "sqlite"}, open_messaging, {}};
  for (const Server& one : servers) {
    if (std::getenv(one.variable) == nullptr) continue;
    out.backends.emplace_back(one.backend);
    if (one.owns_waits) out.in_real_time.emplace_back(one.backend);
  }
  return out;
}

}  // namespace spikard::e2e
