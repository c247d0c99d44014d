#pragma once

#include <memory>
#include <string>

#include "services/storage.gen.hpp"
#include "storage/backend.hpp"

namespace spikard::storage {

/// S3 and what speaks its protocol. Signs URLs itself (SigV4, no request); transfers are unsupported (opendal/ has them).
/// `folder` stands before every key, with its slash. Errors: invalid_argument naming the member. `clock` outlives it.
[[nodiscard]] Result<std::shared_ptr<Backend>> make_s3(const Clock& clock, std::string bucket, std::string folder,
                                                       const services::S3Options& options);

}  // namespace spikard::storage
