#include "app/drain.hpp"

#include <gtest/gtest.h>

#include "net/virtual_clock.hpp"

namespace spikard::app {
namespace {

using namespace std::chrono_literals;

/// A component whose every answer the test gives by hand.
class Manual final : public Component {
 public:
  explicit Manual(std::string name) : name_(std::move(name)) {}
  std::string_view name() const noexcept override { return name_; }
  Result<void> start() override { return {}; }
  void stop_taking(Function<void()> done) override { calls += "stop ", stopped = std::move(done); }
  void finish(Function<void()> done) override { calls += "finish ", idle = std::move(done); }
  void cancel() override { calls += "cancel "; }
  void close(Function<void()> done) override { calls += "close ", closed = std::move(done); }
  Counts counts() const override { return now; }

  std::string calls;
  Counts now;
  Function<void()> stopped, idle, closed;

 private:
  std::string name_;
};

struct DrainTest : ::testing::Test {
  DrainTest() : loop(std::move(net::Loop::create(clock)).value()) {}
  void make(DrainLimits limits = {}) {
    drain = std::make_unique<Drain>(
        *loop, std::vector<Component*>{&http, &tasks}, limits, [this] { ++not_ready; },
        [this](const DrainReport& r) { report = r; });
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    while (!done) loop->turn(0);
  }

  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop;
  Manual http{"http"};
  Manual tasks{"tasks"};
  int not_ready = 0;
  std::optional<DrainReport> report;
  std::unique_ptr<Drain> drain;
};

TEST_F(DrainTest, goes_through_the_phases_in_order_and_exits_0) {
  make();
  drain->signal();
  EXPECT_EQ(not_ready, 1);
  EXPECT_EQ(http.calls, "stop ");
  http.stopped();
  EXPECT_EQ(http.calls, "stop ");  // one component still takes work
  tasks.stopped();
  EXPECT_EQ(http.calls, "stop finish ");
  http.idle();
  tasks.idle();
  EXPECT_EQ(http.calls, "stop finish close ");
  http.closed();
  EXPECT_FALSE(report.has_value());
  tasks.closed();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->exit_code(), 0);
}

TEST_F(DrainTest, waits_for_the_delay_before_it_stops_taking_work) {
  make({.delay = 500ms});
  drain->signal();
  EXPECT_EQ(not_ready, 1);
  advance(499ms);
  EXPECT_EQ(http.calls, "");
  advance(1ms);
  EXPECT_EQ(http.calls, "stop ");
}

TEST_F(DrainTest, cancels_what_is_left_at_the_time_out_and_reports_what_was_abandoned) {
  make({.timeout = 2s, .cleanup = 1s});
  drain->signal();
  http.stopped();
  tasks.stopped();
  tasks.idle();
  http.now.in_flight = 1;
  advance(1999ms);
  EXPECT_EQ(http.calls, "stop finish ");
  advance(1ms);
  EXPECT_EQ(http.calls, "stop finish cancel ");
  advance(1s);
  EXPECT_EQ(http.calls, "stop finish cancel close ");
  http.now = {.finished = 2, .abandoned = 1};
  http.closed();
  tasks.closed();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->exit_code(), 1);
  EXPECT_NE(report->to_json().find(R"("http":{"finished":2,"handed_back":0,"abandoned":1})"), std::string::npos)
      << report->to_json();
}

TEST_F(DrainTest, a_handler_that_ends_during_cleanup_ends_the_wait) {
  make({.timeout = 1s, .cleanup = 10s});
  drain->signal();
  http.stopped();
  tasks.stopped();
  tasks.idle();
  advance(1s);
  EXPECT_EQ(http.calls, "stop finish cancel ");
  http.idle();
  EXPECT_EQ(http.calls, "stop finish cancel close ");
}

TEST_F(DrainTest, a_second_signal_cancels_at_once_and_exits_1) {
  make({.timeout = 20s, .cleanup = 10s, .flush = 10s});
  drain->signal();
  http.stopped();
  tasks.stopped();
  http.now.in_flight = 2;  // and does not hear of its end in time
  drain->signal();
  EXPECT_EQ(http.calls, "stop finish cancel ");
  advance(0ms);  // cleanup and flush are 0 now
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->forced);
  EXPECT_EQ(report->exit_code(), 1);
  EXPECT_NE(report->to_json().find(R"("http":{"finished":0,"handed_back":0,"abandoned":2})"), std::string::npos)
      << report->to_json();
}

TEST_F(DrainTest, a_second_signal_during_cleanup_takes_the_rest_of_the_wait_away) {
  make({.timeout = 1s, .cleanup = 100s, .flush = 100s});
  drain->signal();
  http.stopped();
  tasks.stopped();
  advance(1s);
  EXPECT_EQ(http.calls, "stop finish cancel ");
  drain->signal();
  advance(0ms);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->exit_code(), 1);
}

TEST_F(DrainTest, asks_again_a_component_that_got_new_work_after_it_was_idle) {
  make();
  drain->signal();
  http.stopped();
  tasks.stopped();
  tasks.idle();
  tasks.now.in_flight = 1;  // a request in flight enqueued it
  http.idle();
  EXPECT_EQ(tasks.calls, "stop finish finish ");
  tasks.now.in_flight = 0;
  tasks.idle();
  EXPECT_EQ(tasks.calls, "stop finish finish close ");
}

TEST_F(DrainTest, a_component_that_never_stops_taking_work_does_not_hold_the_drain) {
  make({.timeout = 1s, .cleanup = 1s, .flush = 1s});
  drain->signal();
  tasks.stopped();
  advance(3s);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->duration_ms, 3000U);
}

}  // namespace
}  // namespace spikard::app
