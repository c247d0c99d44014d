#include "cache/redis/entry.hpp"

#include <charconv>

namespace spikard::cache::redis {

Stored::Stored(Millis now_floor, Millis now_ceil, const Put& put) {
  std::uint64_t ends = 0;
  std::uint64_t gone = 0;
  if (put.ttl < most && put.grace < most) {
    ends = static_cast<std::uint64_t>(now_ceil + put.ttl);
    gone = ends + static_cast<std::uint64_t>(put.grace);
    lives = static_cast<Millis>(gone) - now_floor;
  }
  tags = tag_hashes(put.tags);
  unsigned flags = Header::version;
  if (put.absent) flags |= Header::is_absent;
  if (!tags.empty()) flags |= Header::has_tags;
  head.reserve(17);
  head.push_back(static_cast<char>(flags));
  Header::append(head, ends);
  Header::append(head, gone);
}

std::uint64_t hash_of_tag(std::string_view tag) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a, and mixed: two tags that collide only lose an entry early
  for (const char c : tag) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash ^= hash >> 32U;
  hash *= 0x9e3779b97f4a7c15U;
  return hash ^ hash >> 29U;
}

std::string tag_hashes(std::span<const std::string> tags) {
  std::string out;
  if (tags.empty()) return out;
  out.reserve(1 + 8 * tags.size());
  out.push_back(static_cast<char>(tags.size()));
  for (const std::string& tag : tags) Header::append(out, hash_of_tag(tag));
  return out;
}

std::string Names::entries(std::string_view space) const {
  std::string out;
  for (const char c : name(space, 'e', {})) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\' || c == '^') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('*');
  return out;
}

std::optional<Names::Parsed> Names::parse(std::string_view full) const {
  if (!full.starts_with(prefix_)) return std::nullopt;
  full.remove_prefix(prefix_.size());
  if (!full.starts_with(":{")) return std::nullopt;
  full.remove_prefix(2);
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(full.data(), full.data() + full.size(), size);
  if (error != std::errc() || end == full.data() + full.size() || *end != ':') return std::nullopt;
  full.remove_prefix(static_cast<std::size_t>(end - full.data()) + 1);
  // `}:k:` behind the namespace.
  if (size > full.size() || full.size() - size < 4) return std::nullopt;
  Parsed out;
  out.space = full.substr(0, size);
  full.remove_prefix(size);
  if (full[0] != '}' || full[1] != ':' || full[3] != ':') return std::nullopt;
  out.kind = full[2];
  out.name = full.substr(4);
  return out;
}

}  // namespace spikard::cache::redis
