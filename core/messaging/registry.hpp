#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "messaging/backend.hpp"
#include "services/messaging.gen.hpp"

namespace spikard::store::sqlite {
class Databases;
}

namespace spikard::messaging {

/// What backends need of their application. All of it outlives them.
struct Environment {
  explicit Environment(Clock& of_clock) : clock(&of_clock) {}
  Clock* clock;
  store::sqlite::Databases* databases = nullptr;  ///< null: no `sqlite:`
  std::string name = "default";                   ///< of `services.messaging`
};

/// Backends by the scheme of their URL.
class Registry {
 public:
  using Open = std::function<Result<std::shared_ptr<Backend>>(const services::MessagingConfig&, const Environment&)>;
  void add(std::string scheme, Open open) { backends_[std::move(scheme)] = std::move(open); }
  /// Blocks where the backend must (files, schemas): for start-up. invalid_argument naming `url`; unsupported with the option
  /// that adds the backend where this build has not got it.
  [[nodiscard]] Result<std::shared_ptr<Backend>> open(const services::MessagingConfig& config,
                                                      const Environment& environment) const;

 private:
  std::map<std::string, Open, std::less<>> backends_;
};

/// Those of this build.
void register_builtin_backends(Registry& registry);
/// By a registry of those.
[[nodiscard]] Result<std::shared_ptr<Backend>> open(const services::MessagingConfig& config, const Environment& environment);

}  // namespace spikard::messaging
