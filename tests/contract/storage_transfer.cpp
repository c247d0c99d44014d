// A large object up and down, in a process of its own whose memory can be looked at (e2e/scenarios/storage_large.py).
//   storage_transfer put|get KEY BYTES     prints the bytes and the peak of memory over what there was before the transfer
//   storage_transfer bench KEY N           4 KiB objects, N puts and N gets: CPU time of the process an operation
//   (bench/storage_s3)
#include <sys/resource.h>

#include <fstream>
#include <iostream>

#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "server.hpp"
#include "storage/client.hpp"
#include "storage/registry.hpp"

namespace {

using namespace spikard;

long memory_kib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  return 0;
}

constexpr std::size_t block = 1 << 20;
char byte_at(std::uint64_t at) { return static_cast<char>((at * 2654435761U) >> 13U); }

Task<Result<std::uint64_t>> put(net::Loop& loop, storage::Client& store, std::string key, std::uint64_t size) {
  using Out = Result<std::uint64_t>;
  net::Caller caller(loop);
  auto opening = store.open_write(caller, key);
  auto writer = co_await opening;
  if (!writer.ok()) co_return Out(std::move(writer).error());
  for (std::uint64_t at = 0; at < size;) {
    std::string part(static_cast<std::size_t>(std::min<std::uint64_t>(block, size - at)), '\0');
    for (char& c : part) c = byte_at(at++);
    auto work = (*writer)->write(std::move(part));
    Result<void> written = co_await work;
    if (!written.ok()) co_return Out(std::move(written).error());
  }
  auto ending = (*writer)->finish();
  auto info = co_await ending;
  if (!info.ok()) co_return Out(std::move(info).error());
  co_return Out(info->size);
}

Task<Result<std::uint64_t>> get(net::Loop& loop, storage::Client& store, std::string key, std::uint64_t size) {
  using Out = Result<std::uint64_t>;
  net::Caller caller(loop);
  auto opening = store.open_read(caller, key);
  auto reader = co_await opening;
  if (!reader.ok()) co_return Out(std::move(reader).error());
  std::uint64_t at = 0;
  for (;;) {
    auto work = (*reader)->next();
    auto part = co_await work;
    if (!part.ok()) co_return Out(std::move(part).error());
    if (part->empty()) break;
    for (const char c : *part)
      if (c != byte_at(at++)) co_return Out(Error(ErrorKind::corrupt, "another byte at " + std::to_string(at - 1)));
  }
  if (at != size) co_return Out(Error(ErrorKind::corrupt, "another size: " + std::to_string(at)));
  co_return Out(at);
}

double cpu_us() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(used.ru_utime) + us(used.ru_stime);
}

Task<Result<std::uint64_t>> bench(net::Loop& loop, storage::Client& store, std::string key, std::uint64_t count) {
  using Out = Result<std::uint64_t>;
  net::Caller caller(loop);
  const std::string data(4096, 'x');
  double times[3] = {};
  for (std::uint64_t i = 0; i <= count; ++i) {
    if (i == 1) times[0] = cpu_us();  // the first one opens the connection
    auto work = store.write(caller, key + "/" + std::to_string(i % 64), data);
    auto written = co_await work;
    if (!written.ok()) co_return Out(std::move(written).error());
  }
  times[1] = cpu_us();
  for (std::uint64_t i = 0; i < count; ++i) {
    auto work = store.read(caller, key + "/" + std::to_string(i % 64));
    auto read = co_await work;
    if (!read.ok()) co_return Out(std::move(read).error());
  }
  times[2] = cpu_us();
  std::cout << "{\"put\": " << (times[1] - times[0]) / static_cast<double>(count)
            << ", \"get\": " << (times[2] - times[1]) / static_cast<double>(count) << "}\n";
  co_return Out(count);
}

}  // namespace

int main(int count, char** args) {
  if (count != 4) return 2;
  const std::string what = args[1];
  const std::string key = args[2];
  const std::uint64_t size = std::stoull(args[3]);
  RealClock clock;
  net::BlockingPool pool(clock);
  auto loop = net::Loop::create(clock).value();
  services::StorageConfig config;
  config.url = "s3://" + contract::server_setting("S3_BUCKET");
  config.s3.endpoint = contract::server_setting("S3_URL");
  config.s3.addressing = services::S3Addressing::path;
  config.s3.access_key = contract::server_setting("S3_ACCESS_KEY");
  config.s3.secret_key = contract::server_setting("S3_SECRET_KEY");
  config.transfer.max_retries = 8;
  auto store = storage::Client::open(config, storage::Environment(clock, pool));
  if (!store.ok()) {
    std::cerr << store.error().to_string() << "\n";
    return 1;
  }
  const long before = memory_kib("VmRSS");
  std::optional<Result<std::uint64_t>> done;
  auto task = what == "put"     ? put(*loop, **store, key, size)
              : what == "bench" ? bench(*loop, **store, key, size)
                                : get(*loop, **store, key, size);
  spawn(std::move(task), [&](std::exception_ptr, std::optional<Result<std::uint64_t>> result) { done = std::move(result); });
  while (!done.has_value()) loop->turn(1000);
  const long peak = memory_kib("VmHWM") - before;
  store->reset();
  pool.stop();
  if (!done->ok()) {
    std::cerr << done->error().to_string() << "\n";
    return 1;
  }
  if (what != "bench") std::cout << **done << " " << peak << "\n";
  return 0;
}
