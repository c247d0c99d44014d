#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../runtime.hpp"
#include "services/manifest.gen.hpp"

namespace spikard::cli::crash {

/// URLs by hand; an empty one: what the manifest says.
struct StoreUrls {
  std::string db, tasks, messaging;
};

/// What lies in a store that the application should have dealt with.
struct Left {
  std::string what;
  std::int64_t count = 0;
  bool ended = false;  ///< given up (discarded, a dead letter): waiting changes nothing
};

/// The application's stores, looked into from outside by the clients of the toolbox.
class Stores {
 public:
  /// `manifest` is null for an application that has none. `query`: there are questions for the database.
  [[nodiscard]] static Result<std::unique_ptr<Stores>> create(const services::Manifest* manifest, const StoreUrls& urls,
                                                              bool query);

  /// Opens them and notes what had been given up before the test.
  [[nodiscard]] Result<void> begin();
  [[nodiscard]] Result<std::vector<Left>> left();
  /// How often the database has each key: the first column is the key, a second one how often (else: a row is once).
  [[nodiscard]] Result<std::map<std::string, std::int64_t>> ask(const std::string& sql);
  [[nodiscard]] const std::vector<std::string>& looked_at() const noexcept { return looked_at_; }

 private:
  struct Store {
    app::Subsystem subsystem;
    std::string client, url;
    std::unique_ptr<Runtime> runtime{};
  };
  void add(app::Subsystem subsystem, const std::string& client, const std::string& url);
  [[nodiscard]] Result<std::vector<Left>> all();
  [[nodiscard]] Result<void> tasks(Store& store, std::vector<Left>& out);
  [[nodiscard]] Result<void> messages(Store& store, std::vector<Left>& out);

  std::vector<Store> stores_;
  Store* database_ = nullptr;
  bool every_group_ = true;
  std::set<std::string> groups_;                       // CLIENT GROUP TOPIC of the application's consumers
  std::map<std::string, std::set<std::string>> dead_;  // topics of dead letters by client
  std::map<std::string, std::int64_t> before_;         // given up before the test
  std::vector<std::string> looked_at_;
};

}  // namespace spikard::cli::crash
