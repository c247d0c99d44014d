#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/kafka/record_batch.hpp"

namespace spikard::net::kafka {

enum class ApiKey : std::int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  offset_commit = 8,
  offset_fetch = 9,
  find_coordinator = 10,
  join_group = 11,
  heartbeat = 12,
  leave_group = 13,
  sync_group = 14,
  describe_groups = 15,
  list_groups = 16,
  sasl_handshake = 17,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
  delete_records = 21,
  init_producer_id = 22,
  sasl_authenticate = 36,
  delete_groups = 42,
  offset_delete = 47,
};

/// What this client speaks of one API. From `flexible` on, strings and arrays are compact and tagged fields follow (KIP-482).
struct Api {
  ApiKey key;
  std::int16_t least;
  std::int16_t most;
  std::int16_t flexible;
};
[[nodiscard]] const Api& api(ApiKey key) noexcept;
[[nodiscard]] std::string_view name_of(ApiKey key) noexcept;

/// A whole request with its length in front. `body` is what a message below wrote.
[[nodiscard]] std::string frame(ApiKey key, std::int16_t version, std::int32_t correlation, std::string_view client_id,
                                std::string_view body);
/// The body of an answer (without its length). corrupt when it is none.
struct Answer {
  std::int32_t correlation = 0;
  std::string_view body;
};
[[nodiscard]] Result<Answer> open_answer(ApiKey key, std::int16_t version, std::string_view answer);

// Requests have `key` and `write`, answers `read`; both for every version of `api(key)`. Error codes are the broker's
// (error.hpp).

struct Node {
  std::int32_t id = -1;
  std::string host;
  std::int32_t port = 0;
};

struct ApiVersionsRequest {
  static constexpr ApiKey key = ApiKey::api_versions;
  [[nodiscard]] std::string write(std::int16_t) const { return {}; }
};
struct ApiVersionsAnswer {
  struct Range {
    std::int16_t key = 0;
    std::int16_t least = 0;
    std::int16_t most = 0;
  };
  std::int16_t error = 0;
  std::vector<Range> ranges;
  [[nodiscard]] static Result<ApiVersionsAnswer> read(std::string_view body, std::int16_t version);
};

struct MetadataRequest {
  static constexpr ApiKey key = ApiKey::metadata;
  std::optional<std::vector<std::string>> topics{std::vector<std::string>()};  ///< nothing: all
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct MetadataAnswer {
  struct Partition {
    std::int16_t error = 0;
    std::int32_t id = 0;
    std::int32_t leader = -1;
    std::int32_t leader_epoch = -1;
  };
  struct Topic {
    std::int16_t error = 0;
    std::string name;
    bool internal = false;
    std::vector<Partition> partitions;
  };
  std::vector<Node> brokers;
  std::string cluster;
  std::int32_t controller = -1;
  std::vector<Topic> topics;
  [[nodiscard]] static Result<MetadataAnswer> read(std::string_view body, std::int16_t version);
};

struct ProduceRequest {
  static constexpr ApiKey key = ApiKey::produce;
  struct Partition {
    std::int32_t id = 0;
    std::string batch;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
  };
  std::int16_t acks = -1;
  std::int32_t timeout_ms = 30000;
  std::vector<Topic> topics{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct ProduceAnswer {
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::int16_t error = 0;
    std::int64_t base_offset = -1;
    std::string message;
  };
  std::vector<Partition> partitions;
  std::int32_t throttle_ms = 0;
  [[nodiscard]] static Result<ProduceAnswer> read(std::string_view body, std::int16_t version);
};

struct FetchRequest {
  static constexpr ApiKey key = ApiKey::fetch;
  struct Partition {
    std::int32_t id = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t offset = 0;
    std::int32_t max_bytes = 1 << 20;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
  };
  std::int32_t max_wait_ms = 500;
  std::int32_t min_bytes = 1;
  std::int32_t max_bytes = 8 << 20;
  bool committed_only = true;
  std::vector<Topic> topics{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct FetchAnswer {
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::int16_t error = 0;
    std::int64_t high_watermark = -1;
    std::int64_t last_stable = -1;
    std::int64_t log_start = -1;
    std::vector<AbortedTransaction> aborted;
    std::string_view batches;  ///< in the body that was read
  };
  std::int16_t error = 0;
  std::int32_t throttle_ms = 0;
  std::vector<Partition> partitions;
  [[nodiscard]] static Result<FetchAnswer> read(std::string_view body, std::int16_t version);
};

inline constexpr std::int64_t latest_offset = -1;
inline constexpr std::int64_t earliest_offset = -2;

struct ListOffsetsRequest {
  static constexpr ApiKey key = ApiKey::list_offsets;
  struct Partition {
    std::int32_t id = 0;
    std::int64_t timestamp = latest_offset;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
  };
  std::vector<Topic> topics{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct ListOffsetsAnswer {
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::int16_t error = 0;
    std::int64_t offset = -1;
  };
  std::vector<Partition> partitions;
  [[nodiscard]] static Result<ListOffsetsAnswer> read(std::string_view body, std::int16_t version);
};

struct CreateTopicsRequest {
  static constexpr ApiKey key = ApiKey::create_topics;
  struct Topic {
    std::string name;
    std::int32_t partitions = -1;   ///< -1: the broker's default
    std::int16_t replication = -1;  ///< -1: the broker's default
    std::vector<std::pair<std::string, std::string>> configs{};
  };
  std::vector<Topic> topics{};
  std::int32_t timeout_ms = 30000;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
/// Also of delete_topics.
struct TopicsAnswer {
  struct Topic {
    std::string name;
    std::int16_t error = 0;
    std::string message;
  };
  std::vector<Topic> topics;
};
struct CreateTopicsAnswer : TopicsAnswer {
  [[nodiscard]] static Result<CreateTopicsAnswer> read(std::string_view body, std::int16_t version);
};
struct DeleteTopicsRequest {
  static constexpr ApiKey key = ApiKey::delete_topics;
  std::vector<std::string> topics{};
  std::int32_t timeout_ms = 30000;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct DeleteTopicsAnswer : TopicsAnswer {
  [[nodiscard]] static Result<DeleteTopicsAnswer> read(std::string_view body, std::int16_t version);
};

struct DeleteRecordsRequest {
  static constexpr ApiKey key = ApiKey::delete_records;
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t before = 0;
  std::int32_t timeout_ms = 30000;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct DeleteRecordsAnswer {
  std::int16_t error = 0;
  [[nodiscard]] static Result<DeleteRecordsAnswer> read(std::string_view body, std::int16_t version);
};

struct InitProducerIdRequest {
  static constexpr ApiKey key = ApiKey::init_producer_id;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct InitProducerIdAnswer {
  std::int16_t error = 0;
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  [[nodiscard]] static Result<InitProducerIdAnswer> read(std::string_view body, std::int16_t version);
};

struct FindCoordinatorRequest {
  static constexpr ApiKey key = ApiKey::find_coordinator;
  std::string group;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct FindCoordinatorAnswer {
  std::int16_t error = 0;
  Node node;
  [[nodiscard]] static Result<FindCoordinatorAnswer> read(std::string_view body, std::int16_t version);
};

struct JoinGroupRequest {
  static constexpr ApiKey key = ApiKey::join_group;
  struct Protocol {
    std::string name;
    std::string metadata;
  };
  std::string group;
  std::int32_t session_timeout_ms = 10000;
  std::int32_t rebalance_timeout_ms = 60000;
  std::string member{};
  std::optional<std::string> instance{};
  std::vector<Protocol> protocols{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct JoinGroupAnswer {
  struct Member {
    std::string id;
    std::optional<std::string> instance;
    std::string metadata;
  };
  std::int16_t error = 0;
  std::int32_t generation = -1;
  std::string protocol;
  std::string leader;
  std::string member;
  std::vector<Member> members;  ///< to the leader only
  [[nodiscard]] static Result<JoinGroupAnswer> read(std::string_view body, std::int16_t version);
};

struct SyncGroupRequest {
  static constexpr ApiKey key = ApiKey::sync_group;
  std::string group;
  std::int32_t generation = -1;
  std::string member{};
  std::optional<std::string> instance{};
  std::string protocol{};
  std::vector<std::pair<std::string, std::string>> assignments{};  ///< member and what it gets
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct SyncGroupAnswer {
  std::int16_t error = 0;
  std::string assignment;
  [[nodiscard]] static Result<SyncGroupAnswer> read(std::string_view body, std::int16_t version);
};

struct HeartbeatRequest {
  static constexpr ApiKey key = ApiKey::heartbeat;
  std::string group;
  std::int32_t generation = -1;
  std::string member{};
  std::optional<std::string> instance{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct HeartbeatAnswer {
  std::int16_t error = 0;
  [[nodiscard]] static Result<HeartbeatAnswer> read(std::string_view body, std::int16_t version);
};

struct LeaveGroupRequest {
  static constexpr ApiKey key = ApiKey::leave_group;
  std::string group;
  std::string member{};
  std::optional<std::string> instance{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct LeaveGroupAnswer {
  std::int16_t error = 0;  ///< of the group, else of the member
  [[nodiscard]] static Result<LeaveGroupAnswer> read(std::string_view body, std::int16_t version);
};

struct OffsetCommitRequest {
  static constexpr ApiKey key = ApiKey::offset_commit;
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::int64_t offset = 0;
    std::string metadata{};
  };
  std::string group;
  std::int32_t generation = -1;
  std::string member{};
  std::optional<std::string> instance{};
  std::vector<Partition> partitions{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct OffsetCommitAnswer {
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::int16_t error = 0;
  };
  std::vector<Partition> partitions;
  [[nodiscard]] static Result<OffsetCommitAnswer> read(std::string_view body, std::int16_t version);
};

struct OffsetFetchRequest {
  static constexpr ApiKey key = ApiKey::offset_fetch;
  struct Topic {
    std::string name;
    std::vector<std::int32_t> partitions;
  };
  std::string group;
  std::optional<std::vector<Topic>> topics{};  ///< nothing: all
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct OffsetFetchAnswer {
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::int64_t offset = -1;  ///< -1: none
    std::string metadata;
    std::int16_t error = 0;
  };
  std::int16_t error = 0;
  std::vector<Partition> partitions;
  [[nodiscard]] static Result<OffsetFetchAnswer> read(std::string_view body, std::int16_t version);
};

struct ListGroupsRequest {
  static constexpr ApiKey key = ApiKey::list_groups;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct ListGroupsAnswer {
  struct Group {
    std::string id;
    std::string protocol_type;
  };
  std::int16_t error = 0;
  std::vector<Group> groups;
  [[nodiscard]] static Result<ListGroupsAnswer> read(std::string_view body, std::int16_t version);
};

struct DescribeGroupsRequest {
  static constexpr ApiKey key = ApiKey::describe_groups;
  std::string group;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct DescribeGroupsAnswer {
  std::int16_t error = 0;
  std::string state;
  std::string protocol;
  std::vector<JoinGroupAnswer::Member> members;
  std::vector<std::string> assignments;  ///< of each member
  [[nodiscard]] static Result<DescribeGroupsAnswer> read(std::string_view body, std::int16_t version);
};

struct DeleteGroupsRequest {
  static constexpr ApiKey key = ApiKey::delete_groups;
  std::string group;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct DeleteGroupsAnswer {
  std::int16_t error = 0;
  [[nodiscard]] static Result<DeleteGroupsAnswer> read(std::string_view body, std::int16_t version);
};

struct OffsetDeleteRequest {
  static constexpr ApiKey key = ApiKey::offset_delete;
  std::string group;
  std::vector<OffsetFetchRequest::Topic> topics{};
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct OffsetDeleteAnswer {
  std::int16_t error = 0;  ///< of the group, else the first of a partition
  [[nodiscard]] static Result<OffsetDeleteAnswer> read(std::string_view body, std::int16_t version);
};

struct SaslHandshakeRequest {
  static constexpr ApiKey key = ApiKey::sasl_handshake;
  std::string mechanism;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct SaslHandshakeAnswer {
  std::int16_t error = 0;
  std::vector<std::string> mechanisms;
  [[nodiscard]] static Result<SaslHandshakeAnswer> read(std::string_view body, std::int16_t version);
};
struct SaslAuthenticateRequest {
  static constexpr ApiKey key = ApiKey::sasl_authenticate;
  std::string bytes;
  [[nodiscard]] std::string write(std::int16_t version) const;
};
struct SaslAuthenticateAnswer {
  std::int16_t error = 0;
  std::string message;
  std::string bytes;
  [[nodiscard]] static Result<SaslAuthenticateAnswer> read(std::string_view body, std::int16_t version);
};

}  // namespace spikard::net::kafka
