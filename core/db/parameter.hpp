#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "store/placeholders.hpp"

namespace spikard::db {

/// A parameter as every database understands it (spec/operations/db.yaml, "Values").
struct Parameter {
  enum class Kind : std::uint8_t { null, boolean, integer, real, text, bytes, decimal, timestamp, json };
  Kind kind = Kind::null;
  std::int64_t integer = 0;  ///< boolean: 0 or 1; timestamp: microseconds since the epoch
  double real = 0;
  std::string text;  ///< text, bytes, decimal, json
};

/// Errors: invalid_argument with detail invalid_parameter or out_of_range, and the place of the parameter.
[[nodiscard]] Result<Parameter> parameter_from(Value value);

/// A statement and its parameters in the form that a backend takes: immutable, shared with the jobs that run it.
struct Statement {
  std::string sql;      ///< with the database's own placeholders
  std::string keyword;  ///< its first word, in upper case
  std::vector<Parameter> parameters;
};

/// Errors: those of the placeholders and parameters; invalid_argument/parameter_count when their numbers differ;
/// invalid_argument for statements that have operations of their own (BEGIN, COMMIT, ...).
[[nodiscard]] Result<Statement> make_statement(std::string_view sql, Value params, store::Dialect dialect);

/// One statement with many sets of parameters.
struct Batch {
  std::string sql;
  std::string keyword;
  std::vector<std::vector<Parameter>> sets;
};
[[nodiscard]] Result<Batch> make_batch(std::string_view sql, Value sets, store::Dialect dialect);

}  // namespace spikard::db
