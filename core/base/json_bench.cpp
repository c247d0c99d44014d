#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "base/json.hpp"

namespace spikard {
namespace {

/// The order of bench/: about 500 bytes.
std::string order() {
  std::string text = R"({"customer":{"name":"Ada Lovelace","email":"ada@example.com"},"items":[)";
  for (int i = 0; i < 6; ++i)
    text += std::string(i == 0 ? "" : ",") + R"({"sku":"AB-)" + std::to_string(1234 + i) + R"(","quantity":)" +
            std::to_string(i + 1) + R"(,"price":12.99,"name":"Widget"})";
  return text + R"(],"note":"leave at the door","express":false})";
}

std::string twenty_kb() {
  std::string text = "[";
  for (int i = 0; i < 200; ++i)
    text += std::string(i == 0 ? "" : ",") + R"({"id":)" + std::to_string(i) + R"(,"name":"item number )" + std::to_string(i) +
            R"(","price":)" + std::to_string(i) + R"(.25,"tags":["red","blue"],"active":true})";
  return text + "]";
}

void read(benchmark::State& state, const std::string& text) {
  json::Reader reader;
  std::vector<Node> nodes(text.size());
  std::string scratch(text.size(), '\0');
  for (auto _ : state) {
    json::Reader::Target target{.base = text.data(),
                                .nodes = nodes.data(),
                                .node_room = nodes.size(),
                                .scratch = scratch.data(),
                                .scratch_room = scratch.size()};
    json::ReadError error;
    benchmark::DoNotOptimize(reader.read_into(text, {}, target, error));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void simdjson_dom(benchmark::State& state, const std::string& text) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  for (auto _ : state) benchmark::DoNotOptimize(parser.parse(padded).error());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void write(benchmark::State& state, const std::string& text) {
  const Document doc = json::parse(text).value();
  std::string out;
  for (auto _ : state) {
    out.clear();
    json::Writer(out).write(doc.root());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

BENCHMARK_CAPTURE(read, order, order());
BENCHMARK_CAPTURE(simdjson_dom, order, order());
BENCHMARK_CAPTURE(write, order, order());
BENCHMARK_CAPTURE(read, twenty_kb, twenty_kb());
BENCHMARK_CAPTURE(simdjson_dom, twenty_kb, twenty_kb());
BENCHMARK_CAPTURE(write, twenty_kb, twenty_kb());

}  // namespace
}  // namespace spikard
