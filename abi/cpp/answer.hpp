#pragma once

#include <exception>
#include <string>
#include <vector>

#include "http/sink.hpp"
#include "spikard/response.hpp"

namespace spikard::detail {

[[nodiscard]] std::string type_of(const std::exception& e);
/// exchange.fail with what is known of the exception.
void fail(http::Exchange& exchange, const std::exception_ptr& error);
/// Borrows from both.
[[nodiscard]] std::vector<http::HeaderField> fields_of(const Headers& a, const Headers& b = {});

}  // namespace spikard::detail
