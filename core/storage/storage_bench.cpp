// `file:` against plain open, write, fsync, rename, fsync of the folder, and plain open, read. User and system time of the
// process: run with --benchmark_time_unit=us and compare the CPU column; the pool's threads count.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "storage/client.hpp"

namespace {

using namespace spikard;
using namespace spikard::storage;

class Room {
 public:
  Room() {
    name = "/tmp/spikard-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { std::filesystem::remove_all(name); }
  std::string name;
};

struct Bench {
  explicit Bench(bool durable = true) {
    services::StorageConfig config;
    config.url = "file:" + room.name;
    config.durable = durable;
    store = Client::open(config, Environment(clock, pool)).value();
  }
  ~Bench() { pool.stop(); }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(std::move(task), [&](std::exception_ptr, std::optional<T> value) { out = std::move(value); });
    while (!out.has_value()) loop->turn(-1);
    return std::move(*out);
  }
  Room room;
  RealClock clock;
  net::BlockingPool pool{clock};
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::shared_ptr<Client> store;
};

void must(bool ok) {
  if (!ok) std::abort();
}

void plain_write(const Room& room, const std::string& data, bool durable) {
  const std::string tmp = room.name + "/tmp";
  const std::string to = room.name + "/object";
  const int fd = ::open(tmp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  must(::write(fd, data.data(), data.size()) == static_cast<ssize_t>(data.size()));
  if (durable) must(::fsync(fd) == 0);
  ::close(fd);
  must(::rename(tmp.c_str(), to.c_str()) == 0);
  if (!durable) return;
  const int folder = ::open(room.name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  must(::fsync(folder) == 0);
  ::close(folder);
}

void PlainWrite(benchmark::State& state) {
  const Room room;
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) plain_write(room, data, state.range(1) != 0);
}
BENCHMARK(PlainWrite)
    ->ArgsProduct({{4096, 1 << 20}, {1, 0}})
    ->ArgNames({"bytes", "durable"})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void FileWrite(benchmark::State& state) {
  Bench bench(state.range(1) != 0);
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) must(bench.run(bench.store->write(net::Caller(*bench.loop), "object", data)).ok());
}
BENCHMARK(FileWrite)
    ->ArgsProduct({{4096, 1 << 20}, {1, 0}})
    ->ArgNames({"bytes", "durable"})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void FileWriteWithMetadata(benchmark::State& state) {
  Bench bench(state.range(1) != 0);
  const std::string data(static_cast<std::size_t>(state.range(0)), 'x');
  WriteOptions options;
  options.content_type = "text/plain";
  for (auto _ : state) must(bench.run(bench.store->write(net::Caller(*bench.loop), "object", data, options)).ok());
}
BENCHMARK(FileWriteWithMetadata)
    ->ArgsProduct({{4096}, {1, 0}})
    ->ArgNames({"bytes", "durable"})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void PlainRead(benchmark::State& state) {
  const Room room;
  plain_write(room, std::string(static_cast<std::size_t>(state.range(0)), 'x'), false);
  const std::string name = room.name + "/object";
  for (auto _ : state) {
    const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    std::string data(static_cast<std::size_t>(state.range(0)), '\0');
    must(::read(fd, data.data(), data.size()) == state.range(0));
    ::close(fd);
    benchmark::DoNotOptimize(data);
  }
}
BENCHMARK(PlainRead)->Arg(4096)->Arg(1 << 20)->ArgName("bytes")->MeasureProcessCPUTime()->UseRealTime();

void FileRead(benchmark::State& state) {
  Bench bench;
  WriteOptions options;
  if (state.range(1) != 0) options.content_type = "text/plain";
  must(bench
           .run(bench.store->write(net::Caller(*bench.loop), "object", std::string(static_cast<std::size_t>(state.range(0)), 'x'),
                                   options))
           .ok());
  for (auto _ : state) {
    auto object = bench.run(bench.store->read(net::Caller(*bench.loop), "object"));
    must(object.ok());
    benchmark::DoNotOptimize(object);
  }
}
BENCHMARK(FileRead)
    ->ArgsProduct({{4096, 1 << 20}, {0, 1}})
    ->ArgNames({"bytes", "metadata"})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

/// As FileRead, many at a time: what a call costs where the pool's threads need not be woken for each.
void FileReadConcurrent(benchmark::State& state) {
  Bench bench;
  must(bench.run(bench.store->write(net::Caller(*bench.loop), "object", std::string(4096, 'x'))).ok());
  constexpr int at_once = 64;
  for (auto _ : state) {
    int left = at_once;
    for (int i = 0; i < at_once; ++i)
      spawn(bench.store->read(net::Caller(*bench.loop), "object"), [&](std::exception_ptr, std::optional<Result<Object>> object) {
        must(object->ok());
        --left;
      });
    while (left > 0) bench.loop->turn(-1);
  }
  state.SetItemsProcessed(state.iterations() * at_once);
}
BENCHMARK(FileReadConcurrent)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
