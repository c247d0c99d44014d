#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "cache/backend.hpp"

namespace spikard::cache {

/// How long an entry lives: as the cache's default says, for ever, or a span of at least a millisecond.
class Ttl {
 public:
  Ttl() noexcept = default;  ///< the default
  Ttl(std::chrono::milliseconds span) noexcept : kind_(Kind::span), millis_(span.count()) {}
  [[nodiscard]] static Ttl forever() noexcept {
    Ttl out;
    out.kind_ = Kind::forever;
    return out;
  }
  /// invalid_argument for a span under 1 ms.
  [[nodiscard]] Result<Millis> resolve(Millis usual) const;

 private:
  enum class Kind : std::uint8_t { usual, forever, span };
  Kind kind_ = Kind::usual;
  Millis millis_ = 0;
};

struct SetOptions {
  SetOptions() = default;
  explicit SetOptions(Ttl lives) noexcept : ttl(lives) {}
  SetOptions&& with_tags(std::vector<std::string> names) && {
    tags = std::move(names);
    return std::move(*this);
  }
  SetOptions&& with_weight(std::uint32_t of_it) && {
    weight = of_it;
    return std::move(*this);
  }
  Ttl ttl{};
  std::vector<std::string> tags{};
  std::uint32_t weight = 0;  ///< 0: one entry, or its bytes
};

struct LoadOptions {
  LoadOptions() = default;
  explicit LoadOptions(Ttl lives) noexcept : ttl(lives) {}
  Ttl ttl{};                                        ///< of the loaded value
  std::chrono::milliseconds negative_ttl{0};        ///< how long "there is nothing" is remembered; 0: not at all
  std::chrono::milliseconds stale_if_error{0};      ///< kept so long past its time, for when a load fails
  std::chrono::milliseconds early_refresh{0};       ///< a hit with less than this left starts a load in the background
  std::optional<std::chrono::milliseconds> wait{};  ///< the longest this caller waits
  std::chrono::milliseconds load_timeout{30'000};   ///< a load that takes longer is begun again by another caller
  std::vector<std::string> tags{};
  std::uint32_t weight = 0;
};

/// Makes the value: bytes, nothing (there is none), or an error.
using Loader = Function<Task<Result<std::optional<std::string>>>()>;

struct LoadStatistics : Statistics {
  std::uint64_t loads = 0;  ///< succeeded, those that found nothing included
  std::uint64_t load_failures = 0;
};

}  // namespace spikard::cache
