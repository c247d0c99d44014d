#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "net/await.hpp"
#include "net/loop/loop.hpp"

namespace spikard::messaging {

/// Where a caller waits, on its loop, for what a connection on another loop says. The other side holds it weakly: a caller may
/// have gone.
template <class T>
struct Answer {
  explicit Answer(net::Loop& loop) : done(loop) {}
  net::Event done;
  std::optional<T> value;
};
template <class T>
struct Waiting {
  std::weak_ptr<Answer<T>> answer;
  std::shared_ptr<net::Loop::Mailbox> mailbox;

  Waiting() = default;
  Waiting(const std::shared_ptr<Answer<T>>& by, net::Loop& loop) : answer(by), mailbox(loop.mailbox()) {}
  /// Once. Any thread.
  void tell(T value) {
    if (mailbox == nullptr) return;
    mailbox->post([weak = std::move(answer), value = std::move(value)]() mutable {
      const auto still = weak.lock();
      if (still == nullptr) return;
      still->value.emplace(std::move(value));
      still->done.set();
    });
  }
};

}  // namespace spikard::messaging
