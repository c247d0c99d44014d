#include "messaging/nats/protocol.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "messaging/nats/nkey.hpp"

namespace spikard::messaging::nats {
namespace {

std::string shown(const Parser::Event& event) {
  switch (event.kind) {
    case Parser::Kind::none: return "none";
    case Parser::Kind::info: return "info " + std::string(event.text);
    case Parser::Kind::ping: return "ping";
    case Parser::Kind::pong: return "pong";
    case Parser::Kind::ok: return "ok";
    case Parser::Kind::error: return "error " + std::string(event.text);
    case Parser::Kind::message: break;
  }
  return "message " + std::to_string(event.sid) + " " + std::string(event.subject) + " <" + std::string(event.reply) + "> <" +
         std::string(event.headers) + "> <" + std::string(event.payload) + ">";
}

std::vector<std::string> parsed(std::string_view bytes, std::size_t piece) {
  Parser parser(1000);
  std::vector<std::string> out;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const Result<Parser::Event> event = parser.next();
      if (!event.ok()) {
        out.push_back(event.error().message());
        return out;
      }
      if (event->kind == Parser::Kind::none) break;
      out.push_back(shown(*event));
    }
  }
  return out;
}

TEST(NatsProtocol, EveryCommandInPiecesOfAnySize) {
  const std::string bytes =
      "INFO {\"server_id\":\"x\"} \r\nPING\r\npong\r\n+OK\r\n-ERR 'Stale Connection'\r\n"
      "MSG a.b 1 5\r\nhello\r\nMSG a.b 12 _INBOX.1 0\r\n\r\nmsg\ta  7   2\r\n\r\n\r\n"
      "HMSG s 3 r 21 24\r\nNATS/1.0\r\nname: v\r\n\r\nxyz\r\nHMSG s 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n";
  const std::vector<std::string> expected{"info {\"server_id\":\"x\"} ",
                                          "ping",
                                          "pong",
                                          "ok",
                                          "error Stale Connection",
                                          "message 1 a.b <> <> <hello>",
                                          "message 12 a.b <_INBOX.1> <> <>",
                                          "message 7 a <> <> <\r\n>",
                                          "message 3 s <r> <NATS/1.0\r\nname: v\r\n\r\n> <xyz>",
                                          "message 3 s <> <NATS/1.0 503\r\n\r\n> <>"};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) EXPECT_EQ(parsed(bytes, piece), expected) << piece;
}

TEST(NatsProtocol, WhatIsNoServerIsCorrupt) {
  for (const std::string_view bytes :
       {"HTTP/1.1 400\r\n", "MSG a 1\r\n", "MSG a 1 b c d\r\n", "MSG a x 1\r\n", "MSG a 1 -1\r\n", "MSG a 1 1001\r\n",
        "MSG a 1 2\r\nabc\r\n", "HMSG a 1 9 8\r\n", "HMSG a 1 8\r\n", "\r\n"}) {
    Parser parser(1000);
    parser.feed(bytes);
    const Result<Parser::Event> event = parser.next();
    ASSERT_FALSE(event.ok()) << bytes;
    EXPECT_EQ(event.error().kind(), ErrorKind::corrupt);
  }
  Parser parser(1000);
  parser.feed(std::string(Parser::max_line + 1, 'a'));
  EXPECT_FALSE(parser.next().ok());
}

TEST(NatsProtocol, HeadersComeBackAsTheyWent) {
  const Headers headers{{"a", "1"},
                        {"b", "ü"},
                        {"B", ""},
                        {"a", "again"},
                        {"with blank", "x"},
                        {"co:lon", "y"},
                        {"line", "1\r\n2"},
                        {"blanks", " x "},
                        {"ünder", "=%"},
                        {"Spikard-Key", "not ours"},
                        {"z", std::string("a\0b", 3)}};
  std::string block(headers_begin);
  append_own(block, "Spikard-Key", " k%\r\ney ");
  for (const auto& [name, value] : headers) append_header(block, name, value);
  block += "\r\n";
  const Result<HeaderBlock> read = parse_headers(block);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->headers, headers);
  EXPECT_EQ(read->own, (Headers{{"Spikard-Key", " k%\r\ney "}}));
  EXPECT_EQ(read->status, 0);
}

TEST(NatsProtocol, AStatusStandsForAMessage) {
  const Result<HeaderBlock> read =
      parse_headers("NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\nNats-Pending-Bytes:0\r\n\r\n");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->status, 408);
  EXPECT_EQ(read->description, "Request Timeout");
  EXPECT_EQ(read->headers, (Headers{{"Nats-Pending-Messages", "1"}, {"Nats-Pending-Bytes", "0"}}));
  for (const std::string_view bad : {"", "NATS/1.0", "HTTP/1.0\r\n\r\n", "NATS/1.0\r\n", "NATS/1.0\r\nname\r\n\r\n",
                                     "NATS/1.0\r\n: v\r\n\r\n", "NATS/1.0 many\r\n\r\n", "NATS/1.0\r\na: b\r\n"})
    EXPECT_FALSE(parse_headers(bad).ok()) << bad;
}

TEST(NatsProtocol, PublishIsOneCommand) {
  std::string out;
  append_publish(out, "a.b", {}, {}, "hi");
  append_publish(out, "a.b", "r", {}, "");
  append_publish(out, "a.b", "r", "NATS/1.0\r\n\r\n", "hi");
  EXPECT_EQ(out, "PUB a.b 2\r\nhi\r\nPUB a.b r 0\r\n\r\nHPUB a.b r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
  EXPECT_TRUE(is_subject("a.b.ü"));
  for (const std::string_view bad : {"", "a b", "a\r\nPUB x 0\r\n", "a\tb"}) EXPECT_FALSE(is_subject(bad)) << bad;
}

// Made with github.com/nats-io/nkeys.
TEST(NatsProtocol, ANonceIsSigned) {
  constexpr std::string_view seed = "SUAA3E3HUXGU4ZMFGK3DDN5EAWNI3S4NGOSMDPUS5OWD47LGPLXXCR3S64";
  const Result<std::string> key = Nkey::public_key(seed);
  ASSERT_TRUE(key.ok()) << key.error().to_string();
  EXPECT_EQ(*key, "UCB467F2ILB3X6CVNRZ3ZRHC6GOLDTWC7CTPXJKQ2RYBHLT24VHB2RU7");
  const Result<std::string> signature = Nkey::sign(seed, "PXoWU7zWAMt75FY");
  ASSERT_TRUE(signature.ok());
  EXPECT_EQ(*signature, "V1770K_V5ZMackUTVp969B6PYF287tfZKBeGn9Oa9wxvphjXfGGNsiiFD3HRgRJHUnuvs6ie3HpUIkFrMl4yAA");
  for (const std::string_view bad : {"", "SUA", "SUAA3E3HUXGU4ZMFGK3DDN5EAWNI3S4NGOSMDPUS5OWD47LGPLXXCR3S63", "not base32!"}) {
    const Result<std::string> refused = Nkey::public_key(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    if (!bad.empty()) EXPECT_EQ(refused.error().to_string().find(bad), std::string::npos) << "it may be a secret";
  }
}

}  // namespace
}  // namespace spikard::messaging::nats
