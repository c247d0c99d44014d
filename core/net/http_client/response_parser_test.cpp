#include "net/http_client/response_parser.hpp"

#include <gtest/gtest.h>

#include "net/http_client/url.hpp"

namespace spikard::net::http {
namespace {

struct Parsed {
  bool ok = false;
  bool done = false;
  bool keep = false;
  int status = 0;
  std::string body;
  std::size_t taken = 0;
  std::string error;
};

/// In pieces of `step` bytes.
Parsed parse(std::string_view text, std::size_t step, bool head = false, bool close = false) {
  ResponseParser parser(head);
  Parsed out;
  while (out.taken < text.size() && !parser.done()) {
    const std::string_view piece = text.substr(out.taken, step);
    auto took = parser.feed(piece, out.body);
    if (!took.ok()) {
      out.error = took.error().message();
      return out;
    }
    out.taken += *took;
  }
  if (close) {
    if (auto end = parser.end_of_stream(); !end.ok()) {
      out.error = end.error().message();
      return out;
    }
  }
  out.ok = true;
  out.done = parser.done();
  out.keep = parser.keep_alive();
  out.status = parser.status();
  return out;
}

TEST(ResponseParserTest, EveryFramingInEveryPiece) {
  const std::string_view sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a b\r\n\r\nhelloREST";
  const std::string_view chunked =
      "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\nREST";
  const std::string_view interim = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\nREST";
  for (std::size_t step = 1; step < 120; ++step) {
    Parsed one = parse(sized, step);
    EXPECT_TRUE(one.ok && one.done && one.keep) << step << one.error;
    EXPECT_EQ(one.body, "hello");
    EXPECT_EQ(one.taken, sized.size() - 4);
    one = parse(chunked, step);
    EXPECT_TRUE(one.ok && one.done && one.keep) << step << one.error;
    EXPECT_EQ(one.body, "hello!");
    EXPECT_EQ(one.taken, chunked.size() - 4);
    one = parse(interim, step);
    EXPECT_TRUE(one.ok && one.done) << step << one.error;
    EXPECT_EQ(one.status, 204);
    EXPECT_EQ(one.taken, interim.size() - 4);
    one = parse("HTTP/1.0 200 OK\r\n\r\nuntil the end", step, false, true);
    EXPECT_TRUE(one.ok && one.done && !one.keep) << step << one.error;
    EXPECT_EQ(one.body, "until the end");
  }
}

TEST(ResponseParserTest, HeadHasNoBody) {
  const Parsed one = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 7, true);
  EXPECT_TRUE(one.done && one.keep);
}

TEST(ResponseParserTest, KeepAliveByVersionAndConnection) {
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nConnection: close, x\r\nContent-Length: 0\r\n\r\n", 99).keep);
  EXPECT_FALSE(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 99).keep);
  EXPECT_TRUE(parse("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", 99).keep);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 99).keep);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 99).keep);
}

TEST(ResponseParserTest, RefusesWhatIsNotClear) {
  for (const char* text : {"HTTP/2 200\r\n\r\n",
                           "HTP/1.1 200\r\n\r\n",
                           "HTTP/1.1 20\r\n\r\n",
                           "HTTP/1.1 099 x\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
                           "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
                           "HTTP/1.1 101 Switching\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nab\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1111111111111111\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n"})
    EXPECT_FALSE(parse(text, 5).ok) << text;
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello", 5).done);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 5, false, true).ok);
  EXPECT_FALSE(parse("", 5, false, true).ok);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nA: " + std::string(70000, 'x'), 1000).ok);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 257; ++i) many += "a: b\r\n";
  EXPECT_FALSE(parse(many + "\r\n", 1000).ok);
  std::string interim;
  for (int i = 0; i < 17; ++i) interim += "HTTP/1.1 100 x\r\n\r\n";
  EXPECT_FALSE(parse(interim, 1000).ok);
}

TEST(ResponseParserTest, GivesNoMoreOfTheBodyThanThereIsRoom) {
  ResponseParser parser;
  std::string body;
  const std::string_view text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
  EXPECT_EQ(*parser.feed(text, body, 4), text.size() - 6);
  EXPECT_EQ(body, "0123");
  EXPECT_EQ(*parser.feed("456789", body, 100), 6U);
  EXPECT_TRUE(parser.done());
}

TEST(UrlTest, PartsAndRefusals) {
  const Url url = *Url::parse("HTTPS://Example.com:8443/a/b?c=d#e");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "example.com");
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(url.authority(), "example.com:8443");
  EXPECT_EQ(Url::parse("http://[::1]:80?x")->authority(), "[::1]");
  EXPECT_EQ(Url::parse("http://[::1]?x")->target, "/?x");
  EXPECT_EQ(Url::parse("http://h")->target, "/");
  EXPECT_EQ(Url::parse("http://h:/x")->port, 80);
  for (const char* text : {"", "h", "ftp://h", "http://", "http://u:p@h", "http://h:0", "http://h:70000", "http://h:x",
                           "http://h/ a", "http://[::1", "http://[h]", "http://h h/", "http://h/\r\nX: y"})
    EXPECT_FALSE(Url::parse(text).ok()) << text;
}

}  // namespace
}  // namespace spikard::net::http
