#include "http/middleware/compression.hpp"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "http/media_type.hpp"

namespace spikard::http {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// A qvalue in thousandths, or -1.
int parse_weight(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return -1;
  int value = (text[0] - '0') * 1000;
  text.remove_prefix(1);
  if (text.empty()) return value;
  if (text[0] != '.' || text.size() > 4) return -1;
  text.remove_prefix(1);
  int scale = 100;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value += (c - '0') * scale;
    scale /= 10;
  }
  return value > 1000 ? -1 : value;
}

template <class Fn>
void each_member(std::string_view list, char separator, Fn fn) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (const std::string_view one = trimmed(list.substr(0, end)); !one.empty()) fn(one);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

bool ends_with(std::string_view text, std::string_view end) noexcept {
  return text.size() > end.size() && equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

constexpr std::size_t room = 16384;

class Gzip final : public Encoder {
 public:
  explicit Gzip(std::uint32_t quality) {
    ready_ =
        deflateInit2(&stream_, std::clamp(static_cast<int>(quality), 1, 9), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Gzip() override {
    if (ready_) deflateEnd(&stream_);
  }
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  bool feed(std::string_view in, Step step, std::string& out) override {
    do {
      const std::size_t part = std::min<std::size_t>(in.size(), 1U << 30U);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
      stream_.avail_in = static_cast<uInt>(part);
      in.remove_prefix(part);
      const int how = !in.empty() ? Z_NO_FLUSH : step == Step::finish ? Z_FINISH : Z_SYNC_FLUSH;
      do {
        const std::size_t at = out.size();
        out.resize(at + room);
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + at);
        stream_.avail_out = room;
        const int code = deflate(&stream_, how);
        out.resize(at + room - stream_.avail_out);
        if (code == Z_STREAM_ERROR) return false;
      } while (stream_.avail_out == 0);
    } while (!in.empty());
    return true;
  }
  bool reset() override { return deflateReset(&stream_) == Z_OK; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class Brotli final : public Encoder {
 public:
  explicit Brotli(std::uint32_t quality) : quality_(quality) { open(); }
  ~Brotli() override { close(); }
  [[nodiscard]] bool ready() const noexcept { return state_ != nullptr; }
  bool feed(std::string_view in, Step step, std::string& out) override {
    const auto* next = reinterpret_cast<const std::uint8_t*>(in.data());
    std::size_t left = in.size();
    // Output that waits puts the rest of a flush off: it is over when a call brings nothing more.
    for (bool brought = true; brought || left != 0;) {
      std::size_t none = 0;
      const BrotliEncoderOperation operation = step == Step::finish ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH;
      if (BrotliEncoderIsFinished(state_) == BROTLI_TRUE) break;
      if (BrotliEncoderCompressStream(state_, operation, &left, &next, &none, nullptr, nullptr) == BROTLI_FALSE) return false;
      brought = false;
      while (BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE) {
        std::size_t size = 0;
        const std::uint8_t* part = BrotliEncoderTakeOutput(state_, &size);
        out.append(reinterpret_cast<const char*>(part), size);
        brought = true;
      }
    }
    return step != Step::finish || BrotliEncoderIsFinished(state_) == BROTLI_TRUE;
  }
  /// The library has no reset.
  bool reset() override {
    close();
    open();
    return ready();
  }

 private:
  void open() {
    state_ = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
    if (state_ == nullptr) return;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, std::min<std::uint32_t>(quality_, 11));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, 19);
  }
  void close() {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
    state_ = nullptr;
  }
  BrotliEncoderState* state_ = nullptr;
  std::uint32_t quality_;
};

class Zstd final : public Encoder {
 public:
  explicit Zstd(std::uint32_t quality) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) return;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, std::clamp(static_cast<int>(quality), 1, 11));
    // RFC 8878 section 3.1.1.1.2: a decoder need not take more than 8 MiB.
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 19);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }
  [[nodiscard]] bool ready() const noexcept { return context_ != nullptr; }
  bool feed(std::string_view in, Step step, std::string& out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    for (;;) {
      const std::size_t at = out.size();
      out.resize(at + room);
      ZSTD_outBuffer to{out.data() + at, room, 0};
      const std::size_t left = ZSTD_compressStream2(context_, &to, &from, step == Step::finish ? ZSTD_e_end : ZSTD_e_flush);
      out.resize(at + to.pos);
      if (ZSTD_isError(left) != 0) return false;
      if (left == 0 && from.pos == from.size) return true;
    }
  }
  bool reset() override { return ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0; }

 private:
  ZSTD_CCtx* context_;
};

template <class T>
std::unique_ptr<Encoder> make_one(std::uint32_t quality) {
  auto made = std::make_unique<T>(quality);
  if (!made->ready()) return nullptr;
  return made;
}

}  // namespace

std::string_view coding_name(Coding coding) noexcept {
  switch (coding) {
    case Coding::identity: return "identity";
    case Coding::gzip: return "gzip";
    case Coding::brotli: return "br";
    case Coding::zstd: return "zstd";
  }
  return {};
}

bool CodingSet::has(Coding coding) const noexcept {
  switch (coding) {
    case Coding::identity: return true;
    case Coding::gzip: return gzip;
    case Coding::brotli: return brotli;
    case Coding::zstd: return zstd;
  }
  return false;
}

void AcceptEncoding::add(std::string_view line) noexcept {
  each_member(line, ',', [&](std::string_view member) {
    const std::size_t semicolon = std::min(member.find(';'), member.size());
    const std::string_view name = trimmed(member.substr(0, semicolon));
    int weight = 1000;
    bool malformed = false;
    each_member(member.substr(std::min(semicolon + 1, member.size())), ';', [&](std::string_view parameter) {
      const std::size_t equals = parameter.find('=');
      if (equals == parameter.npos || !equals_ignoring_case(trimmed(parameter.substr(0, equals)), "q")) return;
      weight = parse_weight(trimmed(parameter.substr(equals + 1)));
      malformed = malformed || weight < 0;
    });
    if (malformed) return;
    if (name == "*") star_ = weight;
    else if (equals_ignoring_case(name, "identity")) weights_[static_cast<std::size_t>(Coding::identity)] = weight;
    else if (equals_ignoring_case(name, "gzip") || equals_ignoring_case(name, "x-gzip"))
      weights_[static_cast<std::size_t>(Coding::gzip)] = weight;
    else if (equals_ignoring_case(name, "br")) weights_[static_cast<std::size_t>(Coding::brotli)] = weight;
    else if (equals_ignoring_case(name, "zstd")) weights_[static_cast<std::size_t>(Coding::zstd)] = weight;
  });
}

int AcceptEncoding::weight(Coding coding) const noexcept {
  const int own = weights_[static_cast<std::size_t>(coding)];
  return own >= 0 ? own : star_ >= 0 ? star_ : 0;
}

Coding AcceptEncoding::best(const CodingSet& offered) const noexcept {
  Coding best = Coding::identity;
  int highest = 0;
  for (const Coding one : {Coding::brotli, Coding::zstd, Coding::gzip}) {
    if (!offered.has(one) || weight(one) <= highest) continue;
    best = one;
    highest = weight(one);
  }
  // Identity is what it is without a word; only where it was named it may win.
  return weights_[static_cast<std::size_t>(Coding::identity)] > highest ? Coding::identity : best;
}

bool is_compressible(std::string_view content_type) noexcept {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (type.size() > 5 && equals_ignoring_case(type.substr(0, 5), "text/")) return true;
  if (ends_with(type, "+json") || ends_with(type, "+xml")) return true;
  for (const std::string_view one :
       {"application/json", "application/xml", "application/javascript", "application/ecmascript", "application/x-ndjson",
        "application/x-javascript", "application/json-seq", "application/wasm", "application/yaml"}) {
    if (equals_ignoring_case(type, one)) return true;
  }
  return false;
}

CodingView may_be_coded(std::uint16_t status, std::span<const HeaderField> fields, std::string_view content_type) noexcept {
  // 206 is a part of the bytes that the client has, or will have, uncoded.
  bool partial = status == 206;
  bool fixed = false;
  for (const HeaderField& field : fields) {
    switch (field.name.size()) {
      case 12:
        if (equals_ignoring_case(field.name, "content-type")) content_type = field.value;
        break;
      case 13:
        if (equals_ignoring_case(field.name, "content-range")) partial = true;
        else if (equals_ignoring_case(field.name, "cache-control"))
          each_member(field.value, ',',
                      [&](std::string_view one) { fixed = fixed || equals_ignoring_case(one, "no-transform"); });
        break;
      case 16:
        if (equals_ignoring_case(field.name, "content-encoding")) fixed = true;
        break;
      default: break;
    }
  }
  if (fixed || !is_compressible(content_type) || status < 200 || status == 204 || status == 304) return {};
  return {.may_vary = true, .may_code = !partial};
}

std::unique_ptr<Encoder> Encoder::make(Coding coding, std::uint32_t quality) {
  switch (coding) {
    case Coding::gzip: return make_one<Gzip>(quality);
    case Coding::brotli: return make_one<Brotli>(quality);
    case Coding::zstd: return make_one<Zstd>(quality);
    case Coding::identity: break;
  }
  return nullptr;
}

}  // namespace spikard::http
