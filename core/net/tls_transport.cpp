#include "net/tls_transport.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>

#include "net/tls.hpp"

namespace spikard::net::detail {
namespace {

constexpr std::size_t record_room = 16384 + 512;  // a TLS record with its overhead (RFC 8446, 5.2)
constexpr std::size_t pending_limit = 65536;      // plain bytes taken while the peer is slow

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

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ::ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : code == 0 ? "unknown TLS failure" : "TLS failure " + std::to_string(code);
  ::ERR_clear_error();
  return text;
}

::BIO_METHOD* new_bio_method() {
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

std::unique_ptr<Transport> tls_transport(Loop& loop, std::shared_ptr<TlsContext> context, Ssl ssl,
                                         std::unique_ptr<Transport> inner, ::BIO_METHOD* method) {
  ::BIO* bio = ::BIO_new(method);
  if (bio == nullptr) return nullptr;
  ::SSL_set_bio(ssl.get(), bio, bio);
  auto made = std::make_unique<TlsTransport>(loop, std::move(context), std::move(ssl), std::move(inner));
  ::BIO_set_data(bio, made.get());
  return made;
}

}  // namespace spikard::net::detail
