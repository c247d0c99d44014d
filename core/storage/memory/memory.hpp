#pragma once

#include <cstdint>
#include <memory>

#include "storage/backend.hpp"
#include "storage/signed_urls.hpp"

namespace spikard::storage {

struct MemoryOptions {
  std::uint64_t max_bytes = 1ULL << 30;  ///< contents of all objects together
  SignedUrlsOptions urls;                ///< an empty secret becomes a random one
};

/// Objects in memory, gone with the process. The reference: every call completes at once, whatever its loop, and every promise of
/// backend.hpp is kept to the letter. One lock, held for a look-up or the exchange of a pointer; contents are built and read
/// outside of it. `clock` outlives it.
[[nodiscard]] std::shared_ptr<Backend> make_memory(const Clock& clock, MemoryOptions options);

}  // namespace spikard::storage
