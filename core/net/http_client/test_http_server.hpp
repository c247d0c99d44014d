#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "net/tls.hpp"
#include "net/transport.hpp"

namespace spikard::net::test {

/// A server of scripted answers on a real socket: each whole request (head, and a body by Content-Length or chunked) gets the
/// next answer; an empty one closes the connection.
struct Server {
  Server(Loop& of, std::shared_ptr<TlsContext> tls = nullptr) : loop(of) {
    auto reserved = ReservedAddress::reserve({});
    address = reserved->address();
    std::unique_ptr<Listener> made = reserved->listen().value();
    if (tls != nullptr) made = tls_listener(std::move(made), std::move(tls));
    listener = std::move(made);
    EXPECT_TRUE(listener
                    ->start(loop,
                            [this](std::unique_ptr<Transport> t) {
                              ++accepted;
                              if (mute) {
                                muted.push_back(std::move(t));
                                return;
                              }
                              auto c = std::make_unique<One>(*this, std::move(t));
                              if (c->transport->start(c.get()).ok()) connections.push_back(std::move(c));
                            })
                    .ok());
  }
  struct One final : IoHandler {
    One(Server& of, std::unique_ptr<Transport> t) : server(of), transport(std::move(t)) {}
    void on_io(std::uint32_t) override {
      char buffer[4096];
      for (;;) {
        const IoResult got = transport->read(buffer, sizeof buffer);
        if (got.status == IoStatus::eof || got.status == IoStatus::error) return transport->close();
        if (got.status != IoStatus::ok) break;
        in.append(buffer, got.bytes);
        server.received += got.bytes;
        if (got.bytes < sizeof buffer) break;
      }
      flush();
      if (server.answer_at_head && in.find("\r\n\r\n") != std::string::npos) {
        in.clear();
        return answer();
      }
      while (whole()) answer();
    }
    bool whole() {
      const auto end = in.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      std::size_t size = end + 4;
      if (const auto at = in.find("Content-Length: "); at < end) size += std::stoul(in.substr(at + 16));
      if (const auto at = in.find("Transfer-Encoding: chunked"); at < end) {
        const auto last = in.find("0\r\n\r\n", end);
        if (last == std::string::npos) return false;
        size = last + 5;
      }
      if (in.size() < size) return false;
      server.requests.push_back(in.substr(0, size));
      in.erase(0, size);
      return true;
    }
    void answer() {
      if (server.answers.empty()) return;
      const std::string text = server.answers.front();
      server.answers.erase(server.answers.begin());
      if (text.empty()) return transport->close();
      out += text;
      flush();
      if (text.find("Connection: close") != std::string::npos) transport->shutdown_write();
    }
    void flush() {
      while (!out.empty()) {
        const ::iovec part{out.data(), out.size()};
        const IoResult put = transport->write(&part, 1);
        if (put.status != IoStatus::ok) return;
        out.erase(0, put.bytes);
      }
    }
    Server& server;
    std::unique_ptr<Transport> transport;
    std::string in, out;
  };
  Loop& loop;
  std::string address;
  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<One>> connections;
  std::vector<std::unique_ptr<Transport>> muted;
  std::vector<std::string> answers, requests;
  std::size_t received = 0;
  int accepted = 0;
  bool mute = false;
  bool answer_at_head = false;
};

}  // namespace spikard::net::test
