#include "http/router.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "http/h1/request_parser.hpp"
#include "http/urlencoded.hpp"

namespace spikard::http {

namespace {

constexpr std::uint32_t nothing = UINT32_MAX;
constexpr int method_count = static_cast<int>(Method::other) + 1;

struct TypeName {
  std::string_view text;
  SegmentType type;
};
constexpr TypeName type_names[] = {
    {"str", SegmentType::str},           {"int", SegmentType::integer}, {"float", SegmentType::number},
    {"bool", SegmentType::boolean},      {"uuid", SegmentType::uuid},   {"date", SegmentType::date},
    {"datetime", SegmentType::datetime}, {"path", SegmentType::path},
};

bool is_parameter_name(std::string_view name) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

std::string decoded_literal(std::string_view text) {
  std::string memory(max_decoded(text.size()), '\0');
  TextRoom room{memory.data(), memory.data() + memory.size()};
  return std::string(decode_path(text, room));
}

std::uint64_t hash_of(std::string_view text) noexcept {
  // Keys are the application's own, so speed is all that counts; eight bytes at once.
  std::uint64_t h = text.size() * 0x9E3779B97F4A7C15ULL;
  const char* p = text.data();
  std::size_t n = text.size();
  while (n >= 8) {
    std::uint64_t w;
    std::memcpy(&w, p, 8);
    h = (h ^ w) * 0xFF51AFD7ED558CCDULL;
    h ^= h >> 32;
    p += 8;
    n -= 8;
  }
  std::uint64_t w = 0;
  for (std::size_t i = 0; i < n; ++i) w = w << 8 | static_cast<unsigned char>(p[i]);
  h = (h ^ w) * 0xFF51AFD7ED558CCDULL;
  return h ^ h >> 32;
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view pattern) {
  const auto refuse = [&](const std::string& why) {
    return invalid_argument("route path '" + std::string(pattern) + "': " + why);
  };
  if (pattern.empty() || pattern.front() != '/') return refuse("it must start with '/'");
  PathPattern out;
  std::size_t parameters = 0;
  for (std::size_t at = 1; at <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', at), pattern.size());
    const std::string_view text = pattern.substr(at, end - at);
    const bool last = end == pattern.size();
    Segment segment;
    if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
      const std::string_view inside = text.substr(1, text.size() - 2);
      const std::size_t colon = inside.find(':');
      segment.parameter = true;
      segment.text = inside.substr(0, colon);
      if (!is_parameter_name(segment.text))
        return refuse("'" + std::string(text) + "' is not a parameter; expected {name} or {name:type}");
      if (colon != std::string_view::npos) {
        const std::string_view type = inside.substr(colon + 1);
        const auto* found =
            std::find_if(std::begin(type_names), std::end(type_names), [&](const TypeName& t) { return t.text == type; });
        if (found == std::end(type_names))
          return refuse("unknown type '" + std::string(type) +
                        "'; there are str, int, float, bool, uuid, date, datetime and path");
        segment.type = found->type;
        segment.typed = true;
      }
      if (segment.type == SegmentType::path && !last)
        return refuse("'" + std::string(text) + "' takes the rest of the path, so it must come last");
      for (const Segment& other : out.segments) {
        if (other.parameter && other.text == segment.text) return refuse("the parameter '" + segment.text + "' is there twice");
      }
      if (++parameters > Router::max_captures) return refuse("more than " + std::to_string(Router::max_captures) + " parameters");
    } else {
      if (text.find_first_of("{}") != std::string_view::npos)
        return refuse("a parameter takes a whole segment, '" + std::string(text) + "' has more");
      if (text.find_first_of("?#") != std::string_view::npos) return refuse("a path has neither '?' nor '#'");
      segment.text = decoded_literal(text);
    }
    out.segments.push_back(std::move(segment));
    at = end + 1;
  }
  return out;
}

std::vector<PathParameter> PathPattern::parameters() const {
  std::vector<PathParameter> out;
  for (const Segment& s : segments) {
    if (s.parameter) out.push_back({s.text, s.type, s.typed});
  }
  return out;
}

bool PathPattern::is_static() const noexcept {
  return std::none_of(segments.begin(), segments.end(), [](const Segment& s) { return s.parameter; });
}

struct Router::Table {
  struct Child {
    std::string text;
    std::uint32_t node;
  };
  struct Node {
    std::vector<Child> literals;  ///< by size, then text
    std::uint32_t parameter = nothing;
    std::uint32_t endpoint = nothing;
    std::uint32_t rest = nothing;  ///< endpoint
  };
  struct Endpoint {
    std::uint32_t routes[method_count];
    std::string allow;

    Endpoint() { std::fill(std::begin(routes), std::end(routes), nothing); }
  };
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t endpoint = nothing;
    std::string path;
  };

  std::vector<Node> nodes{1};
  std::vector<Endpoint> endpoints;
  std::vector<Slot> slots;  ///< static paths; a power of two, half empty
  std::string server_allow;

  std::uint32_t& endpoint_of(const PathPattern& pattern);
  std::uint32_t child(std::uint32_t node, const std::string& text);
  void put_static(const std::string& path, std::uint32_t endpoint);

  [[nodiscard]] std::uint32_t find_literal(const Node& node, std::string_view segment, bool escaped) const noexcept;
  [[nodiscard]] std::uint32_t find_static(std::string_view path) const noexcept;
  [[nodiscard]] std::uint32_t walk(std::uint32_t node, std::string_view rest, bool escaped,
                                   std::span<std::string_view, max_captures> captures, std::uint32_t& count) const noexcept;
};

std::uint32_t Router::Table::child(std::uint32_t node, const std::string& text) {
  const auto before = [](const Child& a, const std::string& b) {
    return a.text.size() != b.size() ? a.text.size() < b.size() : a.text < b;
  };
  const auto place = [&] { return std::lower_bound(nodes[node].literals.begin(), nodes[node].literals.end(), text, before); };
  if (const auto it = place(); it != nodes[node].literals.end() && it->text == text) return it->node;
  const auto made = static_cast<std::uint32_t>(nodes.size());
  nodes.emplace_back();
  nodes[node].literals.insert(place(), {text, made});
  return made;
}

std::uint32_t& Router::Table::endpoint_of(const PathPattern& pattern) {
  std::uint32_t node = 0;
  for (const PathPattern::Segment& s : pattern.segments) {
    if (!s.parameter) {
      node = child(node, s.text);
    } else if (s.type == SegmentType::path) {
      return nodes[node].rest;
    } else {
      if (nodes[node].parameter == nothing) {
        nodes[node].parameter = static_cast<std::uint32_t>(nodes.size());
        nodes.emplace_back();
      }
      node = nodes[node].parameter;
    }
  }
  return nodes[node].endpoint;
}

void Router::Table::put_static(const std::string& path, std::uint32_t endpoint) {
  const std::uint64_t hash = hash_of(path);
  std::size_t i = hash & (slots.size() - 1);
  while (slots[i].endpoint != nothing) {
    if (slots[i].path == path) return;
    i = (i + 1) & (slots.size() - 1);
  }
  slots[i] = {hash, endpoint, path};
}

std::uint32_t Router::Table::find_static(std::string_view path) const noexcept {
  if (slots.empty()) return nothing;
  const std::uint64_t hash = hash_of(path);
  for (std::size_t i = hash & (slots.size() - 1); slots[i].endpoint != nothing; i = (i + 1) & (slots.size() - 1)) {
    if (slots[i].hash == hash && slots[i].path == path) return slots[i].endpoint;
  }
  return nothing;
}

std::uint32_t Router::Table::find_literal(const Node& node, std::string_view segment, bool escaped) const noexcept {
  if (escaped && segment.find('%') != std::string_view::npos) {
    for (const Child& c : node.literals) {
      if (decodes_to(segment, c.text, false)) return c.node;
    }
    return nothing;
  }
  if (node.literals.size() <= 8) {
    for (const Child& c : node.literals) {
      if (c.text == segment) return c.node;
    }
    return nothing;
  }
  const auto before = [](const Child& a, std::string_view b) {
    return a.text.size() != b.size() ? a.text.size() < b.size() : a.text < b;
  };
  const auto it = std::lower_bound(node.literals.begin(), node.literals.end(), segment, before);
  return it != node.literals.end() && it->text == segment ? it->node : nothing;
}

/// Each step goes down one level and a node has one level, so a walk looks at each node at most once.
std::uint32_t Router::Table::walk(std::uint32_t at, std::string_view rest, bool escaped,
                                  std::span<std::string_view, max_captures> captures, std::uint32_t& count) const noexcept {
  const Node& node = nodes[at];
  const std::size_t end = rest.find('/');
  const bool last = end == std::string_view::npos;
  const std::string_view segment = rest.substr(0, end);
  const auto below = [&](std::uint32_t next) {
    return last ? nodes[next].endpoint : walk(next, rest.substr(end + 1), escaped, captures, count);
  };
  if (const std::uint32_t next = find_literal(node, segment, escaped); next != nothing) {
    if (const std::uint32_t found = below(next); found != nothing) return found;
  }
  if (node.parameter != nothing && !segment.empty()) {
    captures[count++] = segment;
    if (const std::uint32_t found = below(node.parameter); found != nothing) return found;
    --count;
  }
  if (node.rest != nothing && !rest.empty()) {
    captures[count++] = rest;
    return node.rest;
  }
  return nothing;
}

Router::Router() noexcept = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Result<Router> Router::build(std::span<const RouteSpec> routes) {
  constexpr Method order[] = {Method::get,   Method::head, Method::post,    Method::put,
                              Method::patch, Method::del,  Method::options, Method::trace};
  auto table = std::make_unique<Table>();
  // (endpoint, method) -> index into `routes`, to name both sides of a conflict.
  std::vector<std::vector<std::uint32_t>> sources;
  std::vector<std::pair<std::string, std::uint32_t>> static_paths;
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const RouteSpec& route = routes[i];
    auto pattern = PathPattern::parse(route.path);
    if (!pattern.ok()) return std::move(pattern).error();
    const auto method = static_cast<std::size_t>(route.method);
    if (std::find(std::begin(order), std::end(order), route.method) == std::end(order)) {
      return invalid_argument("route path '" + std::string(route.path) + "': a route cannot have this method");
    }
    std::uint32_t& endpoint = table->endpoint_of(*pattern);
    if (endpoint == nothing) {
      endpoint = static_cast<std::uint32_t>(table->endpoints.size());
      table->endpoints.emplace_back();
      sources.emplace_back(method_count, nothing);
    }
    if (const std::uint32_t other = sources[endpoint][method]; other != nothing) {
      const std::string name(h1::name_of(route.method));
      return invalid_argument("the routes " + name + " " + std::string(routes[other].path) + " and " + name + " " +
                              std::string(route.path) + " answer the same requests");
    }
    sources[endpoint][method] = i;
    table->endpoints[endpoint].routes[method] = route.id;
    if (pattern->is_static()) {
      std::string path;
      for (const PathPattern::Segment& s : pattern->segments) path += "/" + s.text;
      // A decoded slash inside a segment is not a slash of the path: left to the tree.
      if (std::count(path.begin(), path.end(), '/') == static_cast<std::ptrdiff_t>(pattern->segments.size()))
        static_paths.emplace_back(std::move(path), endpoint);
    }
  }
  bool any[method_count] = {};
  const auto list = [&](auto&& has) {
    std::string out;
    for (const Method m : order) {
      if (!has(m)) continue;
      if (!out.empty()) out += ", ";
      out += h1::name_of(m);
    }
    return out;
  };
  for (Table::Endpoint& endpoint : table->endpoints) {
    auto& get = endpoint.routes[static_cast<int>(Method::get)];
    auto& head = endpoint.routes[static_cast<int>(Method::head)];
    if (head == nothing) head = get;
    for (int m = 0; m < method_count; ++m) any[m] |= endpoint.routes[m] != nothing;
    endpoint.allow = list([&](Method m) { return endpoint.routes[static_cast<int>(m)] != nothing; });
  }
  table->server_allow = list([&](Method m) { return any[static_cast<int>(m)]; });
  if (!static_paths.empty()) {
    std::size_t size = 4;
    while (size < static_paths.size() * 2) size *= 2;
    table->slots.resize(size);
    for (const auto& [path, endpoint] : static_paths) table->put_static(path, endpoint);
  }
  Router out;
  out.table_ = std::move(table);
  return out;
}

Router::Match Router::match(Method method, std::string_view path,
                            std::span<std::string_view, max_captures> captures) const noexcept {
  Match match;
  if (table_ == nullptr) return match;
  if (path.empty() || path.front() != '/') {
    if (path == "*" && method == Method::options) {
      match.outcome = Outcome::options;
      match.allow = table_->server_allow;
    }
    return match;
  }
  // A path without parameters beats all others segment by segment, so this is the same answer as the tree's.
  std::uint32_t found = table_->find_static(path);
  if (found == nothing) {
    const bool escaped = path.find('%') != std::string_view::npos;
    found = table_->walk(0, path.substr(1), escaped, captures, match.captures);
    if (found == nothing) return match;
  }
  const Table::Endpoint& endpoint = table_->endpoints[found];
  match.route = endpoint.routes[static_cast<int>(method)];
  if (match.route != nothing) {
    match.outcome = Outcome::found;
    return match;
  }
  match.route = 0;
  match.outcome = method == Method::options ? Outcome::options : Outcome::method_not_allowed;
  match.allow = endpoint.allow;
  return match;
}

}  // namespace spikard::http
