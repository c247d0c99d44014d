#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/socket.hpp"
#include "net/transport.hpp"

namespace spikard::net {
namespace detail {
namespace {

constexpr int accepts_a_turn = 64;

class SocketListener final : public Listener, private IoHandler {
 public:
  SocketListener(int fd, std::string address) : fd_(fd), address_(std::move(address)), spare_(open_spare()) {}
  ~SocketListener() { close(); }

  Result<void> start(Loop& loop, Accept accept) override {
    if (fd_ < 0) return invalid_argument("start: the listener is closed");
    loop_ = &loop;
    accept_ = std::move(accept);
    resume_ = std::make_unique<Timer>(loop, [this] {
      if (fd_ >= 0) (void)loop_->rewatch(fd_, EPOLLIN, this);
    });
    // Level-triggered, so that a bound on accepts a turn loses nothing.
    return loop.watch(fd_, EPOLLIN, this);
  }

  void drain() override {
    while (fd_ >= 0 && accept_one()) {
    }
    close();
  }

  void close() override {
    if (fd_ >= 0) {
      if (loop_ != nullptr) loop_->unwatch(fd_, this);  // a UNIX listener is shared, so closing does not take it out of epoll
      ::close(fd_);
      fd_ = -1;
    }
    if (spare_ >= 0) ::close(spare_);
    spare_ = -1;
    resume_.reset();
  }

  std::string address() const override { return address_; }

 private:
  static int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

  void on_io(std::uint32_t) override {
    for (int i = 0; i < accepts_a_turn && fd_ >= 0 && accept_one(); ++i) {
    }
  }

  // False when there is none left (or none can be had now).
  bool accept_one() {
    for (;;) {
      ::sockaddr_storage peer{};
      ::socklen_t length = sizeof peer;
      const int fd = ::accept4(fd_, reinterpret_cast<::sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        if (peer.ss_family != AF_UNIX) {
          const int on = 1;
          ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        accept_(socket_transport(*loop_, fd, address_text(peer, length), false));
        return true;
      }
      switch (errno) {
        case EINTR: continue;
        // The connection died in the queue (accept(2), "Error handling").
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH: continue;
        case EMFILE:
        case ENFILE: return shed();
        case ENOBUFS:
        case ENOMEM: pause(); return false;
        default: return false;
      }
    }
  }

  // No descriptor left: with the spare one the connection is taken and closed at once, so that its peer learns it, and the loop
  // does not spin.
  bool shed() {
    if (spare_ < 0) {
      pause();
      return false;
    }
    ::close(spare_);
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    spare_ = open_spare();
    if (fd < 0 && errno != EAGAIN) pause();
    return fd >= 0;
  }

  void pause() {
    (void)loop_->rewatch(fd_, 0, this);
    resume_->start(std::chrono::milliseconds(50));
    if (spare_ < 0) spare_ = open_spare();
  }

  Loop* loop_ = nullptr;
  Accept accept_;
  int fd_;
  std::string address_;
  int spare_;
  std::unique_ptr<Timer> resume_;
};

int open_socket(const ::sockaddr_storage& address, ::socklen_t length, bool reuse_port) {
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  if (address.ss_family != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(fd, reinterpret_cast<const ::sockaddr*>(&address), length) != 0) {
    const int code = errno;
    ::close(fd);
    errno = code;
    return -1;
  }
  return fd;
}

// A socket file that nobody listens on any more is in the way of a new one.
void remove_stale(const ::sockaddr_storage& address, ::socklen_t length) {
  const char* path = reinterpret_cast<const ::sockaddr_un&>(address).sun_path;
  struct ::stat status{};
  if (::lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const bool refused = ::connect(fd, reinterpret_cast<const ::sockaddr*>(&address), length) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  if (refused) ::unlink(path);
}

}  // namespace

std::unique_ptr<Listener> socket_listener(int fd, std::string address) {
  return std::make_unique<SocketListener>(fd, std::move(address));
}

Result<std::pair<::sockaddr_storage, ::socklen_t>> read_address(const std::string& host, std::uint16_t port, bool names) {
  ::sockaddr_storage storage{};
  if (host.starts_with("unix:")) {
    auto& local = reinterpret_cast<::sockaddr_un&>(storage);
    const std::string path = host.substr(5);
    if (path.empty() || path.size() >= sizeof local.sun_path || path.find('\0') != std::string::npos) {
      return invalid_argument("address " + host + ": expected unix: and a path of 1 to " +
                              std::to_string(sizeof local.sun_path - 1) + " bytes");
    }
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
    return std::pair(storage, static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size() + 1));
  }
  ::addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | (names ? 0 : AI_NUMERICHOST);
  std::string bare = host;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  ::addrinfo* found = nullptr;
  if (bare.empty() || ::getaddrinfo(bare.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || found == nullptr) {
    return invalid_argument("address '" + host + "': expected an IPv4 or IPv6 address" +
                            (names ? ", a name that resolves," : "") + " or unix:/path");
  }
  std::memcpy(&storage, found->ai_addr, found->ai_addrlen);
  const ::socklen_t length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return std::pair(storage, length);
}

}  // namespace detail

Result<ReservedAddress> ReservedAddress::reserve(const ListenOptions& options) {
  auto read = detail::read_address(options.address, options.port, true);
  if (!read.ok()) return std::move(read).error();
  auto& [storage, length] = *read;
  ReservedAddress reserved;
  reserved.options_ = options;
  const bool local = storage.ss_family == AF_UNIX;
  if (local) detail::remove_stale(storage, length);
  const std::string wanted = local ? options.address : options.address + ":" + std::to_string(options.port);
  if (!local && options.reuse_port && options.port != 0) {
    // SO_REUSEPORT would let a second program of the same user share the port unnoticed, each getting a part of the connections:
    // a socket without it tells.
    const int probe = detail::open_socket(storage, length, false);
    if (probe < 0) return detail::socket_error("bind", wanted);
    ::close(probe);
  }
  reserved.fd_ = detail::open_socket(storage, length, options.reuse_port);
  if (reserved.fd_ < 0) return detail::socket_error("bind", wanted);
  reserved.owner_ = static_cast<int>(::getpid());
  ::sockaddr_storage bound{};
  ::socklen_t bound_length = sizeof bound;
  if (::getsockname(reserved.fd_, reinterpret_cast<::sockaddr*>(&bound), &bound_length) != 0)
    return detail::socket_error("getsockname", wanted);
  reserved.address_ = detail::address_text(bound, bound_length);
  if (bound.ss_family == AF_INET) reserved.port_ = ntohs(reinterpret_cast<const ::sockaddr_in&>(bound).sin_port);
  if (bound.ss_family == AF_INET6) reserved.port_ = ntohs(reinterpret_cast<const ::sockaddr_in6&>(bound).sin6_port);
  return reserved;
}

Result<std::unique_ptr<Listener>> ReservedAddress::listen() const {
  int fd = -1;
  if (options_.address.starts_with("unix:") || !options_.reuse_port) {
    // One socket, shared by all who listen: each loop polls it, and whoever comes first accepts.
    fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  } else {
    auto read = detail::read_address(options_.address, port_, true);
    if (!read.ok()) return std::move(read).error();
    fd = detail::open_socket(read->first, read->second, true);
  }
  if (fd < 0) return detail::socket_error("bind", address_);
  if (::listen(fd, options_.backlog) != 0) {
    Error error = detail::socket_error("listen", address_);
    ::close(fd);
    return error;
  }
  return detail::socket_listener(fd, address_);
}

void ReservedAddress::release() noexcept {
  if (fd_ < 0) return;
  if (options_.address.starts_with("unix:") && owner_ == static_cast<int>(::getpid())) ::unlink(options_.address.c_str() + 5);
  ::close(fd_);
  fd_ = -1;
}

ReservedAddress::ReservedAddress(ReservedAddress&& other) noexcept
    : options_(std::move(other.options_)),
      address_(std::move(other.address_)),
      port_(other.port_),
      fd_(std::exchange(other.fd_, -1)),
      owner_(other.owner_) {}

ReservedAddress& ReservedAddress::operator=(ReservedAddress&& other) noexcept {
  if (this != &other) {
    release();
    options_ = std::move(other.options_);
    address_ = std::move(other.address_);
    port_ = other.port_;
    fd_ = std::exchange(other.fd_, -1);
    owner_ = other.owner_;
  }
  return *this;
}

ReservedAddress::~ReservedAddress() { release(); }

}  // namespace spikard::net
