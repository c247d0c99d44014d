#include "net/http_client/client.hpp"

#include <algorithm>
#include <map>

#include "net/await.hpp"
#include "net/http_client/dialer.hpp"
#include "net/http_client/response_parser.hpp"
#include "net/http_client/url.hpp"
#include "net/stream.hpp"
#include "net/transport.hpp"

namespace spikard::net::http {
namespace {

constexpr std::size_t read_size = 16384;
constexpr std::size_t part_size = 65536;
constexpr std::size_t max_hosts = 1024;  // more are forgotten when they have no connection

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.http"); }

bool idempotent_method(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" || method == "TRACE";
}

void append_hex(std::string& out, std::size_t n) {
  char text[16];
  int at = 16;
  do {
    text[--at] = "0123456789abcdef"[n & 15U];
    n >>= 4U;
  } while (n != 0);
  out.append(text + at, static_cast<std::size_t>(16 - at));
}

struct Host;

struct Connection {
  explicit Connection(std::unique_ptr<Stream> of) : stream(std::move(of)) {}
  std::unique_ptr<Stream> stream;
  std::string in;  // read and not parsed
  Instant idle_since{};
  bool used = false;  // it carried a request before
};

struct Host {
  Host(Loop& loop, Url of) : url(std::move(of)), freed(loop) {}
  Url url;
  std::vector<std::unique_ptr<Connection>> idle;  // the one used last is at the end
  std::size_t open = 0;
  Event freed;
};

}  // namespace

struct Client::Impl : std::enable_shared_from_this<Client::Impl> {
  Impl(Loop& of_loop, ClientOptions of)
      : loop(of_loop), options(std::move(of)), dialer(of_loop, dial_options(options)), sweeper(of_loop, [this] { sweep(); }) {}

  static DialOptions dial_options(const ClientOptions& options) {
    DialOptions dial;
    dial.ca = options.ca;
    dial.verify = options.verify;
    dial.alpn = {"http/1.1"};
    dial.timeout = options.connect_timeout;
    return dial;
  }

  /// One place among a host's connections, with the connection in it. Gives both back.
  struct Lease {
    Lease(std::shared_ptr<Impl> of, std::shared_ptr<Host> at) : impl(std::move(of)), host(std::move(at)) { ++host->open; }
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() { release(); }
    void release() {
      if (host == nullptr) return;
      connection.reset();
      --host->open;
      host->freed.set();
      host.reset();
    }
    /// The connection may carry another request.
    void keep() {
      if (impl->closed || host->idle.size() >= impl->options.idle_per_host || !connection->in.empty()) return;
      connection->used = true;
      connection->idle_since = impl->loop.now();
      host->idle.push_back(std::move(connection));
      ++host->open;  // for the one that is kept; `release` takes ours off
      if (!impl->sweeper.armed()) impl->sweeper.start(impl->options.idle_timeout);
    }
    std::shared_ptr<Impl> impl;
    std::shared_ptr<Host> host;
    std::unique_ptr<Connection> connection;
  };

  class Answer;

  std::shared_ptr<Host> host_of(const Url& url) {
    if (hosts.size() >= max_hosts) std::erase_if(hosts, [](const auto& h) { return h.second->open == 0; });
    std::string key = (url.tls ? "https://" : "http://") + url.host + ":" + std::to_string(url.port);
    auto& host = hosts[std::move(key)];
    if (host == nullptr) host = std::make_shared<Host>(loop, url);
    return host;
  }

  void sweep() {
    const Instant limit = loop.now() - options.idle_timeout;
    bool left = false;
    for (auto& [key, host] : hosts) {
      const std::size_t before = host->idle.size();
      std::erase_if(host->idle, [&](const auto& c) { return c->idle_since <= limit; });
      host->open -= before - host->idle.size();
      left = left || !host->idle.empty();
    }
    if (left) sweeper.start(options.idle_timeout);
  }

  void close_idle() {
    for (auto& [key, host] : hosts) {
      host->open -= host->idle.size();
      host->idle.clear();
      host->freed.set();
    }
    sweeper.stop();
  }

  Task<Result<Lease>> acquire(std::shared_ptr<Host> host, bool fresh) {
    const std::shared_ptr<Impl> self = shared_from_this();
    for (;;) {
      while (!host->idle.empty()) {
        Lease lease(self, host);
        lease.connection = std::move(host->idle.back());
        host->idle.pop_back();
        --host->open;  // the kept one's place is the lease's now
        char early = 0;
        const bool alive = lease.connection->stream->try_read(&early, 1).status == IoStatus::would_block;
        if (alive && !fresh) co_return Result<Lease>(std::move(lease));
      }
      if (host->open < std::max<std::size_t>(options.connections_per_host, 1)) {
        Lease lease(self, host);
        auto stream = co_await dialer.dial(host->url);
        if (!stream.ok()) co_return Result<Lease>(std::move(stream).error());
        lease.connection = std::make_unique<Connection>(std::move(stream).value());
        co_return Result<Lease>(std::move(lease));
      }
      host->freed.reset();
      auto waited = co_await host->freed.wait();
      if (!waited.ok()) co_return Result<Lease>(std::move(waited).error());
    }
  }

  Task<Result<std::unique_ptr<ResponseStream>>> open(Request request);

  Loop& loop;
  const ClientOptions options;
  Dialer dialer;
  Timer sweeper;
  std::map<std::string, std::shared_ptr<Host>> hosts;
  bool closed = false;
};

/// A request under way, then its answer.
class Client::Impl::Answer final : public ResponseStream {
 public:
  Answer(Lease lease, bool head_request, Duration timeout)
      : lease_(std::move(lease)), loop_(lease_.impl->loop), parser_(head_request), timeout_(timeout) {}

  int status() const noexcept override { return status_; }
  const Headers& headers() const noexcept override { return headers_; }

  /// Sends everything there is and reads up to the end of the answer's head.
  Task<Result<void>> transact(std::string head, Request* request) {
    // Small bodies go out with the head, in one packet where they fit.
    std::string first = std::move(head);
    std::string_view body = request->body;
    if (body.size() <= part_size) {
      first.append(body);
      body = {};
    }
    Result<void> sent = co_await push(first);
    if (sent.ok() && !body.empty()) sent = co_await push(body);
    while (sent.ok() && !early_ && request->source) {
      Task<Result<std::optional<std::string>>> next = request->source();
      auto part = co_await std::move(next);
      if (!part.ok()) {
        source_failed_ = true;
        co_return Result<void>(std::move(part).error());
      }
      std::string bytes;
      if (request->source_size) {
        if (!*part) {
          if (source_sent_ == *request->source_size) break;
          source_failed_ = true;
          co_return Result<void>(error(ErrorKind::invalid_argument, "the request's body ended before its size"));
        }
        source_sent_ += (*part)->size();
        if (source_sent_ > *request->source_size) {
          source_failed_ = true;
          co_return Result<void>(error(ErrorKind::invalid_argument, "the request's body is longer than its size"));
        }
        bytes = std::move(**part);
      } else if (!*part) {
        bytes = "0\r\n\r\n";
      } else if ((*part)->empty()) {
        continue;
      } else {
        append_hex(bytes, (*part)->size());
        bytes.append("\r\n").append(**part).append("\r\n");
      }
      sent = co_await push(bytes);
      if (!*part) break;
    }
    // A peer that refuses a body answers and closes; the answer is worth more than the failed write.
    Result<void> read = co_await read_head();
    if (!read.ok()) co_return sent.ok() ? std::move(read) : std::move(sent);
    if (!sent.ok()) early_ = true;
    status_ = parser_.status();
    headers_ = std::move(parser_.headers());
    finish_if_done();
    co_return Result<void>();
  }

  [[nodiscard]] bool wrote() const noexcept { return wrote_; }
  [[nodiscard]] bool answer_begun() const noexcept { return parser_.begun(); }
  [[nodiscard]] bool reused() const noexcept { return lease_.connection->used; }
  [[nodiscard]] bool source_failed() const noexcept { return source_failed_; }

  Task<Result<std::optional<std::string>>> read() override {
    Task<Result<std::optional<std::string>>> next = read_part();
    return with_deadline(loop_, timeout_, std::move(next));
  }

 private:
  Connection& connection() noexcept { return *lease_.connection; }

  /// Bytes that are there now, into the buffer. False: the stream has ended or is broken.
  bool take_input() {
    Connection& c = connection();
    const std::size_t before = c.in.size();
    c.in.resize(before + read_size);
    const IoResult got = c.stream->try_read(c.in.data() + before, read_size);
    c.in.resize(before + (got.status == IoStatus::ok ? got.bytes : 0));
    return got.status == IoStatus::ok || got.status == IoStatus::would_block;
  }

  Task<Result<void>> push(std::string_view bytes) {
    Stream& stream = *connection().stream;
    while (!bytes.empty()) {
      const IoResult put = stream.try_write(bytes);
      if (put.status == IoStatus::error || put.status == IoStatus::eof) co_return Result<void>(stream.broken());
      if (put.status == IoStatus::ok && put.bytes > 0) {
        wrote_ = true;
        bytes.remove_prefix(put.bytes);
        continue;
      }
      // Its answer may come before it has read everything.
      if (!take_input()) co_return Result<void>(stream.broken());
      if (Connection& c = connection(); !c.in.empty()) {
        std::string none;
        auto took = parser_.feed(c.in, none, 0);
        if (!took.ok()) co_return Result<void>(std::move(took).error());
        c.in.erase(0, *took);
        if (parser_.head_done()) {
          early_ = true;
          co_return Result<void>();
        }
      }
      Result<void> waited = co_await stream.wait();
      if (!waited.ok()) co_return waited;
    }
    co_return Result<void>();
  }

  Task<Result<void>> read_head() {
    std::string none;
    while (!parser_.head_done()) {
      Connection& c = connection();
      if (!c.in.empty()) {
        auto took = parser_.feed(c.in, none, 0);
        if (!took.ok()) co_return Result<void>(std::move(took).error());
        c.in.erase(0, *took);
        if (parser_.head_done()) co_return Result<void>();
        if (!c.in.empty()) continue;
      }
      c.in.resize(read_size);
      Result<std::size_t> got = co_await c.stream->read(c.in.data(), read_size);
      c.in.resize(got.ok() ? *got : 0);
      if (!got.ok()) co_return Result<void>(std::move(got).error());
      if (*got == 0) {
        co_return Result<void>(parser_.begun() ? error(ErrorKind::corrupt, "the answer ended in its head")
                                               : error(ErrorKind::unavailable, "the connection ended before an answer"));
      }
    }
    co_return Result<void>();
  }

  Task<Result<std::optional<std::string>>> read_part() {
    using Part = std::optional<std::string>;
    std::string body;
    while (!parser_.done()) {
      Connection& c = connection();
      if (!c.in.empty()) {
        auto took = parser_.feed(c.in, body, part_size);
        if (!took.ok()) co_return Result<Part>(std::move(took).error());
        c.in.erase(0, *took);
        if (!body.empty() || parser_.done()) break;
        if (!c.in.empty()) continue;
      }
      c.in.resize(read_size);
      Result<std::size_t> got = co_await c.stream->read(c.in.data(), read_size);
      c.in.resize(got.ok() ? *got : 0);
      if (!got.ok()) co_return Result<Part>(std::move(got).error());
      if (*got == 0) {
        if (auto ended = parser_.end_of_stream(); !ended.ok()) co_return Result<Part>(std::move(ended).error());
      }
    }
    finish_if_done();
    if (body.empty()) co_return Result<Part>(Part());
    co_return Result<Part>(Part(std::move(body)));
  }

  void finish_if_done() {
    if (!parser_.done() || lease_.connection == nullptr) return;
    if (parser_.keep_alive() && !early_) lease_.keep();
    lease_.release();
  }

  Lease lease_;
  Loop& loop_;
  ResponseParser parser_;
  Duration timeout_;
  int status_ = 0;
  Headers headers_;
  std::uint64_t source_sent_ = 0;
  bool wrote_ = false;
  bool early_ = false;  // answered, or broken, before the request was out: the connection is used up
  bool source_failed_ = false;
};

namespace {

Result<std::string> make_head(const Request& request, const Url& url, const std::string& user_agent) {
  if (!is_field_name(request.method)) return error(ErrorKind::invalid_argument, "the method is no token");
  std::string head = request.method + " " + url.target + " HTTP/1.1\r\n";
  if (!has_header(request.headers, "host")) head += "Host: " + url.authority() + "\r\n";
  for (const auto& [name, value] : request.headers) {
    if (!is_field_name(name)) return error(ErrorKind::invalid_argument, "a header's name is no token");
    if (!is_field_value(value)) return error(ErrorKind::invalid_argument, "the header " + name + " has a control character");
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (!user_agent.empty() && !has_header(request.headers, "user-agent")) head += "User-Agent: " + user_agent + "\r\n";
  if (has_header(request.headers, "content-length") || has_header(request.headers, "transfer-encoding"))
    return error(ErrorKind::invalid_argument, "the client frames the body itself");
  if (request.source && !request.source_size) {
    head += "Transfer-Encoding: chunked\r\n";
  } else {
    const std::uint64_t size = request.source ? *request.source_size : request.body.size();
    if (size != 0 || request.method == "POST" || request.method == "PUT" || request.method == "PATCH")
      head += "Content-Length: " + std::to_string(size) + "\r\n";
  }
  head += "\r\n";
  return head;
}

}  // namespace

Task<Result<std::unique_ptr<ResponseStream>>> Client::Impl::open(Request request) {
  using Opened = std::unique_ptr<ResponseStream>;
  const std::shared_ptr<Impl> self = shared_from_this();
  auto url = Url::parse(request.url);
  if (!url.ok()) co_return Result<Opened>(std::move(url).error());
  auto head = make_head(request, *url, options.user_agent);
  if (!head.ok()) co_return Result<Opened>(std::move(head).error());
  const std::shared_ptr<Host> host = host_of(*url);
  const bool again = request.idempotent.value_or(idempotent_method(request.method));
  for (bool fresh = false;;) {
    Result<Lease> lease = co_await acquire(host, fresh);
    if (!lease.ok()) co_return Result<Opened>(std::move(lease).error());
    auto answer = std::make_unique<Answer>(std::move(lease).value(), request.method == "HEAD", request.timeout);
    Result<void> done = co_await answer->transact(*head, &request);
    if (done.ok()) co_return Result<Opened>(std::move(answer));
    Error failure = std::move(done).error();
    if (answer->source_failed()) co_return Result<Opened>(std::move(failure));
    const bool broke = failure.kind() == ErrorKind::unavailable;
    // A kept connection may have been closed by the peer just now.
    if (broke && !fresh && answer->reused() && !answer->answer_begun() && !request.source && (again || !answer->wrote())) {
      fresh = true;
      continue;
    }
    if (!again && answer->wrote() && (broke || failure.kind() == ErrorKind::cancelled || failure.kind() == ErrorKind::corrupt)) {
      failure = error(ErrorKind::outcome_unknown, host->url.authority() + " gave no answer: " + failure.message());
    }
    co_return Result<Opened>(std::move(failure));
  }
}

Client::Client(Loop& loop, ClientOptions options) : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Client::~Client() {
  impl_->closed = true;
  impl_->close_idle();
}

void Client::close_idle() { impl_->close_idle(); }

std::size_t Client::connections() const noexcept {
  std::size_t count = 0;
  for (const auto& [key, host] : impl_->hosts) count += host->open;
  return count;
}

Task<Result<std::unique_ptr<ResponseStream>>> Client::open(Request request) {
  const Duration timeout = request.timeout;
  Task<Result<std::unique_ptr<ResponseStream>>> opened = impl_->open(std::move(request));
  return with_deadline(impl_->loop, timeout, std::move(opened));
}

namespace {

Task<Result<Response>> collect(Task<Result<std::unique_ptr<ResponseStream>>> opening, std::size_t most) {
  auto opened = co_await std::move(opening);
  if (!opened.ok()) co_return Result<Response>(std::move(opened).error());
  const std::unique_ptr<ResponseStream> stream = std::move(opened).value();
  Response response;
  response.status = stream->status();
  response.headers = stream->headers();
  for (;;) {
    auto part = co_await stream->read();
    if (!part.ok()) co_return Result<Response>(std::move(part).error());
    if (!*part) break;
    if (response.body.size() + (*part)->size() > most)
      co_return Result<Response>(error(ErrorKind::too_large, "the answer is longer than " + std::to_string(most) + " bytes"));
    response.body.append(**part);
  }
  co_return Result<Response>(std::move(response));
}

}  // namespace

Task<Result<Response>> Client::send(Request request) {
  const Duration timeout = request.timeout;
  const std::size_t most = request.max_response_bytes;
  Task<Result<std::unique_ptr<ResponseStream>>> opened = impl_->open(std::move(request));
  Task<Result<Response>> all = collect(std::move(opened), most);
  return with_deadline(impl_->loop, timeout, std::move(all));
}

}  // namespace spikard::net::http
