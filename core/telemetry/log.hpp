#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "telemetry/attributes.hpp"
#include "telemetry/context.hpp"

namespace spikard::telemetry {

/// A log record, as exporters see it.
struct LogRecord {
  WallTime time{};
  log::Level level = log::Level::info;
  std::string body;
  Attributes attributes;
  SpanContext context;  ///< invalid: belongs to no span
};

/// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, and OTLP's number of it (1, 5, 9, 13, 17).
[[nodiscard]] std::string_view severity_text(log::Level level) noexcept;
[[nodiscard]] std::uint32_t severity_number(log::Level level) noexcept;

}  // namespace spikard::telemetry
