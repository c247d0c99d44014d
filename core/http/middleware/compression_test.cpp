#include "http/middleware/compression.hpp"

#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace spikard::http {
namespace {

Coding best(std::initializer_list<const char*> lines, CodingSet offered = {true, true, true}) {
  AcceptEncoding accept;
  for (const char* line : lines) accept.add(line);
  return accept.best(offered);
}

TEST(AcceptEncoding, Rfc9110_12_5_3) {
  EXPECT_EQ(best({}), Coding::identity);
  EXPECT_EQ(best({""}), Coding::identity);
  EXPECT_EQ(best({"gzip"}), Coding::gzip);
  EXPECT_EQ(best({"GZip"}), Coding::gzip);
  EXPECT_EQ(best({"x-gzip"}), Coding::gzip);
  EXPECT_EQ(best({"gzip;q=0"}), Coding::identity);
  EXPECT_EQ(best({"gzip;q=0.000"}), Coding::identity);
  EXPECT_EQ(best({"gzip;q=1, br;q=0.5"}), Coding::gzip);
  EXPECT_EQ(best({"br;q=1, gzip;q=0.2"}), Coding::brotli);
  EXPECT_EQ(best({"gzip , zstd ; Q=0.9 , br;q=0.899"}), Coding::gzip);
  EXPECT_EQ(best({"gzip, deflate, br, zstd"}), Coding::brotli);
  EXPECT_EQ(best({"gzip, zstd"}), Coding::zstd);
  EXPECT_EQ(best({"gzip", "br"}), Coding::brotli);
  EXPECT_EQ(best({"*"}), Coding::brotli);
  EXPECT_EQ(best({"*;q=0"}), Coding::identity);
  EXPECT_EQ(best({"br;q=0, *"}), Coding::zstd);
  EXPECT_EQ(best({"gzip, *;q=0"}), Coding::gzip);
  EXPECT_EQ(best({"identity"}), Coding::identity);
  EXPECT_EQ(best({"identity, gzip;q=0.5"}), Coding::identity);
  EXPECT_EQ(best({"identity;q=0.5, gzip"}), Coding::gzip);
  EXPECT_EQ(best({"identity, gzip"}), Coding::gzip);
  EXPECT_EQ(best({"zstd"}, {true, true, false}), Coding::identity);
  EXPECT_EQ(best({"compress, deflate"}), Coding::identity);
}

TEST(AcceptEncoding, what_is_malformed_counts_for_nothing) {
  for (const char* text :
       {"gzip;q=2", "gzip;q=1.001", "gzip;q=.5", "gzip;q=", "gzip;q=0.1234", "gzip;q=-1", "gzip;q=a", ";q=1", ",,;,", "gzip br"})
    EXPECT_EQ(best({text}), Coding::identity) << text;
  EXPECT_EQ(best({"br;q=x, gzip"}), Coding::gzip);
}

TEST(Compression, what_gets_smaller) {
  for (const char* type : {"text/html", "TEXT/plain; charset=utf-8", "application/json", "application/problem+json",
                           "image/svg+xml", "text/event-stream"})
    EXPECT_TRUE(is_compressible(type)) << type;
  for (const char* type : {"", "image/png", "application/octet-stream", "application/gzip", "text/", "video/mp4", "jsonx"})
    EXPECT_FALSE(is_compressible(type)) << type;
}

TEST(Compression, what_is_left_alone) {
  const auto view = [](std::uint16_t status, std::initializer_list<HeaderField> fields) {
    return may_be_coded(status, {fields.begin(), fields.size()}, "text/plain");
  };
  EXPECT_TRUE(view(200, {}).may_code);
  EXPECT_TRUE(view(404, {}).may_code);
  EXPECT_FALSE(view(204, {}).may_vary);
  EXPECT_FALSE(view(200, {{"Content-Type", "image/png"}}).may_vary);
  EXPECT_FALSE(view(200, {{"content-encoding", "gzip"}}).may_vary);
  EXPECT_FALSE(view(200, {{"Cache-Control", "public, No-Transform"}}).may_code);
  EXPECT_TRUE(view(200, {{"cache-control", "no-store"}}).may_code);
  EXPECT_FALSE(view(206, {}).may_code);
  EXPECT_TRUE(view(206, {}).may_vary);
  EXPECT_FALSE(view(200, {{"content-range", "bytes 0-1/2"}}).may_code);
}

/// What a decoder has of `coded` so far.
std::string decoded(Coding coding, const std::string& coded) {
  std::string out(4 * 1024 * 1024, '\0');
  switch (coding) {
    case Coding::gzip: {
      z_stream z{};
      EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
      z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
      z.avail_in = static_cast<uInt>(coded.size());
      z.next_out = reinterpret_cast<Bytef*>(out.data());
      z.avail_out = static_cast<uInt>(out.size());
      const int code = inflate(&z, Z_SYNC_FLUSH);
      EXPECT_TRUE(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) << code;
      out.resize(z.total_out);
      inflateEnd(&z);
      return out;
    }
    case Coding::brotli: {
      BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
      std::size_t in_left = coded.size(), out_left = out.size(), total = 0;
      const auto* in = reinterpret_cast<const std::uint8_t*>(coded.data());
      auto* to = reinterpret_cast<std::uint8_t*>(out.data());
      EXPECT_NE(BrotliDecoderDecompressStream(state, &in_left, &in, &out_left, &to, &total), BROTLI_DECODER_RESULT_ERROR);
      BrotliDecoderDestroyInstance(state);
      out.resize(total);
      return out;
    }
    case Coding::zstd: {
      ZSTD_DCtx* context = ZSTD_createDCtx();
      ZSTD_inBuffer in{coded.data(), coded.size(), 0};
      ZSTD_outBuffer to{out.data(), out.size(), 0};
      for (std::size_t before = SIZE_MAX; before != to.pos || in.pos != in.size;) {  // one call ends with a block
        before = to.pos;
        const std::size_t code = ZSTD_decompressStream(context, &to, &in);
        EXPECT_EQ(ZSTD_isError(code), 0U);
        if (ZSTD_isError(code) != 0U) break;
      }
      ZSTD_freeDCtx(context);
      out.resize(to.pos);
      return out;
    }
    case Coding::identity: break;
  }
  return coded;
}

TEST(Encoder, each_flush_can_be_decoded_and_a_reset_begins_anew) {
  std::string noise;
  for (std::uint32_t i = 0, x = 1; i < 300000; ++i) noise.push_back(static_cast<char>((x = x * 1664525 + 1013904223) >> 24U));
  for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    for (const std::uint32_t quality : {0U, 4U, 11U}) {
      const auto encoder = Encoder::make(coding, quality);
      ASSERT_NE(encoder, nullptr);
      for (int round = 0; round < 2; ++round) {
        std::string plain, coded;
        for (const std::string& part : {std::string("data: one\n\n"), noise, std::string(), std::string(100000, 'x')}) {
          plain += part;
          ASSERT_TRUE(encoder->feed(part, Encoder::Step::flush, coded));
          ASSERT_TRUE(decoded(coding, coded) == plain) << coding_name(coding) << quality;
        }
        ASSERT_TRUE(encoder->feed({}, Encoder::Step::finish, coded));
        ASSERT_TRUE(decoded(coding, coded) == plain);
        ASSERT_TRUE(encoder->reset());
      }
      std::string coded;
      ASSERT_TRUE(encoder->feed({}, Encoder::Step::finish, coded));
      ASSERT_EQ(decoded(coding, coded), "");
      ASSERT_FALSE(coded.empty());
    }
  }
}

}  // namespace
}  // namespace spikard::http
