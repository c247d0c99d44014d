#include "storage/listing.hpp"

#include <algorithm>

namespace spikard::storage {

std::optional<std::string_view> rolled_up(std::string_view key, const ListQuery& query) noexcept {
  if (query.delimiter.empty()) return std::nullopt;
  const std::size_t at = key.find(query.delimiter, query.prefix.size());
  if (at == key.npos) return std::nullopt;
  return key.substr(0, at + query.delimiter.size());
}

std::optional<std::string> after_all_with(std::string_view prefix) {
  std::string out(prefix);
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xFF) out.pop_back();
  if (out.empty()) return std::nullopt;
  out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

std::string_view place_of(const ListQuery& query) noexcept {
  std::string_view place = query.start_after;
  if (query.cursor.has_value()) place = std::max(place, std::string_view(*query.cursor));
  return place;
}

bool PageBuilder::room() {
  if (page_.entries.size() + page_.prefixes.size() < query_.limit) return true;
  page_.cursor = last_;
  return false;
}

bool PageBuilder::entry(ObjectInfo info) {
  if (!room()) return false;
  last_ = info.key;
  page_.entries.push_back(std::move(info));
  return true;
}

bool PageBuilder::prefix(std::string_view prefix) {
  if (!room()) return false;
  last_ = prefix;
  page_.prefixes.emplace_back(prefix);
  return true;
}

}  // namespace spikard::storage
