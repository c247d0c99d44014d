#include "store/sqlite/error.hpp"

#include <sqlite3.h>

#include <string>

namespace spikard::store::sqlite {
namespace {

Error make(ErrorKind kind, std::string_view detail, std::string_view message, int code) {
  return Error(kind, std::string(message)).with_detail(std::string(detail)).with("sqlite", std::to_string(code));
}

Error statement_error(std::string_view message, int code) {
  // SQLITE_ERROR is one code for all that is wrong with a statement; only the text tells what.
  if (message.starts_with("no such table")) return make(ErrorKind::invalid_argument, "undefined_table", message, code);
  if (message.find("syntax error") != std::string_view::npos || message.starts_with("incomplete input") ||
      message.starts_with("unrecognized token")) {
    return make(ErrorKind::invalid_argument, "syntax_error", message, code);
  }
  if (message == "integer overflow") return make(ErrorKind::invalid_argument, "out_of_range", message, code);
  return make(ErrorKind::invalid_argument, "", message, code);
}

}  // namespace

Error map_error(int code, std::string_view message) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return make(ErrorKind::already_exists, "unique_violation", message, code);
    case SQLITE_CONSTRAINT_FOREIGNKEY: return make(ErrorKind::conflict, "foreign_key_violation", message, code);
    case SQLITE_CONSTRAINT_NOTNULL: return make(ErrorKind::conflict, "not_null_violation", message, code);
    case SQLITE_CONSTRAINT_CHECK: return make(ErrorKind::conflict, "check_violation", message, code);
    case SQLITE_CONSTRAINT_DATATYPE: return make(ErrorKind::invalid_argument, "invalid_parameter", message, code);
    case SQLITE_BUSY_SNAPSHOT: return make(ErrorKind::conflict, "", message, code);  // what the transaction has read was changed
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return make(ErrorKind::conflict, "", message, code);
    case SQLITE_ERROR: return statement_error(message, code);
    case SQLITE_RANGE: return make(ErrorKind::invalid_argument, "parameter_count", message, code);
    case SQLITE_MISMATCH: return make(ErrorKind::invalid_argument, "invalid_parameter", message, code);
    case SQLITE_TOOBIG: return make(ErrorKind::too_large, "", message, code);
    case SQLITE_INTERRUPT: return make(ErrorKind::cancelled, "", "the statement was interrupted", code);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return make(ErrorKind::unavailable, "", message, code);  // another process writes for too long
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_PERM: return make(ErrorKind::permission_denied, "", message, code);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return make(ErrorKind::corrupt, "", message, code);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_FULL: return make(ErrorKind::unavailable, "", message, code);
    default: return make(ErrorKind::internal, "", message, code);
  }
}

}  // namespace spikard::store::sqlite
