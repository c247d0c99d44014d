#include "http/multipart.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace spikard::http {
namespace {

/// What came, as one text: `name|filename|type|header=value:content;` for each part.
struct Seen final : MultipartParser::Handler {
  std::string text;
  std::size_t refuse_at = SIZE_MAX;
  bool on_part(PartHead&& head) override {
    text += head.name + "|" + head.filename.value_or("-") + "|" + head.content_type;
    for (const auto& [name, value] : head.headers) text.append("|").append(name).append("=").append(value);
    text += ":";
    return true;
  }
  bool on_data(std::string_view bytes) override {
    text += bytes;
    return text.size() < refuse_at;
  }
  bool on_part_end() override {
    text += ";";
    return true;
  }
};

struct Outcome {
  std::string seen;
  std::string error;
  bool too_large = false;
};
Outcome parse(const std::string& body, std::size_t piece = SIZE_MAX, const std::string& boundary = "b",
              const MultipartLimits& limits = {}) {
  Seen seen;
  MultipartParser parser(boundary, limits, seen);
  bool fine = true;
  for (std::size_t at = 0; fine && at < body.size(); at += std::min(piece, body.size() - at))
    fine = parser.push(std::string_view(body).substr(at, piece));
  if (fine) (void)parser.finish();
  return {seen.text, std::string(parser.error()), parser.too_large()};
}

std::string part(const std::string& disposition, const std::string& content, const std::string& more = {}) {
  return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n" + more + "\r\n" + content + "\r\n";
}

TEST(Multipart, EveryCutGivesTheSame) {
  const std::string content = "--c\r\n--\r\n\r\n--bX\r\r\n --b\r\n\r\n-";
  const std::string body = "preamble\r\n" + part("name=a", "1") +
                           part("name=\"f\"; filename=\"x.txt\"", content, "Content-Type: text/plain\r\nX-More: yes\r\n") +
                           part("name=e", "") + "--b-- \r\nepilogue --b";
  const std::string wanted = "a|-|:1;f|x.txt|text/plain|x-more=yes:" + content + ";e|-|:;";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    const Outcome got = parse(body, piece);
    ASSERT_EQ(got.error, "") << piece;
    ASSERT_EQ(got.seen, wanted) << piece;
  }
}

TEST(Multipart, NothingButTheEnd) {
  for (const char* body : {"--b--", "--b--\r\n", "\r\n--b--\r\n", "x\r\n--b--"}) {
    EXPECT_EQ(parse(body).error, "") << body;
    EXPECT_EQ(parse(body).seen, "") << body;
  }
}

TEST(Multipart, NamesAreUnescaped) {
  const auto names = [](const std::string& disposition) {
    const Outcome got = parse(part(disposition, "") + "--b--");
    return got.error.empty() ? got.seen : "error: " + got.error;
  };
  EXPECT_EQ(names(R"(name="a%22b"; filename="c%0D%0ad%41.txt")"), "a\"b|c\r\nd%41.txt|:;")
      << "the HTML standard's escapes, and no others";
  EXPECT_EQ(names(R"(name="a\"b"; filename="C:\dir\\x\"")"), "a\"b|C:\\dir\\x\"|:;")
      << "RFC 9110 quoted pairs; a path of Windows";
  EXPECT_EQ(names("name=\"\xc3\xa9\"; filename=\"\xff\""), "\xc3\xa9|\xef\xbf\xbd|:;");
  EXPECT_EQ(names("NAME=a b; FileName=\"\""), "a b||:;");
  EXPECT_EQ(names("name=f; filename*=UTF-8''%e2%98%95%2fx"), "f|\xe2\x98\x95/x|:;");
  EXPECT_EQ(names("name=f; filename=plain; filename*=UTF-8''other"), "f|plain|:;");
  for (const char* bad : {"name=a; name=b", "name=a; filename=b; filename=c", "filename=f", "name=\"a", "name", "=a"})
    EXPECT_TRUE(names(bad).starts_with("error: ")) << bad << " gave " << names(bad);
}

TEST(Multipart, WhatIsMalformedIsRefused) {
  const std::string good = part("name=a", "1");
  const std::pair<const char*, std::string> bad[] = {
      {"no closing delimiter", good + "--b"},
      {"no delimiter at all", "hello"},
      {"empty", ""},
      {"bare LF", "--b\nContent-Disposition: form-data; name=a\n\n1\n--b--"},
      {"no Content-Disposition", "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--"},
      {"no head", "--b\r\n\r\n1\r\n--b--"},
      {"attachment", "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--"},
      {"two dispositions", part("name=a", "", "Content-Disposition: form-data; name=b\r\n") + "--b--"},
      {"a folded line", part("name=a", "", "X: 1\r\n 2\r\n") + "--b--"},
      {"a control character", part("name=a", "", "X: 1\r2\r\n") + "--b--"},
      {"a name with a blank", part("name=a", "", "X y: 1\r\n") + "--b--"},
  };
  for (const auto& [what, body] : bad) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
      const Outcome got = parse(body, piece);
      EXPECT_NE(got.error, "") << what;
      EXPECT_FALSE(got.too_large) << what;
    }
  }
}

TEST(Multipart, Limits) {
  const std::string two = part("name=a", "1") + part("name=b", "2") + "--b--";
  EXPECT_EQ(parse(two, 5, "b", {.parts = 2}).error, "");
  EXPECT_TRUE(parse(two, 5, "b", {.parts = 1}).too_large);
  const std::string header = "Content-Disposition: form-data; name=a";
  const std::string body = "--b\r\n" + header + "\r\n\r\n1\r\n--b--";
  const auto size = static_cast<std::uint32_t>(header.size());
  EXPECT_EQ(parse(body, 1, "b", {.header_bytes = size}).error, "");
  EXPECT_TRUE(parse(body, 1, "b", {.header_bytes = size - 1}).too_large);
  EXPECT_TRUE(parse("--b\r\n" + std::string(100000, 'a'), 1000).too_large) << "a head that never ends is not kept";
}

TEST(Multipart, TheHandlerEndsIt) {
  Seen seen;
  seen.refuse_at = 10;
  MultipartParser parser("b", {}, seen);
  EXPECT_FALSE(parser.push(part("name=a", std::string(100, 'x'))));
  EXPECT_EQ(parser.error(), "");
  EXPECT_FALSE(parser.push("more"));
}

TEST(Multipart, FirstBytes) {
  EXPECT_EQ(sniff_media_type("\x89PNG\r\n\x1a\n...."), "image/png");
  EXPECT_EQ(sniff_media_type("\xff\xd8\xff\xe0"), "image/jpeg");
  EXPECT_EQ(sniff_media_type("GIF89a"), "image/gif");
  EXPECT_EQ(sniff_media_type("%PDF-1.7"), "application/pdf");
  EXPECT_EQ(sniff_media_type("\xff\xd8"), "");
  EXPECT_EQ(sniff_media_type(""), "");
  EXPECT_TRUE(may_be_declared("image/jpeg", "IMAGE/JPG; q=1"));
  EXPECT_TRUE(may_be_declared("image/png", "image/apng"));
  EXPECT_FALSE(may_be_declared("image/png", "image/jpeg"));
}

}  // namespace
}  // namespace spikard::http
