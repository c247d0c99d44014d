#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "net/transport.hpp"

namespace spikard::net {

class TlsContext;

namespace detail {

struct FreeSsl {
  void operator()(::SSL* ssl) const noexcept { ::SSL_free(ssl); }
  void operator()(::SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
  void operator()(::BIO_METHOD* method) const noexcept { ::BIO_meth_free(method); }
};
using Ssl = std::unique_ptr<::SSL, FreeSsl>;
using SslContext = std::unique_ptr<::SSL_CTX, FreeSsl>;

/// The text of OpenSSL's last error on this thread, which is then forgotten.
[[nodiscard]] std::string openssl_reason();

/// The BIO that joins OpenSSL and a Transport. One for all connections of a context.
[[nodiscard]] ::BIO_METHOD* new_bio_method();

/// TLS over `inner`; `ssl` is set to its side and knows what to verify. Null when memory ran out.
[[nodiscard]] std::unique_ptr<Transport> tls_transport(Loop& loop, std::shared_ptr<TlsContext> context, Ssl ssl,
                                                       std::unique_ptr<Transport> inner, ::BIO_METHOD* method);

}  // namespace detail
}  // namespace spikard::net
