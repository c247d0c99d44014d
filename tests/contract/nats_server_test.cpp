// What needs a nats-server of its own (the binary that tools/services has built): logins, TLS, and faults while messages flow.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "messaging/client.hpp"
#include "messaging/nats/nats.hpp"
#include "messaging/registry.hpp"
#include "net/signing/hash.hpp"
#include "net/test_peer.hpp"

namespace spikard::messaging::nats {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string server_program() {
  const char* home = std::getenv("HOME");
  const char* cache = std::getenv("SERVICES_CACHE");
  std::vector<fs::path> places;
  if (cache != nullptr) places.emplace_back(cache);
  if (home != nullptr) {
    places.push_back(fs::path(home) / ".cache/spikard/services");
    places.push_back(fs::path(home) / ".cache/services");
  }
  for (const fs::path& place : places) {
    std::error_code none;
    for (const auto& one : fs::directory_iterator(place, none)) {
      if (one.path().filename().string().starts_with("nats-") && fs::exists(one.path() / "nats-server"))
        return (one.path() / "nats-server").string();
    }
  }
  throw std::runtime_error("no nats-server: tools/services install nats");
}

/// A server with its data in a folder of its own; `start` after `kill` is on the same port.
class OwnServer {
 public:
  explicit OwnServer(std::string config = {}) : config_(std::move(config)) {
    std::string name = (fs::temp_directory_path() / "spikard-nats-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
    folder_ = name;
    start();
  }
  ~OwnServer() {
    kill();
    std::error_code none;
    fs::remove_all(folder_, none);
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;

  void start() {
    std::ofstream(folder_ + "/nats.conf") << "listen: \"127.0.0.1:" << (port_.empty() ? "-1" : port_)
                                          << "\"\njetstream { store_dir: \"" << folder_ << "\" }\n"
                                          << config_;
    const std::string program = server_program();
    const std::string file = folder_ + "/nats.conf";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], 2);
      ::execl(program.c_str(), program.c_str(), "-c", file.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    log_ = ends[0];
    // It says so.
    std::string said;
    while (said.find("Server is ready") == std::string::npos) {
      char some[4096];
      const ::ssize_t got = ::read(log_, some, sizeof some);
      if (got <= 0) throw std::runtime_error("nats-server does not start: " + said);
      said.append(some, static_cast<std::size_t>(got));
    }
    constexpr std::string_view listening = "client connections on 127.0.0.1:";
    const std::size_t at = said.find(listening) + listening.size();
    port_ = said.substr(at, said.find_first_not_of("0123456789", at) - at);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(log_);
    pid_ = 0;
  }
  void signal(int number) const { ::kill(pid_, number); }
  [[nodiscard]] std::string url(const std::string& user = {}, const std::string& query = {}) const {
    return "nats://" + (user.empty() ? "" : user + "@") + "localhost:" + port_ + "?connect_timeout_ms=3000" + query;
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  const std::string config_;
  std::string folder_;
  std::string port_;
  ::pid_t pid_ = 0;
  int log_ = -1;  // what it says; little, so nobody reads on
};

/// `int` stands for the prefix Server_nats.
struct NatsServer : ::testing::TestWithParam<int> {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();

  Result<std::shared_ptr<Backend>> open(const std::string& url) {
    services::MessagingConfig config;
    config.url = url;
    return messaging::open(config, Environment(clock));
  }
  template <class Condition>
  bool until(Condition condition, Duration patience = 30s) {
    const Instant deadline = clock.now() + patience;
    while (!condition() && clock.now() < deadline) loop->turn(10);
    return condition();
  }
  void refused(const std::string& url, ErrorKind kind) {
    const Result<std::shared_ptr<Backend>> opened = open(url);
    ASSERT_FALSE(opened.ok()) << url;
    EXPECT_EQ(opened.error().kind(), kind) << opened.error().to_string();
    EXPECT_EQ(opened.error().to_string().find("s3cret"), std::string::npos) << opened.error().to_string();
  }
  void taken(const std::string& url) {
    const Result<std::shared_ptr<Backend>> opened = open(url);
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
  }
};

TEST_P(NatsServer, WhoHasNoPasswordIsRefused) {
  const OwnServer server("authorization { user: ann, password: \"s3cret:@\" }\n");
  refused(server.url(), ErrorKind::permission_denied);
  refused(server.url("ann:s3cret"), ErrorKind::permission_denied);
  taken(server.url("ann:s3cret%3A%40"));
}

TEST_P(NatsServer, ATokenAndAnNkey) {
  const OwnServer by_token("authorization { token: \"s3cret\" }\n");
  refused(by_token.url("wrong"), ErrorKind::permission_denied);
  taken(by_token.url("s3cret"));
  taken(by_token.url("", "&token=s3cret"));
  const OwnServer by_key("authorization { users: [ { nkey: UCB467F2ILB3X6CVNRZ3ZRHC6GOLDTWC7CTPXJKQ2RYBHLT24VHB2RU7 } ] }\n");
  const std::string file = by_key.folder() + "/user.nk";
  std::ofstream(file) << "SUAA3E3HUXGU4ZMFGK3DDN5EAWNI3S4NGOSMDPUS5OWD47LGPLXXCR3S64\n";
  refused(by_key.url(), ErrorKind::permission_denied);
  taken(by_key.url("", "&nkey=" + file));
}

TEST_P(NatsServer, TlsIsCheckedAndNeverLeftOut) {
  const net::test::Identity identity("localhost");
  const OwnServer server("tls { cert_file: \"" + identity.certificate + "\", key_file: \"" + identity.key + "\" }\n");
  taken(server.url("", "&ca=" + identity.certificate));
  refused(server.url(), ErrorKind::unavailable);  // the server demands it, and the system does not know its certificate
  taken(server.url("", "&verify=false"));
  const OwnServer clear;
  refused(clear.url("", "&tls=true"), ErrorKind::unavailable);
}

TEST_P(NatsServer, WhereThereIsNoneTheStartFailsInTime) {
  std::string url;
  {
    const OwnServer server;
    url = server.url();
  }
  refused(url, ErrorKind::unavailable);
  const OwnServer frozen;
  frozen.signal(SIGSTOP);
  const Instant begun = clock.now();
  refused(frozen.url(), ErrorKind::unavailable);
  EXPECT_LT(clock.now() - begun, 8s);
  frozen.signal(SIGCONT);
}

TEST_P(NatsServer, WithoutJetStreamItIsSaid) {
  const OwnServer server("accounts { A: { users: [ { user: a, password: b } ] } }\n");
  refused(server.url("a:b"), ErrorKind::unsupported);
  taken(server.url("a:b", "&jetstream=false"));
}

TEST_P(NatsServer, WhatIsUnderWayIsSentAgainAndKeptOnce) {
  OwnServer server;
  auto client = std::make_shared<Client>(open(server.url("", "&timeout_ms=30000&ping_ms=200")).value(), ClientOptions());
  constexpr int count = 6000;
  int confirmed = 0;
  int failed = 0;
  std::set<std::uint64_t> positions;
  const auto publish = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      spawn(client->publish(net::Caller(*loop), Message("t", std::to_string(i))),
            [&](const std::exception_ptr&, std::optional<Result<std::uint64_t>> position) {
              if (position && position->ok()) {
                ++confirmed;
                positions.insert(**position);
              } else {
                ++failed;
              }
            });
    }
  };
  publish(0, count / 3);
  until([&] { return confirmed > 100; });
  server.kill();
  publish(count / 3, count / 3 * 2);
  loop->turn(10);
  server.start();
  until([&] { return confirmed > count / 2; });
  server.signal(SIGSTOP);
  publish(count / 3 * 2, count);
  const Instant end = clock.now() + 1500ms;  // the silence is noticed
  while (clock.now() < end) loop->turn(10);
  server.signal(SIGCONT);
  EXPECT_TRUE(until([&] { return confirmed + failed == count; }, 60s));
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(positions.size(), static_cast<std::size_t>(count));
  // Once each, in the stream as well.
  services::Consumer config;
  config.name = "c";
  config.topic = "t";
  config.concurrency = 64;
  config.start_from = services::StartFrom::earliest;
  std::map<std::string, int> handled;
  const std::vector<net::Loop*> loops{loop.get()};
  Handler handler = [&handled](Inbound item) -> Task<worker_loop::Outcome> {
    ++handled[item->payload];
    co_return worker_loop::Outcome::ack();
  };
  std::shared_ptr<Consumer> consumer;
  spawn(client->start_consumer(*loop, client->consumer_options(config).value(), handler_sink(loops, std::move(handler))),
        [&](const std::exception_ptr&, std::optional<Result<std::shared_ptr<Consumer>>> started) { consumer = **started; });
  EXPECT_TRUE(until([&] { return handled.size() == static_cast<std::size_t>(count); }, 60s)) << handled.size();
  for (const auto& [payload, times] : handled) EXPECT_EQ(times, 1) << payload;
  bool closed = false;
  consumer->close([&] { closed = true; });
  EXPECT_TRUE(until([&] { return closed; }));
}

TEST_P(NatsServer, AConsumerGoesOnAfterItsServerWasKilled) {
  OwnServer server;
  auto client = std::make_shared<Client>(open(server.url("", "&timeout_ms=30000&ping_ms=200")).value(), ClientOptions());
  services::Consumer config;
  config.name = "c";
  config.topic = "t";
  config.concurrency = 16;
  config.ack_wait_ms = 2000;
  std::map<std::string, int> handled;
  const std::vector<net::Loop*> loops{loop.get()};
  net::Loop& on = *loop;
  Handler handler = [&handled, &on](Inbound item) -> Task<worker_loop::Outcome> {
    Result<void> slept = co_await net::sleep(on, 1ms);
    (void)slept;
    ++handled[item->payload];
    co_return worker_loop::Outcome::ack();
  };
  std::shared_ptr<Consumer> consumer;
  spawn(client->start_consumer(*loop, client->consumer_options(config).value(), handler_sink(loops, std::move(handler))),
        [&](const std::exception_ptr&, std::optional<Result<std::shared_ptr<Consumer>>> started) { consumer = **started; });
  ASSERT_TRUE(until([&] { return consumer != nullptr; }));
  constexpr int count = 2000;
  std::vector<Message> messages;
  for (int i = 0; i < count; ++i) messages.emplace_back("t", std::to_string(i));
  bool published = false;
  spawn(client->publish_batch(net::Caller(*loop), std::move(messages)),
        [&](const std::exception_ptr&, std::optional<Result<std::vector<std::uint64_t>>> how) { published = how && how->ok(); });
  for (const std::size_t at : {count / 4, count / 2}) {
    until([&] { return handled.size() >= at; });
    server.kill();
    loop->turn(10);
    server.start();
  }
  EXPECT_TRUE(until([&] { return handled.size() == static_cast<std::size_t>(count); }, 60s)) << handled.size();
  EXPECT_TRUE(published);
  bool closed = false;
  consumer->close([&] { closed = true; });
  EXPECT_TRUE(until([&] { return closed; }));
}

INSTANTIATE_TEST_SUITE_P(Server_nats, NatsServer, ::testing::Values(0), [](const auto&) { return std::string("own"); });

}  // namespace
}  // namespace spikard::messaging::nats
