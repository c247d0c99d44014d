#pragma once

#include "telemetry/log.hpp"
#include "telemetry/span.hpp"

namespace spikard::telemetry {

/// Where finished spans and log records go: memory, OTLP (`otlp/`). Thread-safe. Called on whatever thread ended the span, a
/// request's among them: must not block, wait or throw, and takes what it needs before it returns. Over its bounds it drops and
/// counts. Metrics are fetched from the Provider (`Metrics::collect`) by whoever exports them.
class Exporter {
 public:
  virtual ~Exporter() = default;
  virtual void on_span(const SpanData& span) noexcept = 0;
  virtual void on_log(const LogRecord& record) noexcept = 0;
};

}  // namespace spikard::telemetry
