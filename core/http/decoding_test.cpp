#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "http/content_decoder.hpp"
#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

using services::ContentCoding;
using test::ServerTest;

std::string deflated(const std::string& text, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}
std::string encoded(ContentCoding coding, const std::string& text) {
  if (coding == ContentCoding::gzip) return deflated(text, 16 + MAX_WBITS);
  if (coding == ContentCoding::deflate) return deflated(text, MAX_WBITS);
  if (coding == ContentCoding::zstd) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
  }
  std::size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 16;
  std::string out(size, '\0');
  EXPECT_NE(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()),
                                  &size, reinterpret_cast<std::uint8_t*>(out.data())),
            0);
  out.resize(size);
  return out;
}

constexpr ContentCoding all[] = {ContentCoding::gzip, ContentCoding::deflate, ContentCoding::br, ContentCoding::zstd};

struct Collected final : ContentDecoder::Output {
  std::string text;
  std::size_t limit = SIZE_MAX;
  bool on_decoded(std::string_view bytes) override {
    EXPECT_LE(bytes.size(), 16384U);
    text += bytes;
    return text.size() <= limit;
  }
};
/// The text, or what went wrong.
std::string decoded(ContentCoding coding, const std::string& bytes, std::size_t step, std::size_t limit = SIZE_MAX) {
  Collected out;
  out.limit = limit;
  const auto decoder = ContentDecoder::make(coding);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto status = decoder->push(std::string_view(bytes).substr(at, step), out);
    if (status == ContentDecoder::Status::broken) return "broken";
    if (status == ContentDecoder::Status::stopped) return "stopped at " + std::to_string(out.text.size());
  }
  return decoder->finished() ? out.text : "cut";
}

TEST(Decoding, every_coding_in_pieces) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "line " + std::to_string(i * 7919 % 1000) + "\n";
  for (const ContentCoding coding : all) {
    const std::string bytes = encoded(coding, text);
    ASSERT_LT(bytes.size(), text.size());
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, bytes.size()})
      EXPECT_TRUE(decoded(coding, bytes, step) == text) << services::name_of(coding);
    EXPECT_EQ(decoded(coding, encoded(coding, ""), 1), "") << services::name_of(coding);
    EXPECT_EQ(decoded(coding, bytes.substr(0, bytes.size() - 1), 4096), "cut") << services::name_of(coding);
    EXPECT_EQ(decoded(coding, "\xff\xff nothing of the kind", 4096), "broken") << services::name_of(coding);
    const std::string bomb = encoded(coding, std::string(std::size_t{64} << 20, 'a'));
    const std::string stopped = decoded(coding, bomb, bomb.size(), 100000);
    ASSERT_TRUE(stopped.starts_with("stopped at ")) << services::name_of(coding);
    EXPECT_LE(std::stoul(stopped.substr(11)), 100000U + 16384U) << services::name_of(coding);
  }
  const std::string gzip = encoded(ContentCoding::gzip, "one ");
  EXPECT_EQ(decoded(ContentCoding::gzip, gzip + encoded(ContentCoding::gzip, "two"), 3), "one two")
      << "RFC 1952 section 2.2: members";
  EXPECT_EQ(decoded(ContentCoding::gzip, gzip + "rest", 1000), "broken");
  EXPECT_EQ(decoded(ContentCoding::br, encoded(ContentCoding::br, "one") + "x", 1000), "broken");
  EXPECT_EQ(decoded(ContentCoding::deflate, deflated("bare", -MAX_WBITS), 1), "bare");
  std::string wrong = gzip;
  wrong[wrong.size() - 6] = static_cast<char>(wrong[wrong.size() - 6] ^ 1);
  EXPECT_EQ(decoded(ContentCoding::gzip, wrong, 1000), "broken") << "the check sum";
}

struct DecodedBodies : ServerTest {
  void start(const std::string& decompression, const std::string& body = "{}") {
    serve(R"({"decompression": )" + decompression + R"(, "routes": [{"method": "POST", "path": "/u", "body": )" + body + "}]}");
    sink.routes[0] = [](Exchange& e) { e.reply({.format = BodyFormat::nodes, .value = e.record().value(e.record().json)}); };
  }
  std::string send(const std::string& bytes, const std::string& coding, const std::string& type = "application/json") {
    return exchange(
        connect(),
        post("/u", bytes, "Content-Type: " + type + "\r\n" + (coding.empty() ? "" : "Content-Encoding: " + coding + "\r\n")));
  }
};

TEST_F(DecodedBodies, are_read_as_if_they_had_come_plain) {
  start(R"({"encodings": ["gzip", "deflate", "br", "zstd"]})");
  const std::string text = R"({"a":")" + std::string(30000, 'x') + "\"}";
  for (const ContentCoding coding : all)
    EXPECT_TRUE(body(send(encoded(coding, text), std::string(services::name_of(coding)))) == text) << services::name_of(coding);
  EXPECT_EQ(body(send(R"({"a":1})", "")), R"({"a":1})");
  EXPECT_EQ(body(send(R"({"a":1})", "Identity")), R"({"a":1})");
  EXPECT_EQ(body(send(encoded(ContentCoding::gzip, "[1]"), "x-GZIP")), "[1]");
  const std::string bytes = encoded(ContentCoding::gzip, "[2]");
  std::string chunked = "POST /u HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char c : bytes) chunked.append("1\r\n").append(1, c).append("\r\n");
  EXPECT_EQ(body(exchange(connect(), chunked + "0\r\n\r\n")), "[2]");
}

TEST_F(DecodedBodies, refusals) {
  start(R"({"max_bytes": 1000})");
  EXPECT_EQ(status(send(encoded(ContentCoding::gzip, "\"" + std::string(998, 'x') + "\""), "gzip")), 200)
      << "the limit itself passes";
  EXPECT_EQ(status(send(encoded(ContentCoding::gzip, "\"" + std::string(999, 'x') + "\""), "gzip")), 413);
  EXPECT_EQ(status(send("nonsense", "gzip")), 400);
  EXPECT_EQ(status(send(encoded(ContentCoding::gzip, "[1]").substr(0, 10), "gzip")), 400) << "cut";
  for (const char* coding : {"zstd", "gzip, gzip", "none"}) {
    const std::string answer = send(encoded(ContentCoding::zstd, "[1]"), coding);
    EXPECT_EQ(status(answer), 415) << coding;
    EXPECT_NE(answer.find("accept-encoding: gzip, deflate, br\r\n"), std::string::npos) << answer;
  }
}

TEST_F(DecodedBodies, multipart_in_a_coding) {
  start("{}", R"({"content_types": ["multipart/form-data"], "schema": {"properties": {"n": {"type": "integer"}}}})");
  const std::string parts = "--b\r\nContent-Disposition: form-data; name=n\r\n\r\n5\r\n--b--";
  EXPECT_EQ(body(send(encoded(ContentCoding::br, parts), "br", "multipart/form-data; boundary=b")), R"({"n":5})");
  EXPECT_EQ(status(send(encoded(ContentCoding::br, "nothing"), "br", "multipart/form-data; boundary=b")), 400);
}

TEST_F(DecodedBodies, without_it_a_body_stays_as_it_is) {
  serve(R"({"routes": [{"method": "POST", "path": "/u", "body": {}}]})");
  EXPECT_EQ(status(send(encoded(ContentCoding::gzip, "[1]"), "gzip")), 400);
}

}  // namespace
}  // namespace spikard::http
