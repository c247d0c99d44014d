#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/redis/url.hpp"

namespace spikard::messaging::redis {

enum class Mode : std::uint8_t { streams, pubsub };

/// What a URL says: how to reach the server (net/redis/url.hpp), and
///
/// | option | default | |
/// | --- | --- | --- |
/// | `mode` | streams | `pubsub`: at most once, to who listens at that moment; nothing is kept |
/// | `prefix` | spikard | before every key and channel; one hash tag, so a cluster has all of it on one node |
/// | `max_length` | 0 | messages that a topic keeps at most, about; the oldest go, even those that a group waits for. 0: no limit
/// | | `poll_ms` | 500 | the longest until a consumer sees what others left: what is due again, and what a dead one held |
struct RedisOptions {
  net::redis::Options server;
  Mode mode = Mode::streams;
  std::string prefix = "spikard";
  std::uint64_t max_length = 0;
  Duration poll = std::chrono::milliseconds(500);
  /// How long what no group waits for is kept (`retention_ms`).
  Duration retention = std::chrono::hours(24);

  /// invalid_argument naming the part of the URL, and never a secret.
  [[nodiscard]] static Result<RedisOptions> parse(std::string_view url);
};

}  // namespace spikard::messaging::redis
