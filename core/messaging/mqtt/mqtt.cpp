#include "messaging/mqtt/mqtt.hpp"

#include <algorithm>
#include <future>
#include <unordered_map>

#include "messaging/registry.hpp"
#include "net/await.hpp"
#include "net/signing/hash.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::messaging::mqtt {
namespace {

using net::mqtt::Publish;
using net::mqtt::Version;

constexpr std::chrono::seconds publisher_session{300};  // long enough for a QoS 2 message to survive a broken connection
constexpr std::uint32_t page = 500;                     // dead letters looked at, at once

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("messaging.mqtt"); }

/// Where a caller waits, on its loop. The other side holds it weakly: a caller may have gone.
struct Answer {
  explicit Answer(net::Loop& loop) : done(loop) {}
  net::Event done;
  Result<void> value;
};

/// Of several: done with the last, says the first failure.
struct All {
  All(std::size_t count, Inbox::Done of_done) : open(count), done(std::move(of_done)) {}
  std::size_t open;
  Inbox::Done done;
  std::optional<Error> first{};
  void one(Result<void> how) {
    if (!how.ok() && !first) first = std::move(how).error();
    if (--open > 0) return;
    done(first ? Result<void>(std::move(*first)) : Result<void>());
  }
};

/// MQTT 3.1.1 has no place for them, and they are only for those who can.
void without_headers(Message& message) {
  message.headers.clear();
  message.key.reset();
}

}  // namespace

/// A consumer's place in the store's group, which the group's inbox fills.
class MqttSubscription final : public Subscription {
 public:
  MqttSubscription(net::Loop& loop, std::shared_ptr<MqttBackend> backend, SubscribeOptions options, std::shared_ptr<Inbox> inbox,
                   std::unique_ptr<Subscription> inner)
      : loop_(loop),
        backend_(std::move(backend)),
        options_(std::move(options)),
        inbox_(std::move(inbox)),
        inner_(std::move(inner)) {}
  ~MqttSubscription() override {
    if (inbox_ == nullptr) return;
    backend_->wire_->loop().post([inbox = std::move(inbox_)] { inbox->leave([](const Result<void>&) {}); });
  }

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override {
    using Items = Result<std::vector<worker_loop::WorkItem>>;
    Items items = co_await inner_->pull(max);
    if (!items.ok()) co_return items;
    for (worker_loop::WorkItem& one : *items) {
      one.name = std::string(MqttBackend::real_topic(one.name));
      if (options_.dead_letter.empty()) continue;
      Message& held = held_[one.id];
      held = Message(one.name, one.payload);
      if (one.has_key) held.key = one.key;
      held.headers = one.headers;
    }
    co_return items;
  }

  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override {
    using Ids = Result<std::vector<std::uint64_t>>;
    std::vector<worker_loop::Settlement> ours(settlements.begin(), settlements.end());
    Ids lost = std::vector<std::uint64_t>();
    if (!options_.dead_letter.empty()) {
      lost = co_await publish_dead(ours);
      if (!lost.ok()) co_return lost;
      std::erase_if(ours, [&](const auto& one) { return std::find(lost->begin(), lost->end(), one.id) != lost->end(); });
    }
    Ids not_ours = co_await inner_->settle(ours);
    if (!not_ours.ok()) co_return not_ours;
    for (const worker_loop::Settlement& one : settlements) {
      if (one.kind != worker_loop::Settlement::Kind::keep) held_.erase(one.id);
    }
    for (const std::uint64_t id : *not_ours) held_.erase(id);
    not_ours->insert(not_ours->end(), lost->begin(), lost->end());
    co_return not_ours;
  }

  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override {
    Result<std::vector<std::uint64_t>> lost = co_await inner_->extend(ids);
    if (lost.ok()) {
      for (const std::uint64_t id : *lost) held_.erase(id);
    }
    co_return lost;
  }
  Duration lease() const noexcept override { return inner_->lease(); }

  Task<Result<void>> close() override {
    Result<void> left = co_await inner_->close();
    if (inbox_ == nullptr) co_return left;
    auto leave = [inbox = std::move(inbox_)](Inbox::Done done) { inbox->leave(std::move(done)); };
    Result<void> gone = co_await backend_->on_wire(loop_, std::move(leave));
    co_return left.ok() ? gone : left;
  }

 private:
  /// The topic of dead letters has them, confirmed, before the store gives them up. Returns those that are not ours any more.
  Task<Result<std::vector<std::uint64_t>>> publish_dead(const std::vector<worker_loop::Settlement>& settlements) {
    using Ids = Result<std::vector<std::uint64_t>>;
    std::vector<std::uint64_t> dead;
    for (const worker_loop::Settlement& one : settlements) {
      if (one.kind == worker_loop::Settlement::Kind::dead_letter && held_.contains(one.id)) dead.push_back(one.id);
    }
    if (dead.empty()) co_return Ids(std::vector<std::uint64_t>());
    Ids lost = co_await inner_->extend(dead);
    if (!lost.ok()) co_return lost;
    std::vector<Publish> letters;
    for (const worker_loop::Settlement& one : settlements) {
      if (one.kind != worker_loop::Settlement::Kind::dead_letter) continue;
      const auto held = held_.find(one.id);
      if (held == held_.end() || std::find(lost->begin(), lost->end(), one.id) != lost->end()) continue;
      Message letter =
          dead_letter_of(held->second, options_.dead_letter, given_up_of(options_.group, one), backend_->clock_.wall());
      if (!backend_->capabilities_.headers) without_headers(letter);
      Result<Publish> packet = to_publish(std::move(letter), backend_->setup_.options);
      if (!packet.ok()) co_return Ids(std::move(packet).error());
      letters.push_back(std::move(*packet));
    }
    if (!letters.empty()) {
      Result<void> sent = co_await backend_->send(loop_, std::move(letters));
      if (!sent.ok()) co_return Ids(std::move(sent).error());
    }
    co_return lost;
  }

  net::Loop& loop_;
  const std::shared_ptr<MqttBackend> backend_;
  const SubscribeOptions options_;
  std::shared_ptr<Inbox> inbox_;  // null once it has left
  const std::unique_ptr<Subscription> inner_;
  std::unordered_map<std::uint64_t, Message> held_;  // for the topic of dead letters
};

MqttBackend::MqttBackend(Clock& clock, Setup setup)
    : clock_(clock), setup_(std::move(setup)), space_("$mqtt/" + setup_.name + "/") {
  capabilities_ = setup_.store->capabilities();
  capabilities_.at_least_once = setup_.options.qos > 0;
  capabilities_.replay = false;
  capabilities_.positions = false;
  capabilities_.batch_atomic = false;
  capabilities_.groups = false;
  capabilities_.confirms_at_once = false;
  capabilities_.recalls = false;
  capabilities_.wildcards = true;
  capabilities_.styles = PatternStyles::mqtt;
  capabilities_.shared = setup_.options.share;
  // The processes of a shared subscription have a store each.
  capabilities_.key_order = capabilities_.key_order && !setup_.options.share;
  capabilities_.headers = setup_.options.client.version == Version::v5;
}

MqttBackend::~MqttBackend() {
  if (wire_ == nullptr) return;
  std::vector<std::shared_ptr<Inbox>> all = inboxes();
  std::promise<void> promise;
  std::future<void> stopped = promise.get_future();
  wire_->loop().post([&] {
    const auto open = std::make_shared<std::size_t>(all.size() + 1);
    const auto one = [open, &promise] {
      if (--*open == 0) promise.set_value();
    };
    for (const std::shared_ptr<Inbox>& each : all) each->stop(one);
    if (publisher_ == nullptr) one();
    else publisher_->stop(one);
  });
  stopped.wait();
  wire_->stop();
  // On no thread now: what they have goes with the loop still there.
  publisher_.reset();
  all.clear();
  inboxes_.clear();
}

Result<std::shared_ptr<Backend>> MqttBackend::open(Clock& clock, Setup setup) {
  std::shared_ptr<MqttBackend> made(new MqttBackend(clock, std::move(setup)));
  if (Result<void> up = made->connect(); !up.ok()) return std::move(up).error();
  return std::shared_ptr<Backend>(std::move(made));
}

Result<void> MqttBackend::connect() {
  Result<std::unique_ptr<net::ServiceThread>> thread = net::ServiceThread::start(real_clock_, "spikard-mqtt");
  if (!thread.ok()) return std::move(thread).error();
  wire_ = std::move(*thread);
  net::mqtt::ClientOptions options = setup_.options.client;
  // A name that nobody else has: nothing of it is to outlive the process.
  options.client_id =
      (setup_.options.own_client_id ? options.client_id : "spikard") + "-out-" + net::signing::hex(net::signing::random_bytes(4));
  // Nothing of an earlier process: packet identifiers begin anew.
  options.clean_start = true;
  options.session_expiry = publisher_session;
  std::promise<Result<void>> promise;
  std::future<Result<void>> up = promise.get_future();
  wire_->loop().post([&, this] {
    publisher_ = std::make_shared<net::mqtt::Client>(wire_->loop(), std::move(options));
    publisher_->start([&promise](Result<void> how) { promise.set_value(std::move(how)); });
  });
  return up.get();
}

Task<Result<void>> MqttBackend::on_wire(net::Loop& loop, Function<void(Done)> work) {
  const net::Busy busy(clock_);
  auto answer = std::make_shared<Answer>(loop);
  wire_->loop().post([work = std::move(work), weak = std::weak_ptr(answer), mailbox = loop.mailbox()]() mutable {
    work([weak = std::move(weak), mailbox = std::move(mailbox)](Result<void> how) {
      mailbox->post([weak, how = std::move(how)]() mutable {
        const auto still = weak.lock();
        if (still == nullptr) return;
        still->value = std::move(how);
        still->done.set();
      });
    });
  });
  Result<void> waited = co_await answer->done.wait();
  if (!waited.ok()) co_return waited;
  co_return std::move(answer->value);
}

Task<Result<void>> MqttBackend::send(net::Loop& loop, std::vector<Publish> messages) {
  const std::size_t count = messages.size();
  auto work = [this, messages = std::move(messages)](Done done) mutable {
    const auto all = std::make_shared<All>(messages.size(), std::move(done));
    for (Publish& one : messages) publisher_->publish(std::move(one), [all](Result<void> how) { all->one(std::move(how)); });
  };
  Result<void> sent = co_await on_wire(loop, std::move(work));
  if (!sent.ok()) co_return sent;
  published_.fetch_add(count, std::memory_order_relaxed);
  // The broker's part takes no virtual time.
  if (clock_.is_virtual()) sent = co_await settle(loop);
  co_return sent;
}

Task<Result<void>> MqttBackend::settle(net::Loop& loop) {
  for (const std::shared_ptr<Inbox>& one : inboxes()) {
    auto work = [one](Done done) { one->settle(std::move(done)); };
    Result<void> settled = co_await on_wire(loop, std::move(work));
    if (!settled.ok()) co_return settled;
  }
  co_return Result<void>();
}

Task<Result<std::vector<std::uint64_t>>> MqttBackend::publish(net::Caller caller, std::vector<Message> messages) {
  using Positions = Result<std::vector<std::uint64_t>>;
  const std::shared_ptr<MqttBackend> self = shared_from_this();
  std::vector<Publish> packets;
  packets.reserve(messages.size());
  for (Message& one : messages) {
    Result<Publish> packet = to_publish(std::move(one), setup_.options);
    if (!packet.ok()) co_return Positions(std::move(packet).error());
    packets.push_back(std::move(*packet));
  }
  Result<void> sent = co_await self->send(*caller.loop, std::move(packets));
  if (!sent.ok()) co_return Positions(std::move(sent).error());
  co_return Positions(std::vector<std::uint64_t>());
}

std::string MqttBackend::queue_of(const std::string& group, const TopicPattern& pattern) const {
  return space_ + short_hash(group + "\n" + pattern.text()) + "/";
}

std::string_view MqttBackend::real_topic(std::string_view store_topic) noexcept {
  // Behind the third slash: `$mqtt/NAME/QUEUE/TOPIC`. A name has none.
  for (int i = 0; i < 3; ++i) {
    const std::size_t slash = store_topic.find('/');
    if (slash == std::string_view::npos) return store_topic;
    store_topic.remove_prefix(slash + 1);
  }
  return store_topic;
}

Result<std::shared_ptr<Inbox>> MqttBackend::inbox(const std::string& group, const TopicPattern& pattern) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Inbox>& one = inboxes_[{group, pattern.text()}];
  if (one != nullptr) return one;
  if (!instance_) {
    Result<Instance> claimed = setup_.options.own_client_id ? Instance::named(setup_.options.client.client_id)
                                                            : Instance::claim(setup_.store_url, setup_.name);
    if (!claimed.ok()) return std::move(claimed).error();
    instance_.emplace(std::move(*claimed));
  }
  Inbox::Setup setup;
  setup.client = setup_.options.client;
  setup.client.client_id = instance_->name() + "-" + short_hash(group + "\n" + pattern.text());
  setup.client.will.reset();
  if (!instance_->lasting()) {
    // Nobody will come back under this name.
    setup.client.clean_start = true;
    setup.client.session_expiry = std::min(setup.client.session_expiry, publisher_session);
  }
  setup.filter = filter_of(group, pattern.text(), setup_.options);
  setup.store_topic = queue_of(group, pattern);
  one = std::make_shared<Inbox>(wire_->loop(), clock_, setup_.options, std::move(setup), setup_.store);
  return one;
}

std::vector<std::shared_ptr<Inbox>> MqttBackend::inboxes() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Inbox>> out;
  out.reserve(inboxes_.size());
  for (const auto& [name, one] : inboxes_) {
    if (one != nullptr) out.push_back(one);
  }
  return out;
}

Task<Result<std::unique_ptr<Subscription>>> MqttBackend::subscribe(net::Loop& loop, SubscribeOptions options) {
  using Made = Result<std::unique_ptr<Subscription>>;
  const std::shared_ptr<MqttBackend> self = shared_from_this();
  if (!options.pattern.exact() && options.pattern.style() != TopicStyle::mqtt)
    co_return Made(error(ErrorKind::unsupported, "topic: an MQTT broker knows the wildcards `+` and `#`")
                       .with("topic", options.pattern.text()));
  const std::string filter = filter_of(options.group, options.pattern.text(), setup_.options);
  if (!net::mqtt::is_filter(filter) || !net::mqtt::is_plain_text(filter))
    co_return Made(invalid_argument("topic: none that MQTT takes").with("topic", options.pattern.text()));
  // The store's group is there before the first message.
  const std::string queue = queue_of(options.group, options.pattern);
  Result<TopicPattern> pattern = options.pattern.exact() ? TopicPattern::topic(queue + options.pattern.text())
                                                         : TopicPattern::compile(TopicStyle::mqtt, queue + "#");
  if (!pattern.ok()) co_return Made(std::move(pattern).error());
  SubscribeOptions kept = options;
  kept.pattern = std::move(*pattern);
  kept.earliest = false;
  if (!kept.dead_letter.empty()) kept.dead_letter = dead_topic(options.dead_letter);
  Made inner = co_await setup_.store->subscribe(loop, std::move(kept));
  if (!inner.ok()) co_return inner;
  Result<std::shared_ptr<Inbox>> found = inbox(options.group, options.pattern);
  if (!found.ok()) co_return Made(std::move(found).error());
  const std::shared_ptr<Inbox> from = std::move(*found);
  auto use = [from](Done done) { from->use(std::move(done)); };
  Result<void> used = co_await on_wire(loop, std::move(use));
  if (!used.ok()) {
    // Given up half-way, it may be in use by now.
    if (used.error().kind() == ErrorKind::cancelled) wire_->loop().post([from] { from->leave([](const Result<void>&) {}); });
    co_return Made(std::move(used).error());
  }
  std::unique_ptr<Subscription> made =
      std::make_unique<MqttSubscription>(loop, self, std::move(options), from, std::move(*inner));
  if (clock_.is_virtual()) {
    Result<void> settled = co_await settle(loop);
    if (!settled.ok()) co_return Made(std::move(settled).error());
  }
  co_return Made(std::move(made));
}

Task<Result<DeadLetterPage>> MqttBackend::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  query.topic = dead_topic(query.topic);
  Result<DeadLetterPage> found = co_await setup_.store->list_dead_letters(std::move(caller), std::move(query));
  if (!found.ok()) co_return found;
  for (DeadLetter& one : found->messages) {
    one.message.topic = std::string(real_topic(one.message.topic));
    for (auto& [name, value] : one.message.headers) {
      if (name == original_topic_header) value = std::string(real_topic(value));
    }
  }
  co_return found;
}

Task<Result<std::uint64_t>> MqttBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  using Count = Result<std::uint64_t>;
  const std::shared_ptr<MqttBackend> self = shared_from_this();
  if (to.empty()) {
    // To the queue that it came from.
    which.topic = dead_topic(which.topic);
    Count count = co_await setup_.store->redrive(std::move(caller), std::move(which), std::move(to));
    co_return count;
  }
  // What becomes a dead letter meanwhile, one of these again perhaps, is none of all.
  std::vector<std::uint64_t> positions;
  if (which.positions) {
    positions = *which.positions;
  } else {
    DeadLetterQuery query(which.topic);
    query.limit = page;
    for (bool more = true; more;) {
      DeadLetterQuery next = query;
      Result<DeadLetterPage> found = co_await list_dead_letters(caller, std::move(next));
      if (!found.ok()) co_return Count(std::move(found).error());
      for (const DeadLetter& one : found->messages) positions.push_back(one.position);
      more = found->more && !found->messages.empty();
      if (more) query.after = positions.back();
    }
  }
  std::uint64_t count = 0;
  for (const std::uint64_t position : positions) {
    DeadLetterQuery query(which.topic);
    query.after = position == 0 ? 0 : position - 1;
    query.limit = 1;
    query.payloads = true;
    Result<DeadLetterPage> found = co_await list_dead_letters(caller, std::move(query));
    if (!found.ok()) co_return Count(std::move(found).error());
    if (found->messages.empty() || found->messages.front().position != position) continue;
    std::optional<Redriven> back = redriven(std::move(found->messages.front().message), to);
    if (!back) continue;
    if (!capabilities_.headers) without_headers(back->message);
    std::vector<Message> one;
    one.push_back(std::move(back->message));
    Result<std::vector<std::uint64_t>> sent = co_await publish(caller, std::move(one));
    if (!sent.ok()) co_return Count(std::move(sent).error());
    DeadLetterSelection sent_one(which.topic, std::vector<std::uint64_t>{position});
    Count gone = co_await purge(caller, std::move(sent_one));
    if (!gone.ok()) co_return gone;
    count += *gone;
  }
  co_return Count(count);
}

Task<Result<std::uint64_t>> MqttBackend::purge(net::Caller caller, DeadLetterSelection which) {
  which.topic = dead_topic(which.topic);
  Result<std::uint64_t> count = co_await setup_.store->purge(std::move(caller), std::move(which));
  co_return count;
}

Task<Result<void>> MqttBackend::seek(net::Caller, TopicPattern, std::string, Place) {
  co_return error(ErrorKind::unsupported, "an MQTT broker keeps nothing to replay");
}
Task<Result<std::vector<GroupInfo>>> MqttBackend::groups(net::Caller) {
  co_return Result<std::vector<GroupInfo>>(error(ErrorKind::unsupported, "an MQTT broker does not list its groups"));
}
Task<Result<bool>> MqttBackend::delete_group(net::Caller, GroupName) {
  co_return Result<bool>(error(ErrorKind::unsupported, "an MQTT broker does not list its groups"));
}

BackendCounts MqttBackend::counts() const noexcept {
  BackendCounts out = setup_.store->counts();
  out.published = published_.load(std::memory_order_relaxed);
  return out;
}

void register_mqtt(Registry& registry) {
  const auto open = [&registry](const services::MessagingConfig& config,
                                const Environment& environment) -> Result<std::shared_ptr<Backend>> {
    MqttBackend::Setup setup;
    setup.name = environment.name;
    Result<MqttOptions> options = MqttOptions::parse(config.url);
    if (!options.ok()) return std::move(options).error();
    setup.options = std::move(*options);
    if (!config.store.starts_with("sqlite:") && !config.store.starts_with("memory:"))
      return invalid_argument("store: expected `sqlite:FILE`, or `memory:` for what may be lost");
    services::MessagingConfig kept = config;
    kept.url = config.store;
    kept.retention_ms = 0;  // nobody replays it
    Result<std::shared_ptr<Backend>> store = registry.open(kept, environment);
    if (!store.ok()) return Error(store.error().kind(), "store: " + store.error().message());
    setup.store = std::move(*store);
    setup.store_url = config.store;
    return MqttBackend::open(*environment.clock, std::move(setup));
  };
  registry.add("mqtt", open);
  registry.add("mqtts", open);
}

}  // namespace spikard::messaging::mqtt
