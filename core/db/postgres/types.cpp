#include "db/postgres/types.hpp"

#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/json_out.hpp"
#include "db/instant.hpp"
#include "db/text.hpp"
#include "store/postgres/types.hpp"

namespace spikard::db::postgres {
namespace {

namespace oid = store::postgres::oid;
namespace wire = store::postgres::wire;
using store::postgres::Argument;
using store::postgres::element_of;

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t epoch_2000_s = 946'684'800;

/// A day counted from 1970, in the proleptic calendar; years beyond four digits with their sign, as ISO 8601 has them.
void put_date(Text& out, std::int64_t days) noexcept {
  // Howard Hinnant's civil_from_days: std::chrono's years end at 32767.
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<std::uint64_t>(days - era * 146097);
  const std::uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted = (5 * day_of_year + 2) / 153;
  const std::uint64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const std::uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  if (year >= 0 && year <= 9999) {
    out.digits(static_cast<std::uint64_t>(year), 4);
  } else {
    out.put(year < 0 ? '-' : '+');
    out.digits(static_cast<std::uint64_t>(year < 0 ? -year : year), 6);
  }
  out.put('-');
  out.digits(month, 2);
  out.put('-');
  out.digits(day, 2);
}

void put_time(Text& out, std::int64_t micro) noexcept {
  const std::int64_t seconds = micro / 1'000'000;
  out.digits(static_cast<std::uint64_t>(seconds / 3600), 2);
  out.put(':');
  out.digits(static_cast<std::uint64_t>(seconds / 60 % 60), 2);
  out.put(':');
  out.digits(static_cast<std::uint64_t>(seconds % 60), 2);
  out.fraction(micro % 1'000'000);
}

/// RFC 3339 where it fits its years; what is beyond as ISO 8601; infinity as PostgreSQL says it.
void put_timestamp(Text& out, std::int64_t since_2000) noexcept {
  if (since_2000 == std::numeric_limits<std::int64_t>::max()) return out.put("infinity");
  if (since_2000 == std::numeric_limits<std::int64_t>::min()) return out.put("-infinity");
  std::int64_t days = since_2000 / day_us;
  std::int64_t micro = since_2000 % day_us;
  if (micro < 0) {
    micro += day_us;
    --days;
  }
  put_date(out, days + epoch_2000_s / 86400);
  out.put('T');
  put_time(out, micro);
  out.put('Z');
}

/// `P1Y2M3DT4H5M6.5S`; each part has its own sign, as PostgreSQL keeps months, days and time apart.
void put_interval(Text& out, std::int64_t micro, std::int32_t days, std::int32_t months) noexcept {
  out.put('P');
  const auto part = [&](std::int64_t value, char unit) {
    if (value == 0) return;
    out.number(value);
    out.put(unit);
  };
  part(months / 12, 'Y');
  part(months % 12, 'M');
  part(days, 'D');
  if (micro != 0) {
    out.put('T');
    part(micro / 3'600'000'000, 'H');
    part(micro / 60'000'000 % 60, 'M');
    const std::int64_t rest = micro % 60'000'000;
    if (rest != 0) {
      if (rest < 0) out.put('-');
      const std::int64_t absolute = rest < 0 ? -rest : rest;
      out.number(absolute / 1'000'000);
      out.fraction(absolute % 1'000'000);
      out.put('S');
    }
  } else if (days == 0 && months == 0) {
    out.put("T0S");
  }
}

void put_uuid(Text& out, std::string_view bytes) noexcept {
  static constexpr char hex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.put('-');
    out.put(hex[static_cast<unsigned char>(bytes[i]) >> 4U]);
    out.put(hex[static_cast<unsigned char>(bytes[i]) & 15U]);
  }
}

/// NUMERIC on the wire: digits of base 10000 from `weight` downwards, shown with `scale` decimals. False: NaN or infinity, whose
/// name is then in `out`.
bool put_numeric(std::string& out, std::string_view bytes) {
  wire::Body body(bytes);
  const std::uint16_t count = body.u16();
  const auto weight = static_cast<std::int16_t>(body.u16());
  const std::uint16_t sign = body.u16();
  const std::uint16_t scale = body.u16();
  if (!body.ok()) return false;
  switch (sign) {
    case 0xC000: out = "NaN"; return false;
    case 0xD000: out = "Infinity"; return false;
    case 0xF000: out = "-Infinity"; return false;
    case 0x4000: out.push_back('-'); break;
    default: break;
  }
  const std::string_view groups = body.rest();
  const auto group = [&](int index) -> unsigned {
    const auto at = static_cast<std::size_t>(index) * 2;
    return index >= 0 && index < count && at + 2 <= groups.size() ? wire::get16(groups.data() + at) : 0;
  };
  const auto four = [&](unsigned value) {
    out.push_back(static_cast<char>('0' + value / 1000 % 10));
    out.push_back(static_cast<char>('0' + value / 100 % 10));
    out.push_back(static_cast<char>('0' + value / 10 % 10));
    out.push_back(static_cast<char>('0' + value % 10));
  };
  if (weight < 0) {
    out.push_back('0');
  } else {
    out += std::to_string(group(0));
    for (int i = 1; i <= weight; ++i) four(group(i));
  }
  if (scale > 0) {
    out.push_back('.');
    const std::size_t end = out.size() + scale;
    for (int i = weight + 1; out.size() < end; ++i) four(group(i));
    out.resize(end);
  }
  return true;
}

bool write_value(std::string_view value, std::uint32_t type, RowWriter& rows);

/// One value as JSON text, for the elements of arrays.
bool put_json(JsonOut& out, std::string_view value, std::uint32_t type);

bool put_array(JsonOut& out, std::string_view bytes, std::uint32_t element) {
  wire::Body body(bytes);
  const std::uint32_t dimensions = body.u32();
  (void)body.u32();  // whether there are nulls
  (void)body.u32();  // the elements' type, known
  if (!body.ok() || dimensions > 6) return false;
  if (dimensions == 0) {
    out.raw("[]");
    return true;
  }
  std::uint32_t sizes[6] = {};
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    sizes[i] = body.u32();
    (void)body.u32();  // its lower bound
    // Each element has at least its length on the wire, which bounds the loops.
    elements *= sizes[i];
    if (elements > bytes.size() / 4) return false;
  }
  if (!body.ok()) return false;
  if (elements == 0) {  // one dimension of none: an empty oidvector
    out.raw("[]");
    return true;
  }
  // Depth first.
  const auto level = [&](auto&& self, std::uint32_t depth) -> bool {
    out.put('[');
    for (std::uint32_t i = 0; i < sizes[depth]; ++i) {
      if (i > 0) out.put(',');
      if (depth + 1 < dimensions) {
        if (!self(self, depth + 1)) return false;
        continue;
      }
      const auto length = static_cast<std::int32_t>(body.u32());
      if (!body.ok()) return false;
      if (length < 0) {
        out.null();
        continue;
      }
      const std::string_view one = body.bytes(static_cast<std::size_t>(length));
      if (!body.ok() || !put_json(out, one, element)) return false;
    }
    out.put(']');
    return true;
  };
  return level(level, 0);
}

bool put_json(JsonOut& out, std::string_view value, std::uint32_t type) {
  struct Writer final : RowWriter {
    explicit Writer(JsonOut& of) noexcept : to(of) {}
    void begin(std::span<const Column>) override {}
    void begin_row() override {}
    void end_row() override {}
    void null() override { to.null(); }
    void boolean(bool v) override { to.boolean(v); }
    void integer(std::int64_t v) override { to.integer(v); }
    void real(double v) override { to.number(v); }
    // What reads JSON again makes doubles of numbers; with quotes its digits stay.
    void decimal(std::string_view v) override { to.string(v); }
    void text(std::string_view v) override { to.string(v); }
    void bytes(std::string_view v) override { to.string(base64::encode(v)); }
    void timestamp(std::string_view v) override { to.string(v); }
    void json(std::string_view v) override { to.raw(v); }
    [[nodiscard]] std::size_t size() const noexcept override { return to.size(); }
    JsonOut& to;
  };
  Writer writer(out);
  return write_value(value, type, writer);
}

void write_real(double value, RowWriter& rows) {
  if (std::isfinite(value)) return rows.real(value);
  rows.text(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

bool write_value(std::string_view value, std::uint32_t type, RowWriter& rows) {
  const auto has = [&](std::size_t size) { return value.size() == size; };
  Text text;
  switch (type) {
    case oid::text:
    case oid::varchar:
    case oid::bpchar:
    case oid::name:
    case oid::character:
    case oid::xml: rows.text(value); return true;
    case oid::int4:
      if (!has(4)) return false;
      rows.integer(static_cast<std::int32_t>(wire::get32(value.data())));
      return true;
    case oid::int8:
      if (!has(8)) return false;
      rows.integer(static_cast<std::int64_t>(wire::get64(value.data())));
      return true;
    case oid::int2:
      if (!has(2)) return false;
      rows.integer(static_cast<std::int16_t>(wire::get16(value.data())));
      return true;
    case oid::object:
      if (!has(4)) return false;
      rows.integer(wire::get32(value.data()));
      return true;
    case oid::boolean:
      if (!has(1)) return false;
      rows.boolean(value[0] != 0);
      return true;
    case oid::float8:
      if (!has(8)) return false;
      write_real(std::bit_cast<double>(wire::get64(value.data())), rows);
      return true;
    case oid::float4: {
      if (!has(4)) return false;
      const auto narrow = std::bit_cast<float>(wire::get32(value.data()));
      if (!std::isfinite(narrow)) {
        write_real(narrow, rows);
        return true;
      }
      rows.real(widened(narrow));
      return true;
    }
    case oid::numeric: {
      std::string digits;
      if (put_numeric(digits, value)) rows.decimal(digits);
      else if (digits.empty()) return false;
      else rows.text(digits);
      return true;
    }
    case oid::bytea: rows.bytes(value); return true;
    case oid::timestamptz:
    case oid::timestamp:
      if (!has(8)) return false;
      put_timestamp(text, static_cast<std::int64_t>(wire::get64(value.data())));
      rows.timestamp(text.view());
      return true;
    case oid::date: {
      if (!has(4)) return false;
      const auto days = static_cast<std::int32_t>(wire::get32(value.data()));
      if (days == std::numeric_limits<std::int32_t>::max()) text.put("infinity");
      else if (days == std::numeric_limits<std::int32_t>::min()) text.put("-infinity");
      else put_date(text, std::int64_t{days} + epoch_2000_s / 86400);
      rows.text(text.view());
      return true;
    }
    case oid::time:
      if (!has(8)) return false;
      put_time(text, static_cast<std::int64_t>(wire::get64(value.data())));
      rows.text(text.view());
      return true;
    case oid::timetz: {
      if (!has(12)) return false;
      put_time(text, static_cast<std::int64_t>(wire::get64(value.data())));
      auto west = static_cast<std::int32_t>(wire::get32(value.data() + 8));
      text.put(west > 0 ? '-' : '+');
      west = west < 0 ? -west : west;
      text.digits(static_cast<std::uint64_t>(west / 3600), 2);
      text.put(':');
      text.digits(static_cast<std::uint64_t>(west / 60 % 60), 2);
      rows.text(text.view());
      return true;
    }
    case oid::interval:
      if (!has(16)) return false;
      put_interval(text, static_cast<std::int64_t>(wire::get64(value.data())),
                   static_cast<std::int32_t>(wire::get32(value.data() + 8)),
                   static_cast<std::int32_t>(wire::get32(value.data() + 12)));
      rows.text(text.view());
      return true;
    case oid::uuid:
      if (!has(16)) return false;
      put_uuid(text, value);
      rows.text(text.view());
      return true;
    case oid::json: rows.json(value); return true;
    case oid::jsonb:
      if (value.empty() || value[0] != 1) return false;
      rows.json(value.substr(1));
      return true;
    default: break;
  }
  if (const std::uint32_t element = element_of(type); element != 0) {
    JsonOut out;
    if (!put_array(out, value, element)) return false;
    rows.json(out.view());
    return true;
  }
  rows.text(value);  // what came as text
  return true;
}

// -- parameters

Error wrong(std::string message) {
  return Error(ErrorKind::invalid_argument, std::move(message)).with_detail("invalid_parameter");
}

/// A JSON list as the text of an array: `{1,NULL,"a\"b"}`.
void put_array_text(std::string& out, Value value) {
  out.push_back('{');
  bool first = true;
  for (const Value one : value.elements()) {
    if (!std::exchange(first, false)) out.push_back(',');
    switch (one.type()) {
      case NodeType::null: out += "NULL"; break;
      case NodeType::array: put_array_text(out, one); break;
      case NodeType::boolean: out += one.as_bool() ? "t" : "f"; break;
      case NodeType::string:
      case NodeType::object: {
        const std::string text = one.is_string() ? std::string(one.text()) : json::to_string(one);
        out.push_back('"');
        for (const char c : text) {
          if (c == '"' || c == '\\') out.push_back('\\');
          out.push_back(c);
        }
        out.push_back('"');
        break;
      }
      default: out += json::to_string(one); break;
    }
  }
  out.push_back('}');
}

Argument text_of(std::string text) { return {Argument::Format::text, std::move(text)}; }

Result<Argument> argument_of(const Parameter& parameter, std::uint32_t type) {
  switch (parameter.kind) {
    case Parameter::Kind::null: return Argument();
    case Parameter::Kind::boolean:
      // Numbers have no `true`; SQLite takes 1 and 0 for both.
      if (type == oid::int2 || type == oid::int4 || type == oid::int8 || type == oid::numeric)
        return text_of(parameter.integer != 0 ? "1" : "0");
      return text_of(parameter.integer != 0 ? "true" : "false");
    case Parameter::Kind::integer: return text_of(std::to_string(parameter.integer));
    case Parameter::Kind::real: {
      char digits[40];
      const auto end = std::to_chars(digits, digits + sizeof digits, parameter.real).ptr;
      return text_of(std::string(digits, end));
    }
    case Parameter::Kind::text: return text_of(parameter.text);
    case Parameter::Kind::decimal: return text_of(parameter.text);
    case Parameter::Kind::bytes: {
      const bool as_they_are = type == oid::bytea || type == oid::text || type == oid::varchar || type == oid::json ||
                               type == oid::unknown || type == 0 || (type == oid::uuid && parameter.text.size() == 16);
      if (as_they_are) return Argument(Argument::Format::binary, parameter.text);
      return wrong("bytes for a column that holds none");
    }
    case Parameter::Kind::timestamp:
      return text_of(type == oid::date ? to_sql_timestamp(parameter.integer).substr(0, 10)
                                       : to_sql_timestamp(parameter.integer) + "+00");
    case Parameter::Kind::json: {
      if (element_of(type) == 0) return text_of(parameter.text);
      const Result<Document> list = json::parse(parameter.text);
      if (!list.ok() || !list->root().is_array()) return wrong("expected a list");
      std::string text;
      put_array_text(text, list->root());
      return text_of(std::move(text));
    }
  }
  return Argument();
}

}  // namespace

ColumnType column_type(std::uint32_t type) noexcept {
  switch (type) {
    case oid::int2:
    case oid::int4:
    case oid::int8:
    case oid::object: return ColumnType::integer;
    case oid::float4:
    case oid::float8: return ColumnType::real;
    case oid::numeric: return ColumnType::decimal;
    case oid::bytea: return ColumnType::bytes;
    case oid::boolean: return ColumnType::boolean;
    case oid::timestamp:
    case oid::timestamptz: return ColumnType::timestamp;
    case oid::date: return ColumnType::date;
    case oid::time:
    case oid::timetz: return ColumnType::time;
    case oid::uuid: return ColumnType::uuid;
    case oid::json:
    case oid::jsonb: return ColumnType::json;
    default: return element_of(type) != 0 ? ColumnType::json : ColumnType::text;
  }
}

std::vector<Column> columns_of(const store::postgres::Prepared& prepared) {
  std::vector<Column> out;
  out.reserve(prepared.fields.size());
  for (const wire::Field& field : prepared.fields) out.push_back({field.name, column_type(field.type)});
  return out;
}

bool write_row(std::string_view body, std::span<const wire::Field> fields, RowWriter& rows) {
  wire::Row row(body);
  if (row.count() != fields.size()) return false;
  rows.begin_row();
  for (const wire::Field& field : fields) {
    std::string_view value;
    bool null = false;
    if (!row.next(value, null)) return false;
    if (null) rows.null();
    else if (!write_value(value, field.type, rows)) return false;
  }
  rows.end_row();
  return true;
}

Result<std::vector<Argument>> arguments_of(std::span<const Parameter> parameters, std::span<const std::uint32_t> types) {
  if (parameters.size() != types.size()) {
    return Error(ErrorKind::invalid_argument, "the statement has " + std::to_string(types.size()) +
                                                  " placeholders, and there are " + std::to_string(parameters.size()) +
                                                  " parameters")
        .with_detail("parameter_count");
  }
  std::vector<Argument> out;
  out.reserve(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Result<Argument> one = argument_of(parameters[i], types[i]);
    if (!one.ok()) return std::move(one).error().with("parameter", std::to_string(i + 1));
    out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace spikard::db::postgres
