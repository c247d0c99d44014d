#include "store/postgres/error.hpp"

#include <algorithm>
#include <iterator>

namespace spikard::store::postgres {
namespace {

struct Known {
  std::string_view sqlstate;  ///< whole, or its class of two characters
  ErrorKind kind;
  std::string_view detail;
};

// The longer entry of two that fit wins; sorted for the eye only.
constexpr Known table[] = {
    {"08", ErrorKind::unavailable, ""},
    {"0A", ErrorKind::unsupported, ""},
    {"20", ErrorKind::invalid_argument, ""},
    {"21", ErrorKind::invalid_argument, ""},
    {"22", ErrorKind::invalid_argument, "invalid_parameter"},
    {"22003", ErrorKind::invalid_argument, "out_of_range"},
    {"22008", ErrorKind::invalid_argument, "out_of_range"},
    {"22012", ErrorKind::invalid_argument, ""},  // division by zero
    {"23", ErrorKind::conflict, ""},
    {"23001", ErrorKind::conflict, "foreign_key_violation"},
    {"23502", ErrorKind::conflict, "not_null_violation"},
    {"23503", ErrorKind::conflict, "foreign_key_violation"},
    {"23505", ErrorKind::already_exists, "unique_violation"},
    {"23514", ErrorKind::conflict, "check_violation"},
    {"25", ErrorKind::invalid_argument, ""},
    {"25006", ErrorKind::permission_denied, ""},  // read-only
    {"25P02", ErrorKind::conflict, "transaction_aborted"},
    {"25P03", ErrorKind::conflict, "transaction_aborted"},
    {"26", ErrorKind::invalid_argument, ""},
    {"27", ErrorKind::conflict, ""},
    {"28", ErrorKind::permission_denied, ""},
    {"2B", ErrorKind::conflict, ""},
    {"34", ErrorKind::invalid_argument, ""},
    {"3B", ErrorKind::invalid_argument, ""},
    {"3D", ErrorKind::not_found, ""},
    {"3F", ErrorKind::invalid_argument, ""},
    {"40", ErrorKind::conflict, ""},
    {"40003", ErrorKind::outcome_unknown, ""},
    {"42", ErrorKind::invalid_argument, ""},
    {"42501", ErrorKind::permission_denied, ""},
    {"42601", ErrorKind::invalid_argument, "syntax_error"},
    {"42P01", ErrorKind::invalid_argument, "undefined_table"},
    {"42P02", ErrorKind::invalid_argument, "parameter_count"},  // there is no parameter $n
    {"44", ErrorKind::conflict, "check_violation"},
    {"53", ErrorKind::unavailable, ""},
    {"54", ErrorKind::too_large, ""},
    {"55", ErrorKind::conflict, ""},
    {"55000", ErrorKind::invalid_argument, ""},
    {"57", ErrorKind::unavailable, ""},
    {"57014", ErrorKind::cancelled, ""},
    {"58", ErrorKind::unavailable, ""},
    {"72", ErrorKind::conflict, ""},
    {"HV", ErrorKind::unavailable, ""},
    {"P0001", ErrorKind::conflict, ""},  // RAISE, as SQLite's RAISE(ABORT)
    {"P0002", ErrorKind::not_found, ""},
    {"P0003", ErrorKind::conflict, ""},
    {"XX001", ErrorKind::corrupt, ""},
    {"XX002", ErrorKind::corrupt, ""},
};

}  // namespace

Error map_error(const wire::ErrorFields& fields) {
  const Known* best = nullptr;
  for (const Known& one : table) {
    if (std::string_view(fields.sqlstate).starts_with(one.sqlstate) &&
        (best == nullptr || one.sqlstate.size() > best->sqlstate.size()))
      best = &one;
  }
  Error error = Error(best == nullptr ? ErrorKind::internal : best->kind, fields.message)
                    .with_detail(std::string(best == nullptr ? "" : best->detail))
                    .with("sqlstate", fields.sqlstate);
  const auto add = [&error](const char* name, const std::string& value) {
    if (!value.empty()) error = std::move(error).with(name, value);
  };
  add("table", fields.table);
  add("column", fields.column);
  add("constraint", fields.constraint);
  add("position", fields.position);
  return error;
}

}  // namespace spikard::store::postgres
