#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "net/mqtt/packet.hpp"

namespace spikard::net::mqtt {

struct SessionOptions {
  SessionOptions() = default;
  Version version = Version::v5;
  std::uint16_t receive_maximum = 256;   ///< messages in our hand that were not acknowledged
  std::uint16_t send_maximum = 1024;     ///< ours under way; the server's receive maximum where that is less
  std::size_t max_waiting = 64U << 10U;  ///< ours under way and behind it
  std::size_t max_output = 1U << 20U;    ///< bytes to write from which on new messages wait
};

/// One message in our hand: to be acknowledged, once, when it is safe. Outdated ones do nothing.
struct Delivery {
  std::uint16_t id = 0;  ///< 0: QoS 0
  std::uint64_t serial = 0;
};

/// What a session tells its owner. None may destroy the session.
class SessionEvents {
 public:
  virtual void on_message(Publish message, Delivery delivery) = 0;
  /// It reached the server as its QoS says, or why not. By `publish`'s number.
  virtual void on_published(std::uint64_t number, std::optional<Error> failure) = 0;
  /// Of a SUBSCRIBE or UNSUBSCRIBE.
  virtual void on_granted(std::uint64_t number, std::optional<Error> failure) = 0;
  virtual void on_pong() = 0;

 protected:
  ~SessionEvents() = default;
};

/// The state of an MQTT session over any number of connections: packet identifiers, what is under way both ways, the server's
/// limits. Without I/O: packets come in by `handle`, bytes go out by `output`.
///
/// Messages out: in their order, at most the server's receive maximum under way; what was not acknowledged is sent again, with
/// DUP, when the server kept the session, as new ones when it did not (so a QoS 2 message may come twice then).
/// Messages in: acknowledged by the owner, not before. One that the server sends again while it is in our hand is not handed out
/// twice; of QoS 2, none is while the server keeps the session.
class Session {
 public:
  Session(SessionOptions options, SessionEvents& events) : options_(options), events_(events) {}

  // -- the owner's wishes, also without a connection
  /// rate_limited beyond max_waiting. The packet's id is set here.
  [[nodiscard]] Result<std::uint64_t> publish(Publish message);
  /// Sent again on every connection.
  std::uint64_t subscribe(Filter filter);
  std::uint64_t unsubscribe(std::string filter);
  /// Nobody waits for it any more: one that was not sent is forgotten. Whether it was sent.
  bool abandon(std::uint64_t number);
  void acknowledge(Delivery delivery);
  void ping();

  // -- a connection's life
  /// After a CONNACK that accepts.
  void begin(const Connack& connack);
  void end();
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  /// `corrupt` for what the server must not send, its own error for a DISCONNECT. Then close the connection.
  [[nodiscard]] Result<void> handle(Packet packet);
  /// Bytes for the connection; take them off the front as they are written, then `write_more`.
  [[nodiscard]] std::string& output() noexcept { return out_; }
  void write_more();

  /// False: more are in our hand than receive_maximum; stop reading.
  [[nodiscard]] bool may_read() const noexcept { return in_hand_ < options_.receive_maximum; }
  [[nodiscard]] std::size_t in_hand() const noexcept { return in_hand_; }
  [[nodiscard]] std::uint64_t received() const noexcept { return next_serial_ - 1; }
  [[nodiscard]] std::size_t waiting() const noexcept { return open_; }
  /// Of the last CONNACK: no number says yes.
  [[nodiscard]] bool server_has(PropertyId availability) const noexcept;

 private:
  enum class Phase : std::uint8_t { waiting, sent, released, done };
  struct Out {
    Publish message;
    Phase phase = Phase::waiting;
    bool written = false;    // on some connection
    bool abandoned = false;  // nobody is told
  };
  enum class Hold : std::uint8_t { delivering, stored, recorded };
  struct In {
    Hold hold = Hold::delivering;
    std::uint8_t qos = 1;
    std::uint64_t serial = 0;
    bool here = false;  // on this connection
  };
  struct Request {
    std::uint16_t id = 0;  // 0: not under way
    bool off = false;
    Filter filter;
  };

  [[nodiscard]] Result<void> on(Publish message);
  [[nodiscard]] Result<void> on(const Ack& ack);
  [[nodiscard]] Result<void> on(const Granted& granted);
  void deliver(Publish message, In* in);
  void send(Packet packet);
  void send_ack(PacketType type, std::uint16_t id, std::uint8_t reason = 0);
  void send_request(std::uint64_t number, Request& request);
  [[nodiscard]] std::optional<Error> send_publish(Out& out, bool dup);
  void finish(std::uint64_t number, std::optional<Error> failure);
  [[nodiscard]] std::uint16_t free_id();
  [[nodiscard]] Out* find_out(std::uint16_t id, std::uint64_t* number);

  const SessionOptions options_;
  SessionEvents& events_;
  std::string out_;
  bool connected_ = false;
  Properties limits_;  // the server's
  std::size_t send_maximum_ = 1;
  std::size_t max_packet_ = max_remaining_length;

  std::deque<Out> outgoing_;  // by number, from first_number_ on
  std::uint64_t first_number_ = 1;
  std::uint64_t next_send_ = 1;
  std::size_t under_way_ = 0;
  std::size_t open_ = 0;
  std::unordered_map<std::uint16_t, std::uint64_t> ids_;  // of those under way, and of requests (their number's top bit set)
  std::uint16_t last_id_ = 0;

  std::map<std::string, Filter> filters_;      // wanted
  std::map<std::uint64_t, Request> requests_;  // not answered
  std::uint64_t next_request_ = std::uint64_t{1} << 63U;

  std::unordered_map<std::uint16_t, In> incoming_;
  std::size_t in_hand_ = 0;
  std::uint64_t next_serial_ = 1;
};

}  // namespace spikard::net::mqtt
