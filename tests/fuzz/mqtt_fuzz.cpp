// Bytes of a server or a client, cut anywhere: the reader ends at the same place, whatever the cuts; what it read can be said
// again, and says the same. The rest drives a session against that server: no packet of it makes the session forget how much is
// under way.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "net/mqtt/session.hpp"

using namespace spikard;
using namespace spikard::net::mqtt;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

struct Read {
  std::vector<Packet> packets;
  bool failed = false;
};
Read read(Version version, std::string_view bytes, std::size_t step) {
  Read out;
  Reader reader(version, 1U << 16U);
  while (!bytes.empty()) {
    const std::size_t size = std::min(step, bytes.size());
    std::memcpy(reader.room(size), bytes.data(), size);
    reader.filled(size);
    bytes.remove_prefix(size);
    for (;;) {
      Result<std::optional<Packet>> next = reader.next();
      if (!next.ok()) {
        out.failed = true;
        return out;
      }
      if (!next->has_value()) break;
      out.packets.push_back(std::move(**next));
    }
  }
  return out;
}

struct Owner final : SessionEvents {
  std::vector<Delivery> held;
  std::size_t told = 0;
  void on_message(Publish, Delivery delivery) override { held.push_back(delivery); }
  void on_published(std::uint64_t, std::optional<Error>) override { ++told; }
  void on_granted(std::uint64_t, std::optional<Error>) override {}
  void on_pong() override {}
};

void drive(Version version, const std::vector<Packet>& packets, std::string_view choices) {
  Owner owner;
  SessionOptions options;
  options.version = version;
  options.send_maximum = 4;
  Session session(options, owner);
  session.begin(Connack());
  std::size_t published = 0;
  std::size_t at = 0;
  const auto choice = [&] {
    return choices.empty() ? 0U : static_cast<unsigned>(static_cast<unsigned char>(choices[at++ % choices.size()]));
  };
  for (const Packet& packet : packets) {
    switch (choice() % 5) {
      case 0: {
        Publish message;
        message.topic = "t";
        message.qos = static_cast<std::uint8_t>(choice() % 3);
        if (session.publish(std::move(message)).ok()) ++published;
        session.write_more();
        break;
      }
      case 1:
        if (!owner.held.empty()) {
          session.acknowledge(owner.held.back());
          owner.held.pop_back();
        }
        break;
      case 2: {
        session.end();
        Connack connack;
        connack.session_present = choice() % 2 == 0;
        session.begin(connack);
        break;
      }
      case 3: (void)session.subscribe(Filter{"a/#", 1, false, false, 0}); break;
      default: break;
    }
    if (!session.handle(packet).ok()) {
      session.end();
      session.begin(Connack());
    }
    check(session.waiting() + owner.told == published);
    const Read said = read(version, session.output(), SIZE_MAX);
    check(!said.failed);
    session.output().clear();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Version version = (data[0] & 1U) != 0 ? Version::v5 : Version::v3_1_1;
  const std::size_t step = 1 + data[1] % 64U;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Read whole = read(version, bytes, SIZE_MAX);
  const Read cut = read(version, bytes, step);
  check(whole.failed == cut.failed && whole.packets == cut.packets);
  for (const Packet& packet : whole.packets) {
    const auto* connect = std::get_if<Connect>(&packet);
    const auto* publish = std::get_if<Publish>(&packet);
    if (publish != nullptr && publish->topic.empty()) continue;  // an alias, which we do not say
    const auto* unsubscribe = std::get_if<Unsubscribe>(&packet);
    std::string text;
    const Result<void> done = encode(text, version, packet);
    check(done.ok() || unsubscribe != nullptr);
    if (connect != nullptr && connect->version != version) continue;
    const Read again = read(version, text, SIZE_MAX);
    check(!again.failed && again.packets.size() == 1 && again.packets[0] == packet);
  }
  drive(version, whole.packets, bytes.substr(0, std::min<std::size_t>(bytes.size(), 64)));
  return 0;
}
