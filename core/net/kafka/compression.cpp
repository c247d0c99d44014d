#include "net/kafka/compression.hpp"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {
namespace {

using Text = Result<std::string>;

constexpr std::size_t step = 64U << 10U;

Error corrupt(std::string_view how) {
  return {ErrorKind::corrupt, "a record batch does not decompress (" + std::string(how) + ")"};
}
Error too_large() { return {ErrorKind::too_large, "a record batch is too large when decompressed"}; }
Error failed(std::string_view how) { return internal_error("compression failed (" + std::string(how) + ")"); }

Text gzip(std::string_view bytes) {
  ::z_stream z{};
  if (::deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return failed("gzip");
  const std::unique_ptr<::z_stream, int (*)(::z_stream*)> end(&z, &::deflateEnd);
  std::string out(::deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&z, Z_FINISH) != Z_STREAM_END) return failed("gzip");
  out.resize(z.total_out);
  return out;
}

Text gunzip(std::string_view bytes, std::size_t limit) {
  ::z_stream z{};
  if (::inflateInit2(&z, 15 + 32) != Z_OK) return failed("gzip");
  const std::unique_ptr<::z_stream, int (*)(::z_stream*)> end(&z, &::inflateEnd);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (;;) {
    const std::size_t had = out.size();
    out.resize(had + step);
    z.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    z.avail_out = static_cast<uInt>(step);
    const int status = ::inflate(&z, Z_NO_FLUSH);
    out.resize(had + step - z.avail_out);
    if (out.size() > limit) return too_large();
    if (status == Z_STREAM_END) return out;
    if (status != Z_OK || (z.avail_in == 0 && z.avail_out != 0)) return corrupt("gzip");
  }
}

Text snappy_block(std::string_view bytes, std::size_t limit) {
  std::size_t size = 0;
  if (::snappy_uncompressed_length(bytes.data(), bytes.size(), &size) != SNAPPY_OK) return corrupt("snappy");
  if (size > limit) return too_large();
  // A block of snappy expands at most about 22 times, so a length beyond that is a lie that must not be allocated.
  if (size > bytes.size() * 64 + 64) return corrupt("snappy");
  std::string out(size, '\0');
  if (::snappy_uncompress(bytes.data(), bytes.size(), out.data(), &size) != SNAPPY_OK) return corrupt("snappy");
  out.resize(size);
  return out;
}

Text unsnappy(std::string_view bytes, std::size_t limit) {
  constexpr std::string_view magic("\x82SNAPPY\0", 8);
  if (!bytes.starts_with(magic)) return snappy_block(bytes, limit);
  Reader in(bytes, false);
  (void)in.raw(magic.size() + 8);  // version, compatible version
  std::string out;
  while (in.ok() && in.left() > 0) {
    const std::uint32_t size = in.u32();
    const std::string_view block = in.raw(size);
    if (!in.ok()) break;
    Text part = snappy_block(block, limit - out.size());
    if (!part.ok()) return part;
    out += *part;
  }
  if (!in.ok()) return corrupt("snappy");
  return out;
}

Text snappy(std::string_view bytes) {
  std::size_t size = ::snappy_max_compressed_length(bytes.size());
  std::string out(size, '\0');
  if (::snappy_compress(bytes.data(), bytes.size(), out.data(), &size) != SNAPPY_OK) return failed("snappy");
  out.resize(size);
  return out;
}

Text lz4(std::string_view bytes) {
  std::string out(::LZ4F_compressFrameBound(bytes.size(), nullptr), '\0');
  const std::size_t size = ::LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), nullptr);
  if (::LZ4F_isError(size) != 0U) return failed("lz4");
  out.resize(size);
  return out;
}

Text unlz4(std::string_view bytes, std::size_t limit) {
  ::LZ4F_dctx* raw = nullptr;
  if (::LZ4F_isError(::LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0U) return failed("lz4");
  const std::unique_ptr<::LZ4F_dctx, LZ4F_errorCode_t (*)(::LZ4F_dctx*)> context(raw, &::LZ4F_freeDecompressionContext);
  std::string out;
  for (;;) {
    const std::size_t had = out.size();
    out.resize(had + step);
    std::size_t room = step;
    std::size_t took = bytes.size();
    const std::size_t hint = ::LZ4F_decompress(raw, out.data() + had, &room, bytes.data(), &took, nullptr);
    if (::LZ4F_isError(hint) != 0U) return corrupt("lz4");
    out.resize(had + room);
    bytes.remove_prefix(took);
    if (out.size() > limit) return too_large();
    if (hint == 0) return out;
    if (took == 0 && room == 0) return corrupt("lz4");
  }
}

Text zstd(std::string_view bytes) {
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3);
  if (::ZSTD_isError(size) != 0U) return failed("zstd");
  out.resize(size);
  return out;
}

Text unzstd(std::string_view bytes, std::size_t limit) {
  const std::unique_ptr<::ZSTD_DCtx, std::size_t (*)(::ZSTD_DCtx*)> context(::ZSTD_createDCtx(), &::ZSTD_freeDCtx);
  if (context == nullptr) return failed("zstd");
  std::string out;
  ::ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    const std::size_t had = out.size();
    out.resize(had + step);
    ::ZSTD_outBuffer into{out.data() + had, step, 0};
    const std::size_t before = in.pos;
    const std::size_t hint = ::ZSTD_decompressStream(context.get(), &into, &in);
    if (::ZSTD_isError(hint) != 0U) return corrupt("zstd");
    out.resize(had + into.pos);
    if (out.size() > limit) return too_large();
    if (hint == 0) return out;
    if (in.pos == before && into.pos == 0) return corrupt("zstd");
  }
}

}  // namespace

Result<std::string> compress(Compression how, std::string_view bytes) {
  switch (how) {
    case Compression::none: return std::string(bytes);
    case Compression::gzip: return gzip(bytes);
    case Compression::snappy: return snappy(bytes);
    case Compression::lz4: return lz4(bytes);
    case Compression::zstd: return zstd(bytes);
  }
  return failed("unknown");
}

Result<std::string> decompress(Compression how, std::string_view bytes, std::size_t limit) {
  switch (how) {
    case Compression::none: return std::string(bytes);
    case Compression::gzip: return gunzip(bytes, limit);
    case Compression::snappy: return unsnappy(bytes, limit);
    case Compression::lz4: return unlz4(bytes, limit);
    case Compression::zstd: return unzstd(bytes, limit);
  }
  return corrupt("unknown codec");
}

}  // namespace spikard::net::kafka
