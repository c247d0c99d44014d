#include "net/grpc/client.hpp"

#include <nghttp2/nghttp2.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "base/base64.hpp"
#include "net/await.hpp"
#include "net/http_client/dialer.hpp"
#include "net/http_client/url.hpp"

namespace spikard::net::grpc {
namespace {

constexpr std::size_t read_size = 16384;
constexpr std::size_t write_size = 65536;
constexpr std::size_t prefix_size = 5;  // compressed flag, length
constexpr std::size_t max_header_bytes = 32768;

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.grpc"); }

/// `grpc-message`: percent-encoded UTF-8.
std::string percent_decoded(std::string_view text) {
  const auto hex = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// "HTTP to gRPC Status Code Mapping", for answers of what is no gRPC server.
Code code_of_http(int status) noexcept {
  switch (status) {
    case 400: return Code::internal;
    case 401: return Code::unauthenticated;
    case 403: return Code::permission_denied;
    case 404: return Code::unimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return Code::unavailable;
    default: return Code::unknown;
  }
}

/// Some servers answer by gzip whatever was asked in it. too_large, corrupt.
Result<std::string> gunzip(std::string_view bytes, std::size_t most) {
  ::z_stream stream{};
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) return internal_error("inflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int state = Z_OK;
  char part[4096];
  while (state == Z_OK && out.size() <= most) {
    stream.next_out = reinterpret_cast<Bytef*>(part);
    stream.avail_out = sizeof part;
    state = ::inflate(&stream, Z_NO_FLUSH);
    out.append(part, sizeof part - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (out.size() > most) return error(ErrorKind::too_large, "the answer is longer than " + std::to_string(most) + " bytes");
  if (state != Z_STREAM_END) return error(ErrorKind::corrupt, "the answer is no gzip");
  return out;
}

/// A call under way: one stream.
struct Pending {
  explicit Pending(Loop& loop) : done(loop) {}
  std::string out;  // prefix and message
  std::size_t sent = 0;
  std::string in;
  std::size_t max_in = 0;
  http::Headers headers;  // of the answer's head and its trailers
  std::size_t header_bytes = 0;
  int http_status = 0;
  std::optional<Error> failure;
  Event done;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::unique_ptr<Stream> stream, const http::Url& url)
      : stream_(std::move(stream)), authority_(url.authority()), scheme_(url.tls ? "https" : "http") {}
  ~Connection() { ::nghttp2_session_del(session_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> start() {
    ::nghttp2_session_callbacks* callbacks = nullptr;
    if (::nghttp2_session_callbacks_new(&callbacks) != 0) return internal_error("nghttp2_session_callbacks_new");
    ::nghttp2_session_callbacks_set_on_header_callback(callbacks, &Connection::on_header);
    ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Connection::on_data);
    ::nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Connection::on_close);
    ::nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Connection::on_frame);
    const int made = ::nghttp2_session_client_new(&session_, callbacks, this);
    ::nghttp2_session_callbacks_del(callbacks);
    if (made != 0) return internal_error("nghttp2_session_client_new");
    const ::nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                                 {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, max_header_bytes}};
    if (::nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) != 0)
      return internal_error("nghttp2_submit_settings");
    stream_->on_change([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
    pump();
    return {};
  }

  /// No more calls are begun on it.
  [[nodiscard]] bool used_up() const noexcept { return used_up_; }
  void use_up() noexcept { used_up_ = true; }

  /// The stream's number. `pending` lives until `forget`, or is done.
  Result<std::int32_t> submit(const Call& call, const std::string& user_agent, Pending& pending) {
    std::vector<std::pair<std::string, std::string>> fields = {
        {":method", "POST"},
        {":scheme", scheme_},
        {":path", call.path},
        {":authority", authority_},
        {"te", "trailers"},
        {"content-type", "application/grpc+proto"},
        {"user-agent", user_agent},
        {"grpc-accept-encoding", "identity,gzip"},
        {"grpc-timeout",
         std::to_string(std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(call.timeout).count())) +
             "m"}};
    if (call.gzipped) fields.emplace_back("grpc-encoding", "gzip");
    for (const auto& [name, value] : call.metadata) {
      if (!http::is_field_name(name)) return error(ErrorKind::invalid_argument, "the name of a metadata entry is no token");
      if (!http::is_field_value(value))
        return error(ErrorKind::invalid_argument, "the metadata " + name + " has a control character");
      std::string lower = name;
      for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      fields.emplace_back(std::move(lower), value);
    }
    std::vector<::nghttp2_nv> list;
    list.reserve(fields.size());
    for (auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()), name.size(),
                      value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    ::nghttp2_data_provider body{};
    body.source.ptr = &pending;
    body.read_callback = &Connection::read_body;
    const std::int32_t id = ::nghttp2_submit_request(session_, nullptr, list.data(), list.size(), &body, &pending);
    if (id < 0) return error(ErrorKind::unavailable, std::string("no stream can be opened: ") + ::nghttp2_strerror(id));
    pending_.emplace(id, &pending);
    pump();
    return id;
  }

  /// The caller has gone.
  void forget(std::int32_t id) {
    if (pending_.erase(id) == 0) return;
    if (session_ == nullptr || dead_) return;
    ::nghttp2_session_set_stream_user_data(session_, id, nullptr);
    ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    pump();
  }

 private:
  void pump() {
    if (dead_) return;
    char buffer[read_size];
    for (;;) {
      const IoResult got = stream_->try_read(buffer, sizeof buffer);
      if (got.status == IoStatus::would_block) break;
      if (got.status == IoStatus::error) return fail(stream_->broken());
      if (got.status == IoStatus::eof) return fail(error(ErrorKind::unavailable, authority_ + " ended the connection"));
      const ::ssize_t took = ::nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(buffer), got.bytes);
      if (took < 0)
        return fail(error(ErrorKind::corrupt, authority_ + " speaks no HTTP/2: " + ::nghttp2_strerror(static_cast<int>(took))));
    }
    for (;;) {
      while (out_.size() - out_at_ < write_size) {
        const std::uint8_t* bytes = nullptr;
        const ::ssize_t size = ::nghttp2_session_mem_send(session_, &bytes);
        if (size < 0)
          return fail(error(ErrorKind::internal, std::string("nghttp2: ") + ::nghttp2_strerror(static_cast<int>(size))));
        if (size == 0) break;
        out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
      }
      if (out_at_ == out_.size()) break;
      const IoResult put = stream_->try_write(std::string_view(out_).substr(out_at_));
      if (put.status == IoStatus::error || put.status == IoStatus::eof) return fail(stream_->broken());
      if (put.status == IoStatus::would_block) break;
      out_at_ += put.bytes;
      if (out_at_ < out_.size()) break;  // a short write means full
      out_.clear();
      out_at_ = 0;
    }
    if (::nghttp2_session_want_read(session_) == 0 && ::nghttp2_session_want_write(session_) == 0)
      fail(error(ErrorKind::unavailable, authority_ + " ended the connection"));
  }

  void fail(const Error& why) {
    dead_ = used_up_ = true;
    for (const auto& [id, pending] : pending_) {
      if (!pending->failure) pending->failure = why;
      pending->done.set();
    }
    pending_.clear();
    stream_->close();
  }

  static Pending* pending_of(::nghttp2_session* session, std::int32_t id) noexcept {
    return static_cast<Pending*>(::nghttp2_session_get_stream_user_data(session, id));
  }
  static ::ssize_t read_body(::nghttp2_session* session, std::int32_t id, std::uint8_t* into, std::size_t room,
                             std::uint32_t* flags, ::nghttp2_data_source*, void*) {
    Pending* pending = pending_of(session, id);
    if (pending == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t size = std::min(room, pending->out.size() - pending->sent);
    std::memcpy(into, pending->out.data() + pending->sent, size);
    pending->sent += size;
    if (pending->sent == pending->out.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<::ssize_t>(size);
  }
  static int on_header(::nghttp2_session* session, const ::nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
    Pending* pending = pending_of(session, frame->hd.stream_id);
    if (pending == nullptr || frame->hd.type != NGHTTP2_HEADERS) return 0;
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    pending->header_bytes += name_size + value_size + 32;
    if (pending->header_bytes > max_header_bytes) {
      pending->failure = error(ErrorKind::too_large, "the answer's header is too long");
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (key == ":status") {
      pending->http_status = 0;
      std::from_chars(text.data(), text.data() + text.size(), pending->http_status);
    } else {
      pending->headers.emplace_back(key, text);
    }
    return 0;
  }
  static int on_data(::nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                     void*) {
    Pending* pending = pending_of(session, id);
    if (pending == nullptr || pending->failure) return 0;
    if (pending->in.size() + size > pending->max_in) {
      pending->failure =
          error(ErrorKind::too_large, "the answer is longer than " + std::to_string(pending->max_in - prefix_size) + " bytes");
      ::nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
      return 0;
    }
    pending->in.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }
  static int on_close(::nghttp2_session* session, std::int32_t id, std::uint32_t code, void* self) {
    Pending* pending = pending_of(session, id);
    if (pending == nullptr) return 0;
    auto& connection = *static_cast<Connection*>(self);
    // A server may have answered in full and reset the rest of a request that it does not want (RFC 9113, 8.1).
    if (code != NGHTTP2_NO_ERROR && !pending->failure && !http::has_header(pending->headers, "grpc-status"))
      pending->failure =
          error(ErrorKind::unavailable, connection.authority_ + " reset the stream: " + ::nghttp2_http2_strerror(code));
    connection.pending_.erase(id);
    pending->done.set();
    return 0;
  }
  static int on_frame(::nghttp2_session*, const ::nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_GOAWAY) static_cast<Connection*>(self)->used_up_ = true;
    return 0;
  }

  std::unique_ptr<Stream> stream_;
  const std::string authority_;
  const std::string scheme_;
  ::nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Pending*> pending_;
  std::string out_;
  std::size_t out_at_ = 0;
  bool used_up_ = false;
  bool dead_ = false;
};

Result<Answer> answer_of(Pending& pending, const std::string& authority) {
  if (pending.failure) return *std::move(pending.failure);
  Answer answer;
  const std::string_view status = http::find_header(pending.headers, "grpc-status");
  if (status.empty()) {
    answer.code = pending.http_status == 200 ? Code::unknown : code_of_http(pending.http_status);
    answer.text = authority + " answers HTTP " + std::to_string(pending.http_status) + " without a gRPC status";
    return answer;
  }
  int code = 0;
  const auto [end, failed] = std::from_chars(status.data(), status.data() + status.size(), code);
  if (failed != std::errc() || end != status.data() + status.size() || code < 0 || code > 16)
    code = static_cast<int>(Code::unknown);
  answer.code = static_cast<Code>(code);
  answer.text = percent_decoded(http::find_header(pending.headers, "grpc-message"));
  if (answer.code != Code::ok) {
    std::string details(http::find_header(pending.headers, "grpc-status-details-bin"));
    details.append((4 - details.size() % 4) % 4, '=');  // senders may leave it out
    if (const auto bytes = base64::decode(details); bytes && details.size() > 1) answer.retry_delay = retry_delay_of(*bytes);
    return answer;
  }
  const std::string& in = pending.in;
  const bool gzipped = !in.empty() && in[0] == 1 && http::find_header(pending.headers, "grpc-encoding") == "gzip";
  if (in.size() < prefix_size || (in[0] != 0 && !gzipped))
    return error(ErrorKind::corrupt, authority + ": the answer is no gRPC message that can be read");
  std::size_t size = 0;
  for (std::size_t i = 1; i < prefix_size; ++i) size = size << 8U | static_cast<unsigned char>(in[i]);
  if (in.size() != prefix_size + size)
    return error(ErrorKind::corrupt, authority + ": the answer has another length than it says");
  if (!gzipped) {
    answer.message = in.substr(prefix_size);
    return answer;
  }
  auto plain = gunzip(std::string_view(in).substr(prefix_size), pending.max_in - prefix_size);
  if (!plain.ok()) return std::move(plain).error();
  answer.message = std::move(plain).value();
  return answer;
}

}  // namespace

std::string_view name_of(Code code) noexcept {
  static constexpr std::string_view names[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  return names[static_cast<std::size_t>(code)];
}

struct Client::Impl : std::enable_shared_from_this<Client::Impl> {
  Impl(Loop& of_loop, std::string of_url, ClientOptions of)
      : loop(of_loop), url(std::move(of_url)), options(std::move(of)), dialer(of_loop, dial_options(options)), dialled(of_loop) {}

  static http::DialOptions dial_options(const ClientOptions& options) {
    http::DialOptions dial;
    dial.ca = options.ca;
    dial.verify = options.verify;
    dial.alpn = {"h2"};
    dial.timeout = options.connect_timeout;
    return dial;
  }

  Task<Result<std::shared_ptr<Connection>>> connected() {
    using Made = std::shared_ptr<Connection>;
    const auto self = shared_from_this();
    for (;;) {
      if (connection != nullptr && !connection->used_up()) co_return Result<Made>(connection);
      if (!dialling) break;
      Result<void> waited = co_await dialled.wait();
      if (!waited.ok()) co_return Result<Made>(std::move(waited).error());
    }
    struct Dialling {
      explicit Dialling(Impl& of) : impl(of) {
        impl.dialling = true;
        impl.dialled.reset();
      }
      ~Dialling() {
        impl.dialling = false;
        impl.dialled.set();
      }
      Impl& impl;
    } guard(*this);
    auto parsed = http::Url::parse(url);
    if (!parsed.ok()) co_return Result<Made>(std::move(parsed).error());
    const http::Url to = *parsed;
    auto stream = co_await dialer.dial(to);
    if (!stream.ok()) co_return Result<Made>(std::move(stream).error());
    if (to.tls && (*stream)->transport().alpn() != "h2")
      co_return Result<Made>(error(ErrorKind::unavailable, to.authority() + " does not speak HTTP/2 (ALPN)"));
    auto made = std::make_shared<Connection>(std::move(stream).value(), to);
    if (auto started = made->start(); !started.ok()) co_return Result<Made>(std::move(started).error());
    connection = made;
    co_return Result<Made>(std::move(made));
  }

  /// A call in progress, of which nothing is left when it goes.
  struct InProgress {
    InProgress(std::shared_ptr<Connection> of, Loop& loop) : on(std::move(of)), pending(loop) {}
    ~InProgress() {
      if (pending.done.is_set() || id == 0) return;
      // A peer that is silent may be gone: the next call finds out on a connection of its own.
      if (pending.http_status == 0) on->use_up();
      on->forget(id);
    }
    std::shared_ptr<Connection> on;
    Pending pending;
    std::int32_t id = 0;
  };

  Task<Result<Answer>> run(Call call) {
    const auto self = shared_from_this();
    if (call.message.size() > 0xffffffffU) co_return Result<Answer>(error(ErrorKind::too_large, "a message has at most 4 GiB"));
    auto on = co_await connected();
    if (!on.ok()) co_return Result<Answer>(std::move(on).error());
    InProgress progress(*on, loop);
    std::string& out = progress.pending.out;
    out.reserve(prefix_size + call.message.size());
    out.push_back(call.gzipped ? '\1' : '\0');
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(call.message.size() >> static_cast<unsigned>(shift)));
    out += call.message;
    std::string().swap(call.message);
    progress.pending.max_in = prefix_size + call.max_response_bytes;
    auto id = (*on)->submit(call, options.user_agent, progress.pending);
    if (!id.ok()) co_return Result<Answer>(std::move(id).error());
    progress.id = *id;
    Result<void> waited = co_await progress.pending.done.wait();
    if (!waited.ok()) co_return Result<Answer>(std::move(waited).error());
    co_return answer_of(progress.pending, url_host());
  }

  std::string url_host() const {
    const auto parsed = http::Url::parse(url);
    return parsed.ok() ? parsed->authority() : std::string("the server");
  }

  Loop& loop;
  const std::string url;
  const ClientOptions options;
  http::Dialer dialer;
  std::shared_ptr<Connection> connection;
  bool dialling = false;
  Event dialled;
};

Client::Client(Loop& loop, std::string url, ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(url), std::move(options))) {}
Client::~Client() = default;

Task<Result<Answer>> Client::call(Call call) {
  const Duration timeout = call.timeout;
  Task<Result<Answer>> run = impl_->run(std::move(call));
  return with_deadline(impl_->loop, timeout, std::move(run));
}

namespace {

/// Fields of a protobuf message, one after another.
struct Fields {
  std::string_view rest;
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // varint
  std::string_view bytes;   // length-delimited

  bool varint(std::uint64_t& out) noexcept {
    out = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(1);
      out |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool next() noexcept {
    std::uint64_t key = 0;
    if (rest.empty() || !varint(key)) return false;
    number = key >> 3U;
    bytes = {};
    value = 0;
    switch (key & 7U) {
      case 0: return varint(value);
      case 1:
      case 5: {
        const std::size_t size = (key & 7U) == 1 ? 8 : 4;
        if (rest.size() < size) return false;
        rest.remove_prefix(size);
        return true;
      }
      case 2: {
        std::uint64_t size = 0;
        if (!varint(size) || size > rest.size()) return false;
        bytes = rest.substr(0, size);
        rest.remove_prefix(size);
        return true;
      }
      default: return false;
    }
  }
};

}  // namespace

std::optional<Duration> retry_delay_of(std::string_view status) noexcept {
  for (Fields outer{status}; outer.next();) {
    if (outer.number != 3) continue;  // details
    std::string_view type;
    std::string_view value;
    for (Fields any{outer.bytes}; any.next();) {
      if (any.number == 1) type = any.bytes;
      if (any.number == 2) value = any.bytes;
    }
    if (!type.ends_with("/google.rpc.RetryInfo")) continue;
    for (Fields info{value}; info.next();) {
      if (info.number != 1) continue;
      std::uint64_t seconds = 0;
      std::uint64_t nanos = 0;
      for (Fields delay{info.bytes}; delay.next();) {
        if (delay.number == 1) seconds = delay.value;
        if (delay.number == 2) nanos = delay.value;
      }
      if (seconds > 86400 || nanos > 999'999'999) return std::nullopt;
      return std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos);
    }
  }
  return std::nullopt;
}

}  // namespace spikard::net::grpc
