// Generated from spec/services/cloudevents.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// A path that takes CloudEvents over HTTP and hands them to the application's event handlers.
struct EventEndpoint {
  std::string path{};  ///< Where events are posted.
};
[[nodiscard]] bool operator==(const EventEndpoint& a, const EventEndpoint& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventEndpoint> event_endpoint_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventEndpoint& in, NodeBuilder& out);

}  // namespace spikard::services
