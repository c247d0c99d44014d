// What needs no server: bytes, SCRAM, URLs, the table of errors. Servers: tests/contract/db_contract.cpp,
// postgres_faults_test.cpp.
#include <gtest/gtest.h>

#include "store/postgres/error.hpp"
#include "store/postgres/options.hpp"
#include "store/postgres/scram.hpp"
#include "store/postgres/wire.hpp"

namespace spikard::store::postgres {
namespace {

std::string message(char type, std::string_view body) {
  std::string out;
  wire::Writer writer(out);
  writer.begin(type);
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

TEST(PostgresWire, MessagesComeWholeHoweverTheBytesCome) {
  const std::string large(100'000, 'x');
  const std::string stream =
      message('Z', "I") + message('D', large) + message('1', "") + message('C', std::string("SELECT 1\0", 9));
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, stream.size()}) {
    wire::Reader reader;
    std::string types;
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      feed(reader, std::string_view(stream).substr(at, step));
      wire::Message one;
      while (reader.next(one) == wire::Reader::Next::message) {
        types += one.type;
        bytes += one.body.size();
      }
    }
    EXPECT_EQ(types, "ZD1C") << step;
    EXPECT_EQ(bytes, 1 + large.size() + 9) << step;
    EXPECT_EQ(reader.pending(), 0U);
  }
}

TEST(PostgresWire, ALengthThatCannotBeIsBroken) {
  wire::Message one;
  for (const std::string_view bytes : {std::string_view("Z\0\0\0\3", 5), std::string_view("Z\x7f\xff\xff\xff", 5)}) {
    wire::Reader reader;
    feed(reader, bytes);
    EXPECT_EQ(reader.next(one), wire::Reader::Next::broken);
  }
}

TEST(PostgresWire, RowsAndFieldsThatEndTooSoon) {
  EXPECT_FALSE(wire::read_fields(std::string_view("\0\1a\0", 4)).has_value());
  EXPECT_FALSE(wire::read_parameters(std::string_view("\xff\xff\0\0", 4)).has_value());
  wire::Row row(std::string_view("\0\2\xff\xff\xff\xff\0\0\0\5ab", 12));
  std::string_view value;
  bool null = false;
  EXPECT_EQ(row.count(), 2);
  EXPECT_TRUE(row.next(value, null));
  EXPECT_TRUE(null);
  EXPECT_FALSE(row.next(value, null));
}

TEST(PostgresWire, CommandTags) {
  EXPECT_EQ(wire::affected_of("INSERT 0 12"), 12U);
  EXPECT_EQ(wire::affected_of("UPDATE 3"), 3U);
  EXPECT_EQ(wire::affected_of("SELECT 3"), 0U);
  EXPECT_EQ(wire::affected_of("CREATE TABLE"), 0U);
  EXPECT_EQ(wire::affected_of(""), 0U);
}

TEST(PostgresScram, AsRfc7677Section3HasIt) {
  // Its user name stands in the first message; PostgreSQL's is empty, so the proof differs and only the exchange is the same.
  Scram scram("pencil", "rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(scram.first(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  const auto answer = scram.answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*answer, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" + answer->substr(answer->find(",p=") + 3));
  EXPECT_FALSE(scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").ok()) << "a server that knows another password";
  EXPECT_FALSE(scram.verify("e=invalid-proof").ok());
}

TEST(PostgresScram, RefusesAServerThatPlaysAnotherGame) {
  for (const char* first :
       {"", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=abcd,s=?,i=4096",
        "r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0", "r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000"}) {
    Scram scram("x", "abc");
    EXPECT_FALSE(scram.answer(first).ok()) << first;
  }
  EXPECT_FALSE(Scram("x", "abc").verify("v=").ok()) << "before it was asked";
}

TEST(PostgresScram, Md5AsThePostgresDocumentationHasIt) {
  // md5(md5("secret" + "user") + salt)
  EXPECT_EQ(md5_password("user", "secret", std::string("\1\2\3\4", 4)).substr(0, 3), "md5");
  EXPECT_EQ(md5_password("user", "secret", std::string("\1\2\3\4", 4)).size(), 35U);
}

TEST(PostgresOptions, Urls) {
  const Options plain = Options::from_url("postgres://").value();
  EXPECT_EQ(plain.hosts.size(), 1U);
  EXPECT_EQ(plain.hosts[0].name, "localhost");
  EXPECT_EQ(plain.database, "postgres");
  const Options full = Options::from_url(
                           "postgresql://us%40er:p%3Aw@a.example:1,[::1]:2,c/db%2F1?sslmode=verify-full&sslrootcert=/ca.pem"
                           "&target_session_attrs=prefer-standby&application_name=x&options=-csearch_path%3Ds"
                           "&connect_timeout=3&prepared=false")
                           .value();
  EXPECT_EQ(full.user, "us@er");
  EXPECT_EQ(full.password, "p:w");
  ASSERT_EQ(full.hosts.size(), 3U);
  EXPECT_EQ(full.hosts[0].name, "a.example");
  EXPECT_EQ(full.hosts[0].port, 1);
  EXPECT_EQ(full.hosts[1].name, "::1");
  EXPECT_EQ(full.hosts[1].port, 2);
  EXPECT_EQ(full.hosts[2].port, 5432);
  EXPECT_EQ(full.database, "db/1");
  EXPECT_EQ(full.ssl, Options::Ssl::verify_full);
  EXPECT_EQ(full.ca, "/ca.pem");
  EXPECT_EQ(full.target, Options::Target::prefer_standby);
  EXPECT_EQ(full.startup_options, "-csearch_path=s");
  EXPECT_EQ(full.connect_timeout, std::chrono::seconds(3));
  EXPECT_FALSE(full.prepared);
  EXPECT_EQ(full.id(), "postgres:us@er@a.example:1,::1:2,c:5432/db/1?-csearch_path=s") << "no password";
  const Options folder = Options::from_url("postgres:///db?host=/run/postgresql").value();
  EXPECT_TRUE(folder.hosts[0].is_unix());
}

TEST(PostgresOptions, WhatIsWrongIsSaidWithoutThePassword) {
  for (const char* url : {"mysql://x", "postgres://u:secret@h:0/d", "postgres://u:secret@h:99999/d",
                          "postgres://u:secret@h/d?sslmode=maybe", "postgres://u:secret@h/d?nonsense=1",
                          "postgres://u:secret%@h/d", "postgres://u:secret@[::1/d", "postgres://u:secret@h/d?connect_timeout=0",
                          "postgres://u:secret@h/d?host=/x", "postgres://u:secret@h/d?x", "postgres://u:secret@h/d?sslcert=a",
                          "postgres://u:secret@h/d?prepared=maybe", "postgres://u:secret@h/d?target_session_attrs=all"}) {
    const Result<Options> options = Options::from_url(url);
    ASSERT_FALSE(options.ok()) << url;
    EXPECT_EQ(options.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(options.error().to_string().find("secret"), std::string::npos) << url;
  }
}

TEST(PostgresErrors, Table) {
  struct Case {
    const char* sqlstate;
    ErrorKind kind;
    const char* detail;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"23505", ErrorKind::already_exists, "unique_violation"},
           {"23503", ErrorKind::conflict, "foreign_key_violation"},
           {"23001", ErrorKind::conflict, "foreign_key_violation"},
           {"23502", ErrorKind::conflict, "not_null_violation"},
           {"23514", ErrorKind::conflict, "check_violation"},
           {"44000", ErrorKind::conflict, "check_violation"},
           {"23P01", ErrorKind::conflict, ""},
           {"25P02", ErrorKind::conflict, "transaction_aborted"},
           {"25006", ErrorKind::permission_denied, ""},
           {"40001", ErrorKind::conflict, ""},
           {"40P01", ErrorKind::conflict, ""},
           {"40003", ErrorKind::outcome_unknown, ""},
           {"55P03", ErrorKind::conflict, ""},
           {"42601", ErrorKind::invalid_argument, "syntax_error"},
           {"42P01", ErrorKind::invalid_argument, "undefined_table"},
           {"42703", ErrorKind::invalid_argument, ""},
           {"42501", ErrorKind::permission_denied, ""},
           {"28P01", ErrorKind::permission_denied, ""},
           {"3D000", ErrorKind::not_found, ""},
           {"22003", ErrorKind::invalid_argument, "out_of_range"},
           {"22P02", ErrorKind::invalid_argument, "invalid_parameter"},
           {"22001", ErrorKind::invalid_argument, "invalid_parameter"},
           {"22012", ErrorKind::invalid_argument, ""},
           {"0A000", ErrorKind::unsupported, ""},
           {"53300", ErrorKind::unavailable, ""},
           {"57014", ErrorKind::cancelled, ""},
           {"57P01", ErrorKind::unavailable, ""},
           {"57P03", ErrorKind::unavailable, ""},
           {"08006", ErrorKind::unavailable, ""},
           {"54000", ErrorKind::too_large, ""},
           {"58030", ErrorKind::unavailable, ""},
           {"XX000", ErrorKind::internal, ""},
           {"XX001", ErrorKind::corrupt, ""},
           {"P0001", ErrorKind::conflict, ""},
           {"99999", ErrorKind::internal, ""},
           {"", ErrorKind::internal, ""},
       }) {
    wire::ErrorFields fields;
    fields.sqlstate = one.sqlstate;
    const Error error = map_error(fields);
    EXPECT_EQ(error.kind(), one.kind) << one.sqlstate;
    EXPECT_EQ(error.detail(), one.detail) << one.sqlstate;
  }
  static constexpr char bytes[] =
      "SERROR\0VERROR\0C23505\0Mduplicate key\0DKey (email)=(secret) already exists.\0tusers\0nusers_email\0\0";
  const std::string body(bytes, sizeof bytes - 1);
  const Error error = map_error(wire::read_error(body));
  EXPECT_EQ(error.message(), "duplicate key");
  EXPECT_EQ(error.to_string().find("secret"), std::string::npos) << "the detail quotes data";
  EXPECT_NE(error.to_string().find("constraint=users_email"), std::string::npos);
}

}  // namespace
}  // namespace spikard::store::postgres
