#include "app/toolbox.hpp"

namespace spikard::app {
namespace {
constexpr std::uint32_t first_operation = 32;
constexpr std::uint32_t operations_each = 32;
}  // namespace

std::string_view name_of(Subsystem subsystem) noexcept {
  switch (subsystem) {
    case Subsystem::cache: return "cache";
    case Subsystem::storage: return "storage";
    case Subsystem::db: return "db";
    case Subsystem::messaging: return "messaging";
    case Subsystem::tasks: return "tasks";
    case Subsystem::cloudevents: return "cloudevents";
    case Subsystem::telemetry: return "telemetry";
  }
  return "unknown";
}

void Toolbox::add(Subsystem subsystem, std::string name, std::shared_ptr<net::OperationTarget> target) {
  clients_[static_cast<std::size_t>(subsystem)].push_back({std::move(name), std::move(target)});
}

Result<net::OperationTarget*> Toolbox::target(Operation operation, std::uint32_t client) const {
  const auto number = static_cast<std::uint32_t>(operation);
  const std::size_t subsystem = number < first_operation ? subsystem_count : (number - first_operation) / operations_each;
  if (subsystem >= subsystem_count) return Error(ErrorKind::unsupported, "CALL: unknown operation " + std::to_string(number));
  const std::vector<Named>& named = clients_[subsystem];
  if (client >= named.size()) {
    return invalid_argument(std::string(name_of(operation)) + ": there is no client " + std::to_string(client) + " of services." +
                            std::string(name_of(static_cast<Subsystem>(subsystem))));
  }
  return named[client].target.get();
}

std::vector<std::string> Toolbox::names(Subsystem subsystem) const {
  std::vector<std::string> out;
  for (const Named& named : clients_[static_cast<std::size_t>(subsystem)]) out.push_back(named.name);
  return out;
}

}  // namespace spikard::app
