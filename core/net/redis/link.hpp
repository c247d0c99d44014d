#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "net/await.hpp"
#include "net/redis/command.hpp"
#include "net/redis/connection.hpp"

namespace spikard::net::redis::detail {

/// One command on one connection, its answer kept.
[[nodiscard]] Task<Result<Reply>> ask(std::shared_ptr<Connection> connection, const Command& command, Duration timeout);

/// Asks the sentinels, one after another, who is the master. The one that answered is asked first the next time.
class Sentinels {
 public:
  explicit Sentinels(std::shared_ptr<Dialer> dialer) : dialer_(std::move(dialer)), known_(dialer_->options.endpoints) {}
  [[nodiscard]] Task<Result<Endpoint>> master();

 private:
  const std::shared_ptr<Dialer> dialer_;
  std::vector<Endpoint> known_;
};

/// The connection to one server (or to whoever the sentinels say is the master), made when it is wanted and again when it is
/// lost, with growing, jittered pauses between attempts that fail. Nobody wants it: nothing is tried.
class Link final : public std::enable_shared_from_this<Link> {
 public:
  Link(std::shared_ptr<Dialer> dialer, Endpoint endpoint, Use use);
  /// The sentinels' master.
  explicit Link(std::shared_ptr<Dialer> dialer);

  /// Null unless it is there.
  [[nodiscard]] std::shared_ptr<Connection> now() const noexcept {
    return connection_ != nullptr && connection_->is_open() ? connection_ : nullptr;
  }
  /// Waits for it, until `until`: then the error of the last attempt. At once: an error that another attempt does not cure.
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> get(Instant until);
  /// A further connection to the same place, not kept.
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> another(Use use);
  /// The server is not what it was (READONLY): look again.
  void give_up(const Error& why);
  void close();
  /// Nobody is to begin with it any more: nothing is tried, what is under way on its connection goes on.
  void retire() {
    const std::shared_ptr<Link> self = shared_from_this();
    ends_.cancel();
  }

 private:
  static Task<void> connect(std::shared_ptr<Link> self);
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> attempt(Use use);
  [[nodiscard]] Duration pause();

  const std::shared_ptr<Dialer> dialer_;
  const Endpoint endpoint_;
  const Use use_;
  std::optional<Sentinels> sentinels_;
  std::shared_ptr<Connection> connection_;
  Event changed_;
  CancelSource ends_;
  std::optional<Error> failed_;  // the last attempt's, since the last success
  Instant not_before_{};
  Duration backoff_{};
  std::size_t wanted_ = 0;
  std::uint64_t attempts_ = 0;
  std::minstd_rand random_;
  bool connecting_ = false;
  bool closed_ = false;
};

/// Which node has which slots, and a Link to each. The map is asked for when it is needed and when a node says MOVED.
class Cluster final : public std::enable_shared_from_this<Cluster> {
 public:
  explicit Cluster(std::shared_ptr<Dialer> dialer);

  /// Null: the map must be asked for first. Without a key any node.
  [[nodiscard]] std::shared_ptr<Link> link_of(std::optional<std::string_view> key);
  [[nodiscard]] std::shared_ptr<Link> link_to(const Endpoint& endpoint);
  /// The map from any node that answers.
  [[nodiscard]] Task<Result<void>> learn(Instant until);
  /// `MOVED`: the slot is there now; the rest of the map is doubtful.
  void moved(std::uint16_t slot, const Endpoint& to);
  void doubt() noexcept { doubtful_ = true; }
  void close();

 private:
  [[nodiscard]] Task<Result<void>> ask_one(std::shared_ptr<Link> link, Instant until);
  [[nodiscard]] bool take_map(View reply, const Endpoint& from);

  const std::shared_ptr<Dialer> dialer_;
  std::map<std::string, std::shared_ptr<Link>, std::less<>> links_;
  std::array<std::shared_ptr<Link>, 16384> slots_;
  Event learned_;
  bool learning_ = false;
  bool doubtful_ = true;
  bool closed_ = false;
  std::size_t turn_ = 0;
};

/// `MOVED 3999 127.0.0.1:6381` and `ASK ...`; a host that is missing is the answering node's.
struct Redirection {
  bool ask = false;
  std::uint16_t slot = 0;
  Endpoint to{};
};
[[nodiscard]] std::optional<Redirection> redirection_of(std::string_view error, const Endpoint& from);

}  // namespace spikard::net::redis::detail
