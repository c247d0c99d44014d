#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "net/service_thread.hpp"
#include "proxy.hpp"

namespace spikard::contract {

/// A proxy that goes on while this thread waits.
class ProxyThread {
 public:
  explicit ProxyThread(const std::string& upstream) : thread_(net::ServiceThread::start(clock_, "proxy").value()) {
    run([&] { proxy_ = std::make_unique<Proxy>(thread_->loop(), upstream); });
  }
  ~ProxyThread() {
    run([&] { proxy_.reset(); });
  }
  [[nodiscard]] std::string address() const { return proxy_->address(); }
  void cut_after(std::uint64_t bytes) {
    run([&] { proxy_->cut_after(bytes); });
  }
  [[nodiscard]] std::size_t cuts() {
    std::size_t out = 0;
    run([&] { out = proxy_->cuts(); });
    return out;
  }

 private:
  void run(const std::function<void()>& what) {
    std::promise<void> promise;
    thread_->loop().post([&] {
      what();
      promise.set_value();
    });
    promise.get_future().wait();
  }
  RealClock clock_;
  std::unique_ptr<net::ServiceThread> thread_;
  std::unique_ptr<Proxy> proxy_;
};

}  // namespace spikard::contract
