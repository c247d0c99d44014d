#include "base/error.hpp"

namespace spikard {

std::string Error::to_string() const {
  std::string out(name_of(kind()));
  if (!detail().empty()) out.append("/").append(detail());
  out.append(": ").append(message());
  if (operation().empty() && context().empty()) return out;
  out.append(" (").append(operation());
  const char* separator = operation().empty() ? "" : "; ";
  for (const auto& [key, value] : context()) {
    out.append(separator).append(key).append("=").append(value);
    separator = ", ";
  }
  out.append(")");
  return out;
}

}  // namespace spikard
