#include "net/kafka/cluster.hpp"

#include <algorithm>

#include "net/kafka/error.hpp"

namespace spikard::net::kafka {
namespace {

using Connected = Result<std::shared_ptr<Connection>>;

constexpr std::size_t max_topics = 10'000;  // more are asked for again

Error closed_error() { return Error(ErrorKind::cancelled, "the client of the cluster is closed").with_operation("net.kafka"); }

Result<std::uint16_t> port_of(std::int32_t port) {
  if (port <= 0 || port > 65535) return Error(ErrorKind::corrupt, "a broker names a port that cannot be");
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Task<Result<void>> Backoff::wait() {
  const Duration wait = next_;
  next_ = std::min<Duration>(next_ * 2, std::chrono::seconds(1));
  Result<void> slept = co_await sleep(loop_, wait);
  co_return slept;
}

void Cluster::close() {
  closed_ = true;
  for (auto& [key, slot] : std::exchange(slots_, {})) {
    slot->gone = true;
    slot->failed = closed_error();
    if (slot->connection != nullptr) slot->connection->close(closed_error());
    slot->changed.set();
  }
}

void Cluster::close_lane(std::uint64_t lane) {
  for (auto at = slots_.begin(); at != slots_.end();) {
    if (at->first.second != lane) {
      ++at;
      continue;
    }
    const std::shared_ptr<Slot> slot = at->second;
    slot->gone = true;
    slot->failed = closed_error();
    if (slot->connection != nullptr) slot->connection->close(closed_error());
    slot->changed.set();
    at = slots_.erase(at);
  }
}

Task<> Cluster::open_slot(std::shared_ptr<Cluster> self, std::shared_ptr<Slot> slot, std::string host, std::uint16_t port) {
  const std::shared_ptr<const ConnectionOptions> options = self->options_->connection;
  Connected opened = co_await Connection::open(self->loop_, self->resolver_, options, std::move(host), port);
  slot->opening = false;
  if (!opened.ok()) {
    if (!slot->gone) slot->failed = std::move(opened).error();
  } else if (slot->gone) {
    (*opened)->close(closed_error());
  } else {
    slot->connection = std::move(opened).value();
  }
  slot->changed.set();
}

Task<Connected> Cluster::at(SlotKey key, std::string host, std::uint16_t port) {
  const std::shared_ptr<Cluster> self = shared_from_this();
  if (closed_) co_return Connected(closed_error());
  std::shared_ptr<Slot>& place = slots_[key];
  if (place == nullptr) place = std::make_shared<Slot>(loop_);
  const std::shared_ptr<Slot> slot = place;
  if (slot->connection != nullptr && !slot->connection->broken()) co_return Connected(slot->connection);
  if (!slot->opening) {
    slot->opening = true;
    slot->connection.reset();
    slot->failed.reset();
    slot->changed.reset();
    spawn(open_slot(self, slot, std::move(host), port), [](const std::exception_ptr&) {});
  }
  while (slot->opening && !slot->gone) {
    slot->changed.reset();
    Result<void> waited = co_await slot->changed.wait();
    if (!waited.ok()) co_return Connected(std::move(waited).error());
  }
  if (slot->connection != nullptr && !slot->connection->broken()) co_return Connected(slot->connection);
  if (slot->failed) co_return Connected(*slot->failed);
  co_return Connected(Error(ErrorKind::unavailable, "the connection broke at once").with_operation("net.kafka"));
}

Task<Connected> Cluster::node(std::int32_t id, std::uint64_t lane) {
  const auto known = nodes_.find(id);
  if (known == nodes_.end())
    co_return Connected(
        Error(ErrorKind::unavailable, "broker " + std::to_string(id) + " is not known").with_operation("net.kafka"));
  Result<std::uint16_t> port = port_of(known->second.port);
  if (!port.ok()) co_return Connected(std::move(port).error());
  std::string host = known->second.host;
  Connected out = co_await at(SlotKey(id, lane), std::move(host), *port);
  co_return out;
}

Task<Connected> Cluster::any() {
  const std::shared_ptr<Cluster> self = shared_from_this();
  for (const auto& [key, slot] : slots_) {
    if (key.second == 0 && slot->connection != nullptr && !slot->connection->broken()) co_return Connected(slot->connection);
  }
  std::optional<Error> first;
  std::vector<std::int32_t> ids;
  for (const auto& [id, known] : nodes_) ids.push_back(id);
  if (!ids.empty()) std::rotate(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(turn_++ % ids.size()), ids.end());
  for (const std::int32_t id : ids) {
    Connected out = co_await node(id);
    if (out.ok() || out.error().kind() == ErrorKind::cancelled) co_return out;
    if (!first) first.emplace(std::move(out).error());
  }
  std::int32_t number = -2;
  for (const auto& [host, port] : options_->bootstrap) {
    const SlotKey key(number--, 0);
    Connected out = co_await at(key, host, port);
    if (out.ok() || out.error().kind() == ErrorKind::cancelled) co_return out;
    if (!first) first.emplace(std::move(out).error());
  }
  co_return Connected(*std::move(first));
}

Task<Connected> Cluster::controller() {
  if (nodes_.contains(controller_)) {
    Connected out = co_await node(controller_);
    if (out.ok()) co_return out;
  }
  Connected out = co_await any();
  co_return out;
}

void Cluster::learn(const MetadataAnswer& answer) {
  if (!answer.brokers.empty()) {
    nodes_.clear();
    for (const Node& one : answer.brokers) nodes_[one.id] = one;
  }
  controller_ = answer.controller;
  for (const MetadataAnswer::Topic& topic : answer.topics) {
    if (topic.error != code_ok) {
      topics_.erase(topic.name);
      continue;
    }
    if (topics_.size() >= max_topics) topics_.clear();
    TopicInfo info;
    info.partitions.resize(topic.partitions.size());
    for (const MetadataAnswer::Partition& one : topic.partitions) {
      if (one.id < 0 || static_cast<std::size_t>(one.id) >= info.partitions.size()) continue;
      info.partitions[static_cast<std::size_t>(one.id)] = {one.leader, one.leader_epoch};
    }
    topics_[topic.name] = std::move(info);
  }
}

Task<Result<MetadataAnswer>> Cluster::metadata(std::vector<std::string> topics) {
  const std::shared_ptr<Cluster> self = shared_from_this();
  Connected connection = co_await any();
  if (!connection.ok()) co_return Result<MetadataAnswer>(std::move(connection).error());
  MetadataRequest request;
  request.topics = std::move(topics);
  Result<MetadataAnswer> answer = co_await call<MetadataAnswer>(std::move(connection).value(), std::move(request));
  if (answer.ok()) learn(*answer);
  co_return answer;
}

Task<Result<TopicInfo>> Cluster::refresh(std::string name) {
  Backoff backoff(loop_);
  for (int attempt = 0;; ++attempt) {
    std::vector<std::string> names{name};
    Result<MetadataAnswer> answer = co_await metadata(std::move(names));
    if (!answer.ok()) co_return Result<TopicInfo>(std::move(answer).error());
    std::int16_t code = code_unknown_topic;
    for (const MetadataAnswer::Topic& one : answer->topics) {
      if (one.name == name) code = one.error;
    }
    if (code == code_ok) {
      const TopicInfo& info = topics_[name];
      const bool led = std::all_of(info.partitions.begin(), info.partitions.end(), [](const auto& p) { return p.node >= 0; });
      if ((led && !info.partitions.empty()) || attempt >= 5) co_return Result<TopicInfo>(info);
    } else if (code != code_leader_not_available || attempt >= 5) {
      Error missing = broker_error(code, "topic " + name);
      co_return Result<TopicInfo>(std::move(missing).with("topic", name));
    }
    Result<void> slept = co_await backoff.wait();
    if (!slept.ok()) co_return Result<TopicInfo>(std::move(slept).error());
  }
}

const TopicInfo* Cluster::known(const std::string& name) const {
  const auto at = topics_.find(name);
  return at == topics_.end() ? nullptr : &at->second;
}

Task<Result<TopicInfo>> Cluster::topic(std::string name) {
  if (const TopicInfo* info = known(name)) co_return Result<TopicInfo>(*info);
  Result<TopicInfo> out = co_await refresh(std::move(name));
  co_return out;
}

Task<Result<TopicInfo>> Cluster::ensure(std::string name) {
  TopicSettings settings = options_->topics;
  Result<TopicInfo> out = co_await ensure_as(std::move(name), std::move(settings));
  co_return out;
}

Task<Result<TopicInfo>> Cluster::ensure_as(std::string name, TopicSettings settings) {
  const std::shared_ptr<Cluster> self = shared_from_this();
  Result<TopicInfo> there = co_await topic(name);
  if (there.ok() || there.error().kind() != ErrorKind::not_found || !settings.create) co_return there;
  Connected connection = co_await controller();
  if (!connection.ok()) co_return Result<TopicInfo>(std::move(connection).error());
  CreateTopicsRequest request;
  CreateTopicsRequest::Topic& made = request.topics.emplace_back();
  made.name = name;
  made.partitions = settings.partitions;
  made.replication = settings.replication;
  made.configs = std::move(settings.configs);
  Result<CreateTopicsAnswer> answer = co_await call<CreateTopicsAnswer>(std::move(connection).value(), std::move(request));
  if (!answer.ok()) co_return Result<TopicInfo>(std::move(answer).error());
  for (const TopicsAnswer::Topic& one : answer->topics) {
    if (one.error == code_ok || one.error == code_topic_exists) continue;
    Error why = broker_error(one.error, "creating topic " + name);
    if (!one.message.empty()) why = std::move(why).with("reason", one.message);
    co_return Result<TopicInfo>(std::move(why));
  }
  // The brokers hear of it one after another.
  Backoff backoff(loop_);
  for (int attempt = 0;; ++attempt) {
    Result<TopicInfo> out = co_await refresh(name);
    if (out.ok() || out.error().kind() != ErrorKind::not_found || attempt >= 20) co_return out;
    Result<void> slept = co_await backoff.wait();
    if (!slept.ok()) co_return Result<TopicInfo>(std::move(slept).error());
  }
}

Task<Connected> Cluster::leader(TopicPartition of, std::uint64_t lane) {
  const std::shared_ptr<Cluster> self = shared_from_this();
  Result<TopicInfo> info = co_await topic(of.topic);
  if (!info.ok()) co_return Connected(std::move(info).error());
  const auto number = static_cast<std::size_t>(of.partition);
  if (of.partition < 0 || number >= info->partitions.size())
    co_return Connected(Error(ErrorKind::not_found, "no such partition").with("topic", of.topic));
  if (info->partitions[number].node < 0) {
    forget_topic(of.topic);
    co_return Connected(Error(ErrorKind::unavailable, "the partition has no leader now").with("topic", of.topic));
  }
  Connected out = co_await node(info->partitions[number].node, lane);
  if (!out.ok()) forget_topic(of.topic);
  co_return out;
}

Task<Connected> Cluster::coordinator(std::string group, std::uint64_t lane) {
  const std::shared_ptr<Cluster> self = shared_from_this();
  auto known = coordinators_.find(group);
  if (known == coordinators_.end()) {
    Connected connection = co_await any();
    if (!connection.ok()) co_return connection;
    FindCoordinatorRequest request;
    request.group = group;
    Result<FindCoordinatorAnswer> answer =
        co_await call<FindCoordinatorAnswer>(std::move(connection).value(), std::move(request));
    if (!answer.ok()) co_return Connected(std::move(answer).error());
    if (answer->error != code_ok) co_return Connected(broker_error(answer->error, "FindCoordinator"));
    if (coordinators_.size() >= max_topics) coordinators_.clear();
    nodes_[answer->node.id] = answer->node;
    known = coordinators_.insert_or_assign(group, answer->node).first;
  }
  Result<std::uint16_t> port = port_of(known->second.port);
  if (!port.ok()) co_return Connected(std::move(port).error());
  std::string host = known->second.host;
  const SlotKey key(known->second.id, lane);
  Connected out = co_await at(key, std::move(host), *port);
  if (!out.ok()) forget_coordinator(group);
  co_return out;
}

Task<Result<std::int64_t>> Cluster::list_offset(TopicPartition of, std::int64_t timestamp) {
  using Offset = Result<std::int64_t>;
  const std::shared_ptr<Cluster> self = shared_from_this();
  Backoff backoff(loop_);
  std::optional<Error> last;
  for (int attempt = 0; attempt < 8; ++attempt) {
    if (attempt > 0) {
      Result<void> slept = co_await backoff.wait();
      if (!slept.ok()) co_return Offset(std::move(slept).error());
    }
    Connected connection = co_await leader(of);
    if (!connection.ok()) {
      last.emplace(std::move(connection).error());
      if (last->retry() != RetryClass::temporary) break;
      continue;
    }
    ListOffsetsRequest request;
    ListOffsetsRequest::Topic& topic = request.topics.emplace_back();
    topic.name = of.topic;
    topic.partitions.push_back({of.partition, timestamp});
    Result<ListOffsetsAnswer> answer = co_await call<ListOffsetsAnswer>(std::move(connection).value(), std::move(request));
    if (!answer.ok()) {
      last.emplace(std::move(answer).error());
      forget_topic(of.topic);
      if (last->kind() == ErrorKind::cancelled) break;
      continue;
    }
    if (answer->partitions.size() != 1) co_return Offset(Error(ErrorKind::corrupt, "ListOffsets: not what was asked for"));
    const std::int16_t code = answer->partitions.front().error;
    if (code == code_ok) co_return Offset(answer->partitions.front().offset);
    last.emplace(broker_error(code, "ListOffsets"));
    if (code_moved(code)) forget_topic(of.topic);
    if (!code_retriable(code)) break;
  }
  co_return Offset(*std::move(last));
}

Task<Result<std::map<std::int32_t, std::int64_t>>> Cluster::list_offsets(std::string name, std::int64_t timestamp) {
  using Offsets = Result<std::map<std::int32_t, std::int64_t>>;
  const std::shared_ptr<Cluster> self = shared_from_this();
  Result<TopicInfo> info = co_await topic(name);
  if (!info.ok()) co_return Offsets(std::move(info).error());
  std::map<std::int32_t, std::int64_t> out;
  for (std::size_t i = 0; i < info->partitions.size(); ++i) {
    TopicPartition one{name, static_cast<std::int32_t>(i)};
    Result<std::int64_t> offset = co_await list_offset(one, timestamp);
    if (!offset.ok()) co_return Offsets(std::move(offset).error());
    out.emplace(one.partition, *offset);
  }
  co_return Offsets(std::move(out));
}

Task<Result<std::vector<std::string>>> Cluster::groups() {
  using Ids = Result<std::vector<std::string>>;
  const std::shared_ptr<Cluster> self = shared_from_this();
  Result<MetadataAnswer> brokers = co_await metadata(std::vector<std::string>());
  if (!brokers.ok()) co_return Ids(std::move(brokers).error());
  std::vector<std::string> out;
  for (const Node& broker : brokers->brokers) {
    Connected connection = co_await node(broker.id);
    if (!connection.ok()) co_return Ids(std::move(connection).error());
    ListGroupsRequest request;
    Result<ListGroupsAnswer> answer = co_await call<ListGroupsAnswer>(std::move(connection).value(), request);
    if (!answer.ok()) co_return Ids(std::move(answer).error());
    if (answer->error != code_ok) co_return Ids(broker_error(answer->error, "ListGroups"));
    for (ListGroupsAnswer::Group& one : answer->groups) {
      if (one.protocol_type == "consumer" || one.protocol_type.empty()) out.push_back(std::move(one.id));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  co_return Ids(std::move(out));
}

}  // namespace spikard::net::kafka
