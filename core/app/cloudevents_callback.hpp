#pragma once

#include <memory>
#include <string>

#include "app/http_clients.hpp"
#include "base/log.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// Grants a webhook handshake by its callback (http-webhook.md 4.1.3): GET of `url` with WebHook-Allowed-Rate, three tries. What
/// becomes of it is logged, without the URL's path and query, which hold its secret.
[[nodiscard]] Task<> grant_by_callback(net::Loop& loop, std::shared_ptr<HttpClients> http, std::string url,
                                       std::string allowed_rate, log::Logger& logger);

}  // namespace spikard::app
