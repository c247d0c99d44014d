#include "app/application.hpp"

#include <gtest/gtest.h>

#include <sqlite3.h>
#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <future>
#include <utility>

#include "app/clients.hpp"
#include "base/json.hpp"
#include "net/test_peer.hpp"
#include "net/virtual_clock.hpp"
#include "store/sqlite/test_database.hpp"
#include "worker_loop/memory_source.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::app {
namespace {

using namespace std::chrono_literals;

services::Manifest silent() {
  services::Manifest manifest;
  manifest.name = "test";
  manifest.handle_signals = false;
  return manifest;
}

class NoLog final : public log::Sink {
 public:
  void write(log::Level, std::string_view) noexcept override {}
};

struct ApplicationTest : ::testing::Test {
  void create(services::Manifest manifest) {
    auto created = Application::create(std::move(manifest), {.log_sink = std::make_shared<NoLog>(), .clock = clock});
    ASSERT_TRUE(created.ok()) << created.error().message();
    application = std::move(created).value();
  }
  /// Moves the time, turning the I/O loop meanwhile if there is one; all that it causes has happened after it.
  void advance(Duration by) {
    std::promise<void> done;
    std::atomic<bool> moved{false};
    clock->advance(by, [&] {
      moved.store(true);
      done.set_value();
      if (io != nullptr) io->loop().wake();
    });
    while (io != nullptr && !moved.load()) io->loop().turn(-1);
    done.get_future().wait();
  }
  [[nodiscard]] std::string component(std::string_view name) const {
    const std::string report = application->report();
    const std::string key = "\"" + std::string(name) + "\":";
    const auto at = report.find(key);
    return at == std::string::npos ? report : report.substr(at + key.size(), report.find('}', at) - at - key.size() + 1);
  }

  std::shared_ptr<net::VirtualClock> clock = std::make_shared<net::VirtualClock>();
  std::shared_ptr<Application> application;
  std::unique_ptr<http::Sink> sink;
  std::unique_ptr<IoUnit> io;
  void TearDown() override {
    io.reset();
    if (application != nullptr) application->close();
  }
};

services::Manifest with_consumer(const std::string& broker) {
  services::Manifest manifest = silent();
  services::Consumer consumer;
  consumer.name = "orders";
  consumer.topic = "orders.created";
  consumer.concurrency = 1;
  consumer.max_in_flight = 3;
  manifest.consumers.push_back(std::move(consumer));
  manifest.services.messaging["default"].url = broker;
  return manifest;
}

/// Handlers on the service loop: "long" takes an hour, all else a second.
MakeWorkSink slow_handlers(Application& application) {
  return [&application](const WorkOrigin&) -> std::unique_ptr<worker_loop::WorkSink> {
    net::Loop& loop = application.service_loop();
    return std::make_unique<worker_loop::TaskSink>(
        std::vector<net::Loop*>{&loop}, [&loop](std::shared_ptr<const worker_loop::WorkItem> item) -> Task<worker_loop::Outcome> {
          const Result<void> slept = co_await net::sleep(loop, item->payload == "long" ? Duration(1h) : Duration(1s));
          co_return slept.ok() ? worker_loop::Outcome::ack() : worker_loop::Outcome::error("cut off");
        });
  };
}

Task<void> publish_all(Application& application, std::shared_ptr<messaging::Client> client) {
  for (const char* payload : {"short", "long", "short"}) {
    Task<Result<std::uint64_t>> call =
        client->publish(net::Caller(application.service_loop()), messaging::Message("orders.created", payload));
    const Result<std::uint64_t> published = co_await std::move(call);
    EXPECT_TRUE(published.ok());
  }
}

TEST_F(ApplicationTest, a_consumer_alone_is_an_application_and_hands_back_what_it_did_not_finish) {
  create(with_consumer("memory:"));
  ASSERT_TRUE(application->start().ok());
  EXPECT_FALSE(application->ready()) << "nobody handles its messages yet";
  application->begin_work(slow_handlers(*application));
  advance(0s);
  EXPECT_TRUE(application->ready());
  application->service_loop().post([&] {
    spawn(publish_all(*application, application->clients().messaging("default").value()), [](const std::exception_ptr&) {});
  });
  advance(1s);
  application->drain(5s);
  advance(4s);
  EXPECT_EQ(application->state(), State::draining);
  advance(5s);
  ASSERT_EQ(application->state(), State::stopped);
  EXPECT_EQ(component("consumer orders"), R"({"finished":1,"handed_back":2,"abandoned":0})");
  EXPECT_EQ(application->exit_code(), 0);
}

TEST_F(ApplicationTest, a_consumer_that_cannot_start_stops_the_start) {
  create(with_consumer("sqlite:/proc/self/x.db"));
  const Result<void> started = application->start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message().find("services.messaging.default: "), std::string::npos) << started.error().to_string();
}

TEST_F(ApplicationTest, a_database_that_nobody_answers_for_stops_the_start_and_leaves_nothing_behind) {
  const auto nobody = net::ReservedAddress::reserve({});  // bound, and not listening
  ASSERT_TRUE(nobody.ok());
  services::Manifest manifest = silent();
  manifest.services.db["default"].url = "postgres://u:secret@" + nobody->address() + "/d";
  create(manifest);
  const Result<void> started = application->start();
  ASSERT_FALSE(started.ok());
  if (started.error().kind() == ErrorKind::unsupported) GTEST_SKIP() << "postgres: is not in this build";
  EXPECT_EQ(started.error().kind(), ErrorKind::unavailable) << started.error().to_string();
  EXPECT_NE(started.error().to_string().find("services.db.default: "), std::string::npos) << started.error().to_string();
  EXPECT_EQ(started.error().to_string().find("secret"), std::string::npos);
  EXPECT_EQ(application->start().error().kind(), ErrorKind::conflict);
  application.reset();
}

TEST_F(ApplicationTest, a_store_that_is_busy_at_first_gets_its_consumer_and_its_schedule_later) {
  const store::sqlite::TemporaryFolder folder;
  services::Manifest manifest = with_consumer("sqlite:" + folder.file("work.db") + "?busy_timeout_ms=1");
  manifest.services.tasks["default"].url = manifest.services.messaging["default"].url;
  services::Schedule schedule;
  schedule.name = "nightly";
  schedule.cron = "0 3 * * *";
  manifest.schedules.push_back(std::move(schedule));
  create(std::move(manifest));
  ASSERT_TRUE(application->start().ok());
  ::sqlite3* other = nullptr;
  ASSERT_EQ(::sqlite3_open(folder.file("work.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(::sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  application->begin_work(slow_handlers(*application));
  advance(0s);
  EXPECT_FALSE(application->ready());
  advance(1s);
  EXPECT_FALSE(application->ready());
  ASSERT_EQ(::sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  advance(1s);
  EXPECT_FALSE(application->ready()) << "the second wait is 2 s";
  advance(1s);
  EXPECT_TRUE(application->ready());
  const auto count = [&](const char* sql) {
    ::sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(::sqlite3_prepare_v2(other, sql, -1, &statement, nullptr), SQLITE_OK) << ::sqlite3_errmsg(other);
    EXPECT_EQ(::sqlite3_step(statement), SQLITE_ROW);
    const int rows = ::sqlite3_column_int(statement, 0);
    ::sqlite3_finalize(statement);
    return rows;
  };
  EXPECT_EQ(count("SELECT count(*) FROM spikard_task_schedules WHERE name = 'nightly'"), 1);
  ::sqlite3_close(other);
  application->drain(1s);
  advance(5s);
  EXPECT_EQ(application->state(), State::stopped);
}

TEST_F(ApplicationTest, clients_that_are_not_there_are_refused_by_name) {
  services::Manifest manifest = with_consumer("memory:");
  manifest.consumers[0].client = "kafka";
  const auto refused = Application::create(std::move(manifest));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message(), "consumers[0].client: there is no \"kafka\" in services.messaging");
}

TEST_F(ApplicationTest, a_role_leaves_the_rest_out) {
  services::Manifest manifest = with_consumer("memory:");
  manifest.roles = {services::Role::web};
  create(std::move(manifest));
  ASSERT_TRUE(application->start().ok());
  EXPECT_TRUE(application->ready());
}

TEST_F(ApplicationTest, several_processes_do_not_share_memory) {
  create(with_consumer("memory:"));
  EXPECT_TRUE(application->check_workers(1).ok());
  const Result<void> refused = application->check_workers(2);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message(),
            "services.messaging.default.url: `memory:` is a store of its own in each process, so consumers cannot run in several "
            "workers; "
            "use `sqlite:FILE`");
}

/// Answers after a wait, and then starts a background task of another.
class Late final : public http::Sink {
 public:
  Late(IoUnit& unit, Duration answer, Duration task) : unit_(unit), answer_(answer), task_(task) {}
  void on_request(http::Exchange& exchange) override {
    spawn(serve(exchange), [](const std::exception_ptr&) {});
  }
  void on_chunk(http::Exchange&, http::BodyChunk) override {}
  void on_cancel(http::Exchange&, CancelReason) override {}
  void on_credit(http::Exchange&) override {}
  void on_hook(http::Exchange&, http::HookPhase, std::uint32_t) override {}
  void on_factory(http::Exchange&, std::uint32_t, std::span<const std::uint64_t>) override {}
  void on_dispose(http::Exchange&, std::uint32_t, std::uint64_t) override {}

  bool done = false;
  CancelReason cancelled = CancelReason::none;

 private:
  Task<void> serve(http::Exchange& exchange) {
    (void)co_await net::sleep(unit_.loop(), answer_);
    exchange.reply({.status = 202});
    EXPECT_TRUE(unit_.background().run([this] { return work(); }).ok());
  }
  Task<void> work() {
    done = (co_await net::sleep(unit_.loop(), task_)).ok();
    cancelled = (co_await current_token()).reason();
  }

  IoUnit& unit_;
  const Duration answer_;
  const Duration task_;
};

struct BackgroundDrainTest : ApplicationTest {
  Late* late = nullptr;
  net::MemoryPair pair;
  void serve(Duration answer, Duration task) {
    services::Manifest manifest = silent();
    manifest.http.emplace();
    manifest.http->listeners.clear();
    services::Route route;
    route.method = services::HttpMethod::get;
    route.path = "/";
    manifest.http->routes.push_back(std::move(route));
    create(std::move(manifest));
    ASSERT_TRUE(application->start().ok());
    auto opened = application->open_io([&](IoUnit& unit) -> Result<http::Sink*> {
      auto made = std::make_unique<Late>(unit, answer, task);
      late = made.get();
      sink = std::move(made);
      return sink.get();
    });
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    io = std::move(opened).value();
    pair = net::memory_pair(io->loop());
    io->server()->adopt(std::move(pair.b));
    std::string text = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    const ::iovec part{text.data(), text.size()};
    ASSERT_EQ(pair.a->write(&part, 1).bytes, text.size());
    advance(Duration::zero());
  }
  void TearDown() override {
    if (pair.a != nullptr) pair.a->close();
    pair.a.reset();
    ApplicationTest::TearDown();
  }
};

TEST_F(BackgroundDrainTest, the_drain_waits_for_a_task_that_a_request_in_hand_started) {
  serve(1s, 2s);
  application->drain(10s);
  advance(2s);
  EXPECT_EQ(application->state(), State::draining);
  advance(1s);
  ASSERT_EQ(application->state(), State::stopped);
  EXPECT_TRUE(late->done);
  EXPECT_EQ(component("http"), R"({"finished":1,"handed_back":0,"abandoned":0})");
  EXPECT_EQ(component("background"), R"({"finished":1,"handed_back":0,"abandoned":0})");
  EXPECT_EQ(application->exit_code(), 0);
}

TEST_F(BackgroundDrainTest, a_task_that_takes_too_long_is_cancelled_and_abandoned) {
  serve(0s, 1h);
  application->drain(10s);
  advance(9s);
  EXPECT_EQ(application->state(), State::draining);
  EXPECT_EQ(late->cancelled, CancelReason::none);
  advance(1s);
  EXPECT_EQ(late->cancelled, CancelReason::shutdown);
  ASSERT_EQ(application->state(), State::stopped);
  EXPECT_FALSE(late->done);
  EXPECT_EQ(component("http"), R"({"finished":1,"handed_back":0,"abandoned":0})");
  EXPECT_EQ(component("background"), R"({"finished":0,"handed_back":0,"abandoned":1})");
  EXPECT_EQ(application->exit_code(), 1);
}

struct StoreServer : ApplicationTest {
  /// Starts the server; its handlers answer 299.
  void serve(services::Manifest manifest) {
    manifest.http.emplace();
    manifest.http->listeners.emplace_back();
    manifest.http->listeners.back().port = 0;
    create(std::move(manifest));
    ASSERT_TRUE(application->start().ok());
    struct Inner final : http::Sink {
      void on_request(http::Exchange& exchange) override { exchange.reply({.status = 299}); }
      void on_chunk(http::Exchange&, http::BodyChunk) override {}
      void on_cancel(http::Exchange&, CancelReason) override {}
      void on_credit(http::Exchange&) override {}
      void on_hook(http::Exchange& exchange, http::HookPhase, std::uint32_t) override { exchange.hook_done({}); }
      void on_factory(http::Exchange&, std::uint32_t, std::span<const std::uint64_t>) override {}
      void on_dispose(http::Exchange&, std::uint32_t, std::uint64_t) override {}
    };
    sink = std::make_unique<Inner>();
    io = std::move(application->open_io([&](IoUnit&) { return Result<http::Sink*>(sink.get()); })).value();
    turn();
  }
  void turn() {
    for (int i = 0; i < 50; ++i) io->loop().turn(0);
  }
  std::string ask(const std::string& request) {
    net::MemoryPair pair = net::memory_pair(io->loop(), 65536);
    io->server()->adopt(std::move(pair.a));
    net::test::Peer peer(std::move(pair.b));
    peer.send(request);
    turn();
    return peer.in;
  }
};

TEST_F(StoreServer, AnswersSignedUrlsOfItsStores) {
  services::Manifest manifest = silent();
  manifest.services.storage["files"].url = "memory:";
  manifest.services.storage["default"].url = "memory:";
  serve(std::move(manifest));
  const auto store = application->clients().storage("files").value();
  const auto signed_path = [&](storage::PresignMethod method) {
    std::string url;
    spawn(store->presign(net::Caller(io->loop()), method, "a/b", 60),
          [&](std::exception_ptr, std::optional<Result<storage::PresignedUrl>> made) { url = (*made)->url; });
    const std::string base = "http://" + application->addresses().front();
    EXPECT_TRUE(url.starts_with(base + "/_spikard/storage/files/a/b?")) << url;
    return url.substr(std::min(base.size(), url.size()));
  };
  EXPECT_TRUE(ask("PUT " + signed_path(storage::PresignMethod::put) + " HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi")
                  .starts_with("HTTP/1.1 200 "));
  const std::string got = ask("GET " + signed_path(storage::PresignMethod::get) + " HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 ") && got.ends_with("\r\n\r\nhi")) << got;
  EXPECT_TRUE(ask("GET /_spikard/storage/files/a/b HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(ask("GET /_spikard/storage/default/a/b HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(ask("GET /_spikard/storage/none/a/b HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 404 "));
}

TEST_F(StoreServer, AStoreThatNobodyHasNamedOrUsedIsNotMadeForWhoeverAsks) {
  const std::filesystem::path before = std::filesystem::current_path();
  const std::filesystem::path room = std::filesystem::path(testing::TempDir()) / ("unnamed-" + std::to_string(::getpid()));
  std::filesystem::create_directories(room);
  std::filesystem::current_path(room);  // the default store is below it
  serve(silent());
  EXPECT_TRUE(ask("GET /_spikard/storage/default/a HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(std::filesystem::is_empty(room));
  EXPECT_TRUE(application->clients().storage("default").ok());
  EXPECT_TRUE(ask("GET /_spikard/storage/default/a HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 403 "));
  std::filesystem::current_path(before);
  std::filesystem::remove_all(room);
}

TEST_F(ApplicationTest, signed_urls_begin_with_the_first_listener_of_tcp) {
  const net::test::Identity identity;
  services::Manifest manifest = silent();
  manifest.http.emplace();
  auto& listeners = manifest.http->listeners;
  listeners.resize(2);
  listeners[0].address = "unix:" + testing::TempDir() + "base-url-" + std::to_string(::getpid());
  listeners[1].port = 0;
  listeners[1].tls = services::Tls{.certificate = identity.certificate, .key = identity.key};
  create(std::move(manifest));
  ASSERT_TRUE(application->start().ok());
  EXPECT_EQ(application->base_url(), "https://" + application->addresses().at(1));
}

}  // namespace
}  // namespace spikard::app
