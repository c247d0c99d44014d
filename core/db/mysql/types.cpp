#include "db/mysql/types.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/json.hpp"
#include "db/instant.hpp"
#include "db/text.hpp"

namespace spikard::db::mysql {
namespace {

namespace wire = store::mysql::wire;
namespace type = store::mysql::wire::type;
using store::mysql::Argument;

bool is_unsigned(const wire::Field& field) noexcept { return (field.flags & wire::flag::is_unsigned) != 0; }
bool is_boolean(const wire::Field& field) noexcept {
  return field.length == 1 && (field.type == type::bit || (field.type == type::tiny && !is_unsigned(field)));
}

void write_unsigned(std::uint64_t value, RowWriter& rows) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return rows.integer(static_cast<std::int64_t>(value));
  rows.decimal(std::to_string(value));  // exact all the same
}

bool write_integer(std::string_view value, const wire::Field& field, RowWriter& rows) {
  const std::uint64_t raw = wire::get_le(value.data(), value.size());
  if (is_boolean(field) && raw <= 1) {
    rows.boolean(raw == 1);
    return true;
  }
  if (is_unsigned(field)) {
    write_unsigned(raw, rows);
    return true;
  }
  const unsigned above = 64U - 8U * static_cast<unsigned>(value.size());
  rows.integer(static_cast<std::int64_t>(raw << above) >> above);
  return true;
}

/// BIT(n): its bits as a number, the highest byte first.
bool write_bits(std::string_view value, const wire::Field& field, RowWriter& rows) {
  if (value.empty() || value.size() > 8) return false;
  std::uint64_t raw = 0;
  for (const char c : value) raw = raw << 8U | static_cast<unsigned char>(c);
  if (is_boolean(field)) rows.boolean(raw != 0);
  else write_unsigned(raw, rows);
  return true;
}

/// As JSON writes numbers: without the zeros before it that ZEROFILL shows.
bool write_decimal(std::string_view value, RowWriter& rows) {
  const bool negative = value.starts_with('-');
  std::string_view digits = negative ? value.substr(1) : value;
  while (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789.") != std::string_view::npos || digits[0] == '.' ||
      digits.back() == '.' || digits.find('.') != digits.rfind('.'))
    return false;
  if (!negative) rows.decimal(digits);
  else rows.decimal("-" + std::string(digits));
  return true;
}

void put_date(Text& out, wire::Body& in) {
  out.digits(in.u16(), 4);
  out.put('-');
  out.digits(in.u8(), 2);
  out.put('-');
  out.digits(in.u8(), 2);
}

void put_clock(Text& out, std::uint64_t hours, wire::Body& in, bool micro) {
  if (hours < 100) out.digits(hours, 2);
  else out.number(static_cast<std::int64_t>(hours));
  out.put(':');
  out.digits(in.u8(), 2);
  out.put(':');
  out.digits(in.u8(), 2);
  if (micro) out.fraction(in.u32() % 1'000'000);
}

/// What is missing at its end is nought.
bool write_date(std::string_view value, const wire::Field& field, RowWriter& rows) {
  const std::size_t size = value.size();
  if (size != 0 && size != 4 && size != 7 && size != 11) return false;
  std::string whole(value);
  whole.resize(11);
  wire::Body in(whole);
  Text text;
  put_date(text, in);
  if (field.type == type::date) {
    rows.text(text.view());
    return true;
  }
  text.put('T');
  const std::uint8_t hours = in.u8();
  put_clock(text, hours, in, true);
  text.put('Z');
  rows.timestamp(text.view());
  return true;
}

/// `[-]HHH:MM:SS[.ffffff]`: a span of up to 838 hours.
bool write_time(std::string_view value, RowWriter& rows) {
  const std::size_t size = value.size();
  if (size != 0 && size != 8 && size != 12) return false;
  std::string whole(value);
  whole.resize(12);
  wire::Body in(whole);
  Text text;
  if (in.u8() != 0) text.put('-');
  const std::uint64_t days = in.u32();
  if (days > 10'000) return false;
  const std::uint64_t hours = days * 24 + in.u8();
  put_clock(text, hours, in, true);
  rows.text(text.view());
  return true;
}

void write_json(std::string_view value, RowWriter& rows) {
  // MariaDB's is text, which a function may have cut off: what is none stays text.
  if (json::parse(value).ok()) rows.json(value);
  else rows.text(value);
}

bool write_value(std::string_view value, const wire::Field& field, RowWriter& rows) {
  switch (field.type) {
    case type::tiny:
    case type::shorter:
    case type::integer:
    case type::medium:
    case type::big:
    case type::year: return write_integer(value, field, rows);
    case type::bit: return write_bits(value, field, rows);
    case type::real4:
    case type::real8: {
      const double real = field.type == type::real8
                              ? std::bit_cast<double>(wire::get_le(value.data(), 8))
                              : widened(std::bit_cast<float>(static_cast<std::uint32_t>(wire::get_le(value.data(), 4))));
      if (!std::isfinite(real)) return false;
      rows.real(real);
      return true;
    }
    case type::decimal:
    case type::new_decimal: return write_decimal(value, rows);
    case type::date:
    case type::datetime:
    case type::timestamp: return write_date(value, field, rows);
    case type::time: return write_time(value, rows);
    default: break;
  }
  switch (column_type(field)) {
    case ColumnType::json: write_json(value, rows); break;
    case ColumnType::bytes: rows.bytes(value); break;
    default: rows.text(value); break;
  }
  return true;
}

/// `2024-03-10 10:30:00.123456` as the wire has it.
std::string datetime_of(Microseconds at) {
  const std::string text = to_sql_timestamp(at);
  const auto number = [&](std::size_t from, std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = from; i < from + count && i < text.size(); ++i)
      value = value * 10 + static_cast<unsigned>(text[i] - '0');
    return value;
  };
  std::string out;
  wire::Writer writer(out);
  writer.number(number(0, 4), 2);
  for (const std::size_t from : {5U, 8U, 11U, 14U, 17U}) writer.u8(number(from, 2));
  std::int64_t micro = at % 1'000'000;
  if (micro < 0) micro += 1'000'000;
  writer.number(static_cast<std::uint64_t>(micro), 4);
  return out;
}

Argument argument_of(const Parameter& parameter) {
  switch (parameter.kind) {
    case Parameter::Kind::null: return {};
    case Parameter::Kind::boolean: return {type::tiny, std::string(1, static_cast<char>(parameter.integer != 0 ? 1 : 0))};
    case Parameter::Kind::integer: return store::mysql::integer_argument(parameter.integer);
    case Parameter::Kind::real: return store::mysql::real_argument(parameter.real);
    case Parameter::Kind::text:
    case Parameter::Kind::json: return store::mysql::text_argument(parameter.text);
    case Parameter::Kind::decimal: return {type::new_decimal, parameter.text};
    case Parameter::Kind::bytes: return {type::long_blob, parameter.text};
    case Parameter::Kind::timestamp: return {type::datetime, datetime_of(parameter.integer)};
  }
  return {};
}

}  // namespace

ColumnType column_type(const wire::Field& field) noexcept {
  if (is_boolean(field)) return ColumnType::boolean;
  switch (field.type) {
    case type::tiny:
    case type::shorter:
    case type::integer:
    case type::medium:
    case type::big:
    case type::bit:
    case type::year: return ColumnType::integer;
    case type::real4:
    case type::real8: return ColumnType::real;
    case type::decimal:
    case type::new_decimal: return ColumnType::decimal;
    case type::date: return ColumnType::date;
    case type::datetime:
    case type::timestamp: return ColumnType::timestamp;
    case type::time: return ColumnType::time;
    case type::json: return ColumnType::json;
    case type::geometry: return ColumnType::bytes;
    case type::null: return ColumnType::any;
    default: break;
  }
  if (field.json) return ColumnType::json;
  if (field.uuid) return ColumnType::uuid;
  return field.charset == wire::binary_charset ? ColumnType::bytes : ColumnType::text;
}

std::vector<Column> columns_of(const store::mysql::Fields& fields) {
  std::vector<Column> out;
  out.reserve(fields.size());
  for (const wire::Field& field : fields) out.push_back({field.name, column_type(field)});
  return out;
}

bool write_row(std::string_view body, const store::mysql::Fields& fields, RowWriter& rows) {
  wire::Row row(body, fields.size());
  rows.begin_row();
  for (const wire::Field& field : fields) {
    std::string_view value;
    bool null = false;
    if (!row.next(field, value, null)) return false;
    if (null) rows.null();
    else if (!write_value(value, field, rows)) return false;
  }
  rows.end_row();
  return true;
}

Result<std::vector<Argument>> arguments_of(std::span<const Parameter> parameters, std::size_t placeholders) {
  if (parameters.size() != placeholders) {
    return Error(ErrorKind::invalid_argument, "the statement has " + std::to_string(placeholders) +
                                                  " placeholders, and there are " + std::to_string(parameters.size()) +
                                                  " parameters")
        .with_detail("parameter_count");
  }
  std::vector<Argument> out;
  out.reserve(parameters.size());
  for (const Parameter& one : parameters) out.push_back(argument_of(one));
  return out;
}

}  // namespace spikard::db::mysql
