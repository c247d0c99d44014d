// Bytes of a server, its values as JSON, SCRAM and URLs: nothing crashes, and messages are the same however the bytes come.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "db/json_rows.hpp"
#include "db/postgres/types.hpp"
#include "store/postgres/error.hpp"
#include "store/postgres/options.hpp"
#include "store/postgres/scram.hpp"
#include "store/postgres/types.hpp"
#include "store/postgres/wire.hpp"

namespace {

using namespace spikard;
namespace wire = store::postgres::wire;

std::string messages(std::string_view bytes, std::size_t step) {
  wire::Reader reader(1U << 20U);
  std::string out;
  while (!bytes.empty()) {
    std::size_t size = 0;
    char* into = reader.room(size);
    const std::size_t count = std::min(std::min(size, step), bytes.size());
    bytes.copy(into, count);
    reader.filled(count);
    bytes.remove_prefix(count);
    wire::Message one;
    for (;;) {
      const auto next = reader.next(one);
      if (next == wire::Reader::Next::broken) return out + "!";
      if (next == wire::Reader::Next::more) break;
      out += one.type;
      out += one.body;
      (void)store::postgres::map_error(wire::read_error(one.body));
      (void)wire::read_fields(one.body);
      (void)wire::read_parameters(one.body);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (messages(bytes, size) != messages(bytes, 3)) __builtin_trap();
  (void)store::postgres::Options::from_url("postgres://" + std::string(bytes));
  store::postgres::Scram scram("password", "nonce");
  if (bytes.find("i=") == std::string_view::npos) (void)scram.answer(bytes);  // the rounds cost time
  (void)scram.verify(bytes);
  static constexpr std::uint32_t types[] = {16,   17,   18,   19,   20,   21,   23,   25,   26,   114,  142,  700,
                                            701,  1042, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3802, 1000,
                                            1001, 1005, 1007, 1009, 1016, 1022, 1182, 1231, 2951, 3807, 99999};
  std::string row;
  wire::Writer writer(row);
  writer.u16(1);
  writer.u32(static_cast<std::uint32_t>(size));
  writer.bytes(bytes);
  for (const std::uint32_t type : types) {
    const std::vector<wire::Field> fields{{"v", type}};
    const std::vector<db::Column> columns{{"v", db::postgres::column_type(type)}};
    db::JsonRows rows;
    rows.begin(columns);
    (void)db::postgres::write_row(row, fields, rows);
    (void)db::postgres::write_row(bytes, fields, rows);
  }
  return 0;
}
