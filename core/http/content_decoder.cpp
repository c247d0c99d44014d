#include "http/content_decoder.hpp"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <new>

namespace spikard::http {
namespace {

constexpr std::size_t piece = 16384;
constexpr int zstd_window_log = 23;  // RFC 9659: 8 MiB

/// gzip with any number of members (RFC 1952 section 2.2), and deflate, zlib's or bare.
class Zlib final : public ContentDecoder {
 public:
  explicit Zlib(bool gzip) : gzip_(gzip) {}
  Zlib(const Zlib&) = delete;
  Zlib& operator=(const Zlib&) = delete;
  ~Zlib() override {
    if (open_) inflateEnd(&stream_);
  }
  Status push(std::string_view bytes, Output& out) override {
    if (bytes.empty()) return Status::good;
    if (!open_ && !begin(bytes.front())) return Status::broken;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::array<char, piece> room;
    for (;;) {
      if (ended_) {
        if (stream_.avail_in == 0) return Status::good;
        if (!gzip_ || inflateReset(&stream_) != Z_OK) return Status::broken;
        ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return Status::broken;
      const std::size_t made = room.size() - stream_.avail_out;
      if (made != 0 && !out.on_decoded({room.data(), made})) return Status::stopped;
      ended_ = code == Z_STREAM_END;
      if (!ended_ && stream_.avail_in == 0 && stream_.avail_out != 0) return Status::good;
    }
  }
  bool finished() const noexcept override { return ended_; }

 private:
  bool begin(char first) {
    // A zlib header's low four bits are 8; a bare stream never begins so with a window of up to 32 KiB but by chance: RFC 1950
    // section 2.2.
    const bool zlib = (static_cast<unsigned char>(first) & 0x0fU) == 8 && static_cast<unsigned char>(first) <= 0x78;
    open_ = inflateInit2(&stream_, gzip_ ? 16 + MAX_WBITS : zlib ? MAX_WBITS : -MAX_WBITS) == Z_OK;
    return open_;
  }
  const bool gzip_;
  bool open_ = false;
  bool ended_ = false;
  z_stream stream_{};
};

class Brotli final : public ContentDecoder {
 public:
  Brotli() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  Brotli(const Brotli&) = delete;
  Brotli& operator=(const Brotli&) = delete;
  ~Brotli() override { BrotliDecoderDestroyInstance(state_); }
  Status push(std::string_view bytes, Output& out) override {
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    std::array<std::uint8_t, piece> room;
    for (;;) {
      if (ended_) return left == 0 ? Status::good : Status::broken;
      std::uint8_t* to = room.data();
      std::size_t free = room.size();
      const BrotliDecoderResult code = BrotliDecoderDecompressStream(state_, &left, &in, &free, &to, nullptr);
      if (code == BROTLI_DECODER_RESULT_ERROR) return Status::broken;
      const std::size_t made = room.size() - free;
      if (made != 0 && !out.on_decoded({reinterpret_cast<char*>(room.data()), made})) return Status::stopped;
      ended_ = code == BROTLI_DECODER_RESULT_SUCCESS;
      if (code == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return Status::good;
    }
  }
  bool finished() const noexcept override { return ended_; }

 private:
  BrotliDecoderState* const state_;
  bool ended_ = false;
};

class Zstd final : public ContentDecoder {
 public:
  Zstd() : state_(ZSTD_createDStream()) {
    if (state_ == nullptr) throw std::bad_alloc();
    (void)ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, zstd_window_log);
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeDStream(state_); }
  Status push(std::string_view bytes, Output& out) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::array<char, piece> room;
    while (in.pos < in.size || full_) {
      ZSTD_outBuffer to{room.data(), room.size(), 0};
      const std::size_t code = ZSTD_decompressStream(state_, &to, &in);
      if (ZSTD_isError(code) != 0) return Status::broken;
      full_ = to.pos == to.size && code != 0;
      ended_ = code == 0;  // frames may follow each other
      if (to.pos != 0 && !out.on_decoded({room.data(), to.pos})) return Status::stopped;
    }
    return Status::good;
  }
  bool finished() const noexcept override { return ended_; }

 private:
  ZSTD_DStream* const state_;
  bool ended_ = false;
  bool full_ = false;  // more may come without input
};

}  // namespace

std::unique_ptr<ContentDecoder> ContentDecoder::make(services::ContentCoding coding) {
  switch (coding) {
    case services::ContentCoding::gzip: return std::make_unique<Zlib>(true);
    case services::ContentCoding::deflate: return std::make_unique<Zlib>(false);
    case services::ContentCoding::br: return std::make_unique<Brotli>();
    case services::ContentCoding::zstd: return std::make_unique<Zstd>();
  }
  return nullptr;
}

}  // namespace spikard::http
