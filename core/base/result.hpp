#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "base/assert.hpp"
#include "base/error.hpp"

namespace spikard {

/// A value or an Error. Everything a caller may meet in normal running comes back as one of these; exceptions are for
/// programming errors only. Reading `value()` of a failed result is such an error.
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & {
    SPIKARD_ASSERT(ok(), "the caller checked ok()");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    SPIKARD_ASSERT(ok(), "the caller checked ok()");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    SPIKARD_ASSERT(ok(), "the caller checked ok()");
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] Error& error() & {
    SPIKARD_ASSERT(!ok(), "the caller checked ok()");
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] const Error& error() const& {
    SPIKARD_ASSERT(!ok(), "the caller checked ok()");
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] Error&& error() && {
    SPIKARD_ASSERT(!ok(), "the caller checked ok()");
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() noexcept = default;
  Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return error_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] const Error& error() const& {
    SPIKARD_ASSERT(!ok(), "the caller checked ok()");
    return *std::get_if<1>(&error_);
  }
  [[nodiscard]] Error&& error() && {
    SPIKARD_ASSERT(!ok(), "the caller checked ok()");
    return std::move(*std::get_if<1>(&error_));
  }

 private:
  std::variant<std::monostate, Error> error_;
};

}  // namespace spikard

/// Returns the error of `expr` (a Result) from the enclosing function, which returns a Result as well.
#define SPIKARD_TRY(expr)                                       \
  do {                                                          \
    if (auto spikard_result_ = (expr); !spikard_result_.ok()) { \
      return std::move(spikard_result_).error();                \
    }                                                           \
  } while (false)
