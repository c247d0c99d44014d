#include "http/h1/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spikard::http::h1 {
namespace {

/// Feeds a text whole or in pieces; the buffer and the views move between the pieces, as a growing block does.
struct Parsed {
  Parse result = Parse::need_more;
  Head head;
  HeadError error;
  std::string text;
  std::vector<ViewPair> views;

  [[nodiscard]] std::string_view at(View v) const { return std::string_view(text).substr(v.off, v.len); }
  [[nodiscard]] std::string name(std::size_t i) const { return std::string(at(views.at(i).name)); }
  [[nodiscard]] std::string value(std::size_t i) const { return std::string(at(views.at(i).value)); }
};

Parsed parse(std::string_view input, std::size_t step = SIZE_MAX, HeadLimits limits = {}, std::string_view before = "") {
  Parsed p;
  RequestParser parser;
  p.text = std::string(before) + std::string(input);
  p.views.resize(limits.header_count);
  std::string buffer(before);
  std::vector<ViewPair> views(limits.header_count);
  for (std::size_t given = 0; given < input.size() && p.result == Parse::need_more;) {
    const std::size_t n = std::min(step, input.size() - given);
    std::string grown = buffer;
    grown.append(input.substr(given, n));
    grown.shrink_to_fit();
    given += n;
    buffer.swap(grown);
    views = std::vector<ViewPair>(views);
    p.result = parser.parse(buffer.data(), static_cast<std::uint32_t>(before.size()), static_cast<std::uint32_t>(buffer.size()),
                            views.data(), limits);
  }
  p.text = buffer;
  p.views = views;
  p.head = parser.head();
  p.error = parser.error();
  return p;
}

std::uint16_t status_of(std::string_view input) {
  const Parsed whole = parse(input);
  const Parsed bytes = parse(input, 1);
  EXPECT_EQ(whole.result, bytes.result) << input;
  EXPECT_EQ(whole.error.status, bytes.error.status) << input;
  EXPECT_EQ(whole.error.message, bytes.error.message) << input;
  if (whole.result == Parse::need_more) return 1;
  return whole.result == Parse::done ? 0 : whole.error.status;
}

std::string get(std::string_view headers) { return "GET /r HTTP/1.1\r\nHost: t\r\n" + std::string(headers) + "\r\n"; }
std::string post(std::string_view headers) { return "POST /b HTTP/1.1\r\nHost: t\r\n" + std::string(headers) + "\r\n"; }

TEST(RequestParser, AWholeRequestAndOneInPieces) {
  const std::string text =
      "POST /users/42?verbose=true&x=%20 HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux "
      "x86_64)\r\nX-A-Very-Long-Header-Name-Indeed: "
      "\t v a l \r\nContent-Type:application/json\r\nCookie: a=b\r\nContent-Length: 12\r\nX_odd~Name!: "
      "\xC3\xA9\r\nEmpty:\r\n\r\n{\"a\": 12345}";
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{16}, std::size_t{33}}) {
    const Parsed p = parse(text, step, {}, "0123456789");
    ASSERT_EQ(p.result, Parse::done) << step << " " << p.error.message;
    EXPECT_EQ(p.head.method, Method::post);
    EXPECT_EQ(p.at(p.head.method_text), "POST");
    EXPECT_EQ(p.at(p.head.target), "/users/42?verbose=true&x=%20");
    EXPECT_EQ(p.at(p.head.path), "/users/42");
    EXPECT_EQ(p.at(p.head.query), "verbose=true&x=%20");
    EXPECT_FALSE(p.head.path_escaped);
    EXPECT_EQ(p.head.version, 11);
    EXPECT_EQ(p.head.framing, Framing::length);
    EXPECT_EQ(p.head.content_length, 12U);
    EXPECT_EQ(p.head.begin, 10U);
    EXPECT_EQ(p.head.end, 10U + text.find("\r\n\r\n") + 4);
    ASSERT_EQ(p.head.header_count, 8U);
    EXPECT_EQ(p.name(0), "host");
    EXPECT_EQ(p.value(0), "example.com:8080");
    EXPECT_EQ(p.name(1), "user-agent");
    EXPECT_EQ(p.value(1), "Mozilla/5.0 (X11; Linux x86_64)");
    EXPECT_EQ(p.name(2), "x-a-very-long-header-name-indeed");
    EXPECT_EQ(p.value(2), "v a l");
    EXPECT_EQ(p.name(6), "x_odd~name!");
    EXPECT_EQ(p.value(6), "\xC3\xA9");
    EXPECT_EQ(p.value(7), "");
    EXPECT_EQ(p.head.index(Known::content_type), 3);
    EXPECT_EQ(p.head.index(Known::cookie), 4);
    EXPECT_EQ(p.head.index(Known::origin), -1);
  }
}

TEST(RequestParser, OnlyNamesChangeCase) {
  const Parsed p = parse("GET /A HTTP/1.1\r\nHOST: T\r\nX: ABCDEFGHIJKLMNOP\r\n\r\n");
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.text, "GET /A HTTP/1.1\r\nhost: T\r\nx: ABCDEFGHIJKLMNOP\r\n\r\n");
}

TEST(RequestParser, EveryMethod) {
  for (const auto& [text, method] : std::vector<std::pair<std::string, Method>>{{"GET", Method::get},
                                                                                {"HEAD", Method::head},
                                                                                {"POST", Method::post},
                                                                                {"PUT", Method::put},
                                                                                {"PATCH", Method::patch},
                                                                                {"DELETE", Method::del},
                                                                                {"OPTIONS", Method::options},
                                                                                {"TRACE", Method::trace},
                                                                                {"get", Method::other},
                                                                                {"PURGE", Method::other},
                                                                                {"G", Method::other}}) {
    const Parsed p = parse(text + " / HTTP/1.1\r\nHost: t\r\n\r\n");
    ASSERT_EQ(p.result, Parse::done) << text;
    EXPECT_EQ(p.head.method, method) << text;
    EXPECT_EQ(p.at(p.head.method_text), text);
  }
  EXPECT_EQ(status_of("CONNECT a:1 HTTP/1.1\r\nHost: t\r\n\r\n"), 501);
}

TEST(RequestParser, TargetsOfRfc9112Section32) {
  const auto target = [](std::string_view t, std::string_view method = "GET") {
    return parse(std::string(method) + " " + std::string(t) + " HTTP/1.1\r\nHost: h\r\n\r\n");
  };
  Parsed p = target("http://Example.com:80/a?b");
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.at(p.head.path), "/a");
  EXPECT_EQ(p.at(p.head.query), "b");
  EXPECT_EQ(p.value(0), "Example.com:80") << "the Host of the target counts";
  p = target("HTTPS://t");
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.at(p.head.path), "/");
  EXPECT_EQ(p.head.query.len, 0U);
  p = target("http://t?q=1");
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.at(p.head.path), "/");
  EXPECT_EQ(p.at(p.head.query), "q=1");
  p = target("http://t/%41");
  EXPECT_TRUE(p.head.path_escaped);
  EXPECT_FALSE(target("/a?%41").head.path_escaped);
  p = target("*", "OPTIONS");
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.at(p.head.path), "*");
  for (const char* bad : {"*", "a", "ftp://t/", "http://", "http:///a", "http://u@t/", "/a#b", "/a\"b", "/a<b", "/a>b", "/a\\b",
                          "/\xC3\xA9", "/a\x7F", "/a\tb", "?q"}) {
    EXPECT_EQ(target(bad).error.status, 400) << bad;
  }
  for (const char* good : {"/", "//", "/a??b", "/?", "/q?filter[name]=a", "/q?a|b", "/%zz", "/a;b,c=d&e+f", "/{x}"})
    EXPECT_EQ(target(good).result, Parse::done) << good;
}

TEST(RequestParser, RequestLinesThatAreRefused) {
  for (const char* bad : {"HELLO\r\n\r\n", "GET /r\r\n\r\n", "GET  /r HTTP/1.1\r\n\r\n", "GET /r  HTTP/1.1\r\n\r\n",
                          "GET /r HTTP/1.1 \r\n\r\n", " GET /r HTTP/1.1\r\n\r\n", "GET /r HTTP/1.1\n\n",
                          "GET /r http/1.1\r\n\r\n", "GET /r HTTP/1.10\r\n", "GET /r HTTP/11\r\n\r\n", "G@T /r HTTP/1.1\r\n\r\n",
                          "\n", "\r\r", "\x16\x03\x01", "GET /r X", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDD / HTTP/1.1\r\n"}) {
    EXPECT_EQ(status_of(bad), 400) << bad;
  }
  EXPECT_EQ(status_of("GET /r HTTP/3.0\r\n"), 505);
  EXPECT_EQ(status_of("GET /r HTTP/0.9\r\n"), 505);
  EXPECT_EQ(status_of("GET /r HTTP/1.2\r\nHost: t\r\n\r\n"), 0);
  EXPECT_EQ(status_of("\r\n\r\nGET /r HTTP/1.1\r\nHost: t\r\n\r\n"), 0);
  EXPECT_EQ(status_of("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET /r HTTP/1.1\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /r HTTP/1.1\r\nHost: t\r\n"), 1);
  EXPECT_EQ(status_of("\r\n"), 1);
}

TEST(RequestParser, HeaderLinesThatAreRefused) {
  for (const std::string& bad : std::vector<std::string>{
           "X: a\rb\r\n", "X: a\nY: b\r\n", "X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X : a\r\n", "X\t: a\r\n", ": a\r\n", "X\r\n",
           "X y: a\r\n", "X\xC3: a\r\n", std::string("X: a\0b\r\n", 8), "X: \x01\r\n", "X: \x7F\r\n", "(x): a\r\n",
           "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x0B\r\n", "ABCDEFGHIJKLMNOPQRST/: a\r\n", "\"x\": a\r\n"}) {
    EXPECT_EQ(status_of(get(bad)), 400) << bad;
    EXPECT_EQ(status_of("GET /r HTTP/1.1\r\n" + bad + "Host: t\r\n\r\n"), 400) << bad;
  }
  EXPECT_EQ(status_of("GET /r HTTP/1.1\r\nHost: t\r\n\n"), 400);
  EXPECT_EQ(status_of("GET /r HTTP/1.1\r\nHost: t\r\n\rX"), 400);
  EXPECT_EQ(status_of(get("X: a\tb\r\n")), 0);
}

TEST(RequestParser, HostOfRfc9112Section32) {
  EXPECT_EQ(status_of("GET /r HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /r HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET /r HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of(get("Host: t\r\n")), 400);
  EXPECT_EQ(status_of("GET http://t/ HTTP/1.1\r\n\r\n"), 400);
  for (const char* bad : {"a b", "a/b", "a@b", "a?b", "\xC3\xA9"})
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n"), 400) << bad;
  for (const char* good : {"", "   t  ", "[::1]:80", "a-b.c_d:1"})
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string(good) + "\r\n\r\n"), 0) << good;
}

TEST(RequestParser, FramingOfRfc9112Section6) {
  EXPECT_EQ(parse(get("")).head.framing, Framing::none);
  Parsed p = parse(post("Transfer-Encoding: Chunked\r\n"));
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.head.framing, Framing::chunked);
  p = parse(post("Content-Length: 000000000000000000000000005\r\n"));
  ASSERT_EQ(p.result, Parse::done);
  EXPECT_EQ(p.head.content_length, 5U);
  for (const char* bad : {"Content-Length: +1\r\n",
                          "Content-Length: -1\r\n",
                          "Content-Length: 0x1\r\n",
                          "Content-Length: 1 1\r\n",
                          "Content-Length: 1,1\r\n",
                          "Content-Length:\r\n",
                          "Content-Length: 1.0\r\n",
                          "Content-Length: 1\r\nContent-Length: 1\r\n",
                          "Content-Length: 1\r\nContent-Length: 2\r\n",
                          "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
                          "Transfer-Encoding: chunked, gzip\r\n",
                          "Transfer-Encoding: chunked, chunked\r\n",
                          "Transfer-Encoding: identity\r\n",
                          "Transfer-Encoding:\r\n",
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: \x0B"
                          "chunked\r\n",
                          "Transfer-Encoding: xchunked\r\n",
                          "Transfer-Encoding: chunked;q=1\r\n",
                          "Transfer-Encoding: \"chunked\"\r\n"}) {
    EXPECT_EQ(status_of(post(bad)), 400) << bad;
  }
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip, chunked\r\n")), 501);
  EXPECT_EQ(status_of(post("Content-Length: 9223372036854775808\r\n")), 413);
  EXPECT_EQ(status_of(post("Content-Length: 99999999999999999999999\r\n")), 413);
  EXPECT_EQ(status_of("POST /b HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestParser, ConnectionExpectAndUpgrade) {
  const auto keeps = [](std::string_view version, std::string_view connection) {
    const Parsed p =
        parse("GET / HTTP/1." + std::string(version) + "\r\nHost: t\r\nConnection: " + std::string(connection) + "\r\n\r\n");
    EXPECT_EQ(p.result, Parse::done);
    return p.head.keep_alive;
  };
  EXPECT_TRUE(keeps("1", "x"));
  EXPECT_FALSE(keeps("1", "x, Close"));
  EXPECT_FALSE(keeps("1", "keep-alive,close"));
  EXPECT_TRUE(keeps("0", "Keep-Alive"));
  EXPECT_FALSE(keeps("0", "x"));
  EXPECT_TRUE(parse(post("Expect: 100-Continue\r\nContent-Length: 1\r\n")).head.expect_continue);
  EXPECT_EQ(status_of(get("Expect: tea\r\n")), 417);
  EXPECT_FALSE(parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").head.expect_continue);
  EXPECT_TRUE(parse(get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).head.upgrade);
  EXPECT_FALSE(parse(get("Upgrade: websocket\r\n")).head.upgrade);
}

TEST(RequestParser, LimitsPassAtTheLimitAndCloseOneBeyond) {
  HeadLimits limits;
  limits.uri_bytes = 100;
  const auto with_target = [&](std::size_t size, std::size_t step) {
    return parse("GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n", step, limits);
  };
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{50}}) {
    EXPECT_EQ(with_target(100, step).result, Parse::done);
    EXPECT_EQ(with_target(101, step).error.status, 414);
    EXPECT_EQ(with_target(101, step).error.slug, "uri-too-long");
  }
  limits = {};
  limits.header_bytes = 200;
  const auto with_bytes = [&](std::size_t size, std::size_t step) {
    return parse("GET / HTTP/1.1\r\nHost: t\r\nX: " + std::string(size - 9 - 5, 'a') + "\r\n\r\n", step, limits);
  };
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{50}}) {
    EXPECT_EQ(with_bytes(200, step).result, Parse::done);
    EXPECT_EQ(with_bytes(201, step).error.status, 431);
    EXPECT_EQ(with_bytes(300, step).error.status, 431);
    EXPECT_EQ(parse("GET / HTTP/1.1\r\n" + std::string(300, 'a'), step, limits).error.status, 431);
  }
  limits = {};
  limits.header_count = 3;
  EXPECT_EQ(parse(get("A: 1\r\nB: 1\r\n"), SIZE_MAX, limits).result, Parse::done);
  EXPECT_EQ(parse(get("A: 1\r\nB: 1\r\nC: 1\r\n"), SIZE_MAX, limits).error.status, 431);
}

TEST(RequestParser, ResetsForTheNextRequestOfAPipeline) {
  std::string text = get("") + post("Content-Length: 0\r\n");
  std::vector<ViewPair> views(8);
  RequestParser parser;
  HeadLimits limits;
  limits.header_count = 8;
  ASSERT_EQ(parser.parse(text.data(), 0, static_cast<std::uint32_t>(text.size()), views.data(), limits), Parse::done);
  const std::uint32_t next = parser.head().end;
  EXPECT_EQ(next, get("").size());
  parser.reset();
  ASSERT_EQ(parser.parse(text.data(), next, static_cast<std::uint32_t>(text.size()), views.data(), limits), Parse::done);
  EXPECT_EQ(parser.head().method, Method::post);
  EXPECT_EQ(parser.head().end, text.size());
}

}  // namespace
}  // namespace spikard::http::h1
