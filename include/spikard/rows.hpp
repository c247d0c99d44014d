#pragma once

#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "db/client.hpp"
#include "spikard/context.hpp"
#include "spikard/response.hpp"

namespace spikard {

struct RowsOptions {
  RowsOptions() = default;
  std::string client = "default";  ///< of `services.db`
  std::uint16_t status = 200;
  bool ndjson = false;  ///< one row a line instead of a JSON array
  Headers headers{};
};

/// The rows of a statement as the answer of a handler, as JSON from the database to the connection without objects between, read
/// as fast as the client takes them:
///
///     app.get("/orders", [](Context& ctx) { return rows(ctx, "SELECT id, total FROM orders ORDER BY id"); });
///
/// Few rows go out whole, with Content-Length; more are chunked. An error before the first byte becomes a problem (a statement
/// that cannot be is the application's fault: 500), after it the answer is cut off.
[[nodiscard]] Task<Result<AnyResponse>> rows(const Context& context, std::string sql, Document params = {},
                                             RowsOptions options = {});

}  // namespace spikard
