#include "store/placeholders.hpp"

#include <gtest/gtest.h>

namespace spikard::store {
namespace {

std::string bound(std::string_view sql, Dialect dialect = Dialect::sqlite, ParameterShape shape = ParameterShape::list) {
  Result<BoundText> text = bind_placeholders(sql, dialect, shape);
  if (!text.ok()) return "error " + text.error().detail();
  std::string out = text->sql + " [" + std::to_string(text->count);
  for (const std::string& name : text->names) out += " " + name;
  for (std::uint32_t n : text->order) out += " " + std::to_string(n);
  return out + "]";
}

TEST(Placeholders, EachStyleInEachDialect) {
  EXPECT_EQ(bound("SELECT ?, ?"), "SELECT ?1, ?2 [2]");
  EXPECT_EQ(bound("SELECT $2, $1, $2"), "SELECT ?2, ?1, ?2 [2]");
  EXPECT_EQ(bound("SELECT ?2, ?1"), "SELECT ?2, ?1 [2]");
  EXPECT_EQ(bound("SELECT ?, ?", Dialect::postgres), "SELECT $1, $2 [2]");
  EXPECT_EQ(bound("SELECT $2, $1, $2", Dialect::mysql), "SELECT ?, ?, ? [2 1 0 1]");
  EXPECT_EQ(bound("SELECT :a, :b, :a", Dialect::sqlite, ParameterShape::object), "SELECT ?1, ?2, ?1 [2 a b]");
  EXPECT_EQ(bound("SELECT :a, :b, :a", Dialect::mysql, ParameterShape::object), "SELECT ?, ?, ? [2 a b 0 1 0]");
  EXPECT_EQ(bound("SELECT 1"), "SELECT 1 [0]");
}

TEST(Placeholders, NothingIsReplacedInStringsNamesAndComments) {
  EXPECT_EQ(bound("SELECT '?', '''?', \"?\", `?`, [?], ? -- ?\n, ? /* ? */"),
            "SELECT '?', '''?', \"?\", `?`, [?], ?1 -- ?\n, ?2 /* ? */ [2]");
  EXPECT_EQ(bound("SELECT $$ ? $$, $t$ ? $$ $t$, ?", Dialect::postgres), "SELECT $$ ? $$, $t$ ? $$ $t$, $1 [1]");
  EXPECT_EQ(bound("SELECT E'\\'?', ?", Dialect::postgres), "SELECT E'\\'?', $1 [1]");
  EXPECT_EQ(bound("SELECT '\\', ?, '", Dialect::postgres), "SELECT '\\', $1, ' [1]");
  EXPECT_EQ(bound("SELECT '\\'?', \"?\", ? # ?", Dialect::mysql), "SELECT '\\'?', \"?\", ? # ? [1 0]");
  EXPECT_EQ(bound("SELECT 1--?", Dialect::mysql), "SELECT 1--? [1 0]") << "MySQL needs a blank after --";
  EXPECT_EQ(bound("/* /* ? */ ? */ ?", Dialect::postgres), "/* /* ? */ ? */ $1 [1]");
  EXPECT_EQ(bound("/* /* ? */ ? */", Dialect::sqlite), "/* /* ? */ ?1 */ [1]") << "SQLite's comments do not nest";
  EXPECT_EQ(bound("SELECT 'open ?"), "SELECT 'open ? [0]");
}

TEST(Placeholders, LiteralMarksCastsAndNames) {
  EXPECT_EQ(bound("SELECT a ?? 'k', b::int, ?", Dialect::postgres), "SELECT a ? 'k', b::int, $1 [1]");
  EXPECT_EQ(bound("SELECT a$1, ?"), "SELECT a$1, ?1 [1]");
  EXPECT_EQ(bound("SELECT x[1:2], ?", Dialect::postgres), "SELECT x[1:2], $1 [1]");
  EXPECT_EQ(bound("SELECT :a::text", Dialect::postgres, ParameterShape::object), "SELECT $1::text [1 a]");
  EXPECT_EQ(bound("SELECT '12:30'", Dialect::postgres, ParameterShape::object), "SELECT '12:30' [0]");
  EXPECT_EQ(bound("SET @a := 1, b = ?", Dialect::mysql), "SET @a := 1, b = ? [1 0]");
}

TEST(Placeholders, WhatCannotBe) {
  EXPECT_EQ(bound("SELECT ?, $1"), "error syntax_error");
  EXPECT_EQ(bound("SELECT $0"), "error parameter_count");
  EXPECT_EQ(bound("SELECT $65536"), "error parameter_count");
  EXPECT_EQ(bound("SELECT $99999999999999999999"), "error parameter_count");
  EXPECT_EQ(bound("SELECT $1, $3"), "error parameter_count");
  EXPECT_EQ(bound(std::string_view("SELECT \0 1", 10)), "error syntax_error");
}

TEST(Placeholders, FirstKeyword) {
  EXPECT_EQ(first_keyword(" -- c\n /* d */ (select 1)", Dialect::sqlite), "SELECT");
  EXPECT_EQ(first_keyword(";;With x AS (SELECT 1) SELECT 1", Dialect::sqlite), "WITH");
  EXPECT_EQ(first_keyword("", Dialect::sqlite), "");
  EXPECT_EQ(first_keyword("1", Dialect::sqlite), "");
}

TEST(Placeholders, LiteralsAreTakenOut) {
  EXPECT_EQ(without_literals("SELECT 'it''s', 12.5e3, a1, \"b\" FROM t WHERE x = ? /* secret */ AND y > -7", Dialect::sqlite),
            "SELECT ?, ?.?, a1, \"b\" FROM t WHERE x = ?  AND y > -?");
  EXPECT_EQ(without_literals("SELECT \"secret\", `n`, E'x'", Dialect::mysql), "SELECT ?, `n`, E?");
}

TEST(Placeholders, SplitsScripts) {
  const auto parts = split_statements(
      "CREATE TABLE a (x); -- ; \nINSERT INTO a VALUES (';');;CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 "
      "THEN 2 END; "
      "DELETE FROM a; END; SELECT 1 /* ; */",
      Dialect::sqlite);
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[0], "CREATE TABLE a (x)");
  EXPECT_TRUE(parts[1].ends_with("(';')"));
  EXPECT_TRUE(parts[2].ends_with("END"));
  EXPECT_EQ(parts[3], " SELECT 1 /* ; */");
  EXPECT_EQ(split_statements("SELECT $$;$$; SELECT 2", Dialect::postgres).size(), 2U);
}

TEST(Placeholders, SplitsScriptsWithProceduresOfMysql) {
  const auto parts = split_statements(
      "CREATE OR REPLACE DEFINER = `a`@`b` PROCEDURE p (IN v INT) BEGIN IF v > 0 THEN SELECT IF(v, 1, 2); ELSE BEGIN SELECT 3; "
      "END; "
      "IF v THEN SELECT 4; END IF; END IF; CASE v WHEN 1 THEN SELECT 5; END CASE; SELECT CASE WHEN v THEN CASE v WHEN 2 THEN 6 "
      "END "
      "END; w: WHILE v DO SET v = 0; END WHILE w; END; SELECT 7; CREATE FUNCTION f () RETURNS INT RETURN 8; SELECT 9",
      Dialect::mysql);
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_TRUE(parts[0].ends_with("END WHILE w; END"));
  EXPECT_EQ(parts[1], " SELECT 7");
  EXPECT_EQ(parts[2], " CREATE FUNCTION f () RETURNS INT RETURN 8");
}

}  // namespace
}  // namespace spikard::store
