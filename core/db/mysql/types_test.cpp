// Values of the wire as JSON; the server's own bytes are in tests/contract/mysql_faults_test.cpp.
#include "db/mysql/types.hpp"

#include <gtest/gtest.h>

#include "db/json_rows.hpp"

namespace spikard::db::mysql {
namespace {

namespace wire = store::mysql::wire;
namespace type = wire::type;

template <std::size_t N>
std::string_view raw(const char (&bytes)[N]) {
  return {bytes, N - 1};
}

wire::Field field_of(std::uint8_t of_type, std::uint32_t length = 20, std::uint16_t flags = 0, std::uint16_t charset = 63) {
  wire::Field out;
  out.name = "v";
  out.type = of_type;
  out.length = length;
  out.flags = flags;
  out.charset = charset;
  return out;
}

/// `value` as it stands behind the bitmap of nulls.
std::string json_of(const wire::Field& field, std::string_view value) {
  const store::mysql::Fields fields{field};
  JsonRows rows;
  const std::vector<Column> columns = columns_of(fields);
  rows.begin(columns);
  if (!write_row(std::string(2, '\0') + std::string(value), fields, rows)) return "broken";
  rows.finish();
  const std::string_view text = rows.view();
  return std::string(text.substr(6, text.size() - 8));
}
std::string json_of(std::uint8_t of_type, std::string_view value) { return json_of(field_of(of_type), value); }

TEST(MysqlTypes, Integers) {
  EXPECT_EQ(json_of(type::tiny, raw("\xff")), "-1");
  EXPECT_EQ(json_of(field_of(type::tiny, 3, wire::flag::is_unsigned), raw("\xff")), "255");
  EXPECT_EQ(json_of(type::shorter, raw("\0\x80")), "-32768");
  EXPECT_EQ(json_of(type::medium, raw("\xff\xff\xff\xff")), "-1");
  EXPECT_EQ(json_of(type::integer, raw("\0\0\0\x80")), "-2147483648");
  EXPECT_EQ(json_of(type::big, raw("\xff\xff\xff\xff\xff\xff\xff\x7f")), "9223372036854775807");
  EXPECT_EQ(json_of(field_of(type::big, 20, wire::flag::is_unsigned), raw("\xff\xff\xff\xff\xff\xff\xff\xff")),
            "18446744073709551615")
      << "beyond 64 signed bits it keeps its digits";
  EXPECT_EQ(json_of(type::year, raw("\xe8\x07")), "2024");
  EXPECT_EQ(json_of(type::integer, raw("\0\0")), "broken");
}

TEST(MysqlTypes, BooleansAndBits) {
  const wire::Field boolean = field_of(type::tiny, 1);
  EXPECT_EQ(column_type(boolean), ColumnType::boolean);
  EXPECT_EQ(json_of(boolean, raw("\1")), "true");
  EXPECT_EQ(json_of(boolean, raw("\0")), "false");
  EXPECT_EQ(json_of(boolean, raw("\7")), "7") << "what is no boolean loses nothing";
  EXPECT_EQ(json_of(field_of(type::bit, 1, wire::flag::is_unsigned), raw("\1\1")), "true");
  EXPECT_EQ(json_of(field_of(type::bit, 12, wire::flag::is_unsigned), raw("\2\x0f\xff")), "4095");
  EXPECT_EQ(json_of(field_of(type::bit, 64, wire::flag::is_unsigned), raw("\x09zzzzzzzzz")), "broken");
}

TEST(MysqlTypes, NumbersKeepTheirDigits) {
  EXPECT_EQ(json_of(type::real4, raw("\xcd\xcc\xcc\x3d")), "0.1") << "not 0.10000000149011612";
  EXPECT_EQ(json_of(type::real8, raw("\x9a\x99\x99\x99\x99\x99\xb9\x3f")), "0.1");
  EXPECT_EQ(json_of(type::real8, raw("\0\0\0\0\0\0\xf0\x7f")), "broken") << "there is no infinity";
  EXPECT_EQ(json_of(type::new_decimal, raw("\4"
                                           "1.10")),
            "1.10");
  EXPECT_EQ(json_of(type::new_decimal, raw("\5"
                                           "-0.10")),
            "-0.10");
  EXPECT_EQ(json_of(type::new_decimal, raw("\7"
                                           "0012.30")),
            "12.30")
      << "ZEROFILL";
  EXPECT_EQ(json_of(type::new_decimal, raw("\3"
                                           "1e5")),
            "broken");
  EXPECT_EQ(json_of(type::new_decimal, raw("\2"
                                           "1.")),
            "broken");
  EXPECT_EQ(json_of(type::new_decimal, raw("\0")), "broken");
}

TEST(MysqlTypes, Times) {
  EXPECT_EQ(json_of(type::date, raw("\4\xe8\x07\2\x1d")), "\"2024-02-29\"");
  EXPECT_EQ(json_of(type::date, raw("\0")), "\"0000-00-00\"") << "as an old table may have it";
  EXPECT_EQ(json_of(type::datetime, raw("\4\xe8\x07\2\x1d")), "\"2024-02-29T00:00:00Z\"");
  EXPECT_EQ(json_of(type::datetime, raw("\7\xe8\x07\3\x0a\x0a\x1e\0")), "\"2024-03-10T10:30:00Z\"");
  EXPECT_EQ(json_of(type::timestamp, raw("\x0b\xe8\x07\3\x0a\x0a\x1e\0\x40\xe2\1\0")), "\"2024-03-10T10:30:00.123456Z\"");
  EXPECT_EQ(json_of(type::datetime, raw("\3\xe8\x07\3")), "broken");
  EXPECT_EQ(json_of(type::time, raw("\0")), "\"00:00:00\"");
  EXPECT_EQ(json_of(type::time, raw("\x08\1\x22\0\0\0\x16\x3b\x3b")), "\"-838:59:59\"");
  EXPECT_EQ(json_of(type::time, raw("\x0c\0\0\0\0\0\x17\x3b\x3b\x20\xa1\7\0")), "\"23:59:59.5\"");
  EXPECT_EQ(json_of(type::time, raw("\x08\0\xff\xff\xff\xff\0\0\0")), "broken");
}

TEST(MysqlTypes, TextBytesAndJson) {
  EXPECT_EQ(json_of(field_of(type::var_string, 20, 0, 45), raw("\3a\"b")), "\"a\\\"b\"");
  EXPECT_EQ(json_of(field_of(type::blob, 20, 0, 63), raw("\2\0\xff")), "\"AP8=\"");
  EXPECT_EQ(json_of(field_of(type::blob, 20, 0, 45), raw("\1x")), "\"x\"") << "TEXT is a blob with characters";
  EXPECT_EQ(json_of(type::json, raw("\x09"
                                    "{\"a\": 1} ")),
            "{\"a\": 1} ");
  wire::Field json = field_of(type::blob, 20, 0, 45);
  json.json = true;
  EXPECT_EQ(json_of(json, raw("\3[1]")), "[1]");
  EXPECT_EQ(json_of(json, raw("\3[1,")), "\"[1,\"") << "what group_concat_max_len has cut off is no JSON";
}

TEST(MysqlTypes, ParametersGoAsWhatTheyAre) {
  const auto bytes = [](Parameter::Kind kind, std::string text, std::int64_t integer) {
    Parameter one;
    one.kind = kind;
    one.text = std::move(text);
    one.integer = integer;
    const std::vector<Parameter> all{one};
    return arguments_of(all, 1).value().at(0);
  };
  using Kind = Parameter::Kind;
  EXPECT_EQ(bytes(Kind::boolean, "", 1).bytes, raw("\1"));
  EXPECT_EQ(bytes(Kind::integer, "", -2).bytes, raw("\xfe\xff\xff\xff\xff\xff\xff\xff"));
  EXPECT_EQ(bytes(Kind::timestamp, "", 1'710'066'600'123'456).bytes, raw("\xe8\x07\3\x0a\x0a\x1e\0\x40\xe2\1\0"));
  EXPECT_EQ(bytes(Kind::timestamp, "", -1).bytes, raw("\xb1\x07\x0c\x1f\x17\x3b\x3b\x3f\x42\x0f\0"));
  EXPECT_EQ(bytes(Kind::bytes, "ab", 0).type, type::long_blob);
  EXPECT_EQ(bytes(Kind::decimal, "1.10", 0).type, type::new_decimal);
  EXPECT_EQ(arguments_of({}, 1).error().detail(), "parameter_count");
}

}  // namespace
}  // namespace spikard::db::mysql
