#include "cache/tiered/tiered.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "cache/memory/hash.hpp"

namespace spikard::cache {

namespace {
/// Of a backend that is immediate.
template <class T>
T now(Answer<T> answer) {
  return *std::move(answer).take();
}
}  // namespace

/// What the feed's callbacks share with the backend, which they may outlive. A change counts a version up before it takes entries
/// out; who has read from the server puts the value in front and then looks whether the version is still that of before the read.
/// So either the change finds the entry, or the reader finds the change.
struct Tiered::Front {
  Front(Clock& clock, MemoryOptions options) : memory(clock, options) {}

  using Version = std::pair<std::uint64_t, std::uint64_t>;
  [[nodiscard]] Version version(Key key) const noexcept {
    return {all.load(std::memory_order_seq_cst), versions[place(key)].load(std::memory_order_seq_cst)};
  }
  static std::size_t place(Key key) noexcept {
    return memory::hash_of(key.name, memory::hash_of(key.space, 0)) >> 54U;  // of 1024
  }
  void drop(Key key) {
    versions[place(key)].fetch_add(1, std::memory_order_seq_cst);
    (void)memory.remove(nullptr, key);
  }
  void drop_space(std::string_view space) {
    all.fetch_add(1, std::memory_order_seq_cst);
    (void)memory.clear(nullptr, space);
  }
  void drop_all() {
    all.fetch_add(1, std::memory_order_seq_cst);
    memory.clear_all();
  }
  void remember(Key key, const Found& found, const Version& of_read) {
    if (found.left <= 0 || !trusted.load(std::memory_order_acquire) || version(key) != of_read) return;
    Put put(found.value.view(), found.left);
    put.absent = found.absent;
    (void)memory.put(nullptr, key, put);  // what is too large for it stays on the server
    if (version(key) != of_read) (void)memory.remove(nullptr, key);
  }

  Memory memory;
  std::atomic<bool> trusted{false};
  std::atomic<std::uint64_t> all{0};
  std::array<std::atomic<std::uint64_t>, 1024> versions{};
  std::mutex mutex;
  std::weak_ptr<net::redis::Feed> feed;
};

Tiered::Tiered(Clock& clock, MemoryOptions front, net::redis::Options back, std::string prefix)
    : front_(std::make_shared<Front>(clock, front)), back_(clock, std::move(back), std::move(prefix)) {}
Tiered::~Tiered() = default;

Capabilities Tiered::capabilities() const noexcept {
  Capabilities out = back_.capabilities();
  out.nearby = true;
  return out;
}

bool Tiered::trusted() const noexcept { return front_->trusted.load(std::memory_order_acquire); }

/// Listens on this loop, unless somebody does.
void Tiered::listen(net::Loop& loop) {
  const std::lock_guard lock(front_->mutex);
  if (const auto feed = front_->feed.lock(); feed != nullptr && !feed->closed()) return;
  const std::shared_ptr<net::redis::Client> client = back_.client(loop);
  if (client->closed()) return;
  net::redis::Listening to;
  to.tracked.push_back(back_.names().all());
  to.on_changed = [front = front_, names = back_.names()](std::optional<std::string_view> name) {
    if (!name) return front->drop_all();
    const auto parsed = names.parse(*name);
    if (!parsed) return;
    if (parsed->kind == 'e') front->drop(Key{parsed->space, parsed->name});
    if (parsed->kind == 'g') front->drop_space(parsed->space);
  };
  to.on_state = [front = front_](bool up) {
    if (!up) front->trusted.store(false, std::memory_order_release);
    front->drop_all();
    if (up) front->trusted.store(true, std::memory_order_release);
  };
  front_->feed = client->listen(std::move(to));
}

// ---- reading ----------------------------------------------------------------------------------------------------------------

Answer<std::optional<Payload>> Tiered::get(const net::Caller* caller, Key key) {
  if (trusted()) {
    Answer<std::optional<Payload>> near = front_->memory.get(nullptr, key);
    if (Result<std::optional<Payload>> value = std::move(near).take(); *value) return value;
  }
  return fetch_value(caller, key);
}

std::optional<Found> Tiered::nearby(Key key) {
  if (!trusted()) return std::nullopt;
  std::optional<Found> found = now(front_->memory.find(nullptr, key));
  if (found && found->left <= 0) found.reset();
  return found;
}

Task<Result<std::optional<Payload>>> Tiered::fetch_value(const net::Caller* caller, Key key) {
  using Value = Result<std::optional<Payload>>;
  Result<std::optional<Found>> found = co_await fetch(caller, key, Redis::Counts::values);
  if (!found.ok()) co_return Value(std::move(found).error());
  if (!*found || (*found)->absent || (*found)->left <= 0) co_return Value(std::optional<Payload>());
  co_return Value(std::optional<Payload>(std::move((*found)->value)));
}

Task<Result<std::optional<Found>>> Tiered::fetch(const net::Caller* caller, Key key, Redis::Counts counts) {
  if (!trusted()) listen(*caller->loop);
  const Front::Version before = front_->version(key);
  Result<std::optional<Found>> found = co_await back_.read(caller, key, counts);
  if (found.ok() && *found) front_->remember(key, **found, before);
  co_return found;
}

Answer<std::optional<Found>> Tiered::find(const net::Caller* caller, Key key) {
  if (auto near = nearby(key)) return std::optional<Found>(std::move(near));
  return fetch(caller, key, Redis::Counts::finds);
}

Answer<std::optional<Found>> Tiered::peek(const net::Caller* caller, Key key) {
  if (trusted()) {
    std::optional<Found> near = now(front_->memory.peek(nullptr, key));
    if (near && near->left > 0) return std::optional<Found>(std::move(near));
  }
  return fetch(caller, key, Redis::Counts::nothing);
}

Answer<bool> Tiered::contains(const net::Caller* caller, Key key) {
  if (trusted() && now(front_->memory.contains(nullptr, key))) return true;
  return back_.contains(caller, key);
}

Answer<std::optional<Millis>> Tiered::left(const net::Caller* caller, Key key) {
  if (trusted()) {
    if (auto near = now(front_->memory.left(nullptr, key))) return std::optional<Millis>(near);
  }
  return back_.left(caller, key);
}

Answer<std::vector<std::optional<Payload>>> Tiered::get_many(const net::Caller* caller, std::string_view space,
                                                             std::span<const std::string> names) {
  return fetch_many(caller, space, names);
}

Task<Result<std::vector<std::optional<Payload>>>> Tiered::fetch_many(const net::Caller* caller, std::string_view space,
                                                                     std::span<const std::string> names) {
  using All = std::vector<std::optional<Payload>>;
  All all(names.size());
  if (!trusted()) listen(*caller->loop);
  std::vector<std::size_t> missing;
  std::vector<std::string_view> asked;
  std::vector<Front::Version> before;
  const bool believed = trusted();
  for (std::size_t n = 0; n < names.size(); ++n) {
    const Key key{space, names[n]};
    if (believed) all[n] = now(front_->memory.get(nullptr, key));
    if (all[n]) continue;
    missing.push_back(n);
    asked.emplace_back(names[n]);
    before.push_back(front_->version(key));
  }
  if (missing.empty()) co_return Result<All>(std::move(all));
  auto found = co_await back_.peek_many(*caller, space, asked);
  if (!found.ok()) co_return Result<All>(std::move(found).error());
  std::uint64_t hits = 0;
  for (std::size_t n = 0; n < missing.size(); ++n) {
    std::optional<Found>& one = (*found)[n];
    if (!one || one->left <= 0) continue;
    front_->remember(Key{space, asked[n]}, *one, before[n]);
    if (one->absent) continue;
    all[missing[n]] = std::move(one->value);
    ++hits;
  }
  back_.count_reads(hits, missing.size() - hits);
  co_return Result<All>(std::move(all));
}

Answer<std::uint64_t> Tiered::count(const net::Caller* caller, std::string_view space) { return back_.count(caller, space); }

Statistics Tiered::statistics() const {
  const Statistics near = front_->memory.statistics();
  Statistics out = back_.statistics();
  out.hits += near.hits;
  out.evictions = near.evictions;
  out.entries = near.entries;
  out.weight = near.weight;
  out.max_weight = near.max_weight;
  return out;
}

// ---- writing ----------------------------------------------------------------------------------------------------------------

/// Whatever became of it: the front knows it no more.
template <class T>
Task<Result<T>> Tiered::dropping(Key key, Answer<T> answer) {
  Result<T> result = co_await answer;
  front_->drop(key);
  co_return result;
}

Answer<void> Tiered::put(const net::Caller* caller, Key key, Put what) { return dropping(key, back_.put(caller, key, what)); }
Answer<bool> Tiered::put_if_absent(const net::Caller* caller, Key key, Put what) {
  return dropping(key, back_.put_if_absent(caller, key, what));
}
Answer<bool> Tiered::remove(const net::Caller* caller, Key key) { return dropping(key, back_.remove(caller, key)); }
Answer<bool> Tiered::remove_if(const net::Caller* caller, Key key, std::string_view equals) {
  return dropping(key, back_.remove_if(caller, key, equals));
}
Answer<bool> Tiered::touch(const net::Caller* caller, Key key, Millis ttl) {
  return dropping(key, back_.touch(caller, key, ttl));
}
Answer<std::int64_t> Tiered::increment(const net::Caller* caller, Key key, std::int64_t by, Millis ttl) {
  return dropping(key, back_.increment(caller, key, by, ttl));
}

Task<Result<void>> Tiered::put_all(std::string_view space, std::span<const Item> items, Answer<void> answer) {
  Result<void> done = co_await answer;
  for (const Item& item : items) front_->drop(Key{space, item.key});
  co_return done;
}

Answer<void> Tiered::put_many(const net::Caller* caller, std::string_view space, std::span<const Item> items, Put what) {
  return put_all(space, items, back_.put_many(caller, space, items, what));
}

Task<Result<void>> Tiered::clear_both(std::string_view space, Answer<void> answer) {
  Result<void> done = co_await answer;
  front_->drop_space(space);
  co_return done;
}

Answer<void> Tiered::clear(const net::Caller* caller, std::string_view space) {
  return clear_both(space, back_.clear(caller, space));
}

Task<Result<void>> Tiered::drop_tags(const net::Caller* caller, std::span<const std::string> tags) {
  const Redis::Dropped dropped = [this](std::string_view name) {
    const auto parsed = back_.names().parse(name);
    if (parsed && parsed->kind == 'e') front_->drop(Key{parsed->space, parsed->name});
  };
  Result<void> done = co_await back_.drop_tags(caller, tags, &dropped);
  if (!done.ok()) front_->drop_all();  // some may have gone
  co_return done;
}

Answer<void> Tiered::invalidate(const net::Caller* caller, std::span<const std::string> tags) {
  if (tags.empty()) return {};
  return drop_tags(caller, tags);
}

Answer<Lease> Tiered::lease(const net::Caller* caller, Key key, Claim claim) { return back_.lease(caller, key, claim); }
Answer<bool> Tiered::renew(const net::Caller* caller, Key key, std::string_view token, Millis lives) {
  return back_.renew(caller, key, token, lives);
}
Answer<bool> Tiered::keep(const net::Caller* caller, Key key, std::string_view token, std::optional<Put> what) {
  return dropping(key, back_.keep(caller, key, token, what));
}
Answer<void> Tiered::release(const net::Caller* caller, Key key, std::string_view token) {
  return back_.release(caller, key, token);
}

}  // namespace spikard::cache
