// The placeholder tokenizer against SQLite's own: what SQLite compiles has as many parameters as we counted.
#include <sqlite3.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "store/placeholders.hpp"

using spikard::store::Dialect;
using spikard::store::ParameterShape;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

sqlite3* database() {
  static sqlite3* handle = [] {
    sqlite3* opened = nullptr;
    require(sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr) == SQLITE_OK);
    require(sqlite3_exec(opened, "CREATE TABLE t (a, b, c)", nullptr, nullptr, nullptr) == SQLITE_OK);
    return opened;
  }();
  return handle;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  for (const Dialect dialect : {Dialect::sqlite, Dialect::postgres, Dialect::mysql}) {
    (void)spikard::store::first_keyword(sql, dialect);
    std::size_t total = 0;
    for (std::string_view part : spikard::store::split_statements(sql, dialect)) total += part.size();
    require(total <= sql.size());
    for (const ParameterShape shape : {ParameterShape::list, ParameterShape::object}) {
      const auto bound = spikard::store::bind_placeholders(sql, dialect, shape);
      if (!bound.ok()) continue;
      require(bound->names.size() == (shape == ParameterShape::object ? bound->count : 0));
      for (std::uint32_t index : bound->order) require(index < bound->count);
      if (bound->count == 0 && sql.find("??") == std::string_view::npos) require(bound->sql == sql);
      if (dialect != Dialect::sqlite || bound->sql.find("??") != std::string::npos) continue;
      sqlite3_stmt* statement = nullptr;
      const char* tail = nullptr;
      const int code = sqlite3_prepare_v2(database(), bound->sql.data(), static_cast<int>(bound->sql.size()), &statement, &tail);
      // Only whole statements without parameters in SQLite's further forms, or a literal ? made of ??.
      const bool plain = bound->sql.find_first_of("@$#:") == std::string::npos && sql.find("??") == std::string_view::npos &&
                         (shape == ParameterShape::list || sql.find('?') == std::string_view::npos);
      if (code == SQLITE_OK && statement != nullptr && plain && tail == bound->sql.data() + bound->sql.size())
        require(static_cast<std::uint32_t>(sqlite3_bind_parameter_count(statement)) == bound->count);
      sqlite3_finalize(statement);
    }
  }
  return 0;
}
