#include "messaging/consumer_set.hpp"

#include <vector>

namespace spikard::messaging {
namespace {

void sum(worker_loop::WorkerCounts& to, const worker_loop::WorkerCounts& from) {
  to.acked += from.acked;
  to.failed += from.failed;
  to.dead_lettered += from.dead_lettered;
  to.handed_back += from.handed_back;
  to.lost += from.lost;
  to.abandoned += from.abandoned;
  to.in_hand += from.in_hand;
  to.running += from.running;
}

}  // namespace

std::uint64_t ConsumerSet::add(std::shared_ptr<Consumer> consumer) {
  consumers_.emplace(next_, std::move(consumer));
  return next_++;
}

std::shared_ptr<Consumer> ConsumerSet::find(std::uint64_t number) const {
  const auto at = consumers_.find(number);
  return at == consumers_.end() ? nullptr : at->second;
}

template <class Step>
void ConsumerSet::each(Function<void()> done, Step step) {
  // One more than there are, so that it is not done before all were begun.
  struct Join {
    std::size_t left;
    Function<void()> done;
    void arrive() {
      if (--left == 0) done();
    }
  };
  auto join = std::make_shared<Join>(Join{consumers_.size() + 1, std::move(done)});
  std::vector<std::shared_ptr<Consumer>> now;
  for (const auto& [number, consumer] : consumers_) now.push_back(consumer);
  for (const std::shared_ptr<Consumer>& consumer : now) step(*consumer, [join] { join->arrive(); });
  join->arrive();
}

void ConsumerSet::stop_taking(Function<void()> done) {
  draining_ = true;
  each(std::move(done), [](Consumer& one, Function<void()> then) { one.stop_taking(std::move(then)); });
}

void ConsumerSet::finish(Function<void()> idle) {
  each(std::move(idle), [](Consumer& one, Function<void()> then) { one.finish(std::move(then)); });
}

void ConsumerSet::cancel() {
  draining_ = true;
  for (const auto& [number, consumer] : consumers_) consumer->cancel();
}

void ConsumerSet::close(Function<void()> done) {
  draining_ = true;
  each(std::move(done), [](Consumer& one, Function<void()> then) { one.close(std::move(then)); });
}

worker_loop::WorkerCounts ConsumerSet::counts() const {
  worker_loop::WorkerCounts out = past_;
  for (const auto& [number, consumer] : consumers_) sum(out, consumer->counts());
  return out;
}

void ConsumerSet::retire(std::uint64_t number) {
  const auto at = consumers_.find(number);
  if (at == consumers_.end()) return;
  sum(past_, at->second->counts());
  consumers_.erase(at);
}

}  // namespace spikard::messaging
