// Rows of a SQLite file as JSON text, all of them, through the db client: `bench_db_rows FILE TIMES`. Prints one JSON line: rows,
// bytes, CPU ns a row (user and system, of the whole process), and the peak of the resident memory.
#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "db/json_rows.hpp"
#include "db/registry.hpp"
#include "net/blocking_pool.hpp"
#include "store/sqlite/databases.hpp"

using namespace spikard;

namespace {

double cpu_seconds() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const ::timeval& at) { return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What this program itself had resident at most; the number of getrusage counts the one that started it, too.
double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

struct Counted {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

Task<Result<Counted>> stream(net::Loop& loop, std::shared_ptr<db::Client> client) {
  Counted counted;
  Result<std::unique_ptr<db::Stream>> opened = co_await client->stream(net::Caller(loop), "SELECT * FROM bench");
  if (!opened.ok()) co_return Result<Counted>(std::move(opened).error());
  const std::unique_ptr<db::Stream> rows = std::move(*opened);
  auto json = std::make_shared<db::JsonRows>();
  json->begin(rows->columns());
  const db::RowLimits limits(~std::uint64_t{0}, 65536);
  for (bool more = true; more;) {
    Result<bool> next = co_await rows->next(loop, json, limits);
    if (!next.ok()) co_return Result<Counted>(std::move(next).error());
    more = *next;
    if (!more) json->finish();
    counted.bytes += json->size();
    json->clear();
  }
  counted.rows = rows->rows();
  co_return Result<Counted>(counted);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  RealClock clock;
  auto loop = net::Loop::create(clock).value();
  net::BlockingPool pool(clock);
  store::sqlite::Databases databases(pool);
  services::DbConfig config;
  config.url = std::string("sqlite:") + argv[1];
  config.statement_timeout_ms = std::nullopt;
  db::Environment environment(pool);
  environment.databases = &databases;
  auto client = db::open(config, environment).value();
  Counted all;
  double cpu = 0;
  for (int i = 0, times = std::atoi(argv[2]); i < times; ++i) {
    const double before = cpu_seconds();
    bool done = false;
    spawn(stream(*loop, client), [&](std::exception_ptr, std::optional<Result<Counted>> result) {
      if (!result.has_value() || !result->ok()) std::abort();
      all = **result;
      done = true;
    });
    while (!done) loop->turn(-1);
    const double took = cpu_seconds() - before;
    if (i == 0 || took < cpu) cpu = took;
  }
  std::printf("{\"rows\": %llu, \"bytes\": %llu, \"cpu_ns_a_row\": %.0f, \"peak_mib\": %.1f}\n",
              static_cast<unsigned long long>(all.rows), static_cast<unsigned long long>(all.bytes),
              cpu * 1e9 / static_cast<double>(all.rows), peak_mib());
  client->close();
  client.reset();
  databases.close();
  pool.stop();
}
