// Operations of the toolbox and work from consumers, through a port, with clients and sources of the test's own.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>
#include <future>

#include "net/virtual_clock.hpp"
#include "port.hpp"
#include "records.hpp"
#include "worker_loop/memory_source.hpp"

namespace spikard::abi {
namespace {

constexpr auto echo = static_cast<Operation>(40);     // answers its arguments
constexpr auto fail = static_cast<Operation>(41);     // an error with a detail
constexpr auto hold = static_cast<Operation>(42);     // waits until it is cancelled
constexpr auto collect = static_cast<Operation>(43);  // the streamed argument's size and parts
constexpr auto produce = static_cast<Operation>(44);  // `count` parts of `size` bytes
constexpr auto wait_a_second = static_cast<Operation>(45);

class Target final : public net::OperationTarget {
 public:
  std::optional<Result<Document>> call_now(Operation operation, Value args) override {
    if (operation == echo && args.find("now")) return Result<Document>(Document(args));
    return std::nullopt;
  }
  Task<Result<Document>> call(net::Caller caller, Operation operation, Document args, net::OperationStream* stream) override {
    if (operation == fail) {
      co_return Error(ErrorKind::invalid_argument, "no such key").with_detail("invalid_key");
    }
    if (operation == hold) {
      Result<void> slept = co_await net::sleep(*caller.loop, std::chrono::hours(1));
      co_return std::move(slept).error();
    }
    if (operation == wait_a_second) {
      Result<void> slept = co_await net::sleep(*caller.loop, std::chrono::seconds(1));
      if (!slept.ok()) co_return std::move(slept).error();
    }
    if (operation == collect) {
      std::int64_t bytes = 0;
      std::int64_t parts = 0;
      while (true) {
        Result<std::optional<std::string>> part = co_await stream->read();
        if (!part.ok()) co_return std::move(part).error();
        if (!part->has_value()) break;
        bytes += static_cast<std::int64_t>((*part)->size());
        ++parts;
      }
      co_return of(bytes, parts);
    }
    if (operation == produce) {
      const std::int64_t count = args.root().find("count").as_int();
      for (std::int64_t i = 0; i < count; ++i) {
        std::string part(static_cast<std::size_t>(args.root().find("size").as_int()), static_cast<char>('a' + i % 26));
        Result<void> written = co_await stream->write(std::move(part));
        if (!written.ok()) co_return std::move(written).error();
        written_.store(i + 1);
      }
      co_return of(count, 0);
    }
    co_return std::move(args);
  }
  std::atomic<std::int64_t> written_{0};

 private:
  static Document of(std::int64_t bytes, std::int64_t parts) {
    NodeBuilder out;
    out.begin_object();
    out.key("bytes"), out.integer(bytes);
    out.key("parts"), out.integer(parts);
    out.end();
    return Document(std::move(out));
  }
};

/// Nodes for a command: at the start of the buffer, text behind them.
std::vector<char> packed(Value value) {
  std::vector<char> memory;
  make_record_in(memory, {.nodes = value});
  const std::size_t skip = sizeof(spk_record);
  const auto* record = reinterpret_cast<const spk_record*>(memory.data());
  std::vector<char> out(memory.begin() + static_cast<std::ptrdiff_t>(skip), memory.begin() + record->size);
  auto* nodes = reinterpret_cast<Node*>(out.data());
  for (std::uint32_t i = 0; i < record->nodes.len; ++i) {
    if (nodes[i].type == NodeType::string || nodes[i].type == NodeType::bytes || nodes[i].type == NodeType::numtext)
      nodes[i].off -= skip;
  }
  return out;
}

class ToolboxPort : public ::testing::Test {
 protected:
  void SetUp() override { start(services::ClockKind::real); }
  void start(services::ClockKind clock) {
    services::Manifest manifest;
    manifest.log.level = services::LogLevel::off;
    app::ApplicationOptions options;
    if (clock == services::ClockKind::virtual_) options.clock = std::make_shared<net::VirtualClock>();
    auto made = app::Application::create(std::move(manifest), std::move(options));
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    application = *made;
    target = std::make_shared<Target>();
    application->toolbox().add(app::Subsystem::cache, "test", target);  // beside the application's own
    ASSERT_TRUE(application->start().ok());
    auto opened = Port::open(application, ports);
    ASSERT_TRUE(opened.ok());
    port = std::move(*opened);
  }
  void TearDown() override {
    if (port != nullptr) port.reset();
    if (application != nullptr) application->close();
  }

  spk_event next(std::uint16_t kind) {
    for (int i = 0; i < 400; ++i) {
      spk_event event;
      if (port->poll(&event, 1, 25) == 1 && event.kind == kind) return event;
    }
    ADD_FAILURE() << "no event of kind " << kind;
    return {};
  }
  spk_cmd call_of(Operation operation, std::uint64_t user, std::uint16_t flags = 0) {
    spk_cmd command{};
    command.op = SPK_CMD_CALL;
    command.flags = flags;
    command.arg = static_cast<std::uint64_t>(operation);
    command.user = user;
    command.client = 1;
    command.body = {body.data(), body.size()};
    return command;
  }
  static const spk_record& record_of(const spk_event& event) { return *static_cast<const spk_record*>(event.rec); }
  static std::string_view text(const spk_record& record, spk_view view) {
    return {reinterpret_cast<const char*>(&record) + view.off, view.len};
  }
  static Value nodes(const spk_record& record) {
    const char* base = reinterpret_cast<const char*>(&record);
    return {reinterpret_cast<const Node*>(base + record.nodes.off), base};
  }
  void arguments(std::initializer_list<std::pair<const char*, std::int64_t>> members) {
    NodeBuilder out;
    out.begin_object();
    for (const auto& [key, value] : members) out.key(key), out.integer(value);
    out.end();
    body = packed(out.root());
  }
  int submit(spk_cmd command) { return port->submit(&command, 1); }

  std::shared_ptr<Ports> ports = std::make_shared<Ports>();
  std::shared_ptr<app::Application> application;
  std::shared_ptr<Target> target;
  std::unique_ptr<Port> port;
  std::vector<char> body;
};

TEST_F(ToolboxPort, ACallEndsInDoneWithItsResult) {
  arguments({{"n", 7}});
  ASSERT_GE(submit(call_of(echo, 99)), 0);
  const spk_event done = next(SPK_EV_DONE);
  EXPECT_EQ(done.user, 99u);
  EXPECT_EQ(record_of(done).status, 0u);
  EXPECT_EQ(nodes(record_of(done)).find("n").as_int(), 7);
  EXPECT_EQ(submit({.op = SPK_CMD_RELEASE, .id = done.id}), 0);
  EXPECT_EQ(submit({.op = SPK_CMD_RELEASE, .id = done.id}), -SPK_E_STALE);
}

TEST_F(ToolboxPort, AnErrorTellsKindDetailRetryClassAndMessage) {
  ASSERT_GE(submit(call_of(fail, 1)), 0);
  const spk_event done = next(SPK_EV_DONE);
  EXPECT_EQ(record_of(done).status, static_cast<std::uint32_t>(ErrorKind::invalid_argument));
  EXPECT_EQ(record_of(done).attempt, static_cast<std::uint32_t>(RetryClass::permanent));
  EXPECT_EQ(text(record_of(done), record_of(done).key), "invalid_key");
  EXPECT_EQ(text(record_of(done), record_of(done).body), "no such key");
}

TEST_F(ToolboxPort, UnknownOperationsAndClientsAreRefused) {
  ASSERT_GE(submit(call_of(static_cast<Operation>(5000), 1)), 0);
  EXPECT_EQ(record_of(next(SPK_EV_DONE)).status, static_cast<std::uint32_t>(ErrorKind::unsupported));
  spk_cmd command = call_of(echo, 1);
  command.client = 3;
  ASSERT_GE(submit(command), 0);
  EXPECT_EQ(record_of(next(SPK_EV_DONE)).status, static_cast<std::uint32_t>(ErrorKind::invalid_argument));
}

TEST_F(ToolboxPort, SpkCallAnswersAtOnceWhatCompletesAtOnce) {
  arguments({{"now", 1}});
  const spk_record* out = nullptr;
  const spk_cmd now = call_of(echo, 5);
  ASSERT_EQ(port->call(now, &out), 1);
  EXPECT_EQ(nodes(*out).find("now").as_int(), 1);
  arguments({{"later", 2}});
  const spk_cmd later = call_of(echo, 6);
  ASSERT_EQ(port->call(later, &out), 0);
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(next(SPK_EV_DONE).user, 6u);
}

TEST_F(ToolboxPort, TheDescriptorIsReadableForWhatASubmitHasBroughtAbout) {
  (void)port->poll(nullptr, 0, 0);
  spk_event event;
  while (port->poll(&event, 1, 0) > 0) continue;
  ::pollfd descriptor{port->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&descriptor, 1, 0), 0);
  ASSERT_GT(submit(call_of(hold, 3, SPK_F_STREAM)), 0);  // its CREDIT
  EXPECT_EQ(::poll(&descriptor, 1, 0), 1);
  EXPECT_EQ(next(SPK_EV_CREDIT).user, 3u);
  ASSERT_GE(submit({.op = SPK_CMD_CANCEL, .user = 3}), 0);
  EXPECT_EQ(next(SPK_EV_DONE).user, 3u);
  // spk_call cannot say that events wait: the descriptor does.
  spk_cmd command = call_of(echo, 4);
  command.client = 3;
  const spk_record* out = nullptr;
  ASSERT_EQ(port->call(command, &out), 0);
  EXPECT_EQ(::poll(&descriptor, 1, 0), 1);
  EXPECT_EQ(next(SPK_EV_DONE).user, 4u);
}

TEST_F(ToolboxPort, ACancelledCallStillEndsInDone) {
  ASSERT_GE(submit(call_of(hold, 8)), 0);
  ASSERT_GE(submit({.op = SPK_CMD_CANCEL, .user = 8}), 0);
  EXPECT_EQ(record_of(next(SPK_EV_DONE)).status, static_cast<std::uint32_t>(ErrorKind::cancelled));
}

TEST_F(ToolboxPort, AStreamedArgumentIsTakenUnderCredit) {
  ASSERT_GE(submit(call_of(collect, 3, SPK_F_STREAM)), 0);
  const spk_event credit = next(SPK_EV_CREDIT);
  EXPECT_EQ(credit.user, 3u);
  EXPECT_EQ(credit.arg, Port::stream_credit);
  const std::string part(1000, 'x');
  for (int i = 0; i < 3; ++i) {
    ASSERT_GE(submit({.op = SPK_CMD_CHUNK, .id = credit.id, .body = {part.data(), part.size()}}), 0);
    EXPECT_EQ(next(SPK_EV_CREDIT).arg, part.size());
  }
  ASSERT_GE(submit({.op = SPK_CMD_END, .id = credit.id}), 0);
  const spk_event done = next(SPK_EV_DONE);
  EXPECT_EQ(nodes(record_of(done)).find("bytes").as_int(), 3000);
  EXPECT_EQ(nodes(record_of(done)).find("parts").as_int(), 3);
}

TEST_F(ToolboxPort, AWriterThatGivesUpIsCancelled) {
  ASSERT_GE(submit(call_of(collect, 3, SPK_F_STREAM)), 0);
  const spk_event credit = next(SPK_EV_CREDIT);
  ASSERT_GE(submit({.op = SPK_CMD_ABORT, .id = credit.id}), 0);
  const spk_event done = next(SPK_EV_DONE);
  EXPECT_EQ(record_of(done).status, static_cast<std::uint32_t>(ErrorKind::cancelled));
  EXPECT_EQ(text(record_of(done), record_of(done).key), "aborted");
}

TEST_F(ToolboxPort, AStreamedResultWaitsForCredit) {
  arguments({{"count", 8}, {"size", 32768}});
  ASSERT_GE(submit(call_of(produce, 4, SPK_F_STREAM)), 0);
  std::size_t bytes = 0;
  for (int i = 0; i < 8; ++i) {
    const spk_event chunk = next(SPK_EV_CHUNK);
    EXPECT_EQ(chunk.user, 4u);
    EXPECT_EQ(text(record_of(chunk), record_of(chunk).body), std::string(32768, static_cast<char>('a' + i)));
    bytes += chunk.arg;
    // Two parts fill the credit; each that is paid for makes room for one more.
    EXPECT_LE(target->written_.load(), std::max(2, i + 2));
    if (i > 0 && i < 7) ASSERT_GE(submit({.op = SPK_CMD_CREDIT, .id = chunk.id, .arg = 32768}), 0);
  }
  EXPECT_EQ(bytes, 8u * 32768u);
  EXPECT_EQ(nodes(record_of(next(SPK_EV_DONE))).find("bytes").as_int(), 8);
}

// ---- consumers ---------------------------------------------------------------------------------------------------------

class PortWork : public ToolboxPort {
 protected:
  void SetUp() override {
    start(services::ClockKind::virtual_);
    on_service([this] {
      source = std::make_unique<worker_loop::MemorySource>(application->service_loop());
      sink = std::make_unique<PortSink>(ports,
                                        app::WorkOrigin{.kind = app::WorkOrigin::Kind::message, .index = 2, .name = "orders"});
      worker = worker_loop::WorkerLoop::create(application->service_loop(), *source, *sink,
                                               {.name = "orders", .retry = {.max_retries = 1}});
      sink->attach(worker);
      worker->start();
    });
  }
  void TearDown() override {
    std::promise<void> closed;
    application->service_loop().post([&] { worker->close([&] { closed.set_value(); }); });
    closed.get_future().wait();
    on_service([this] { worker.reset(), sink.reset(), source.reset(); });
    ToolboxPort::TearDown();
  }
  template <class F>
  void on_service(F fn) {
    std::promise<void> ran;
    application->service_loop().post([&] {
      fn();
      ran.set_value();
    });
    ran.get_future().wait();
  }
  void publish(const std::string& payload) {
    on_service([&] {
      worker_loop::WorkItem item;
      item.name = "orders.created";
      item.payload = payload;
      item.key = "k";
      item.has_key = true;
      item.headers = {{"trace", "1"}};
      EXPECT_TRUE(source->push(std::move(item)).ok());
    });
  }
  void advance(std::chrono::milliseconds by) {
    std::atomic<bool> done{false};
    application->virtual_clock()->advance(by, [&] { done = true; });
    spk_event event;
    while (!done) {
      if (port->poll(&event, 1, 5) == 1) seen.push_back(event);
    }
  }
  std::unique_ptr<worker_loop::MemorySource> source;
  std::unique_ptr<PortSink> sink;
  std::shared_ptr<worker_loop::WorkerLoop> worker;
  std::vector<spk_event> seen;
};

TEST_F(PortWork, AMessageIsOwedOneAnswer) {
  publish("hello");
  const spk_event event = next(SPK_EV_MESSAGE);
  EXPECT_EQ(event.route, 2u);
  const spk_record& record = record_of(event);
  EXPECT_EQ(text(record, record.body), "hello");
  EXPECT_EQ(text(record, record.key), "k");
  EXPECT_EQ(record.attempt, 1u);
  EXPECT_EQ(record.meta.len, 1u);
  EXPECT_EQ(nodes(record).find("name").text(), "orders.created");
  EXPECT_EQ(nodes(record).find("key").text(), "k");
  EXPECT_EQ(port->owed(), 1u);
  EXPECT_EQ(submit({.op = SPK_CMD_ACK, .id = event.id}), 0);
  EXPECT_EQ(submit({.op = SPK_CMD_ACK, .id = event.id}), -SPK_E_STALE);
  EXPECT_EQ(port->owed(), 0u);
  advance(std::chrono::milliseconds(0));
  on_service([&] { EXPECT_EQ(worker->counts().acked, 1u); });
}

TEST_F(PortWork, RetryComesAgainAfterItsTimeAndFailTwiceIsADeadLetter) {
  publish("x");
  EXPECT_EQ(submit({.op = SPK_CMD_RETRY, .id = next(SPK_EV_MESSAGE).id, .arg = 5000}), 0);
  advance(std::chrono::milliseconds(4999));
  EXPECT_TRUE(std::none_of(seen.begin(), seen.end(), [](const spk_event& e) { return e.kind == SPK_EV_MESSAGE; }));
  // Time cannot go on while a message is with the host, so its end is reached by the answer.
  std::atomic<bool> done{false};
  application->virtual_clock()->advance(std::chrono::milliseconds(1), [&] { done = true; });
  const spk_event again = next(SPK_EV_MESSAGE);
  EXPECT_EQ(record_of(again).attempt, 2u);
  EXPECT_FALSE(done);
  EXPECT_EQ(submit({.op = SPK_CMD_FAIL, .id = again.id}), 0);
  advance(std::chrono::milliseconds(0));
  EXPECT_TRUE(done);
  on_service([&] { EXPECT_EQ(source->dead_letters().size(), 1u); });
}

TEST_F(PortWork, ACallOfAHandlerLetsTheClockGoOn) {
  publish("x");
  const spk_event event = next(SPK_EV_MESSAGE);
  spk_cmd command = call_of(wait_a_second, 7);
  command.id = event.id;
  ASSERT_GE(submit(command), 0);
  std::atomic<bool> done{false};
  application->virtual_clock()->advance(std::chrono::seconds(2), [&] { done = true; });
  EXPECT_EQ(next(SPK_EV_DONE).user, 7u);
  EXPECT_FALSE(done);  // the handler runs again
  EXPECT_EQ(submit({.op = SPK_CMD_ACK, .id = event.id}), 0);
  advance(std::chrono::milliseconds(0));
  EXPECT_TRUE(done);
}

TEST_F(PortWork, WorkThatFindsNoPortWaitsForOneAndUsesUpNoTry) {
  port.reset();
  publish("x");
  // With nobody to hand it to, nothing moves: it is neither tried nor given up.
  std::promise<void> rested;
  application->virtual_clock()->advance(std::chrono::minutes(10), [&] { rested.set_value(); });
  ASSERT_EQ(rested.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  on_service([&] {
    EXPECT_EQ(worker->counts().failed, 0u);
    EXPECT_EQ(source->dead_letters().size(), 0u);
  });
  auto opened = Port::open(application, ports);
  ASSERT_TRUE(opened.ok());
  port = std::move(*opened);
  const spk_event event = next(SPK_EV_MESSAGE);
  EXPECT_EQ(record_of(event).attempt, 1u);
  EXPECT_GE(submit({.op = SPK_CMD_ACK, .id = event.id}), 0);
  advance(std::chrono::milliseconds(0));
  on_service([&] { EXPECT_EQ(worker->counts().acked, 1u); });
}

TEST_F(PortWork, WhatAClosedPortStillOwesIsHandedToTheNext) {
  publish("x");
  (void)next(SPK_EV_MESSAGE);
  auto opened = Port::open(application, ports);
  ASSERT_TRUE(opened.ok());
  std::unique_ptr<Port> second = std::move(*opened);
  port.reset();
  port = std::move(second);
  EXPECT_EQ(record_of(next(SPK_EV_MESSAGE)).attempt, 2u);
}

}  // namespace
}  // namespace spikard::abi
