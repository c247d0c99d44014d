#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/kafka/compression.hpp"

namespace spikard::net::kafka {

using RecordHeaders = std::vector<std::pair<std::string, std::string>>;

/// One message of a partition. Headers without a value read as empty ones.
struct Record {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key{};
  std::optional<std::string> value{};
  RecordHeaders headers{};

  /// About what it takes in a batch.
  [[nodiscard]] std::size_t size() const noexcept;
};

/// Who produced a batch, for the broker to drop what came twice. -1: nobody says.
struct ProducerState {
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;
};

/// CRC-32C (Castagnoli).
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes) noexcept;

/// One batch of format 2; offsets are the broker's to give, timestamps the records'. `records` is not empty.
[[nodiscard]] Result<std::string> encode_batch(const std::vector<Record>& records, const ProducerState& producer,
                                               Compression compression);

struct DecodeOptions {
  std::size_t max_batch_bytes = 64U << 20U;  ///< decompressed
  std::int64_t from = 0;                     ///< records before are left out
};

/// What a fetch of one partition brought. Control batches and what an aborted transaction wrote are left out.
struct DecodedRecords {
  std::vector<Record> records;
  std::int64_t next_offset = -1;  ///< behind the last complete batch, whatever was in it; -1: none was complete
};

struct AbortedTransaction {
  std::int64_t producer_id = 0;
  std::int64_t first_offset = 0;
};

/// Batches as a fetch gives them; the last one may be cut off. corrupt: a wrong checksum, or what does not parse.
[[nodiscard]] Result<DecodedRecords> decode_batches(std::string_view bytes, const DecodeOptions& options,
                                                    std::vector<AbortedTransaction> aborted = {});

}  // namespace spikard::net::kafka
