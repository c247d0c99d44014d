// User-space time of a request without sockets: parse, route, validate, handler, answer. One client on an in-memory pair.
#include <benchmark/benchmark.h>

#include <string>

#include "base/json.hpp"
#include "http/compiled.hpp"
#include "http/server.hpp"
#include "net/transport.hpp"
#include "services/http.gen.hpp"

namespace spikard::http {
namespace {

constexpr const char* manifest = R"({"routes": [{"method": "GET", "path": "/plain"},
  {"method": "GET", "path": "/users/{id:int}", "parameters": [{"in": "path", "name": "id", "required": true, "schema": {"type": "integer"}},
    {"in": "query", "name": "verbose", "schema": {"type": "boolean", "default": false}}]},
  {"method": "POST", "path": "/orders", "body": {"schema": {"type": "object", "required": ["customer", "items"], "additionalProperties": false,
    "properties": {"customer": {"type": "string", "minLength": 1, "maxLength": 80}, "note": {"type": "string"},
      "items": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "object", "required": ["sku", "quantity", "price"], "additionalProperties": false,
        "properties": {"sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}, "quantity": {"type": "integer", "minimum": 1, "maximum": 1000},
          "price": {"type": "number", "exclusiveMinimum": 0}}}}}}}}]})";

struct Handler final : Sink {
  void on_request(Exchange& exchange) override {
    exchange.reply({.status = 200, .format = BodyFormat::text, .body = "Hello, World!"});
  }
  void on_chunk(Exchange&, BodyChunk) override {}
  void on_cancel(Exchange&, CancelReason) override {}
  void on_credit(Exchange&) override {}
  void on_hook(Exchange& exchange, HookPhase, std::uint32_t) override { exchange.hook_done({}); }
  void on_factory(Exchange& exchange, std::uint32_t, std::span<const std::uint64_t>) override { exchange.factory_done(0, {}); }
  void on_dispose(Exchange& exchange, std::uint32_t, std::uint64_t) override { exchange.dispose_done(); }
};

struct Client final : net::IoHandler {
  std::unique_ptr<net::Transport> transport;
  std::string buffer = std::string(65536, '\0');
  std::size_t got = 0;
  void on_io(std::uint32_t) override {
    for (;;) {
      const net::IoResult r = transport->read(buffer.data(), buffer.size());
      if (r.status != net::IoStatus::ok) return;
      got += r.bytes;
    }
  }
};

void run(benchmark::State& state, const std::string& request) {
  RealClock clock;
  auto loop = net::Loop::create(clock).value();
  Handler handler;
  const auto document = json::parse(manifest).value();
  auto server =
      Server::create(*loop, *CompiledHttp::compile(*services::http_config_from_json(document.root(), "http")), handler).value();
  net::MemoryPair pair = net::memory_pair(*loop);
  server->adopt(std::move(pair.a));
  Client client;
  client.transport = std::move(pair.b);
  (void)client.transport->start(&client);
  const auto pipelined = static_cast<std::size_t>(state.range(0));
  std::string bytes;
  for (std::size_t i = 0; i < pipelined; ++i) bytes += request;
  std::size_t before = 0;
  for (auto _ : state) {
    const ::iovec part{bytes.data(), bytes.size()};
    if (client.transport->write(&part, 1).bytes != bytes.size()) state.SkipWithError("the pair is full");
    before = client.got;
    for (int i = 0; i < 6; ++i) loop->turn(0);
  }
  if (client.got == before) state.SkipWithError("no answer");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * pipelined));
}

constexpr const char* headers = "Host: 127.0.0.1:8000\r\nUser-Agent: bench/1\r\nAccept: */*\r\n";

void plain(benchmark::State& state) { run(state, std::string("GET /plain HTTP/1.1\r\n") + headers + "\r\n"); }
void typed(benchmark::State& state) { run(state, std::string("GET /users/42?verbose=true HTTP/1.1\r\n") + headers + "\r\n"); }
void order(benchmark::State& state) {
  std::string body = R"({"customer":"Ada Lovelace","note":"leave at the door","items":[)";
  for (int i = 0; i < 8; ++i)
    body += std::string(i ? "," : "") + R"({"sku":"ABC-1234","quantity":)" + std::to_string(i + 1) + R"(,"price":12.5})";
  body += "]}";
  run(state, std::string("POST /orders HTTP/1.1\r\n") + headers +
                 "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}
BENCHMARK(plain)->Arg(1)->Arg(16)->Arg(32);
BENCHMARK(typed)->Arg(16);
BENCHMARK(order)->Arg(16);

}  // namespace
}  // namespace spikard::http
