#include "net/kafka/error.hpp"

#include <array>
#include <string>

namespace spikard::net::kafka {
namespace {

struct Row {
  std::int16_t code;
  std::string_view name;
  ErrorKind kind;
  RetryClass retry;
};
constexpr RetryClass again = RetryClass::temporary;
constexpr RetryClass never = RetryClass::permanent;

// https://kafka.apache.org/protocol#protocol_error_codes
constexpr std::array rows{
    Row{-1, "UNKNOWN_SERVER_ERROR", ErrorKind::internal, never},
    Row{1, "OFFSET_OUT_OF_RANGE", ErrorKind::not_found, never},
    Row{2, "CORRUPT_MESSAGE", ErrorKind::corrupt, again},
    Row{3, "UNKNOWN_TOPIC_OR_PARTITION", ErrorKind::not_found, never},
    Row{4, "INVALID_FETCH_SIZE", ErrorKind::invalid_argument, never},
    Row{5, "LEADER_NOT_AVAILABLE", ErrorKind::unavailable, again},
    Row{6, "NOT_LEADER_OR_FOLLOWER", ErrorKind::unavailable, again},
    Row{7, "REQUEST_TIMED_OUT", ErrorKind::timeout, again},
    Row{8, "BROKER_NOT_AVAILABLE", ErrorKind::unavailable, again},
    Row{9, "REPLICA_NOT_AVAILABLE", ErrorKind::unavailable, again},
    Row{10, "MESSAGE_TOO_LARGE", ErrorKind::too_large, never},
    Row{12, "OFFSET_METADATA_TOO_LARGE", ErrorKind::too_large, never},
    Row{13, "NETWORK_EXCEPTION", ErrorKind::unavailable, again},
    Row{14, "COORDINATOR_LOAD_IN_PROGRESS", ErrorKind::unavailable, again},
    Row{15, "COORDINATOR_NOT_AVAILABLE", ErrorKind::unavailable, again},
    Row{16, "NOT_COORDINATOR", ErrorKind::unavailable, again},
    Row{17, "INVALID_TOPIC_EXCEPTION", ErrorKind::invalid_argument, never},
    Row{18, "RECORD_LIST_TOO_LARGE", ErrorKind::too_large, never},
    Row{19, "NOT_ENOUGH_REPLICAS", ErrorKind::unavailable, again},
    Row{20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", ErrorKind::unavailable, again},
    Row{22, "ILLEGAL_GENERATION", ErrorKind::conflict, never},
    Row{23, "INCONSISTENT_GROUP_PROTOCOL", ErrorKind::conflict, never},
    Row{24, "INVALID_GROUP_ID", ErrorKind::invalid_argument, never},
    Row{25, "UNKNOWN_MEMBER_ID", ErrorKind::conflict, never},
    Row{26, "INVALID_SESSION_TIMEOUT", ErrorKind::invalid_argument, never},
    Row{27, "REBALANCE_IN_PROGRESS", ErrorKind::unavailable, again},
    Row{29, "TOPIC_AUTHORIZATION_FAILED", ErrorKind::permission_denied, never},
    Row{30, "GROUP_AUTHORIZATION_FAILED", ErrorKind::permission_denied, never},
    Row{31, "CLUSTER_AUTHORIZATION_FAILED", ErrorKind::permission_denied, never},
    Row{32, "INVALID_TIMESTAMP", ErrorKind::invalid_argument, never},
    Row{33, "UNSUPPORTED_SASL_MECHANISM", ErrorKind::unsupported, never},
    Row{34, "ILLEGAL_SASL_STATE", ErrorKind::invalid_argument, never},
    Row{35, "UNSUPPORTED_VERSION", ErrorKind::unsupported, never},
    Row{36, "TOPIC_ALREADY_EXISTS", ErrorKind::already_exists, never},
    Row{37, "INVALID_PARTITIONS", ErrorKind::invalid_argument, never},
    Row{38, "INVALID_REPLICATION_FACTOR", ErrorKind::invalid_argument, never},
    Row{40, "INVALID_CONFIG", ErrorKind::invalid_argument, never},
    Row{41, "NOT_CONTROLLER", ErrorKind::unavailable, again},
    Row{42, "INVALID_REQUEST", ErrorKind::invalid_argument, never},
    Row{44, "POLICY_VIOLATION", ErrorKind::permission_denied, never},
    Row{45, "OUT_OF_ORDER_SEQUENCE_NUMBER", ErrorKind::conflict, never},
    Row{46, "DUPLICATE_SEQUENCE_NUMBER", ErrorKind::conflict, never},
    Row{47, "INVALID_PRODUCER_EPOCH", ErrorKind::conflict, never},
    Row{53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", ErrorKind::permission_denied, never},
    Row{55, "OPERATION_NOT_ATTEMPTED", ErrorKind::unavailable, again},
    Row{56, "KAFKA_STORAGE_ERROR", ErrorKind::unavailable, again},
    Row{58, "SASL_AUTHENTICATION_FAILED", ErrorKind::permission_denied, never},
    Row{59, "UNKNOWN_PRODUCER_ID", ErrorKind::conflict, never},
    Row{68, "NON_EMPTY_GROUP", ErrorKind::conflict, never},
    Row{69, "GROUP_ID_NOT_FOUND", ErrorKind::not_found, never},
    Row{72, "LISTENER_NOT_FOUND", ErrorKind::unavailable, again},
    Row{74, "FENCED_LEADER_EPOCH", ErrorKind::unavailable, again},
    Row{75, "UNKNOWN_LEADER_EPOCH", ErrorKind::unavailable, again},
    Row{76, "UNSUPPORTED_COMPRESSION_TYPE", ErrorKind::unsupported, never},
    Row{78, "OFFSET_NOT_AVAILABLE", ErrorKind::unavailable, again},
    Row{79, "MEMBER_ID_REQUIRED", ErrorKind::conflict, again},
    Row{81, "GROUP_MAX_SIZE_REACHED", ErrorKind::rate_limited, never},
    Row{82, "FENCED_INSTANCE_ID", ErrorKind::conflict, never},
    Row{86, "GROUP_SUBSCRIBED_TO_TOPIC", ErrorKind::conflict, never},
    Row{87, "INVALID_RECORD", ErrorKind::invalid_argument, never},
    Row{88, "UNSTABLE_OFFSET_COMMIT", ErrorKind::unavailable, again},
    Row{89, "THROTTLING_QUOTA_EXCEEDED", ErrorKind::rate_limited, again},
};

const Row* find(std::int16_t code) noexcept {
  for (const Row& one : rows) {
    if (one.code == code) return &one;
  }
  return nullptr;
}

}  // namespace

std::string_view code_name(std::int16_t code) noexcept {
  const Row* row = find(code);
  return row == nullptr ? std::string_view("UNKNOWN") : row->name;
}

bool code_retriable(std::int16_t code) noexcept {
  const Row* row = find(code);
  return code == code_unknown_topic || (row != nullptr && row->retry == again);
}

bool code_moved(std::int16_t code) noexcept {
  switch (code) {
    case code_unknown_topic:
    case code_leader_not_available:
    case code_not_leader:
    case code_coordinator_not_available:
    case code_not_coordinator:
    case code_fenced_leader_epoch:
    case code_unknown_leader_epoch:
    case 9:   // REPLICA_NOT_AVAILABLE
    case 41:  // NOT_CONTROLLER
    case 56:  // KAFKA_STORAGE_ERROR
    case 72:  // LISTENER_NOT_FOUND
      return true;
    default: return false;
  }
}

Error broker_error(std::int16_t code, std::string_view what) {
  const Row* row = find(code);
  Error out(row == nullptr ? ErrorKind::internal : row->kind,
            std::string(what) + ": the broker says " + std::string(code_name(code)));
  return std::move(std::move(out).with("kafka_code", std::to_string(code))).with_retry(row == nullptr ? never : row->retry);
}

}  // namespace spikard::net::kafka
