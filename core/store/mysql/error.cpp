#include "store/mysql/error.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace spikard::store::mysql {
namespace {

struct Known {
  std::uint16_t number;
  ErrorKind kind;
  std::string_view detail;
  std::string_view says = {};  ///< instead of the server's message, which quotes data
};

// Of MySQL 8 and MariaDB 10.11 (share/errmsg-utf8.txt); sorted by number.
constexpr Known table[] = {
    {1020, ErrorKind::conflict, ""},  // the row has changed since it was read
    {1021, ErrorKind::unavailable, ""},
    {1022, ErrorKind::already_exists, "unique_violation", "a row with this key is there already"},
    {1034, ErrorKind::corrupt, ""},
    {1035, ErrorKind::corrupt, ""},
    {1037, ErrorKind::unavailable, ""},
    {1038, ErrorKind::unavailable, ""},
    {1040, ErrorKind::unavailable, ""},  // too many connections
    {1041, ErrorKind::unavailable, ""},
    {1044, ErrorKind::permission_denied, ""},
    {1045, ErrorKind::permission_denied, ""},
    {1048, ErrorKind::conflict, "not_null_violation"},
    {1049, ErrorKind::not_found, ""},  // no such database
    {1051, ErrorKind::invalid_argument, "undefined_table"},
    {1053, ErrorKind::unavailable, ""},  // shutdown
    {1062, ErrorKind::already_exists, "unique_violation", "a row with this key is there already"},
    {1064, ErrorKind::invalid_argument, "syntax_error"},
    {1065, ErrorKind::invalid_argument, "syntax_error"},
    {1077, ErrorKind::unavailable, ""},
    {1079, ErrorKind::unavailable, ""},
    {1104, ErrorKind::too_large, ""},
    {1109, ErrorKind::invalid_argument, "undefined_table"},
    {1114, ErrorKind::unavailable, ""},  // the table is full
    {1118, ErrorKind::too_large, ""},
    {1129, ErrorKind::unavailable, ""},  // the host is blocked
    {1142, ErrorKind::permission_denied, ""},
    {1143, ErrorKind::permission_denied, ""},
    {1146, ErrorKind::invalid_argument, "undefined_table"},
    {1148, ErrorKind::permission_denied, ""},  // LOAD DATA LOCAL
    {1149, ErrorKind::invalid_argument, "syntax_error"},
    {1153, ErrorKind::too_large, ""},  // max_allowed_packet
    {1169, ErrorKind::already_exists, "unique_violation", "a row with this key is there already"},
    {1194, ErrorKind::corrupt, ""},
    {1195, ErrorKind::corrupt, ""},
    {1203, ErrorKind::unavailable, ""},
    {1205, ErrorKind::conflict, ""},  // waited too long for a lock
    {1210, ErrorKind::invalid_argument, "parameter_count"},
    {1213, ErrorKind::conflict, ""},  // deadlock
    {1216, ErrorKind::conflict, "foreign_key_violation"},
    {1217, ErrorKind::conflict, "foreign_key_violation"},
    {1226, ErrorKind::unavailable, ""},  // a limit of this user
    {1227, ErrorKind::permission_denied, ""},
    {1235, ErrorKind::unsupported, ""},
    {1251, ErrorKind::permission_denied, ""},
    {1263, ErrorKind::conflict, "not_null_violation"},
    {1264, ErrorKind::invalid_argument, "out_of_range"},
    {1265, ErrorKind::invalid_argument, "invalid_parameter"},
    {1275, ErrorKind::permission_denied, ""},
    {1289, ErrorKind::unsupported, ""},
    {1290, ErrorKind::permission_denied, ""},
    {1292, ErrorKind::invalid_argument, "invalid_parameter", "a value that is not of the type of its place"},
    {1295, ErrorKind::unsupported, ""},
    {1301, ErrorKind::too_large, ""},
    {1317, ErrorKind::cancelled, ""},
    {1364, ErrorKind::conflict, "not_null_violation"},
    {1365, ErrorKind::invalid_argument, ""},  // division by zero
    {1366, ErrorKind::invalid_argument, "invalid_parameter", "a value that is not of the type of its place"},
    {1369, ErrorKind::conflict, "check_violation"},
    {1370, ErrorKind::permission_denied, ""},
    {1390, ErrorKind::invalid_argument, "parameter_count"},
    {1406, ErrorKind::invalid_argument, "invalid_parameter"},
    {1410, ErrorKind::permission_denied, ""},
    {1411, ErrorKind::invalid_argument, "invalid_parameter", "a value that is not of the type of its place"},
    {1451, ErrorKind::conflict, "foreign_key_violation"},
    {1452, ErrorKind::conflict, "foreign_key_violation"},
    {1525, ErrorKind::invalid_argument, "invalid_parameter", "a value that is not of the type of its place"},
    {1526, ErrorKind::invalid_argument, "invalid_parameter", "the table has no partition for a value"},
    {1557, ErrorKind::already_exists, "unique_violation", "a row with this key is there already"},
    {1586, ErrorKind::already_exists, "unique_violation", "a row with this key is there already"},
    {1644, ErrorKind::conflict, ""},  // SIGNAL, as SQLite's RAISE(ABORT)
    {1690, ErrorKind::invalid_argument, "out_of_range", "the value of an expression is out of range"},
    {1698, ErrorKind::permission_denied, ""},
    {1712, ErrorKind::corrupt, ""},
    {1761, ErrorKind::conflict, "foreign_key_violation", "a foreign key would make a row with a key that is there already"},
    {1762, ErrorKind::conflict, "foreign_key_violation", "a foreign key would make a row with a key that is there already"},
    {1792, ErrorKind::permission_denied, ""},  // in a transaction that reads only
    {1820, ErrorKind::permission_denied, ""},
    {1836, ErrorKind::permission_denied, ""},
    {1859, ErrorKind::already_exists, "unique_violation", "a row with this key is there already"},
    {1862, ErrorKind::permission_denied, ""},
    {1927, ErrorKind::unavailable, ""},  // the connection was killed
    {1969, ErrorKind::timeout, ""},      // max_statement_time
    {3024, ErrorKind::timeout, ""},      // max_execution_time
    {3140, ErrorKind::invalid_argument, "invalid_parameter", "text that is no JSON"},
    {3819, ErrorKind::conflict, "check_violation"},
    {3948, ErrorKind::permission_denied, ""},  // LOAD DATA LOCAL
    {4025, ErrorKind::conflict, "check_violation"},
    {4031, ErrorKind::unavailable, ""},        // idle for too long
    {4166, ErrorKind::permission_denied, ""},  // LOAD DATA LOCAL
};
static_assert(std::is_sorted(std::begin(table), std::end(table),
                             [](const Known& a, const Known& b) { return a.number < b.number; }));

struct KnownClass {
  std::string_view sqlstate;
  ErrorKind kind;
  std::string_view detail;
};
constexpr KnownClass classes[] = {
    {"08", ErrorKind::unavailable, ""},
    {"0A", ErrorKind::unsupported, ""},
    {"21", ErrorKind::invalid_argument, ""},
    {"22003", ErrorKind::invalid_argument, "out_of_range"},
    {"22", ErrorKind::invalid_argument, "invalid_parameter"},
    {"23", ErrorKind::conflict, ""},
    {"25006", ErrorKind::permission_denied, ""},
    {"25", ErrorKind::invalid_argument, ""},
    {"28", ErrorKind::permission_denied, ""},
    {"3D", ErrorKind::invalid_argument, ""},
    {"40", ErrorKind::conflict, ""},
    {"42S02", ErrorKind::invalid_argument, "undefined_table"},
    {"42", ErrorKind::invalid_argument, ""},
    {"44", ErrorKind::conflict, "check_violation"},
    {"45", ErrorKind::conflict, ""},
    {"70100", ErrorKind::cancelled, ""},
    {"XA", ErrorKind::conflict, ""},
};

/// `Duplicate entry '...' for key 'NAME'`: the name. Data may hold quotes; the name is at the end.
std::string_view key_of(std::string_view message) {
  static constexpr std::string_view before = "for key '";
  const std::size_t at = message.rfind(before);
  if (at == std::string_view::npos) return {};
  std::string_view rest = message.substr(at + before.size());
  return rest.substr(0, rest.find('\''));
}

}  // namespace

Error map_error(const wire::ServerError& error) {
  const auto known = std::lower_bound(std::begin(table), std::end(table), error.number,
                                      [](const Known& one, std::uint16_t number) { return one.number < number; });
  ErrorKind kind = ErrorKind::internal;
  std::string_view detail;
  std::string_view says;
  if (known != std::end(table) && known->number == error.number) {
    kind = known->kind;
    detail = known->detail;
    says = known->says;
  } else {
    const auto fits = [&](const KnownClass& one) { return std::string_view(error.sqlstate).starts_with(one.sqlstate); };
    const auto of = std::find_if(std::begin(classes), std::end(classes), fits);
    if (of != std::end(classes)) {
      kind = of->kind;
      detail = of->detail;
    }
  }
  Error out = Error(kind, says.empty() ? error.message : std::string(says))
                  .with_detail(std::string(detail))
                  .with("errno", std::to_string(error.number))
                  .with("sqlstate", error.sqlstate);
  if (detail == "unique_violation") {
    if (const std::string_view key = key_of(error.message); !key.empty())
      out = std::move(out).with("constraint", std::string(key));
  }
  return out;
}

unsigned number_of(const Error& error) noexcept {
  unsigned number = 0;
  for (const auto& [name, value] : error.context()) {
    if (name == "errno") std::from_chars(value.data(), value.data() + value.size(), number);
  }
  return number;
}

}  // namespace spikard::store::mysql
