#include "net/redis/pool.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace spikard::net::redis {

struct Pool::Shared {
  std::mutex mutex;
  std::vector<std::shared_ptr<Seat>> seats;  // of loops that are alive
  bool closed = false;

  void forget(const Seat* seat) {
    const std::lock_guard lock(mutex);
    std::erase_if(seats, [&](const auto& one) { return one.get() == seat; });
  }
};

/// A client on its loop. Owned by itself until its loop ends or the pool is closed.
struct Pool::Seat final : LoopEnd {
  Seat(Loop& of_loop, const Options& options, std::shared_ptr<Shared> of)
      : loop(&of_loop), mailbox(of_loop.mailbox()), client(std::make_shared<Client>(of_loop, options)), shared(std::move(of)) {
    of_loop.at_end(*this);
  }
  void on_loop_end() override { leave(); }
  void leave() {
    const std::shared_ptr<Seat> alive = std::exchange(self, nullptr);
    if (alive == nullptr) return;
    shared->forget(this);
    client->close();
    client.reset();  // here, where its loop is
    cancel_loop_end();
  }
  Loop* loop;
  const std::thread::id thread = std::this_thread::get_id();
  std::shared_ptr<Loop::Mailbox> mailbox;
  std::shared_ptr<Client> client;
  std::shared_ptr<Shared> shared;
  std::shared_ptr<Seat> self;
};

Pool::Pool(Options options) : options_(std::move(options)), shared_(std::make_shared<Shared>()) {}
Pool::~Pool() { close(); }

std::shared_ptr<Client> Pool::on(Loop& loop) {
  {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& seat : shared_->seats) {
      if (seat->loop == &loop) return seat->client;
    }
    if (!shared_->closed) {
      auto seat = std::make_shared<Seat>(loop, options_, shared_);
      seat->self = seat;
      shared_->seats.push_back(seat);
      return seat->client;
    }
  }
  auto closed = std::make_shared<Client>(loop, options_);
  closed->close();
  return closed;
}

void Pool::close() {
  std::vector<std::shared_ptr<Seat>> seats;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    seats = shared_->seats;
  }
  for (const auto& seat : seats) {
    // A loop that is never turned again closes it at its end.
    if (seat->thread == std::this_thread::get_id()) seat->leave();
    else
      seat->mailbox->post([weak = std::weak_ptr(seat)] {
        if (const auto still = weak.lock()) still->leave();
      });
  }
}

}  // namespace spikard::net::redis
