// Content-Type and Cookie: views stay inside, what is built can be parsed back.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/cookies.hpp"
#include "http/h1/request_parser.hpp"
#include "http/media_type.hpp"

using namespace spikard::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto inside = [&](std::string_view v) {
    if (!v.empty() && (v.data() < input.data() || v.data() + v.size() > input.data() + input.size())) std::abort();
  };
  if (const auto type = parse_media_type(input)) {
    for (const std::string_view v : {type->type, type->subtype, type->charset, type->boundary}) inside(v);
    if (!h1::is_token(type->type) || !h1::is_token(type->subtype)) std::abort();
    const std::string name = std::string(type->type) + "/" + std::string(type->subtype);
    if (!accepts(name, *type) || !accepts("*/*", *type) || !parse_media_type(name)) std::abort();
    if (type->is_json() && !accepts("application/json", *type)) std::abort();
  }
  CookiePairs pairs(input);
  for (CookiePair pair; pairs.next(pair);) {
    inside(pair.name);
    inside(pair.value);
    Cookie cookie;
    cookie.name = pair.name;
    cookie.value = pair.value;
    const auto made = set_cookie(cookie);
    if (!made.ok()) continue;
    if (!h1::is_field_value(*made)) std::abort();
    CookiePairs again(*made);
    CookiePair back;
    if (!again.next(back) || back.name != cookie.name) std::abort();
  }
  return 0;
}
