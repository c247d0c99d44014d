#include "http/h1/response_writer.hpp"

#include <gtest/gtest.h>

#include "http/date.hpp"

namespace spikard::http::h1 {
namespace {

std::string written(const ResponseHead& head) {
  std::string out = "<";
  if (!append_head(out, head)) return "refused" + out;
  EXPECT_LE(out.size(), max_head_size(head) + 1);
  return out.substr(1);
}

TEST(ResponseWriter, AnAnswerWithALength) {
  ResponseHead head;
  head.content_type = "text/plain; charset=utf-8";
  head.content_length = 13;
  head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(written(head),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nDate: Sun, 06 Nov 1994 08:49:37 "
            "GMT\r\n\r\n");
}

TEST(ResponseWriter, OwnHeadersWinAndFramingIsTheServers) {
  const HeaderField fields[] = {
      {"content-type", "text/html"}, {"Content-Length", "99"}, {"connection", "close"}, {"Transfer-Encoding", "gzip"},
      {"keep-alive", "1"},           {"date", "today"},        {"Server", "me"},        {"x-a", "1"}};
  ResponseHead head;
  head.status = 404;
  head.headers = fields;
  head.content_type = "text/plain";
  head.date = "now";
  head.server = "spikard";
  head.body_end = BodyEnd::chunked;
  EXPECT_EQ(written(head),
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ndate: today\r\nServer: me\r\nx-a: 1\r\nTransfer-Encoding: "
            "chunked\r\n\r\n");
}

TEST(ResponseWriter, ConnectionHeader) {
  ResponseHead head;
  head.keep_alive = false;
  EXPECT_EQ(written(head), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  head.keep_alive = true;
  head.version = 10;
  EXPECT_EQ(written(head), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  head.body_end = BodyEnd::chunked;
  EXPECT_EQ(written(head), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(stays_open(head));
}

TEST(ResponseWriter, StatusesWithoutABody) {
  ResponseHead head;
  head.status = 204;
  EXPECT_EQ(written(head), "HTTP/1.1 204 No Content\r\n\r\n");
  head.status = 304;
  EXPECT_EQ(written(head), "HTTP/1.1 304 Not Modified\r\n\r\n");
  const HeaderField upgrade[] = {{"Connection", "upgrade"}, {"Upgrade", "websocket"}};
  head.status = 101;
  head.headers = upgrade;
  EXPECT_EQ(written(head), "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(ResponseWriter, UnknownStatuses) {
  ResponseHead head;
  head.status = 299;
  EXPECT_EQ(written(head), "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
  head.status = 99;
  EXPECT_EQ(written(head), "refused<");
  head.status = 1000;
  EXPECT_EQ(written(head), "refused<");
  EXPECT_EQ(reason_of(422), "Unprocessable Content");
  EXPECT_EQ(reason_of(299), "");
  EXPECT_EQ(reason_of(0), "");
}

TEST(ResponseWriter, ResponseSplittingIsRefused) {
  using namespace std::string_view_literals;
  for (const HeaderField& bad : std::vector<HeaderField>{{"x", "a\r\nb: c"},
                                                         {"x", "a\nb"},
                                                         {"x", "a\rb"},
                                                         {"x", "a\0b"sv},
                                                         {"x", "\x7F"},
                                                         {"x y", "a"},
                                                         {"x\r\n", "a"},
                                                         {"", "a"},
                                                         {"x:", "a"},
                                                         {"content-length", "\n"}}) {
    ResponseHead head;
    head.headers = {&bad, 1};
    EXPECT_EQ(written(head), "refused<") << bad.name;
    EXPECT_EQ(refused_header(head.headers), &bad);
  }
  ResponseHead head;
  head.content_type = "text/plain\r\nx: y";
  EXPECT_EQ(written(head), "refused<");
  const HeaderField good[] = {{"x", "caf\xC3\xA9\t"}};
  head = {};
  head.headers = good;
  EXPECT_EQ(written(head).substr(0, 8), "HTTP/1.1");
}

TEST(Date, ImfFixdateOfRfc9110) {
  const auto text = [](std::int64_t s) {
    char out[imf_fixdate_size];
    put_imf_fixdate(out, s);
    return std::string(out, sizeof out);
  };
  EXPECT_EQ(text(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text(951782399), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(text(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  DateCache cache;
  const WallTime t{std::chrono::seconds(784111777)};
  EXPECT_EQ(cache.text(t), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.text(t + std::chrono::milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.text(t + std::chrono::seconds(1)), "Sun, 06 Nov 1994 08:49:38 GMT");
}

}  // namespace
}  // namespace spikard::http::h1
