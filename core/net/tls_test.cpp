#include "net/tls.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <cstdio>

#include "net/test_peer.hpp"

namespace spikard::net {
namespace {

using test::Identity;
using test::Peer;

struct TlsTest : test::TransportTest {
  Identity identity;
  TlsServerOptions server_options{.certificate = identity.certificate, .key = identity.key};
  TlsClientOptions client_options{.ca = identity.certificate};

  void pair(const std::shared_ptr<TlsContext>& for_server, const std::shared_ptr<TlsContext>& for_client,
            const std::string& name = "localhost") {
    MemoryPair ends = memory_pair(*loop);
    server = std::make_unique<Peer>(for_server->wrap(*loop, std::move(ends.b)).value());
    client = std::make_unique<Peer>(for_client->wrap(*loop, std::move(ends.a), name).value());
  }
  void pair() { pair(TlsContext::server(server_options).value(), TlsContext::client(client_options).value()); }
  std::unique_ptr<Peer> server, client;
};

TEST_F(TlsTest, TheHandlerIsFirstToldWhenTheHandshakeIsOver) {
  MemoryPair ends = memory_pair(*loop);
  auto context = TlsContext::server(server_options).value();
  Peer waiting(context->wrap(*loop, std::move(ends.b)).value());
  ASSERT_TRUE(ends.a->start(&waiting).ok());  // a peer that says nothing
  for (int i = 0; i < 5; ++i) loop->turn(0);
  char byte = 0;
  EXPECT_EQ(waiting.transport->read(&byte, 1).status, IoStatus::would_block);
  const ::iovec part{&byte, 1};
  EXPECT_EQ(waiting.transport->write(&part, 1).status, IoStatus::would_block);
  EXPECT_TRUE(waiting.transport->encrypted());
}

TEST_F(TlsTest, AlpnTakesTheServersFirstThatTheClientKnows) {
  server_options.alpn = {"h2", "http/1.1"};
  client_options.alpn = {"http/1.1", "h2"};
  pair();
  turn_until([&] { return client->told > 0 && server->told > 0; });
  EXPECT_EQ(client->transport->alpn(), "h2");
  EXPECT_EQ(server->transport->alpn(), "h2");
}

TEST_F(TlsTest, AlpnWithoutOverlapIsRefused) {
  server_options.alpn = {"h2"};
  client_options.alpn = {"http/1.1"};
  pair();
  turn_until([&] { return client->broken && server->broken; });
  EXPECT_NE(client->transport->failure(), "");
}

TEST_F(TlsTest, AlpnIsEmptyForAClientWithoutIt) {
  server_options.alpn = {"h2"};
  pair();
  turn_until([&] { return client->told > 0 && server->told > 0; });
  EXPECT_EQ(server->transport->alpn(), "");
}

TEST_F(TlsTest, AClientRefusesAnotherName) {
  pair(TlsContext::server(server_options).value(), TlsContext::client(client_options).value(), "example.com");
  turn_until([&] { return client->broken && server->broken; });
  EXPECT_NE(client->transport->failure().find("ostname mismatch"), std::string_view::npos) << client->transport->failure();
}

TEST_F(TlsTest, AClientChecksAnIpAddress) {
  pair(TlsContext::server(server_options).value(), TlsContext::client(client_options).value(), "127.0.0.1");
  turn_until([&] { return client->told > 0 && server->told > 0; });
  EXPECT_FALSE(client->broken);
  pair(TlsContext::server(server_options).value(), TlsContext::client(client_options).value(), "127.0.0.2");
  turn_until([&] { return client->broken; });
}

TEST_F(TlsTest, AClientRefusesACertificateItDoesNotTrust) {
  Identity other;
  client_options.ca = other.certificate;
  pair();
  turn_until([&] { return client->broken && server->broken; });
  EXPECT_TRUE(client->transport->failure().starts_with("certificate:")) << client->transport->failure();
}

TEST_F(TlsTest, AClientThatVerifiesNeedsAName) {
  MemoryPair ends = memory_pair(*loop);
  EXPECT_FALSE(TlsContext::client(client_options).value()->wrap(*loop, std::move(ends.a)).ok());
}

TEST_F(TlsTest, AServerOfTls13RefusesTls12) {
  server_options.min_version = TlsVersion::v1_3;
  client_options.max_version = TlsVersion::v1_2;
  pair();
  turn_until([&] { return client->broken && server->broken; });
}

TEST_F(TlsTest, ReloadServesTheNewCertificateAndKeepsConnections) {
  auto context = TlsContext::server(server_options).value();
  pair(context, TlsContext::client(client_options).value());
  turn_until([&] { return client->told > 0 && server->told > 0; });
  auto old_server = std::move(server);
  auto old_client = std::move(client);
  auto old_trust = TlsContext::client(client_options).value();

  identity.renew("renewed");
  pair(context, old_trust);
  turn_until([&] { return client->told > 0 && server->told > 0; });
  EXPECT_FALSE(client->broken) << "the files alone change nothing";

  ASSERT_TRUE(context->reload().ok());
  pair(context, TlsContext::client(client_options).value(), "renewed");
  turn_until([&] { return client->told > 0 && server->told > 0; });
  EXPECT_FALSE(client->broken) << client->transport->failure();
  pair(context, old_trust);
  turn_until([&] { return client->broken; });

  old_client->send("still here");
  turn_until([&] { return old_server->in == "still here"; });
}

TEST_F(TlsTest, AFailedReloadChangesNothing) {
  auto context = TlsContext::server(server_options).value();
  std::FILE* file = std::fopen(identity.certificate.c_str(), "r");
  std::string pem(10000, '\0');
  pem.resize(std::fread(pem.data(), 1, pem.size(), file));
  std::fclose(file);
  Identity other;
  ASSERT_EQ(std::rename(other.key.c_str(), identity.key.c_str()), 0);
  const Result<void> reloaded = context->reload();
  ASSERT_FALSE(reloaded.ok());
  EXPECT_NE(reloaded.error().message().find(identity.key), std::string::npos) << reloaded.error().message();
  pair(context, TlsContext::client(client_options).value());
  turn_until([&] { return client->told > 0 && server->told > 0; });
  EXPECT_FALSE(client->broken);
}

TEST_F(TlsTest, MissingFilesAreNamed) {
  server_options.certificate = "/nowhere/cert.pem";
  const auto made = TlsContext::server(server_options);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(made.error().message().find("tls.certificate '/nowhere/cert.pem'"), std::string::npos) << made.error().message();
}

TEST_F(TlsTest, PlainTextToATlsServerFails) {
  MemoryPair ends = memory_pair(*loop);
  Peer waiting(TlsContext::server(server_options).value()->wrap(*loop, std::move(ends.b)).value());
  Peer plain(std::move(ends.a));
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  turn_until([&] { return waiting.broken; });
  EXPECT_NE(waiting.transport->failure(), "");
}

TEST_F(TlsTest, AStreamCutWithoutCloseNotifyIsAnErrorNotAnEnd) {
  MemoryPair ends = memory_pair(*loop);
  Transport* raw = ends.a.get();
  server = std::make_unique<Peer>(TlsContext::server(server_options).value()->wrap(*loop, std::move(ends.b)).value());
  client =
      std::make_unique<Peer>(TlsContext::client(client_options).value()->wrap(*loop, std::move(ends.a), "localhost").value());
  turn_until([&] { return client->told > 0 && server->told > 0; });
  client->send("half");
  raw->close();
  turn_until([&] { return server->broken || server->ended; });
  EXPECT_EQ(server->in, "half");
  EXPECT_TRUE(server->broken);
  EXPECT_NE(server->transport->failure().find("close_notify"), std::string_view::npos);
}

TEST_F(TlsTest, WhatWriteTookIsFlushedBeforeTheShutdownReachesThePeer) {
  MemoryPair ends = memory_pair(*loop, 1000);
  server = std::make_unique<Peer>(TlsContext::server(server_options).value()->wrap(*loop, std::move(ends.b)).value());
  client =
      std::make_unique<Peer>(TlsContext::client(client_options).value()->wrap(*loop, std::move(ends.a), "localhost").value());
  turn_until([&] { return client->told > 0 && server->told > 0; });
  std::string text(50000, 'x');
  const ::iovec part{text.data(), text.size()};
  const IoResult put = server->transport->write(&part, 1);
  EXPECT_EQ(put.status, IoStatus::ok);
  EXPECT_FALSE(server->transport->flushed());
  server->reading = false;  // nothing but the transport itself pushes the rest out
  server->transport->shutdown_write();
  turn_until([&] { return client->ended; });
  EXPECT_EQ(client->in.size(), put.bytes);
  EXPECT_TRUE(server->transport->flushed());
}

TEST_F(TlsTest, ManySmallPartsShareARecord) {
  pair();
  turn_until([&] { return client->told > 0 && server->told > 0; });
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i) texts.push_back(std::string(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26)));
  texts.push_back(std::string(40000, 'Z'));
  texts.push_back("end");
  std::vector<::iovec> parts;
  for (std::string& text : texts) {
    expected += text;
    parts.push_back({text.data(), text.size()});
  }
  const IoResult put = client->transport->write(parts.data(), static_cast<int>(parts.size()));
  EXPECT_EQ(put.bytes, expected.size());
  turn_until([&] { return server->in.size() == expected.size(); });
  EXPECT_EQ(server->in, expected);
}

}  // namespace
}  // namespace spikard::net
