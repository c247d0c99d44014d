#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/record.hpp"
#include "http/sink.hpp"
#include "net/loop/loop.hpp"
#include "telemetry/provider.hpp"

namespace spikard::http::detail {

struct Compiled;
struct RoutePlan;

/// Spans and metrics of one server's requests, by the stable HTTP semantic conventions. A server has one only where telemetry is
/// on; requests of its own paths (health, metrics) are not observed. On the server's loop.
class RequestTelemetry {
 public:
  RequestTelemetry(std::shared_ptr<telemetry::Provider> provider, const Compiled& plan, net::Loop& loop);
  RequestTelemetry(const RequestTelemetry&) = delete;
  RequestTelemetry& operator=(const RequestTelemetry&) = delete;
  ~RequestTelemetry();

  /// What a request carries of it.
  struct State {
    telemetry::Span span;
    Instant begun{};
    std::uint32_t route = UINT32_MAX;
    Method method{};
    bool tls = false;
    bool open = false;
    bool failed = false;  // a handler's exception has given the span its error.type
  };

  /// `original`: the method as sent, where it is none of the known ones. `route` is null where none was found.
  void begin(State& state, const RequestRecord& record, const RoutePlan* route, bool tls, std::string_view original);
  /// A handler, hook or factory threw.
  void failure(State& state, const Failure& failure);
  /// The answer was made in full.
  void end(State& state, std::uint16_t status);
  /// There will be no answer, or not to its end: the client is gone, or the request was cut off. `status` 0: no head was sent.
  void cut(State& state, std::uint16_t status, std::string_view why);

 private:
  void finish(State& state, std::uint16_t status, std::string_view error_type);
  void active(const State& state, std::int64_t by) noexcept;

  const std::shared_ptr<telemetry::Provider> provider_;
  const Compiled& plan_;
  net::Loop& loop_;
  telemetry::Histogram duration_;
  std::unordered_map<std::uint64_t, telemetry::BoundHistogram> bound_;
  std::uint64_t last_key_ = UINT64_MAX;
  telemetry::BoundHistogram last_;
  Instant turn_{};
  WallTime turn_wall_{};
  std::string name_;
  /// Requests in hand by method and scheme: written on the loop, read by whoever collects. -1: none came yet.
  std::array<std::atomic<std::int64_t>, 2 * (static_cast<std::size_t>(Method::other) + 1)> active_;
};

/// The trace that a request's headers name; invalid for none. More than one traceparent is none.
[[nodiscard]] telemetry::SpanContext trace_of(const RequestRecord& record);

}  // namespace spikard::http::detail
