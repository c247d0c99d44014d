#pragma once

#include <stdlib.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "store/sqlite/databases.hpp"

namespace spikard::store::sqlite {

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "spikard-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// For tests: a loop on this thread, a pool, a file. `await` turns the loop until the task has ended.
template <class C>
struct DatabaseFixtureOn {
  DatabaseFixtureOn() = default;
  ~DatabaseFixtureOn() {
    database.reset();
    databases.close();
    pool.stop();
  }
  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    std::exception_ptr error;
    bool ended = false;
    spawn(std::move(task), [&](std::exception_ptr e, std::optional<T> v) {
      error = e;
      if (v.has_value()) value.emplace(std::move(*v));
      ended = true;
    });
    while (!ended) loop->turn(-1);
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
  void turn_until(const bool& condition) {
    while (!condition) loop->turn(-1);
  }

  C clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  TemporaryFolder folder;
  net::BlockingPool pool{clock};
  Databases databases{pool};
  std::shared_ptr<Database> database = databases.open("sqlite:" + folder.file("test.db")).value();
};
using DatabaseFixture = DatabaseFixtureOn<RealClock>;

}  // namespace spikard::store::sqlite
