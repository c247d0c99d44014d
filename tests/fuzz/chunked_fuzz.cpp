// The decoder whole and byte by byte must agree; what the encoder makes must come back.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "http/h1/chunked.hpp"

namespace {

using namespace spikard::http::h1;
using Status = ChunkedDecoder::Status;

struct Outcome {
  Status status = Status::need_more;
  std::string body;
  std::size_t consumed = 0;
  std::string_view error;
};

Outcome decode(std::string_view input, std::size_t step) {
  Outcome out;
  ChunkedDecoder decoder;
  for (std::size_t at = 0; at < input.size() && out.status == Status::need_more;) {
    const std::size_t n = std::min(step, input.size() - at);
    auto piece = std::make_unique<char[]>(n);
    input.copy(piece.get(), n, at);
    const auto r = decoder.decode(piece.get(), n);
    if (r.produced > r.consumed || r.consumed > n || (r.status == Status::need_more && r.consumed != n)) std::abort();
    out.body.append(piece.get(), r.produced);
    out.consumed += r.consumed;
    out.status = r.status;
    at += n;
  }
  out.error = decoder.error();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65536) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = decode(input, SIZE_MAX);
  const Outcome parts = decode(input, 1 + data[0] % 5U);
  if (whole.status != parts.status || whole.body != parts.body || whole.error != parts.error) std::abort();
  if (whole.status == Status::done && whole.consumed != parts.consumed) std::abort();

  std::string text;
  for (std::size_t at = 0; at < input.size(); at += 1U + data[0]) append_chunk(text, input.substr(at, 1U + data[0]));
  text += last_chunk;
  const Outcome back = decode(text, 7);
  if (back.status != Status::done || back.body != input || back.consumed != text.size()) std::abort();
  return 0;
}
