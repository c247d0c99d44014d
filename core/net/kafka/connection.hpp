#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/await.hpp"
#include "net/http_client/resolver.hpp"
#include "net/kafka/protocol.hpp"
#include "net/kafka/sasl.hpp"
#include "net/tls.hpp"
#include "net/transport.hpp"

namespace spikard::net::kafka {

struct ConnectionOptions {
  ConnectionOptions() = default;
  std::string client_id = "spikard";
  std::shared_ptr<TlsContext> tls{};  ///< null: in clear
  SaslMechanism sasl = SaslMechanism::none;
  std::string user{};
  std::string password{};
  Duration connect_timeout{std::chrono::seconds(10)};
  Duration request_timeout{std::chrono::seconds(30)};
  std::size_t max_answer_bytes = 128U << 20U;
  bool oldest_versions = false;  ///< what an old broker would get, for tests
};

/// The text of an answer and what of it is the body.
struct Reply {
  Reply() = default;
  std::string text{};
  std::size_t body_at = 0;
  std::int16_t version = 0;
  [[nodiscard]] std::string_view body() const noexcept { return std::string_view(text).substr(body_at); }
};

/// One connection to one broker. Any number of tasks may ask at the same time: requests are written one behind another, at the
/// end of the turn, and the broker answers in their order. A request that takes too long breaks the connection, for nothing
/// behind it would be answered either. Once broken it stays so.
class Connection final : public std::enable_shared_from_this<Connection>, private IoHandler, private TurnEnd {
 public:
  /// Connected, versions known, authenticated. unavailable, timeout, permission_denied, unsupported (a broker before 2.3).
  [[nodiscard]] static Task<Result<std::shared_ptr<Connection>>> open(Loop& loop, Resolver& resolver,
                                                                      std::shared_ptr<const ConnectionOptions> options,
                                                                      std::string host, std::uint16_t port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool broken() const noexcept { return broken_.has_value(); }
  /// Who asks gets `why`.
  void close(Error why);
  /// The version both sides speak; unsupported where there is none.
  [[nodiscard]] Result<std::int16_t> version(ApiKey key) const;
  /// A cancelled caller leaves the connection as it is. outcome_unknown: it was sent and the answer did not come.
  [[nodiscard]] Task<Result<Reply>> ask(ApiKey key, std::int16_t version, std::string body, Duration limit);
  [[nodiscard]] const ConnectionOptions& options() const noexcept { return *options_; }

 private:
  struct Waiting {
    explicit Waiting(Loop& loop) : done(loop) {}
    std::int32_t correlation = 0;
    ApiKey key{};
    std::int16_t version = 0;
    Event done;
    std::optional<Result<Reply>> result{};
  };
  Connection(Loop& loop, std::shared_ptr<const ConnectionOptions> options, std::unique_ptr<Transport> transport,
             std::string address);
  [[nodiscard]] Task<Result<void>> greet();
  [[nodiscard]] Task<Result<void>> authenticate();
  [[nodiscard]] Task<Result<std::string>> exchange(std::string bytes);
  void on_io(std::uint32_t events) override;
  void on_turn_end() override { flush(); }
  void read();
  void take(std::string text);
  void flush();

  Loop& loop_;
  const std::shared_ptr<const ConnectionOptions> options_;
  const std::string address_;
  std::unique_ptr<Transport> transport_;
  std::optional<Error> broken_;
  std::string out_;
  std::size_t written_ = 0;
  std::string in_;
  std::deque<std::shared_ptr<Waiting>> waiting_;
  std::int32_t next_correlation_ = 1;
  std::array<std::pair<std::int16_t, std::int16_t>, 64> ranges_{};  // of each ApiKey
};

/// Asks, and reads the answer.
template <class Answer, class Request>
[[nodiscard]] Task<Result<Answer>> call(std::shared_ptr<Connection> connection, Request request, Duration limit) {
  Result<std::int16_t> version = connection->version(Request::key);
  if (!version.ok()) co_return Result<Answer>(std::move(version).error());
  std::string body = request.write(*version);
  Result<Reply> reply = co_await connection->ask(Request::key, *version, std::move(body), limit);
  if (!reply.ok()) co_return Result<Answer>(std::move(reply).error());
  Result<Answer> answer = Answer::read(reply->body(), *version);
  if (!answer.ok()) {
    Error why = answer.error();
    connection->close(std::move(why));
  }
  co_return answer;
}
template <class Answer, class Request>
[[nodiscard]] Task<Result<Answer>> call(std::shared_ptr<Connection> connection, Request request) {
  const Duration limit = connection->options().request_timeout;
  return call<Answer, Request>(std::move(connection), std::move(request), limit);
}

}  // namespace spikard::net::kafka
