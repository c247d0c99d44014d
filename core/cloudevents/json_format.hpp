#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/node.hpp"
#include "base/result.hpp"
#include "cloudevents/event.hpp"

namespace spikard::cloudevents {

inline constexpr std::string_view json_media_type = "application/cloudevents+json";
inline constexpr std::string_view batch_media_type = "application/cloudevents-batch+json";

/// The JSON event format 1.0.2, both ways. A value of type bytes as `data` is taken as data_base64 is (hosts give bytes so).
/// Null attributes are absent, null data is data. Errors: invalid_argument, detail invalid_event, every problem in the message.
[[nodiscard]] Result<Event> from_json(Value event);
/// The same, telling the problems one by one; nothing when there are any.
[[nodiscard]] std::optional<Event> from_json(Value event, Problems& problems);
/// All or nothing; the messages begin with `[3].`. Errors as above, and too_large/batch_too_large.
[[nodiscard]] Result<std::vector<Event>> batch_from_json(Value events, std::size_t max_events = SIZE_MAX);

/// Writes one object. The event is valid.
void to_json(const Event& event, json::Writer& out);
[[nodiscard]] std::string to_json(const Event& event);
[[nodiscard]] std::string to_json(std::span<const Event> batch);

/// The same object as nodes, for hosts: bytes are a member `data` of type bytes instead of data_base64.
void to_nodes(const Event& event, NodeBuilder& out);

}  // namespace spikard::cloudevents
