#include "db/server_statement.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace spikard::db {

bool has_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool reads(std::string_view keyword, std::string_view sql) {
  if (keyword == "SELECT" || keyword == "VALUES" || keyword == "TABLE" || keyword == "SHOW") return true;
  if (keyword != "WITH" && keyword != "EXPLAIN") return false;
  return !has_word(sql, "INSERT") && !has_word(sql, "UPDATE") && !has_word(sql, "DELETE") && !has_word(sql, "MERGE");
}

Error explained(Error error, const Statement& statement, store::Dialect dialect) {
  if (!statement.parameters.empty() || error.detail() != "syntax_error") return error;
  for (const store::ParameterShape shape : {store::ParameterShape::list, store::ParameterShape::object}) {
    const Result<store::BoundText> text = store::bind_placeholders(statement.sql, dialect, shape);
    if (text.ok() && text->count > 0) {
      return Error(ErrorKind::invalid_argument,
                   "the statement has " + std::to_string(text->count) + " placeholders, and there are no parameters")
          .with_detail("parameter_count");
    }
  }
  return error;
}

Error unknown_outcome(const Error& why) {
  return Error(ErrorKind::outcome_unknown, "the connection was lost before the answer: " + why.message());
}

}  // namespace spikard::db
