#include "net/grpc/client.hpp"

#include "base/base64.hpp"
#include "net/await.hpp"
#include "net/grpc/test_grpc_server.hpp"
#include "net/test_peer.hpp"

namespace spikard::net::grpc {
namespace {

using namespace std::chrono_literals;
using Server = test::GrpcServer;

struct GrpcClientTest : test::TransportTest {
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    auto out = start(std::move(task));
    turn_until([&] { return out->has_value(); });
    return *std::move(*out);
  }
  template <class T>
  std::shared_ptr<std::optional<Result<T>>> start(Task<Result<T>> task, CancelToken token = {}) {
    auto out = std::make_shared<std::optional<Result<T>>>();
    spawn(std::move(task).with_token(std::move(token)), [out](std::exception_ptr error, std::optional<Result<T>> result) {
      EXPECT_EQ(error, nullptr);
      *out = std::move(result);
    });
    return out;
  }
  static Server::Reply ok(std::string message) {
    Server::Reply out;
    out.body = Server::framed(std::move(message));
    return out;
  }
  static Call echo(std::string message) { return {"/test.Echo/Say", std::move(message)}; }
};

TEST_F(GrpcClientTest, CallsShareOneConnection) {
  Server server(*loop);
  const std::string big(200000, 'x');
  server.answers = {ok("pong"), ok(big), ok("")};
  Client client(*loop, "http://" + server.address);
  Call call = echo("ping");
  call.metadata = {{"Api-Key", "secret"}};
  call.timeout = 7s;
  const auto first = run(client.call(std::move(call)));
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(first->code, Code::ok);
  EXPECT_EQ(first->message, "pong");
  EXPECT_EQ(server.requests[0].body, Server::framed("ping"));
  EXPECT_EQ(server.requests[0].header(":path"), "/test.Echo/Say");
  EXPECT_EQ(server.requests[0].header(":method"), "POST");
  EXPECT_EQ(server.requests[0].header(":authority"), server.address);
  EXPECT_EQ(server.requests[0].header("te"), "trailers");
  EXPECT_EQ(server.requests[0].header("content-type"), "application/grpc+proto");
  EXPECT_EQ(server.requests[0].header("api-key"), "secret");
  EXPECT_EQ(server.requests[0].header("grpc-timeout"), "7000m");
  const auto second = run(client.call(echo(big)));
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  EXPECT_EQ(second->message, big);
  EXPECT_EQ(server.requests[1].body, Server::framed(big));
  EXPECT_TRUE(run(client.call(echo("")))->message.empty());
  EXPECT_EQ(server.accepted, 1);
}

TEST_F(GrpcClientTest, AServerMaySpeakFirst) {
  Server server(*loop);
  server.eager = true;
  for (int i = 0; i < 5; ++i) {
    server.answers = {ok("pong")};
    Client client(*loop, "http://" + server.address);
    const auto answer = run(client.call(echo("ping")));
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    EXPECT_EQ(answer->message, "pong");
  }
}

TEST_F(GrpcClientTest, CallsAtTheSameTimeAreStreams) {
  Server server(*loop);
  Client client(*loop, "http://" + server.address);
  std::vector<std::shared_ptr<std::optional<Result<Answer>>>> all;
  for (int i = 0; i < 20; ++i) {
    server.answers.push_back(ok("x"));
    all.push_back(start(client.call(echo(std::to_string(i)))));
  }
  turn_until([&] { return std::all_of(all.begin(), all.end(), [](const auto& one) { return one->has_value(); }); });
  for (const auto& one : all) EXPECT_EQ((**one)->message, "x");
  EXPECT_EQ(server.accepted, 1);
}

TEST_F(GrpcClientTest, AStatusIsAnAnswer) {
  Server server(*loop);
  // google.rpc.Status {code 8, details [Any {type_url, value: RetryInfo {retry_delay: 3.5 s}}]}
  std::string delay = {'\x08', '\x03', '\x10'};
  for (std::uint64_t nanos = 500'000'000; nanos != 0; nanos >>= 7U)
    delay.push_back(static_cast<char>((nanos & 0x7fU) | (nanos > 0x7f ? 0x80U : 0U)));
  const auto field = [](char key, const std::string& of) { return std::string{key, static_cast<char>(of.size())} + of; };
  const std::string any = field('\x0a', "type.googleapis.com/google.rpc.RetryInfo") + field('\x12', field('\x0a', delay));
  const std::string status = std::string{'\x08', '\x08'} + field('\x1a', any);
  EXPECT_EQ(retry_delay_of(status), 3500ms);
  std::string bare = base64::encode(status);
  while (bare.ends_with('=')) bare.pop_back();
  server.answers = {Server::refusal("5", "no%20such%20thing"), Server::refusal("8", "", {{"grpc-status-details-bin", bare}})};
  Server::Reply late = ok("half");
  late.trailers = {{"grpc-status", "13"}, {"grpc-message", "broke"}};
  server.answers.push_back(late);
  server.answers.push_back(Server::refusal("77", ""));
  Client client(*loop, "http://" + server.address);
  auto answer = run(client.call(echo("")));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->code, Code::not_found);
  EXPECT_EQ(answer->text, "no such thing");
  answer = run(client.call(echo("")));
  EXPECT_EQ(answer->code, Code::resource_exhausted);
  EXPECT_EQ(answer->retry_delay, 3500ms);
  answer = run(client.call(echo("")));
  EXPECT_EQ(answer->code, Code::internal);
  EXPECT_TRUE(answer->message.empty());
  EXPECT_EQ(run(client.call(echo("")))->code, Code::unknown);
}

TEST_F(GrpcClientTest, WhatIsNoGrpcServerIsUnderstood) {
  Server server(*loop);
  Server::Reply proxy;
  proxy.head = {{":status", "503"}, {"content-type", "text/html"}};
  proxy.body.clear();
  proxy.trailers.clear();
  server.answers = {proxy};
  proxy.head[0].second = "404";
  server.answers.push_back(proxy);
  Client client(*loop, "http://" + server.address);
  EXPECT_EQ(run(client.call(echo("")))->code, Code::unavailable);
  EXPECT_EQ(run(client.call(echo("")))->code, Code::unimplemented);
}

TEST_F(GrpcClientTest, BadAnswersAreErrors) {
  Server server(*loop);
  Server::Reply shorter = ok("abc");
  shorter.body.pop_back();
  Server::Reply compressed = ok("abc");
  compressed.body[0] = 1;
  Server::Reply longer = ok(std::string(1000, 'x'));
  server.answers = {shorter, compressed, longer, ok("fine")};
  Client client(*loop, "http://" + server.address);
  EXPECT_EQ(run(client.call(echo(""))).error().kind(), ErrorKind::corrupt);
  EXPECT_EQ(run(client.call(echo(""))).error().kind(), ErrorKind::corrupt);
  Call call = echo("");
  call.max_response_bytes = 999;
  EXPECT_EQ(run(client.call(std::move(call))).error().kind(), ErrorKind::too_large);
  EXPECT_EQ(run(client.call(echo("")))->message, "fine");
  EXPECT_EQ(server.accepted, 1);
}

TEST_F(GrpcClientTest, AnAnswerMayBeGzip) {
  Server server(*loop);
  Server::Reply packed;
  packed.head.emplace_back("grpc-encoding", "gzip");
  // printf pong | gzip -n
  packed.body = Server::framed(std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\x2b\xc8\xcf\x4b\x07\0\x4f\x41\x58\x21\x04\0\0\0", 24));
  packed.body[0] = 1;
  Server::Reply broken = packed;
  broken.body[15] = 'x';
  server.answers = {packed, packed, broken};
  Client client(*loop, "http://" + server.address);
  const auto answer = run(client.call(echo("")));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->message, "pong");
  Call call = echo("");
  call.max_response_bytes = 24;
  EXPECT_EQ(run(client.call(std::move(call)))->message, "pong");
  EXPECT_EQ(run(client.call(echo(""))).error().kind(), ErrorKind::corrupt);
}

TEST_F(GrpcClientTest, ABrokenConnectionIsMadeAnew) {
  Server server(*loop);
  Server::Reply away = ok("last");
  away.then = Server::Then::go_away;
  Server::Reply cut = ok("");
  cut.then = Server::Then::cut;
  Server::Reply reset = ok("");
  reset.then = Server::Then::reset_stream;
  server.answers = {away, cut, reset, ok("fine")};
  Client client(*loop, "http://" + server.address);
  EXPECT_EQ(run(client.call(echo("")))->message, "last");
  EXPECT_EQ(run(client.call(echo(""))).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(server.accepted, 2);
  EXPECT_EQ(run(client.call(echo(""))).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(run(client.call(echo("")))->message, "fine");
  EXPECT_EQ(server.accepted, 3);
  server.listener->close();
  server.connections.clear();
  EXPECT_EQ(run(client.call(echo(""))).error().kind(), ErrorKind::unavailable);
}

TEST_F(GrpcClientTest, ACancelledCallResetsItsStream) {
  Server server(*loop);
  Server::Reply silent;
  silent.then = Server::Then::silent;
  server.answers = {silent, silent, ok("fine")};
  Client client(*loop, "http://" + server.address);
  CancelSource source;
  const auto cancelled = start(client.call(echo("")), source.token());
  turn_until([&] { return server.requests.size() == 1; });
  source.cancel(CancelReason::shutdown);
  turn_until([&] { return cancelled->has_value() && server.resets == 1; });
  EXPECT_EQ((*cancelled)->error().kind(), ErrorKind::cancelled);
  Call late = echo("");
  late.timeout = 10ms;
  EXPECT_EQ(run(client.call(std::move(late))).error().kind(), ErrorKind::timeout);
  EXPECT_EQ(run(client.call(echo("")))->message, "fine");  // a peer that is silent is left
  EXPECT_EQ(server.accepted, 3);
}

TEST_F(GrpcClientTest, TlsAsksForHttp2AndChecksTheServer) {
  const test::Identity identity("localhost");
  Server server(*loop, TlsContext::server({.certificate = identity.certificate, .key = identity.key, .alpn = {"h2"}}).value());
  Server old(*loop, TlsContext::server({.certificate = identity.certificate, .key = identity.key}).value());
  server.answers = {ok("safe")};
  ClientOptions options;
  options.ca = identity.certificate;
  Client client(*loop, "https://" + server.address, options);
  const auto answer = run(client.call(echo("")));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->message, "safe");
  EXPECT_EQ(server.requests[0].header(":scheme"), "https");
  Client to_old(*loop, "https://" + old.address, options);
  EXPECT_NE(run(to_old.call(echo(""))).error().message().find("HTTP/2"), std::string::npos);
  Client stranger(*loop, "https://" + server.address);
  EXPECT_EQ(run(stranger.call(echo(""))).error().kind(), ErrorKind::unavailable);
}

TEST_F(GrpcClientTest, WrongCallsAreRefused) {
  Server server(*loop);
  Client client(*loop, "http://" + server.address);
  Call call = echo("");
  call.metadata = {{"a b", "1"}};
  EXPECT_EQ(run(client.call(std::move(call))).error().kind(), ErrorKind::invalid_argument);
  call = echo("");
  call.metadata = {{"a", "1\r\nb: 2"}};
  EXPECT_EQ(run(client.call(std::move(call))).error().kind(), ErrorKind::invalid_argument);
  Client nowhere(*loop, "ftp://x");
  EXPECT_EQ(run(nowhere.call(echo(""))).error().kind(), ErrorKind::invalid_argument);
}

TEST(GrpcRetryDelay, ReadsWhatItCan) {
  EXPECT_EQ(retry_delay_of(""), std::nullopt);
  EXPECT_EQ(retry_delay_of("\x1a"), std::nullopt);
  EXPECT_EQ(retry_delay_of("\x1a\x7f..."), std::nullopt);
  EXPECT_EQ(retry_delay_of(std::string(100, '\xff')), std::nullopt);
}

}  // namespace
}  // namespace spikard::net::grpc
