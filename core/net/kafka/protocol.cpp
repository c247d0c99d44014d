#include "net/kafka/protocol.hpp"

#include <array>

#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {
namespace {

constexpr std::size_t max_topic_name = 249;  // Kafka's limit; each partition copies it

// The oldest of each that has what this client needs (static membership: Kafka 2.3), up to one with compact fields.
constexpr std::array apis{
    Api{ApiKey::produce, 7, 9, 9},          Api{ApiKey::fetch, 11, 12, 12},          Api{ApiKey::list_offsets, 5, 6, 6},
    Api{ApiKey::metadata, 7, 9, 9},         Api{ApiKey::offset_commit, 7, 8, 8},     Api{ApiKey::offset_fetch, 5, 7, 6},
    Api{ApiKey::find_coordinator, 2, 3, 3}, Api{ApiKey::join_group, 5, 7, 6},        Api{ApiKey::heartbeat, 3, 4, 4},
    Api{ApiKey::leave_group, 3, 4, 4},      Api{ApiKey::sync_group, 3, 5, 4},        Api{ApiKey::describe_groups, 4, 5, 5},
    Api{ApiKey::list_groups, 2, 3, 3},      Api{ApiKey::sasl_handshake, 1, 1, 99},   Api{ApiKey::api_versions, 0, 0, 3},
    Api{ApiKey::create_topics, 4, 5, 5},    Api{ApiKey::delete_topics, 3, 4, 4},     Api{ApiKey::delete_records, 1, 2, 2},
    Api{ApiKey::init_producer_id, 1, 2, 2}, Api{ApiKey::sasl_authenticate, 1, 2, 2}, Api{ApiKey::delete_groups, 1, 2, 2},
    Api{ApiKey::offset_delete, 0, 0, 99},
};

bool flexible(ApiKey key, std::int16_t version) noexcept { return version >= api(key).flexible; }

Error malformed(ApiKey key) {
  return {ErrorKind::corrupt, "an answer of the broker does not parse (" + std::string(name_of(key)) + ")"};
}

/// One body.
struct Out {
  Out(ApiKey key, std::int16_t version) : w(text, flexible(key, version)) {}
  std::string text;
  Writer w;
};

std::string text_of(std::string_view v) { return std::string(v); }

template <class Topics, class Each>
void write_topics(Writer& w, const Topics& topics, Each each) {
  w.array(topics.size());
  for (const auto& topic : topics) {
    w.string(topic.name);
    w.array(topic.partitions.size());
    for (const auto& one : topic.partitions) {
      each(one);
      w.tags();
    }
    w.tags();
  }
}

/// Topics with partitions: `each` reads one partition but for its tags.
template <class Each>
void read_topics(Reader& r, Each each) {
  for (std::size_t topics = r.array(3); topics > 0 && r.ok(); --topics) {
    const std::string name = text_of(r.string());
    if (name.size() > max_topic_name) r.fail();
    for (std::size_t parts = r.array(4); parts > 0 && r.ok(); --parts) {
      each(name);
      r.tags();
    }
    r.tags();
  }
}

template <class T>
Result<T> done(Reader& r, ApiKey key, T out) {
  if (!r.ok()) return malformed(key);
  return out;
}

}  // namespace

const Api& api(ApiKey key) noexcept {
  for (const Api& one : apis) {
    if (one.key == key) return one;
  }
  return apis.front();
}

std::string_view name_of(ApiKey key) noexcept {
  switch (key) {
    case ApiKey::produce: return "Produce";
    case ApiKey::fetch: return "Fetch";
    case ApiKey::list_offsets: return "ListOffsets";
    case ApiKey::metadata: return "Metadata";
    case ApiKey::offset_commit: return "OffsetCommit";
    case ApiKey::offset_fetch: return "OffsetFetch";
    case ApiKey::find_coordinator: return "FindCoordinator";
    case ApiKey::join_group: return "JoinGroup";
    case ApiKey::heartbeat: return "Heartbeat";
    case ApiKey::leave_group: return "LeaveGroup";
    case ApiKey::sync_group: return "SyncGroup";
    case ApiKey::describe_groups: return "DescribeGroups";
    case ApiKey::list_groups: return "ListGroups";
    case ApiKey::sasl_handshake: return "SaslHandshake";
    case ApiKey::api_versions: return "ApiVersions";
    case ApiKey::create_topics: return "CreateTopics";
    case ApiKey::delete_topics: return "DeleteTopics";
    case ApiKey::delete_records: return "DeleteRecords";
    case ApiKey::init_producer_id: return "InitProducerId";
    case ApiKey::sasl_authenticate: return "SaslAuthenticate";
    case ApiKey::delete_groups: return "DeleteGroups";
    case ApiKey::offset_delete: return "OffsetDelete";
  }
  return "unknown";
}

std::string frame(ApiKey key, std::int16_t version, std::int32_t correlation, std::string_view client_id, std::string_view body) {
  std::string out;
  out.reserve(16 + client_id.size() + body.size());
  Writer w(out, false);
  const bool tags = flexible(key, version);
  w.i32(static_cast<std::int32_t>(10 + client_id.size() + (tags ? 1 : 0) + body.size()));
  w.i16(static_cast<std::int16_t>(key));
  w.i16(version);
  w.i32(correlation);
  w.string(client_id);  // never compact
  if (tags) w.i8(0);
  w.raw(body);
  return out;
}

Result<Answer> open_answer(ApiKey key, std::int16_t version, std::string_view answer) {
  // That of ApiVersions never has tags, for it comes before one knows what the other speaks.
  Reader r(answer, key != ApiKey::api_versions && flexible(key, version));
  Answer out;
  out.correlation = r.i32();
  r.tags();
  out.body = r.rest();
  return done(r, key, out);
}

Result<ApiVersionsAnswer> ApiVersionsAnswer::read(std::string_view body, std::int16_t) {
  Reader r(body, false);
  ApiVersionsAnswer out;
  out.error = r.i16();
  for (std::size_t n = r.array(6); n > 0 && r.ok(); --n) {
    Range& one = out.ranges.emplace_back();
    one.key = r.i16();
    one.least = r.i16();
    one.most = r.i16();
  }
  return done(r, ApiKey::api_versions, std::move(out));
}

std::string MetadataRequest::write(std::int16_t version) const {
  Out out(key, version);
  if (!topics) {
    out.w.null_array();
  } else {
    out.w.array(topics->size());
    for (const std::string& one : *topics) {
      out.w.string(one);
      out.w.tags();
    }
  }
  out.w.boolean(false);  // the broker makes no topics by itself
  if (version >= 8) {
    out.w.boolean(false);
    out.w.boolean(false);
  }
  out.w.tags();
  return std::move(out.text);
}

Result<MetadataAnswer> MetadataAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::metadata, version));
  MetadataAnswer out;
  (void)r.i32();
  for (std::size_t n = r.array(10); n > 0 && r.ok(); --n) {
    Node& one = out.brokers.emplace_back();
    one.id = r.i32();
    one.host = r.string();
    one.port = r.i32();
    (void)r.nullable_string();  // rack
    r.tags();
  }
  out.cluster = r.string();
  out.controller = r.i32();
  for (std::size_t n = r.array(5); n > 0 && r.ok(); --n) {
    Topic& topic = out.topics.emplace_back();
    topic.error = r.i16();
    topic.name = r.string();
    topic.internal = r.boolean();
    for (std::size_t p = r.array(17); p > 0 && r.ok(); --p) {
      Partition& one = topic.partitions.emplace_back();
      one.error = r.i16();
      one.id = r.i32();
      one.leader = r.i32();
      one.leader_epoch = r.i32();
      for (int list = 0; list < 3; ++list) {  // replicas, in sync, offline
        for (std::size_t i = r.array(4); i > 0 && r.ok(); --i) (void)r.i32();
      }
      r.tags();
    }
    if (version >= 8) (void)r.i32();
    r.tags();
  }
  if (version >= 8) (void)r.i32();
  r.tags();
  return done(r, ApiKey::metadata, std::move(out));
}

std::string ProduceRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.nullable_string(std::nullopt);  // no transaction
  out.w.i16(acks);
  out.w.i32(timeout_ms);
  write_topics(out.w, topics, [&](const Partition& one) {
    out.w.i32(one.id);
    out.w.bytes(one.batch);
  });
  out.w.tags();
  return std::move(out.text);
}

Result<ProduceAnswer> ProduceAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::produce, version));
  ProduceAnswer out;
  read_topics(r, [&](const std::string& topic) {
    Partition& one = out.partitions.emplace_back();
    one.topic = topic;
    one.id = r.i32();
    one.error = r.i16();
    one.base_offset = r.i64();
    (void)r.i64();  // log append time
    (void)r.i64();  // log start
    if (version < 8) return;
    for (std::size_t n = r.array(6); n > 0 && r.ok(); --n) {
      (void)r.i32();
      (void)r.nullable_string();
      r.tags();
    }
    one.message = r.string();
  });
  out.throttle_ms = r.i32();
  r.tags();
  return done(r, ApiKey::produce, std::move(out));
}

std::string FetchRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.i32(-1);  // a consumer
  out.w.i32(max_wait_ms);
  out.w.i32(min_bytes);
  out.w.i32(max_bytes);
  out.w.i8(committed_only ? 1 : 0);
  out.w.i32(0);  // no session
  out.w.i32(-1);
  write_topics(out.w, topics, [&](const Partition& one) {
    out.w.i32(one.id);
    out.w.i32(one.leader_epoch);
    out.w.i64(one.offset);
    if (version >= 12) out.w.i32(-1);  // last fetched epoch
    out.w.i64(-1);                     // log start, of followers
    out.w.i32(one.max_bytes);
  });
  out.w.array(0);    // forgotten topics
  out.w.string({});  // rack
  out.w.tags();
  return std::move(out.text);
}

Result<FetchAnswer> FetchAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::fetch, version));
  FetchAnswer out;
  out.throttle_ms = r.i32();
  out.error = r.i16();
  (void)r.i32();
  read_topics(r, [&](const std::string& topic) {
    Partition& one = out.partitions.emplace_back();
    one.topic = topic;
    one.id = r.i32();
    one.error = r.i16();
    one.high_watermark = r.i64();
    one.last_stable = r.i64();
    one.log_start = r.i64();
    for (std::size_t n = r.array(16); n > 0 && r.ok(); --n) {
      AbortedTransaction& aborted = one.aborted.emplace_back();
      aborted.producer_id = r.i64();
      aborted.first_offset = r.i64();
      r.tags();
    }
    (void)r.i32();  // preferred replica
    one.batches = r.bytes();
  });
  r.tags();
  return done(r, ApiKey::fetch, std::move(out));
}

std::string ListOffsetsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.i32(-1);
  out.w.i8(1);  // committed only
  write_topics(out.w, topics, [&](const Partition& one) {
    out.w.i32(one.id);
    out.w.i32(-1);
    out.w.i64(one.timestamp);
  });
  out.w.tags();
  return std::move(out.text);
}

Result<ListOffsetsAnswer> ListOffsetsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::list_offsets, version));
  ListOffsetsAnswer out;
  (void)r.i32();
  read_topics(r, [&](const std::string& topic) {
    Partition& one = out.partitions.emplace_back();
    one.topic = topic;
    one.id = r.i32();
    one.error = r.i16();
    (void)r.i64();
    one.offset = r.i64();
    (void)r.i32();
  });
  r.tags();
  return done(r, ApiKey::list_offsets, std::move(out));
}

std::string CreateTopicsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.array(topics.size());
  for (const Topic& one : topics) {
    out.w.string(one.name);
    out.w.i32(one.partitions);
    out.w.i16(one.replication);
    out.w.array(0);  // the broker places the replicas
    out.w.array(one.configs.size());
    for (const auto& [name, value] : one.configs) {
      out.w.string(name);
      out.w.nullable_string(value);
      out.w.tags();
    }
    out.w.tags();
  }
  out.w.i32(timeout_ms);
  out.w.boolean(false);
  out.w.tags();
  return std::move(out.text);
}

Result<CreateTopicsAnswer> CreateTopicsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::create_topics, version));
  CreateTopicsAnswer out;
  (void)r.i32();
  for (std::size_t n = r.array(5); n > 0 && r.ok(); --n) {
    Topic& one = out.topics.emplace_back();
    one.name = r.string();
    one.error = r.i16();
    one.message = r.string();
    if (version >= 5) {
      (void)r.i32();
      (void)r.i16();
      for (std::size_t c = r.array(5); c > 0 && r.ok(); --c) {
        (void)r.string();
        (void)r.nullable_string();
        (void)r.boolean();
        (void)r.i8();
        (void)r.boolean();
        r.tags();
      }
    }
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::create_topics, std::move(out));
}

std::string DeleteTopicsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.array(topics.size());
  for (const std::string& one : topics) out.w.string(one);
  out.w.i32(timeout_ms);
  out.w.tags();
  return std::move(out.text);
}

Result<DeleteTopicsAnswer> DeleteTopicsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::delete_topics, version));
  DeleteTopicsAnswer out;
  (void)r.i32();
  for (std::size_t n = r.array(3); n > 0 && r.ok(); --n) {
    Topic& one = out.topics.emplace_back();
    one.name = r.string();
    one.error = r.i16();
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::delete_topics, std::move(out));
}

std::string DeleteRecordsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.array(1);
  out.w.string(topic);
  out.w.array(1);
  out.w.i32(partition);
  out.w.i64(before);
  out.w.tags();
  out.w.tags();
  out.w.i32(timeout_ms);
  out.w.tags();
  return std::move(out.text);
}

Result<DeleteRecordsAnswer> DeleteRecordsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::delete_records, version));
  DeleteRecordsAnswer out;
  (void)r.i32();
  read_topics(r, [&](const std::string&) {
    (void)r.i32();
    (void)r.i64();
    out.error = r.i16();
  });
  r.tags();
  return done(r, ApiKey::delete_records, std::move(out));
}

std::string InitProducerIdRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.nullable_string(std::nullopt);
  out.w.i32(60000);
  out.w.tags();
  return std::move(out.text);
}

Result<InitProducerIdAnswer> InitProducerIdAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::init_producer_id, version));
  InitProducerIdAnswer out;
  (void)r.i32();
  out.error = r.i16();
  out.id = r.i64();
  out.epoch = r.i16();
  r.tags();
  return done(r, ApiKey::init_producer_id, out);
}

std::string FindCoordinatorRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  out.w.i8(0);
  out.w.tags();
  return std::move(out.text);
}

Result<FindCoordinatorAnswer> FindCoordinatorAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::find_coordinator, version));
  FindCoordinatorAnswer out;
  (void)r.i32();
  out.error = r.i16();
  (void)r.nullable_string();
  out.node.id = r.i32();
  out.node.host = r.string();
  out.node.port = r.i32();
  r.tags();
  return done(r, ApiKey::find_coordinator, std::move(out));
}

std::string JoinGroupRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  out.w.i32(session_timeout_ms);
  out.w.i32(rebalance_timeout_ms);
  out.w.string(member);
  out.w.nullable_string(instance);
  out.w.string("consumer");
  out.w.array(protocols.size());
  for (const Protocol& one : protocols) {
    out.w.string(one.name);
    out.w.bytes(one.metadata);
    out.w.tags();
  }
  out.w.tags();
  return std::move(out.text);
}

Result<JoinGroupAnswer> JoinGroupAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::join_group, version));
  JoinGroupAnswer out;
  (void)r.i32();
  out.error = r.i16();
  out.generation = r.i32();
  if (version >= 7) (void)r.nullable_string();
  out.protocol = r.string();
  out.leader = r.string();
  out.member = r.string();
  for (std::size_t n = r.array(4); n > 0 && r.ok(); --n) {
    Member& one = out.members.emplace_back();
    one.id = r.string();
    if (const auto instance = r.nullable_string()) one.instance.emplace(*instance);
    one.metadata = r.bytes();
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::join_group, std::move(out));
}

std::string SyncGroupRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  out.w.i32(generation);
  out.w.string(member);
  out.w.nullable_string(instance);
  if (version >= 5) {
    out.w.string("consumer");
    out.w.string(protocol);
  }
  out.w.array(assignments.size());
  for (const auto& [to, what] : assignments) {
    out.w.string(to);
    out.w.bytes(what);
    out.w.tags();
  }
  out.w.tags();
  return std::move(out.text);
}

Result<SyncGroupAnswer> SyncGroupAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::sync_group, version));
  SyncGroupAnswer out;
  (void)r.i32();
  out.error = r.i16();
  if (version >= 5) {
    (void)r.nullable_string();
    (void)r.nullable_string();
  }
  out.assignment = r.bytes();
  r.tags();
  return done(r, ApiKey::sync_group, std::move(out));
}

std::string HeartbeatRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  out.w.i32(generation);
  out.w.string(member);
  out.w.nullable_string(instance);
  out.w.tags();
  return std::move(out.text);
}

Result<HeartbeatAnswer> HeartbeatAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::heartbeat, version));
  HeartbeatAnswer out;
  (void)r.i32();
  out.error = r.i16();
  r.tags();
  return done(r, ApiKey::heartbeat, out);
}

std::string LeaveGroupRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  out.w.array(1);
  out.w.string(member);
  out.w.nullable_string(instance);
  out.w.tags();
  out.w.tags();
  return std::move(out.text);
}

Result<LeaveGroupAnswer> LeaveGroupAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::leave_group, version));
  LeaveGroupAnswer out;
  (void)r.i32();
  out.error = r.i16();
  for (std::size_t n = r.array(6); n > 0 && r.ok(); --n) {
    (void)r.string();
    (void)r.nullable_string();
    const std::int16_t error = r.i16();
    if (out.error == 0) out.error = error;
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::leave_group, out);
}

std::string OffsetCommitRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  out.w.i32(generation);
  out.w.string(member);
  out.w.nullable_string(instance);
  // One topic entry a run of the same topic.
  std::size_t topics = 0;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (i == 0 || partitions[i].topic != partitions[i - 1].topic) ++topics;
  }
  out.w.array(topics);
  for (std::size_t i = 0; i < partitions.size();) {
    std::size_t end = i;
    while (end < partitions.size() && partitions[end].topic == partitions[i].topic) ++end;
    out.w.string(partitions[i].topic);
    out.w.array(end - i);
    for (; i < end; ++i) {
      out.w.i32(partitions[i].id);
      out.w.i64(partitions[i].offset);
      out.w.i32(-1);
      out.w.nullable_string(partitions[i].metadata);
      out.w.tags();
    }
    out.w.tags();
  }
  out.w.tags();
  return std::move(out.text);
}

Result<OffsetCommitAnswer> OffsetCommitAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::offset_commit, version));
  OffsetCommitAnswer out;
  (void)r.i32();
  read_topics(r, [&](const std::string& topic) {
    Partition& one = out.partitions.emplace_back();
    one.topic = topic;
    one.id = r.i32();
    one.error = r.i16();
  });
  r.tags();
  return done(r, ApiKey::offset_commit, std::move(out));
}

namespace {

void write_partitions(Writer& w, const std::vector<OffsetFetchRequest::Topic>& topics) {
  w.array(topics.size());
  for (const OffsetFetchRequest::Topic& topic : topics) {
    w.string(topic.name);
    w.array(topic.partitions.size());
    for (const std::int32_t id : topic.partitions) w.i32(id);
    w.tags();
  }
}

}  // namespace

std::string OffsetFetchRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  if (topics) write_partitions(out.w, *topics);
  else out.w.null_array();
  if (version >= 7) out.w.boolean(false);
  out.w.tags();
  return std::move(out.text);
}

Result<OffsetFetchAnswer> OffsetFetchAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::offset_fetch, version));
  OffsetFetchAnswer out;
  (void)r.i32();
  read_topics(r, [&](const std::string& topic) {
    Partition& one = out.partitions.emplace_back();
    one.topic = topic;
    one.id = r.i32();
    one.offset = r.i64();
    (void)r.i32();
    one.metadata = r.string();
    one.error = r.i16();
  });
  out.error = r.i16();
  r.tags();
  return done(r, ApiKey::offset_fetch, std::move(out));
}

std::string ListGroupsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.tags();
  return std::move(out.text);
}

Result<ListGroupsAnswer> ListGroupsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::list_groups, version));
  ListGroupsAnswer out;
  (void)r.i32();
  out.error = r.i16();
  for (std::size_t n = r.array(2); n > 0 && r.ok(); --n) {
    Group& one = out.groups.emplace_back();
    one.id = r.string();
    one.protocol_type = r.string();
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::list_groups, std::move(out));
}

std::string DescribeGroupsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.array(1);
  out.w.string(group);
  out.w.boolean(false);
  out.w.tags();
  return std::move(out.text);
}

Result<DescribeGroupsAnswer> DescribeGroupsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::describe_groups, version));
  DescribeGroupsAnswer out;
  (void)r.i32();
  for (std::size_t n = r.array(14); n > 0 && r.ok(); --n) {
    out.error = r.i16();
    (void)r.string();
    out.state = r.string();
    (void)r.string();
    out.protocol = r.string();
    for (std::size_t m = r.array(6); m > 0 && r.ok(); --m) {
      JoinGroupAnswer::Member& one = out.members.emplace_back();
      one.id = r.string();
      if (const auto instance = r.nullable_string()) one.instance.emplace(*instance);
      (void)r.string();
      (void)r.string();
      one.metadata = r.bytes();
      out.assignments.emplace_back(r.bytes());
      r.tags();
    }
    (void)r.i32();
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::describe_groups, std::move(out));
}

std::string DeleteGroupsRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.array(1);
  out.w.string(group);
  out.w.tags();
  return std::move(out.text);
}

Result<DeleteGroupsAnswer> DeleteGroupsAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::delete_groups, version));
  DeleteGroupsAnswer out;
  (void)r.i32();
  for (std::size_t n = r.array(3); n > 0 && r.ok(); --n) {
    (void)r.string();
    out.error = r.i16();
    r.tags();
  }
  r.tags();
  return done(r, ApiKey::delete_groups, out);
}

std::string OffsetDeleteRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(group);
  write_partitions(out.w, topics);
  return std::move(out.text);
}

Result<OffsetDeleteAnswer> OffsetDeleteAnswer::read(std::string_view body, std::int16_t) {
  Reader r(body, false);
  OffsetDeleteAnswer out;
  out.error = r.i16();
  (void)r.i32();
  read_topics(r, [&](const std::string&) {
    (void)r.i32();
    const std::int16_t error = r.i16();
    if (out.error == 0) out.error = error;
  });
  return done(r, ApiKey::offset_delete, out);
}

std::string SaslHandshakeRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.string(mechanism);
  return std::move(out.text);
}

Result<SaslHandshakeAnswer> SaslHandshakeAnswer::read(std::string_view body, std::int16_t) {
  Reader r(body, false);
  SaslHandshakeAnswer out;
  out.error = r.i16();
  for (std::size_t n = r.array(2); n > 0 && r.ok(); --n) out.mechanisms.emplace_back(r.string());
  return done(r, ApiKey::sasl_handshake, std::move(out));
}

std::string SaslAuthenticateRequest::write(std::int16_t version) const {
  Out out(key, version);
  out.w.bytes(bytes);
  out.w.tags();
  return std::move(out.text);
}

Result<SaslAuthenticateAnswer> SaslAuthenticateAnswer::read(std::string_view body, std::int16_t version) {
  Reader r(body, flexible(ApiKey::sasl_authenticate, version));
  SaslAuthenticateAnswer out;
  out.error = r.i16();
  out.message = r.string();
  out.bytes = r.bytes();
  (void)r.i64();
  r.tags();
  return done(r, ApiKey::sasl_authenticate, std::move(out));
}

}  // namespace spikard::net::kafka
