#include "tasks/redis/names.hpp"

#include <cstdio>

namespace spikard::tasks::redis {

std::string digits15(std::uint64_t number) {
  char text[24];
  const int size = std::snprintf(text, sizeof text, "%015llu", static_cast<unsigned long long>(number));
  return {text, static_cast<std::size_t>(size)};
}

std::string Names::base(std::string_view queue) const {
  std::string out = prefix_;
  out.reserve(prefix_.size() + queue.size() + 8);
  out += ":{";
  for (const char c : queue) {
    switch (c) {
      case '{': out += "%7B"; break;
      case '}': out += "%7D"; break;
      case '%': out += "%25"; break;
      default: out += c;
    }
  }
  return out += "}:";
}

std::optional<std::string> Names::queue_of(std::string_view base) const {
  if (base.size() < prefix_.size() + 5 || !base.starts_with(prefix_)) return std::nullopt;
  base.remove_prefix(prefix_.size());
  if (!base.starts_with(":{") || !base.ends_with("}:")) return std::nullopt;
  base = base.substr(2, base.size() - 4);
  std::string out;
  out.reserve(base.size());
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (base[i] == '{' || base[i] == '}') return std::nullopt;
    if (base[i] != '%') {
      out += base[i];
      continue;
    }
    const std::string_view escaped = base.substr(i, 3);
    if (escaped == "%7B") out += '{';
    else if (escaped == "%7D") out += '}';
    else if (escaped == "%25") out += '%';
    else return std::nullopt;
    i += 2;
  }
  return out;
}

}  // namespace spikard::tasks::redis
