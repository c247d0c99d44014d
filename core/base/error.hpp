#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_kind.gen.hpp"

namespace spikard {

/// What went wrong, in the terms of spec/errors.yaml. Callers branch on `kind()` (and `detail()` where they must be finer);
/// nobody parses messages. Cheap to move; copying shares nothing. Never holds a secret: redact before you make one.
class Error {
 public:
  Error(ErrorKind kind, std::string message) : data_(std::make_unique<Data>()) {
    data_->kind = kind;
    data_->message = std::move(message);
    data_->retry = default_retry(kind);
  }
  Error(const Error& other) : data_(std::make_unique<Data>(*other.data_)) {}
  Error& operator=(const Error& other) {
    if (this != &other) data_ = std::make_unique<Data>(*other.data_);
    return *this;
  }
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  [[nodiscard]] ErrorKind kind() const noexcept { return data_->kind; }
  /// A finer code from spec/errors.yaml (`invalid_key`, `unique_violation`, ...), or empty.
  [[nodiscard]] const std::string& detail() const noexcept { return data_->detail; }
  [[nodiscard]] RetryClass retry() const noexcept { return data_->retry; }
  [[nodiscard]] const std::string& message() const noexcept { return data_->message; }
  /// The operation that failed (`storage.read`), or empty.
  [[nodiscard]] const std::string& operation() const noexcept { return data_->operation; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& context() const noexcept { return data_->context; }

  Error&& with_detail(std::string detail) && {
    data_->detail = std::move(detail);
    return std::move(*this);
  }
  Error&& with_retry(RetryClass retry) && {
    data_->retry = retry;
    return std::move(*this);
  }
  Error&& with_operation(std::string operation) && {
    data_->operation = std::move(operation);
    return std::move(*this);
  }
  Error&& with(std::string key, std::string value) && {
    data_->context.emplace_back(std::move(key), std::move(value));
    return std::move(*this);
  }

  /// `kind/detail: message (operation; key=value, ...)`, for logs.
  [[nodiscard]] std::string to_string() const;

 private:
  struct Data {
    ErrorKind kind{};
    RetryClass retry{};
    std::string detail;
    std::string message;
    std::string operation;
    std::vector<std::pair<std::string, std::string>> context;
  };
  std::unique_ptr<Data> data_;
};

[[nodiscard]] inline Error invalid_argument(std::string message) { return {ErrorKind::invalid_argument, std::move(message)}; }
[[nodiscard]] inline Error internal_error(std::string message) { return {ErrorKind::internal, std::move(message)}; }

}  // namespace spikard
