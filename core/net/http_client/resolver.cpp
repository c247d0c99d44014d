#include "net/http_client/resolver.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "net/await.hpp"
#include "net/socket.hpp"

namespace spikard::net {
namespace {

constexpr std::size_t max_kept = 256;
constexpr int max_ttl_s = 60;

std::optional<std::vector<std::string>> known_address(const std::string& host, std::uint16_t port) {
  const std::string end = ":" + std::to_string(port);
  ::in6_addr six{};
  ::in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return std::vector<std::string>{host + end};
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return std::vector<std::string>{"[" + host + "]" + end};
  // RFC 6761, 6.3: never asked of a server.
  if (host == "localhost" || host.ends_with(".localhost")) return std::vector<std::string>{"127.0.0.1" + end, "[::1]" + end};
  return std::nullopt;
}

}  // namespace

struct Resolver::Impl {
  struct Socket final : IoHandler {
    Socket(Impl& of, ares_socket_t of_fd) : impl(of), fd(of_fd) {}
    void on_io(std::uint32_t events) override {
      const bool in = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
      const bool out = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
      impl.process(in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
    }
    Impl& impl;
    ares_socket_t fd;
  };

  /// One question, shared by those who ask the same at the same time and by c-ares.
  struct Query {
    Query(Loop& loop, Impl* of) : impl(of), answered(loop) {}
    Impl* impl;  // null once the resolver is gone
    Event answered;
    std::string host;
    std::vector<std::string> addresses;  // without ports
    std::string failure;
  };
  struct Kept {
    std::vector<std::string> addresses;
    Instant until;
  };

  explicit Impl(Loop& of) : loop(of), timer(of, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}

  [[nodiscard]] Result<void> open() {
    if (channel != nullptr) return {};
    ares_options options{};
    options.timeout = 2000;
    options.tries = 2;
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int in, int out) {
      static_cast<Impl*>(self)->watch(fd, in != 0, out != 0);
    };
    const int status = ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS) return {};
    channel = nullptr;
    return Error(ErrorKind::unavailable, std::string("the resolver cannot start: ") + ares_strerror(status))
        .with_operation("net.dns");
  }

  void close() {
    if (channel == nullptr) return;
    ares_destroy(std::exchange(channel, nullptr));  // ends all queries
    timer.stop();
    for (auto& [fd, socket] : sockets) loop.unwatch(fd, socket.get());
    sockets.clear();
    buried.clear();
  }

  void watch(ares_socket_t fd, bool in, bool out) {
    const auto at = sockets.find(fd);
    if (!in && !out) {
      if (at == sockets.end()) return;
      loop.unwatch(fd, at->second.get());
      buried.push_back(std::move(at->second));  // it may be the one that is called now
      sockets.erase(at);
      return;
    }
    const std::uint32_t events = (in ? std::uint32_t{EPOLLIN} : 0U) | (out ? std::uint32_t{EPOLLOUT} : 0U);
    if (at != sockets.end()) {
      (void)loop.rewatch(fd, events, at->second.get());
    } else {
      auto socket = std::make_unique<Socket>(*this, fd);
      if (loop.watch(fd, events, socket.get()).ok()) sockets.emplace(fd, std::move(socket));
    }
  }

  void process(ares_socket_t in, ares_socket_t out) {
    if (channel == nullptr) return;
    ares_process_fd(channel, in, out);
    arm();
  }

  void arm() {
    if (channel == nullptr) return;
    ::timeval most{5, 0};
    ::timeval next{};
    const ::timeval* after = ares_timeout(channel, &most, &next);
    if (queries.empty()) return timer.stop();
    timer.start(std::chrono::seconds(after->tv_sec) + std::chrono::microseconds(after->tv_usec) + std::chrono::milliseconds(1));
  }

  static void answered(void* data, int status, int, ares_addrinfo* info) {
    const std::unique_ptr<std::shared_ptr<Query>> owned(static_cast<std::shared_ptr<Query>*>(data));
    const std::shared_ptr<Query> query = *owned;
    int ttl = max_ttl_s;
    if (status == ARES_SUCCESS && info != nullptr) {
      for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
        char text[INET6_ADDRSTRLEN] = "";
        if (node->ai_family == AF_INET) {
          ::sockaddr_in four{};
          std::memcpy(&four, node->ai_addr, std::min<std::size_t>(sizeof four, node->ai_addrlen));
          ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
          query->addresses.emplace_back(text);
        } else if (node->ai_family == AF_INET6) {
          ::sockaddr_in6 six{};
          std::memcpy(&six, node->ai_addr, std::min<std::size_t>(sizeof six, node->ai_addrlen));
          ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
          query->addresses.push_back("[" + std::string(text) + "]");
        } else {
          continue;
        }
        ttl = std::clamp(node->ai_ttl, 1, ttl);
      }
    }
    if (info != nullptr) ares_freeaddrinfo(info);
    if (query->addresses.empty()) query->failure = status == ARES_SUCCESS ? "it has no address" : ares_strerror(status);
    if (Impl* impl = query->impl; impl != nullptr) {
      impl->queries.erase(query->host);
      if (!query->addresses.empty()) {
        if (impl->kept.size() >= max_kept) impl->kept.clear();
        impl->kept[query->host] = {query->addresses, impl->loop.now() + std::chrono::seconds(ttl)};
      }
    }
    query->answered.set();
  }

  Loop& loop;
  Timer timer;
  ares_channel channel = nullptr;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets;
  std::vector<std::unique_ptr<Socket>> buried;
  std::map<std::string, std::shared_ptr<Query>> queries;
  std::map<std::string, Kept> kept;
};

Resolver::Resolver(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}

Resolver::~Resolver() {
  for (auto& [host, query] : impl_->queries) query->impl = nullptr;
  impl_->close();
}

Task<Result<std::vector<std::string>>> Resolver::resolve(std::string host, std::uint16_t port) {
  using Addresses = std::vector<std::string>;
  if (auto known = known_address(host, port)) co_return Result<Addresses>(*std::move(known));
  const std::shared_ptr<Impl> impl = impl_;
  Addresses found;
  if (const auto at = impl->kept.find(host); at != impl->kept.end() && at->second.until > impl->loop.now()) {
    found = at->second.addresses;
  } else {
    if (auto opened = impl->open(); !opened.ok()) co_return Result<Addresses>(std::move(opened).error());
    impl->buried.clear();
    std::shared_ptr<Impl::Query> query;
    if (const auto asked = impl->queries.find(host); asked != impl->queries.end()) {
      query = asked->second;
    } else {
      query = std::make_shared<Impl::Query>(impl->loop, impl.get());
      query->host = host;
      impl->queries.emplace(host, query);
      ares_addrinfo_hints hints{};
      hints.ai_family = AF_UNSPEC;
      hints.ai_socktype = SOCK_STREAM;
      ares_getaddrinfo(
          impl->channel, host.c_str(), nullptr, &hints,
          [](void* data, int status, int timeouts, ares_addrinfo* info) { Impl::answered(data, status, timeouts, info); },
          new std::shared_ptr<Impl::Query>(query));
      impl->arm();
    }
    auto waited = co_await query->answered.wait();
    if (!waited.ok()) co_return Result<Addresses>(std::move(waited).error());
    if (query->addresses.empty()) {
      co_return Result<Addresses>(
          Error(ErrorKind::unavailable, "cannot find the host " + host + ": " + query->failure).with_operation("net.dns"));
    }
    found = query->addresses;
  }
  for (std::string& one : found) one += ":" + std::to_string(port);
  co_return Result<Addresses>(std::move(found));
}

}  // namespace spikard::net
