#include "messaging/operations.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "messaging/text.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::messaging {
namespace {

/// The members of an operation's arguments, checked one by one; the first problem stays.
class Args {
 public:
  Args(Value root, std::span<const std::string_view> known) : root_(root) {
    if (!root.is_object()) {
      fail("expected an object");
      return;
    }
    for (const auto& [key, value] : root.members()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) fail(std::string(key) + ": no such argument");
    }
  }

  [[nodiscard]] std::string text(std::string_view name, std::size_t min, std::size_t max) {
    const Value value = required(name);
    if (!value.exists()) return {};
    if (!value.is_string() || value.text().size() < min || value.text().size() > max) {
      fail(std::string(name) + ": expected text of " + std::to_string(min) + " to " + std::to_string(max) + " bytes");
      return {};
    }
    return std::string(value.text());
  }
  [[nodiscard]] std::optional<std::string> maybe_text(std::string_view name, std::size_t min, std::size_t max) {
    if (!given(name)) return std::nullopt;
    return text(name, min, max);
  }
  [[nodiscard]] std::uint64_t integer(std::string_view name, std::uint64_t otherwise, std::uint64_t min, std::uint64_t max) {
    return given(name) ? number(name, root_.find(name), min, max) : otherwise;
  }
  [[nodiscard]] std::uint64_t required_integer(std::string_view name) {
    const Value value = required(name);
    return value.exists() ? number(name, value, 0, UINT64_MAX) : 0;
  }
  [[nodiscard]] std::optional<std::uint64_t> maybe_integer(std::string_view name) {
    if (!given(name)) return std::nullopt;
    return number(name, root_.find(name), 0, UINT64_MAX);
  }
  [[nodiscard]] bool boolean(std::string_view name, bool otherwise) {
    if (!given(name)) return otherwise;
    const Value value = root_.find(name);
    if (!value.is(NodeType::boolean)) {
      fail(std::string(name) + ": expected true or false");
      return otherwise;
    }
    return value.as_bool();
  }
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> positions(std::string_view name) {
    if (!given(name)) return std::nullopt;
    std::vector<std::uint64_t> out;
    const Value value = root_.find(name);
    if (!value.is_array()) {
      fail(std::string(name) + ": expected an array of positions");
      return out;
    }
    for (const Value one : value.elements()) out.push_back(number(name, one, 0, UINT64_MAX));
    return out;
  }

  [[nodiscard]] bool given(std::string_view name) const {
    if (!root_.is_object()) return false;
    const Value value = root_.find(name);
    return value.exists() && !value.is_null();
  }
  [[nodiscard]] Value required(std::string_view name) {
    if (!given(name)) {
      fail(std::string(name) + ": missing");
      return {};
    }
    return root_.find(name);
  }
  void fail(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }
  [[nodiscard]] bool good() const noexcept { return problem_.empty(); }
  [[nodiscard]] Result<Document> error() const { return invalid_argument(problem_); }

 private:
  std::uint64_t number(std::string_view name, Value value, std::uint64_t min, std::uint64_t max) {
    const bool negative = value.is(NodeType::integer) && value.as_int() < 0;
    if (!value.is(NodeType::uinteger) && (!value.is(NodeType::integer) || negative)) {
      fail(std::string(name) + ": expected an integer of 0 or more");
      return min;
    }
    const std::uint64_t out = value.is(NodeType::uinteger) ? value.as_uint() : static_cast<std::uint64_t>(value.as_int());
    if (out < min || out > max) {
      fail(std::string(name) + ": expected an integer from " + std::to_string(min) + " to " + std::to_string(max));
      return min;
    }
    return out;
  }

  Value root_;
  std::string problem_;
};

constexpr std::array<std::string_view, 4> message_members{"topic", "payload", "key", "headers"};

/// A message from its members; what the Client checks is left to it.
Message read_message(Args& args) {
  Message out;
  out.topic = args.text("topic", 1, SIZE_MAX);
  if (const Value payload = args.required("payload"); payload.exists()) {
    if (payload.is_string() || payload.is(NodeType::bytes)) out.payload = std::string(payload.text());
    else args.fail("payload: expected text or bytes");
  }
  out.key = args.maybe_text("key", 0, 1024);
  if (args.given("headers")) {
    const Value headers = args.required("headers");
    if (!headers.is_object()) {
      args.fail("headers: expected an object");
      return out;
    }
    for (const auto& [name, value] : headers.members()) {
      if (!value.is_string()) {
        args.fail("headers." + std::string(name) + ": expected text");
        return out;
      }
      out.headers.emplace_back(name, value.text());
    }
  }
  return out;
}

template <class Write>
Document object(Write write) {
  NodeBuilder out;
  out.begin_object();
  write(out);
  out.end();
  return Document(std::move(out));
}

Document empty_object() {
  return object([](NodeBuilder&) {});
}

void put(NodeBuilder& out, std::string_view name, std::uint64_t value) {
  out.key(name);
  out.uinteger(value);
}
void put(NodeBuilder& out, std::string_view name, std::string_view value) {
  out.key(name);
  out.string(value);
}
/// Null where there is none.
void put(NodeBuilder& out, std::string_view name, const std::string* value) {
  out.key(name);
  if (value == nullptr) out.null();
  else out.string(*value);
}

void write(NodeBuilder& out, const DeadLetter& letter, bool with_payload) {
  const Headers& headers = letter.message.headers;
  out.begin_object();
  put(out, "position", letter.position);
  put(out, "topic", letter.message.topic);
  put(out, "original_topic", find_header(headers, original_topic_header));
  put(out, "group", find_header(headers, group_header));
  put(out, "reason", find_header(headers, reason_header));
  const std::string* count = find_header(headers, delivery_count_header);
  out.key("delivery_count");
  if (count == nullptr || count->empty() || count->size() > 9 || count->find_first_not_of("0123456789") != std::string::npos)
    out.null();
  else out.uinteger(std::stoul(*count));
  put(out, "error", find_header(headers, error_header));
  put(out, "first_error", find_header(headers, first_error_header));
  put(out, "trace_id", find_header(headers, trace_id_header));
  put(out, "validation_errors", find_header(headers, validation_errors_header));
  put(out, "key", letter.message.key ? &*letter.message.key : nullptr);
  out.key("headers");
  out.begin_object();
  for (const auto& [name, value] : headers) put(out, name, std::string_view(value));
  out.end();
  put(out, "size", letter.size);
  put(out, "time", format_instant(letter.time));
  out.key("payload");
  if (with_payload) out.bytes(letter.message.payload);
  else out.null();
  out.end();
}

Error no_consumer(std::uint64_t number) {
  return Error(ErrorKind::not_found, "no such consumer").with("consumer", std::to_string(number));
}

Result<Document> topic_match(Value root) {
  constexpr std::array<std::string_view, 3> known{"style", "pattern", "topic"};
  Args args(root, known);
  const std::string style = args.text("style", 1, 16);
  const std::string pattern = args.text("pattern", 0, SIZE_MAX);
  const std::string topic = args.text("topic", 0, SIZE_MAX);
  const std::optional<TopicStyle> known_style = services::topic_style_from(style);
  if (args.good() && !known_style) args.fail("style: expected `nats`, `mqtt`, `amqp` or `auto`");
  if (!args.good()) return args.error();
  return object([&](NodeBuilder& out) {
    out.key("value");
    out.boolean(messaging::topic_match(*known_style, pattern, topic));
  });
}

Document stats(const BackendCounts& counts) {
  return object([&](NodeBuilder& out) {
    put(out, "messages_published", counts.published);
    put(out, "messages_acked", counts.acked);
    put(out, "messages_dead_lettered", counts.dead_lettered);
    put(out, "messages_dropped", counts.dropped);
  });
}

Document position_result(std::uint64_t position) {
  return object([&](NodeBuilder& out) {
    out.key("position");
    if (position == 0) out.null();
    else out.uinteger(position);
  });
}

constexpr std::array<std::string_view, 5> publish_members{"topic", "payload", "key", "headers", "transaction"};

}  // namespace

std::optional<Result<Document>> Operations::call_now_for(const telemetry::SpanContext& trace, Operation operation, Value args) {
  switch (operation) {
    case Operation::messaging_topic_match: return topic_match(args);
    case Operation::messaging_stats: return Result<Document>(stats(client_->counts()));
    case Operation::messaging_publish: {
      Args read(args, publish_members);
      if (!client_->capabilities().confirms_at_once || read.given("transaction")) return std::nullopt;
      Message message = read_message(read);
      if (!read.good()) return read.error();
      std::optional<Result<std::uint64_t>> position = client_->publish_now(trace, message);
      if (!position) return std::nullopt;
      if (!position->ok()) return Result<Document>(std::move(*position).error());
      return Result<Document>(position_result(position->value()));
    }
    default: return std::nullopt;
  }
}

Task<Result<Document>> Operations::call(net::Caller caller, Operation operation, Document args, net::OperationStream*) {
  switch (operation) {
    case Operation::messaging_publish: return publish(std::move(caller), std::move(args));
    case Operation::messaging_publish_batch: return publish_batch(std::move(caller), std::move(args));
    case Operation::messaging_start_consumer: return start_consumer(std::move(caller), std::move(args));
    case Operation::messaging_stop_consumer: return stop_consumer(std::move(caller), std::move(args));
    case Operation::messaging_kill_consumer: return kill_consumer(std::move(args));
    case Operation::messaging_list_dead_letters: return list_dead_letters(std::move(caller), std::move(args));
    case Operation::messaging_peek_dead_letter: return peek_dead_letter(std::move(caller), std::move(args));
    case Operation::messaging_redrive_dead_letters: return redrive(std::move(caller), std::move(args));
    case Operation::messaging_purge_dead_letters: return purge(std::move(caller), std::move(args));
    case Operation::messaging_seek: return seek(std::move(caller), std::move(args));
    case Operation::messaging_groups: return groups(std::move(caller));
    case Operation::messaging_delete_group: return delete_group(std::move(caller), std::move(args));
    default: break;
  }
  return [](std::optional<Result<Document>> now) -> Task<Result<Document>> {
    if (now) co_return std::move(*now);
    co_return Result<Document>(Error(ErrorKind::unsupported, "no operation of messaging"));
  }(call_now(operation, args.root()));
}

Task<Result<Document>> Operations::publish(net::Caller caller, Document args) {
  Args read(args.root(), publish_members);
  Message message = read_message(read);
  const std::optional<std::uint64_t> number = read.maybe_integer("transaction");
  if (!read.good()) co_return read.error();
  if (number) {
    if (!find_transaction_) co_return Result<Document>(Error(ErrorKind::unsupported, "transaction: there is no db here"));
    Result<std::shared_ptr<store::Transaction>> found = find_transaction_(*number);
    if (!found.ok()) co_return Result<Document>(std::move(found).error());
    const std::shared_ptr<store::Transaction> transaction = std::move(*found);
    std::vector<Message> one;
    one.push_back(std::move(message));
    Result<void> done = co_await client_->publish_in(std::move(caller), *transaction, std::move(one));
    if (!done.ok()) co_return Result<Document>(std::move(done).error());
    co_return Result<Document>(position_result(0));
  }
  Result<std::uint64_t> position = co_await client_->publish(std::move(caller), std::move(message));
  if (!position.ok()) co_return Result<Document>(std::move(position).error());
  co_return Result<Document>(position_result(*position));
}

Task<Result<Document>> Operations::publish_batch(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 1> known{"messages"};
  Args read(args.root(), known);
  std::vector<Message> messages;
  if (const Value list = read.required("messages"); list.exists() && !list.is_array()) {
    read.fail("messages: expected an array");
  } else if (list.exists()) {
    std::size_t index = 0;
    for (const Value one : list.elements()) {
      Args member(one, message_members);
      messages.push_back(read_message(member));
      if (!member.good()) read.fail("messages[" + std::to_string(index) + "]." + member.error().error().message());
      ++index;
    }
  }
  if (!read.good()) co_return read.error();
  Result<std::vector<std::uint64_t>> positions = co_await client_->publish_batch(std::move(caller), std::move(messages));
  if (!positions.ok()) co_return Result<Document>(std::move(positions).error());
  co_return Result<Document>(object([&](NodeBuilder& out) {
    out.key("positions");
    out.begin_array();
    for (const std::uint64_t one : *positions) out.uinteger(one);
    out.end();
  }));
}

Task<Result<Document>> Operations::start_consumer(net::Caller caller, Document args) {
  if (!make_sink_) co_return Result<Document>(Error(ErrorKind::unsupported, "nobody is here to handle messages"));
  if (consumers_.draining()) co_return Result<Document>(Error(ErrorKind::unavailable, "the application is shutting down"));
  if (!args.root().is_object()) co_return Result<Document>(invalid_argument("expected an object"));
  // The manifest's Consumer, but for what it has not got here and what stands for its default.
  std::uint64_t user = 0;
  NodeBuilder config;
  config.begin_object();
  for (const auto& [key, value] : args.root().members()) {
    if (key == "client") co_return Result<Document>(invalid_argument("client: no such argument"));
    if (key == "user") {
      constexpr std::array<std::string_view, 1> known{"user"};
      NodeBuilder alone;
      alone.begin_object();
      alone.key("user");
      alone.copy(value);
      alone.end();
      Args read(alone.root(), known);
      user = read.integer("user", 0, 0, UINT64_MAX);
      if (!read.good()) co_return read.error();
      continue;
    }
    if (value.is_null()) continue;
    config.key(key);
    config.copy(value);
  }
  config.end();
  Result<services::Consumer> consumer = services::consumer_from_json(config.root());
  if (!consumer.ok()) co_return Result<Document>(std::move(consumer).error());
  Result<ConsumerOptions> options = client_->consumer_options(*consumer);
  if (!options.ok()) co_return Result<Document>(std::move(options).error());
  std::shared_ptr<worker_loop::WorkSink> sink = make_sink_(consumer->name, user);
  net::Loop& loop = *caller.loop;
  Result<std::shared_ptr<Consumer>> started = co_await client_->start_consumer(loop, std::move(options).value(), std::move(sink));
  if (!started.ok()) co_return Result<Document>(std::move(started).error());
  if (consumers_.draining()) co_return Result<Document>(Error(ErrorKind::unavailable, "the application is shutting down"));
  const std::uint64_t number = consumers_.add(std::move(started).value());
  co_return Result<Document>(object([&](NodeBuilder& out) { put(out, "consumer", number); }));
}

Task<Result<Document>> Operations::stop_consumer(net::Caller, Document args) {
  constexpr std::array<std::string_view, 2> known{"consumer", "drain_timeout_ms"};
  Args read(args.root(), known);
  const std::uint64_t number = read.required_integer("consumer");
  const std::chrono::milliseconds limit(read.integer("drain_timeout_ms", 20'000, 0, 3'600'000));
  if (!read.good()) co_return read.error();
  const std::shared_ptr<Consumer> consumer = consumers_.find(number);
  // One that stops already stays on the list for as long as the first call waits for it.
  if (consumer == nullptr || consumer->closing()) co_return Result<Document>(no_consumer(number));
  const Consumer::Stopped stopped = co_await consumer->stop(limit);
  consumers_.retire(number);
  co_return Result<Document>(object([&](NodeBuilder& out) {
    out.key("drained");
    out.boolean(stopped.drained);
    put(out, "unfinished", stopped.unfinished);
  }));
}

Task<Result<Document>> Operations::kill_consumer(Document args) {
  constexpr std::array<std::string_view, 1> known{"consumer"};
  Args read(args.root(), known);
  const std::uint64_t number = read.required_integer("consumer");
  if (!read.good()) co_return read.error();
  const std::shared_ptr<Consumer> consumer = consumers_.find(number);
  if (consumer == nullptr) co_return Result<Document>(no_consumer(number));
  consumer->kill();
  consumers_.retire(number);
  co_return Result<Document>(empty_object());
}

Task<Result<Document>> Operations::list_dead_letters(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 4> known{"topic", "after", "limit", "payloads"};
  Args read(args.root(), known);
  DeadLetterQuery query(read.text("topic", 1, max_topic_bytes));
  query.after = read.integer("after", 0, 0, UINT64_MAX);
  query.limit = static_cast<std::uint32_t>(read.integer("limit", 100, 1, 1000));
  query.payloads = read.boolean("payloads", false);
  if (!read.good()) co_return read.error();
  const bool payloads = query.payloads;
  Result<DeadLetterPage> page = co_await client_->list_dead_letters(std::move(caller), std::move(query));
  if (!page.ok()) co_return Result<Document>(std::move(page).error());
  co_return Result<Document>(object([&](NodeBuilder& out) {
    out.key("messages");
    out.begin_array();
    for (const DeadLetter& one : page->messages) write(out, one, payloads);
    out.end();
    out.key("next");
    if (page->more) out.uinteger(page->messages.back().position);
    else out.null();
  }));
}

Task<Result<Document>> Operations::peek_dead_letter(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 2> known{"topic", "position"};
  Args read(args.root(), known);
  std::string topic = read.text("topic", 1, max_topic_bytes);
  const std::uint64_t position = read.required_integer("position");
  if (!read.good()) co_return read.error();
  Result<DeadLetter> letter = co_await client_->peek_dead_letter(std::move(caller), std::move(topic), position);
  if (!letter.ok()) co_return Result<Document>(std::move(letter).error());
  co_return Result<Document>(object([&](NodeBuilder& out) {
    out.key("message");
    write(out, *letter, true);
  }));
}

Task<Result<Document>> Operations::redrive(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 3> known{"topic", "positions", "to"};
  Args read(args.root(), known);
  std::string topic = read.text("topic", 1, max_topic_bytes);
  DeadLetterSelection which(std::move(topic), read.positions("positions"));
  std::string to = read.maybe_text("to", 1, max_topic_bytes).value_or(std::string());
  if (!read.good()) co_return read.error();
  Result<std::uint64_t> count = co_await client_->redrive_dead_letters(std::move(caller), std::move(which), std::move(to));
  if (!count.ok()) co_return Result<Document>(std::move(count).error());
  co_return Result<Document>(object([&](NodeBuilder& out) { put(out, "count", *count); }));
}

Task<Result<Document>> Operations::purge(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 2> known{"topic", "positions"};
  Args read(args.root(), known);
  std::string topic = read.text("topic", 1, max_topic_bytes);
  DeadLetterSelection which(std::move(topic), read.positions("positions"));
  if (!read.good()) co_return read.error();
  Result<std::uint64_t> count = co_await client_->purge_dead_letters(std::move(caller), std::move(which));
  if (!count.ok()) co_return Result<Document>(std::move(count).error());
  co_return Result<Document>(object([&](NodeBuilder& out) { put(out, "count", *count); }));
}

Task<Result<Document>> Operations::seek(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 5> known{"group", "topic", "position", "time", "from"};
  Args read(args.root(), known);
  GroupName name;
  name.group = read.text("group", 1, 128);
  name.topic = read.text("topic", 1, max_topic_bytes);
  Place place;
  int places = 0;
  if (const auto position = read.maybe_integer("position")) {
    place = *position;
    ++places;
  }
  if (const auto text = read.maybe_text("time", 1, 64)) {
    const std::optional<WallTime> time = parse_instant(*text);
    if (!time) read.fail("time: expected an instant as in RFC 3339");
    else place = *time;
    ++places;
  }
  if (const auto from = read.maybe_text("from", 1, 16)) {
    if (*from != "earliest" && *from != "latest") read.fail("from: expected `earliest` or `latest`");
    place = Beginning{*from == "earliest"};
    ++places;
  }
  if (places != 1) read.fail("expected exactly one of position, time and from");
  if (!read.good()) co_return read.error();
  Result<void> done = co_await client_->seek(std::move(caller), std::move(name), std::move(place));
  if (!done.ok()) co_return Result<Document>(std::move(done).error());
  co_return Result<Document>(empty_object());
}

Task<Result<Document>> Operations::groups(net::Caller caller) {
  Result<std::vector<GroupInfo>> found = co_await client_->groups(std::move(caller));
  if (!found.ok()) co_return Result<Document>(std::move(found).error());
  co_return Result<Document>(object([&](NodeBuilder& out) {
    out.key("groups");
    out.begin_array();
    for (const GroupInfo& one : *found) {
      out.begin_object();
      put(out, "group", std::string_view(one.name.group));
      put(out, "topic", std::string_view(one.name.topic));
      put(out, "waiting", one.waiting);
      put(out, "in_hand", one.in_hand);
      put(out, "delayed", one.delayed);
      out.end();
    }
    out.end();
  }));
}

Task<Result<Document>> Operations::delete_group(net::Caller caller, Document args) {
  constexpr std::array<std::string_view, 2> known{"group", "topic"};
  Args read(args.root(), known);
  GroupName name;
  name.group = read.text("group", 1, 128);
  name.topic = read.text("topic", 1, max_topic_bytes);
  if (!read.good()) co_return read.error();
  Result<bool> deleted = co_await client_->delete_group(std::move(caller), std::move(name));
  if (!deleted.ok()) co_return Result<Document>(std::move(deleted).error());
  co_return Result<Document>(object([&](NodeBuilder& out) {
    out.key("deleted");
    out.boolean(*deleted);
  }));
}

}  // namespace spikard::messaging
