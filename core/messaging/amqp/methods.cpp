#include "messaging/amqp/methods.hpp"

#include <algorithm>

namespace spikard::messaging::amqp {
namespace {

constexpr std::uint16_t class_basic = 60;
// Flags of properties, in the order of their values.
constexpr std::uint16_t has_content_type = 1U << 15U;
constexpr std::uint16_t has_content_encoding = 1U << 14U;
constexpr std::uint16_t has_headers = 1U << 13U;
constexpr std::uint16_t has_delivery_mode = 1U << 12U;
constexpr std::uint16_t has_priority = 1U << 11U;
constexpr std::uint16_t has_correlation_id = 1U << 10U;
constexpr std::uint16_t has_reply_to = 1U << 9U;
constexpr std::uint16_t has_expiration = 1U << 8U;
constexpr std::uint16_t has_message_id = 1U << 7U;
constexpr std::uint16_t has_timestamp = 1U << 6U;

Error cut_off(std::string_view what) {
  return Error(ErrorKind::corrupt, "AMQP: " + std::string(what) + " that is cut off").with_operation("messaging.amqp");
}

template <class T>
Result<T> checked(const Reader& in, T value) {
  if (in.failed()) return cut_off("a method");
  return value;
}

/// A method whose arguments are written until it is gone.
class MethodScope {
 public:
  MethodScope(std::string& out, std::uint16_t channel, MethodId id) : frame_(out, FrameType::method, channel) {
    put_u32(out, static_cast<std::uint32_t>(id));
  }

 private:
  FrameScope frame_;
};

}  // namespace

Result<Method> read_method(std::string_view payload) {
  Reader in(payload);
  Method out;
  out.id = static_cast<MethodId>(in.u32());
  if (in.failed()) return cut_off("a method");
  out.arguments = payload.substr(4);
  return out;
}

Result<Start> read_start(const Method& method) {
  Reader in(method.arguments);
  Start out;
  out.major = in.u8();
  (void)in.u8();
  out.server_properties = in.long_text();
  out.mechanisms = in.long_text();
  return checked(in, out);
}

Result<Tune> read_tune(const Method& method) {
  Reader in(method.arguments);
  Tune out;
  out.channel_max = in.u16();
  out.frame_max = in.u32();
  out.heartbeat = in.u16();
  return checked(in, out);
}

Result<Close> read_close(const Method& method) {
  Reader in(method.arguments);
  Close out;
  out.code = in.u16();
  out.text = in.short_text();
  out.cause = static_cast<MethodId>(in.u32());
  return checked(in, out);
}

Result<Deliver> read_deliver(const Method& method) {
  Reader in(method.arguments);
  Deliver out;
  if (method.id == MethodId::basic_deliver) (void)in.short_text();
  out.tag = in.u64();
  out.redelivered = (in.u8() & 1U) != 0;
  out.exchange = in.short_text();
  out.routing_key = in.short_text();
  if (method.id == MethodId::basic_get_ok) out.left = in.u32();
  return checked(in, out);
}

Result<Confirm> read_confirm(const Method& method) {
  Reader in(method.arguments);
  Confirm out;
  out.tag = in.u64();
  out.multiple = (in.u8() & 1U) != 0;
  return checked(in, out);
}

Result<Return> read_return(const Method& method) {
  Reader in(method.arguments);
  Return out;
  out.code = in.u16();
  out.text = in.short_text();
  out.exchange = in.short_text();
  out.routing_key = in.short_text();
  return checked(in, out);
}

Result<std::string_view> read_reason(const Method& method) {
  Reader in(method.arguments);
  const std::string_view out = in.short_text();
  return checked(in, out);
}

Result<bool> read_flow(const Method& method) {
  Reader in(method.arguments);
  const bool active = (in.u8() & 1U) != 0;
  return checked(in, active);
}

Result<ContentHeader> read_content_header(std::string_view payload) {
  Reader in(payload);
  const std::uint16_t of_class = in.u16();
  (void)in.u16();
  ContentHeader out;
  out.body_size = in.u64();
  if (in.failed() || of_class != class_basic) return cut_off("a content header");
  out.properties = payload.substr(12);
  return out;
}

Result<Properties> read_properties(std::string_view properties) {
  Reader in(properties);
  const std::uint16_t flags = in.u16();
  // A set last bit says that more flags follow: class basic has no such properties.
  if (in.failed() || (flags & 1U) != 0) return cut_off("properties");
  Properties out;
  if ((flags & has_content_type) != 0) out.content_type = in.short_text();
  if ((flags & has_content_encoding) != 0) (void)in.short_text();
  if ((flags & has_headers) != 0) out.headers = in.long_text();
  if ((flags & has_delivery_mode) != 0) out.delivery_mode = in.u8();
  if ((flags & has_priority) != 0) (void)in.u8();
  if ((flags & has_correlation_id) != 0) (void)in.short_text();
  if ((flags & has_reply_to) != 0) (void)in.short_text();
  if ((flags & has_expiration) != 0) (void)in.short_text();
  if ((flags & has_message_id) != 0) out.message_id = in.short_text();
  if ((flags & has_timestamp) != 0) out.timestamp = in.u64();
  if (in.failed()) return cut_off("properties");
  return out;
}

void put_start_ok(std::string& out, const Login& login) {
  const MethodScope method(out, 0, MethodId::connection_start_ok);
  {
    const Sized table(out);
    put_entry(out, "product", std::string_view("spikard"));
    put_short_text(out, "capabilities");
    out.push_back('F');
    const Sized capabilities(out);
    for (const std::string_view one : {"publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
                                       "connection.blocked", "authentication_failure_close"})
      put_entry(out, one, true);
  }
  put_short_text(out, login.mechanism);
  put_long_text(out, login.response);
  put_short_text(out, "en_US");
}

void put_tune_ok(std::string& out, const Tune& tune) {
  const MethodScope method(out, 0, MethodId::connection_tune_ok);
  put_u16(out, tune.channel_max);
  put_u32(out, tune.frame_max);
  put_u16(out, tune.heartbeat);
}

void put_open(std::string& out, std::string_view vhost) {
  const MethodScope method(out, 0, MethodId::connection_open);
  put_short_text(out, vhost);
  put_short_text(out, {});
  put_u8(out, 0);
}

void put_close(std::string& out, std::uint16_t channel) {
  const MethodScope method(out, channel, channel == 0 ? MethodId::connection_close : MethodId::channel_close);
  put_u16(out, 200);
  put_short_text(out, "bye");
  put_u32(out, 0);
}

void put_plain(std::string& out, std::uint16_t channel, MethodId id, std::string_view arguments) {
  const MethodScope method(out, channel, id);
  out += arguments;
}

void put_exchange_declare(std::string& out, std::uint16_t channel, std::string_view name, std::string_view type) {
  const MethodScope method(out, channel, MethodId::exchange_declare);
  put_u16(out, 0);
  put_short_text(out, name);
  put_short_text(out, type);
  put_u8(out, 2);  // durable
  put_u32(out, 0);
}

void put_exchange_delete(std::string& out, std::uint16_t channel, std::string_view name) {
  const MethodScope method(out, channel, MethodId::exchange_delete);
  put_u16(out, 0);
  put_short_text(out, name);
  put_u8(out, 0);
}

void put_exchange_bind(std::string& out, std::uint16_t channel, std::string_view destination, std::string_view source,
                       std::string_view key) {
  const MethodScope method(out, channel, MethodId::exchange_bind);
  put_u16(out, 0);
  put_short_text(out, destination);
  put_short_text(out, source);
  put_short_text(out, key);
  put_u8(out, 0);
  put_u32(out, 0);
}

void put_queue_declare(std::string& out, std::uint16_t channel, std::string_view name, const QueueOptions& options) {
  const MethodScope method(out, channel, MethodId::queue_declare);
  put_u16(out, 0);
  put_short_text(out, name);
  put_u8(out, options.passive ? 1 : options.exclusive ? 4 : 2);  // passive, durable, exclusive: one bit each
  put_long_text(out, options.arguments);
}

void put_queue_bind(std::string& out, std::uint16_t channel, std::string_view queue, std::string_view exchange,
                    std::string_view key) {
  const MethodScope method(out, channel, MethodId::queue_bind);
  put_u16(out, 0);
  put_short_text(out, queue);
  put_short_text(out, exchange);
  put_short_text(out, key);
  put_u8(out, 0);
  put_u32(out, 0);
}

void put_queue_delete(std::string& out, std::uint16_t channel, std::string_view name) {
  const MethodScope method(out, channel, MethodId::queue_delete);
  put_u16(out, 0);
  put_short_text(out, name);
  put_u8(out, 0);
}

void put_qos(std::string& out, std::uint16_t channel, std::uint16_t prefetch) {
  const MethodScope method(out, channel, MethodId::basic_qos);
  put_u32(out, 0);
  put_u16(out, prefetch);
  put_u8(out, 0);
}

void put_consume(std::string& out, std::uint16_t channel, std::string_view queue, std::string_view tag) {
  const MethodScope method(out, channel, MethodId::basic_consume);
  put_u16(out, 0);
  put_short_text(out, queue);
  put_short_text(out, tag);
  put_u8(out, 0);
  put_u32(out, 0);
}

void put_cancel(std::string& out, std::uint16_t channel, std::string_view tag) {
  const MethodScope method(out, channel, MethodId::basic_cancel);
  put_short_text(out, tag);
  put_u8(out, 0);
}

void put_get(std::string& out, std::uint16_t channel, std::string_view queue) {
  const MethodScope method(out, channel, MethodId::basic_get);
  put_u16(out, 0);
  put_short_text(out, queue);
  put_u8(out, 0);
}

void put_ack(std::string& out, std::uint16_t channel, std::uint64_t tag, bool multiple) {
  const MethodScope method(out, channel, MethodId::basic_ack);
  put_u64(out, tag);
  put_u8(out, multiple ? 1 : 0);
}

void put_nack(std::string& out, std::uint16_t channel, std::uint64_t tag, bool multiple) {
  const MethodScope method(out, channel, MethodId::basic_nack);
  put_u64(out, tag);
  put_u8(out, multiple ? 3 : 2);  // requeue
}

std::string properties_of(const Properties& properties) {
  std::string out;
  std::uint16_t flags = has_delivery_mode;
  if (!properties.content_type.empty()) flags |= has_content_type;
  if (!properties.headers.empty()) flags |= has_headers;
  if (!properties.message_id.empty()) flags |= has_message_id;
  if (properties.timestamp != 0) flags |= has_timestamp;
  out.reserve(properties.content_type.size() + properties.headers.size() + properties.message_id.size() + 24);
  put_u16(out, flags);
  if (!properties.content_type.empty()) put_short_text(out, properties.content_type);
  if (!properties.headers.empty()) put_long_text(out, properties.headers);
  put_u8(out, properties.delivery_mode);
  if (!properties.message_id.empty()) put_short_text(out, properties.message_id);
  if (properties.timestamp != 0) put_u64(out, properties.timestamp);
  return out;
}

void put_publish(std::string& out, std::uint16_t channel, std::string_view exchange, std::string_view routing_key, bool mandatory,
                 std::string_view properties, std::string_view body, std::size_t max_frame) {
  {
    const MethodScope method(out, channel, MethodId::basic_publish);
    put_u16(out, 0);
    put_short_text(out, exchange);
    put_short_text(out, routing_key);
    put_u8(out, mandatory ? 1 : 0);
  }
  {
    const FrameScope header(out, FrameType::header, channel);
    put_u16(out, class_basic);
    put_u16(out, 0);
    put_u64(out, body.size());
    out += properties;
  }
  const std::size_t piece = max_frame - frame_overhead;
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
    const FrameScope frame(out, FrameType::body, channel);
    out += body.substr(0, piece);
  }
}

void put_heartbeat(std::string& out) { const FrameScope frame(out, FrameType::heartbeat, 0); }

}  // namespace spikard::messaging::amqp
