// Bytes of a server, its values as JSON, logins and URLs: nothing crashes, and packets are the same however the bytes come.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "db/json_rows.hpp"
#include "db/mysql/types.hpp"
#include "store/mysql/auth.hpp"
#include "store/mysql/error.hpp"
#include "store/mysql/options.hpp"
#include "store/mysql/wire.hpp"

namespace {

using namespace spikard;
namespace wire = store::mysql::wire;

std::string packets(std::string_view bytes, std::size_t step) {
  wire::Reader reader(1U << 20U);
  std::string out;
  while (!bytes.empty()) {
    std::size_t size = 0;
    char* into = reader.room(size);
    const std::size_t count = std::min(std::min(size, step), bytes.size());
    bytes.copy(into, count);
    reader.filled(count);
    bytes.remove_prefix(count);
    std::string_view one;
    for (;;) {
      const auto next = reader.next(one);
      if (next == wire::Reader::Next::broken) return out + "!";
      if (next == wire::Reader::Next::more) break;
      out += one;
      out += '|';
      (void)store::mysql::map_error(wire::read_error(one));
      (void)wire::read_field(one, true);
      (void)wire::read_field(one, false);
      (void)wire::read_ok(one);
      (void)wire::read_eof(one);
      (void)wire::read_handshake(one);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (packets(bytes, size) != packets(bytes, 3)) __builtin_trap();
  (void)store::mysql::Options::from_url("mysql://" + std::string(bytes));
  const store::mysql::AuthContext auth{"password", "12345678901234567890", true};
  (void)store::mysql::auth_response(bytes, auth);
  (void)store::mysql::auth_continue("caching_sha2_password", bytes, auth);
  for (unsigned type = 0; type < 256; ++type) {
    if (type > 16 && type < 245) continue;
    for (const std::uint16_t charset : {wire::binary_charset, std::uint16_t{45}}) {
      wire::Field field;
      field.name = "v";
      field.type = static_cast<std::uint8_t>(type);
      field.charset = charset;
      field.flags = static_cast<std::uint16_t>(size % 2 == 0 ? wire::flag::is_unsigned : 0);
      field.length = static_cast<std::uint32_t>(1 + size % 3);
      field.json = size % 5 == 0;
      const store::mysql::Fields fields{field, field};
      const std::vector<db::Column> columns = db::mysql::columns_of(fields);
      db::JsonRows rows;
      rows.begin(columns);
      (void)db::mysql::write_row(std::string(2, '\0') + std::string(bytes), fields, rows);
      (void)db::mysql::write_row(bytes, fields, rows);
    }
  }
  return 0;
}
