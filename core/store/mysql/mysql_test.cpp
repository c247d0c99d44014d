// What needs no server: bytes, logins, URLs, the table of errors. Servers: tests/contract/db_contract.cpp, mysql_faults_test.cpp.
#include <gtest/gtest.h>

#include "store/mysql/auth.hpp"
#include "store/mysql/error.hpp"
#include "store/mysql/options.hpp"
#include "store/mysql/wire.hpp"

namespace spikard::store::mysql {
namespace {

template <std::size_t N>
std::string_view raw(const char (&bytes)[N]) {
  return {bytes, N - 1};
}

std::string packet(std::string_view body, std::uint8_t sequence) {
  std::string out;
  wire::Writer writer(out);
  writer.begin(sequence);
  writer.bytes(body);
  writer.end();
  return out;
}

void feed(wire::Reader& reader, std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t size = 0;
    char* into = reader.room(size);
    const std::size_t count = std::min(size, bytes.size());
    bytes.copy(into, count);
    reader.filled(count);
    bytes.remove_prefix(count);
  }
}

TEST(MysqlWire, PacketsComeWholeHoweverTheBytesCome) {
  const std::string large(100'000, 'x');
  const std::string stream = packet("a", 0) + packet(large, 1) + packet("b", 2);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, stream.size()}) {
    wire::Reader reader;
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      feed(reader, std::string_view(stream).substr(at, step));
      std::string_view one;
      while (reader.next(one) == wire::Reader::Next::packet) {
        ++count;
        bytes += one.size();
      }
    }
    EXPECT_EQ(count, 3U) << step;
    EXPECT_EQ(bytes, large.size() + 2) << step;
    EXPECT_EQ(reader.pending(), 0U);
  }
}

TEST(MysqlWire, WhatIsLargerThanAPacketIsSplitAndJoined) {
  for (const std::size_t size :
       {wire::largest_packet - 1, wire::largest_packet, wire::largest_packet + 1, wire::largest_packet * 2}) {
    const std::string body(size, 'y');
    const std::string bytes = packet(body, 0);
    EXPECT_EQ(bytes.size(), size + 4 * (size / wire::largest_packet + 1)) << size;
    wire::Reader reader;
    feed(reader, bytes);
    std::string_view one;
    ASSERT_EQ(reader.next(one), wire::Reader::Next::packet) << size;
    EXPECT_TRUE(one == body) << size;
    EXPECT_EQ(reader.next(one), wire::Reader::Next::more);
  }
}

TEST(MysqlWire, APacketOutOfItsOrderOrBeyondTheLimitIsBroken) {
  std::string_view one;
  wire::Reader other;
  feed(other, packet("x", 5));
  EXPECT_EQ(other.next(one), wire::Reader::Next::broken);
  wire::Reader error;
  feed(error, packet("\xff", 5));
  EXPECT_EQ(error.next(one), wire::Reader::Next::packet) << "a server that shuts down says so in between";
  wire::Reader small(10);
  feed(small, raw("\x0b\0\0\0"));
  EXPECT_EQ(small.next(one), wire::Reader::Next::broken);
}

TEST(MysqlWire, LengthsAndNumbers) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{250}, std::uint64_t{251}, std::uint64_t{65535},
                                    std::uint64_t{65536}, std::uint64_t{16777215}, std::uint64_t{16777216}, ~std::uint64_t{0}}) {
    std::string out;
    wire::Writer(out).length(value);
    wire::Body body(out);
    EXPECT_EQ(body.length(), value);
    EXPECT_TRUE(body.ok() && body.rest().empty());
  }
  wire::Body null(raw("\xfb"));
  EXPECT_EQ(null.length(), 0U);
  EXPECT_FALSE(null.ok());
  wire::Body cut(
      raw("\x05"
          "ab"));
  EXPECT_EQ(cut.counted(), "");
  EXPECT_FALSE(cut.ok());
}

TEST(MysqlWire, ColumnsAndRowsThatEndTooSoon) {
  EXPECT_FALSE(wire::read_field(raw("\3def\0\0\0\1a\0"), false).has_value());
  EXPECT_FALSE(wire::read_ok(raw("\0\1")).has_value());
  wire::Field text;
  text.type = wire::type::var_string;
  wire::Row row(raw("\0\4\1a"), 2);
  std::string_view value;
  bool null = false;
  EXPECT_TRUE(row.next(text, value, null));
  EXPECT_TRUE(null);
  EXPECT_TRUE(row.next(text, value, null));
  EXPECT_EQ(value, "a");
  wire::Row cut(raw("\0\0\5a"), 1);
  EXPECT_FALSE(cut.next(text, value, null));
}

TEST(MysqlWire, TheJsonOfMariadbIsTextThatSaysSo) {
  const std::string_view definition = raw("\3def\1d\1t\1t\1j\1j\6\1\4json\x0c\x2d\0\xff\xff\xff\xff\xfc\x90\0\0\0\0");
  const auto field = wire::read_field(definition, true);
  ASSERT_TRUE(field.has_value());
  EXPECT_EQ(field->name, "j");
  EXPECT_EQ(field->type, wire::type::blob);
  EXPECT_EQ(field->charset, 45);
  EXPECT_TRUE(field->json);
}

TEST(MysqlAuth, AsTheServersPluginsWantIt) {
  AuthContext context{"secret", "12345678901234567890", false};
  // SHA1(password) XOR SHA1(scramble + SHA1(SHA1(password))), and the same with SHA-256 the other way round: computed with
  // Python.
  const auto hex = [](const std::string& bytes) {
    std::string out;
    for (const char c : bytes) {
      static constexpr char digits[] = "0123456789abcdef";
      out.push_back(digits[static_cast<unsigned char>(c) >> 4U]);
      out.push_back(digits[static_cast<unsigned char>(c) & 15U]);
    }
    return out;
  };
  EXPECT_EQ(hex(auth_response("mysql_native_password", context).value()), "0f8b9033e0897c0a8338ebe3dea9010dda47ab56");
  EXPECT_EQ(hex(auth_response("caching_sha2_password", context).value()),
            "51ecd6dedbd34d5445c0a190d4f51acf0d23b94db66c91f3f789faa9193751cd");
  EXPECT_EQ(auth_continue("caching_sha2_password", "\3", context).value(), "");
  EXPECT_EQ(auth_continue("caching_sha2_password", "\4", context).error().kind(), ErrorKind::permission_denied);
  EXPECT_EQ(auth_response("mysql_clear_password", context).error().kind(), ErrorKind::permission_denied);
  EXPECT_EQ(auth_response("dialog", context).error().kind(), ErrorKind::unsupported);
  context.secret = true;
  EXPECT_EQ(auth_response("mysql_clear_password", context).value(), std::string("secret\0", 7));
  EXPECT_EQ(auth_continue("caching_sha2_password", "\4", context).value(), std::string("secret\0", 7));
  context.password = "";
  EXPECT_EQ(auth_response("mysql_native_password", context).value(), "");
}

TEST(MysqlOptions, Urls) {
  const Options plain = Options::from_url("mysql:///shop").value();
  ASSERT_EQ(plain.hosts.size(), 1U);
  EXPECT_EQ(plain.hosts[0].name, "localhost");
  EXPECT_EQ(plain.hosts[0].port, 3306);
  EXPECT_EQ(plain.ssl, Options::Ssl::preferred);
  const Options full = Options::from_url(
                           "mariadb://us%40er:p%3Aw@a.example:1,[::1]:2,c/db%2F1?ssl-mode=verify_identity&ssl-ca=/ca.pem"
                           "&connect_timeout=3")
                           .value();
  EXPECT_EQ(full.user, "us@er");
  EXPECT_EQ(full.password, "p:w");
  ASSERT_EQ(full.hosts.size(), 3U);
  EXPECT_EQ(full.hosts[1].name, "::1");
  EXPECT_EQ(full.hosts[1].port, 2);
  EXPECT_EQ(full.hosts[2].port, 3306);
  EXPECT_EQ(full.database, "db/1");
  EXPECT_EQ(full.ssl, Options::Ssl::verify_identity);
  EXPECT_EQ(full.ca, "/ca.pem");
  EXPECT_EQ(full.connect_timeout, std::chrono::seconds(3));
  EXPECT_EQ(full.id(), "mysql:us@er@a.example:1,::1:2,c:3306/db/1") << "no password";
  EXPECT_TRUE(Options::from_url("mysql:///db?socket=/run/mysqld/mysqld.sock").value().hosts[0].is_unix());
}

TEST(MysqlOptions, WhatIsWrongIsSaidWithoutThePassword) {
  for (const char* url : {"postgres://x", "mysql://u:secret@h:0/d", "mysql://u:secret@h:99999/d",
                          "mysql://u:secret@h/d?ssl-mode=maybe", "mysql://u:secret@h/d?nonsense=1", "mysql://u:secret@h",
                          "mysql://u:secret%@h/d", "mysql://u:secret@[::1/d", "mysql://u:secret@h/d?connect_timeout=0",
                          "mysql://u:secret@h/d?socket=/x", "mysql://u:secret@h/d?x", "mysql://u:secret@h/d?ssl-cert=a"}) {
    const Result<Options> options = Options::from_url(url);
    ASSERT_FALSE(options.ok()) << url;
    EXPECT_EQ(options.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(options.error().to_string().find("secret"), std::string::npos) << url;
  }
}

TEST(MysqlErrors, Table) {
  struct Case {
    std::uint16_t number;
    const char* sqlstate;
    ErrorKind kind;
    const char* detail;
  };
  for (const Case& one : std::initializer_list<Case>{
           {1062, "23000", ErrorKind::already_exists, "unique_violation"},
           {1452, "23000", ErrorKind::conflict, "foreign_key_violation"},
           {1048, "23000", ErrorKind::conflict, "not_null_violation"},
           {4025, "23000", ErrorKind::conflict, "check_violation"},
           {3819, "HY000", ErrorKind::conflict, "check_violation"},
           {1205, "HY000", ErrorKind::conflict, ""},
           {1213, "40001", ErrorKind::conflict, ""},
           {1064, "42000", ErrorKind::invalid_argument, "syntax_error"},
           {1146, "42S02", ErrorKind::invalid_argument, "undefined_table"},
           {1054, "42S22", ErrorKind::invalid_argument, ""},
           {1264, "22003", ErrorKind::invalid_argument, "out_of_range"},
           {1366, "22007", ErrorKind::invalid_argument, "invalid_parameter"},
           {1792, "25006", ErrorKind::permission_denied, ""},
           {1045, "28000", ErrorKind::permission_denied, ""},
           {1049, "42000", ErrorKind::not_found, ""},
           {1040, "08004", ErrorKind::unavailable, ""},
           {1317, "70100", ErrorKind::cancelled, ""},
           {1969, "70100", ErrorKind::timeout, ""},
           {1153, "08S01", ErrorKind::too_large, ""},
           {1644, "45000", ErrorKind::conflict, ""},
           {9999, "08006", ErrorKind::unavailable, ""},
           {9999, "22999", ErrorKind::invalid_argument, "invalid_parameter"},
           {9999, "HY000", ErrorKind::internal, ""},
           {0, "", ErrorKind::internal, ""},
       }) {
    wire::ServerError error;
    error.number = one.number;
    error.sqlstate = one.sqlstate;
    const Error mapped = map_error(error);
    EXPECT_EQ(mapped.kind(), one.kind) << one.number;
    EXPECT_EQ(mapped.detail(), one.detail) << one.number;
    EXPECT_EQ(number_of(mapped), one.number);
  }
  const wire::ServerError read = wire::read_error(raw("\xff\x26\x04#23000Duplicate entry 'secret' for key 'users_email'"));
  EXPECT_EQ(read.number, 1062);
  const Error error = map_error(read);
  EXPECT_EQ(error.to_string().find("secret"), std::string::npos) << "the message quotes data";
  EXPECT_NE(error.to_string().find("constraint=users_email"), std::string::npos);
}

}  // namespace
}  // namespace spikard::store::mysql
