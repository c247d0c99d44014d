// The same requests cut at random places, through pairs of random size, must give the same answers as in one piece.
#include <algorithm>
#include <random>

#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

using test::ServerTest;

struct Random : ServerTest {
  std::mt19937 random{20261124};
  std::size_t up_to(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n)(random); }

  std::string request() {
    const std::string text(up_to(30) == 0 ? up_to(60000) : up_to(300), 'q');
    switch (up_to(6)) {
      case 0: return get("/r", "X-Pad: " + text.substr(0, std::min<std::size_t>(text.size(), 5000)) + "\r\n");
      case 1: return get("/users/" + std::to_string(up_to(99)) + "?verbose=" + (up_to(1) == 0 ? "true" : "no"));
      case 2: return post("/b", "[\"" + text + "\\n\"]");
      case 3: {
        std::string out = "POST /b HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
        const std::string body = "{\"k\":\"" + text + "\"}";
        for (std::size_t at = 0; at < body.size();) {
          const std::size_t size = std::min(body.size() - at, 1 + up_to(200));
          char line[20];
          std::snprintf(line, sizeof line, "%zX\r\n", size);
          out += line + body.substr(at, size) + "\r\n";
          at += size;
        }
        return out + "0\r\n\r\n";
      }
      case 4: return post("/s", text, "Content-Type: application/octet-stream\r\n");
      case 5: return "HEAD /r HTTP/1.1\r\nHost: t\r\n\r\n";
      default: return get("/none");
    }
  }
};

TEST_F(Random, cuts_do_not_change_answers) {
  serve(R"({"routes": [{"method": "GET", "path": "/r"}, {"method": "POST", "path": "/b", "body": {"schema": {}}},
    {"method": "GET", "path": "/users/{id:int}", "parameters": [{"in": "query", "name": "verbose", "schema": {"type": "boolean"}}]},
    {"method": "POST", "path": "/s", "body": {"content_types": ["application/octet-stream"], "mode": "stream"}}]})");
  sink.routes[1] = [](Exchange& e) { e.reply({.format = BodyFormat::nodes, .value = e.record().value(e.record().json)}); };
  std::map<std::uint64_t, std::size_t> sizes;
  std::vector<std::uint64_t> later;
  sink.routes[2] = [&](Exchange& e) { later.push_back(e.id()); };
  sink.routes[3] = [&](Exchange& e) { sizes[e.id()] = 0; };
  sink.chunk = [&](Exchange& e, BodyChunk part) {
    sizes[e.id()] += part.data().size();
    e.grant(part.data().size());
    if (part.last()) e.reply({.format = BodyFormat::text, .body = std::to_string(sizes[e.id()])});
  };
  const auto answer_one = [&] {
    if (later.empty()) return;
    const std::size_t at = up_to(later.size() - 1);
    const std::uint64_t id = later[at];
    later.erase(later.begin() + static_cast<std::ptrdiff_t>(at));
    if (Exchange* e = server->find(id)) {
      e->start(200, {});
      e->write(std::to_string(e->record().nodes(e->record().params)[1].i));
      e->end();
    }
  };
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    const std::size_t requests = 1 + up_to(12);
    for (std::size_t n = requests; n > 0; --n) bytes += request();
    std::string answers[2];
    for (std::string& answer : answers) {
      const bool cut = &answer == &answers[1];
      const std::uint64_t finished = server->counts().finished + requests;
      auto& client = connect(cut ? 1 + up_to(5000) : 1 << 20);
      for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = cut ? std::min(bytes.size() - at, 1 + up_to(up_to(3) == 0 ? 20000 : 40)) : bytes.size();
        client.send(bytes.substr(at, size));
        at += size;
        turn(cut ? static_cast<int>(up_to(3)) : 20);
        if (up_to(2) == 0) answer_one();
      }
      for (int i = 0; i < 1000000 && server->counts().finished != finished; ++i) {
        answer_one();
        turn(1);
      }
      turn();
      answer = client.in;
      client.transport->close();
      turn();
    }
    ASSERT_EQ(answers[0], answers[1]) << round << ": " << bytes.substr(0, 2000);
    ASSERT_EQ(server->counts().in_flight, 0U);
    clients.clear();
  }
  EXPECT_EQ(server->counts().connections, 0U);
}

TEST_F(Random, connections_that_break_anywhere_leave_nothing_behind) {
  serve(R"({"timeout": {"ms": 50}, "hooks": {"pre_handler": ["a"], "on_response": ["b"]},
    "dependencies": [{"id": 0, "name": "d", "kind": "factory", "scope": "request", "cleanup": true}],
    "routes": [{"method": "GET", "path": "/r", "inject": ["d"]}, {"method": "POST", "path": "/b", "body": {"schema": {}}},
    {"method": "GET", "path": "/users/{id:int}"}, {"method": "POST", "path": "/s", "body": {"content_types": ["application/octet-stream"], "mode": "stream"}}]})");
  std::vector<std::function<void()>> owed;  // what may be answered later, in any order
  const auto often = [this] { return up_to(1) == 0; };
  const auto final_command = [this](std::uint64_t id, int kind) {
    Exchange* e = server->find(id);
    if (e == nullptr) return;
    switch (kind) {
      case 0: e->reply({.format = BodyFormat::text, .body = "x"}); break;
      case 1: e->fail({}); break;
      case 2: e->abort(); break;
      default:
        e->start(200, {});
        e->write(std::string(1000, 'x'));
        if (kind == 3) e->end();
        else if (kind == 4) e->fail({});
        else e->abort();
    }
  };
  const auto handler = [&](Exchange& e) {
    const int kind = static_cast<int>(up_to(5));
    if (often()) final_command(e.id(), kind);
    else owed.push_back([=, id = e.id()] { final_command(id, kind); });
  };
  for (std::uint32_t i = 0; i < 4; ++i) sink.routes[i] = handler;
  for (const HookPhase phase : {HookPhase::pre_handler, HookPhase::on_response}) {
    sink.hooks[{phase, 0}] = [&](Exchange& e) {
      const auto done = [this, id = e.id(), fails = up_to(9) == 0] {
        Exchange* x = server->find(id);
        if (x == nullptr) return;
        if (fails) x->fail({});
        else x->hook_done({});
      };
      if (often()) done();
      else owed.push_back(done);
    };
  }
  sink.factories[0] = [&](Exchange& e, std::span<const std::uint64_t>) {
    const auto done = [this, id = e.id()] {
      if (Exchange* x = server->find(id)) x->factory_done(1, {});
    };
    if (often()) done();
    else owed.push_back(done);
  };
  sink.chunk = [](Exchange& e, BodyChunk part) { e.grant(part.data().size()); };
  for (int round = 0; round < 400; ++round) {
    auto& client = connect(1 + up_to(20000));
    std::string bytes;
    for (std::size_t n = 1 + up_to(4); n > 0; --n) bytes += request();
    client.send(bytes.substr(0, up_to(bytes.size())));
    for (std::size_t n = up_to(10); n > 0; --n) {
      turn(static_cast<int>(up_to(3)));
      if (!owed.empty() && often()) {
        const std::size_t at = up_to(owed.size() - 1);
        auto one = std::move(owed[at]);
        owed.erase(owed.begin() + static_cast<std::ptrdiff_t>(at));
        one();
      }
      if (up_to(40) == 0) advance(static_cast<int>(up_to(60)));
    }
    if (up_to(3) == 0) client.transport->shutdown_write();
    else if (up_to(1) == 0) client.transport->close(up_to(1) == 0);
    if (clients.size() > 10) {
      clients.erase(clients.begin());
    }
  }
  for (auto& client : clients) client->transport->close(true);
  for (int i = 0; i < 200; ++i) {
    auto run = std::move(owed);
    owed.clear();
    for (auto& one : run) one();
    turn(5);
  }
  advance(120000);
  EXPECT_EQ(server->counts().connections, 0U);
  EXPECT_EQ(server->counts().in_flight, 0U);
  EXPECT_GT(std::count(sink.trace.begin(), sink.trace.end(), "open:0"), 0);
  EXPECT_EQ(std::count(sink.trace.begin(), sink.trace.end(), "open:0"),
            std::count(sink.trace.begin(), sink.trace.end(), "close:0"));
}

}  // namespace
}  // namespace spikard::http
