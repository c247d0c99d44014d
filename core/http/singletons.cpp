#include "http/singletons.hpp"

#include <utility>

#include "http/server.hpp"

namespace spikard::http {

std::shared_ptr<Singletons> make_singletons() { return std::make_shared<Singletons>(); }

Singletons::State Singletons::claim(std::uint32_t dependency, Made& out, const void* owner, Function<void()> wake) {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = entries_.try_emplace(dependency);
  if (fresh) return State::claimed;
  if (at->second.there) {
    out = at->second.made;
    return State::made;
  }
  at->second.waiters.push_back({owner, std::move(wake)});
  return State::waiting;
}

void Singletons::done(std::uint32_t dependency, Made made) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[dependency];
  entry.there = true;
  entry.made = std::move(made);
  for (Waiter& waiter : entry.waiters) waiter.wake();
  entry.waiters.clear();
}

void Singletons::give_up(std::uint32_t dependency) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(dependency);
  if (at == entries_.end() || at->second.there) return;
  for (Waiter& waiter : at->second.waiters) waiter.wake();
  entries_.erase(at);
}

void Singletons::forget(const void* owner) {
  const std::lock_guard lock(mutex_);
  for (auto& [dependency, entry] : entries_) std::erase_if(entry.waiters, [&](const Waiter& w) { return w.owner == owner; });
}

void Singletons::note(Disposable disposable) {
  const std::lock_guard lock(mutex_);
  disposables_.push_back(disposable);
}

std::vector<Singletons::Disposable> Singletons::take_disposables() {
  const std::lock_guard lock(mutex_);
  std::vector<Disposable> out(disposables_.rbegin(), disposables_.rend());
  disposables_.clear();
  return out;
}

}  // namespace spikard::http
