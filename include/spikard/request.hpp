#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/node.hpp"
#include "http/record.hpp"
#include "http/sink.hpp"

namespace spikard {

/// What the client sent. A view: valid until the handler has answered; copy what must live longer.
class Request {
 public:
  explicit Request(const http::Exchange& exchange) noexcept : exchange_(&exchange) {}

  [[nodiscard]] std::uint64_t id() const noexcept { return exchange_->id(); }
  [[nodiscard]] http::Method method() const noexcept { return record().method; }
  /// As sent, not decoded, without the query.
  [[nodiscard]] std::string_view path() const noexcept { return record().text(record().path); }
  [[nodiscard]] std::string_view query_string() const noexcept { return record().text(record().query); }
  [[nodiscard]] std::string_view peer() const noexcept { return record().text(record().peer); }
  /// The raw body, when it was buffered.
  [[nodiscard]] std::string_view body() const noexcept { return record().text(record().body); }
  /// The first header of that name (lower case), or nothing.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
    for (const http::ViewPair* h = record().header_begin(); h != record().header_end(); ++h) {
      if (record().text(h->name) == name) return record().text(h->value);
    }
    return std::nullopt;
  }
  /// The validated body (JSON or form) with defaults filled in; does not exist when there is none.
  [[nodiscard]] Value json() const noexcept { return record().value(record().json); }
  /// Who it is: `{method, claims | user}`; does not exist where nobody had to say.
  [[nodiscard]] Value auth() const noexcept { return record().value(record().auth); }
  /// What hooks have set: an object, or it does not exist.
  [[nodiscard]] Value context() const noexcept { return record().value(record().context); }
  /// The declared parameters one after the other, in the order of the route's declaration: the first; go on with `next_of`.
  [[nodiscard]] Value first_parameter() const noexcept { return record().value(record().params); }
  [[nodiscard]] Value parameter(std::size_t index) const noexcept {
    Value v = first_parameter();
    while (index-- > 0) v = Value(v.ptr()->next(), v.base());
    return v;
  }
  /// Tokens of the injected dependencies, in the order of `inject`.
  [[nodiscard]] const std::uint64_t* dependencies() const noexcept {
    return reinterpret_cast<const std::uint64_t*>(record().base() + record().deps.off);
  }
  [[nodiscard]] const http::RequestRecord& record() const noexcept { return exchange_->record(); }

 private:
  const http::Exchange* exchange_;
};

}  // namespace spikard
