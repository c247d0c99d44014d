#include "spikard/response.hpp"

#include <stdexcept>

#include "http/problem.hpp"
#include "spikard/context.hpp"

namespace spikard {

JsonOut& JsonOut::scratch() {
  thread_local JsonOut out;
  out.clear();
  return out;
}

void JsonOut::grow(std::size_t n) {
  const std::size_t used = size();
  std::size_t room = begin_ == nullptr ? 1024 : 2 * static_cast<std::size_t>(end_ - begin_.get());
  while (room < used + n) room *= 2;
  std::unique_ptr<char[]> bigger(new char[room]);
  if (used > 0) std::memcpy(bigger.get(), begin_.get(), used);
  begin_ = std::move(bigger);
  at_ = begin_.get() + used;
  end_ = begin_.get() + room;
}

namespace detail {
void write_json_value(JsonOut& out, Value v) { out.raw(json::to_string(v)); }
}  // namespace detail

namespace {
std::string cookie_line(const SetCookie& cookie) {
  auto line = http::set_cookie(cookie);
  if (!line.ok()) throw std::invalid_argument(line.error().message());
  return std::move(line).value();
}
}  // namespace

Response&& Response::cookie(const SetCookie& cookie) && {
  headers.emplace_back("set-cookie", cookie_line(cookie));
  return std::move(*this);
}

void Context::set_cookie(const SetCookie& cookie) { headers_.emplace_back("set-cookie", cookie_line(cookie)); }

Response Problem::response() const {
  NodeBuilder members;
  members.begin_object();
  members.key("type"), members.string(type);
  if (!title.empty()) members.key("title"), members.string(title);
  members.key("status"), members.integer(status);
  if (!detail.empty()) members.key("detail"), members.string(detail);
  if (!instance.empty()) members.key("instance"), members.string(instance);
  if (!extensions.empty() && extensions.root().is_object()) {
    for (const auto& [key, value] : extensions.root().members()) {
      members.key(key);
      members.copy(value);
    }
  }
  members.end();
  Response response;
  auto code = http::append_custom_problem(response.body, members.root());
  response.status = code.ok() ? *code : 500;
  response.headers = headers;
  response.headers.emplace_back("content-type", std::string(http::problem_media_type));
  return response;
}

}  // namespace spikard
