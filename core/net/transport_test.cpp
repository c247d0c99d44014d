#include "net/transport.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "net/test_peer.hpp"
#include "net/tls.hpp"

namespace spikard::net {
namespace {

using test::Peer;
using test::TransportTest;

struct StreamTest : TransportTest, ::testing::WithParamInterface<const char*> {
  void SetUp() override {
    std::string kind = GetParam();
    std::shared_ptr<TlsContext> server_tls, client_tls;
    if (kind.starts_with("tls")) {
      TlsClientOptions options;
      options.ca = identity.certificate;
      options.max_version = kind.starts_with("tls12") ? TlsVersion::v1_2 : TlsVersion::v1_3;
      server_tls = TlsContext::server({.certificate = identity.certificate, .key = identity.key}).value();
      client_tls = TlsContext::client(options).value();
      kind = kind.substr(6);
    }
    const auto connecting = [&](std::unique_ptr<Transport> plain) {
      if (client_tls != nullptr) plain = client_tls->wrap(*loop, std::move(plain), "localhost").value();
      client = std::make_unique<Peer>(std::move(plain));
    };
    if (kind == "memory") {
      MemoryPair pair = memory_pair(*loop, 1000);
      if (server_tls != nullptr) pair.b = server_tls->wrap(*loop, std::move(pair.b)).value();
      server = std::make_unique<Peer>(std::move(pair.b), 100);
      connecting(std::move(pair.a));
      return;
    }
    ListenOptions options;
    if (kind == "unix") {
      folder = ::testing::TempDir() + "spikard_unix_XXXXXX";
      ASSERT_NE(::mkdtemp(folder.data()), nullptr);
      options.address = "unix:" + folder + "/s";
    } else if (kind == "tcp6") {
      options.address = "::1";
    }
    auto made = ReservedAddress::reserve(options);
    if (!made.ok() && kind == "tcp6") GTEST_SKIP() << "no IPv6 here: " << made.error().to_string();
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    reserved.emplace(std::move(*made));
    listener = reserved->listen().value();
    if (server_tls != nullptr) listener = tls_listener(std::move(listener), server_tls);
    ASSERT_TRUE(
        listener
            ->start(*loop,
                    [this](std::unique_ptr<Transport> accepted) { server = std::make_unique<Peer>(std::move(accepted), 100); })
            .ok());
    auto connected = connect(*loop, listener->address());
    ASSERT_TRUE(connected.ok()) << connected.error().to_string();
    connecting(std::move(*connected));
    turn_until([&] { return server != nullptr; });
  }
  void TearDown() override {
    listener.reset();
    reserved.reset();
    if (!folder.empty()) EXPECT_EQ(::rmdir(folder.c_str()), 0) << "the socket file is removed";
  }
  test::Identity identity;
  std::string folder;
  std::optional<ReservedAddress> reserved;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Peer> client, server;
};

TEST_P(StreamTest, CarriesBytesBothWaysBeyondEveryBuffer) {
  server->echo = true;
  std::string sent;
  for (int i = 0; i < 300000; ++i) sent += static_cast<char>('a' + i % 23);
  client->send(sent);
  turn_until([&] { return client->in.size() >= sent.size(); });
  EXPECT_EQ(client->in, sent);
  EXPECT_EQ(server->in, sent);
}

TEST_P(StreamTest, EndOfStreamBehindTheLastBytesIsTold) {
  client->send("bye");
  turn_until([&] { return client->out.empty(); });
  client->transport->shutdown_write();
  turn_until([&] { return server->ended; });
  EXPECT_EQ(server->in, "bye");
  server->send("answer");
  server->transport->close();
  turn_until([&] { return client->ended; });
  EXPECT_EQ(client->in, "answer");
  EXPECT_FALSE(client->broken);
}

TEST_P(StreamTest, WritesBlockWhenThePeerDoesNotReadAndGoOnWhenItDoes) {
  server->reading = false;
  const std::string piece(65536, 'x');
  std::size_t sent = 0;
  for (int i = 0; i < 1000 && client->out.empty(); ++i) {
    sent += piece.size();
    client->send(piece);
  }
  ASSERT_FALSE(client->out.empty()) << "65 MB fit in nobody's buffers";
  server->reading = true;
  server->on_io(EPOLLIN);
  turn_until([&] { return server->in.size() == sent; });
  EXPECT_TRUE(client->out.empty());
}

TEST_P(StreamTest, ResetBreaksTheOtherSide) {
  turn_until([&] { return client->told > 0; });
  client->transport->close(true);
  if (std::string(GetParam()) == "unix") {
    turn_until([&] { return server->broken || server->ended; });  // UNIX sockets know no reset
  } else {
    turn_until([&] { return server->broken; });
  }
}

TEST_P(StreamTest, NothingIsToldAfterClose) {
  client->send("late");
  turn_until([&] { return client->out.empty(); });
  server->transport->close();
  const int before = server->told;
  for (int i = 0; i < 5; ++i) loop->turn(0);
  EXPECT_EQ(server->told, before);
  char byte = 0;
  EXPECT_EQ(server->transport->read(&byte, 1).status, IoStatus::error);
}

INSTANTIATE_TEST_SUITE_P(Transports, StreamTest,
                         ::testing::Values("tcp", "tcp6", "unix", "memory", "tls12_tcp", "tls13_tcp", "tls12_memory",
                                           "tls13_memory"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(TransportTest, PortZeroIsResolvedByReserveAndEveryListenSharesIt) {
  auto reserved = ReservedAddress::reserve({}).value();
  EXPECT_NE(reserved.port(), 0);
  EXPECT_EQ(reserved.address(), "127.0.0.1:" + std::to_string(reserved.port()));
  auto first = reserved.listen().value();
  auto second = reserved.listen().value();
  EXPECT_EQ(first->address(), second->address());
  int accepted = 0;
  std::vector<std::unique_ptr<Transport>> kept;
  const auto accept = [&](std::unique_ptr<Transport> one) {
    ++accepted;
    kept.push_back(std::move(one));
  };
  ASSERT_TRUE(first->start(*loop, accept).ok());
  ASSERT_TRUE(second->start(*loop, accept).ok());
  std::vector<std::unique_ptr<Transport>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect(*loop, first->address()).value());
  turn_until([&] { return accepted == 20; });
}

TEST_F(TransportTest, NothingListensOnAReservedAddressYet) {
  auto reserved = ReservedAddress::reserve({}).value();
  Peer client(connect(*loop, reserved.address()).value());
  turn_until([&] { return client.broken; });
}

TEST_F(TransportTest, APortThatAnotherProgramServesIsRefusedAlthoughReusePortWouldShareIt) {
  auto reserved = ReservedAddress::reserve({}).value();
  auto listener = reserved.listen().value();
  ListenOptions options;
  options.port = reserved.port();
  const auto second = ReservedAddress::reserve(options);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message().find(reserved.address()), std::string::npos) << second.error().message();
}

TEST_F(TransportTest, AnAddressInUseIsRefusedByName) {
  ListenOptions options;
  options.reuse_port = false;
  auto reserved = ReservedAddress::reserve(options).value();
  auto listener = reserved.listen().value();
  options.port = reserved.port();
  auto second = ReservedAddress::reserve(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::already_exists);
  EXPECT_NE(second.error().message().find(reserved.address()), std::string::npos);
}

TEST_F(TransportTest, WrongAddressesAreRefused) {
  for (const char* address : {"", "256.0.0.1", "1.2.3.4.5", "unix:", "no such host", "[::1"}) {
    ListenOptions options;
    options.address = address;
    EXPECT_FALSE(ReservedAddress::reserve(options).ok()) << address;
  }
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "localhost:80"})
    EXPECT_FALSE(connect(*loop, address).ok()) << address;
}

TEST_F(TransportTest, AStaleSocketFileIsReplacedAndALiveOneIsNot) {
  std::string folder = ::testing::TempDir() + "spikard_unix_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ListenOptions options;
  options.address = "unix:" + folder + "/s";
  {
    auto reserved = ReservedAddress::reserve(options).value();
    auto listener = reserved.listen().value();
    EXPECT_EQ(ReservedAddress::reserve(options).error().kind(), ErrorKind::already_exists);
    EXPECT_EQ(::rename((folder + "/s").c_str(), (folder + "/t").c_str()), 0);  // survives the owner, as after a crash
  }
  ASSERT_EQ(::rename((folder + "/t").c_str(), (folder + "/s").c_str()), 0);
  EXPECT_TRUE(ReservedAddress::reserve(options).ok());
  EXPECT_EQ(::rmdir(folder.c_str()), 0);
}

TEST_F(TransportTest, DrainAcceptsWhatIsQueuedThenRefuses) {
  auto reserved = ReservedAddress::reserve({}).value();
  auto listener = reserved.listen().value();
  std::vector<std::unique_ptr<Transport>> accepted;
  ASSERT_TRUE(listener->start(*loop, [&](std::unique_ptr<Transport> one) { accepted.push_back(std::move(one)); }).ok());
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<Peer>(connect(*loop, listener->address()).value()));
  listener->drain();  // on loopback, connect has finished the handshake already
  EXPECT_EQ(accepted.size(), 100U);
  Peer late(connect(*loop, reserved.address()).value());
  turn_until([&] { return late.broken; });
}

TEST_F(TransportTest, WithoutDescriptorsAConnectionIsShedAndLaterOnesAreServed) {
  auto reserved = ReservedAddress::reserve({}).value();
  auto listener = reserved.listen().value();
  std::vector<std::unique_ptr<Transport>> accepted;
  ASSERT_TRUE(listener->start(*loop, [&](std::unique_ptr<Transport> one) { accepted.push_back(std::move(one)); }).ok());
  Peer shed(connect(*loop, listener->address()).value());
  ::rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int used = ::dup(0);  // the lowest free number
  ::close(used);
  ::rlimit none = before;
  none.rlim_cur = static_cast<::rlim_t>(used);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  turn_until([&] { return shed.ended || shed.broken; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(accepted.empty());
  Peer served(connect(*loop, listener->address()).value());
  turn_until([&] { return accepted.size() == 1; });
}

}  // namespace
}  // namespace spikard::net
