#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "messaging/amqp/wire.hpp"

// Methods of AMQP 0-9-1 and of RabbitMQ's additions (confirms, basic.nack, exchange.bind, connection.blocked): those that a
// client sends as functions that append a frame, those that it gets as structs. No I/O.
namespace spikard::messaging::amqp {

/// Class and method in one number.
enum class MethodId : std::uint32_t {
  connection_start = 10U << 16U | 10U,
  connection_start_ok = 10U << 16U | 11U,
  connection_secure = 10U << 16U | 20U,
  connection_tune = 10U << 16U | 30U,
  connection_tune_ok = 10U << 16U | 31U,
  connection_open = 10U << 16U | 40U,
  connection_open_ok = 10U << 16U | 41U,
  connection_close = 10U << 16U | 50U,
  connection_close_ok = 10U << 16U | 51U,
  connection_blocked = 10U << 16U | 60U,
  connection_unblocked = 10U << 16U | 61U,
  channel_open = 20U << 16U | 10U,
  channel_open_ok = 20U << 16U | 11U,
  channel_flow = 20U << 16U | 20U,
  channel_flow_ok = 20U << 16U | 21U,
  channel_close = 20U << 16U | 40U,
  channel_close_ok = 20U << 16U | 41U,
  exchange_declare = 40U << 16U | 10U,
  exchange_declare_ok = 40U << 16U | 11U,
  exchange_delete = 40U << 16U | 20U,
  exchange_delete_ok = 40U << 16U | 21U,
  exchange_bind = 40U << 16U | 30U,
  exchange_bind_ok = 40U << 16U | 31U,
  queue_declare = 50U << 16U | 10U,
  queue_declare_ok = 50U << 16U | 11U,
  queue_bind = 50U << 16U | 20U,
  queue_bind_ok = 50U << 16U | 21U,
  queue_delete = 50U << 16U | 40U,
  queue_delete_ok = 50U << 16U | 41U,
  basic_qos = 60U << 16U | 10U,
  basic_qos_ok = 60U << 16U | 11U,
  basic_consume = 60U << 16U | 20U,
  basic_consume_ok = 60U << 16U | 21U,
  basic_cancel = 60U << 16U | 30U,
  basic_cancel_ok = 60U << 16U | 31U,
  basic_publish = 60U << 16U | 40U,
  basic_return = 60U << 16U | 50U,
  basic_deliver = 60U << 16U | 60U,
  basic_get = 60U << 16U | 70U,
  basic_get_ok = 60U << 16U | 71U,
  basic_get_empty = 60U << 16U | 72U,
  basic_ack = 60U << 16U | 80U,
  basic_nack = 60U << 16U | 120U,
  confirm_select = 85U << 16U | 10U,
  confirm_select_ok = 85U << 16U | 11U,
};

/// A method as it came: its arguments are read by one of the functions below.
struct Method {
  MethodId id{};
  std::string_view arguments{};
};
/// corrupt: shorter than its id.
[[nodiscard]] Result<Method> read_method(std::string_view payload);

inline constexpr std::string_view protocol_header{"AMQP\0\0\x09\x01", 8};

// ---- what comes. Views are into the payload. A cut-off one is corrupt. ---------------------------------------------

struct Start {
  std::uint8_t major = 0;
  std::string_view server_properties{};  ///< a table
  std::string_view mechanisms{};         ///< separated by blanks
};
struct Tune {
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat = 0;  ///< seconds
};
/// Of a connection or a channel: why the server ends it.
struct Close {
  std::uint16_t code = 0;
  std::string_view text{};
  MethodId cause{};  ///< zero: none
};
struct Deliver {  ///< and get-ok
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::string_view exchange{};
  std::string_view routing_key{};
  std::uint32_t left = 0;  ///< get-ok: how many are ready behind it
};
struct Confirm {  ///< ack and nack
  std::uint64_t tag = 0;
  bool multiple = false;
};
struct Return {
  std::uint16_t code = 0;
  std::string_view text{};
  std::string_view exchange{};
  std::string_view routing_key{};
};
[[nodiscard]] Result<Start> read_start(const Method& method);
[[nodiscard]] Result<Tune> read_tune(const Method& method);
[[nodiscard]] Result<Close> read_close(const Method& method);
[[nodiscard]] Result<Deliver> read_deliver(const Method& method);
[[nodiscard]] Result<Confirm> read_confirm(const Method& method);
[[nodiscard]] Result<Return> read_return(const Method& method);
/// connection.blocked
[[nodiscard]] Result<std::string_view> read_reason(const Method& method);
/// channel.flow
[[nodiscard]] Result<bool> read_flow(const Method& method);

/// The content header of class basic: how long the body is, and its properties.
struct ContentHeader {
  std::uint64_t body_size = 0;
  std::string_view properties{};  ///< the flags and what follows them
};
[[nodiscard]] Result<ContentHeader> read_content_header(std::string_view payload);

struct Properties {
  std::string_view content_type{};
  std::string_view headers{};  ///< a table
  std::uint8_t delivery_mode = 0;
  std::string_view message_id{};
  std::uint64_t timestamp = 0;  ///< seconds since 1970; 0: none
};
[[nodiscard]] Result<Properties> read_properties(std::string_view properties);

// ---- what is sent --------------------------------------------------------------------------------------------------

struct Login {
  std::string mechanism;
  std::string response;
};
void put_start_ok(std::string& out, const Login& login);
void put_tune_ok(std::string& out, const Tune& tune);
void put_open(std::string& out, std::string_view vhost);
/// Of the connection with channel 0.
void put_close(std::string& out, std::uint16_t channel);
/// A method without arguments, or with this one octet or empty text: channel.open, close-ok, confirm.select, flow-ok.
void put_plain(std::string& out, std::uint16_t channel, MethodId id, std::string_view arguments = {});
void put_exchange_declare(std::string& out, std::uint16_t channel, std::string_view name, std::string_view type);
void put_exchange_delete(std::string& out, std::uint16_t channel, std::string_view name);
void put_exchange_bind(std::string& out, std::uint16_t channel, std::string_view destination, std::string_view source,
                       std::string_view key);

struct QueueOptions {
  QueueOptions() = default;
  bool passive = false;     ///< only look whether it is there
  bool exclusive = false;   ///< of this connection, gone with it; neither durable nor a quorum queue
  std::string arguments{};  ///< entries of a table
};
void put_queue_declare(std::string& out, std::uint16_t channel, std::string_view name, const QueueOptions& options);
void put_queue_bind(std::string& out, std::uint16_t channel, std::string_view queue, std::string_view exchange,
                    std::string_view key);
void put_queue_delete(std::string& out, std::uint16_t channel, std::string_view name);
void put_qos(std::string& out, std::uint16_t channel, std::uint16_t prefetch);
void put_consume(std::string& out, std::uint16_t channel, std::string_view queue, std::string_view tag);
void put_cancel(std::string& out, std::uint16_t channel, std::string_view tag);
void put_get(std::string& out, std::uint16_t channel, std::string_view queue);
void put_ack(std::string& out, std::uint16_t channel, std::uint64_t tag, bool multiple = false);
/// Back to the queue.
void put_nack(std::string& out, std::uint16_t channel, std::uint64_t tag, bool multiple = false);

/// The flags and values of a content header.
[[nodiscard]] std::string properties_of(const Properties& properties);
/// basic.publish with its header and body, the body cut into frames of at most `max_frame`.
void put_publish(std::string& out, std::uint16_t channel, std::string_view exchange, std::string_view routing_key, bool mandatory,
                 std::string_view properties, std::string_view body, std::size_t max_frame);
void put_heartbeat(std::string& out);

}  // namespace spikard::messaging::amqp
