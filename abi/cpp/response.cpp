#include "spikard/response.hpp"

#include "http/cookies.hpp"
#include "http/problem.hpp"
#include "spikard/context.hpp"

namespace spikard {

JsonOut& JsonOut::scratch() {
  thread_local JsonOut out;
  out.clear();
  return out;
}

void JsonOut::grow(std::size_t n) {
  const std::size_t used = size();
  std::size_t room = begin_ == nullptr ? 1024 : 2 * static_cast<std::size_t>(end_ - begin_.get());
  while (room < used + n) room *= 2;
  std::unique_ptr<char[]> bigger(new char[room]);
  if (used > 0) std::memcpy(bigger.get(), begin_.get(), used);
  begin_ = std::move(bigger);
  at_ = begin_.get() + used;
  end_ = begin_.get() + room;
}

namespace detail {
void write_json_value(JsonOut& out, Value v) { out.raw(json::to_string(v)); }
}  // namespace detail

}  // namespace spikard
