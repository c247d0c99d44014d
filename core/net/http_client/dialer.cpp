#include "net/http_client/dialer.hpp"

#include <optional>

#include "net/await.hpp"

namespace spikard::net::http {
namespace {

using Made = std::unique_ptr<Stream>;

Error unavailable(std::string message) { return Error(ErrorKind::unavailable, std::move(message)).with_operation("net.http"); }

}  // namespace

Result<std::shared_ptr<TlsContext>> Dialer::tls() {
  if (tls_ == nullptr) {
    TlsClientOptions client;
    client.ca = options_.ca;
    client.verify = options_.verify;
    client.alpn = options_.alpn;
    auto made = TlsContext::client(std::move(client));
    if (!made.ok()) return std::move(made).error();
    tls_ = std::move(made).value();
  }
  return tls_;
}

Task<Result<Made>> Dialer::one(std::string address, const Url* url) {
  auto transport = net::connect(loop_, address);
  if (!transport.ok()) co_return Result<Made>(std::move(transport).error());
  std::unique_ptr<Transport> raw = std::move(transport).value();
  if (url->tls) {
    auto context = tls();
    if (!context.ok()) co_return Result<Made>(std::move(context).error());
    auto wrapped = (*context)->wrap(loop_, std::move(raw), url->host);
    if (!wrapped.ok()) co_return Result<Made>(std::move(wrapped).error());
    raw = std::move(wrapped).value();
  }
  auto stream = std::make_unique<Stream>(loop_, std::move(raw));
  if (auto started = stream->start(); !started.ok()) co_return Result<Made>(std::move(started).error());
  // Told first when it is connected, with TLS when the handshake is over, or when that failed.
  auto waited = co_await stream->wait();
  if (!waited.ok()) co_return Result<Made>(std::move(waited).error());
  // A server may speak first (HTTP/2 does): its byte is kept for the first read.
  if (const IoStatus state = stream->peek(); state != IoStatus::would_block && state != IoStatus::ok) {
    const std::string_view why = stream->transport().failure();
    co_return Result<Made>(unavailable("cannot connect to " + url->authority() + (why.empty() ? "" : ": ") + std::string(why)));
  }
  co_return Result<Made>(std::move(stream));
}

Task<Result<Made>> Dialer::dial(Url url) {
  auto addresses = co_await resolver_.resolve(url.host, url.port);
  if (!addresses.ok()) co_return Result<Made>(std::move(addresses).error());
  std::optional<Error> first;  // the best address says most
  // One after another; none but the last may use up the time of those behind it.
  const auto each = options_.timeout / static_cast<long>(addresses->size());
  for (std::string& address : *addresses) {
    Task<Result<Made>> attempt = one(std::move(address), &url);
    Result<Made> made = co_await with_deadline(loop_, each, std::move(attempt));
    if (made.ok()) co_return made;
    if (made.error().kind() == ErrorKind::cancelled) co_return made;
    if (first) continue;
    if (made.error().kind() == ErrorKind::timeout) first = unavailable("connecting to " + url.authority() + " took too long");
    else first = std::move(made).error();
  }
  co_return Result<Made>(*std::move(first));
}

}  // namespace spikard::net::http
