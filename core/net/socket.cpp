#include "net/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace spikard::net {
namespace detail {
namespace {

class SocketTransport final : public Transport, private IoHandler, private Deferred {
 public:
  SocketTransport(Loop& loop, int fd, std::string peer, bool connecting)
      : loop_(loop), fd_(fd), connecting_(connecting), peer_(std::move(peer)) {}
  ~SocketTransport() { close(false); }

  Result<void> start(IoHandler* handler) override {
    handler_ = handler;
    return loop_.watch(fd_, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, this);
  }

  IoResult read(void* into, std::size_t room) override {
    if (fd_ < 0) return {IoStatus::error};
    if (connecting_) return {IoStatus::would_block};
    for (;;) {
      const ::ssize_t got = ::recv(fd_, into, room, 0);
      if (got > 0) {
        // The end may have come in the same event as these bytes, and then no other event tells it.
        if (ended_ && static_cast<std::size_t>(got) < room) loop_.defer(*this);
        return {IoStatus::ok, static_cast<std::size_t>(got)};
      }
      if (got == 0) return {room == 0 ? IoStatus::would_block : IoStatus::eof};
      if (errno == EINTR) continue;
      return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::would_block : IoStatus::error};
    }
  }

  IoResult write(const ::iovec* parts, int count) override {
    if (fd_ < 0) return {IoStatus::error};
    if (connecting_) return {IoStatus::would_block};
    ::msghdr message{};
    message.msg_iov = const_cast<::iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    for (;;) {
      // One part is the hot path, and send is cheaper than sendmsg.
      const ::ssize_t put =
          count == 1 ? ::send(fd_, parts->iov_base, parts->iov_len, MSG_NOSIGNAL) : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
      if (put >= 0) return {IoStatus::ok, static_cast<std::size_t>(put)};
      if (errno == EINTR) continue;
      return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::would_block : IoStatus::error};
    }
  }

  void shutdown_write() override {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
  }

  void close(bool reset) override {
    if (fd_ < 0) return;
    if (reset) {
      const ::linger now{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (handler_ != nullptr) loop_.forget(fd_, this);
    cancel_deferred();
    ::close(fd_);
    fd_ = -1;
  }

  const std::string& peer() const noexcept override { return peer_; }

 private:
  void on_io(std::uint32_t events) override {
    if (connecting_) {
      if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
      connecting_ = false;
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
    handler_->on_io(events);
  }
  void on_deferred() override { handler_->on_io(EPOLLIN | EPOLLRDHUP); }

  Loop& loop_;
  IoHandler* handler_ = nullptr;
  int fd_;
  bool connecting_;
  bool ended_ = false;
  std::string peer_;
};

}  // namespace

std::string address_text(const ::sockaddr_storage& address, ::socklen_t length) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const ::sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const ::sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& local = reinterpret_cast<const ::sockaddr_un&>(address);
  std::string out = "unix:";
  if (length > offsetof(::sockaddr_un, sun_path) && local.sun_path[0] != '\0') {
    out.append(local.sun_path, ::strnlen(local.sun_path, length - offsetof(::sockaddr_un, sun_path)));
  }
  return out;
}

Error socket_error(const char* what, const std::string& address) {
  const int code = errno;
  const ErrorKind kind = code == EADDRINUSE                        ? ErrorKind::already_exists
                         : code == EACCES || code == EPERM         ? ErrorKind::permission_denied
                         : code == EADDRNOTAVAIL || code == EINVAL ? ErrorKind::invalid_argument
                                                                   : ErrorKind::unavailable;
  return Error(kind, std::string(what) + " " + address + ": " + std::strerror(code)).with_operation("net.socket");
}

std::unique_ptr<Transport> socket_transport(Loop& loop, int fd, std::string peer, bool connecting) {
  return std::make_unique<SocketTransport>(loop, fd, std::move(peer), connecting);
}

}  // namespace detail

Result<std::unique_ptr<Transport>> connect(Loop& loop, const std::string& address) {
  std::string host = address;
  std::uint16_t port = 0;
  if (!address.starts_with("unix:")) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos) return invalid_argument("connect " + address + ": expected host:port or unix:/path");
    host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    unsigned long number = 0;
    for (const char c : address.substr(colon + 1)) {
      if (c < '0' || c > '9' || number > 65535)
        return invalid_argument("connect " + address + ": expected a port from 0 to 65535");
      number = number * 10 + static_cast<unsigned long>(c - '0');
    }
    if (number > 65535) return invalid_argument("connect " + address + ": expected a port from 0 to 65535");
    port = static_cast<std::uint16_t>(number);
  }
  auto target = detail::read_address(host, port, false);
  if (!target.ok()) return std::move(target).error();
  const auto& [storage, length] = *target;
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return detail::socket_error("socket", address);
  if (storage.ss_family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const bool pending = ::connect(fd, reinterpret_cast<const ::sockaddr*>(&storage), length) != 0;
  if (pending && errno != EINPROGRESS) {
    Error error = detail::socket_error("connect", address);
    ::close(fd);
    return error;
  }
  return detail::socket_transport(loop, fd, detail::address_text(storage, length), pending);
}

}  // namespace spikard::net
