#include "net/service_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <system_error>

namespace spikard::net {

Result<std::unique_ptr<ServiceThread>> ServiceThread::start(Clock& clock, const std::string& name) {
  std::unique_ptr<ServiceThread> service(new ServiceThread);
  auto loop = Loop::create(clock);
  if (!loop.ok()) return std::move(loop).error();
  service->loop_ = std::move(*loop);
  // Signals belong to the host's threads; a thread inherits the mask of the one that makes it.
  ::sigset_t all;
  ::sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    service->thread_ = std::thread([loop = service->loop_.get()] { loop->run(); });
  } catch (const std::system_error& error) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return Error(ErrorKind::unavailable, std::string("service thread: ") + error.what()).with_operation("net.service_thread");
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(service->thread_.native_handle(), name.substr(0, 15).c_str());
  return service;
}

void ServiceThread::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

}  // namespace spikard::net
