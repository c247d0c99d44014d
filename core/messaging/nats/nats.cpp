#include "messaging/nats/nats.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "messaging/nats/subscription.hpp"
#include "messaging/registry.hpp"
#include "messaging/text.hpp"
#include "net/signing/hash.hpp"

namespace spikard::messaging::nats {
namespace {

constexpr std::size_t chunk = 256;  // dead letters moved at a time
constexpr int group_attempts = 8;   // others make the same group at the same time

constexpr Capabilities jetstream_capabilities{.at_least_once = true,
                                              .durable = true,
                                              .shared = true,
                                              .replay = true,
                                              .wildcards = true,
                                              .key_order = false,
                                              .positions = true,
                                              .batch_atomic = false,
                                              .dead_letters = true,
                                              .groups = true,
                                              .owns_delays = false,
                                              .confirms_at_once = false,
                                              .exact_deliveries = true};

std::uint64_t uinteger(Value value, std::string_view name) {
  const Value found = value.exists() ? value.find(name) : Value();
  return found.exists() && found.node().is_number() ? found.as_uint() : 0;
}
std::string text_of(Value value, std::string_view name) {
  const Value found = value.find(name);
  return found.is_string() ? std::string(found.text()) : std::string();
}

Error had_consumers(const std::string& group) {
  return Error(ErrorKind::conflict, "the group has consumers").with("group", group).with_retry(RetryClass::permanent);
}

std::string random_suffix() { return net::signing::hex(net::signing::random_bytes(4)); }

}  // namespace

NatsBackend::NatsBackend(NatsOptions options, std::unique_ptr<Wire> wire)
    : options_(std::move(options)),
      api_(options_.domain.empty() ? "$JS.API." : "$JS." + options_.domain + ".API."),
      state_stream_("KV_" + options_.stream + "_state"),
      state_("$KV." + options_.stream + "_state."),
      id_base_(std::string(id_prefix) + net::signing::hex(net::signing::random_bytes(8)) + "-"),
      wire_(std::move(wire)) {}

Result<std::shared_ptr<Backend>> NatsBackend::open(NatsOptions options) {
  Result<std::unique_ptr<Wire>> wire = Wire::open(options);
  if (!wire.ok()) return std::move(wire).error();
  std::shared_ptr<NatsBackend> made(new NatsBackend(std::move(options), std::move(*wire)));
  Result<void> prepared = made->wire_->run([backend = made.get()](net::Loop& loop) { return backend->prepare(&loop); });
  if (!prepared.ok()) return std::move(prepared).error();
  return std::shared_ptr<Backend>(std::move(made));
}

const Capabilities& NatsBackend::capabilities() const noexcept { return jetstream_capabilities; }

Task<Result<void>> NatsBackend::prepare(net::Loop* loop) {
  Result<Document> stream = co_await call(*loop, api("STREAM.INFO." + options_.stream), "");
  if (!stream.ok() && stream.error().kind() == ErrorKind::not_found && options_.create) {
    stream = co_await call(*loop, api("STREAM.CREATE." + options_.stream), stream_request(options_));
    // Somebody else was faster, with other settings perhaps: theirs are as good.
    if (!stream.ok() && stream.error().kind() == ErrorKind::already_exists)
      stream = co_await call(*loop, api("STREAM.INFO." + options_.stream), "");
  }
  if (!stream.ok()) co_return std::move(stream).error().with("stream", options_.stream);
  const Value config = stream->root().find("config");
  if (config.is_object()) {
    const Value ttl = config.find("allow_msg_ttl");
    message_ttl_ = ttl.is(NodeType::boolean) && ttl.as_bool();
  }
  Result<Document> state = co_await call(*loop, api("STREAM.INFO." + state_stream_), "");
  if (!state.ok() && state.error().kind() == ErrorKind::not_found) {
    state = co_await call(*loop, api("STREAM.CREATE." + state_stream_), state_stream_request(options_));
    if (!state.ok() && state.error().kind() == ErrorKind::already_exists) co_return Result<void>();
  }
  if (!state.ok()) co_return std::move(state).error().with("stream", state_stream_);
  co_return Result<void>();
}

Task<Result<Document>> NatsBackend::call(net::Loop& loop, std::string subject, std::string request) {
  Outgoing message(std::move(subject), std::move(request));
  Result<Reply> reply = co_await connection().ask(loop, std::move(message));
  if (!reply.ok()) co_return Result<Document>(std::move(reply).error());
  co_return answer_of(*reply);
}

Task<Result<std::vector<std::uint64_t>>> NatsBackend::store(net::Loop& loop, std::vector<Outgoing> messages) {
  using Sequences = Result<std::vector<std::uint64_t>>;
  Result<std::vector<Reply>> replies = co_await connection().exchange(loop, std::move(messages));
  if (!replies.ok()) co_return Sequences(std::move(replies).error());
  std::vector<std::uint64_t> sequences;
  sequences.reserve(replies->size());
  for (const Reply& one : *replies) {
    Result<std::uint64_t> sequence = sequence_of(one);
    if (!sequence.ok()) co_return Sequences(std::move(sequence).error());
    sequences.push_back(*sequence);
  }
  co_return Sequences(std::move(sequences));
}

std::string NatsBackend::next_id() { return id_base_ + std::to_string(next_id_.fetch_add(1, std::memory_order_relaxed)); }

Outgoing NatsBackend::outgoing(const Message& message, const HeaderExtras& extras) const {
  return {subject_of(options_.prefix, message.topic), message.payload, header_block(options_.prefix, message, extras)};
}

Task<Result<std::vector<std::uint64_t>>> NatsBackend::publish(net::Caller caller, std::vector<Message> messages) {
  std::vector<Outgoing> out;
  out.reserve(messages.size());
  for (Message& one : messages) {
    const std::string id = next_id();
    HeaderExtras extras;
    extras.id = id;
    std::string headers = header_block(options_.prefix, one, extras);
    out.emplace_back(subject_of(options_.prefix, one.topic), std::move(one.payload), std::move(headers));
  }
  Result<std::vector<std::uint64_t>> sequences = co_await store(*caller.loop, std::move(out));
  if (sequences.ok()) published_.fetch_add(sequences->size(), std::memory_order_relaxed);
  co_return sequences;
}

Task<Result<std::vector<std::optional<NatsBackend::Stored>>>> NatsBackend::fetch(net::Loop& loop,
                                                                                 std::vector<std::uint64_t> sequences) {
  using Found = Result<std::vector<std::optional<Stored>>>;
  std::vector<Outgoing> asks;
  asks.reserve(sequences.size());
  for (const std::uint64_t one : sequences)
    asks.emplace_back(api("STREAM.MSG.GET." + options_.stream), "{\"seq\":" + std::to_string(one) + "}");
  Result<std::vector<Reply>> replies = co_await connection().exchange(loop, std::move(asks));
  if (!replies.ok()) co_return Found(std::move(replies).error());
  std::vector<std::optional<Stored>> out;
  for (const Reply& one : *replies) {
    std::optional<Stored>& stored = out.emplace_back();
    Result<Document> answer = answer_of(one);
    if (!answer.ok()) {
      // A sequence of 0 or beyond the end is a bad request.
      if (answer.error().kind() == ErrorKind::not_found || answer.error().kind() == ErrorKind::invalid_argument) continue;
      co_return Found(std::move(answer).error());
    }
    const Value message = answer->root().find("message");
    std::optional<std::string> payload = message.is_object() ? base64::decode(text_of(message, "data")) : std::nullopt;
    std::optional<std::string> block = message.is_object() ? base64::decode(text_of(message, "hdrs")) : std::nullopt;
    if (!payload || !block) co_return Found(Error(ErrorKind::corrupt, "JetStream: a message that is not base64"));
    stored.emplace();
    stored->sequence = uinteger(message, "seq");
    stored->subject = text_of(message, "subject");
    stored->payload = std::move(*payload);
    stored->time = parse_instant(text_of(message, "time")).value_or(WallTime());
    if (block->empty()) continue;
    Result<HeaderBlock> headers = parse_headers(*block);
    if (!headers.ok()) co_return Found(std::move(headers).error());
    stored->headers = std::move(headers->headers);
    stored->own = std::move(headers->own);
  }
  co_return Found(std::move(out));
}

Task<Result<void>> NatsBackend::scan(net::Loop& loop, Scan what, Function<bool(Stored)> take) {
  ConsumerConfig config;
  config.filters = {what.filter};
  config.start = what.from > 1 ? Start::sequence : Start::earliest;
  config.sequence = what.from;
  config.headers_only = what.headers_only;
  config.last_per_subject = what.last_per_subject;
  Result<Document> made = co_await call(loop, api("CONSUMER.CREATE." + what.stream), consumer_request(what.stream, config));
  if (!made.ok()) co_return std::move(made).error();
  const std::string consumer = text_of(made->root(), "name");
  const std::uint64_t count = uinteger(made->root(), "num_pending");
  Result<void> done;
  if (count > 0) {
    Task<Result<void>> scanning = scan_with(&loop, &what, &consumer, count, &take);
    done = co_await net::with_deadline(loop, options_.timeout * 3, std::move(scanning));
  }
  std::string forget;
  append_publish(forget, api("CONSUMER.DELETE." + what.stream + "." + consumer), {}, {}, {});
  connection().send(std::move(forget));
  co_return done;
}

Task<Result<void>> NatsBackend::scan_with(net::Loop* loop, const Scan* what, const std::string* consumer, std::uint64_t count,
                                          Function<bool(Stored)>* take) {
  const std::shared_ptr<Connection> wire = wire_->connection();
  net::Event arrived(*loop);
  auto feed = std::make_shared<Feed>(*loop, 2 * chunk, 64U << 20U);
  feed->listen(&arrived);
  const std::string inbox = wire->inbox();
  const std::uint64_t sid = wire->subscribe(feed, inbox);
  struct Leave {
    const std::shared_ptr<Connection>& wire;
    const std::shared_ptr<Feed>& feed;
    std::uint64_t sid;
    ~Leave() {
      feed->listen(nullptr);
      wire->unsubscribe(sid);
    }
  } const leave{wire, feed, sid};
  while (count > 0) {
    std::uint64_t batch = std::min<std::uint64_t>(count, chunk);
    std::string pull;
    append_publish(pull, api("CONSUMER.MSG.NEXT." + what->stream + "." + *consumer), inbox, {},
                   pull_request(static_cast<std::uint32_t>(batch), options_.timeout, options_.timeout / 4));
    // With its confirmation: it has reached the server, or there is an error.
    Result<void> asked = co_await wire->confirm(*loop, std::move(pull));
    if (!asked.ok()) co_return asked;
    while (batch > 0) {
      arrived.reset();
      for (Incoming& one : feed->take()) {
        if (one.status == 100) continue;
        if (one.status != 0) co_return Error(ErrorKind::unavailable, "the server has lost a list half way: " + one.description);
        const std::optional<Delivered> delivered = delivered_of(one.reply);
        if (!delivered) continue;
        Stored stored;
        stored.sequence = delivered->sequence;
        stored.time = delivered->published;
        stored.subject = std::move(one.subject);
        stored.headers = std::move(one.headers);
        stored.own = std::move(one.own);
        stored.payload = std::move(one.payload);
        --count;
        if (batch > 0) --batch;
        if (!(*take)(std::move(stored))) co_return Result<void>();
      }
      if (batch == 0) break;
      Result<void> waited = co_await arrived.wait();
      if (!waited.ok()) co_return waited;
    }
  }
  co_return Result<void>();
}

// ---- groups --------------------------------------------------------------------------------------------------------

Task<Result<NatsBackend::GroupEntry>> NatsBackend::find_group(net::Loop& loop, std::string id) {
  using Found = Result<GroupEntry>;
  Outgoing get(api("STREAM.MSG.GET." + state_stream_), "{\"last_by_subj\":\"" + group_subject(id) + "\"}");
  Result<Reply> reply = co_await connection().ask(loop, std::move(get));
  if (!reply.ok()) co_return Found(std::move(reply).error());
  GroupEntry out;
  Result<Document> answer = answer_of(*reply);
  if (!answer.ok()) {
    if (answer.error().kind() == ErrorKind::not_found) co_return Found(std::move(out));
    co_return Found(std::move(answer).error());
  }
  const Value message = answer->root().find("message");
  if (!message.is_object()) co_return Found(Error(ErrorKind::corrupt, "JetStream: no message in the answer"));
  out.revision = uinteger(message, "seq");
  const std::optional<std::string> data = base64::decode(text_of(message, "data"));
  std::optional<GroupRecord> record = data ? GroupRecord::parse(*data) : std::nullopt;
  if (record) out.record = std::move(*record);  // an empty one was deleted
  co_return Found(std::move(out));
}

Task<Result<void>> NatsBackend::put_group(net::Loop& loop, std::string id, GroupEntry entry) {
  std::string headers(headers_begin);
  headers += "Nats-Expected-Last-Subject-Sequence: " + std::to_string(entry.revision) + "\r\n\r\n";
  std::vector<Outgoing> put;
  put.emplace_back(group_subject(id), entry.record.consumer.empty() ? std::string() : entry.record.text(), std::move(headers));
  Result<std::vector<std::uint64_t>> done = co_await store(loop, std::move(put));
  if (!done.ok()) co_return std::move(done).error();
  co_return Result<void>();
}

Task<Result<std::string>> NatsBackend::make_consumer(net::Loop& loop, std::string id, TopicPattern pattern, std::string group,
                                                     ConsumerConfig config) {
  config.name = id + "_" + random_suffix();
  config.filters = filters_of(options_.prefix, pattern);
  config.description = "group " + group + " of " + pattern.text();
  const std::string name = config.name;
  Result<Document> made =
      co_await call(loop, api("CONSUMER.CREATE." + options_.stream + "." + name), consumer_request(options_.stream, config));
  if (!made.ok()) co_return Result<std::string>(std::move(made).error().with("group", group));
  co_return Result<std::string>(name);
}

Task<Result<void>> NatsBackend::delete_consumer(net::Loop& loop, std::string consumer) {
  Result<Document> gone = co_await call(loop, api("CONSUMER.DELETE." + options_.stream + "." + consumer), "");
  if (!gone.ok() && gone.error().kind() != ErrorKind::not_found) co_return std::move(gone).error();
  const std::string request = "{\"filter\":\"" + state_ + "d." + consumer + ".>\"}";
  Result<Document> purged = co_await call(loop, api("STREAM.PURGE." + state_stream_), request);
  if (!purged.ok()) co_return std::move(purged).error();
  co_return Result<void>();
}

Task<Result<std::string>> NatsBackend::open_group(net::Loop& loop, SubscribeOptions options) {
  using Opened = Result<std::string>;
  const std::string id = group_id(options.group, options.pattern.text());
  ConsumerConfig config;
  config.ack_wait = options.ack_wait;
  config.start = options.earliest ? Start::earliest : Start::latest;
  for (int attempt = 0; attempt < group_attempts; ++attempt) {
    Result<GroupEntry> entry = co_await find_group(loop, id);
    if (!entry.ok()) co_return Opened(std::move(entry).error());
    if (!entry->record.consumer.empty()) {
      const std::string name = entry->record.consumer;
      Result<Document> info = co_await call(loop, api("CONSUMER.INFO." + options_.stream + "." + name), "");
      if (!info.ok() && info.error().kind() != ErrorKind::not_found) co_return Opened(std::move(info).error());
      if (info.ok()) {
        const Value now = info->root().find("config");
        if (now.is_object() && uinteger(now, "ack_wait") != static_cast<std::uint64_t>(options.ack_wait.count())) {
          // The last one to join says how long a lease is. Its place in the stream stays; what cannot change is sent as it is.
          std::string request = "{\"stream_name\":\"" + options_.stream + "\",\"action\":\"update\",\"config\":{";
          bool first = true;
          for (const auto member : now.members()) {
            if (!std::exchange(first, false)) request.push_back(',');
            json::append_quoted(request, member.key);
            request.push_back(':');
            request += member.key == "ack_wait" ? std::to_string(options.ack_wait.count()) : json::to_string(member.value);
          }
          request += "}}";
          Result<Document> changed =
              co_await call(loop, api("CONSUMER.CREATE." + options_.stream + "." + name), std::move(request));
          if (!changed.ok()) co_return Opened(std::move(changed).error().with("group", options.group));
        }
        co_return Opened(name);
      }
    }
    Result<std::string> made = co_await make_consumer(loop, id, options.pattern, options.group, config);
    if (!made.ok()) co_return made;
    entry->record.group = options.group;
    entry->record.topic = options.pattern.text();
    entry->record.style = options.pattern.style();
    entry->record.exact = options.pattern.exact();
    entry->record.consumer = *made;
    Result<void> put = co_await put_group(loop, id, std::move(*entry));
    if (put.ok()) co_return made;
    const bool raced = put.error().kind() == ErrorKind::condition_failed;
    if (!raced) co_return Opened(std::move(put).error());
    Result<void> gone = co_await delete_consumer(loop, *made);
    if (!gone.ok()) co_return Opened(std::move(gone).error());
  }
  co_return Opened(Error(ErrorKind::conflict, "the group changes all the time").with("group", options.group));
}

Task<Result<std::unique_ptr<messaging::Subscription>>> NatsBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  using Made = Result<std::unique_ptr<messaging::Subscription>>;
  Result<std::string> consumer = co_await open_group(loop, options);
  if (!consumer.ok()) co_return Made(std::move(consumer).error());
  std::unique_ptr<messaging::Subscription> made =
      std::make_unique<NatsSubscription>(loop, shared_from_this(), std::move(options), std::move(*consumer));
  co_return Made(std::move(made));
}

Task<Result<void>> NatsBackend::seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) {
  net::Loop& loop = *caller.loop;
  const std::string id = group_id(group, pattern.text());
  ConsumerConfig config;
  config.ack_wait = std::chrono::seconds(10);
  config.start = Start::latest;
  if (const auto* position = std::get_if<std::uint64_t>(&place)) {
    Result<Document> info = co_await call(loop, api("STREAM.INFO." + options_.stream), "");
    if (!info.ok()) co_return std::move(info).error();
    // A place beyond the end is the end.
    if (*position <= uinteger(info->root().find("state"), "last_seq")) config.start = Start::sequence;
    config.sequence = *position;
  } else if (const auto* time = std::get_if<WallTime>(&place)) {
    config.start = Start::time;
    config.time = std::chrono::floor<std::chrono::milliseconds>(*time);
  } else if (std::get<Beginning>(place).earliest) {
    config.start = Start::earliest;
  }
  for (int attempt = 0; attempt < group_attempts; ++attempt) {
    Result<GroupEntry> entry = co_await find_group(loop, id);
    if (!entry.ok()) co_return std::move(entry).error();
    const std::string before = entry->record.consumer;
    if (!before.empty()) {
      Result<Document> info = co_await call(loop, api("CONSUMER.INFO." + options_.stream + "." + before), "");
      if (info.ok()) config.ack_wait = Duration(static_cast<std::int64_t>(uinteger(info->root().find("config"), "ack_wait")));
    }
    Result<std::string> made = co_await make_consumer(loop, id, pattern, group, config);
    if (!made.ok()) co_return std::move(made).error();
    entry->record.group = group;
    entry->record.topic = pattern.text();
    entry->record.style = pattern.style();
    entry->record.exact = pattern.exact();
    entry->record.consumer = *made;
    Result<void> put = co_await put_group(loop, id, std::move(*entry));
    const bool raced = !put.ok() && put.error().kind() == ErrorKind::condition_failed;
    if (!put.ok() && !raced) co_return put;
    const std::string gone = raced ? *made : before;
    if (!gone.empty()) {
      Result<void> deleted = co_await delete_consumer(loop, gone);
      if (!deleted.ok()) co_return deleted;
    }
    if (!raced) co_return Result<void>();
  }
  co_return Error(ErrorKind::conflict, "the group changes all the time").with("group", group);
}

Task<Result<std::vector<NatsBackend::GroupEntry>>> NatsBackend::all_groups(net::Loop& loop) {
  std::vector<GroupEntry> entries;
  Scan what;
  what.stream = state_stream_;
  what.filter = group_subject("*");
  what.last_per_subject = true;
  Function<bool(Stored)> take = [&entries](Stored stored) {
    std::optional<GroupRecord> record = GroupRecord::parse(stored.payload);
    if (record) entries.push_back({std::move(*record), stored.sequence});
    return true;
  };
  Result<void> done = co_await scan(loop, std::move(what), std::move(take));
  if (!done.ok()) co_return Result<std::vector<GroupEntry>>(std::move(done).error());
  co_return Result<std::vector<GroupEntry>>(std::move(entries));
}

Task<Result<std::uint64_t>> NatsBackend::delayed(net::Loop& loop, std::string consumer) {
  std::uint64_t count = 0;
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  Scan what;
  what.stream = state_stream_;
  what.filter = state_ + "d." + consumer + ".*";
  what.last_per_subject = true;
  Function<bool(Stored)> take = [&count, now](Stored stored) {
    const std::optional<Record> record = Record::parse(stored.payload);
    if (record && record->due_ms > now) ++count;
    return true;
  };
  Result<void> done = co_await scan(loop, std::move(what), std::move(take));
  if (!done.ok()) co_return Result<std::uint64_t>(std::move(done).error());
  co_return Result<std::uint64_t>(count);
}

Task<Result<std::vector<GroupInfo>>> NatsBackend::groups(net::Caller caller) {
  using Infos = Result<std::vector<GroupInfo>>;
  net::Loop& loop = *caller.loop;
  Result<std::vector<GroupEntry>> entries = co_await all_groups(loop);
  if (!entries.ok()) co_return Infos(std::move(entries).error());
  std::vector<GroupInfo> out;
  for (const GroupEntry& one : *entries) {
    GroupInfo info;
    info.name = GroupName{one.record.group, one.record.topic};
    Result<Document> consumer = co_await call(loop, api("CONSUMER.INFO." + options_.stream + "." + one.record.consumer), "");
    if (!consumer.ok() && consumer.error().kind() == ErrorKind::not_found) continue;
    if (!consumer.ok()) co_return Infos(std::move(consumer).error());
    info.waiting = uinteger(consumer->root(), "num_pending");
    info.in_hand = uinteger(consumer->root(), "num_ack_pending");
    if (info.in_hand > 0) {
      Result<std::uint64_t> later = co_await delayed(loop, one.record.consumer);
      if (!later.ok()) co_return Infos(std::move(later).error());
      info.delayed = std::min(*later, info.in_hand);
      info.in_hand -= info.delayed;
    }
    out.push_back(std::move(info));
  }
  std::sort(out.begin(), out.end(), [](const GroupInfo& a, const GroupInfo& b) {
    return std::tie(a.name.topic, a.name.group) < std::tie(b.name.topic, b.name.group);
  });
  co_return Infos(std::move(out));
}

Task<Result<bool>> NatsBackend::delete_group(net::Caller caller, GroupName name) {
  net::Loop& loop = *caller.loop;
  const std::string id = group_id(name.group, name.topic);
  {
    const std::lock_guard lock(mutex_);
    if (consumed_.contains(id)) co_return Result<bool>(had_consumers(name.group));
  }
  for (int attempt = 0; attempt < group_attempts; ++attempt) {
    Result<GroupEntry> entry = co_await find_group(loop, id);
    if (!entry.ok()) co_return Result<bool>(std::move(entry).error());
    if (entry->record.consumer.empty()) co_return Result<bool>(false);
    const std::string consumer = entry->record.consumer;
    Result<Document> info = co_await call(loop, api("CONSUMER.INFO." + options_.stream + "." + consumer), "");
    if (!info.ok() && info.error().kind() != ErrorKind::not_found) co_return Result<bool>(std::move(info).error());
    if (info.ok()) {
      const Value root = info->root();
      bool busy = uinteger(root, "num_waiting") > 0;
      // Or all its hands are full: it was given something, and the lease may run still.
      const Value delivered = root.find("delivered");
      if (!busy && uinteger(root, "num_ack_pending") > 0 && delivered.is_object()) {
        Result<std::uint64_t> later = co_await delayed(loop, consumer);
        if (!later.ok()) co_return Result<bool>(std::move(later).error());
        const std::optional<WallTime> last = parse_instant(text_of(delivered, "last_active"));
        const Duration lease(static_cast<std::int64_t>(uinteger(root.find("config"), "ack_wait")));
        busy = uinteger(root, "num_ack_pending") > *later && last && std::chrono::system_clock::now() - *last < lease;
      }
      if (busy) co_return Result<bool>(had_consumers(name.group));
    }
    entry->record = GroupRecord();
    Result<void> put = co_await put_group(loop, id, std::move(*entry));
    if (!put.ok()) {
      if (put.error().kind() == ErrorKind::condition_failed) continue;
      co_return Result<bool>(std::move(put).error());
    }
    Result<void> gone = co_await delete_consumer(loop, consumer);
    if (!gone.ok()) co_return Result<bool>(std::move(gone).error());
    co_return Result<bool>(true);
  }
  co_return Result<bool>(Error(ErrorKind::conflict, "the group changes all the time").with("group", name.group));
}

// ---- dead letters --------------------------------------------------------------------------------------------------

Task<Result<DeadLetterPage>> NatsBackend::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  DeadLetterPage page;
  Scan what;
  what.stream = options_.stream;
  what.filter = subject_of(options_.prefix, query.topic);
  what.from = query.after >= INT64_MAX ? INT64_MAX : query.after + 1;
  what.headers_only = !query.payloads;
  Function<bool(Stored)> take = [&](Stored stored) {
    std::size_t size = stored.payload.size();
    std::erase_if(stored.headers, [&](const auto& one) {
      if (one.first != "Nats-Msg-Size") return false;
      if (what.headers_only) size = std::strtoull(one.second.c_str(), nullptr, 10);
      return true;
    });
    Received received =
        received_of(options_.prefix, stored.subject, std::move(stored.headers), stored.own, std::move(stored.payload));
    if (!received.dead || received.message.topic != query.topic) return true;
    if (page.messages.size() == query.limit) {
      page.more = true;
      return false;
    }
    DeadLetter& letter = page.messages.emplace_back();
    letter.position = stored.sequence;
    letter.time = stored.time;
    letter.size = size;
    letter.message = std::move(received.message);
    return true;
  };
  const Scan scanned = what;
  Result<void> done = co_await scan(*caller.loop, scanned, std::move(take));
  if (!done.ok()) co_return Result<DeadLetterPage>(std::move(done).error());
  co_return Result<DeadLetterPage>(std::move(page));
}

Task<Result<std::uint64_t>> NatsBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  using Count = Result<std::uint64_t>;
  net::Loop& loop = *caller.loop;
  std::uint64_t count = 0;
  Result<std::vector<std::uint64_t>> positions = co_await dead_positions(loop, which);
  if (!positions.ok()) co_return Count(std::move(positions).error());
  for (std::size_t begun = 0; begun < positions->size(); begun += chunk) {
    const auto first = positions->begin() + static_cast<std::ptrdiff_t>(begun);
    std::vector<std::uint64_t> part(first, first + static_cast<std::ptrdiff_t>(std::min(chunk, positions->size() - begun)));
    Result<std::vector<std::optional<Stored>>> letters = co_await fetch(loop, std::move(part));
    if (!letters.ok()) co_return Count(std::move(letters).error());
    std::vector<Outgoing> back;
    std::vector<Outgoing> remove;
    for (std::optional<Stored>& one : *letters) {
      if (!one) continue;
      Received received = received_of(options_.prefix, one->subject, std::move(one->headers), one->own, std::move(one->payload));
      if (!received.dead || received.message.topic != which.topic) continue;
      std::optional<Redriven> redriven = messaging::redriven(std::move(received.message), to);
      if (!redriven) continue;
      // One that was sent and not removed is not sent twice.
      const std::string id = std::string(id_prefix) + "back-" + std::to_string(one->sequence) + "-" + to;
      HeaderExtras extras;
      extras.id = is_subject(id) ? std::string_view(id) : std::string_view();
      extras.for_group = redriven->for_group;
      back.push_back(outgoing(redriven->message, extras));
      remove.emplace_back(api("STREAM.MSG.DELETE." + options_.stream),
                          "{\"seq\":" + std::to_string(one->sequence) + ",\"no_erase\":true}");
    }
    if (back.empty()) continue;
    Result<std::vector<std::uint64_t>> sent = co_await store(loop, std::move(back));
    if (!sent.ok()) co_return Count(std::move(sent).error());
    Result<std::uint64_t> removed = co_await remove_all(loop, std::move(remove));
    if (!removed.ok()) co_return removed;
    count += sent->size();
  }
  co_return Count(count);
}

Task<Result<std::uint64_t>> NatsBackend::purge(net::Caller caller, DeadLetterSelection which) {
  using Count = Result<std::uint64_t>;
  net::Loop& loop = *caller.loop;
  std::uint64_t count = 0;
  Result<std::vector<std::uint64_t>> positions = co_await dead_positions(loop, which);
  if (!positions.ok()) co_return Count(std::move(positions).error());
  for (std::size_t begun = 0; begun < positions->size(); begun += chunk) {
    const auto first = positions->begin() + static_cast<std::ptrdiff_t>(begun);
    std::vector<std::uint64_t> part(first, first + static_cast<std::ptrdiff_t>(std::min(chunk, positions->size() - begun)));
    Result<std::vector<std::optional<Stored>>> letters = co_await fetch(loop, std::move(part));
    if (!letters.ok()) co_return Count(std::move(letters).error());
    std::vector<Outgoing> remove;
    for (std::optional<Stored>& one : *letters) {
      if (!one) continue;
      const Received received = received_of(options_.prefix, one->subject, {}, one->own, {});
      if (!received.dead || received.message.topic != which.topic) continue;
      remove.emplace_back(api("STREAM.MSG.DELETE." + options_.stream),
                          "{\"seq\":" + std::to_string(one->sequence) + ",\"no_erase\":true}");
    }
    Result<std::uint64_t> removed = co_await remove_all(loop, std::move(remove));
    if (!removed.ok()) co_return removed;
    count += *removed;
  }
  co_return Count(count);
}

Task<Result<std::uint64_t>> NatsBackend::remove_all(net::Loop& loop, std::vector<Outgoing> removals) {
  Result<std::vector<Reply>> replies = co_await connection().exchange(loop, std::move(removals));
  if (!replies.ok()) co_return Result<std::uint64_t>(std::move(replies).error());
  std::uint64_t count = 0;
  for (const Reply& one : *replies) {
    Result<Document> answer = answer_of(one);
    if (answer.ok()) ++count;
    else if (answer.error().kind() != ErrorKind::not_found && answer.error().kind() != ErrorKind::invalid_argument)
      co_return Result<std::uint64_t>(std::move(answer).error());
  }
  co_return Result<std::uint64_t>(count);
}

Task<Result<std::vector<std::uint64_t>>> NatsBackend::dead_positions(net::Loop& loop, const DeadLetterSelection& which) {
  using Positions = Result<std::vector<std::uint64_t>>;
  if (which.positions) co_return Positions(*which.positions);
  // Those that are there now: what becomes a dead letter meanwhile, one of these again perhaps, is none of all.
  std::vector<std::uint64_t> positions;
  Scan what;
  what.stream = options_.stream;
  what.filter = subject_of(options_.prefix, which.topic);
  what.headers_only = true;
  Function<bool(Stored)> take = [&positions](Stored stored) {
    if (received_of({}, {}, {}, stored.own, {}).dead) positions.push_back(stored.sequence);
    return true;
  };
  Result<void> done = co_await scan(loop, std::move(what), std::move(take));
  if (!done.ok()) co_return Positions(std::move(done).error());
  co_return Positions(std::move(positions));
}

BackendCounts NatsBackend::counts() const noexcept {
  BackendCounts out;
  out.published = published_.load(std::memory_order_relaxed);
  out.acked = acked_.load(std::memory_order_relaxed);
  out.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
  out.dropped = dropped_.load(std::memory_order_relaxed);
  return out;
}

void register_nats(Registry& registry) {
  registry.add("nats", [](const services::MessagingConfig& config, const Environment&) {
    using Opened = Result<std::shared_ptr<Backend>>;
    Result<NatsOptions> options = NatsOptions::parse(config.url);
    if (!options.ok()) return Opened(std::move(options).error());
    return options->jetstream ? NatsBackend::open(std::move(*options)) : open_core(std::move(*options));
  });
}

}  // namespace spikard::messaging::nats
