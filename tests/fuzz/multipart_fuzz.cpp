// The parser whole, in pieces and byte by byte must see the same parts; what an encoder makes must come back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/multipart.hpp"

namespace {

using namespace spikard::http;

struct Seen final : MultipartParser::Handler {
  std::string heads;
  std::string content;
  std::size_t parts = 0;
  bool open = false;
  bool on_part(PartHead&& head) override {
    if (open) std::abort();
    open = true;
    ++parts;
    heads += head.name + "\x1f" + head.filename.value_or("\x1e") + "\x1f" + head.content_type;
    for (const auto& [name, value] : head.headers) heads.append("\x1f").append(name).append("=").append(value);
    heads += "\n";
    return true;
  }
  bool on_data(std::string_view bytes) override {
    if (!open || bytes.empty()) std::abort();
    content += bytes;
    return true;
  }
  bool on_part_end() override {
    if (!open) std::abort();
    open = false;
    content += '\x1d';
    return true;
  }
};

struct Outcome {
  Seen seen;
  std::string error;
};

void parse(std::string_view body, std::size_t piece, std::string_view boundary, Outcome& out) {
  MultipartParser parser(boundary, {.parts = 50, .header_bytes = 512}, out.seen);
  bool fine = true;
  for (std::size_t at = 0; fine && at < body.size(); at += std::min(piece, body.size() - at)) {
    // A copy of its own: a read past it is found.
    const std::string part(body.substr(at, piece));
    fine = parser.push(part);
  }
  if (fine && parser.finish() && (out.seen.open || !parser.error().empty())) std::abort();
  out.error = parser.error();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 16384) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = 2 + data[0] % 37;
  Outcome whole;
  parse(body, SIZE_MAX, "b", whole);
  for (const std::size_t piece : {std::size_t{1}, step}) {
    Outcome cut;
    parse(body, piece, "b", cut);
    // After an error a part may have been told or not, but not another one, and content only up to it.
    if (cut.error != whole.error) std::abort();
    if (whole.error.empty() && (cut.seen.heads != whole.seen.heads || cut.seen.content != whole.seen.content)) std::abort();
  }
  // The input as content: it comes back unless it has the boundary.
  const std::string boundary = "bound-7MA4YWxk";
  if (body.find("--" + boundary) == std::string::npos) {
    Outcome back;
    parse("--" + boundary + "\r\nContent-Disposition: form-data; name=f\r\n\r\n" + body + "\r\n--" + boundary + "--", step,
          boundary, back);
    if (!back.error.empty() || back.seen.parts != 1 || back.seen.content != body + '\x1d') std::abort();
  }
  (void)parse_form_disposition(body);
  (void)may_be_declared(sniff_media_type(body), body);
  return 0;
}
