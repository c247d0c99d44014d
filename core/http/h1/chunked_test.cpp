#include "http/h1/chunked.hpp"

#include <gtest/gtest.h>

namespace spikard::http::h1 {
namespace {

struct Decoded {
  ChunkedDecoder::Status status = ChunkedDecoder::Status::need_more;
  std::string body;
  std::size_t consumed = 0;
  std::string_view error;
};

Decoded decode(std::string_view input, std::size_t step = SIZE_MAX) {
  Decoded out;
  ChunkedDecoder decoder;
  for (std::size_t at = 0; at < input.size() && out.status == ChunkedDecoder::Status::need_more;) {
    std::string piece(input.substr(at, step));
    const auto r = decoder.decode(piece.data(), piece.size());
    if (r.status == ChunkedDecoder::Status::need_more) {
      EXPECT_EQ(r.consumed, piece.size());
    }
    at += piece.size();
    out.status = r.status;
    out.body.append(piece, 0, r.produced);
    out.consumed += r.consumed;
  }
  out.error = decoder.error();
  return out;
}

TEST(Chunked, BodiesWholeAndInPieces) {
  const std::string text = "5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n1 ; a\r\n!\r\n0\r\nX-Trailer: v\r\nB:\r\n\r\nGET /";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Decoded d = decode(text, step);
    ASSERT_EQ(d.status, ChunkedDecoder::Status::done) << step << d.error;
    EXPECT_EQ(d.body, "hello0123456789!");
    EXPECT_EQ(d.consumed, text.size() - 5);
  }
  EXPECT_EQ(decode("0\r\n\r\n").status, ChunkedDecoder::Status::done);
}

TEST(Chunked, WhatIsRefused) {
  for (const std::string& bad : std::vector<std::string>{"x\r\n",
                                                         "\r\n",
                                                         "-1\r\n",
                                                         "+1\r\n",
                                                         "0x1\r\n",
                                                         "1\n",
                                                         "1 \r\n",
                                                         "1\r",
                                                         "1\rx",
                                                         "1\r\nab\r\n",
                                                         "1\r\na\n",
                                                         "1\r\na\rx",
                                                         "11111111111111111\r\n",
                                                         "fffffffffffffffff\r\n",
                                                         "8000000000000000\r\n",
                                                         "1;a\nb\r\n",
                                                         "1;\x01\r\n",
                                                         "1 x\r\n",
                                                         "0\r\n x: y\r\n",
                                                         "0\r\nx y: z\r\n",
                                                         "0\r\nx\r\n",
                                                         "0\r\nx: a\nb\r\n",
                                                         "0\r\n\rx",
                                                         "0\r\n\n",
                                                         "0\r\n: v\r\n",
                                                         "1\r\naX",
                                                         "0\r\nx: a\rb",
                                                         " 1\r\n"}) {
    const auto expected = bad == "1\r" ? ChunkedDecoder::Status::need_more : ChunkedDecoder::Status::error;
    EXPECT_EQ(decode(bad).status, expected) << bad;
    EXPECT_EQ(decode(bad, 1).status, expected) << bad;
  }
}

TEST(Chunked, ExtensionsAndTrailersAreBounded) {
  EXPECT_EQ(decode("1;" + std::string(1000, 'a') + "\r\nx\r\n0\r\n\r\n").status, ChunkedDecoder::Status::done);
  EXPECT_EQ(decode("1;" + std::string(1100, 'a') + "\r\nx\r\n0\r\n\r\n").status, ChunkedDecoder::Status::error);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(many).error, "chunk extensions are too long");
  EXPECT_EQ(decode("0\r\nx: " + std::string(17000, 'a')).error, "the trailers are too long");
}

TEST(Chunked, EncoderAndDecoderAgree) {
  std::string text;
  std::string body;
  for (const std::size_t size : {1UL, 15UL, 16UL, 17UL, 255UL, 256UL, 4095UL, 4096UL, 70000UL}) {
    const std::string part(size, static_cast<char>('a' + size % 26));
    append_chunk(text, part);
    body += part;
  }
  append_chunk(text, "");
  text += last_chunk;
  const Decoded d = decode(text, 1000);
  EXPECT_EQ(d.status, ChunkedDecoder::Status::done);
  EXPECT_EQ(d.body, body);
  char line[max_chunk_line];
  EXPECT_EQ(std::string(line, put_chunk_line(line, UINT64_MAX)), "ffffffffffffffff\r\n");
  EXPECT_EQ(std::string(line, put_chunk_line(line, 16)), "10\r\n");
}

}  // namespace
}  // namespace spikard::http::h1
