#include "app/signals.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>
#include <cstring>

namespace spikard::app {

struct Signals::Mask {
  sigset_t set;
};

Result<std::unique_ptr<Signals>> Signals::block() {
  std::unique_ptr<Signals> self(new Signals);
  self->old_ = std::make_unique<Mask>();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (const int rc = pthread_sigmask(SIG_BLOCK, &set, &self->old_->set); rc != 0) {
    return internal_error(std::string("pthread_sigmask: ") + std::strerror(rc));
  }
  self->fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (self->fd_ < 0) return internal_error(std::string("signalfd: ") + std::strerror(errno));
  return self;
}

Signals::~Signals() {
  if (fd_ >= 0) ::close(fd_);
  if (old_ != nullptr) pthread_sigmask(SIG_SETMASK, &old_->set, nullptr);
}

Result<void> Signals::watch(net::Loop& loop, Function<void(int)> fn) {
  loop_ = &loop;
  fn_ = std::move(fn);
  return loop.watch(fd_, EPOLLIN, this);
}

void Signals::unwatch() {
  if (loop_ == nullptr) return;
  loop_->unwatch(fd_, this);
  loop_ = nullptr;
}

void Signals::on_io(std::uint32_t) {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) fn_(static_cast<int>(info.ssi_signo));
}

}  // namespace spikard::app
