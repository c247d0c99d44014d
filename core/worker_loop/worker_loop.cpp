#include "worker_loop/worker_loop.hpp"

#include <algorithm>
#include <exception>

namespace spikard::worker_loop {
namespace {

constexpr std::uint32_t settle_attempts = 6;

/// Waits between attempts on a source that fails: 100 ms, doubling, at most 5 s.
Duration source_backoff(std::uint32_t failures) {
  const RetryPolicy policy{.initial = std::chrono::milliseconds(100), .max = std::chrono::seconds(5)};
  return backoff(policy, failures, 0.0);
}

/// What a source throws is an error of the source, and must not end the loop.
template <class T>
Task<Result<T>> guarded(Task<Result<T>> task) {
  std::string what;
  try {
    Result<T> result = co_await std::move(task);
    co_return result;
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "unknown exception";
  }
  co_return Result<T>(internal_error("the source threw: " + what));
}

}  // namespace

std::shared_ptr<WorkerLoop> WorkerLoop::create(net::Loop& loop, Source& source, WorkSink& sink, WorkerLoopOptions options) {
  options.concurrency = std::max<std::uint32_t>(options.concurrency, 1);
  options.max_in_flight = std::max(options.max_in_flight, options.concurrency);
  return std::shared_ptr<WorkerLoop>(new WorkerLoop(loop, source, sink, std::move(options)));
}

WorkerLoop::WorkerLoop(net::Loop& loop, Source& source, WorkSink& sink, WorkerLoopOptions options)
    : loop_(loop),
      source_(source),
      sink_(sink),
      options_(std::move(options)),
      random_(static_cast<std::minstd_rand::result_type>(options_.seed)),
      room_(loop),
      lease_timer_(loop, [this] {
        if (held_.empty() || dead_) return;
        lease_timer_.start(source_.lease() / 3);
        if (!extending_) begin(extend_all(), extending_);
      }) {}

WorkerLoop::~WorkerLoop() = default;

double WorkerLoop::random() {
  return static_cast<double>(random_() - std::minstd_rand::min()) /
         (static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min()) + 1.0);
}

void WorkerLoop::begin(Task<> task, bool& flag) {
  flag = true;
  spawn(std::move(task), [self = shared_from_this(), &flag](const std::exception_ptr&) {
    flag = false;
    self->look();
  });
}

void WorkerLoop::start() {
  if (!pulling_ && !stopping_) begin(pull_all().with_token(stop_pulling_.token()), pulling_);
}

Task<> WorkerLoop::pull_all() {
  std::uint32_t failures = 0;
  while (!stopping_) {
    if (held_.size() >= options_.max_in_flight) {
      room_.reset();
      Result<void> waited = co_await room_.wait();
      if (!waited.ok()) break;
      continue;
    }
    const auto room = static_cast<std::uint32_t>(options_.max_in_flight - held_.size());
    Task<Result<std::vector<WorkItem>>> pull = guarded(source_.pull(room));
    Result<std::vector<WorkItem>> items = co_await std::move(pull);
    if (dead_) break;
    if (items.ok() && !items->empty()) {
      failures = 0;
      for (WorkItem& item : *items) accept(std::move(item));
      continue;
    }
    if (stopping_) break;
    Result<void> slept = co_await net::sleep(loop_, source_backoff(failures++));
    if (!slept.ok()) break;
  }
}

void WorkerLoop::accept(WorkItem item) {
  lost(item.id);  // it comes again while we hold it: our lease on it had run out
  const std::uint64_t ticket = next_ticket_++;
  auto owned = std::make_unique<Held>();
  Held& held = *owned;
  held.ticket = ticket;
  held.item = std::make_shared<WorkItem>(std::move(item));
  tickets_.emplace(held.item->id, ticket);
  held_.emplace(ticket, std::move(owned));
  if (source_.lease() > Duration::zero() && !lease_timer_.armed()) lease_timer_.start(source_.lease() / 3);
  if (options_.ordered && held.item->has_key) {
    std::deque<std::uint64_t>& queue = keys_[held.item->key];
    queue.push_back(ticket);
    if (queue.size() > 1) return;
  }
  line_up(held);
  start_ready();
}

// It may begin now, as far as its key is concerned.
void WorkerLoop::line_up(Held& held) {
  if (stopping_) {
    hand_back(held);
    return;
  }
  if (held.item->tries > (held.item->retry ? *held.item->retry : options_.retry).max_retries) {
    // The last try was used up by a worker that died. This delivery reaches no handler and does not count.
    Settlement out;
    out.kind = Settlement::Kind::dead_letter;
    out.id = held.item->id;
    out.tries = held.item->tries;
    out.failures = held.item->failures;
    out.delivery_count = held.item->delivery_count - 1;
    out.reason = "max_retries";
    out.error = "the one who held it died or lost it";
    out.first_error = held.item->first_error;
    settle(held, std::move(out));
    return;
  }
  ready_.push_back(held.ticket);
}

void WorkerLoop::start_ready() {
  while (running_ < options_.concurrency && !ready_.empty() && !stopping_) {
    const std::uint64_t ticket = ready_.front();
    ready_.pop_front();
    const auto at = held_.find(ticket);
    if (at != held_.end() && at->second->place == Place::waiting) run(*at->second);
  }
}

void WorkerLoop::run(Held& held) {
  held.place = Place::running;
  ++running_;
  const std::uint64_t ticket = held.ticket;
  const Duration limit = held.item->timeout > Duration::zero() ? held.item->timeout : options_.handler_timeout;
  if (limit > Duration::zero()) {
    held.timer = std::make_unique<net::Timer>(loop_, [this, ticket] {
      sink_.on_cancel(ticket, CancelReason::deadline);
      Outcome late;
      late.kind = Outcome::Kind::timeout;
      completed(ticket, std::move(late));
    });
    held.timer->start(limit);
  }
  if (options_.observer != nullptr) options_.observer->on_begin(ticket, *held.item);
  sink_.on_work(ticket, held.item);
}

void WorkerLoop::complete(std::uint64_t ticket, Outcome outcome) {
  loop_.post([weak = weak_from_this(), ticket, outcome = std::move(outcome)]() mutable {
    if (const auto self = weak.lock()) self->completed(ticket, std::move(outcome));
  });
}

void WorkerLoop::completed(std::uint64_t ticket, Outcome outcome) {
  const auto at = held_.find(ticket);
  if (at == held_.end() || at->second->place != Place::running) return;
  Held& held = *at->second;
  --running_;
  held.timer.reset();
  Settlement settlement = decide(options_.retry, *held.item, outcome, random());
  if (options_.observer != nullptr) options_.observer->on_end(ticket, *held.item, outcome, settlement);
  if (settlement.kind == Settlement::Kind::again && options_.ordered && held.item->has_key && !stopping_) {
    again_here(held, std::move(settlement));
  } else {
    settle(held, std::move(settlement));
  }
  start_ready();
}

// Those behind it in its key wait for it, so it stays in hand, and only the record of the failure goes to the source.
void WorkerLoop::again_here(Held& held, Settlement settlement) {
  ++counts_.failed;
  auto next = std::make_shared<WorkItem>(*held.item);  // the handler may still read the old one
  next->tries = settlement.tries;
  next->failures = settlement.failures;
  next->first_error = settlement.first_error;
  ++next->delivery_count;
  held.item = std::move(next);
  held.place = Place::kept;
  const Duration after = settlement.after;
  const std::uint64_t ticket = held.ticket;
  held.timer = std::make_unique<net::Timer>(loop_, [this, ticket] {
    const auto at = held_.find(ticket);
    at->second->place = Place::waiting;
    at->second->timer.reset();
    ready_.push_back(ticket);
    start_ready();
  });
  held.timer->start(after);
  settlement.kind = Settlement::Kind::keep;
  settlement.delivery_count = held.item->delivery_count;
  settlements_.emplace_back(ticket, std::move(settlement));
  loop_.at_turn_end(*this);
}

void WorkerLoop::settle(Held& held, Settlement settlement) {
  held.place = Place::settling;
  held.timer.reset();
  settlements_.emplace_back(held.ticket, std::move(settlement));
  loop_.at_turn_end(*this);
}

void WorkerLoop::hand_back(Held& held) {
  Settlement out;
  out.kind = Settlement::Kind::hand_back;
  out.id = held.item->id;
  out.tries = held.item->tries;
  out.failures = held.item->failures;
  // What no handler has begun was not delivered.
  out.delivery_count = held.item->delivery_count - (held.place == Place::running ? 0 : 1);
  out.first_error = held.item->first_error;
  if (held.place == Place::kept && held.timer != nullptr)
    out.after = std::max(held.timer->when() - loop_.now(), Duration::zero());
  settle(held, std::move(out));
}

void WorkerLoop::on_turn_end() {
  if (!flushing_ && !dead_ && !settlements_.empty()) begin(flush(), flushing_);
}

Task<> WorkerLoop::flush() {
  while (!settlements_.empty() && !dead_) {
    std::vector<std::pair<std::uint64_t, Settlement::Kind>> tickets;
    std::vector<Settlement> batch;
    for (auto& [ticket, settlement] : settlements_) {
      tickets.emplace_back(ticket, settlement.kind);
      batch.push_back(std::move(settlement));
    }
    settlements_.clear();
    std::vector<std::uint64_t> not_ours;
    bool done = false;
    for (std::uint32_t attempt = 0; attempt < settle_attempts && !done && !dead_; ++attempt) {
      Task<Result<std::vector<std::uint64_t>>> call = guarded(source_.settle(batch));
      Result<std::vector<std::uint64_t>> result = co_await std::move(call);
      if (result.ok()) {
        not_ours = std::move(*result);
        done = true;
      } else if (result.error().retry() != RetryClass::temporary) {
        break;
      } else {
        // Close cuts the wait, not the call.
        Task<Result<void>> wait = net::sleep(loop_, source_backoff(attempt)).with_token(stop_all_.token());
        Result<void> waited = co_await std::move(wait);
        if (!waited.ok()) attempt = std::max(attempt, settle_attempts - 2);
      }
    }
    if (dead_) co_return;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const bool ours = done && std::find(not_ours.begin(), not_ours.end(), batch[i].id) == not_ours.end();
      settled(tickets[i].first, tickets[i].second, ours);
    }
  }
}

void WorkerLoop::settled(std::uint64_t ticket, Settlement::Kind kind, bool ours) {
  const auto at = held_.find(ticket);
  if (at == held_.end()) return;
  if (kind == Settlement::Kind::keep) {
    if (!ours && at->second->place != Place::settling) lost(at->second->item->id);
    return;
  }
  if (!ours) {
    ++(kind == Settlement::Kind::hand_back ? counts_.abandoned : counts_.lost);
  } else if (kind == Settlement::Kind::ack) {
    ++counts_.acked;
  } else if (kind == Settlement::Kind::hand_back) {
    ++counts_.handed_back;
  } else {
    ++counts_.failed;
    if (kind == Settlement::Kind::dead_letter) ++counts_.dead_lettered;
  }
  forget(ticket);
}

void WorkerLoop::lost(std::uint64_t id) {
  const auto known = tickets_.find(id);
  if (known == tickets_.end()) return;
  const std::uint64_t ticket = known->second;
  Held& held = *held_.find(ticket)->second;
  ++counts_.lost;
  if (held.place == Place::running) {
    cut(held, CancelReason::requested);
  }
  std::erase_if(settlements_, [ticket](const auto& one) { return one.first == ticket; });
  forget(ticket);
}

void WorkerLoop::cut(Held& held, CancelReason reason) {
  --running_;
  if (options_.observer != nullptr) options_.observer->on_cut(held.ticket, *held.item, reason);
  sink_.on_cancel(held.ticket, reason);
}

void WorkerLoop::revoke(std::span<const std::uint64_t> ids) {
  for (const std::uint64_t id : ids) {
    const auto known = tickets_.find(id);
    if (known != tickets_.end() && held_.find(known->second)->second->place != Place::settling) lost(id);
  }
}

void WorkerLoop::forget(std::uint64_t ticket) {
  const auto at = held_.find(ticket);
  const std::shared_ptr<WorkItem> item = at->second->item;
  if (const auto known = tickets_.find(item->id); known != tickets_.end() && known->second == ticket) tickets_.erase(known);
  held_.erase(at);
  if (options_.ordered && item->has_key) next_of_key(item->key, ticket);
  room_.set();
  start_ready();
  look();
}

void WorkerLoop::next_of_key(const std::string& key, std::uint64_t ticket) {
  const auto queue = keys_.find(key);
  if (queue == keys_.end()) return;
  const bool was_first = queue->second.front() == ticket;
  std::erase(queue->second, ticket);
  if (queue->second.empty()) {
    keys_.erase(queue);
    return;
  }
  if (!was_first) return;
  Held& held = *held_.find(queue->second.front())->second;
  if (held.place == Place::waiting) line_up(held);
}

Task<> WorkerLoop::extend_all() {
  std::vector<std::uint64_t> ids;
  ids.reserve(held_.size());
  for (const auto& [ticket, held] : held_) {
    if (held->place != Place::settling) ids.push_back(held->item->id);
  }
  if (ids.empty()) co_return;
  Task<Result<std::vector<std::uint64_t>>> call = guarded(source_.extend(ids));
  Result<std::vector<std::uint64_t>> result = co_await std::move(call);
  if (!result.ok() || dead_) co_return;  // there are two more times in this lease
  revoke(*result);                       // one that is being settled by now is the settlement's to judge
}

void WorkerLoop::look() {
  if (looking_) return;
  looking_ = true;
  const auto self = shared_from_this();  // a callback may drop the last reference
  if (stopped_ && !pulling_) {
    Function<void()> call = std::move(stopped_);
    call();
  }
  if (idle_ && held_.empty()) {
    Function<void()> call = std::move(idle_);
    call();
  }
  if (closed_ && !pulling_ && !flushing_ && !extending_ && settlements_.empty()) {
    lease_timer_.stop();
    Function<void()> call = std::move(closed_);
    call();
  }
  looking_ = false;
}

const WorkerCounts& WorkerLoop::counts() const noexcept {
  counts_.in_hand = held_.size();
  counts_.running = running_;
  return counts_;
}

}  // namespace spikard::worker_loop
