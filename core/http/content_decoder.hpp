#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "services/http.gen.hpp"

namespace spikard::http {

/// Undoes one content coding, piece by piece, in bounded memory: output comes in pieces of at most 16 KiB, so a bomb is met by
/// the caller's limit before it grows. Windows are bounded too (brotli 16 MiB, zstd 8 MiB).
class ContentDecoder {
 public:
  /// False ends decoding.
  class Output {
   public:
    virtual bool on_decoded(std::string_view bytes) = 0;

   protected:
    ~Output() = default;
  };
  enum class Status : std::uint8_t {
    good,
    broken,   ///< not that coding, or bytes behind its end
    stopped,  ///< the output wants no more
  };

  [[nodiscard]] static std::unique_ptr<ContentDecoder> make(services::ContentCoding coding);
  virtual ~ContentDecoder() = default;
  /// After anything but good it is not to be called again.
  [[nodiscard]] virtual Status push(std::string_view bytes, Output& out) = 0;
  /// Whether what was pushed is whole.
  [[nodiscard]] virtual bool finished() const noexcept = 0;
};

}  // namespace spikard::http
