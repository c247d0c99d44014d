#include "services/codec.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace spikard::services::detail {
namespace {

/// What was found, short enough for a message.
std::string describe(Value v) {
  switch (v.type()) {
    case NodeType::null: return "null";
    case NodeType::boolean: return v.as_bool() ? "true" : "false";
    case NodeType::integer: return std::to_string(v.as_int());
    case NodeType::uinteger: return std::to_string(v.as_uint());
    case NodeType::number: {
      std::string text = std::to_string(v.as_double());
      if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) text.push_back('0');
      }
      return text;
    }
    case NodeType::numtext: return std::string(v.text().substr(0, 40));
    case NodeType::string: {
      std::string text = "\"";
      text += v.text().substr(0, 60);
      text += v.text().size() > 60 ? "...\"" : "\"";
      return text;
    }
    case NodeType::bytes: return "bytes";
    case NodeType::array: return "an array";
    case NodeType::object: return "an object";
  }
  return "something else";
}

bool plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, cost});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view did_you_mean(std::string_view name, std::span<const std::string_view> known) {
  if (name.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (const std::size_t d = edit_distance(name, candidate); d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

bool Decoder::object(Value v, std::span<const std::string_view> known) {
  if (!v.is_object()) {
    problem("expected an object; got " + describe(v));
    return false;
  }
  for (const auto member : v.members()) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const Member scope = entry(member.value, member.key);
    std::string text = "unknown key";
    if (const auto meant = did_you_mean(member.key, known); !meant.empty()) {
      text += "; did you mean \"" + std::string(meant) + "\"?";
    }
    problem(std::move(text));
  }
  return true;
}

Decoder::Member Decoder::member(Value object, std::string_view name, bool required) {
  const std::size_t length = path_.size();
  const Value value = object.find(name);
  if (!path_.empty()) path_ += '.';
  path_ += name;
  if (!value.exists() && required) problem("required, and missing");
  return {*this, value, length};
}

Decoder::Member Decoder::element(Value value, std::size_t index) {
  const std::size_t length = path_.size();
  path_ += '[' + std::to_string(index) + ']';
  return {*this, value, length};
}

Decoder::Member Decoder::entry(Value value, std::string_view name) {
  const std::size_t length = path_.size();
  if (plain_name(name)) {
    if (!path_.empty()) path_ += '.';
    path_ += name;
  } else {
    path_ += "[\"";
    path_ += name.substr(0, 60);
    path_ += "\"]";
  }
  return {*this, value, length};
}

bool Decoder::array(Value v) {
  if (v.is_array()) return true;
  problem("expected an array; got " + describe(v));
  return false;
}

bool Decoder::any_object(Value v) {
  if (v.is_object()) return true;
  problem("expected an object; got " + describe(v));
  return false;
}

void Decoder::text(Value v, std::string& out, std::size_t min_length, std::size_t max_length) {
  if (!v.is_string()) return problem("expected a string; got " + describe(v));
  if (v.text().size() < min_length)
    return problem(min_length == 1 ? "expected a string that is not empty"
                                   : "expected at least " + std::to_string(min_length) + " bytes");
  if (v.text().size() > max_length)
    return problem("expected at most " + std::to_string(max_length) + " bytes; got " + std::to_string(v.text().size()));
  if (v.text().find('\0') != std::string_view::npos) return problem("a string with a NUL");
  out = v.text();
}

void Decoder::boolean(Value v, bool& out) {
  if (!v.is(NodeType::boolean)) return problem("expected true or false; got " + describe(v));
  out = v.as_bool();
}

void Decoder::json(Value v, Document& out) { out = v.is_null() ? Document() : Document(v); }

bool Decoder::unsigned_integer(Value v, std::uint64_t& out, std::uint64_t min, std::uint64_t max) {
  bool fits = false;
  if (v.is(NodeType::integer) && v.as_int() >= 0) {
    out = static_cast<std::uint64_t>(v.as_int());
    fits = true;
  } else if (v.is(NodeType::uinteger)) {
    out = v.as_uint();
    fits = true;
  } else if (v.is(NodeType::number) && v.as_double() >= 0 && v.as_double() < 9007199254740992.0 &&
             std::trunc(v.as_double()) == v.as_double()) {
    out = static_cast<std::uint64_t>(v.as_double());
    fits = true;
  }
  if (fits && out >= min && out <= max) return true;
  problem("expected an integer from " + std::to_string(min) + " to " + std::to_string(max) + "; got " + describe(v));
  return false;
}

bool Decoder::signed_integer(Value v, std::int64_t& out, std::int64_t min, std::int64_t max) {
  bool fits = false;
  if (v.is(NodeType::integer)) {
    out = v.as_int();
    fits = true;
  } else if (v.is(NodeType::number) && std::abs(v.as_double()) < 9007199254740992.0 &&
             std::trunc(v.as_double()) == v.as_double()) {
    out = static_cast<std::int64_t>(v.as_double());
    fits = true;
  }
  if (fits && out >= min && out <= max) return true;
  problem("expected an integer from " + std::to_string(min) + " to " + std::to_string(max) + "; got " + describe(v));
  return false;
}

std::optional<std::size_t> Decoder::choice(Value v, std::span<const std::string_view> names) {
  if (v.is_string()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == v.text()) return i;
    }
  }
  std::string text = "expected one of ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += ", ";
    text += names[i];
  }
  problem(text + "; got " + describe(v));
  return std::nullopt;
}

void Decoder::problem(std::string text) {
  if (problems_.size() > max_problems) return;
  if (problems_.size() == max_problems) {
    problems_.emplace_back("and more");
    return;
  }
  problems_.push_back((path_.empty() ? std::string("the document") : path_) + ": " + text);
}

Result<void> Decoder::finish() const {
  if (problems_.empty()) return {};
  std::string message;
  for (const auto& text : problems_) {
    if (!message.empty()) message += '\n';
    message += text;
  }
  return invalid_argument(std::move(message));
}

bool same(const Document& a, const Document& b) {
  if (a.empty() || b.empty()) return a.empty() == b.empty();
  return equal(a.root(), b.root());
}

}  // namespace spikard::services::detail
