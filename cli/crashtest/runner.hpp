#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "net/http_client/client.hpp"
#include "net/loop/loop.hpp"
#include "plan.hpp"
#include "process.hpp"
#include "report.hpp"
#include "stores.hpp"

namespace spikard::cli::crash {

struct Settings {
  std::string command;                  ///< of the application
  std::string base;                     ///< its URL; empty: a free port of 127.0.0.1, told by PORT
  std::string ready = "/readyz";        ///< 2xx once it is up
  std::vector<RequestTemplate> load;    ///< at least one that makes something
  std::vector<RequestTemplate> checks;  ///< 2xx for what was acknowledged
  std::vector<std::string> queries;
  Template key;  ///< what the queries' first column has for a request
  net::http::Headers headers;
  std::vector<Step> steps;
  std::optional<Duration> longest{};  ///< no kills after it
  std::uint32_t processes = 1, clients = 4;
  Duration timeout{}, ready_within{}, drain{}, stop{}, settle{};
  bool retry = false;
  bool judge_term = true;  ///< the last SIGTERM is a promise as well
  std::uint64_t run = 0;   ///< makes the UUIDs of this run
  int log_fd = -1;
};

/// Starts the application, interrupts it under load, waits for it to come to rest, counts. On one loop.
class Runner {
 public:
  Runner(net::Loop& loop, Settings settings, Stores& stores, Report& report);
  /// Errors: what kept the test from being made; what it found is in the report.
  [[nodiscard]] Task<Result<void>> run();
  /// At once, with all its processes.
  void abandon();

 private:
  struct Instance {
    std::unique_ptr<AppProcess> process;
    std::string base;
    bool serving = false;
  };
  enum class State : std::uint8_t { unknown, acknowledged, refused };
  struct Sent {
    State state = State::unknown;
    std::uint32_t request = 0;
    std::string key;                  ///< empty: not known, it lies in an answer that did not come
    std::vector<std::string> checks;  ///< paths; of those acknowledged
  };

  Task<Result<void>> become_ready(Instance& at, Kind kind);
  Task<bool> is_ready(const Instance& at);
  Task<void> end_group(Instance& at);
  Task<void> terminate(Instance& at, bool judged);
  Task<Result<void>> revive();
  Task<Result<void>> interrupt(const Step& step);
  Task<void> client();
  Task<void> once(Instance& at);
  void answered(std::uint64_t n, const net::http::Response& response);
  Task<Result<void>> settle();
  Task<void> check(std::size_t number);
  Task<void> check_some(std::size_t number, std::shared_ptr<std::size_t> next);
  Result<void> ask(std::size_t number);
  void note(Found& found, const char* what, const std::string& key) const;
  void broken(std::string line);
  [[nodiscard]] net::http::Request request(const std::string& method, std::string url, std::string body) const;
  [[nodiscard]] Task<Result<void>> wait_for_clients(std::uint32_t until);

  net::Loop& loop_;
  net::http::Client http_;
  Settings s_;
  Stores& stores_;
  Report& report_;
  std::vector<Instance> instances_;
  std::vector<Sent> sent_;           // by n - 1
  std::deque<std::uint64_t> again_;  // --retry
  std::vector<std::uint64_t> acknowledged_;
  std::vector<std::map<std::string, std::int64_t>> before_;  // by query
  std::vector<std::vector<bool>> checked_;                   // by check, by n - 1
  std::uint64_t turn_ = 0;
  std::uint32_t working_ = 0;
  bool load_over_ = false;
};

}  // namespace spikard::cli::crash
