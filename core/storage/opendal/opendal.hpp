#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/backend.hpp"

namespace spikard::storage {

struct OpendalOptions {
  std::string scheme;  ///< of OpenDAL: `s3`, `gcs`, `azblob`, `webdav`
  std::vector<std::pair<std::string, std::string>>
      settings;                        ///< its members there; ours begin with `spikard.` (rust/src/options.rs)
  std::string folder;                  ///< before every key, with its slash; empty: all of the bucket
  std::string secret;                  ///< for page tokens
  std::shared_ptr<Backend> presigner;  ///< signs URLs instead, by keys without the folder; null: OpenDAL's credentials do
};

/// Stores on other machines, by Apache OpenDAL in a library of its own (library.hpp) with two threads, whose completions are
/// posted to the loop of the call. Makes no request. A cancelled read is dropped where it stands; a cancelled write goes on in
/// the background (a streamed one is aborted), for what the server did of it cannot be taken back. Errors: invalid_argument,
/// unsupported where the library cannot be loaded.
[[nodiscard]] Result<std::shared_ptr<Backend>> make_opendal(OpendalOptions options);

}  // namespace spikard::storage
