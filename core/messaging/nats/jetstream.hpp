#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "base/result.hpp"
#include "messaging/message.hpp"
#include "messaging/nats/connection.hpp"
#include "messaging/nats/options.hpp"
#include "messaging/redelivery.hpp"
#include "messaging/topic.hpp"
#include "worker_loop/work.hpp"

// JetStream's API as texts: subjects, requests, answers (README.md has the layout). Pure functions.
namespace spikard::messaging::nats {

inline constexpr std::string_view key_header = "Spikard-Key";
inline constexpr std::string_view topic_header = "Spikard-Topic";       ///< where the subject does not tell it
inline constexpr std::string_view for_group_header = "Spikard-Group";   ///< a redriven one: nobody else takes it
inline constexpr std::string_view dead_header = "Spikard-Dead-Letter";  ///< `1`
inline constexpr std::string_view id_header = "Nats-Msg-Id";
inline constexpr std::string_view id_prefix = "spk-";

/// The one mapping of JetStream's errors: its `err_code`, else its `code`.
[[nodiscard]] Error jetstream_error(int code, int err_code, std::string_view description);
/// The JSON of an answer of the API, or the error in it.
[[nodiscard]] Result<Document> answer_of(const Reply& reply);
/// The sequence in a PubAck.
[[nodiscard]] Result<std::uint64_t> sequence_of(const Reply& reply);

/// A topic as a subject: `/` becomes `.`; blanks, wildcards, `%` and empty tokens are escaped by `%`.
[[nodiscard]] std::string subject_of(std::string_view prefix, std::string_view topic);
/// Subjects of which a pattern's topics are a part: what else they let through, the pattern itself sorts out.
[[nodiscard]] std::vector<std::string> filters_of(std::string_view prefix, const TopicPattern& pattern);
/// Its name as JetStream takes it, of a group and the topic as its consumer wrote it.
[[nodiscard]] std::string group_id(std::string_view group, std::string_view topic);

struct HeaderExtras {
  std::string_view id{};         ///< where the message does not bring one itself
  std::string_view for_group{};  ///< empty: for all
  bool dead = false;
  bool keep = false;  ///< not subject to the stream's max_age
};
[[nodiscard]] std::string header_block(std::string_view prefix, const Message& message, const HeaderExtras& extras);

/// What a delivery's reply subject says.
struct Delivered {
  std::uint64_t sequence = 0;
  std::uint64_t count = 1;
  WallTime published{};
};
[[nodiscard]] std::optional<Delivered> delivered_of(std::string_view reply);

/// What a message says beside itself.
struct Received {
  Message message{};
  std::string for_group{};
  bool dead = false;
};
[[nodiscard]] Received received_of(std::string_view prefix, std::string_view subject, Headers headers, const Headers& own,
                                   std::string payload);

enum class Start : std::uint8_t { earliest, latest, sequence, time };
struct ConsumerConfig {
  std::string name{};  ///< empty: one for a while
  std::vector<std::string> filters{};
  std::string description{};
  Start start = Start::latest;
  std::uint64_t sequence = 0;
  WallTime time{};
  Duration ack_wait{};
  bool headers_only = false;
  bool last_per_subject = false;
};
[[nodiscard]] std::string consumer_request(std::string_view stream, const ConsumerConfig& config);
[[nodiscard]] std::string stream_request(const NatsOptions& options);
[[nodiscard]] std::string state_stream_request(const NatsOptions& options);
[[nodiscard]] std::string pull_request(std::uint32_t batch, Duration expires, Duration heartbeat);
[[nodiscard]] std::string nak(Duration after);

/// A group as the state bucket has it.
struct GroupRecord {
  std::string group{};
  std::string topic{};
  TopicStyle style = TopicStyle::nats;
  bool exact = false;
  std::string consumer{};
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<GroupRecord> parse(std::string_view text);
};

}  // namespace spikard::messaging::nats
