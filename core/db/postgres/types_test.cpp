// Values of the wire as JSON; the server's own bytes are in tests/contract/postgres_faults_test.cpp.
#include "db/postgres/types.hpp"

#include <gtest/gtest.h>

#include "db/json_rows.hpp"
#include "store/postgres/types.hpp"

namespace spikard::db::postgres {
namespace {

namespace oid = store::postgres::oid;
namespace wire = store::postgres::wire;

std::string row_of(std::initializer_list<std::string_view> values) {
  std::string out;
  wire::Writer writer(out);
  writer.u16(static_cast<std::uint16_t>(values.size()));
  for (const std::string_view value : values) {
    writer.u32(static_cast<std::uint32_t>(value.size()));
    writer.bytes(value);
  }
  return out;
}

std::string json_of(std::uint32_t type, std::string_view value) {
  wire::Field field;
  field.name = "v";
  field.type = type;
  JsonRows rows;
  const std::vector<Column> columns{{"v", column_type(type)}};
  rows.begin(columns);
  const std::vector<wire::Field> fields{field};
  if (!write_row(row_of({value}), fields, rows)) return "broken";
  rows.finish();
  const std::string_view text = rows.view();
  return std::string(text.substr(6, text.size() - 8));
}

template <std::size_t N>
std::string_view raw(const char (&bytes)[N]) {
  return {bytes, N - 1};
}

TEST(PostgresTypes, Numbers) {
  EXPECT_EQ(json_of(oid::int2, raw("\xff\xff")), "-1");
  EXPECT_EQ(json_of(oid::int4, raw("\x80\0\0\0")), "-2147483648");
  EXPECT_EQ(json_of(oid::int8, raw("\x7f\xff\xff\xff\xff\xff\xff\xff")), "9223372036854775807");
  EXPECT_EQ(json_of(oid::object, raw("\xff\xff\xff\xff")), "4294967295");
  EXPECT_EQ(json_of(oid::float4, raw("\x3d\xcc\xcc\xcd")), "0.1") << "not 0.10000000149011612";
  EXPECT_EQ(json_of(oid::float8, raw("\x7f\xf8\0\0\0\0\0\0")), "\"NaN\"");
  EXPECT_EQ(json_of(oid::float8, raw("\xff\xf0\0\0\0\0\0\0")), "\"-Infinity\"");
  EXPECT_EQ(json_of(oid::float4, raw("\x7f\x80\0\0")), "\"Infinity\"");
  EXPECT_EQ(json_of(oid::int4, raw("\0\0")), "broken");
}

TEST(PostgresTypes, NumericKeepsItsDigits) {
  EXPECT_EQ(json_of(oid::numeric, raw("\0\0\0\0\0\0\0\0")), "0");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\0\0\0\0\0\0\2")), "0.00");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\2\0\0\0\0\0\2\0\1\3\xe8")), "1.10");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\1\xff\xff\x40\0\0\1\3\xe8")), "-0.1");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\1\xff\xfe\0\0\0\5\3\xe8")), "0.00001");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\1\0\2\0\0\0\0\0\5")), "500000000");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\0\0\0\xc0\0\0\0")), "\"NaN\"");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\0\0\0\xf0\0\0\0")), "\"-Infinity\"");
  EXPECT_EQ(json_of(oid::numeric, raw("\0\1")), "broken");
}

TEST(PostgresTypes, Times) {
  EXPECT_EQ(json_of(oid::timestamptz, raw("\0\0\0\0\0\0\0\0")), "\"2000-01-01T00:00:00Z\"");
  EXPECT_EQ(json_of(oid::timestamptz, raw("\xff\xff\xff\xff\xff\xff\xff\xff")), "\"1999-12-31T23:59:59.999999Z\"");
  EXPECT_EQ(json_of(oid::timestamp, raw("\x7f\xff\xff\xff\xff\xff\xff\xff")), "\"infinity\"");
  EXPECT_EQ(json_of(oid::timestamp, raw("\x80\0\0\0\0\0\0\0")), "\"-infinity\"");
  EXPECT_EQ(json_of(oid::date, raw("\0\0\0\x3b")), "\"2000-02-29\"");
  EXPECT_EQ(json_of(oid::date, raw("\x00\x2c\x95\xd4")), "\"+010000-01-01\"");
  EXPECT_EQ(json_of(oid::date, raw("\xff\xf4\xdb\xf9")), "\"0001-01-01\"");
  EXPECT_EQ(json_of(oid::time, raw("\0\0\0\x14\x1d\xd7\x5f\xff")), "\"23:59:59.999999\"");
  EXPECT_EQ(json_of(oid::timetz, raw("\0\0\0\0\0\0\0\0\xff\xff\xe3\xe0")), "\"00:00:00+02:00\"");
  EXPECT_EQ(json_of(oid::interval, raw("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")), "\"PT0S\"");
  EXPECT_EQ(json_of(oid::interval, raw("\0\0\0\0\xd6\x93\xa4\x00\0\0\0\3\0\0\0\x0e")), "\"P1Y2M3DT1H\"");
  EXPECT_EQ(json_of(oid::interval, raw("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0")), "\"P-1DT-0.000001S\"");
}

TEST(PostgresTypes, TheRest) {
  EXPECT_EQ(json_of(oid::boolean, raw("\1")), "true");
  EXPECT_EQ(json_of(oid::text, "a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(json_of(oid::bytea, raw("\0\xff")), "\"AP8=\"");
  EXPECT_EQ(json_of(oid::uuid, raw("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef")),
            "\"01234567-89ab-cdef-0123-456789abcdef\"");
  EXPECT_EQ(json_of(oid::jsonb, raw("\1{\"a\": 1}")), "{\"a\": 1}");
  EXPECT_EQ(json_of(oid::jsonb, raw("\2{}")), "broken");
  EXPECT_EQ(json_of(oid::json, "[1]"), "[1]");
  EXPECT_EQ(json_of(3904, "[1,5)"), "\"[1,5)\"") << "a range comes as text";
}

TEST(PostgresTypes, Arrays) {
  EXPECT_EQ(json_of(1007, raw("\0\0\0\0\0\0\0\0\0\0\0\x17")), "[]");
  EXPECT_EQ(json_of(1007, raw("\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\7\xff\xff\xff\xff")), "[7,null]");
  EXPECT_EQ(json_of(1009, raw("\0\0\0\2\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1a\0\0\0\1\"")),
            R"([["a"],["\""]])");
  EXPECT_EQ(json_of(1007, raw("\0\0\0\1\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\1")), "broken");
  EXPECT_EQ(json_of(1007, raw("\0\0\0\7\0\0\0\0\0\0\0\x17")), "broken");
  EXPECT_EQ(json_of(1007, raw("\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\0\0\0\0\0")), "[]");
  EXPECT_EQ(json_of(1007, raw("\0\0\0\2\0\0\0\0\0\0\0\x17\0\xcf\4\0\0\0\0\1\0\0\0\0\0\0\0\1")), "broken")
      << "millions of nothing";
}

Parameter parameter(Parameter::Kind kind, std::string text, std::int64_t integer = 0) {
  Parameter out;
  out.kind = kind;
  out.text = std::move(text);
  out.integer = integer;
  return out;
}

std::string argument(const Parameter& value, std::uint32_t type) {
  const std::vector<Parameter> parameters{value};
  const std::vector<std::uint32_t> types{type};
  const auto arguments = arguments_of(parameters, types);
  return arguments.ok() ? arguments->at(0).bytes : "refused";
}

TEST(PostgresTypes, ParametersGoAsTheServerReadsThem) {
  using Kind = Parameter::Kind;
  EXPECT_EQ(argument(parameter(Kind::boolean, "", 1), oid::boolean), "true");
  EXPECT_EQ(argument(parameter(Kind::boolean, "", 1), oid::int4), "1");
  EXPECT_EQ(argument(parameter(Kind::timestamp, "", 0), oid::timestamptz), "1970-01-01 00:00:00+00");
  EXPECT_EQ(argument(parameter(Kind::timestamp, "", 0), oid::date), "1970-01-01");
  EXPECT_EQ(argument(parameter(Kind::json, R"([1,null,"a\"\\",[true],{"b":1}])"), 1009), R"({1,NULL,"a\"\\",{t},"{\"b\":1}"})");
  EXPECT_EQ(argument(parameter(Kind::json, "[1]"), oid::jsonb), "[1]");
  EXPECT_EQ(argument(parameter(Kind::json, "{}"), 1007), "refused");
  EXPECT_EQ(argument(parameter(Kind::bytes, "ab"), oid::bytea), "ab");
  EXPECT_EQ(argument(parameter(Kind::bytes, "ab"), oid::int4), "refused");
  EXPECT_FALSE(arguments_of({}, std::vector<std::uint32_t>{oid::int4}).ok());
}

}  // namespace
}  // namespace spikard::db::postgres
