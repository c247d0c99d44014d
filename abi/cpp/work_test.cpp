// How functions become handlers of messages and tasks.
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <vector>

#include "app/application.hpp"
#include "spikard/app.hpp"
#include "spikard/test_client.hpp"

namespace spikard {
namespace {

struct Order {
  std::int64_t id{};
  std::string customer = "nobody";
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, customer))

class WorkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    services::Manifest manifest;
    manifest.log.level = services::LogLevel::off;
    application = app::Application::create(std::move(manifest)).value();
    loop = net::Loop::create(application->clock()).value();
  }
  template <class W = Message, class F>
  Outcome run(F fn, std::string payload, std::function<void(worker_loop::WorkItem&)> more = {}) {
    auto item = std::make_shared<worker_loop::WorkItem>();
    item->name = "orders.created";
    item->payload = std::move(payload);
    if (more) more(*item);
    const detail::WorkHandler handler = detail::make_work_handler<W>(std::move(fn));
    std::optional<Outcome> outcome;
    spawn(handler(item, *application, *loop), [&](const std::exception_ptr& error, std::optional<Outcome> value) {
      try {
        if (error) std::rethrow_exception(error);
        outcome = std::move(value);
      } catch (const std::exception& e) {
        outcome = Outcome::error(e.what());
      }
    });
    while (!outcome) loop->turn(10);
    return *outcome;
  }
  std::shared_ptr<app::Application> application;
  std::unique_ptr<net::Loop> loop;
};

using Kind = Outcome::Kind;

TEST_F(WorkTest, ParametersComeInAnyOrder) {
  EXPECT_EQ(run([](Message& m) { return Outcome::retry(std::chrono::seconds(m.topic().size())); }, "").after,
            std::chrono::seconds(14));
  EXPECT_EQ(run([](Order order, Message& m) { return m.topic() + order.customer; }, R"({"id": 1, "customer": "Ada"})").text,
            "\"orders.createdAda\"");
  EXPECT_EQ(run([](Message&, const Order& order) { return order; }, R"({"id": 1})").text, R"({"id":1,"customer":"nobody"})");
  EXPECT_EQ(run([](std::string text) { return text == "\xff\x01"; }, "\xff\x01").text, "true");
  EXPECT_EQ(run([](Json any) { return any.root().size() == 2; }, "[1, 2]").text, "true");
  bool called = false;
  EXPECT_EQ(run([&] { called = true; }, "whatever").kind, Kind::ack);
  EXPECT_TRUE(called);
}

TEST_F(WorkTest, ResultsAndExceptions) {
  EXPECT_EQ(run([](Message&) -> Result<void> { return Error(ErrorKind::unavailable, "down"); }, "").kind, Kind::error);
  EXPECT_EQ(run([](Message&) -> Result<Outcome> { return Outcome::nack(true); }, "").kind, Kind::nack);
  EXPECT_EQ(run([](Message&) { throw std::runtime_error("no"); }, "").text, "no");
  EXPECT_EQ(run<TaskRun>([](TaskRun& t) -> Task<Result<std::uint32_t>> { co_return t.attempt(); }, "",
                         [](auto& item) { item.tries = 2; })
                .text,
            "3");
  EXPECT_EQ(run(
                [](Order order, Message& m) -> Task<void> {
                  auto slept = co_await m.sleep(std::chrono::milliseconds(1));
                  if (!slept.ok() || order.id != 5) throw std::runtime_error("wrong");
                },
                R"({"id": 5})")
                .kind,
            Kind::ack);
}

TEST_F(WorkTest, ArgumentsThatDoNotFitAreRejectedWithEveryViolation) {
  const Outcome outcome = run([](Order) { FAIL(); }, R"({"id": "x", "customer": 5})");
  EXPECT_EQ(outcome.kind, Kind::reject);
  EXPECT_EQ(
      outcome.text,
      "customer: Input should be a valid string; id: Input should be a valid integer, unable to parse string as an integer");
  EXPECT_EQ(run([](Order) { FAIL(); }, "{").kind, Kind::reject);
  EXPECT_EQ(run([](Order) { FAIL(); }, "").kind, Kind::reject);
}

TEST_F(WorkTest, TheManifestSaysWhatTheCodeHas) {
  App app;
  services::Consumer options;
  options.group = "mail";
  app.consumer("orders.created", options, [](Order, Message&) {});
  app.task("invoice", [](Order) {}).task("report", [](TaskRun&) {}).task("thumb", [](Order) {}, "media");
  services::Worker media;
  media.queue = "media";
  media.concurrency = 2;
  app.worker(media);
  app.schedule("nightly", "0 3 * * *", "report");
  const services::Manifest& m = app.manifest();
  ASSERT_EQ(m.consumers.size(), 1u);
  EXPECT_EQ(m.consumers[0].name, "mail:orders.created");
  EXPECT_EQ(m.consumers[0].schema.root().find("type").text(), "object");
  ASSERT_EQ(m.workers.size(), 2u);
  EXPECT_EQ(m.workers[0].tasks, (std::vector<std::string>{"invoice", "report"}));
  EXPECT_EQ(m.workers[1].concurrency, 2u);
  EXPECT_EQ(m.workers[1].tasks, std::vector<std::string>{"thumb"});
  EXPECT_EQ(m.schedules[0].task, "report");
}

TEST(WorkOfAnApp, ATaskOfAScheduleKnowsTheTimeItStandsFor) {
  App app;
  app.manifest().log.level = services::LogLevel::off;
  std::mutex mutex;
  std::vector<std::optional<WallTime>> seen;
  app.task("report", [&](TaskRun& run) {
    const std::lock_guard lock(mutex);
    seen.push_back(run.scheduled_at());
  });
  app.schedule("every minute", "* * * * *", "report");
  TestClient client(app, {.virtual_clock = true});
  client.advance(std::chrono::minutes(3));
  const std::lock_guard lock(mutex);
  ASSERT_GE(seen.size(), 2U);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    ASSERT_TRUE(seen[i].has_value());
    EXPECT_EQ(seen[i]->time_since_epoch() % std::chrono::minutes(1), Duration::zero());
    if (i > 0) EXPECT_EQ(*seen[i] - *seen[i - 1], std::chrono::minutes(1));
  }
}

}  // namespace
}  // namespace spikard
