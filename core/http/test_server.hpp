#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "http/compiled.hpp"
#include "http/server.hpp"
#include "net/test_peer.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"
#include "services/http.gen.hpp"

namespace spikard::http::test {

/// A sink whose behaviour a test writes down. What has no function is answered at once with nothing much.
struct ScriptedSink final : Sink {
  std::map<std::uint32_t, std::function<void(Exchange&)>> routes;
  std::map<std::pair<HookPhase, std::uint32_t>, std::function<void(Exchange&)>> hooks;
  std::map<std::uint32_t, std::function<void(Exchange&, std::span<const std::uint64_t>)>> factories;
  std::function<void(Exchange&, BodyChunk)> chunk;
  std::function<void(Exchange&, CancelReason)> cancelled;
  std::function<void(Exchange&)> credit;
  std::vector<std::string> trace;
  bool traces_requests = false;

  void on_request(Exchange& exchange) override {
    if (traces_requests) trace.push_back("request");
    const auto at = routes.find(exchange.record().route);
    if (at != routes.end()) return at->second(exchange);
    exchange.reply({.status = 200, .format = BodyFormat::text, .body = "ok"});
  }
  void on_chunk(Exchange& exchange, BodyChunk part) override {
    if (chunk) chunk(exchange, std::move(part));
  }
  void on_cancel(Exchange& exchange, CancelReason reason) override {
    trace.push_back("cancel:" + std::to_string(static_cast<int>(reason)));
    if (cancelled) cancelled(exchange, reason);
  }
  void on_credit(Exchange& exchange) override {
    trace.push_back("credit");
    if (credit) credit(exchange);
  }
  void on_hook(Exchange& exchange, HookPhase phase, std::uint32_t hook) override {
    trace.push_back("hook:" + std::to_string(static_cast<int>(phase)) + ":" + std::to_string(hook));
    const auto at = hooks.find({phase, hook});
    if (at != hooks.end()) return at->second(exchange);
    exchange.hook_done({});
  }
  void on_factory(Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) override {
    trace.push_back("open:" + std::to_string(dependency));
    const auto at = factories.find(dependency);
    if (at != factories.end()) return at->second(exchange, arguments);
    exchange.factory_done(100 + dependency, "object");
  }
  void on_dispose(Exchange& exchange, std::uint32_t dependency, std::uint64_t) override {
    trace.push_back("close:" + std::to_string(dependency));
    exchange.dispose_done();
  }
};

inline std::shared_ptr<const CompiledHttp> compile(const std::string& json) {
  auto document = json::parse(json);
  if (!document.ok()) throw std::runtime_error(document.error().to_string());
  auto config = services::http_config_from_json(document->root(), "http");
  if (!config.ok()) throw std::runtime_error(config.error().to_string());
  auto compiled = CompiledHttp::compile(*config);
  if (!compiled.ok()) throw std::runtime_error(compiled.error().to_string());
  return *compiled;
}

/// A server and clients in one loop, on the virtual clock unless `real`.
struct ServerTest : ::testing::Test {
  net::VirtualClock virtual_clock;
  RealClock real_clock;
  std::unique_ptr<net::Loop> loop;
  ScriptedSink sink;
  std::unique_ptr<Server> server;
  std::vector<std::unique_ptr<net::test::Peer>> clients;
  std::vector<std::string> failures;
  std::function<void(ServerOptions&)> tune;

  void serve(const std::string& json, bool real = false) {
    if (loop == nullptr) loop = net::Loop::create(real ? static_cast<Clock&>(real_clock) : virtual_clock).value();
    ServerOptions options;
    options.on_failure = [this](const Exchange&, const Failure& failure) { failures.emplace_back(failure.message); };
    if (tune) tune(options);
    auto made = Server::create(*loop, compile(json), sink, std::move(options));
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    server = std::move(*made);
  }
  void TearDown() override {
    server.reset();
    clients.clear();
    loop.reset();
  }
  net::test::Peer& connect(std::size_t capacity = 65536) {
    net::MemoryPair pair = net::memory_pair(*loop, capacity);
    server->adopt(std::move(pair.a));
    clients.push_back(std::make_unique<net::test::Peer>(std::move(pair.b)));
    return *clients.back();
  }
  void turn(int times = 50) {
    for (int i = 0; i < times; ++i) loop->turn(0);
  }
  void advance(int ms) {
    bool done = false;
    virtual_clock.advance(std::chrono::milliseconds(ms), [&] { done = true; });
    for (int i = 0; i < 100000 && !done; ++i) loop->turn(0);
    ASSERT_TRUE(done);
    turn();
  }
  /// Sends, lets everything happen, gives what came back.
  std::string exchange(net::test::Peer& client, const std::string& bytes) {
    client.in.clear();
    client.send(bytes);
    turn();
    return client.in;
  }
  static std::string get(const std::string& target, const std::string& headers = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n";
  }
  static std::string post(const std::string& target, const std::string& body,
                          const std::string& headers = "Content-Type: application/json\r\n") {
    return "POST " + target + " HTTP/1.1\r\nHost: t\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  static int status(const std::string& answer) { return answer.size() < 12 ? 0 : std::atoi(answer.c_str() + 9); }
  static std::string body(const std::string& answer) {
    const auto at = answer.find("\r\n\r\n");
    return at == std::string::npos ? std::string() : answer.substr(at + 4);
  }
  static std::size_t count(const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
    return n;
  }
};

}  // namespace spikard::http::test
