#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/transport.hpp"

namespace spikard::net::test {

/// Reads by the contract (until a short read, would_block or the end) and counts how often it was told.
struct Peer final : IoHandler {
  explicit Peer(std::unique_ptr<Transport> of, std::size_t room = 4096) : transport(std::move(of)), buffer(room, '\0') {
    EXPECT_TRUE(transport->start(this).ok());
  }
  void on_io(std::uint32_t) override {
    ++told;
    flush();
    while (reading && !ended && !broken) {
      const IoResult got = transport->read(buffer.data(), buffer.size());
      if (got.status == IoStatus::ok) {
        in.append(buffer.data(), got.bytes);
        if (echo) out.append(buffer.data(), got.bytes);
        if (got.bytes < buffer.size()) break;
      } else {
        ended = got.status == IoStatus::eof;
        broken = got.status == IoStatus::error;
        break;
      }
    }
    flush();
  }
  void flush() {
    while (!out.empty()) {
      const ::iovec part{out.data(), out.size()};
      const IoResult put = transport->write(&part, 1);
      if (put.status != IoStatus::ok) {
        if (put.status == IoStatus::error) broken = true;
        return;
      }
      out.erase(0, put.bytes);
    }
  }
  void send(std::string text) {
    out += text;
    flush();
  }
  std::unique_ptr<Transport> transport;
  std::string buffer, in, out;
  bool echo = false, reading = true, ended = false, broken = false;
  int told = 0;
};

struct TransportTest : ::testing::Test {
  RealClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
  template <class F>
  void turn_until(F done) {
    for (int i = 0; i < 100000 && !done(); ++i) loop->turn(1000);
    ASSERT_TRUE(done());
  }
};

/// A self-signed certificate for `localhost` and 127.0.0.1 in files that go with this object. Each one has a new key.
class Identity {
 public:
  explicit Identity(const std::string& name = "localhost");
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  /// Another certificate in the same files.
  void renew(const std::string& name);
  std::string folder, certificate, key;
};

}  // namespace spikard::net::test
