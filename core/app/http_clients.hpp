#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "net/http_client/client.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// The application's outbound HTTP: one client a loop, made when it is first asked for. `of` and `forget` on the loop's thread;
/// whoever owns a loop calls `forget` before it goes.
class HttpClients {
 public:
  explicit HttpClients(net::http::ClientOptions options = {}) : options_(std::move(options)) {}

  [[nodiscard]] net::http::Client& of(net::Loop& loop) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<net::http::Client>& client = clients_[&loop];
    if (client == nullptr) client = std::make_unique<net::http::Client>(loop, options_);
    return *client;
  }
  void forget(net::Loop& loop) {
    std::unique_ptr<net::http::Client> gone;  // closed outside the lock
    const std::lock_guard lock(mutex_);
    const auto found = clients_.find(&loop);
    if (found == clients_.end()) return;
    gone = std::move(found->second);
    clients_.erase(found);
  }

 private:
  const net::http::ClientOptions options_;
  std::mutex mutex_;
  std::map<net::Loop*, std::unique_ptr<net::http::Client>> clients_;
};

}  // namespace spikard::app
