#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::messaging::mqtt {

/// A name for this process among those that use one delivery store: the same after a restart, and nobody else's while it lives.
/// By a lock on a file beside the store's.
class Instance {
 public:
  Instance() = default;
  /// `store`: a URL. One that is no file gives a name that nobody had and nobody will have. unavailable where the file cannot be
  /// made or 256 processes are there.
  [[nodiscard]] static Result<Instance> claim(std::string_view store, std::string_view client);
  /// By what the URL says: it is the application's to give no two processes the same.
  [[nodiscard]] static Result<Instance> named(std::string_view client_id);
  Instance(Instance&& other) noexcept;
  Instance& operator=(Instance&& other) noexcept;
  ~Instance();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool lasting() const noexcept { return lasting_; }

 private:
  std::string name_;
  bool lasting_ = false;
  int lock_ = -1;
};

/// 8 digits.
[[nodiscard]] std::string short_hash(std::string_view text);

}  // namespace spikard::messaging::mqtt
