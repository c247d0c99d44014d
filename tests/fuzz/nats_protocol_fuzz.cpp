// The parser of NATS: the same events however the bytes are cut, and headers that come back as they were written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "messaging/nats/jetstream.hpp"
#include "messaging/nats/protocol.hpp"

namespace {

using namespace spikard::messaging;
using nats::Parser;

std::vector<std::string> events(std::string_view bytes, std::size_t piece) {
  Parser parser(4096);
  std::vector<std::string> out;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const spikard::Result<Parser::Event> event = parser.next();
      if (!event.ok()) {
        out.emplace_back("corrupt");
        return out;
      }
      if (event->kind == Parser::Kind::none) break;
      std::string text = std::to_string(static_cast<int>(event->kind)) + " " + std::to_string(event->sid);
      for (const std::string_view one : {event->subject, event->reply, event->headers, event->payload, event->text})
        text.append("|").append(one);
      out.push_back(std::move(text));
      if (!event->headers.empty()) (void)nats::parse_headers(event->headers);
      (void)nats::delivered_of(event->reply);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> whole = events(bytes, bytes.size() + 1);
  if (events(bytes, 1) != whole || events(bytes, 7) != whole) std::abort();

  // The same bytes as a topic, a key and headers.
  Headers headers;
  for (std::string_view rest = bytes.substr(0, 512); rest.size() > 2;) {
    const std::size_t name = std::min<std::size_t>(static_cast<unsigned char>(rest[0]) % 16 + 1, rest.size() - 1);
    headers.emplace_back(rest.substr(1, name), rest.substr(1 + name, 8));
    rest.remove_prefix(std::min(rest.size(), 1 + name + 8));
  }
  std::erase_if(headers, [](const auto& one) { return one.first == nats::id_header; });
  const std::string topic(bytes.substr(0, 64));
  if (topic.empty()) return 0;
  const Message message(topic, "x", std::string(bytes.substr(0, 32)), headers);
  const std::string subject = nats::subject_of("p.", topic);
  if (!nats::is_subject(subject) || subject.find("..") != std::string::npos || subject.back() == '.') std::abort();
  const auto block = nats::parse_headers(nats::header_block("p.", message, {}));
  if (!block.ok()) std::abort();
  const nats::Received received = nats::received_of("p.", subject, block->headers, block->own, "x");
  if (received.message.topic != topic || received.message.key != message.key || received.message.headers != headers) std::abort();
  return 0;
}
