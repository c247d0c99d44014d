#pragma once

#include <cstdint>

namespace spikard::store::postgres {

/// Object identifiers of PostgreSQL's own types (src/include/catalog/pg_type.dat): the same in every database.
namespace oid {
enum : std::uint32_t {
  boolean = 16,
  bytea = 17,
  character = 18,
  name = 19,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  object = 26,
  json = 114,
  xml = 142,
  float4 = 700,
  float8 = 701,
  unknown = 705,
  bpchar = 1042,
  varchar = 1043,
  date = 1082,
  time = 1083,
  timestamp = 1114,
  timestamptz = 1184,
  interval = 1186,
  timetz = 1266,
  numeric = 1700,
  uuid = 2950,
  jsonb = 3802,
};
}  // namespace oid

/// The type of an array's elements; 0 for what is no array of a type that we read.
[[nodiscard]] constexpr std::uint32_t element_of(std::uint32_t array) noexcept {
  switch (array) {
    case 1000: return oid::boolean;
    case 1001: return oid::bytea;
    case 1002: return oid::character;
    case 1003: return oid::name;
    case 1005: return oid::int2;
    case 1007: return oid::int4;
    case 1016: return oid::int8;
    case 1009: return oid::text;
    case 1028: return oid::object;
    case 199: return oid::json;
    case 143: return oid::xml;
    case 1021: return oid::float4;
    case 1022: return oid::float8;
    case 1014: return oid::bpchar;
    case 1015: return oid::varchar;
    case 1182: return oid::date;
    case 1183: return oid::time;
    case 1115: return oid::timestamp;
    case 1185: return oid::timestamptz;
    case 1187: return oid::interval;
    case 1270: return oid::timetz;
    case 1231: return oid::numeric;
    case 2951: return oid::uuid;
    case 3807: return oid::jsonb;
    default: return 0;
  }
}

/// Types that we ask for in their binary form; all others come as the text that psql shows.
[[nodiscard]] constexpr bool is_binary(std::uint32_t type) noexcept {
  switch (type) {
    case oid::boolean:
    case oid::bytea:
    case oid::character:
    case oid::name:
    case oid::int8:
    case oid::int2:
    case oid::int4:
    case oid::text:
    case oid::object:
    case oid::json:
    case oid::xml:
    case oid::float4:
    case oid::float8:
    case oid::bpchar:
    case oid::varchar:
    case oid::date:
    case oid::time:
    case oid::timestamp:
    case oid::timestamptz:
    case oid::interval:
    case oid::timetz:
    case oid::numeric:
    case oid::uuid:
    case oid::jsonb: return true;
    default: return element_of(type) != 0;
  }
}

}  // namespace spikard::store::postgres
