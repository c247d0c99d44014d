#include "net/tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <mutex>

#include "net/tls_transport.hpp"

namespace spikard::net {

using detail::openssl_reason;
using detail::Ssl;
using detail::SslContext;

namespace {

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
  std::unique_ptr<::BIO_METHOD, detail::FreeSsl> method;
  std::mutex mutex;
  SslContext context;

  [[nodiscard]] Result<SslContext> make() const;
  [[nodiscard]] Result<SslContext> make_server() const;
  [[nodiscard]] Result<SslContext> make_client() const;
};

namespace {

int choose_alpn(::SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered, unsigned length,
                void* wanted) {
  const auto& ours = *static_cast<const std::string*>(wanted);
  unsigned char* chosen = nullptr;
  const int found = ::SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned>(ours.size()), offered, length);
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
  ::SSL_CTX_set_options(
      raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
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
  if (::SSL_CTX_use_certificate_chain_file(raw, server_options.certificate.c_str()) != 1)
    return file_error("certificate", server_options.certificate);
  if (::SSL_CTX_use_PrivateKey_file(raw, server_options.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return file_error("key", server_options.key);
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
  if (!client_options.certificate.empty()) {
    if (::SSL_CTX_use_certificate_chain_file(raw, client_options.certificate.c_str()) != 1)
      return file_error("certificate", client_options.certificate);
    if (::SSL_CTX_use_PrivateKey_file(raw, client_options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        ::SSL_CTX_check_private_key(raw) != 1)
      return file_error("key", client_options.key);
  }
  if (!alpn.empty())
    ::SSL_CTX_set_alpn_protos(raw, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
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
  impl->method.reset(detail::new_bio_method());
  std::shared_ptr<TlsContext> context(new TlsContext(std::move(impl)));
  SPIKARD_TRY(context->reload());
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(TlsClientOptions options) {
  SPIKARD_TRY(check_alpn(options.alpn));
  auto impl = std::make_unique<Impl>();
  impl->alpn = wire_alpn(options.alpn);
  impl->client_options = std::move(options);
  impl->method.reset(detail::new_bio_method());
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

Result<std::unique_ptr<Transport>> TlsContext::wrap(Loop& loop, std::unique_ptr<Transport> inner,
                                                    const std::string& server_name) {
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
      if (impl_->client_options.verify && impl_->client_options.verify_name)
        return invalid_argument("tls: a client that verifies needs the server's name");
    } else if (!impl_->client_options.verify_name) {
      unsigned char binary[sizeof(::in6_addr)];
      const bool is_ip =
          ::inet_pton(AF_INET, server_name.c_str(), binary) == 1 || ::inet_pton(AF_INET6, server_name.c_str(), binary) == 1;
      if (!is_ip && SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) != 1)
        return invalid_argument("tls: '" + server_name + "' is not a server name");
    } else {
      unsigned char binary[sizeof(::in6_addr)];
      const bool is_ip =
          ::inet_pton(AF_INET, server_name.c_str(), binary) == 1 || ::inet_pton(AF_INET6, server_name.c_str(), binary) == 1;
      const int set = is_ip ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), server_name.c_str())
                            : (::SSL_set1_host(ssl.get(), server_name.c_str()) == 1 &&
                                       SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) == 1
                                   ? 1
                                   : 0);
      if (set != 1) return invalid_argument("tls: '" + server_name + "' is not a server name");
    }
  }
  auto made = detail::tls_transport(loop, shared_from_this(), std::move(ssl), std::move(inner), impl_->method.get());
  if (made == nullptr) return internal_error("BIO_new: " + openssl_reason());
  return made;
}

namespace {

class TlsListener final : public Listener {
 public:
  TlsListener(std::unique_ptr<Listener> inner, std::shared_ptr<TlsContext> context)
      : inner_(std::move(inner)), context_(std::move(context)) {}
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
