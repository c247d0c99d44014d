#include "messaging/client.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "messaging/text.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::messaging {
namespace {

constexpr std::size_t max_key_bytes = 1024;
constexpr std::size_t max_header_bytes = 64U << 10U;
constexpr std::size_t max_batch = 10'000;

Error unsupported(std::string_view what) { return {ErrorKind::unsupported, "this broker has no " + std::string(what)}; }

Result<void> check_group(const std::string& group) {
  if (group.empty() || group.size() > 128 || !is_utf8(group)) return invalid_argument("group: expected 1 to 128 bytes of UTF-8");
  return {};
}

Document outbox_document(const std::vector<Message>& messages) {
  NodeBuilder out;
  out.begin_array();
  for (const Message& one : messages) {
    out.begin_object();
    out.key("topic");
    out.string(one.topic);
    out.key("payload");
    out.string(base64::encode(one.payload));
    if (one.key) {
      out.key("key");
      out.string(*one.key);
    }
    out.key("headers");
    out.begin_array();
    for (const auto& [name, value] : one.headers) {
      out.begin_array();
      out.string(name);
      out.string(value);
      out.end();
    }
    out.end();
    out.end();
  }
  out.end();
  return Document(std::move(out));
}

Error corrupt() { return {ErrorKind::corrupt, "an outbox entry is not a list of messages"}; }

Result<std::vector<Message>> from_outbox(std::string_view text) {
  Result<Document> read = json::parse(text);
  if (!read.ok() || !read->root().is_array()) return corrupt();
  std::vector<Message> out;
  for (const Value one : read->root().elements()) {
    if (!one.is_object()) return corrupt();
    const Value topic = one.find("topic");
    const Value payload = one.find("payload");
    const Value headers = one.find("headers");
    if (!topic.is_string() || !payload.is_string() || !headers.is_array()) return corrupt();
    std::optional<std::string> bytes = base64::decode(payload.text());
    if (!bytes) return corrupt();
    Message& message = out.emplace_back(std::string(topic.text()), std::move(*bytes));
    if (const Value key = one.find("key"); key.is_string()) message.key = std::string(key.text());
    for (const Value pair : headers.elements()) {
      if (!pair.is_array() || pair.size() != 2 || !pair.at(0).is_string() || !pair.at(1).is_string()) return corrupt();
      message.headers.emplace_back(pair.at(0).text(), pair.at(1).text());
    }
  }
  return out;
}

}  // namespace

Client::Client(std::shared_ptr<Backend> backend, ClientOptions options)
    : backend_(std::move(backend)), options_(std::move(options)) {
  const telemetry::Tracer& tracer = options_.tracer;
  sent_ = tracer.counter("messaging.client.sent.messages", "{message}", "Messages that were to be sent to the broker.");
  duration_ = tracer.histogram("messaging.client.operation.duration", "s", "Duration of an operation of a messaging client.");
  consumed_ = tracer.counter("messaging.client.consumed.messages", "{message}", "Messages that were given to a handler.");
  process_duration_ = tracer.histogram("messaging.process.duration", "s", "Duration of handling a message.");
  if (!tracer) return;
  const auto observe = [this](std::string_view metric, std::string_view what, std::uint64_t BackendCounts::* count) {
    options_.tracer.provider()->metrics().observe(
        this, metric, "{message}", what, telemetry::MetricType::counter,
        [backend = backend_, client = options_.name, count](telemetry::Observation& out) {
          out.observe(static_cast<double>(backend->counts().*count),
                      {{"messaging.system", backend->system()}, {"messaging.client.name", client}});
        });
  };
  observe("messages_dropped", "Messages that were given up where there is no dead letter topic.", &BackendCounts::dropped);
  observe("messages_dead_lettered", "Messages that went to a dead letter topic.", &BackendCounts::dead_lettered);
}

Client::~Client() {
  if (options_.tracer) options_.tracer.provider()->metrics().forget(this);
}

Result<void> Client::check(const Message& message, const std::string& path) const {
  if (Result<void> good = check_topic(options_.topics, message.topic); !good.ok())
    return invalid_argument(path + "topic: " + good.error().message());
  if (message.payload.size() > options_.max_message_bytes) {
    return Error(ErrorKind::too_large, path + "payload: longer than max_message_bytes")
        .with("size", std::to_string(message.payload.size()))
        .with("max_message_bytes", std::to_string(options_.max_message_bytes));
  }
  if (message.key && (message.key->size() > max_key_bytes || !is_utf8(*message.key)))
    return invalid_argument(path + "key: expected at most 1024 bytes of UTF-8");
  std::size_t size = 0;
  for (const auto& [name, value] : message.headers) {
    if (name.empty()) return invalid_argument(path + "headers: expected names that are not empty");
    if (!is_utf8(name)) return invalid_argument(path + "headers: expected names in UTF-8");
    if (!is_utf8(value)) return invalid_argument(path + "headers." + name + ": expected UTF-8");
    size += name.size() + value.size();
  }
  if (size > max_header_bytes) return Error(ErrorKind::too_large, path + "headers: longer than 64 KiB");
  return {};
}

Result<void> Client::check(const std::vector<Message>& messages) const {
  for (std::size_t i = 0; i < messages.size(); ++i) SPIKARD_TRY(check(messages[i], "messages[" + std::to_string(i) + "]."));
  return {};
}

telemetry::Span Client::send_span(const telemetry::SpanContext& parent, const std::vector<Message>& messages) const {
  if (!options_.tracer) return telemetry::Span(parent);
  const Message& first = messages.front();
  telemetry::Span span = options_.tracer.start("send " + first.topic, telemetry::SpanKind::producer, parent);
  if (!span.recording()) return span;
  span.set({{"messaging.system", backend_->system()},
            {"messaging.operation.name", "send"},
            {"messaging.operation.type", "send"},
            {"messaging.destination.name", first.topic}});
  if (messages.size() == 1) span.set("messaging.message.body.size", first.payload.size());
  else span.set("messaging.batch.message_count", messages.size());
  return span;
}

// What the headers say already is somebody's who knows better: a relay, a bridge.
void Client::inject(const telemetry::SpanContext& context, std::vector<Message>& messages) {
  for (Message& one : messages) {
    if (find_header(one.headers, telemetry::traceparent_header) != nullptr) continue;
    telemetry::inject(
        context, [&one](std::string_view name, std::string_view value) { set_header(one.headers, name, std::string(value)); });
  }
}

void Client::sent(Duration took, const std::string& topic, std::size_t count, const Error* error,
                  const telemetry::SpanContext& context) {
  if (!options_.tracer) return;
  if (error != nullptr) {
    const std::string_view kind = error->detail().empty() ? name_of(error->kind()) : std::string_view(error->detail());
    duration_.record(took,
                     {{"messaging.system", backend_->system()},
                      {"messaging.operation.name", "send"},
                      {"messaging.destination.name", topic},
                      {"error.type", kind}},
                     context);
    sent_.add(static_cast<double>(count),
              {{"messaging.system", backend_->system()}, {"messaging.destination.name", topic}, {"error.type", kind}});
    return;
  }
  duration_.record(
      took,
      {{"messaging.system", backend_->system()}, {"messaging.operation.name", "send"}, {"messaging.destination.name", topic}},
      context);
  sent_.add(static_cast<double>(count), {{"messaging.system", backend_->system()}, {"messaging.destination.name", topic}});
}

Task<Result<std::uint64_t>> Client::publish(net::Caller caller, Message message) {
  if (Result<void> good = check(message); !good.ok())
    co_return Result<std::uint64_t>(std::move(good).error().with_operation("messaging.publish"));
  std::vector<Message> one;
  one.push_back(std::move(message));
  Result<std::vector<std::uint64_t>> positions = co_await send(std::move(caller), std::move(one));
  if (!positions.ok()) co_return Result<std::uint64_t>(std::move(positions).error());
  co_return Result<std::uint64_t>(positions->empty() ? 0 : positions->front());
}

Task<Result<std::vector<std::uint64_t>>> Client::publish_batch(net::Caller caller, std::vector<Message> messages) {
  using Positions = Result<std::vector<std::uint64_t>>;
  if (messages.empty()) co_return Positions(std::vector<std::uint64_t>());
  if (messages.size() > max_batch) co_return Positions(Error(ErrorKind::too_large, "a batch has at most 10000 messages"));
  if (Result<void> good = check(messages); !good.ok())
    co_return Positions(std::move(good).error().with_operation("messaging.publish"));
  Positions positions = co_await send(std::move(caller), std::move(messages));
  co_return positions;
}

Task<Result<std::vector<std::uint64_t>>> Client::send(net::Caller caller, std::vector<Message> messages) {
  using Positions = Result<std::vector<std::uint64_t>>;
  telemetry::Span span = send_span(caller.trace, messages);
  if (capabilities().headers) inject(span.context(), messages);
  caller.trace = span.context();
  const Instant begun = caller.loop->clock().now();
  const std::size_t count = messages.size();
  const std::string topic = options_.tracer ? messages.front().topic : std::string();
  const Clock& clock = caller.loop->clock();
  Positions positions = co_await backend_->publish(std::move(caller), std::move(messages));
  if (!positions.ok()) {
    Error error = std::move(positions).error().with_operation("messaging.publish");
    span.fail(error);
    sent(clock.now() - begun, topic, count, &error, span.context());
    co_return Positions(std::move(error));
  }
  if (count == 1 && !positions->empty() && span.recording()) span.set("messaging.message.id", std::to_string(positions->front()));
  sent(clock.now() - begun, topic, count, nullptr, span.context());
  co_return positions;
}

std::optional<Result<std::uint64_t>> Client::publish_now(const telemetry::SpanContext& trace, Message& message) {
  if (!capabilities().confirms_at_once) return std::nullopt;
  if (Result<void> good = check(message); !good.ok())
    return Result<std::uint64_t>(std::move(good).error().with_operation("messaging.publish"));
  std::vector<Message> one;
  one.push_back(std::move(message));
  telemetry::Span span = send_span(trace, one);
  inject(span.context(), one);
  const Instant begun = options_.tracer ? options_.tracer.provider()->clock().now() : Instant();
  const std::string topic = options_.tracer ? one.front().topic : std::string();
  Result<std::vector<std::uint64_t>> positions = backend_->publish_now(one);
  const Duration took = options_.tracer ? options_.tracer.provider()->clock().now() - begun : Duration();
  if (!positions.ok()) {
    Error error = std::move(positions).error().with_operation("messaging.publish");
    span.fail(error);
    sent(took, topic, 1, &error, span.context());
    return Result<std::uint64_t>(std::move(error));
  }
  const std::uint64_t position = positions->empty() ? 0 : positions->front();
  if (span.recording()) span.set("messaging.message.id", std::to_string(position));
  sent(took, topic, 1, nullptr, span.context());
  return Result<std::uint64_t>(position);
}

Task<Result<void>> Client::publish_in(net::Caller caller, store::Transaction& transaction, std::vector<Message> messages) {
  if (messages.empty()) co_return Result<void>();
  Result<void> good = messages.size() == 1 ? check(messages.front()) : check(messages);
  if (!good.ok()) co_return std::move(good).error().with_operation("messaging.publish");
  telemetry::Span span = send_span(caller.trace, messages);
  if (capabilities().headers) inject(span.context(), messages);
  Result<bool> done = co_await backend_->publish_in(std::move(caller), transaction, messages);
  if (!done.ok()) {
    span.fail(done.error());
    co_return std::move(done).error();
  }
  if (*done) co_return Result<void>();
  const Document document = outbox_document(messages);
  store::OutboxEntry entry("messaging." + options_.name, "publish", json::to_string(document.root()));
  Result<void> kept = co_await transaction.outbox(std::move(entry));
  if (!kept.ok()) span.fail(kept.error());
  co_return kept;
}

Task<Result<void>> Client::deliver(net::Caller caller, std::string outbox_payload) {
  Result<std::vector<Message>> messages = from_outbox(outbox_payload);
  if (!messages.ok()) co_return std::move(messages).error();
  Result<std::vector<std::uint64_t>> positions = co_await backend_->publish(std::move(caller), std::move(messages).value());
  if (!positions.ok()) co_return std::move(positions).error();
  co_return Result<void>();
}

Result<ConsumerOptions> Client::consumer_options(const services::Consumer& config, const std::string& path) const {
  Result<ConsumerOptions> out = ConsumerOptions::from(config, options_.topics, path);
  if (!out.ok()) return out;
  if (!out->subscribe.pattern.exact() && !capabilities().wildcards) return unsupported("patterns").with("topic", config.topic);
  if (out->subscribe.earliest && !capabilities().replay) return unsupported("replay").with("topic", config.topic);
  if (!out->subscribe.dead_letter.empty() && !capabilities().dead_letters) return unsupported("dead letters");
  // Where the broker does not keep a key's order, the worker loop does, for what is in this process's hands.
  out->work.ordered = config.ordered && !capabilities().key_order;
  return out;
}

Task<Result<std::shared_ptr<Consumer>>> Client::start_consumer(net::Loop& loop, ConsumerOptions options,
                                                               std::shared_ptr<worker_loop::WorkSink> sink) {
  using Started = Result<std::shared_ptr<Consumer>>;
  SubscribeOptions subscribe = options.subscribe;
  Result<std::unique_ptr<Subscription>> subscription = co_await backend_->subscribe(loop, std::move(subscribe));
  if (!subscription.ok()) co_return Started(std::move(subscription).error().with_operation("messaging.start_consumer"));
  Consumer::Instruments instruments{options_.tracer, std::string(backend_->system()), consumed_, process_duration_};
  std::shared_ptr<Consumer> consumer(
      new Consumer(loop, std::move(options), std::move(instruments), std::move(subscription).value(), std::move(sink)));
  co_return Started(std::move(consumer));
}

Task<Result<DeadLetterPage>> Client::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  if (!capabilities().dead_letters) co_return Result<DeadLetterPage>(unsupported("dead letters"));
  query.limit = std::clamp<std::uint32_t>(query.limit, 1, 1000);
  Result<DeadLetterPage> page = co_await backend_->list_dead_letters(std::move(caller), std::move(query));
  co_return page;
}

Task<Result<DeadLetter>> Client::peek_dead_letter(net::Caller caller, std::string topic, std::uint64_t position) {
  DeadLetterQuery query(std::move(topic));
  query.after = position == 0 ? 0 : position - 1;
  query.limit = 1;
  query.payloads = true;
  Result<DeadLetterPage> page = co_await list_dead_letters(std::move(caller), std::move(query));
  if (!page.ok()) co_return Result<DeadLetter>(std::move(page).error());
  if (page->messages.empty() || page->messages.front().position != position) {
    Error missing(ErrorKind::not_found, "no such dead letter");
    co_return Result<DeadLetter>(std::move(missing).with("position", std::to_string(position)));
  }
  co_return Result<DeadLetter>(std::move(page->messages.front()));
}

Task<Result<std::uint64_t>> Client::redrive_dead_letters(net::Caller caller, DeadLetterSelection which, std::string to) {
  if (!capabilities().dead_letters) co_return Result<std::uint64_t>(unsupported("dead letters"));
  if (!to.empty()) {
    if (Result<void> good = check_topic(options_.topics, to); !good.ok())
      co_return Result<std::uint64_t>(std::move(good).error());
  }
  Result<std::uint64_t> count = co_await backend_->redrive(std::move(caller), std::move(which), std::move(to));
  co_return count;
}

Task<Result<std::uint64_t>> Client::purge_dead_letters(net::Caller caller, DeadLetterSelection which) {
  if (!capabilities().dead_letters) co_return Result<std::uint64_t>(unsupported("dead letters"));
  Result<std::uint64_t> count = co_await backend_->purge(std::move(caller), std::move(which));
  co_return count;
}

Task<Result<void>> Client::seek(net::Caller caller, GroupName name, Place place) {
  if (!capabilities().replay) co_return unsupported("replay");
  if (Result<void> good = check_group(name.group); !good.ok()) co_return std::move(good).error();
  Result<TopicPattern> pattern = TopicPattern::compile(options_.topics, name.topic);
  if (!pattern.ok()) co_return std::move(pattern).error();
  Result<void> done =
      co_await backend_->seek(std::move(caller), std::move(pattern).value(), std::move(name.group), std::move(place));
  co_return done;
}

Task<Result<std::vector<GroupInfo>>> Client::groups(net::Caller caller) {
  if (!capabilities().groups) co_return Result<std::vector<GroupInfo>>(unsupported("list of groups"));
  Result<std::vector<GroupInfo>> out = co_await backend_->groups(std::move(caller));
  co_return out;
}

Task<Result<bool>> Client::delete_group(net::Caller caller, GroupName name) {
  if (!capabilities().groups) co_return Result<bool>(unsupported("list of groups"));
  Result<bool> deleted = co_await backend_->delete_group(std::move(caller), std::move(name));
  co_return deleted;
}

}  // namespace spikard::messaging
