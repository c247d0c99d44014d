#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.hpp"
#include "base/operation.gen.hpp"
#include "base/result.hpp"
#include "net/operation_target.hpp"
#include "worker_loop/source.hpp"

namespace spikard::app {

/// The subsystems of the toolbox, in the order of their operations' numbers (32 each, from 32).
enum class Subsystem : std::uint8_t { cache, storage, db, messaging, tasks, cloudevents, telemetry };
inline constexpr std::size_t subsystem_count = 7;
[[nodiscard]] std::string_view name_of(Subsystem subsystem) noexcept;

/// Who is to handle a consumer's messages or a worker's tasks.
struct WorkOrigin {
  enum class Kind : std::uint8_t { message, task };
  Kind kind = Kind::message;
  /// In the manifest's `consumers` or `workers`; `by_operation` for one that an operation started.
  std::uint32_t index = 0;
  std::uint64_t user = 0;  ///< as that operation was told
  std::string name{};
  static constexpr std::uint32_t by_operation = UINT32_MAX;
};
/// Makes the sink between a worker loop and the handlers; on the service loop.
using MakeWorkSink = Function<std::unique_ptr<worker_loop::WorkSink>(const WorkOrigin&)>;

/// The clients of an application by subsystem, as the port calls them: an operation and the number of a client (its place in the
/// sorted names of `services.<subsystem>`, `default` among them). Filled before the application starts; then read from any
/// thread.
class Toolbox {
 public:
  /// Names of one subsystem come in sorted order.
  void add(Subsystem subsystem, std::string name, std::shared_ptr<net::OperationTarget> target);
  /// invalid_argument for a number that no client has, unsupported for an operation that is none of the toolbox.
  [[nodiscard]] Result<net::OperationTarget*> target(Operation operation, std::uint32_t client) const;
  [[nodiscard]] std::vector<std::string> names(Subsystem subsystem) const;

 private:
  struct Named {
    std::string name;
    std::shared_ptr<net::OperationTarget> target;
  };
  std::array<std::vector<Named>, subsystem_count> clients_;
};

}  // namespace spikard::app
