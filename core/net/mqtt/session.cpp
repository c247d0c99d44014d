#include "net/mqtt/session.hpp"

#include <algorithm>

#include "net/mqtt/reason.hpp"

namespace spikard::net::mqtt {
namespace {

constexpr std::uint8_t failed = 0x80;  // reason codes from here on

Error against_protocol(std::string why) {
  return Error(ErrorKind::corrupt, "MQTT: " + std::move(why)).with("code", "0x82").with_operation("net.mqtt");
}

}  // namespace

Result<std::uint64_t> Session::publish(Publish message) {
  if (open_ >= options_.max_waiting)
    return Error(ErrorKind::rate_limited, "too many messages wait for the MQTT server").with_operation("net.mqtt");
  Out& one = outgoing_.emplace_back();
  one.message = std::move(message);
  ++open_;
  const std::uint64_t number = first_number_ + outgoing_.size() - 1;
  return number;
}

std::uint64_t Session::subscribe(Filter filter) {
  filters_.insert_or_assign(filter.filter, filter);
  const std::uint64_t number = next_request_++;
  Request& request = requests_[number];
  request.filter = std::move(filter);
  if (connected_) send_request(number, request);
  return number;
}

std::uint64_t Session::unsubscribe(std::string filter) {
  filters_.erase(filter);
  const std::uint64_t number = next_request_++;
  Request& request = requests_[number];
  request.off = true;
  request.filter.filter = std::move(filter);
  if (connected_) send_request(number, request);
  return number;
}

bool Session::abandon(std::uint64_t number) {
  if (const auto at = requests_.find(number); at != requests_.end()) {
    const bool sent = at->second.id != 0;
    if (sent) ids_.erase(at->second.id);
    requests_.erase(at);
    return sent;
  }
  if (number < first_number_ || number - first_number_ >= outgoing_.size()) return true;
  Out& one = outgoing_[number - first_number_];
  if (one.phase == Phase::done) return true;
  one.abandoned = true;
  if (one.written) return true;
  finish(number, std::nullopt);
  return false;
}

void Session::acknowledge(Delivery delivery) {
  if (delivery.id == 0) {
    if (in_hand_ > 0) --in_hand_;
    return;
  }
  const auto at = incoming_.find(delivery.id);
  if (at == incoming_.end() || at->second.serial != delivery.serial || at->second.hold != Hold::delivering) return;
  In& in = at->second;
  --in_hand_;
  if (!in.here) {
    // Not on this connection yet: the server will ask again, and is told then.
    in.hold = Hold::stored;
    return;
  }
  if (in.qos == 2) {
    in.hold = Hold::recorded;
    send_ack(PacketType::pubrec, delivery.id);
  } else {
    incoming_.erase(at);
    send_ack(PacketType::puback, delivery.id);
  }
}

void Session::ping() {
  if (connected_) send(Ping{PacketType::pingreq});
}

bool Session::server_has(PropertyId availability) const noexcept { return limits_.number(availability).value_or(1) != 0; }

void Session::begin(const Connack& connack) {
  connected_ = true;
  out_.clear();
  limits_ = connack.properties;
  send_maximum_ = std::min<std::size_t>(options_.send_maximum, limits_.number(PropertyId::receive_maximum).value_or(65535));
  max_packet_ = limits_.number(PropertyId::maximum_packet_size).value_or(max_remaining_length);
  if (!connack.session_present) {
    // What the server does not know any more it cannot be told; what we hold it will not ask for.
    for (const auto& [id, in] : incoming_) {
      if (in.hold == Hold::delivering) --in_hand_;
    }
    incoming_.clear();
  }
  // Also where the server says that it has them: Mosquitto 2.0 forgets shared ones when it ends, and keeps the session.
  for (auto& [filter, wanted] : filters_) {
    const bool asked = std::any_of(requests_.begin(), requests_.end(), [&name = filter](const auto& one) {
      return !one.second.off && one.second.filter.filter == name;
    });
    if (asked) continue;
    Request& again = requests_[next_request_++];
    again.filter = wanted;
  }
  for (auto& [number, request] : requests_) {
    if (request.id != 0) ids_.erase(std::exchange(request.id, 0));
  }
  for (auto& [number, request] : requests_) send_request(number, request);
  under_way_ = 0;
  const std::uint64_t end = first_number_ + outgoing_.size();
  // What nobody waits for any more is not sent again: it may be what the server hung up on.
  if (!connack.session_present) {
    for (std::uint64_t number = first_number_; number < end; ++number) {
      Out& one = outgoing_[number - first_number_];
      if (one.phase == Phase::done || one.message.id == 0) continue;
      ids_.erase(std::exchange(one.message.id, 0));
      one.phase = Phase::waiting;
      if (one.abandoned) finish(number, std::nullopt);
    }
    next_send_ = first_number_;
  } else {
    for (std::uint64_t number = first_number_; number < next_send_; ++number) {
      Out& one = outgoing_[number - first_number_];
      if (one.phase == Phase::sent && one.abandoned) {
        if (one.message.qos < 2) {
          finish(number, std::nullopt);
          continue;
        }
        one.phase = Phase::released;  // the server may know its identifier
      }
      if (one.phase == Phase::sent) {
        std::optional<Error> refused = send_publish(one, true);
        if (refused) finish(number, std::move(refused));
        else ++under_way_;
      } else if (one.phase == Phase::released) {
        ++under_way_;
        send_ack(PacketType::pubrel, one.message.id);
      }
    }
  }
  write_more();
}

void Session::end() {
  connected_ = false;
  for (auto& [id, in] : incoming_) in.here = false;
  out_.clear();
}

void Session::write_more() {
  if (!connected_) return;
  const std::uint64_t end = first_number_ + outgoing_.size();
  while (next_send_ < end && out_.size() < options_.max_output) {
    const std::uint64_t number = next_send_;
    Out& one = outgoing_[number - first_number_];
    if (one.phase != Phase::waiting) {
      ++next_send_;
      continue;
    }
    if (one.message.qos > 0 && under_way_ >= send_maximum_) return;
    ++next_send_;
    std::optional<Error> refused;
    const auto most_qos = limits_.number(PropertyId::maximum_qos).value_or(2);
    if (one.message.qos > most_qos) refused = error_of(0x9b);
    else if (one.message.retain && !server_has(PropertyId::retain_available)) refused = error_of(0x9a);
    if (!refused && one.message.qos > 0) {
      one.message.id = free_id();
      if (one.message.id == 0) {
        --next_send_;
        return;
      }
      ids_.emplace(one.message.id, number);
    }
    if (!refused) refused = send_publish(one, false);
    if (refused || one.message.qos == 0) {
      finish(number, std::move(refused));
      continue;
    }
    one.written = true;
    one.phase = Phase::sent;
    ++under_way_;
  }
}

Result<void> Session::handle(Packet packet) {
  if (auto* publish = std::get_if<Publish>(&packet)) return on(std::move(*publish));
  if (const auto* ack = std::get_if<Ack>(&packet)) return on(*ack);
  if (const auto* granted = std::get_if<Granted>(&packet)) return on(*granted);
  if (const auto* ping = std::get_if<Ping>(&packet)) {
    if (ping->type != PacketType::pingresp) return against_protocol("a PINGREQ of the server");
    events_.on_pong();
    return {};
  }
  if (const auto* notice = std::get_if<Notice>(&packet)) {
    if (notice->type == PacketType::disconnect && options_.version == Version::v5) {
      if (notice->reason < failed)
        return Error(ErrorKind::unavailable, "the MQTT server ended the connection").with_operation("net.mqtt");
      return error_of(notice->reason, notice->properties);
    }
  }
  return against_protocol("a packet that a server does not send now");
}

Result<void> Session::on(Publish message) {
  if (message.properties.number(PropertyId::topic_alias)) return against_protocol("a topic alias that was not allowed");
  if (message.qos == 0) {
    deliver(std::move(message), nullptr);
    return {};
  }
  const auto at = incoming_.find(message.id);
  if (at != incoming_.end()) {
    In& in = at->second;
    const bool known = in.qos == message.qos && (message.dup || in.qos == 2);
    if (known) {
      const bool first_here = !std::exchange(in.here, true);
      if (!first_here && in.hold == Hold::delivering) return {};
      switch (in.hold) {
        case Hold::delivering: break;
        case Hold::stored:
          if (in.qos == 2) {
            in.hold = Hold::recorded;
            send_ack(PacketType::pubrec, message.id);
          } else {
            incoming_.erase(at);
            send_ack(PacketType::puback, message.id);
          }
          break;
        case Hold::recorded: send_ack(PacketType::pubrec, message.id); break;
      }
      return {};
    }
    if (in.here && in.hold == Hold::delivering) return against_protocol("a packet identifier that is in use");
    // Another message under an identifier that the server has freed.
    if (in.hold == Hold::delivering) --in_hand_;
    incoming_.erase(at);
  }
  In& in = incoming_[message.id];
  in.qos = message.qos;
  in.here = true;
  deliver(std::move(message), &in);
  return {};
}

void Session::deliver(Publish message, In* in) {
  Delivery delivery;
  delivery.id = message.id;
  delivery.serial = next_serial_++;
  if (in != nullptr) in->serial = delivery.serial;
  ++in_hand_;
  events_.on_message(std::move(message), delivery);
}

Result<void> Session::on(const Ack& ack) {
  if (ack.type == PacketType::pubrel) {
    const auto at = incoming_.find(ack.id);
    // One that is still in our hand was not recorded by us: a server that releases it has lost its mind.
    if (at != incoming_.end() && at->second.hold == Hold::delivering) return against_protocol("a PUBREL before our PUBREC");
    const bool found = at != incoming_.end();
    if (found) incoming_.erase(at);
    send_ack(PacketType::pubcomp, ack.id, found || options_.version == Version::v3_1_1 ? 0 : 0x92);
    return {};
  }
  std::uint64_t number = 0;
  Out* out = find_out(ack.id, &number);
  if (out == nullptr) {
    // Of one that ended before: the server wants to hear that it is over.
    if (ack.type == PacketType::pubrec && ack.reason < failed)
      send_ack(PacketType::pubrel, ack.id, options_.version == Version::v3_1_1 ? 0 : 0x92);
    return {};
  }
  const bool refused = ack.reason >= failed;
  const bool fits = out->message.qos == 2 ? ack.type != PacketType::puback : ack.type == PacketType::puback;
  if (!fits) return against_protocol("an acknowledgement of another QoS");
  if (ack.type == PacketType::pubrec && !refused) {
    out->phase = Phase::released;
    send_ack(PacketType::pubrel, ack.id);
    return {};
  }
  --under_way_;
  std::optional<Error> failure;
  if (refused && ack.type != PacketType::pubcomp) failure = error_of(ack.reason, ack.properties);
  finish(number, std::move(failure));
  write_more();
  return {};
}

Result<void> Session::on(const Granted& granted) {
  const auto id = ids_.find(granted.id);
  if (id == ids_.end()) return {};
  const std::uint64_t number = id->second;
  const auto at = requests_.find(number);
  if (at == requests_.end()) return against_protocol("an answer to something else");
  if (at->second.off != (granted.type == PacketType::unsuback)) return against_protocol("an answer to something else");
  const Request request = std::move(at->second);
  ids_.erase(id);
  requests_.erase(at);
  std::optional<Error> failure;
  if (!granted.reasons.empty() && granted.reasons.front() >= failed) {
    failure =
        options_.version == Version::v5 ? error_of(granted.reasons.front(), granted.properties) : error_of_refused_subscription();
    if (!request.off) filters_.erase(request.filter.filter);
  }
  events_.on_granted(number, std::move(failure));
  return {};
}

void Session::send(Packet packet) {
  // What we make ourselves can be said.
  Result<void> done = encode(out_, options_.version, packet);
  SPIKARD_ASSERT(done.ok(), "the packet was checked when it was made");
}

void Session::send_ack(PacketType type, std::uint16_t id, std::uint8_t reason) {
  Ack ack;
  ack.type = type;
  ack.id = id;
  ack.reason = reason;
  send(std::move(ack));
}

void Session::send_request(std::uint64_t number, Request& request) {
  request.id = free_id();
  if (request.id == 0) return;  // with the next connection
  ids_.emplace(request.id, number);
  Result<void> done;
  if (request.off) {
    Unsubscribe packet;
    packet.id = request.id;
    packet.filters.push_back(request.filter.filter);
    done = encode(out_, options_.version, packet);
  } else {
    Subscribe packet;
    packet.id = request.id;
    packet.filters.push_back(request.filter);
    done = encode(out_, options_.version, packet);
  }
  SPIKARD_ASSERT(done.ok(), "filters were checked before");
}

std::optional<Error> Session::send_publish(Out& out, bool dup) {
  out.message.dup = dup && out.message.qos > 0;
  const std::size_t before = out_.size();
  if (Result<void> done = encode(out_, options_.version, out.message); !done.ok()) return std::move(done).error();
  if (out_.size() - before <= max_packet_) return std::nullopt;
  out_.resize(before);
  return Error(ErrorKind::too_large, "longer than the MQTT server takes")
      .with("maximum_packet_size", std::to_string(max_packet_))
      .with_operation("net.mqtt");
}

void Session::finish(std::uint64_t number, std::optional<Error> failure) {
  Out& one = outgoing_[number - first_number_];
  if (one.message.id != 0) ids_.erase(one.message.id);
  const bool tell = !one.abandoned;
  one.message = Publish();
  one.phase = Phase::done;
  --open_;
  while (!outgoing_.empty() && outgoing_.front().phase == Phase::done) {
    outgoing_.pop_front();
    ++first_number_;
  }
  next_send_ = std::max(next_send_, first_number_);
  if (tell) events_.on_published(number, std::move(failure));
}

Session::Out* Session::find_out(std::uint16_t id, std::uint64_t* number) {
  const auto at = ids_.find(id);
  if (at == ids_.end() || at->second < first_number_ || at->second - first_number_ >= outgoing_.size()) return nullptr;
  *number = at->second;
  return &outgoing_[at->second - first_number_];
}

std::uint16_t Session::free_id() {
  if (ids_.size() >= 65535) return 0;
  do {
    if (++last_id_ == 0) last_id_ = 1;
  } while (ids_.contains(last_id_));
  return last_id_;
}

}  // namespace spikard::net::mqtt
