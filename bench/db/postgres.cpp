// The db client on PostgreSQL, by CPU time of this process: rows to JSON, and point queries. Driven by bench/db/run_postgres.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "db/client.hpp"
#include "db/json_rows.hpp"
#include "db/registry.hpp"
#include "store/postgres/database.hpp"

namespace {

using namespace spikard;

double cpu_ns() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const ::timeval& t) { return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3; };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

template <class T>
T await(net::Loop& loop, Task<Result<T>> task) {
  std::optional<Result<T>> done;
  spawn(std::move(task), [&](const std::exception_ptr&, std::optional<Result<T>> result) { done = std::move(result); });
  while (!done.has_value()) loop.turn(-1);
  if (!done->ok()) {
    std::fprintf(stderr, "%s\n", done->error().to_string().c_str());
    std::exit(1);
  }
  return std::move(**done);
}

}  // namespace

int main(int count, char** args) {
  if (count != 4) {
    std::fprintf(stderr, "bench_db_postgres URL rows|point NUMBER\n");
    return 2;
  }
  const long number = std::atol(args[3]);
  RealClock clock;
  const auto loop = net::Loop::create(clock).value();
  net::BlockingPool pool(clock);
  store::postgres::Databases databases;
  services::DbConfig config;
  config.url = args[1];
  db::Environment environment(pool);
  environment.postgres = &databases;
  const auto client = db::open(config, environment).value();
  const net::Caller caller(*loop);
  double best = 1e18;
  std::size_t bytes = 0;
  for (int run = 0; run < 5; ++run) {
    if (std::string_view(args[2]) == "rows") {
      auto rows = std::make_shared<db::JsonRows>();
      const double begun = cpu_ns();
      const db::Outcome outcome = await(*loop, client->query_into(caller, "SELECT * FROM bench_rows", {}, rows, db::RowLimits()));
      rows->finish();
      best = std::min(best, (cpu_ns() - begun) / static_cast<double>(outcome.rows));
      bytes = rows->size();
    } else {
      const double begun = cpu_ns();
      for (long i = 0; i < number; ++i) {
        Document values = db::params(i % 1000);
        (void)await(*loop, client->query(caller, "SELECT id, name, amount FROM bench_rows WHERE id = $1", std::move(values)));
      }
      best = std::min(best, (cpu_ns() - begun) / static_cast<double>(number));
    }
  }
  client->close();
  pool.stop();
  std::printf("{\"cpu_ns\": %.0f, \"bytes\": %zu}\n", best, bytes);
  return 0;
}
