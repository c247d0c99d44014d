#include "net/http_client/client.hpp"

#include <algorithm>

#include "net/await.hpp"
#include "net/http_client/test_http_server.hpp"
#include "net/test_peer.hpp"

namespace spikard::net::http {
namespace {

using net::test::Server;

struct HttpClientTest : test::TransportTest {
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    std::optional<Result<T>> out;
    spawn(std::move(task), [&](std::exception_ptr error, std::optional<Result<T>> result) {
      EXPECT_EQ(error, nullptr);
      out = std::move(result);
    });
    turn_until([&] { return out.has_value(); });
    return *std::move(out);
  }
  std::string url(const Server& server, const std::string& target = "/") const { return "http://" + server.address + target; }
  static std::string ok(const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

TEST_F(HttpClientTest, SendsAndKeepsTheConnection) {
  Server server(*loop);
  server.answers = {ok("hello", "X-A: 1\r\n"), ok(""), "HTTP/1.1 204 No Content\r\n\r\n"};
  Client client(*loop);
  Request post("POST", url(server, "/v1?x=1#f"));
  post.headers = {{"Content-Type", "text/plain"}};
  post.body = "body";
  const auto first = run(client.send(std::move(post)));
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->body, "hello");
  EXPECT_EQ(find_header(first->headers, "x-a"), "1");
  EXPECT_EQ(server.requests[0], "POST /v1?x=1 HTTP/1.1\r\nHost: " + server.address +
                                    "\r\nContent-Type: text/plain\r\nUser-Agent: spikard\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_TRUE(run(client.send(Request("GET", url(server)))).ok());
  EXPECT_EQ(run(client.send(Request("DELETE", url(server))))->status, 204);
  EXPECT_EQ(server.accepted, 1);
  EXPECT_EQ(client.connections(), 1U);
  client.close_idle();
  EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, StreamsBothWays) {
  Server server(*loop);
  std::string big(300000, 'x');
  server.answers = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + big + "\r\n0\r\n\r\n"};
  Client client(*loop);
  Request request("PUT", url(server));
  int part = 0;
  request.source = [&]() -> Task<Result<std::optional<std::string>>> {
    std::optional<std::string> out;
    if (part < 3) out = std::string(static_cast<std::size_t>(++part), 'a');
    co_return Result<std::optional<std::string>>(std::move(out));
  };
  auto answer = run(client.open(std::move(request)));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_TRUE(server.requests[0].ends_with("\r\n\r\n1\r\na\r\n2\r\naa\r\n3\r\naaa\r\n0\r\n\r\n")) << server.requests[0];
  std::string body;
  for (;;) {
    auto next = run((*answer)->read());
    ASSERT_TRUE(next.ok());
    if (!*next) break;
    EXPECT_LE((*next)->size(), 65536U);
    body += **next;
  }
  EXPECT_EQ(body, big);
  EXPECT_EQ(client.connections(), 1U);
}

TEST_F(HttpClientTest, BodyOfAGivenSizeMustHaveIt) {
  Server server(*loop);
  Client client(*loop);
  Request request("PUT", url(server));
  request.source_size = 5;
  request.source = []() -> Task<Result<std::optional<std::string>>> {
    co_return Result<std::optional<std::string>>(std::optional<std::string>("too long"));
  };
  EXPECT_EQ(run(client.send(std::move(request))).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, KeptConnectionThatThePeerClosedIsReplaced) {
  Server server(*loop);
  server.answers = {ok("1"), ok("2")};
  Client client(*loop);
  EXPECT_EQ(run(client.send(Request("GET", url(server))))->body, "1");
  server.connections[0]->transport->close();
  loop->turn(10);
  EXPECT_EQ(run(client.send(Request("POST", url(server))))->body, "2");
  EXPECT_EQ(server.accepted, 2);
}

TEST_F(HttpClientTest, KeptConnectionThatBreaksUnderARequest) {
  Server server(*loop);
  server.answers = {ok("1"), "", ok("2"), ok("3"), ""};
  Client client(*loop);
  EXPECT_TRUE(run(client.send(Request("GET", url(server)))).ok());
  EXPECT_EQ(run(client.send(Request("GET", url(server))))->body, "2");  // sent again on another
  EXPECT_EQ(run(client.send(Request("GET", url(server))))->body, "3");
  Request once("POST", url(server));
  EXPECT_EQ(run(client.send(std::move(once))).error().kind(), ErrorKind::outcome_unknown);
}

TEST_F(HttpClientTest, Errors) {
  Client client(*loop);
  auto free_port = ReservedAddress::reserve({});
  const std::string closed = "http://" + free_port->address() + "/";
  EXPECT_EQ(run(client.send(Request("GET", closed))).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(run(client.send(Request("GET", "ftp://x/"))).error().kind(), ErrorKind::invalid_argument);
  Request bad("GET", closed);
  bad.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(run(client.send(std::move(bad))).error().kind(), ErrorKind::invalid_argument);
  Server server(*loop);
  server.answers = {"nonsense\r\n\r\n", ok(std::string(100, 'x')),
                    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhalf"};
  EXPECT_EQ(run(client.send(Request("GET", url(server)))).error().kind(), ErrorKind::corrupt);
  Request small("GET", url(server));
  small.max_response_bytes = 99;
  EXPECT_EQ(run(client.send(std::move(small))).error().kind(), ErrorKind::too_large);
  EXPECT_EQ(run(client.send(Request("GET", url(server)))).error().kind(), ErrorKind::corrupt);
  EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, DeadlinesHoldInEveryPhase) {
  Server server(*loop);  // never answers
  Client client(*loop);
  Request request("GET", url(server));
  request.timeout = std::chrono::milliseconds(30);
  EXPECT_EQ(run(client.send(std::move(request))).error().kind(), ErrorKind::timeout);
  Request post("POST", url(server));
  post.timeout = std::chrono::milliseconds(30);
  EXPECT_EQ(run(client.send(std::move(post))).error().kind(), ErrorKind::outcome_unknown);
  server.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"};
  Request slow("GET", url(server));
  slow.timeout = std::chrono::milliseconds(30);
  auto answer = run(client.open(std::move(slow)));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*run((*answer)->read()), "half");
  EXPECT_EQ(run((*answer)->read()).error().kind(), ErrorKind::timeout);
  answer->reset();
  EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, CancelledByItsTask) {
  Server server(*loop);
  Client client(*loop);
  CancelSource source;
  std::optional<Result<Response>> out;
  spawn(client.send(Request("GET", url(server))).with_token(source.token()),
        [&](std::exception_ptr, std::optional<Result<Response>> result) { out = std::move(result); });
  turn_until([&] { return !server.requests.empty(); });
  source.cancel();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, AnAnswerBeforeTheBodyWasReadIsTaken) {
  Server server(*loop);
  server.answer_at_head = true;
  server.answers = {"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"};
  Client client(*loop);
  Request request("POST", url(server));
  request.body = std::string(std::size_t{20} << 20U, 'x');
  const auto answer = run(client.send(std::move(request)));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, NoMoreConnectionsThanAllowed) {
  Server server(*loop);
  ClientOptions options;
  options.connections_per_host = 2;
  Client client(*loop, std::move(options));
  int done = 0;
  for (int i = 0; i < 10; ++i) {
    server.answers.push_back(ok(std::to_string(i)));
    spawn(client.send(Request("GET", url(server))), [&](std::exception_ptr, std::optional<Result<Response>> result) {
      EXPECT_TRUE(result->ok());
      ++done;
    });
  }
  turn_until([&] { return done == 10; });
  EXPECT_LE(server.accepted, 2);
}

TEST_F(HttpClientTest, IdleConnectionsLeave) {
  Server server(*loop);
  server.answers = {ok("1")};
  ClientOptions options;
  options.idle_timeout = std::chrono::milliseconds(20);
  Client client(*loop, std::move(options));
  EXPECT_TRUE(run(client.send(Request("GET", url(server)))).ok());
  EXPECT_EQ(client.connections(), 1U);
  turn_until([&] { return client.connections() == 0; });
}

TEST_F(HttpClientTest, TlsIsVerified) {
  test::Identity identity;
  auto tls = TlsContext::server({.certificate = identity.certificate, .key = identity.key});
  Server server(*loop, *tls);
  const std::string secure = "https://localhost:" + server.address.substr(server.address.rfind(':') + 1) + "/";
  server.answers = {ok("secret"), ok("again")};
  {
    Client client(*loop);
    const auto refused = run(client.send(Request("GET", secure)));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::unavailable);
    EXPECT_NE(refused.error().message().find("certificate"), std::string::npos) << refused.error().message();
  }
  ClientOptions options;
  options.ca = identity.certificate;
  Client client(*loop, std::move(options));
  const auto first = run(client.send(Request("GET", secure)));
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(first->body, "secret");
  EXPECT_EQ(run(client.send(Request("GET", secure)))->body, "again");
}

TEST_F(HttpClientTest, ClientMayGoBeforeItsRequest) {
  Server server(*loop);
  auto client = std::make_unique<Client>(*loop);
  std::optional<Result<Response>> out;
  spawn(client->send(Request("GET", url(server))),
        [&](std::exception_ptr, std::optional<Result<Response>> result) { out = std::move(result); });
  turn_until([&] { return !server.requests.empty(); });
  client.reset();
  server.answers = {ok("late")};
  server.connections[0]->answer();
  turn_until([&] { return out.has_value(); });
  EXPECT_EQ((*out)->body, "late");
}

TEST_F(HttpClientTest, NameThatIsNone) {
  Client client(*loop);
  Request request("GET", "http://no-such-host.invalid/");
  request.timeout = std::chrono::seconds(20);
  const auto answer = run(client.send(std::move(request)));
  ASSERT_FALSE(answer.ok());
  EXPECT_TRUE(answer.error().kind() == ErrorKind::unavailable || answer.error().kind() == ErrorKind::timeout)
      << answer.error().to_string();
}

}  // namespace
}  // namespace spikard::net::http
