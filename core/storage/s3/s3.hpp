#pragma once

#include <memory>
#include <string>

#include "services/storage.gen.hpp"
#include "storage/backend.hpp"

namespace spikard::storage {

/// S3 and what speaks its protocol. Signs URLs itself (SigV4, no request); transfers are unsupported in this build. Errors:
/// invalid_argument naming the member. `clock` outlives it.
[[nodiscard]] Result<std::shared_ptr<Backend>> make_s3(const Clock& clock, std::string bucket,
                                                       const services::S3Options& options);

}  // namespace spikard::storage
