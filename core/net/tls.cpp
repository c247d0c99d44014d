#include "net/tls.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>

namespace spikard::net {
namespace {

constexpr std::size_t record_room = 16384 + 512;   // a TLS record with its overhead (RFC 8446, 5.2)
constexpr std::size_t pending_limit = 65536;       // plain bytes taken while the peer is slow

struct FreeSsl {
  void operator()(::SSL* ssl) const noexcept { ::SSL_free(ssl); }
  void operator()(::SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
  void operator()(::BIO_METHOD* method) const noexcept { ::BIO_meth_free(method); }
};
using Ssl = std::unique_ptr<::SSL, FreeSsl>;
using SslContext = std::unique_ptr<::SSL_CTX, FreeSsl>;

std::string openssl_reason() {
  const unsigned long code = ::ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : code == 0 ? "unknown TLS failure" : "TLS failure " + std::to_string(code);
  ::ERR_clear_error();
  return text;
}

/// OpenSSL reads from `in` and writes to `out`; the transport moves the bytes.
class TlsTransport final : public Transport, private IoHandler {
 public:
  TlsTransport(Loop& loop, std::shared_ptr<TlsContext> context, Ssl ssl, std::unique_ptr<Transport> inner)
      : loop_(loop), context_(std::move(context)), inner_(std::move(inner)), ssl_(std::move(ssl)) {}
  ~TlsTransport() { close(false); }

  Result<void> start(IoHandler* handler) override {
    handler_ = handler;
    SPIKARD_TRY(inner_->start(this));
    if (!::SSL_is_server(ssl_.get())) shake();  // ClientHello; a failure shows in read
    return {};
  }

  IoResult read(void* into, std::size_t room) override {
    if (closed_ || !failure_.empty()) return {IoStatus::error};
    if (!shaken_ || room == 0) return {IoStatus::would_block};
    std::size_t total = 0;
    while (total < room) {
      std::size_t got = 0;
      ::ERR_clear_error();
      const int result = ::SSL_read_ex(ssl_.get(), static_cast<char*>(into) + total, room - total, &got);
      if (result == 1) {
        total += got;
        continue;
      }
      const int why = ::SSL_get_error(ssl_.get(), result);
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) break;
      if (why == SSL_ERROR_ZERO_RETURN) ended_ = true;
      else fail(inner_ended_ ? "the peer closed without close_notify" : openssl_reason());
      break;
    }
    flush();  // key updates, alerts
    // Bytes first: the caller comes again for the end, for a full read is followed by another one. After a short one it is told.
    if (total > 0) {
      if ((ended_ || !failure_.empty()) && total < room) again_.tell();
      return {IoStatus::ok, total};
    }
    if (ended_) return {IoStatus::eof};
    return {failure_.empty() ? IoStatus::would_block : IoStatus::error};
  }

  IoResult write(const ::iovec* parts, int count) override {
    if (closed_ || write_ended_ || !failure_.empty()) return {IoStatus::error};
    if (!shaken_ || !flush()) return {failure_.empty() ? IoStatus::would_block : IoStatus::error};
    std::size_t total = 0;
    char joined[16384];
    int part = 0;
    std::size_t offset = 0;
    while (part < count && total < pending_limit) {
      // Small parts go into one record.
      const char* data = static_cast<const char*>(parts[part].iov_base) + offset;
      std::size_t length = parts[part].iov_len - offset;
      if (length >= sizeof joined || part + 1 == count) {
        length = std::min(length, sizeof joined);
        offset += length;
        if (offset == parts[part].iov_len) ++part, offset = 0;
      } else {
        length = 0;
        while (part < count && length < sizeof joined) {
          const std::size_t piece = std::min(parts[part].iov_len - offset, sizeof joined - length);
          std::memcpy(joined + length, static_cast<const char*>(parts[part].iov_base) + offset, piece);
          length += piece;
          offset += piece;
          if (offset == parts[part].iov_len) ++part, offset = 0;
        }
        data = joined;
      }
      if (length == 0) continue;
      std::size_t put = 0;
      ::ERR_clear_error();
      const int result = ::SSL_write_ex(ssl_.get(), data, length, &put);
      if (result != 1) {
        const int why = ::SSL_get_error(ssl_.get(), result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail(openssl_reason());
        break;
      }
      total += put;
    }
    flush();
    if (!failure_.empty()) return {IoStatus::error};
    return {total > 0 || count == 0 ? IoStatus::ok : IoStatus::would_block, total};
  }

  void shutdown_write() override {
    if (closed_ || write_ended_) return;
    write_ended_ = true;
    if (shaken_ && failure_.empty()) ::SSL_shutdown(ssl_.get());
    flush();
  }

  void close(bool reset) override {
    if (closed_) return;
    if (!reset && failure_.empty() && shaken_ && !write_ended_) {
      ::SSL_shutdown(ssl_.get());
      flush();
    }
    closed_ = true;
    again_.stop();
    inner_->close(reset);
  }

  const std::string& peer() const noexcept override { return inner_->peer(); }
  std::string_view alpn() const noexcept override {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    ::SSL_get0_alpn_selected(ssl_.get(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
  }
  bool encrypted() const noexcept override { return true; }
  bool flushed() const noexcept override { return out_sent_ == out_.size(); }
  std::string_view failure() const noexcept override { return failure_; }

  // The two ends of the BIO.
  int bio_read(::BIO* bio, char* into, int room) {
    ::BIO_clear_retry_flags(bio);
    if (in_first_ == in_used_) {
      if (drained_) {
        ::BIO_set_retry_read(bio);
        return -1;
      }
      if (in_ == nullptr) in_ = std::make_unique<char[]>(record_room);
      const IoResult got = inner_->read(in_.get(), record_room);
      if (got.status == IoStatus::would_block) {
        drained_ = true;
        ::BIO_set_retry_read(bio);
        return -1;
      }
      if (got.status != IoStatus::ok) {
        inner_ended_ = true;
        return got.status == IoStatus::eof ? 0 : -1;
      }
      in_first_ = 0;
      in_used_ = got.bytes;
      if (got.bytes < record_room) drained_ = true;
    }
    const std::size_t length = std::min(in_used_ - in_first_, static_cast<std::size_t>(room));
    std::memcpy(into, in_.get() + in_first_, length);
    in_first_ += length;
    if (in_first_ == in_used_ && drained_) {
      in_.reset();  // an idle connection holds no buffer
      in_first_ = in_used_ = 0;
    }
    return static_cast<int>(length);
  }
  int bio_write(::BIO* bio, const char* data, int length) {
    ::BIO_clear_retry_flags(bio);
    out_.append(data, static_cast<std::size_t>(length));
    return length;
  }
  [[nodiscard]] bool bio_ended() const noexcept { return inner_ended_; }

 private:
  /// Tells the handler once more, without a descriptor to do it.
  struct Again final : Deferred {
    explicit Again(TlsTransport& of) noexcept : owner(of) {}
    void tell() { owner.loop_.defer(*this); }
    void stop() noexcept { cancel_deferred(); }
    void on_deferred() override { owner.handler_->on_io(EPOLLIN | EPOLLRDHUP); }
    TlsTransport& owner;
  };

  void on_io(std::uint32_t events) override {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) drained_ = false;
    if ((events & EPOLLOUT) != 0) flush();
    if (!shaken_) {
      shake();
      if (!shaken_ && failure_.empty()) return;
      events |= EPOLLIN | EPOLLOUT;
    }
    handler_->on_io(events);  // may destroy this
  }

  void shake() {
    if (!failure_.empty()) return;
    ::ERR_clear_error();
    const int result = ::SSL_do_handshake(ssl_.get());
    if (result == 1) {
      shaken_ = true;
    } else {
      const int why = ::SSL_get_error(ssl_.get(), result);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        const long verified = ::SSL_get_verify_result(ssl_.get());
        if (inner_ended_) fail("the connection ended during the handshake");
        else if (verified != X509_V_OK) fail(std::string("certificate: ") + ::X509_verify_cert_error_string(verified));
        else fail(openssl_reason());
      }
    }
    flush();
  }

  void fail(std::string why) {
    ::ERR_clear_error();
    if (failure_.empty()) failure_ = std::move(why);
  }

  /// True when everything is with the inner transport.
  bool flush() {
    while (out_sent_ < out_.size()) {
      const ::iovec part{out_.data() + out_sent_, out_.size() - out_sent_};
      const IoResult put = inner_->write(&part, 1);
      if (put.status == IoStatus::would_block) return false;
      if (put.status != IoStatus::ok) {
        fail("the connection broke");
        out_sent_ = out_.size();
        break;
      }
      out_sent_ += put.bytes;
    }
    out_.clear();
    out_sent_ = 0;
    if (out_.capacity() > 4096) out_.shrink_to_fit();
    if (write_ended_ && !inner_shut_) {
      inner_shut_ = true;
      inner_->shutdown_write();
    }
    return true;
  }

  Loop& loop_;
  std::shared_ptr<TlsContext> context_;
  std::unique_ptr<Transport> inner_;
  Ssl ssl_;
  IoHandler* handler_ = nullptr;
  Again again_{*this};
  std::unique_ptr<char[]> in_;
  std::size_t in_first_ = 0;
  std::size_t in_used_ = 0;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::string failure_;
  bool drained_ = false;
  bool shaken_ = false;
  bool ended_ = false;
  bool inner_ended_ = false;
  bool write_ended_ = false;
  bool inner_shut_ = false;
  bool closed_ = false;
};

TlsTransport& of(::BIO* bio) { return *static_cast<TlsTransport*>(::BIO_get_data(bio)); }

::BIO_METHOD* new_method() {
  ::BIO_METHOD* method = ::BIO_meth_new(BIO_TYPE_SOURCE_SINK, "spikard");
  if (method == nullptr) return nullptr;
  ::BIO_meth_set_read(method, [](::BIO* bio, char* into, int room) { return of(bio).bio_read(bio, into, room); });
  ::BIO_meth_set_write(method, [](::BIO* bio, const char* data, int length) { return of(bio).bio_write(bio, data, length); });
  ::BIO_meth_set_ctrl(method, [](::BIO* bio, int command, long, void*) -> long {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return of(bio).bio_ended() ? 1 : 0;
    return 0;
  });
  ::BIO_meth_set_create(method, [](::BIO* bio) {
    ::BIO_set_init(bio, 1);
    return 1;
  });
  return method;
}

std::unique_ptr<TlsTransport> make_tls_transport(Loop& loop, std::shared_ptr<TlsContext> context, Ssl ssl, std::unique_ptr<Transport> inner, ::BIO_METHOD* method) {
  ::BIO* bio = ::BIO_new(method);
  if (bio == nullptr) return nullptr;
  ::SSL_set_bio(ssl.get(), bio, bio);
  auto made = std::make_unique<TlsTransport>(loop, std::move(context), std::move(ssl), std::move(inner));
  ::BIO_set_data(bio, made.get());
  return made;
}

std::string wire_alpn(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) wire.append(1, static_cast<char>(name.size())).append(name);
  return wire;
}

}  // namespace

struct TlsContext::Impl {
  bool is_server = false;
  TlsServerOptions server_options;
  TlsClientOptions client_options;
  std::string alpn;
  std::unique_ptr<::BIO_METHOD, FreeSsl> method;
  std::mutex mutex;
  SslContext context;

  [[nodiscard]] Result<SslContext> make() const;
  [[nodiscard]] Result<SslContext> make_server() const;
  [[nodiscard]] Result<SslContext> make_client() const;
};

namespace {

int choose_alpn(::SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered, unsigned length, void* wanted) {
  const auto& ours = *static_cast<const std::string*>(wanted);
  unsigned char* chosen = nullptr;
  const int found = ::SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(ours.data()), static_cast<unsigned>(ours.size()), offered, length);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int number_of(TlsVersion version) { return version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION; }

Error file_error(const char* what, const std::string& path) {
  return invalid_argument(std::string("tls.") + what + " '" + path + "': " + openssl_reason()).with_operation("net.tls");
}

}  // namespace

Result<SslContext> TlsContext::Impl::make() const {
  ::ERR_clear_error();
  auto made = is_server ? make_server() : make_client();
  if (!made.ok()) return made;
  ::SSL_CTX* raw = made->get();
  ::SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  ::SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // TLS 1.2: forward secrecy and AEAD only; 1.3 has nothing else.
  if (::SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) return internal_error("tls: " + openssl_reason());
  return made;
}

Result<SslContext> TlsContext::Impl::make_server() const {
  SslContext made(::SSL_CTX_new(::TLS_server_method()));
  ::SSL_CTX* raw = made.get();
  if (raw == nullptr) return internal_error("SSL_CTX_new: " + openssl_reason());
  ::SSL_CTX_set_min_proto_version(raw, number_of(server_options.min_version));
  if (::SSL_CTX_use_certificate_chain_file(raw, server_options.certificate.c_str()) != 1) return file_error("certificate", server_options.certificate);
  if (::SSL_CTX_use_PrivateKey_file(raw, server_options.key.c_str(), SSL_FILETYPE_PEM) != 1) return file_error("key", server_options.key);
  if (::SSL_CTX_check_private_key(raw) != 1) return file_error("key", server_options.key);
  if (!alpn.empty()) ::SSL_CTX_set_alpn_select_cb(raw, &choose_alpn, const_cast<std::string*>(&alpn));
  return made;
}

Result<SslContext> TlsContext::Impl::make_client() const {
  SslContext made(::SSL_CTX_new(::TLS_client_method()));
  ::SSL_CTX* raw = made.get();
  if (raw == nullptr) return internal_error("SSL_CTX_new: " + openssl_reason());
  ::SSL_CTX_set_min_proto_version(raw, number_of(client_options.min_version));
  ::SSL_CTX_set_max_proto_version(raw, number_of(client_options.max_version));
  ::SSL_CTX_set_verify(raw, client_options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!client_options.ca.empty()) {
    if (::SSL_CTX_load_verify_file(raw, client_options.ca.c_str()) != 1) return file_error("ca", client_options.ca);
  } else {
    ::SSL_CTX_set_default_verify_paths(raw);
  }
  if (!alpn.empty()) ::SSL_CTX_set_alpn_protos(raw, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  return made;
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

namespace {
Result<void> check_alpn(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) return invalid_argument("tls.alpn: expected protocol names of 1 to 255 bytes");
  }
  return {};
}
}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(TlsServerOptions options) {
  SPIKARD_TRY(check_alpn(options.alpn));
  auto impl = std::make_unique<Impl>();
  impl->is_server = true;
  impl->alpn = wire_alpn(options.alpn);
  impl->server_options = std::move(options);
  impl->method.reset(new_method());
  std::shared_ptr<TlsContext> context(new TlsContext(std::move(impl)));
  SPIKARD_TRY(context->reload());
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(TlsClientOptions options) {
  SPIKARD_TRY(check_alpn(options.alpn));
  auto impl = std::make_unique<Impl>();
  impl->alpn = wire_alpn(options.alpn);
  impl->client_options = std::move(options);
  impl->method.reset(new_method());
  std::shared_ptr<TlsContext> context(new TlsContext(std::move(impl)));
  SPIKARD_TRY(context->reload());
  return context;
}

Result<void> TlsContext::reload() {
  auto made = impl_->make();
  if (!made.ok()) return std::move(made).error();
  const std::lock_guard lock(impl_->mutex);
  impl_->context = std::move(*made);
  return {};
}

Result<std::unique_ptr<Transport>> TlsContext::wrap(Loop& loop, std::unique_ptr<Transport> inner, const std::string& server_name) {
  Ssl ssl;
  {
    const std::lock_guard lock(impl_->mutex);
    ssl.reset(::SSL_new(impl_->context.get()));
  }
  if (ssl == nullptr) return internal_error("SSL_new: " + openssl_reason());
  if (impl_->is_server) {
    ::SSL_set_accept_state(ssl.get());
  } else {
    ::SSL_set_connect_state(ssl.get());
    if (server_name.empty()) {
      if (impl_->client_options.verify) return invalid_argument("tls: a client that verifies needs the server's name");
    } else {
      unsigned char binary[sizeof(::in6_addr)];
      const bool is_ip = ::inet_pton(AF_INET, server_name.c_str(), binary) == 1 || ::inet_pton(AF_INET6, server_name.c_str(), binary) == 1;
      const int set = is_ip ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), server_name.c_str())
                            : (::SSL_set1_host(ssl.get(), server_name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) == 1 ? 1 : 0);
      if (set != 1) return invalid_argument("tls: '" + server_name + "' is not a server name");
    }
  }
  auto made = make_tls_transport(loop, shared_from_this(), std::move(ssl), std::move(inner), impl_->method.get());
  if (made == nullptr) return internal_error("BIO_new: " + openssl_reason());
  return std::unique_ptr<Transport>(std::move(made));
}

namespace {

class TlsListener final : public Listener {
 public:
  TlsListener(std::unique_ptr<Listener> inner, std::shared_ptr<TlsContext> context) : inner_(std::move(inner)), context_(std::move(context)) {}
  Result<void> start(Loop& loop, Accept accept) override {
    return inner_->start(loop, [&loop, context = context_, accept = std::move(accept)](std::unique_ptr<Transport> plain) mutable {
      auto wrapped = context->wrap(loop, std::move(plain));
      if (wrapped.ok()) accept(std::move(*wrapped));  // else out of memory: the connection is closed
    });
  }
  void drain() override { inner_->drain(); }
  void close() override { inner_->close(); }
  std::string address() const override { return inner_->address(); }

 private:
  std::unique_ptr<Listener> inner_;
  std::shared_ptr<TlsContext> context_;
};

}  // namespace

std::unique_ptr<Listener> tls_listener(std::unique_ptr<Listener> inner, std::shared_ptr<TlsContext> context) {
  return std::make_unique<TlsListener>(std::move(inner), std::move(context));
}

}  // namespace spikard::net
