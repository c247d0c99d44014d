// A process of e2e/scenarios/messaging_crash.py, to be killed at any moment:
//   messaging_crash_worker FILE publish PREFIX     publishes PREFIX-0, PREFIX-1, ... until it is told to stop; "P ID" when one is
//   confirmed messaging_crash_worker FILE consume NAME       handles them; "H ID" when a handler has done its work, before the
//   ack messaging_crash_worker FILE report             the state at rest, as JSON
// A line "stop" on standard input ends it by a drain.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/json.hpp"
#include "messaging/operations.hpp"
#include "messaging/registry.hpp"
#include "net/service_thread.hpp"
#include "store/sqlite/databases.hpp"

namespace {

using namespace spikard;
using namespace spikard::messaging;

/// One write, so that a line is there whole or not at all.
void say(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(1);
}

bool told_to_stop() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

Task<Result<void>> publish_all(Client& client, net::Loop& loop, std::string prefix) {
  for (int i = 0; !told_to_stop(); ++i) {
    const std::string id = prefix + "-" + std::to_string(i);
    Message message("t", id, "key" + std::to_string(i % 10));
    Result<std::uint64_t> position = co_await client.publish(net::Caller(loop), std::move(message));
    if (!position.ok()) co_return std::move(position).error();
    say("P " + id);
  }
  co_return Result<void>();
}

services::Consumer consumer_config(const std::string& name) {
  services::Consumer config;
  config.name = name;
  config.topic = "t";
  config.group = "g";
  config.concurrency = 4;
  config.ack_wait_ms = 1000;
  config.max_retries = 1000;
  config.backoff.initial_ms = 10;
  config.backoff.max_ms = 50;
  config.start_from = services::StartFrom::earliest;
  return config;
}

Task<Result<void>> consume(Client& client, net::Loop& loop, std::string name) {
  int handled = 0;
  Handler handler = [&](Inbound item) -> Task<worker_loop::Outcome> {
    Result<void> slept = co_await net::sleep(loop, std::chrono::milliseconds(1));
    if (!slept.ok()) co_return worker_loop::Outcome::error("cancelled");
    if (++handled % 17 == 0) co_return worker_loop::Outcome::error("now and then");
    if (handled % 23 == 0) co_return worker_loop::Outcome::retry(std::chrono::milliseconds(20));
    say("H " + item->payload);
    co_return worker_loop::Outcome::ack();
  };
  const std::vector<net::Loop*> loops{&loop};
  ConsumerOptions options = client.consumer_options(consumer_config(name)).value();
  std::shared_ptr<worker_loop::WorkSink> sink = handler_sink(loops, std::move(handler));
  Result<std::shared_ptr<Consumer>> consumer = co_await client.start_consumer(loop, std::move(options), std::move(sink));
  if (!consumer.ok()) co_return std::move(consumer).error();
  while (!told_to_stop()) {
    Result<void> slept = co_await net::sleep(loop, std::chrono::milliseconds(20));
    (void)slept;
  }
  const Consumer::Stopped stopped = co_await (*consumer)->stop(std::chrono::seconds(10));
  if (!stopped.drained) co_return internal_error("not drained");
  co_return Result<void>();
}

Task<Result<void>> report(const std::shared_ptr<Client>& client, net::Loop& loop) {
  Operations operations(client, {});
  Document none = json::parse("{}").value();
  Result<Document> groups = co_await operations.call(net::Caller(loop), Operation::messaging_groups, std::move(none), nullptr);
  if (!groups.ok()) co_return std::move(groups).error();
  say(json::to_string(groups->root()));
  co_return Result<void>();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string mode = argv[2];
  RealClock clock;
  auto loop = net::Loop::create(clock).value();
  net::BlockingPool pool(clock);
  store::sqlite::Databases databases(pool);
  services::MessagingConfig config;
  config.url = std::string("sqlite:") + argv[1];
  Environment environment(clock);
  environment.databases = &databases;
  Result<std::shared_ptr<Backend>> backend = messaging::open(config, environment);
  if (!backend.ok()) {
    std::fprintf(stderr, "%s\n", backend.error().to_string().c_str());
    return 1;
  }
  auto client = std::make_shared<Client>(std::move(backend).value(), ClientOptions());
  Task<Result<void>> task = mode == "publish"   ? publish_all(*client, *loop, argv[3])
                            : mode == "consume" ? consume(*client, *loop, argv[3])
                                                : report(client, *loop);
  Result<void> result;
  bool ended = false;
  spawn(std::move(task), [&](const std::exception_ptr&, std::optional<Result<void>> value) {
    if (value) result = std::move(*value);
    ended = true;
  });
  while (!ended) loop->turn(-1);
  if (!result.ok()) std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
  client.reset();
  backend = internal_error("closed");
  databases.close();
  pool.stop();
  return result.ok() ? 0 : 1;
}
