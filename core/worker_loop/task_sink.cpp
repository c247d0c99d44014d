#include "worker_loop/task_sink.hpp"

#include <exception>
#include <optional>

namespace spikard::worker_loop {
namespace {

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

TaskSink::TaskSink(const std::vector<net::Loop*>& loops, Handler handler) {
  SPIKARD_ASSERT(!loops.empty(), "handlers need a loop to run on");
  shared_->handler = std::move(handler);
  for (net::Loop* loop : loops) lanes_.push_back(std::make_shared<Lane>(Lane{loop, {}}));
}

void TaskSink::on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) {
  const std::shared_ptr<Lane>& lane = lane_of(ticket);
  lane->loop->post(
      [shared = shared_, lane, ticket, item = std::move(item)]() mutable { begin(shared, lane, ticket, std::move(item)); });
}

void TaskSink::on_cancel(std::uint64_t ticket, CancelReason reason) {
  const std::shared_ptr<Lane>& lane = lane_of(ticket);
  lane->loop->post([lane, ticket, reason] {
    const auto at = lane->running.find(ticket);
    if (at != lane->running.end()) at->second.cancel(reason);
  });
}

void TaskSink::begin(const std::shared_ptr<Shared>& shared, const std::shared_ptr<Lane>& lane, std::uint64_t ticket,
                     std::shared_ptr<const WorkItem> item) {
  const auto end = [shared, ticket](Outcome outcome) {
    if (const auto worker = shared->worker.lock()) worker->complete(ticket, std::move(outcome));
  };
  CancelSource source;
  CancelToken token = source.token();
  lane->running.emplace(ticket, std::move(source));
  Task<Outcome> task;
  try {
    task = shared->handler(std::move(item)).with_token(std::move(token));
  } catch (...) {
    lane->running.erase(ticket);
    end(Outcome::error(text_of(std::current_exception())));
    return;
  }
  spawn(std::move(task), [shared, lane, ticket, end](const std::exception_ptr& error, std::optional<Outcome> outcome) {
    lane->running.erase(ticket);
    end(error ? Outcome::error(text_of(error)) : std::move(*outcome));
  });
}

}  // namespace spikard::worker_loop
