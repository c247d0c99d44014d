#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/memory/slots.hpp"

namespace spikard::cache::memory {

/// Which slots of a shard have which tag. Costs nothing for entries without tags; a tag without entries is forgotten.
class TagIndex {
 public:
  explicit TagIndex(Slots& slots) noexcept : slots_(slots) {}

  void add(std::uint32_t slot, std::span<const std::string> tags);
  void remove(std::uint32_t slot);
  /// A slot with the tag, or `none`.
  [[nodiscard]] std::uint32_t first(std::string_view tag) const;

 private:
  /// Slot and tag, in the tag's list and in the slot's.
  struct Member {
    std::uint32_t slot = none;
    std::uint32_t prev = none;
    std::uint32_t next = none;
    std::uint32_t next_of_slot = none;
    std::map<std::string, std::uint32_t, std::less<>>::iterator tag;
  };

  Slots& slots_;
  std::map<std::string, std::uint32_t, std::less<>> tags_;  // to the first member
  std::vector<Member> members_;
  std::uint32_t free_ = none;
};

}  // namespace spikard::cache::memory
