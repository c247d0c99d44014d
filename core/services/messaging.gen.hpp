// Generated from spec/services/messaging.yaml by codegen. Do not edit.
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

/// A message broker.
struct MessagingConfig {
  std::string url = "sqlite:data/app.db";  ///< `memory:`, `sqlite:FILE`, or the URL of another backend.
};
[[nodiscard]] bool operator==(const MessagingConfig& a, const MessagingConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<MessagingConfig> messaging_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const MessagingConfig& in, NodeBuilder& out);

/// A subscription whose messages a handler of the application takes.
struct Consumer {
  std::string name{};  ///< Its name in reports, logs and telemetry; unique.
  std::string client = "default";  ///< Which of `services.messaging`.
  std::string topic{};  ///< Topic or pattern.
};
[[nodiscard]] bool operator==(const Consumer& a, const Consumer& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Consumer> consumer_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Consumer& in, NodeBuilder& out);

}  // namespace spikard::services
