#include "cache/memory/tag_index.hpp"

namespace spikard::cache::memory {

void TagIndex::add(std::uint32_t slot, std::span<const std::string> tags) {
  for (const std::string& name : tags) {
    const auto [tag, made] = tags_.try_emplace(name, none);
    bool twice = false;
    for (std::uint32_t m = slots_[slot].tags; m != none; m = members_[m].next_of_slot) twice = twice || members_[m].tag == tag;
    if (twice) continue;
    std::uint32_t at = free_;
    if (at != none) {
      free_ = members_[at].next;
    } else {
      at = static_cast<std::uint32_t>(members_.size());
      members_.emplace_back();
    }
    Member& member = members_[at];
    member.slot = slot;
    member.prev = none;
    member.next = tag->second;
    member.next_of_slot = slots_[slot].tags;
    member.tag = tag;
    if (member.next != none) members_[member.next].prev = at;
    tag->second = at;
    slots_[slot].tags = at;
  }
}

void TagIndex::remove(std::uint32_t slot) {
  for (std::uint32_t at = slots_[slot].tags; at != none;) {
    Member& member = members_[at];
    if (member.next != none) members_[member.next].prev = member.prev;
    if (member.prev != none) {
      members_[member.prev].next = member.next;
    } else if (member.next != none) {
      member.tag->second = member.next;
    } else {
      tags_.erase(member.tag);
    }
    const std::uint32_t following = member.next_of_slot;
    member.next = free_;
    free_ = at;
    at = following;
  }
  slots_[slot].tags = none;
}

std::uint32_t TagIndex::first(std::string_view tag) const {
  const auto at = tags_.find(tag);
  return at == tags_.end() ? none : members_[at->second].slot;
}

}  // namespace spikard::cache::memory
