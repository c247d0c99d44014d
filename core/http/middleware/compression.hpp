#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/sink.hpp"

namespace spikard::http {

enum class Coding : std::uint8_t { identity, gzip, brotli, zstd };
inline constexpr std::size_t coding_count = 4;
/// As in Content-Encoding.
[[nodiscard]] std::string_view coding_name(Coding coding) noexcept;

struct CodingSet {
  bool gzip = false;
  bool brotli = false;
  bool zstd = false;
  [[nodiscard]] bool has(Coding coding) const noexcept;
};

/// Accept-Encoding (RFC 9110 section 12.5.3), its lines one after the other. A member that is malformed counts for nothing.
class AcceptEncoding {
 public:
  void add(std::string_view line) noexcept;
  /// The coding with the highest weight; of equal ones br, then zstd, then gzip. Identity where nothing else is wanted, or it is
  /// wanted more.
  [[nodiscard]] Coding best(const CodingSet& offered) const noexcept;
  /// In thousandths.
  [[nodiscard]] int weight(Coding coding) const noexcept;

 private:
  std::array<int, coding_count> weights_{-1, -1, -1, -1};
  int star_ = -1;
};

/// Whether a body of this type gets smaller: text, JSON, XML (SVG with it), JavaScript, WebAssembly.
[[nodiscard]] bool is_compressible(std::string_view content_type) noexcept;

/// What a head says about coding its body.
struct CodingView {
  bool may_vary = false;  ///< the answer depends on Accept-Encoding
  bool may_code = false;  ///< nothing forbids it but its length
};
[[nodiscard]] CodingView may_be_coded(std::uint16_t status, std::span<const HeaderField> fields,
                                      std::string_view content_type) noexcept;

/// One body after the other. Loop thread only.
class Encoder {
 public:
  enum class Step : std::uint8_t { flush, finish };
  virtual ~Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  /// `quality`: 0 to 11. Null when memory is short.
  [[nodiscard]] static std::unique_ptr<Encoder> make(Coding coding, std::uint32_t quality);
  /// Appends what `in` becomes, all of it: after `flush` the reader can decode every byte given so far. False when memory is
  /// short.
  [[nodiscard]] virtual bool feed(std::string_view in, Step step, std::string& out) = 0;
  /// Ready for another body. False when it cannot be used again.
  [[nodiscard]] virtual bool reset() = 0;

 protected:
  Encoder() = default;
};

}  // namespace spikard::http
