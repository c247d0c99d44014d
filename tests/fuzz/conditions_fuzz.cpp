// Accept-Encoding, Range and HTTP-date: what is told is among what was offered, and a malformed member changes
// nothing that stands beside it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/conditions.hpp"
#include "http/middleware/compression.hpp"

using namespace spikard::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  AcceptEncoding accept;
  accept.add(text);
  for (unsigned bits = 0; bits < 8; ++bits) {
    const CodingSet offered{(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0};
    const Coding best = accept.best(offered);
    require(offered.has(best));
    if (best != Coding::identity) require(accept.weight(best) > 0 && accept.weight(best) <= 1000);
  }
  AcceptEncoding again;
  again.add("gzip;q=7, , ;q=1");
  again.add(text);
  for (const Coding one : {Coding::identity, Coding::gzip, Coding::brotli, Coding::zstd})
    require(accept.weight(one) == again.weight(one));
  if (const auto range = parse_range(text)) {
    require(range->first || range->last);
    if (range->first && range->last) require(*range->first <= *range->last);
  }
  (void)parse_http_date(text);
  (void)is_compressible(text);
  return 0;
}
