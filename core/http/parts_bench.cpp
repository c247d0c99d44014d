#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "http/date.hpp"
#include "http/h1/chunked.hpp"
#include "http/h1/request_parser.hpp"
#include "http/h1/response_writer.hpp"
#include "http/request_reader.hpp"
#include "http/router.hpp"

namespace spikard::http {
namespace {

constexpr std::string_view wrk_request = "GET /plain HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";
constexpr std::string_view browser_request =
    "GET /users/42?verbose=true HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive\r\nCache-Control: "
    "max-age=0\r\nSec-Ch-Ua: \"Chromium\";v=\"124\"\r\n"
    "Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nSec-Fetch-Site: "
    "none\r\nSec-Fetch-Mode: navigate\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef; "
    "theme=dark\r\n\r\n";

void parse(benchmark::State& state, std::string_view request) {
  std::string buffer(request);
  buffer.reserve(buffer.size() + 64);
  std::vector<ViewPair> views(128);
  const h1::HeadLimits limits;
  h1::RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(buffer.data(), 0, static_cast<std::uint32_t>(buffer.size()), views.data(), limits));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * buffer.size()));
}
BENCHMARK_CAPTURE(parse, wrk, wrk_request);
BENCHMARK_CAPTURE(parse, browser, browser_request);

void route(benchmark::State& state, std::string_view path) {
  std::vector<std::string> paths{"/plain", "/users/{id:int}", "/users/{id}/orders", "/orders", "/list", "/files/{rest:path}"};
  for (int i = 0; i < 100; ++i) paths.push_back("/api/v1/thing" + std::to_string(i) + "/{id}");
  std::vector<RouteSpec> specs;
  for (std::uint32_t i = 0; i < paths.size(); ++i) specs.push_back({Method::get, paths[i], i});
  const auto router = Router::build(specs);
  std::array<std::string_view, Router::max_captures> captures;
  for (auto _ : state) benchmark::DoNotOptimize(router->match(Method::get, path, captures));
}
BENCHMARK_CAPTURE(route, literal, "/plain");
BENCHMARK_CAPTURE(route, parameter, "/users/42");
BENCHMARK_CAPTURE(route, hundred, "/api/v1/thing73/42");
BENCHMARK_CAPTURE(route, none, "/nowhere/at/all");

void write_head(benchmark::State& state) {
  char out[512];
  h1::ResponseHead head;
  head.content_type = "text/plain; charset=utf-8";
  head.content_length = 13;
  head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  for (auto _ : state) {
    benchmark::DoNotOptimize(h1::write_head(out, head));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_head);

void read_parameters(benchmark::State& state) {
  services::Route route;
  route.path = "/users/{id:int}";
  route.parameters.resize(2);
  route.parameters[0].in = services::ParameterIn::path;
  route.parameters[0].name = "id";
  route.parameters[0].schema = *json::parse(R"({"type":"integer","minimum":1})");
  route.parameters[1].in = services::ParameterIn::query;
  route.parameters[1].name = "verbose";
  route.parameters[1].schema = *json::parse(R"({"type":"boolean","default":false})");
  const auto reader = RequestReader::compile(route);
  const std::string text = "/users/42?verbose=true";
  const std::string_view capture = std::string_view(text).substr(7, 2);
  RequestTexts in;
  in.base = text.data();
  in.captures = {&capture, 1};
  in.query = std::string_view(text).substr(10);
  std::array<Node, 16> nodes;
  for (auto _ : state) {
    validation::NodeRoom room{text.data(), nodes.data(), nodes.size()};
    TextRoom none;
    validation::Issues issues;
    benchmark::DoNotOptimize(reader->read(in, room, none, issues));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(read_parameters);

void date(benchmark::State& state) {
  DateCache cache;
  const WallTime now{std::chrono::seconds(784111777)};
  for (auto _ : state) benchmark::DoNotOptimize(cache.text(now));
}
BENCHMARK(date);

}  // namespace
}  // namespace spikard::http
