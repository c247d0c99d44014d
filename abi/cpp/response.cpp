#include "spikard/response.hpp"

#include <stdexcept>

#include "http/cookies.hpp"
#include "http/problem.hpp"
#include "spikard/context.hpp"

namespace spikard {
namespace {

std::string cookie_line(const SetCookie& cookie) {
  http::Cookie line;
  line.name = cookie.name;
  line.value = cookie.value;
  line.max_age = cookie.max_age;
  line.domain = cookie.domain;
  line.path = cookie.path;
  if (!cookie.same_site.empty()) {
    const char c = static_cast<char>(cookie.same_site[0] | 0x20);
    if (cookie.same_site.size() < 3 || (c != 's' && c != 'l' && c != 'n'))
      throw std::invalid_argument("SameSite is Strict, Lax or None");
    line.same_site = c == 's' ? http::SameSite::strict : c == 'l' ? http::SameSite::lax : http::SameSite::none;
  }
  line.secure = cookie.secure;
  line.http_only = cookie.http_only;
  auto text = http::set_cookie(line);
  if (!text.ok()) throw std::invalid_argument(text.error().message());
  return std::move(text).value();
}

}  // namespace

Response Response::cookie(const SetCookie& cookie) && {
  headers.emplace_back("set-cookie", cookie_line(cookie));
  return std::move(*this);
}

void Context::set_cookie(const SetCookie& cookie) { set_header("set-cookie", cookie_line(cookie)); }

void Problem::add_extension(std::string_view key, const std::string& json) {
  NodeBuilder members;
  members.begin_object();
  if (!extensions.empty()) {
    for (const auto& [name, value] : extensions.root().members()) {
      if (name == key) continue;
      members.key(name);
      members.copy(value);
    }
  }
  members.key(key);
  auto value = json::parse(json);
  if (value.ok()) members.copy(value->root());
  else members.null();
  members.end();
  extensions = Json(std::move(members));
}

Response Problem::response(std::string_view base) const {
  NodeBuilder members;
  members.begin_object();
  const auto text = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    members.key(key);
    members.string(value);
  };
  text("type", type.find(':') == std::string::npos && !type.empty() ? std::string(base) + type : type);
  text("title", title);
  members.key("status");
  members.integer(status);
  text("detail", detail);
  text("instance", instance);
  if (!extensions.empty() && extensions.root().is_object()) {
    for (const auto& [name, value] : extensions.root().members()) {
      if (name == "type" || name == "title" || name == "status" || name == "detail" || name == "instance") continue;
      members.key(name);
      members.copy(value);
    }
  }
  members.end();
  Response response;
  response.format = http::BodyFormat::json;
  response.headers = headers;
  response.headers.emplace_back("content-type", http::problem_media_type);
  const auto written = http::append_custom_problem(response.body, members.root());
  SPIKARD_ASSERT(written.ok(), "the standard members have their types");
  response.status = *written;
  return response;
}

std::optional<std::string_view> Hook::response_header(std::string_view name) const noexcept {
  for (const http::HeaderField& field : exchange_.response_headers()) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

}  // namespace spikard
