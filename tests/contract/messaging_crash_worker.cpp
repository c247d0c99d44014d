// A process of e2e/scenarios/messaging_crash.py and messaging_faults.py, to be killed at any moment. PLACE is a URL, or the file
// of a SQLite database.
//   messaging_crash_worker PLACE publish PREFIX [LANES [COUNT]]
//     publishes PREFIX-0, PREFIX-1, ... (with several lanes at once PREFIX.LANE-0, ...) until it is told to stop or has done
//     COUNT in each; "P ID" when one is confirmed; what the broker could not take is sent again
//   messaging_crash_worker PLACE consume NAME   handles them; "H ID" when a handler has done its work, before the ack
//     ("R NAME" once it has subscribed)
//   messaging_crash_worker PLACE hold NAME      "B ID" when a handler has begun; it does not end
//   messaging_crash_worker PLACE later NAME     "L ID" at the first delivery, which asks for another after 3 s; then "H ID"
//   messaging_crash_worker PLACE report         the state at rest, as JSON
// SPIKARD_CRASH_LEASE_MS: the consumers' ack_wait (1000). SPIKARD_CRASH_PACE_MS: a publisher's wait between two messages (0)
// of a lane. SPIKARD_CRASH_STORE: the file of the delivery store (MQTT). A line "stop" on standard input ends it by a drain.
#include <poll.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/json.hpp"
#include "messaging/operations.hpp"
#include "messaging/registry.hpp"
#include "net/await.hpp"
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

/// What goes by: no connection, no answer in time, too much at once.
bool goes_by(const Error& error) {
  return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timeout ||
         error.kind() == ErrorKind::outcome_unknown || error.kind() == ErrorKind::rate_limited;
}

Task<Result<void>> publish_lane(Client& client, net::Loop& loop, std::string prefix, int count) {
  const char* milliseconds = std::getenv("SPIKARD_CRASH_PACE_MS");
  const Duration pace = std::chrono::milliseconds(milliseconds == nullptr ? 0 : std::atoi(milliseconds));
  for (int i = 0; i < count && !told_to_stop(); ++i) {
    const std::string id = prefix + "-" + std::to_string(i);
    for (;;) {
      Message message("t", id, "key" + std::to_string(i % 10));
      Result<std::uint64_t> position = co_await client.publish(net::Caller(loop), std::move(message));
      if (position.ok()) break;
      if (!goes_by(position.error())) co_return std::move(position).error();
      say("E " + position.error().to_string());
      Result<void> slept = co_await net::sleep(loop, std::chrono::milliseconds(100));
      (void)slept;
    }
    say("P " + id);
    if (pace > Duration::zero()) {
      Result<void> slept = co_await net::sleep(loop, pace);
      (void)slept;
    }
  }
  co_return Result<void>();
}

Task<Result<void>> publish_all(Client& client, net::Loop& loop, std::string prefix, int lanes, int count) {
  int open = lanes;
  net::Event ended(loop);
  Result<void> out;
  for (int lane = 0; lane < lanes; ++lane) {
    Task<Result<void>> one = publish_lane(client, loop, lanes == 1 ? prefix : prefix + "." + std::to_string(lane), count);
    spawn(std::move(one), [&](const std::exception_ptr&, std::optional<Result<void>> how) {
      if (how && !how->ok()) out = std::move(*how);
      if (--open == 0) ended.set();
    });
  }
  if (open > 0) {
    Result<void> waited = co_await ended.wait();
    (void)waited;
  }
  co_return out;
}

services::Consumer consumer_config(const std::string& name, bool replay) {
  services::Consumer config;
  config.name = name;
  config.topic = "t";
  config.group = "g";
  config.concurrency = 4;
  const char* lease = std::getenv("SPIKARD_CRASH_LEASE_MS");
  config.ack_wait_ms = lease == nullptr ? 1000 : static_cast<std::uint32_t>(std::atoi(lease));
  config.max_retries = 1000;
  config.backoff.initial_ms = 10;
  config.backoff.max_ms = 50;
  config.start_from = replay ? services::StartFrom::earliest : services::StartFrom::latest;
  return config;
}

Task<Result<void>> consume(Client& client, net::Loop& loop, std::string name, std::string mode) {
  int handled = 0;
  Handler handler = [&](Inbound item) -> Task<worker_loop::Outcome> {
    if (mode == "hold") {
      say("B " + item->payload);
      Result<void> held = co_await net::sleep(loop, std::chrono::hours(1));
      (void)held;
      co_return worker_loop::Outcome::error("cancelled");
    }
    if (mode == "later" && item->delivery_count == 1) {
      say("L " + item->payload);
      co_return worker_loop::Outcome::retry(std::chrono::seconds(3));
    }
    Result<void> slept = co_await net::sleep(loop, std::chrono::milliseconds(1));
    if (!slept.ok()) co_return worker_loop::Outcome::error("cancelled");
    if (mode == "consume" && ++handled % 17 == 0) co_return worker_loop::Outcome::error("now and then");
    if (mode == "consume" && handled % 23 == 0) co_return worker_loop::Outcome::retry(std::chrono::milliseconds(20));
    say("H " + item->payload);
    co_return worker_loop::Outcome::ack();
  };
  const std::vector<net::Loop*> loops{&loop};
  ConsumerOptions options = client.consumer_options(consumer_config(name, client.capabilities().replay)).value();
  std::shared_ptr<worker_loop::WorkSink> sink = handler_sink(loops, std::move(handler));
  Result<std::shared_ptr<Consumer>> consumer = co_await client.start_consumer(loop, std::move(options), std::move(sink));
  if (!consumer.ok()) co_return std::move(consumer).error();
  say("R " + name);
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
  const std::string place = argv[1];
  config.url = place.find("://") == std::string::npos ? "sqlite:" + place : place;
  if (const char* store = std::getenv("SPIKARD_CRASH_STORE")) config.store = std::string("sqlite:") + store;
  Environment environment(clock);
  environment.databases = &databases;
  Result<std::shared_ptr<Backend>> backend = messaging::open(config, environment);
  if (!backend.ok()) {
    std::fprintf(stderr, "%s\n", backend.error().to_string().c_str());
    return 1;
  }
  auto client = std::make_shared<Client>(std::move(backend).value(), ClientOptions());
  const int lanes = argc > 4 ? std::atoi(argv[4]) : 1;
  const int count = argc > 5 ? std::atoi(argv[5]) : INT_MAX;
  Task<Result<void>> task = mode == "publish"  ? publish_all(*client, *loop, argv[3], lanes, count)
                            : mode == "report" ? report(client, *loop)
                                               : consume(*client, *loop, argv[3], mode);
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
