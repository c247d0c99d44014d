#include "validation/name_table.hpp"

namespace spikard::validation::detail {

void NameTable::set(std::vector<std::string> names) {
  entries_.clear();
  text_.clear();
  for (const std::string& n : names) {
    entries_.push_back({key(n), static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(n.size())});
    text_ += n;
  }
  std::uint32_t bits = 1;
  while ((std::size_t{1} << bits) < names.size() * 2) ++bits;
  shift_ = 32 - bits;
  const std::uint32_t mask = (std::uint32_t{1} << bits) - 1;
  std::uint64_t state = 0x2545F4914F6CDD1D;
  std::uint64_t best_seed = 0;
  std::uint32_t best = UINT32_MAX;
  const auto fill = [&](std::uint64_t seed) {
    slots_.assign(std::size_t{1} << bits, not_found);
    std::uint32_t collisions = 0;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      std::uint32_t at = hash(entries_[i].key, seed) >> shift_;
      for (; slots_[at] != not_found; at = (at + 1) & mask) ++collisions;
      slots_[at] = i;
    }
    return collisions;
  };
  for (int attempt = 0; attempt < 64 && best > 0; ++attempt) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    if (const std::uint32_t c = fill(state); c < best) {
      best = c;
      best_seed = state;
    }
  }
  seed_ = best_seed;
  fill(seed_);
}

}  // namespace spikard::validation::detail
