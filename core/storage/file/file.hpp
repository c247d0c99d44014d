#pragma once

#include <memory>
#include <string>

#include "net/blocking_pool.hpp"
#include "storage/backend.hpp"
#include "storage/signed_urls.hpp"

namespace spikard::storage {

struct FileOptions {
  std::string root;
  bool durable = true;
  SignedUrlsOptions urls;  ///< an empty secret becomes the one that is kept in the folder
};

/// Objects as files below a folder (file/store.hpp), on the blocking pool: one job a call, one a part of a stream. Opens the
/// folder at once, on the calling thread. `clock` and `pool` outlive it.
[[nodiscard]] Result<std::shared_ptr<Backend>> make_file(const Clock& clock, net::BlockingPool& pool, FileOptions options);

}  // namespace spikard::storage
