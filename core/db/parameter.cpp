#include "db/parameter.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "db/instant.hpp"

namespace spikard::db {
namespace {

Error wrong(std::string_view detail, std::string message) {
  return Error(ErrorKind::invalid_argument, std::move(message)).with_detail(std::string(detail));
}

Parameter of(Parameter::Kind kind, std::string text) {
  Parameter out;
  out.kind = kind;
  out.text = std::move(text);
  return out;
}

Parameter of(Parameter::Kind kind, std::int64_t value) {
  Parameter out;
  out.kind = kind;
  out.integer = value;
  return out;
}

/// [+-]digits[.digits][e[+-]digits], with digits on at least one side of the point.
bool is_decimal(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - start;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  std::size_t count = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    count += digits();
  }
  if (count == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

Result<Parameter> integer_from(std::string_view text) {
  std::int64_t value = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  const auto [stop, code] = std::from_chars(begin, end, value);
  if (code == std::errc::result_out_of_range && stop == end) return wrong("out_of_range", "an integer beyond 64 bits");
  if (code != std::errc() || stop != end) return wrong("invalid_parameter", "$int64: expected an integer");
  return of(Parameter::Kind::integer, value);
}

Result<Parameter> tagged(std::string_view tag, Value value) {
  if (tag == "$json") return of(Parameter::Kind::json, json::to_string(value));
  if (tag == "$int64" && value.is(NodeType::integer)) return of(Parameter::Kind::integer, value.as_int());
  if (tag == "$decimal" && value.node().is_number()) return of(Parameter::Kind::decimal, json::to_string(value));
  if (tag == "$bytes" && value.is(NodeType::bytes)) return of(Parameter::Kind::bytes, std::string(value.text()));
  if (!value.is_string()) return wrong("invalid_parameter", std::string(tag) + ": expected text");
  const std::string_view text = value.text();
  if (tag == "$int64") return integer_from(text);
  if (tag == "$decimal") {
    if (!is_decimal(text)) return wrong("invalid_parameter", "$decimal: expected a decimal number");
    return of(Parameter::Kind::decimal, std::string(text));
  }
  if (tag == "$timestamp") {
    const std::optional<Microseconds> at = parse_rfc3339(text);
    if (!at.has_value()) return wrong("invalid_parameter", "$timestamp: expected an instant as in RFC 3339, with an offset");
    return of(Parameter::Kind::timestamp, *at);
  }
  if (tag == "$bytes") {
    std::optional<std::string> bytes = base64::decode(text);
    if (!bytes.has_value()) return wrong("invalid_parameter", "$bytes: expected base64");
    return of(Parameter::Kind::bytes, std::move(*bytes));
  }
  if (tag == "$text") return of(Parameter::Kind::text, std::string(text));
  double real = 0;  // $float
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), real);
  if (code != std::errc() || stop != text.data() + text.size() || !std::isfinite(real))
    return wrong("invalid_parameter", "a number that JSON cannot write");
  Parameter out;
  out.kind = Parameter::Kind::real;
  out.real = real;
  return out;
}

bool is_tag(std::string_view key) noexcept {
  return key == "$int64" || key == "$decimal" || key == "$timestamp" || key == "$bytes" || key == "$float" || key == "$json" ||
         key == "$text";
}

Error at_place(Error error, std::string place) { return std::move(error).with("parameter", std::move(place)); }

/// The keyword may be run by `execute` and `query`.
Result<void> check_keyword(std::string_view keyword) {
  static constexpr std::string_view transaction[] = {"BEGIN",    "START",     "COMMIT",  "END",
                                                     "ROLLBACK", "SAVEPOINT", "RELEASE", "ABORT"};
  static constexpr std::string_view never[] = {"ATTACH", "DETACH"};
  if (std::find(std::begin(transaction), std::end(transaction), keyword) != std::end(transaction))
    return wrong("", std::string(keyword) + ": use the client's transactions");
  if (std::find(std::begin(never), std::end(never), keyword) != std::end(never))
    return Error(ErrorKind::unsupported, std::string(keyword) + " changes one connection of many");
  return {};
}

Error count_error(std::size_t placeholders, std::size_t given) {
  return wrong("parameter_count", "the statement has " + std::to_string(placeholders) + " placeholders, and there are " +
                                      std::to_string(given) + " parameters");
}

bool no_params(Value params) noexcept {
  return !params.exists() || params.is_null() || ((params.is_array() || params.is_object()) && params.size() == 0);
}

/// The parameters in the order of `text`'s placeholders.
Result<std::vector<Parameter>> values_for(const store::BoundText& text, Value params) {
  std::vector<Parameter> values;
  values.reserve(text.count);
  if (params.is_object()) {
    if (params.size() != text.count) return count_error(text.count, params.size());
    for (const std::string& name : text.names) {
      const Value value = params.find(name);
      if (!value.exists()) return wrong("parameter_count", "there is no parameter :" + name);
      Result<Parameter> parameter = parameter_from(value);
      if (!parameter.ok()) return at_place(std::move(parameter).error(), ":" + name);
      values.push_back(std::move(*parameter));
    }
  } else {
    if (params.size() != text.count) return count_error(text.count, params.size());
    for (const Value value : params.elements()) {
      Result<Parameter> parameter = parameter_from(value);
      if (!parameter.ok()) return at_place(std::move(parameter).error(), std::to_string(values.size() + 1));
      values.push_back(std::move(*parameter));
    }
  }
  if (text.order.empty()) return values;
  std::vector<Parameter> ordered;
  ordered.reserve(text.order.size());
  for (std::uint32_t index : text.order) ordered.push_back(values[index]);
  return ordered;
}

Result<void> check_shape(Value params) {
  if (params.is_array() || params.is_object()) return {};
  return wrong("invalid_parameter", "params: expected a list or an object");
}

}  // namespace

Result<Parameter> parameter_from(Value value) {
  switch (value.type()) {
    case NodeType::null: return Parameter();
    case NodeType::boolean: return of(Parameter::Kind::boolean, value.as_bool() ? 1 : 0);
    case NodeType::integer: return of(Parameter::Kind::integer, value.as_int());
    case NodeType::uinteger: return wrong("out_of_range", "an integer beyond 64 bits");
    case NodeType::number: {
      if (!std::isfinite(value.node().f)) return wrong("invalid_parameter", "a number that JSON cannot write");
      Parameter out;
      out.kind = Parameter::Kind::real;
      out.real = value.node().f;
      return out;
    }
    case NodeType::string:
      // PostgreSQL has no such text, SQLite's functions end at it: refused everywhere.
      if (value.text().find('\0') != std::string_view::npos) return wrong("invalid_parameter", "text with a NUL: use bytes");
      return of(Parameter::Kind::text, std::string(value.text()));
    case NodeType::bytes: return of(Parameter::Kind::bytes, std::string(value.text()));
    case NodeType::numtext: {
      const std::string_view text = value.text();
      if (text.find_first_of(".eE") == std::string_view::npos) return wrong("out_of_range", "an integer beyond 64 bits");
      if (!is_decimal(text)) return wrong("invalid_parameter", "expected a decimal number");
      return of(Parameter::Kind::decimal, std::string(text));
    }
    case NodeType::array: return of(Parameter::Kind::json, json::to_string(value));
    case NodeType::object: {
      if (value.size() == 1) {
        const auto member = *value.members().begin();
        if (is_tag(member.key)) return tagged(member.key, member.value);
      }
      return of(Parameter::Kind::json, json::to_string(value));
    }
  }
  return wrong("invalid_parameter", "a value of no known type");
}

Result<Statement> make_statement(std::string_view sql, Value params, store::Dialect dialect) {
  Statement statement;
  statement.keyword = store::first_keyword(sql, dialect);
  SPIKARD_TRY(check_keyword(statement.keyword));
  if (no_params(params)) {
    if (sql.find('\0') != std::string_view::npos) return wrong("syntax_error", "a statement has no NUL");
    statement.sql = sql;  // as it stands
    return statement;
  }
  SPIKARD_TRY(check_shape(params));
  Result<store::BoundText> text =
      store::bind_placeholders(sql, dialect, params.is_object() ? store::ParameterShape::object : store::ParameterShape::list);
  if (!text.ok()) return std::move(text).error();
  Result<std::vector<Parameter>> values = values_for(*text, params);
  if (!values.ok()) return std::move(values).error();
  statement.sql = std::move(text->sql);
  statement.parameters = std::move(*values);
  return statement;
}

Result<Batch> make_batch(std::string_view sql, Value sets, store::Dialect dialect) {
  if (!sets.is_array()) return wrong("invalid_parameter", "params: expected a list of lists or of objects");
  Batch batch;
  batch.keyword = store::first_keyword(sql, dialect);
  SPIKARD_TRY(check_keyword(batch.keyword));
  std::optional<bool> objects;
  store::BoundText text;
  for (const Value set : sets.elements()) {
    SPIKARD_TRY(check_shape(set));
    if (!objects.has_value()) {
      objects = set.is_object();
      Result<store::BoundText> bound =
          store::bind_placeholders(sql, dialect, *objects ? store::ParameterShape::object : store::ParameterShape::list);
      if (!bound.ok()) return std::move(bound).error();
      text = std::move(*bound);
      batch.sql = text.sql;
    } else if (*objects != set.is_object()) {
      return wrong("invalid_parameter", "params: expected lists or objects, not both");
    }
    Result<std::vector<Parameter>> values = values_for(text, set);
    if (!values.ok()) return std::move(values).error().with("set", std::to_string(batch.sets.size()));
    batch.sets.push_back(std::move(*values));
  }
  return batch;
}

}  // namespace spikard::db
