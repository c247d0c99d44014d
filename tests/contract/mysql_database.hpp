#pragma once

#include <random>
#include <stdexcept>
#include <string>

#include "net/loop/loop.hpp"
#include "server.hpp"
#include "store/mysql/database.hpp"

namespace spikard::contract {

/// A database of the test's own on the real server, gone with it: runs beside others, and again.
class MysqlDatabase {
 public:
  MysqlDatabase() : base_(server_setting("MYSQL_URL")) {
    std::random_device random;
    name_ = "spikard_test_" + std::to_string(random()) + "_" + std::to_string(random());
    run("CREATE DATABASE " + name_);
  }
  MysqlDatabase(const MysqlDatabase&) = delete;
  MysqlDatabase& operator=(const MysqlDatabase&) = delete;
  ~MysqlDatabase() {
    try {
      run("DROP DATABASE IF EXISTS " + name_);
    } catch (...) {  // a server that a test has stopped
    }
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// `more`: options, `a=b&c=d`.
  [[nodiscard]] std::string url(const std::string& more = {}) const {
    const std::size_t query = base_.find('?');
    const std::string_view front = std::string_view(base_).substr(0, query);
    std::string out(front.substr(0, front.rfind('/') + 1));
    out += name_;
    if (query != std::string::npos) out += base_.substr(query);
    if (!more.empty()) out += (query == std::string::npos ? "?" : "&") + more;
    return out;
  }
  /// On a connection of its own, outside the test's loop. The first column of the first row, or empty.
  std::string run(const std::string& sql) const {
    using namespace store::mysql;
    RealClock clock;
    const auto loop = net::Loop::create(clock).value();
    net::Resolver resolver(*loop);
    const auto context = Context::make(Options::from_url(base_).value()).value();
    const auto work = [](net::Loop& on, std::shared_ptr<Context> of, net::Resolver& by,
                         std::string text) -> Task<Result<std::string>> {
      Result<std::unique_ptr<Connection>> opened = co_await Connection::open(on, std::move(of), by);
      if (!opened.ok()) co_return Result<std::string>(std::move(opened).error());
      Result<Connection::Rows> rows = co_await (*opened)->query(std::move(text));
      if (!rows.ok()) co_return Result<std::string>(std::move(rows).error());
      co_return Result<std::string>(rows->size() == 0 ? std::string() : rows->at(0, 0).value_or(""));
    };
    std::optional<Result<std::string>> done;
    spawn(work(*loop, context, resolver, sql),
          [&](const std::exception_ptr&, std::optional<Result<std::string>> result) { done = std::move(result); });
    while (!done.has_value()) loop->turn(-1);
    if (!done->ok()) throw std::runtime_error(done->error().to_string());
    return std::move(**done);
  }

 private:
  const std::string base_;
  std::string name_;
};

}  // namespace spikard::contract
