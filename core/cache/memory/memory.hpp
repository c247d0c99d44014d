#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "cache/backend.hpp"

namespace spikard::cache {

struct MemoryOptions {
  std::uint64_t max_bytes = 0;          ///< 0: none; with neither bound 64 MiB
  std::uint64_t max_entries = 0;        ///< 0: none
  std::uint32_t shards = 0;             ///< a power of two; 0: chosen by the bounds
  std::optional<std::uint64_t> seed{};  ///< of hashes; for tests and benchmarks
};

/// `memory:`, in this process: W-TinyLFU over shards, each under a short lock of its own (memory/shard.hpp). Every answer is
/// ready. Without a time to live on an entry the clock is never read.
///
/// A value may weigh as much as a shard holds: at least 4 MiB of a cache bounded by bytes, or all of a smaller one.
class Memory final : public Backend {
 public:
  /// `clock` outlives it.
  Memory(Clock& clock, MemoryOptions options);
  ~Memory() override;

  [[nodiscard]] Capabilities capabilities() const noexcept override;
  Answer<std::optional<Payload>> get(const net::Caller* caller, Key key) override;
  Answer<std::optional<Found>> find(const net::Caller* caller, Key key) override;
  Answer<std::optional<Found>> peek(const net::Caller* caller, Key key) override;
  Answer<bool> contains(const net::Caller* caller, Key key) override;
  Answer<std::optional<Millis>> left(const net::Caller* caller, Key key) override;
  Answer<void> put(const net::Caller* caller, Key key, Put what) override;
  Answer<bool> put_if_absent(const net::Caller* caller, Key key, Put what) override;
  Answer<bool> remove(const net::Caller* caller, Key key) override;
  Answer<bool> remove_if(const net::Caller* caller, Key key, std::string_view equals) override;
  Answer<bool> touch(const net::Caller* caller, Key key, Millis ttl) override;
  Answer<std::int64_t> increment(const net::Caller* caller, Key key, std::int64_t by, Millis ttl) override;
  Answer<std::vector<std::optional<Payload>>> get_many(const net::Caller* caller, std::string_view space,
                                                       std::span<const std::string> names) override;
  Answer<void> clear(const net::Caller* caller, std::string_view space) override;
  Answer<std::uint64_t> count(const net::Caller* caller, std::string_view space) override;
  Answer<void> invalidate(const net::Caller* caller, std::span<const std::string> tags) override;
  [[nodiscard]] Statistics statistics() const override;
  /// Every namespace.
  void clear_all();

 private:
  struct Part;
  struct Place {
    Part* part;
    std::uint32_t hash;
  };
  [[nodiscard]] Place place(Key key) const noexcept;
  void tend_another(Part& part);

  std::vector<std::unique_ptr<Part>> parts_;
  unsigned shift_;
  std::uint64_t seed_;
};

}  // namespace spikard::cache
