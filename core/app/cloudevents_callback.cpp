#include "app/cloudevents_callback.hpp"

#include <chrono>

namespace spikard::app {

Task<> grant_by_callback(net::Loop& loop, std::shared_ptr<HttpClients> http, std::string url, std::string allowed_rate,
                         log::Logger& logger) {
  const std::size_t host = url.find("//") + 2;
  const std::string shown = url.substr(0, url.find_first_of("/?#", host));
  std::string why;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (attempt > 0) {
      const Result<void> slept = co_await net::sleep(loop, std::chrono::seconds(attempt));
      if (!slept.ok()) break;
    }
    net::http::Request request("GET", url);
    request.headers.emplace_back("webhook-allowed-rate", allowed_rate);
    request.timeout = std::chrono::seconds(10);
    const Result<net::http::Response> response = co_await http->of(loop).send(std::move(request));
    if (response.ok() && response->status >= 200 && response->status < 300) {
      logger.info("events granted by callback", {{"callback", shown}});
      co_return;
    }
    why = response.ok() ? "status " + std::to_string(response->status) : response.error().message();
  }
  logger.warn("events not granted: the callback failed", {{"callback", shown}, {"error", why}});
}

}  // namespace spikard::app
