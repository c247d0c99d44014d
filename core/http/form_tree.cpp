#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "http/urlencoded.hpp"

namespace spikard::http {

namespace {

constexpr std::uint32_t nothing = UINT32_MAX;

/// The shape is decided by the first pair that comes to a place; another one there is an error.
enum class Shape : std::uint8_t { unset, texts, keyed, appended };

struct Place {
  std::string_view text;  ///< its key in the parent, or the text of a `texts` child
  Shape shape = Shape::unset;
  std::uint32_t first = nothing;
  std::uint32_t last = nothing;
  std::uint32_t next = nothing;
  std::uint32_t children = 0;
  bool file = false;  ///< of a `texts` child
};

constexpr std::string_view two_shapes = "a form field is given in two shapes";

class Tree {
 public:
  Tree() {
    places_.emplace_back();
    places_[0].shape = Shape::keyed;
  }

  /// `keys` of one pair; the empty key is `[]`.
  bool add(std::span<const std::string_view> keys, std::string_view value, FormError& error, bool file = false) {
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Shape wanted = i > 0 && keys[i].empty() ? Shape::appended : Shape::keyed;
      if (!shape(at, wanted, error)) return false;
      at = wanted == Shape::appended ? append(at, {}) : child(at, keys[i]);
    }
    if (!shape(at, Shape::texts, error)) return false;
    places_[append(at, value)].file = file;
    return true;
  }

  /// Whether indices have no gaps, all over.
  bool check(FormError& error) {
    for (std::uint32_t i = 1; i < places_.size(); ++i) {
      if (places_[i].shape != Shape::keyed || !is_indexed(i)) continue;
      std::uint64_t greatest = 0;
      for (std::uint32_t c = places_[i].first; c != nothing; c = places_[c].next)
        greatest = std::max(greatest, index_of(places_[c].text));
      if (greatest + 1 != places_[i].children) {
        error.message = "the indices of a form array have gaps";
        return false;
      }
    }
    return true;
  }

  void write(std::uint32_t at, NodeBuilder& out) const {
    const Place& place = places_[at];
    if (place.shape == Shape::texts) {
      if (place.children == 1) {
        leaf(place.first, out);
        return;
      }
      out.begin_array();
      for (std::uint32_t c = place.first; c != nothing; c = places_[c].next) leaf(c, out);
    } else if (place.shape == Shape::appended) {
      out.begin_array();
      for (std::uint32_t c = place.first; c != nothing; c = places_[c].next) write(c, out);
    } else if (at != 0 && is_indexed(at)) {
      std::vector<std::uint32_t> ordered(place.children);
      for (std::uint32_t c = place.first; c != nothing; c = places_[c].next) ordered[index_of(places_[c].text)] = c;
      out.begin_array();
      for (const std::uint32_t c : ordered) write(c, out);
    } else {
      out.begin_object();
      for (std::uint32_t c = place.first; c != nothing; c = places_[c].next) {
        out.key(places_[c].text);
        write(c, out);
      }
    }
    out.end();
  }

  [[nodiscard]] bool empty() const noexcept { return places_[0].children == 0; }
  [[nodiscard]] std::uint32_t first() const noexcept { return places_[0].first; }

 private:
  void leaf(std::uint32_t at, NodeBuilder& out) const {
    if (places_[at].file) out.bytes(places_[at].text);
    else out.string(places_[at].text);
  }

  bool shape(std::uint32_t at, Shape wanted, FormError& error) {
    Shape& is = places_[at].shape;
    if (is == Shape::unset) is = wanted;
    if (is != wanted) error.message = two_shapes;
    return is == wanted;
  }

  std::uint32_t append(std::uint32_t parent, std::string_view text) {
    const auto made = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back().text = text;
    Place& p = places_[parent];
    if (p.first == nothing) p.first = made;
    else places_[p.last].next = made;
    p.last = made;
    ++p.children;
    return made;
  }

  std::uint32_t child(std::uint32_t parent, std::string_view key) {
    const auto [found, fresh] = keys_.try_emplace({parent, key}, nothing);
    if (fresh) found->second = append(parent, key);
    return found->second;
  }

  /// The value of an index, or UINT64_MAX. Nine digits are more than any body has fields.
  static std::uint64_t index_of(std::string_view key) noexcept {
    if (key.empty() || key.size() > 9 || (key.size() > 1 && key.front() == '0')) return UINT64_MAX;
    std::uint64_t n = 0;
    for (const char c : key) {
      if (c < '0' || c > '9') return UINT64_MAX;
      n = n * 10 + static_cast<unsigned>(c - '0');
    }
    return n;
  }

  [[nodiscard]] bool is_indexed(std::uint32_t at) const noexcept {
    for (std::uint32_t c = places_[at].first; c != nothing; c = places_[c].next) {
      if (index_of(places_[c].text) == UINT64_MAX) return false;
    }
    return true;
  }

  std::vector<Place> places_;
  // Ordered, not hashed: keys are the client's, and a fixed hash can be flooded.
  std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> keys_;
};

/// `a[b][]` to a, b, "". A name whose brackets are not in order stays whole. False when it is too deep.
bool split_name(std::string_view name, const FormLimits& limits, std::vector<std::string_view>& keys) {
  keys.clear();
  const std::size_t open = name.find('[');
  if (open == std::string_view::npos || open == 0 || name.back() != ']') {
    keys.push_back(name);
    return true;
  }
  keys.push_back(name.substr(0, open));
  for (std::size_t i = open; i < name.size();) {
    const std::size_t close = name.find(']', i);
    if (name[i] != '[' || close == std::string_view::npos ||
        name.substr(i + 1, close - i - 1).find('[') != std::string_view::npos) {
      keys.assign(1, name);
      return true;
    }
    if (keys.size() > limits.max_depth) return false;
    keys.push_back(name.substr(i + 1, close - i - 1));
    i = close + 1;
  }
  return true;
}

constexpr std::string_view too_deep = "a form field is nested too deep";

}  // namespace

bool form_to_tree(std::string_view body, const FormLimits& limits, NodeBuilder& out, FormError& error) {
  const std::size_t size = max_decoded(body.size());
  const auto memory = std::make_unique_for_overwrite<char[]>(size);
  TextRoom room{memory.get(), memory.get() + size};
  Tree tree;
  std::vector<std::string_view> keys;
  QueryPairs pairs(body);
  for (QueryPair pair; pairs.next(pair);) {
    const std::string_view name = decode_query(pair.name, room);
    const std::string_view value = decode_query(pair.value, room);
    if (!split_name(name, limits, keys)) {
      error.message = too_deep;
      return false;
    }
    if (!tree.add(keys, value, error)) return false;
  }
  if (!tree.check(error)) return false;
  tree.write(0, out);
  return true;
}

bool fields_to_tree(std::span<const FormField> fields, const FormLimits& limits, NodeBuilder& out, FormError& error) {
  Tree tree;
  std::vector<std::string_view> keys;
  for (const FormField& field : fields) {
    if (!split_name(field.name, limits, keys)) {
      error.message = too_deep;
      return false;
    }
    if (!tree.add(keys, field.value, error, field.file)) return false;
  }
  if (!tree.check(error)) return false;
  tree.write(0, out);
  return true;
}

bool deep_object_to_tree(std::string_view query, std::string_view name, const FormLimits& limits, NodeBuilder& out, bool& found,
                         FormError& error) {
  found = false;
  std::unique_ptr<char[]> memory;
  TextRoom room;
  Tree tree;
  std::vector<std::string_view> keys;
  QueryPairs pairs(query);
  for (QueryPair pair; pairs.next(pair);) {
    if (memory == nullptr) {
      const std::size_t size = max_decoded(query.size());
      memory = std::make_unique_for_overwrite<char[]>(size);
      room = {memory.get(), memory.get() + size};
    }
    const std::string_view full = decode_query(pair.name, room);
    if (!full.starts_with(name) || full.size() == name.size() || full[name.size()] != '[') continue;
    if (!split_name(full, limits, keys)) {
      error.message = too_deep;
      return false;
    }
    if (keys.size() < 2 || keys[0] != name) continue;
    if (!tree.add(keys, decode_query(pair.value, room), error)) return false;
  }
  if (tree.empty()) return true;
  if (!tree.check(error)) return false;
  found = true;
  tree.write(tree.first(), out);
  return true;
}

}  // namespace spikard::http
