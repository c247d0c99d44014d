#include "cache/redis/redis.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <unordered_set>

#include "cache/redis/scripts.hpp"

namespace spikard::cache {

namespace {

using net::redis::Command;
using net::redis::Kind;
using net::redis::Reply;
using net::redis::View;
using redis::Header;
using redis::Stored;

constexpr std::size_t max_value = 256U << 20U;
constexpr std::size_t together = 512;  // names a command

Millis floor_ms(const Clock& clock) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(clock.wall().time_since_epoch()).count();
}
Millis ceil_ms(const Clock& clock) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(clock.wall().time_since_epoch()).count();
}

Error stranger() { return Error(ErrorKind::corrupt, "the server's answer is none of ours").with_operation("cache.redis"); }

}  // namespace

struct Redis::State {
  State(Clock& of_clock, net::redis::Options options, std::string prefix)
      : clock(of_clock),
        pool(std::move(options)),
        names(std::move(prefix)),
        // Clocks of hosts differ a little; a virtual one stands still while the server's goes on.
        slack(of_clock.is_virtual() ? 3'600'000 : 1000) {
    std::random_device random;
    seed = static_cast<std::uint64_t>(random()) << 32U | random();
  }
  /// For a namespace that has no generation: never the same twice.
  [[nodiscard]] std::string new_generation() {
    std::uint64_t mixed = seed + (generations.fetch_add(1, std::memory_order_relaxed) + 1) * 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebU;
    std::string out;
    Header::append(out, mixed ^ mixed >> 31U);
    return out;
  }
  [[nodiscard]] std::string px(Millis lives) const { return lives == 0 ? "0" : std::to_string(lives + slack); }

  Clock& clock;
  net::redis::Pool pool;
  const redis::Names names;
  const redis::Scripts scripts;
  const Millis slack;
  std::uint64_t seed = 0;
  std::atomic<std::uint64_t> generations{0};
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> expirations{0};
  std::mutex mutex;
  std::set<std::string, std::less<>> swept;  // namespaces that are being swept
};

Redis::Redis(Clock& clock, net::redis::Options options, std::string prefix)
    : state_(std::make_shared<State>(clock, std::move(options), std::move(prefix))) {}
Redis::~Redis() { state_->pool.close(); }

Capabilities Redis::capabilities() const noexcept {
  Capabilities out;
  out.tags = true;
  out.shared = true;
  out.leases = true;
  return out;
}

const redis::Names& Redis::names() const noexcept { return state_->names; }
std::shared_ptr<net::redis::Client> Redis::client(net::Loop& loop) const { return state_->pool.on(loop); }

Statistics Redis::statistics() const {
  Statistics out;
  out.hits = state_->hits.load(std::memory_order_relaxed);
  out.misses = state_->misses.load(std::memory_order_relaxed);
  out.expirations = state_->expirations.load(std::memory_order_relaxed);
  return out;
}

Command Redis::on_entry(const net::redis::Script& script, Key key, std::size_t more_keys) const {
  const redis::Names& names = state_->names;
  const std::string entry = names.entry(key);
  Command out(script, 3 + more_keys, 3 * entry.size() + 256);
  out.key(entry).key(names.generation(key.space)).key(names.lease(key));
  return out;
}

// ---- reading ----------------------------------------------------------------------------------------------------------------

namespace {

/// An entry of the present generation that is not forgotten, out of an MGET of generation and entries.
std::optional<Header> entry_of(View generation, View stored, Millis now, bool* forgotten = nullptr) {
  if (!generation.is_text() || !stored.is_text()) return std::nullopt;
  std::optional<Header> header = Header::read(stored.text());
  if (!header || header->generation != generation.text()) return std::nullopt;
  if (header->forgotten(now)) {
    if (forgotten != nullptr) *forgotten = true;
    return std::nullopt;
  }
  return header;
}

}  // namespace

Task<void> Redis::reap(std::shared_ptr<State> state, net::Caller caller, std::string space, std::string name) {
  const Key key{space, name};
  Command command(state->scripts.reap, 1);
  command.key(state->names.entry(key)).arg(floor_ms(state->clock));
  const std::shared_ptr<net::redis::Client> client = state->pool.on(*caller.loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (reply.ok() && reply->integer() == 1) state->expirations.fetch_add(1, std::memory_order_relaxed);
}

Task<Result<std::optional<Payload>>> Redis::read_value(const net::Caller* caller, Key key) {
  using Value = Result<std::optional<Payload>>;
  State& state = *state_;
  Command command("MGET");
  command.key(state.names.generation(key.space)).key(state.names.entry(key)).reads();
  const Millis now = floor_ms(state.clock);
  bool forgotten = false;
  const auto decode = [&](View reply) -> Value {
    if (reply.size() != 2) return stranger();
    const std::optional<Header> header = entry_of(reply[0], reply[1], now, &forgotten);
    if (!header || header->absent() || header->over(now)) return std::optional<Payload>();
    return std::optional<Payload>(Payload::copy_of(header->rest));
  };
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  Task<Value> asking = client->run(std::move(command), decode);
  Value value = co_await std::move(asking);
  if (value.ok()) count_reads(*value ? 1 : 0, *value ? 0 : 1);
  if (forgotten) {
    Task<void> reaping = reap(state_, *caller, std::string(key.space), std::string(key.name));
    co_await std::move(reaping);
  }
  co_return value;
}

Task<Result<std::vector<std::optional<Found>>>> Redis::peek_many(const net::Caller& caller, std::string_view space,
                                                                 std::span<const std::string_view> names) {
  using All = std::vector<std::optional<Found>>;
  State& state = *state_;
  All all;
  all.reserve(names.size());
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller.loop);
  const Millis now = floor_ms(state.clock);
  for (std::size_t first = 0; first < names.size(); first += together) {
    const auto part = names.subspan(first, std::min(together, names.size() - first));
    Command command("MGET", 64 * part.size() + 64);
    command.key(state.names.generation(space)).reads();
    for (const std::string_view name : part) command.key(state.names.entry(Key{space, name}));
    const auto decode = [&](View reply) -> Result<void> {
      if (reply.size() != part.size() + 1) return stranger();
      auto at = reply.begin();
      const View generation = *at;
      for (std::size_t n = 0; n < part.size(); ++n) {
        ++at;
        const std::optional<Header> header = entry_of(generation, *at, now);
        std::optional<Found>& found = all.emplace_back();
        if (!header) continue;
        found.emplace();
        found->value = Payload::copy_of(header->rest);
        found->left = header->left(now);
        found->absent = header->absent();
      }
      return {};
    };
    Task<Result<void>> asking = client->run(std::move(command), decode);
    Result<void> done = co_await std::move(asking);
    if (!done.ok()) co_return Result<All>(std::move(done).error());
  }
  co_return Result<All>(std::move(all));
}

void Redis::count_reads(std::uint64_t hits, std::uint64_t misses) noexcept {
  state_->hits.fetch_add(hits, std::memory_order_relaxed);
  state_->misses.fetch_add(misses, std::memory_order_relaxed);
}

Task<Result<std::optional<Found>>> Redis::read(const net::Caller* caller, Key key, Counts counts) {
  using Value = Result<std::optional<Found>>;
  State& state = *state_;
  Command command("MGET");
  command.key(state.names.generation(key.space)).key(state.names.entry(key)).reads();
  const Millis now = floor_ms(state.clock);
  bool forgotten = false;
  const auto decode = [&](View reply) -> Value {
    if (reply.size() != 2) return stranger();
    const std::optional<Header> header = entry_of(reply[0], reply[1], now, &forgotten);
    if (!header) return std::optional<Found>();
    Found found;
    found.value = Payload::copy_of(header->rest);
    found.left = header->left(now);
    found.absent = header->absent();
    return std::optional<Found>(std::move(found));
  };
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  Task<Value> asking = client->run(std::move(command), decode);
  Value value = co_await std::move(asking);
  if (value.ok() && counts != Counts::nothing) {
    const bool hit = *value && (*value)->left > 0 && (counts == Counts::finds || !(*value)->absent);
    count_reads(hit ? 1 : 0, hit ? 0 : 1);
  }
  if (forgotten && counts != Counts::nothing) {
    Task<void> reaping = reap(state_, *caller, std::string(key.space), std::string(key.name));
    co_await std::move(reaping);
  }
  co_return value;
}

/// How long a live entry has left.
Task<Result<std::optional<Millis>>> Redis::read_left(const net::Caller* caller, Key key) {
  using Value = Result<std::optional<Millis>>;
  State& state = *state_;
  std::vector<Command> both;
  Command generation("GET");
  generation.key(state.names.generation(key.space)).reads();
  Command head("GETRANGE");
  head.key(state.names.entry(key)).arg(0).arg(Header::size - 1).reads();
  both.push_back(std::move(generation));
  both.push_back(std::move(head));
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  Task<std::vector<Result<Reply>>> asking = client->run_all(std::move(both));
  std::vector<Result<Reply>> replies = co_await std::move(asking);
  for (Result<Reply>& reply : replies) {
    if (!reply.ok()) co_return Value(std::move(reply).error());
  }
  // Only the fixed part was read: the flag of tags must not be looked behind.
  std::string stored(replies[1]->text());
  if (stored.size() == Header::size) stored[0] = static_cast<char>(static_cast<unsigned char>(stored[0]) & ~Header::has_tags);
  const std::optional<Header> header = Header::read(stored);
  const Millis now = floor_ms(state.clock);
  if (!header || header->generation != replies[0]->text() || header->absent() || header->over(now))
    co_return Value(std::optional<Millis>());
  co_return Value(std::optional<Millis>(header->left(now)));
}

Task<Result<bool>> Redis::is_there(const net::Caller* caller, Key key) {
  Result<std::optional<Millis>> left = co_await read_left(caller, key);
  if (!left.ok()) co_return Result<bool>(std::move(left).error());
  co_return Result<bool>(left->has_value());
}

Task<Result<std::vector<std::optional<Payload>>>> Redis::read_many(const net::Caller* caller, std::string_view space,
                                                                   std::span<const std::string> names) {
  using All = std::vector<std::optional<Payload>>;
  const std::vector<std::string_view> views(names.begin(), names.end());
  auto found = co_await peek_many(*caller, space, views);
  if (!found.ok()) co_return Result<All>(std::move(found).error());
  All all;
  all.reserve(names.size());
  std::uint64_t hits = 0;
  for (std::optional<Found>& one : *found) {
    const bool hit = one && !one->absent && one->left > 0;
    all.push_back(hit ? std::optional<Payload>(std::move(one->value)) : std::nullopt);
    hits += hit ? 1 : 0;
  }
  count_reads(hits, all.size() - hits);
  co_return Result<All>(std::move(all));
}

Answer<std::optional<Payload>> Redis::get(const net::Caller* caller, Key key) { return read_value(caller, key); }
Answer<std::optional<Found>> Redis::find(const net::Caller* caller, Key key) { return read(caller, key, Counts::finds); }
Answer<std::optional<Found>> Redis::peek(const net::Caller* caller, Key key) { return read(caller, key, Counts::nothing); }
Answer<bool> Redis::contains(const net::Caller* caller, Key key) { return is_there(caller, key); }
Answer<std::optional<Millis>> Redis::left(const net::Caller* caller, Key key) { return read_left(caller, key); }
Answer<std::vector<std::optional<Payload>>> Redis::get_many(const net::Caller* caller, std::string_view space,
                                                            std::span<const std::string> names) {
  if (names.empty()) return std::vector<std::optional<Payload>>();
  return read_many(caller, space, names);
}

// ---- writing ----------------------------------------------------------------------------------------------------------------

Result<Command> Redis::write_command(Key key, const Put& what, Mode mode, std::string_view token) const {
  if (what.value.size() > max_value)
    return Error(ErrorKind::too_large, "a value of more than 256 MiB").with_operation("cache.redis");
  State& state = *state_;
  const Millis now = floor_ms(state.clock);
  const Stored stored(now, ceil_ms(state.clock), what);
  const std::string entry = state.names.entry(key);
  Command out(state.scripts.put, 3 + what.tags.size(), 3 * entry.size() + what.value.size() + 320);
  out.key(entry).key(state.names.generation(key.space)).key(state.names.lease(key));
  for (const std::string& tag : what.tags) out.key(state.names.tag(key.space, tag));
  out.arg(mode == Mode::set ? "set" : mode == Mode::if_absent ? "nx" : "keep").arg(now).arg(state.new_generation());
  out.arg(stored.head).arg(stored.tags).arg(what.value).arg(state.px(stored.lives)).arg(token);
  return out;
}

/// In which namespaces a tag is used is known before it is.
Task<void> Redis::register_tags(const net::Caller* caller, std::string_view space, std::span<const std::string> tags) {
  std::vector<Command> commands;
  for (const std::string& tag : tags) {
    Command command("SADD");
    command.key(state_->names.spaces_of(tag)).arg(space);
    commands.push_back(std::move(command));
  }
  const std::shared_ptr<net::redis::Client> client = state_->pool.on(*caller->loop);
  Task<std::vector<Result<Reply>>> asking = client->run_all(std::move(commands));
  (void)co_await std::move(asking);
}

Task<Result<bool>> Redis::write(const net::Caller* caller, Key key, Put what, Mode mode, std::string_view token) {
  Result<Command> command = write_command(key, what, mode, token);
  if (!command.ok()) co_return Result<bool>(std::move(command).error());
  if (!what.tags.empty()) {
    Task<void> registering = register_tags(caller, key.space, what.tags);
    co_await std::move(registering);
  }
  Task<Result<bool>> changing = change(caller, std::move(*command));
  co_return co_await std::move(changing);
}

Task<Result<void>> Redis::write_one(const net::Caller* caller, Key key, Put what) {
  Result<bool> done = co_await write(caller, key, what, Mode::set, std::string_view());
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  co_return Result<void>();
}

Task<Result<void>> Redis::write_many(const net::Caller* caller, std::string_view space, std::span<const Item> items, Put what) {
  if (!what.tags.empty()) {
    Task<void> registering = register_tags(caller, space, what.tags);
    co_await std::move(registering);
  }
  for (std::size_t first = 0; first < items.size(); first += together) {
    std::vector<Command> commands;
    for (const Item& item : items.subspan(first, std::min(together, items.size() - first))) {
      what.value = item.value;
      Result<Command> command = write_command(Key{space, item.key}, what, Mode::set, std::string_view());
      if (!command.ok()) co_return Result<void>(std::move(command).error());
      commands.push_back(std::move(*command));
    }
    const std::shared_ptr<net::redis::Client> client = state_->pool.on(*caller->loop);
    Task<std::vector<Result<Reply>>> asking = client->run_all(std::move(commands));
    std::vector<Result<Reply>> replies = co_await std::move(asking);
    for (Result<Reply>& reply : replies) {
      if (!reply.ok()) co_return Result<void>(std::move(reply).error());
    }
  }
  co_return Result<void>();
}

/// A script whose answer is 1 or 0.
Task<Result<bool>> Redis::change(const net::Caller* caller, Command command) {
  const auto decode = [](View reply) -> Result<bool> { return reply.integer() == 1; };
  const std::shared_ptr<net::redis::Client> client = state_->pool.on(*caller->loop);
  Task<Result<bool>> asking = client->run(std::move(command), decode);
  co_return co_await std::move(asking);
}

Task<Result<std::int64_t>> Redis::add(const net::Caller* caller, Key key, std::int64_t by, Millis ttl) {
  State& state = *state_;
  const Millis now = floor_ms(state.clock);
  const Stored stored(now, ceil_ms(state.clock), Put({}, ttl));
  Command command = on_entry(state.scripts.increment, key, 1);
  command.key(state.names.scratch(key.space)).arg(now).arg(state.new_generation()).arg(stored.head).arg(state.px(stored.lives));
  command.arg(by);
  const auto decode = [](View reply) -> Result<std::int64_t> {
    if (const auto value = reply.integer()) return *value;
    if (reply.text() == "range") {
      return Error(ErrorKind::invalid_argument, "the result does not fit 64 bits")
          .with_detail("out_of_range")
          .with_operation("cache.increment");
    }
    return Error(ErrorKind::invalid_argument, "the value is no integer")
        .with_detail("not_an_integer")
        .with_operation("cache.increment");
  };
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  Task<Result<std::int64_t>> asking = client->run(std::move(command), decode);
  co_return co_await std::move(asking);
}

Answer<void> Redis::put(const net::Caller* caller, Key key, Put what) { return write_one(caller, key, what); }
Answer<void> Redis::put_many(const net::Caller* caller, std::string_view space, std::span<const Item> items, Put what) {
  if (items.empty()) return {};
  return write_many(caller, space, items, what);
}
Answer<bool> Redis::put_if_absent(const net::Caller* caller, Key key, Put what) {
  return write(caller, key, what, Mode::if_absent, std::string_view());
}
Answer<bool> Redis::remove(const net::Caller* caller, Key key) {
  Command command = on_entry(state_->scripts.remove, key);
  command.arg(floor_ms(state_->clock));
  return change(caller, std::move(command));
}
Answer<bool> Redis::remove_if(const net::Caller* caller, Key key, std::string_view equals) {
  Command command = on_entry(state_->scripts.remove_if, key);
  command.arg(floor_ms(state_->clock)).arg(equals);
  return change(caller, std::move(command));
}
Answer<bool> Redis::touch(const net::Caller* caller, Key key, Millis ttl) {
  Command command = on_entry(state_->scripts.touch, key);
  command.arg(ceil_ms(state_->clock)).arg(floor_ms(state_->clock));
  if (ttl < Stored::most) command.arg(ttl);
  else command.arg("");
  command.arg(state_->slack);
  return change(caller, std::move(command));
}
Answer<std::int64_t> Redis::increment(const net::Caller* caller, Key key, std::int64_t by, Millis ttl) {
  return add(caller, key, by, ttl);
}

// ---- namespaces and tags ----------------------------------------------------------------------------------------------------

/// Goes through the entries of a namespace: how many are live. With `sweep` those of older generations are removed.
Task<Result<std::uint64_t>> Redis::look(std::shared_ptr<State> state, net::Caller caller, std::string space, bool sweep) {
  using Count = Result<std::uint64_t>;
  const std::shared_ptr<net::redis::Client> client = state->pool.on(*caller.loop);
  const std::string generation = state->names.generation(space);
  const std::string pattern = state->names.entries(space);
  std::unordered_set<std::string> seen;  // SCAN may say a name twice
  std::uint64_t count = 0;
  std::string cursor = "0";
  do {
    Command scan("SCAN");
    scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(together).near(generation).reads();
    Result<Reply> reply = co_await client->run(std::move(scan));
    if (!reply.ok()) co_return Count(std::move(reply).error());
    const View page = reply->view();
    if (page.size() != 2) co_return Count(stranger());
    cursor = page[0].text();
    std::vector<std::string> fresh;
    for (const View name : page[1]) {
      std::string text(name.text());
      if (sweep || seen.insert(text).second) fresh.push_back(std::move(text));
    }
    for (std::size_t first = 0; first < fresh.size(); first += together) {
      const std::size_t n = std::min(together, fresh.size() - first);
      Command command(state->scripts.look, n + 1);
      command.key(generation);
      for (std::size_t i = first; i < first + n; ++i) command.key(fresh[i]);
      command.arg(floor_ms(state->clock)).arg(sweep ? 1 : 0);
      if (!sweep) command.reads();
      Result<Reply> live = co_await client->run(std::move(command));
      if (!live.ok()) co_return Count(std::move(live).error());
      count += static_cast<std::uint64_t>(live->integer().value_or(0));
    }
  } while (cursor != "0");
  co_return Count(count);
}

Task<Result<void>> Redis::forget(const net::Caller* caller, std::string_view space) {
  State& state = *state_;
  Command command("SET");
  command.key(state.names.generation(space)).arg(state.new_generation());
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  Task<Result<Reply>> asking = client->run(std::move(command));
  Result<Reply> done = co_await std::move(asking);
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  {
    const std::lock_guard lock(state.mutex);
    if (!state.swept.insert(std::string(space)).second) co_return Result<void>();
  }
  Task<Result<std::uint64_t>> sweeping = look(state_, *caller, std::string(space), true);
  const CancelSource unbound;
  spawn(std::move(sweeping).with_token(unbound.token()),
        [state = state_, name = std::string(space)](const std::exception_ptr&, const std::optional<Result<std::uint64_t>>&) {
          const std::lock_guard lock(state->mutex);
          state->swept.erase(name);
        });
  co_return Result<void>();
}

Task<Result<void>> Redis::drop_tags(const net::Caller* caller, std::span<const std::string> tags, const Dropped* dropped) {
  State& state = *state_;
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  for (const std::string& tag : tags) {
    std::string hash;
    Header::append(hash, redis::hash_of_tag(tag));
    Command where("SMEMBERS");
    where.key(state.names.spaces_of(tag)).reads();
    Result<Reply> spaces = co_await client->run(std::move(where));
    if (!spaces.ok()) co_return Result<void>(std::move(spaces).error());
    for (const View space : spaces->view()) {
      // As many as there were; what is tagged meanwhile is newer.
      std::int64_t rounds = 1;
      for (std::int64_t round = 0; round < rounds; ++round) {
        Command command(state.scripts.invalidate, 1);
        command.key(state.names.tag(space.text(), tag)).arg(hash).arg(together);
        Result<Reply> left = co_await client->run(std::move(command));
        if (!left.ok()) co_return Result<void>(std::move(left).error());
        const View answer = left->view();
        if (answer.size() == 0) co_return Result<void>(stranger());
        auto at = answer.begin();
        const std::int64_t rest = (*at).integer().value_or(0);
        if (dropped != nullptr) {
          for (++at; !(at == answer.end()); ++at) (*dropped)((*at).text());
        }
        if (rest == 0) break;
        if (round == 0) rounds = 2 + rest / static_cast<std::int64_t>(together);
      }
    }
  }
  co_return Result<void>();
}

Answer<void> Redis::clear(const net::Caller* caller, std::string_view space) { return forget(caller, space); }
Answer<std::uint64_t> Redis::count(const net::Caller* caller, std::string_view space) {
  return look(state_, *caller, std::string(space), false);
}
Answer<void> Redis::invalidate(const net::Caller* caller, std::span<const std::string> tags) {
  if (tags.empty()) return {};
  return drop_tags(caller, tags, nullptr);
}

// ---- leases -----------------------------------------------------------------------------------------------------------------

Task<Result<Lease>> Redis::ask_lease(const net::Caller* caller, Key key, Claim claim) {
  State& state = *state_;
  if (!claim.tags.empty()) {
    Task<void> registering = register_tags(caller, key.space, claim.tags);
    co_await std::move(registering);
  }
  const Millis now = floor_ms(state.clock);
  Put as({}, claim.lives);
  as.tags = claim.tags;
  const Stored stored(now, ceil_ms(state.clock), as);
  Command command = on_entry(state.scripts.lease, key, claim.tags.size());
  for (const std::string& tag : claim.tags) command.key(state.names.tag(key.space, tag));
  command.arg(now).arg(state.new_generation()).arg(stored.head).arg(stored.tags).arg(claim.token);
  command.arg(state.px(stored.lives)).arg(claim.refresh ? 1 : 0);
  const auto decode = [](View reply) -> Result<Lease> {
    if (reply.integer() == 1) return Lease::mine;
    return reply.integer() == 2 ? Lease::there : Lease::taken;
  };
  const std::shared_ptr<net::redis::Client> client = state.pool.on(*caller->loop);
  Task<Result<Lease>> asking = client->run(std::move(command), decode);
  co_return co_await std::move(asking);
}

Task<Result<void>> Redis::end_lease(const net::Caller* caller, Key key, std::string_view token) {
  Command command = on_entry(state_->scripts.release, key);
  command.arg(token);
  Result<bool> done = co_await change(caller, std::move(command));
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  co_return Result<void>();
}

Answer<Lease> Redis::lease(const net::Caller* caller, Key key, Claim claim) { return ask_lease(caller, key, claim); }
Answer<bool> Redis::renew(const net::Caller* caller, Key key, std::string_view token, Millis lives) {
  Command command = on_entry(state_->scripts.renew, key);
  command.arg(token).arg(ceil_ms(state_->clock) + lives).arg(lives + state_->slack);
  return change(caller, std::move(command));
}
Answer<bool> Redis::keep(const net::Caller* caller, Key key, std::string_view token, std::optional<Put> what) {
  if (what) return write(caller, key, *what, Mode::keep, token);
  Command command = on_entry(state_->scripts.drop, key);
  command.arg(token);
  return change(caller, std::move(command));
}
Answer<void> Redis::release(const net::Caller* caller, Key key, std::string_view token) { return end_lease(caller, key, token); }

}  // namespace spikard::cache
