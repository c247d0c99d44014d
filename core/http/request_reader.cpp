#include "http/request_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "http/cookies.hpp"
#include "http/h1/scan.hpp"

namespace spikard::http {

namespace {

using validation::Style;

struct Item {
  validation::Parameter parameter;
  services::ParameterIn in{};
  std::uint32_t capture = 0;  ///< of a path parameter
};

/// `type` and `format` that `{name:type}` stands for.
struct Hint {
  std::string_view type;
  std::string_view format;
};
Hint hint_of(SegmentType type) noexcept {
  switch (type) {
    case SegmentType::integer: return {"integer", {}};
    case SegmentType::number: return {"number", {}};
    case SegmentType::boolean: return {"boolean", {}};
    case SegmentType::uuid: return {"string", "uuid"};
    case SegmentType::date: return {"string", "date"};
    case SegmentType::datetime: return {"string", "date-time"};
    case SegmentType::str:
    case SegmentType::path: break;
  }
  return {"string", {}};
}

/// The declared schema with what the path says added where it says nothing itself.
Document with_hint(Value schema, const PathParameter& parameter) {
  NodeBuilder out;
  const Hint hint = hint_of(parameter.type);
  const bool object = schema.is_object();
  if (schema.exists() && !object && !(schema.is(NodeType::boolean) && schema.as_bool())) return Document(schema);
  const bool has_type = object && (schema.find("type").exists() || schema.find("$ref").exists() || schema.find("enum").exists() ||
                                   schema.find("const").exists());
  if (object && (!parameter.typed || has_type)) return Document(schema);
  out.begin_object();
  out.key("type");
  out.string(hint.type);
  if (!hint.format.empty() && !(object && schema.find("format").exists())) {
    out.key("format");
    out.string(hint.format);
  }
  if (object) {
    for (const auto& [key, value] : schema.members()) {
      out.key(key);
      out.copy(value);
    }
  }
  out.end();
  return Document(std::move(out));
}

Document any_text() {
  NodeBuilder out;
  out.boolean(true);
  return Document(std::move(out));
}

Style style_of(const services::Parameter& p) noexcept {
  using services::ParameterStyle;
  if (!p.style) return p.in == services::ParameterIn::path || p.in == services::ParameterIn::header ? Style::simple : Style::form;
  switch (*p.style) {
    case ParameterStyle::form: return Style::form;
    case ParameterStyle::simple: return Style::simple;
    case ParameterStyle::pipe_delimited: return Style::pipe_delimited;
    case ParameterStyle::space_delimited: return Style::space_delimited;
    case ParameterStyle::semicolon_delimited: return Style::semicolon_delimited;
    case ParameterStyle::deep_object: return Style::deep_object;
  }
  return Style::form;
}

std::string_view source_of(services::ParameterIn in) noexcept {
  switch (in) {
    case services::ParameterIn::path: return "path";
    case services::ParameterIn::query: return "query";
    case services::ParameterIn::header: return "headers";
    case services::ParameterIn::cookie: return "cookie";
  }
  return {};
}

bool is_plain(std::string_view text) noexcept { return text.find_first_of("%+") == std::string_view::npos; }

/// The texts of one name; the heap only when there are many.
class Texts {
 public:
  void add(std::string_view text) {
    if (more_.empty() && size_ < few_.size()) {
      few_[size_++] = text;
      return;
    }
    if (more_.empty()) more_.assign(few_.begin(), few_.end());
    more_.push_back(text);
  }
  [[nodiscard]] std::span<const std::string_view> all() const noexcept {
    return more_.empty() ? std::span<const std::string_view>(few_.data(), size_) : std::span<const std::string_view>(more_);
  }

 private:
  std::array<std::string_view, 16> few_;
  std::size_t size_ = 0;
  std::vector<std::string_view> more_;
};

}  // namespace

struct RequestReader::State {
  std::vector<Item> items;
  std::vector<std::uint32_t> queries;  ///< items that are single texts of the query
  std::vector<std::uint32_t> cookies;  ///< items that are single cookies
  std::size_t default_text = 0;

  void read_query(std::string_view query, std::span<std::string_view> found, TextRoom& text) const noexcept;
  void read_cookies(const RequestTexts& in, std::span<std::string_view> found, TextRoom& text) const noexcept;
  void collect(const Item& item, const RequestTexts& in, TextRoom& text, Texts& out) const;
  [[nodiscard]] std::string_view header(const Item& item, const RequestTexts& in, TextRoom& text) const noexcept;
};

Result<RequestReader> RequestReader::compile(const services::Route& route, const validation::CompileOptions& options) {
  auto pattern = PathPattern::parse(route.path);
  if (!pattern.ok()) return std::move(pattern).error();
  const std::vector<PathParameter> captures = pattern->parameters();
  auto state = std::make_shared<State>();
  std::vector<bool> declared(captures.size(), false);

  const auto add = [&](validation::ParameterSpec spec, services::ParameterIn in, const Document& schema,
                       std::uint32_t capture) -> std::optional<Error> {
    const std::string where = "parameter '" + spec.name + "' in " + std::string(name_of(in));
    auto compiled = validation::Parameter::compile(std::move(spec), schema.root(), options);
    if (!compiled.ok()) return invalid_argument(where + ": " + compiled.error().message());
    const auto index = static_cast<std::uint32_t>(state->items.size());
    if (in == services::ParameterIn::query && !compiled->wants_all()) state->queries.push_back(index);
    if (in == services::ParameterIn::cookie && !compiled->wants_all()) state->cookies.push_back(index);
    state->default_text += compiled->default_text();
    state->items.push_back({std::move(*compiled), in, capture});
    return std::nullopt;
  };

  for (const services::Parameter& p : route.parameters) {
    validation::ParameterSpec spec;
    spec.source = source_of(p.in);
    spec.name = p.name;
    spec.required = p.required || p.in == services::ParameterIn::path;
    spec.style = style_of(p);
    spec.explode = p.explode.value_or(spec.style == Style::form || spec.style == Style::deep_object);
    const std::string where = "parameter '" + p.name + "' in " + std::string(name_of(p.in));
    if (p.in == services::ParameterIn::header)
      std::transform(spec.name.begin(), spec.name.end(), spec.name.begin(), h1::scan::lower);
    if (spec.style == Style::deep_object && p.in != services::ParameterIn::query)
      return invalid_argument(where + ": the style deepObject is for query alone");
    for (const Item& other : state->items) {
      if (other.in == p.in && other.parameter.spec().name == spec.name) return invalid_argument(where + ": declared twice");
    }
    const Value schema = p.schema.empty() || p.schema.root().is_null() ? Value() : p.schema.root();
    std::uint32_t capture = 0;
    Document full = schema.exists() ? Document(schema) : any_text();
    if (p.in == services::ParameterIn::path) {
      const auto it = std::find_if(captures.begin(), captures.end(), [&](const PathParameter& c) { return c.name == p.name; });
      if (it == captures.end()) return invalid_argument(where + ": the path " + route.path + " has no such parameter");
      capture = static_cast<std::uint32_t>(it - captures.begin());
      declared[capture] = true;
      full = with_hint(schema, *it);
    }
    if (auto error = add(std::move(spec), p.in, full, capture)) return std::move(*error);
  }
  for (std::uint32_t i = 0; i < captures.size(); ++i) {
    if (declared[i]) continue;
    validation::ParameterSpec spec;
    spec.source = "path";
    spec.name = captures[i].name;
    spec.required = true;
    spec.style = Style::simple;
    spec.explode = false;
    if (auto error = add(std::move(spec), services::ParameterIn::path, with_hint(Value(), captures[i]), i))
      return std::move(*error);
  }
  RequestReader out;
  out.state_ = std::move(state);
  return out;
}

std::size_t RequestReader::size() const noexcept { return state_ == nullptr ? 0 : state_->items.size(); }
const validation::ParameterSpec& RequestReader::spec(std::size_t index) const noexcept {
  return state_->items[index].parameter.spec();
}
std::size_t RequestReader::text_room(std::size_t head_bytes) const noexcept {
  return max_decoded(head_bytes) + (state_ == nullptr ? 0 : state_->default_text) + 64;
}

/// One pass; only values that are wanted are decoded. The first of a name counts.
void RequestReader::State::read_query(std::string_view query, std::span<std::string_view> found, TextRoom& text) const noexcept {
  std::size_t missing = queries.size();
  QueryPairs pairs(query);
  for (QueryPair pair; missing > 0 && pairs.next(pair);) {
    const bool plain = is_plain(pair.name);
    for (const std::uint32_t i : queries) {
      const std::string& name = items[i].parameter.spec().name;
      if (found[i].data() != nullptr || !(plain ? pair.name == name : decodes_to(pair.name, name, true))) continue;
      found[i] = decode_query(pair.value, text);
      --missing;
      break;
    }
  }
}

void RequestReader::State::read_cookies(const RequestTexts& in, std::span<std::string_view> found,
                                        TextRoom& text) const noexcept {
  for (const ViewPair& h : in.headers) {
    if (std::string_view(in.base + h.name.off, h.name.len) != "cookie") continue;
    CookiePairs pairs({in.base + h.value.off, h.value.len});
    for (CookiePair pair; pairs.next(pair);) {
      for (const std::uint32_t i : cookies) {
        if (found[i].data() == nullptr && items[i].parameter.spec().name == pair.name) found[i] = utf8_text(pair.value, text);
      }
    }
  }
}

/// RFC 9110 section 5.3: lines of one name are one list, joined with a comma.
std::string_view RequestReader::State::header(const Item& item, const RequestTexts& in, TextRoom& text) const noexcept {
  const std::string& name = item.parameter.spec().name;
  std::string_view first;
  std::size_t size = 0;
  std::size_t lines = 0;
  for (const ViewPair& h : in.headers) {
    if (std::string_view(in.base + h.name.off, h.name.len) != name) continue;
    if (lines++ == 0) first = {in.base + h.value.off, h.value.len};
    size += h.value.len + 2;
  }
  if (lines < 2) return lines == 0 ? std::string_view() : utf8_text(first, text);
  char* const out = text.take(size - 2);
  if (out == nullptr) return {};
  char* p = out;
  lines = 0;
  for (const ViewPair& h : in.headers) {
    if (std::string_view(in.base + h.name.off, h.name.len) != name) continue;
    if (lines++ > 0) p = std::copy_n(", ", 2, p);
    p = std::copy_n(in.base + h.value.off, h.value.len, p);
  }
  return utf8_text({out, static_cast<std::size_t>(p - out)}, text);
}

void RequestReader::State::collect(const Item& item, const RequestTexts& in, TextRoom& text, Texts& out) const {
  const std::string& name = item.parameter.spec().name;
  if (item.in == services::ParameterIn::query) {
    QueryPairs pairs(in.query);
    for (QueryPair pair; pairs.next(pair);) {
      if (is_plain(pair.name) ? pair.name == name : decodes_to(pair.name, name, true)) out.add(decode_query(pair.value, text));
    }
    return;
  }
  for (const ViewPair& h : in.headers) {
    if (std::string_view(in.base + h.name.off, h.name.len) != "cookie") continue;
    CookiePairs pairs({in.base + h.value.off, h.value.len});
    for (CookiePair pair; pairs.next(pair);) {
      if (pair.name == name) out.add(utf8_text(pair.value, text));
    }
  }
}

bool RequestReader::read(const RequestTexts& in, validation::NodeRoom& nodes, TextRoom& text, validation::Issues& issues) const {
  if (empty()) return true;
  const State& s = *state_;
  std::array<std::string_view, 32> few{};
  std::vector<std::string_view> many;
  std::span<std::string_view> found(few);
  if (s.items.size() > few.size()) {
    many.resize(s.items.size());
    found = many;
  }
  if (!s.queries.empty() && !in.query.empty()) s.read_query(in.query, found, text);
  if (!s.cookies.empty()) s.read_cookies(in, found, text);
  bool valid = true;
  for (std::size_t i = 0; i < s.items.size(); ++i) {
    const Item& item = s.items[i];
    const auto read = [&](std::span<const std::string_view> texts) {
      if (text.out_of_room) return false;
      nodes.text = text.at;
      nodes.text_room = text.left();
      nodes.text_used = 0;
      const bool fine = item.parameter.read(texts, nodes, issues);
      text.at += nodes.text_used;
      text.out_of_room = text.out_of_room || nodes.out_of_text;
      return fine;
    };
    if (item.parameter.is_deep_object()) {
      NodeBuilder tree;
      NodeBuilder scratch;
      bool there = false;
      FormError error;
      if (!deep_object_to_tree(in.query, item.parameter.spec().name, {}, tree, there, error)) {
        NodeBuilder null;
        null.null();
        issues.add({"validation_error",
                    {"query", item.parameter.spec().name},
                    std::string(error.message),
                    Document(std::move(null)),
                    {}});
        tree.clear();
        valid = false;
        if (nodes.used < nodes.room) nodes.nodes[nodes.used++] = Node::null();
        else nodes.out_of_room = true;
      } else {
        nodes.text = text.at;
        nodes.text_room = text.left();
        nodes.text_used = 0;
        valid &= item.parameter.read_object(there ? tree.root() : Value(), nodes, scratch, issues);
        text.at += nodes.text_used;
        text.out_of_room = text.out_of_room || nodes.out_of_text;
      }
    } else if (item.in == services::ParameterIn::path) {
      const std::string_view decoded = decode_path(in.captures[item.capture], text);
      valid &= read({&decoded, 1});
    } else if (item.in == services::ParameterIn::header) {
      const std::string_view joined = s.header(item, in, text);
      valid &= read({&joined, joined.data() == nullptr ? std::size_t{0} : 1});
    } else if (item.parameter.wants_all()) {
      Texts texts;
      s.collect(item, in, text, texts);
      valid &= read(texts.all());
    } else {
      valid &= read({&found[i], found[i].data() == nullptr ? std::size_t{0} : 1});
    }
    if (nodes.out_of_room || text.out_of_room) return false;
  }
  return valid;
}

}  // namespace spikard::http
