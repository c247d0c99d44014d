#include "messaging/redis/redis.hpp"

#include <algorithm>
#include <limits>

#include "messaging/redis/subscription.hpp"
#include "messaging/registry.hpp"
#include "net/redis/error.hpp"

namespace spikard::messaging::redis {
namespace {

using net::redis::Command;
using net::redis::Reply;
using net::redis::View;

constexpr Duration announce_every = std::chrono::minutes(1);
constexpr std::uint32_t trim_every = 256;  // messages published to a topic
constexpr std::size_t max_known_topics = 1U << 16U;
constexpr std::size_t max_headers = 2000;  // a script passes no more arguments on
constexpr int attempts = 8;                // others make topics at the same time

constexpr Capabilities stream_capabilities{.at_least_once = true,
                                           .durable = true,
                                           .shared = true,
                                           .replay = true,
                                           .wildcards = true,
                                           .key_order = false,
                                           .positions = true,
                                           .batch_atomic = true,
                                           .dead_letters = true,
                                           .groups = true,
                                           .owns_delays = false,
                                           .confirms_at_once = false,
                                           .exact_deliveries = true};

Error stranger() { return Error(ErrorKind::corrupt, "the server's answer is none of ours").with_operation("messaging.redis"); }
Error changing() {
  return Error(ErrorKind::conflict, "topics or the group kept changing meanwhile").with_retry(RetryClass::temporary);
}

std::int64_t millis(Duration time) { return std::chrono::ceil<std::chrono::milliseconds>(time).count(); }

Result<std::uint64_t> position_of(View id) {
  const auto read = EntryId::parse(id.text());
  if (!read) return stranger();
  return read->position();
}

/// As XGROUP takes it: the last entry that does not belong to it.
std::string start_of(const Place& place) {
  if (const auto* position = std::get_if<std::uint64_t>(&place)) return EntryId::at(*position).before().text();
  if (const auto* time = std::get_if<WallTime>(&place)) {
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(time->time_since_epoch()).count();
    return EntryId{static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0)), 0}.before().text();
  }
  return std::get<Beginning>(place).earliest ? "0-0" : "$";
}

}  // namespace

RedisBackend::RedisBackend(RedisOptions options)
    : options_(std::move(options)), names_(options_.prefix), pool_(std::make_shared<net::redis::Pool>(options_.server)) {}

RedisBackend::~RedisBackend() { pool_->close(); }

const Capabilities& RedisBackend::capabilities() const noexcept { return stream_capabilities; }

BackendCounts RedisBackend::counts() const noexcept {
  BackendCounts out;
  out.published = published_.load(std::memory_order_relaxed);
  out.acked = acked_.load(std::memory_order_relaxed);
  out.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
  out.dropped = dropped_.load(std::memory_order_relaxed);
  return out;
}

// ---- publishing ----------------------------------------------------------------------------------------------------

Command RedisBackend::add(const Message& message) const {
  Command out("XADD", fields_size(message));
  out.key(names_.stream(message.topic));
  if (options_.max_length > 0) out.arg("MAXLEN").arg("~").arg(options_.max_length);
  out.arg("*");
  append_fields(out, message);
  return out;
}

RedisBackend::Noted RedisBackend::note(Instant now, const std::vector<Message>& messages) {
  Noted out;
  Topic* known = nullptr;
  const std::string* last = nullptr;
  const std::lock_guard lock(mutex_);
  for (const Message& one : messages) {
    if (last == nullptr || *last != one.topic) {
      last = &one.topic;
      const auto found = topics_.find(one.topic);
      known = found == topics_.end() ? nullptr : &found->second;
      if ((known == nullptr || now - known->announced >= announce_every) &&
          std::find(out.unknown.begin(), out.unknown.end(), one.topic) == out.unknown.end())
        out.unknown.push_back(one.topic);
    }
    if (known == nullptr || ++known->published < trim_every) continue;
    known->published = 0;
    out.full.push_back(one.topic);
  }
  return out;
}

Task<Result<void>> RedisBackend::announce(net::Loop& loop, std::vector<std::string> topics) {
  std::vector<Command> commands;
  for (const std::string& topic : topics) {
    Command command(scripts_.announce, 1);
    command.key(names_.topics()).arg(topic).arg(names_.bell());
    commands.push_back(std::move(command));
  }
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Task<std::vector<Result<Reply>>> asking = server->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(asking);
  for (Result<Reply>& one : replies) {
    if (!one.ok()) co_return std::move(one).error();
  }
  const std::lock_guard lock(mutex_);
  if (topics_.size() > max_known_topics) topics_.clear();
  for (std::string& topic : topics) topics_[std::move(topic)].announced = loop.now();
  co_return Result<void>();
}

Task<Result<std::vector<std::uint64_t>>> RedisBackend::publish(net::Caller caller, std::vector<Message> messages) {
  using Positions = Result<std::vector<std::uint64_t>>;
  for (const Message& one : messages) {
    if (one.headers.size() > max_headers)
      co_return Positions(Error(ErrorKind::too_large, "headers: more than 2000, which Redis is not given"));
  }
  if (messages.empty()) co_return Positions(std::vector<std::uint64_t>());
  net::Loop& loop = *caller.loop;
  // Known to the patterns before the first message is there.
  Noted noted = note(loop.now(), messages);
  if (!noted.unknown.empty()) {
    Result<void> done = co_await announce(loop, std::move(noted.unknown));
    if (!done.ok()) co_return Positions(std::move(done).error());
  }
  const std::shared_ptr<net::redis::Client> server = client(loop);
  std::vector<std::uint64_t> positions;
  positions.reserve(messages.size());
  if (messages.size() == 1) {
    Task<Result<std::uint64_t>> adding = server->run(add(messages.front()), position_of);
    Result<std::uint64_t> position = co_await std::move(adding);
    if (!position.ok()) co_return Positions(std::move(position).error());
    positions.push_back(*position);
  } else {
    std::vector<Command> commands;
    commands.reserve(messages.size());
    for (const Message& one : messages) commands.push_back(add(one));
    Task<Result<Reply>> adding = server->transaction(std::move(commands));
    Result<Reply> reply = co_await std::move(adding);
    if (!reply.ok()) co_return Positions(std::move(reply).error());
    for (const View id : reply->view()) {
      if (id.is_error()) co_return Positions(net::redis::error_of(id.text()));
      Result<std::uint64_t> position = position_of(id);
      if (!position.ok()) co_return Positions(std::move(position).error());
      positions.push_back(*position);
    }
    if (positions.size() != messages.size()) co_return Positions(stranger());
  }
  published_.fetch_add(positions.size(), std::memory_order_relaxed);
  if (!noted.full.empty()) trim(loop, noted.full);
  co_return Positions(std::move(positions));
}

void RedisBackend::trim(net::Loop& loop, const std::vector<std::string>& topics) {
  for (const std::string& topic : topics) {
    Command command(scripts_.trim, 1);
    command.key(names_.stream(topic)).arg(millis(options_.retention));
    spawn(client(loop)->run(std::move(command)),
          [self = shared_from_this()](const std::exception_ptr&, const std::optional<Result<Reply>>&) {});
  }
}

// ---- groups --------------------------------------------------------------------------------------------------------

Task<Result<RedisBackend::Streams>> RedisBackend::streams_of(net::Loop& loop, TopicPattern pattern) {
  using Found = Result<Streams>;
  Streams out;
  if (pattern.exact()) {
    out.keys.push_back(names_.stream(pattern.text()));
    co_return Found(std::move(out));
  }
  Command command("SMEMBERS");
  command.key(names_.topics()).reads();
  const auto decode = [&](View topics) -> Result<void> {
    out.topics = static_cast<std::int64_t>(topics.size());
    for (const View topic : topics) {
      if (pattern.matches(topic.text())) out.keys.push_back(names_.stream(topic.text()));
    }
    return {};
  };
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Task<Result<void>> asking = server->run(std::move(command), decode);
  Result<void> done = co_await std::move(asking);
  if (!done.ok()) co_return Found(std::move(done).error());
  co_return Found(std::move(out));
}

Task<Result<RedisBackend::Group>> RedisBackend::open_group(net::Loop& loop, SubscribeOptions options) {
  using Opened = Result<Group>;
  const std::shared_ptr<net::redis::Client> server = client(loop);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Result<Streams> streams = co_await streams_of(loop, options.pattern);
    if (!streams.ok()) co_return Opened(std::move(streams).error());
    Command command(scripts_.open, 3 + streams->keys.size());
    command.key(names_.groups()).key(names_.generation()).key(names_.topics());
    for (const std::string& one : streams->keys) command.key(one);
    command.arg(GroupRecord::field(options.group, options.pattern.text())).arg(options.group).arg(style_of(options.pattern));
    command.arg(millis(options.ack_wait)).arg(options.earliest ? "0-0" : "$").arg(streams->topics);
    Task<Result<Reply>> opening = server->run(std::move(command));
    Result<Reply> reply = co_await std::move(opening);
    if (!reply.ok()) co_return Opened(std::move(reply).error().with("group", options.group));
    if (!reply->view().is_text()) continue;
    Group out;
    out.name = reply->text();
    out.streams = std::move(streams->keys);
    co_return Opened(std::move(out));
  }
  co_return Opened(changing());
}

Task<Result<std::string>> RedisBackend::group_text(net::Loop& loop, std::string field) {
  Command command("HGET");
  command.key(names_.groups()).arg(field).reads();
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Task<Result<Reply>> asking = server->run(std::move(command));
  Result<Reply> reply = co_await std::move(asking);
  if (!reply.ok()) co_return Result<std::string>(std::move(reply).error());
  co_return Result<std::string>(std::string(reply->text()));
}

Task<Result<std::unique_ptr<messaging::Subscription>>> RedisBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  using Made = Result<std::unique_ptr<messaging::Subscription>>;
  Result<Group> group = co_await open_group(loop, options);
  if (!group.ok()) co_return Made(std::move(group).error());
  auto made = std::make_unique<RedisSubscription>(loop, shared_from_this(), std::move(options), std::move(*group));
  Result<void> listening = co_await made->listen();
  if (!listening.ok()) co_return Made(std::move(listening).error());
  std::unique_ptr<messaging::Subscription> out = std::move(made);
  co_return Made(std::move(out));
}

Task<Result<void>> RedisBackend::seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) {
  net::Loop& loop = *caller.loop;
  const std::string field = GroupRecord::field(group, pattern.text());
  const std::shared_ptr<net::redis::Client> server = client(loop);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Result<std::string> text = co_await group_text(loop, field);
    if (!text.ok()) co_return std::move(text).error();
    const GroupRecord had = GroupRecord::parse(*text).value_or(GroupRecord{{}, {}, std::chrono::seconds(10)});
    Result<Streams> streams = co_await streams_of(loop, pattern);
    if (!streams.ok()) co_return std::move(streams).error();
    Command command(scripts_.seek, 5 + streams->keys.size());
    command.key(names_.groups()).key(names_.generation()).key(names_.topics());
    command.key(names_.due(had.name)).key(names_.records(had.name));
    for (const std::string& one : streams->keys) command.key(one);
    command.arg(field).arg(group).arg(style_of(pattern)).arg(millis(had.lease)).arg(start_of(place));
    command.arg(streams->topics).arg(had.name);
    Task<Result<Reply>> seeking = server->run(std::move(command));
    Result<Reply> reply = co_await std::move(seeking);
    if (!reply.ok()) co_return std::move(reply).error().with("group", group);
    if (reply->view().is_text()) co_return Result<void>();
  }
  co_return changing();
}

Task<Result<std::vector<GroupInfo>>> RedisBackend::groups(net::Caller caller) {
  using Infos = Result<std::vector<GroupInfo>>;
  net::Loop& loop = *caller.loop;
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Command all("HGETALL");
  all.key(names_.groups()).reads();
  Task<Result<Reply>> asking = server->run(std::move(all));
  Result<Reply> reply = co_await std::move(asking);
  if (!reply.ok()) co_return Infos(std::move(reply).error());
  std::vector<GroupInfo> out;
  const View entries = reply->view();
  for (auto at = entries.begin(); at != entries.end(); ++at) {
    const std::optional<GroupName> name = GroupRecord::read_field((*at).text());
    ++at;
    const std::optional<GroupRecord> record = GroupRecord::parse((*at).text());
    if (!name || !record) continue;
    Result<Streams> streams = co_await streams_of(loop, record->pattern(name->topic));
    if (!streams.ok()) co_return Infos(std::move(streams).error());
    Command command(scripts_.info, 1 + streams->keys.size());
    command.key(names_.due(record->name));
    for (const std::string& one : streams->keys) command.key(one);
    command.arg(record->name).reads();
    GroupInfo info;
    info.name = *name;
    const auto decode = [&info](View counts) -> Result<void> {
      if (counts.size() != 3) return stranger();
      const auto number = [&](std::size_t i) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(counts[i].integer().value_or(0), 0));
      };
      info.waiting = number(0);
      info.in_hand = number(1);
      info.delayed = number(2);
      return {};
    };
    Task<Result<void>> counting = server->run(std::move(command), decode);
    Result<void> done = co_await std::move(counting);
    if (!done.ok()) co_return Infos(std::move(done).error());
    out.push_back(std::move(info));
  }
  std::sort(out.begin(), out.end(), [](const GroupInfo& a, const GroupInfo& b) {
    return std::tie(a.name.topic, a.name.group) < std::tie(b.name.topic, b.name.group);
  });
  co_return Infos(std::move(out));
}

Task<Result<bool>> RedisBackend::delete_group(net::Caller caller, GroupName name) {
  const auto has_consumers = [&name] {
    return Error(ErrorKind::conflict, "the group has consumers").with("group", name.group).with_retry(RetryClass::permanent);
  };
  {
    const std::lock_guard lock(mutex_);
    if (consumed_.contains({name.topic, name.group})) co_return Result<bool>(has_consumers());
  }
  net::Loop& loop = *caller.loop;
  const std::string field = GroupRecord::field(name.group, name.topic);
  Result<std::string> text = co_await group_text(loop, field);
  if (!text.ok()) co_return Result<bool>(std::move(text).error());
  const std::optional<GroupRecord> record = GroupRecord::parse(*text);
  if (!record) co_return Result<bool>(false);
  Result<Streams> streams = co_await streams_of(loop, record->pattern(name.topic));
  if (!streams.ok()) co_return Result<bool>(std::move(streams).error());
  Command command(scripts_.forget, 3 + streams->keys.size());
  command.key(names_.groups()).key(names_.due(record->name)).key(names_.records(record->name));
  for (const std::string& one : streams->keys) command.key(one);
  command.arg(field).arg(*text).arg(record->name).arg(millis(record->lease)).arg(millis(2 * options_.poll));
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Task<Result<Reply>> asking = server->run(std::move(command));
  Result<Reply> reply = co_await std::move(asking);
  if (!reply.ok()) co_return Result<bool>(std::move(reply).error());
  if (reply->integer() == -1) co_return Result<bool>(has_consumers());
  co_return Result<bool>(reply->integer() == 1);
}

void register_redis(Registry& registry) {
  const auto open = [](const services::MessagingConfig& config, const Environment&) -> Result<std::shared_ptr<Backend>> {
    Result<RedisOptions> options = RedisOptions::parse(config.url);
    if (!options.ok()) return std::move(options).error();
    options->retention = std::chrono::milliseconds(config.retention_ms);
    if (options->mode == Mode::pubsub) return open_pubsub(std::move(*options));
    return std::shared_ptr<Backend>(std::make_shared<RedisBackend>(std::move(*options)));
  };
  for (const std::string_view scheme :
       {"redis", "rediss", "redis+unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"})
    registry.add(std::string(scheme), open);
}

}  // namespace spikard::messaging::redis
