// What an AMQP broker sends: the same frames however the bytes are cut, methods and messages of any bytes, and messages of ours
// that come back as they were written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "messaging/amqp/envelope.hpp"
#include "messaging/amqp/methods.hpp"

namespace {

using namespace spikard::messaging;
using namespace spikard::messaging::amqp;

void read_all(const Frame& frame) {
  const auto method = read_method(frame.payload);
  if (method.ok()) {
    (void)read_start(*method);
    (void)read_tune(*method);
    (void)read_close(*method);
    (void)read_deliver(*method);
    (void)read_confirm(*method);
    (void)read_return(*method);
    (void)read_reason(*method);
    (void)read_flow(*method);
  }
  const auto header = read_content_header(frame.payload);
  if (!header.ok()) return;
  Incoming incoming;
  incoming.properties = header->properties;
  (void)received_of(incoming);
}

std::vector<std::string> frames(std::string_view bytes, std::size_t piece) {
  FrameReader reader(4096);
  std::vector<std::string> out;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      Frame frame;
      const spikard::Result<bool> whole = reader.next(frame);
      if (!whole.ok()) {
        out.emplace_back("corrupt");
        return out;
      }
      if (!*whole) break;
      out.push_back(std::to_string(static_cast<int>(frame.type)) + " " + std::to_string(frame.channel) + " " +
                    std::string(frame.payload));
      read_all(frame);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> whole = frames(bytes, bytes.size() + 1);
  if (frames(bytes, 1) != whole || frames(bytes, 7) != whole) std::abort();

  Incoming theirs;
  theirs.properties = bytes;
  (void)received_of(theirs);
  (void)each_entry(bytes, [](std::string_view, const Field& field) {
    (void)text_of(field);
    if (field.kind == Field::Kind::array) (void)each_element(field.text, [](const Field& one) { (void)text_of(one); });
  });

  // The same bytes as a topic, a key and headers.
  Headers headers;
  for (std::string_view rest = bytes.substr(0, 512); rest.size() > 2;) {
    const std::size_t name = std::min<std::size_t>(static_cast<unsigned char>(rest[0]) % 16 + 1, rest.size() - 1);
    headers.emplace_back(rest.substr(1, name), rest.substr(1 + name, 8));
    rest.remove_prefix(std::min(rest.size(), 1 + name + 8));
  }
  const Message message(std::string(bytes.substr(0, 64)), "x", std::string(bytes.substr(0, 32)), headers);
  Extras extras;
  extras.with_topic = true;
  extras.id = bytes.substr(0, 20);
  const auto properties = properties_for(message, extras);
  if (!properties.ok()) std::abort();
  Incoming incoming;
  incoming.properties = *properties;
  const auto received = received_of(incoming);
  if (!received.ok() || received->message.topic != message.topic || received->message.key != message.key ||
      received->message.headers != headers || received->id != extras.id)
    std::abort();
  return 0;
}
