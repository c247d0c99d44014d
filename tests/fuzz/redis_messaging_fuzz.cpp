// What lies in Redis and may have been put there by anybody. The first byte says what the rest is: an entry's fields (RESP), a
// message of a channel, a record, a group, an ID or a URL. What was read is written and must come back the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "messaging/redelivery.hpp"
#include "messaging/redis/entry.hpp"
#include "messaging/redis/options.hpp"
#include "net/redis/resp.hpp"

namespace {

using namespace spikard;
using namespace spikard::messaging;
using namespace spikard::messaging::redis;

void require(bool good) {
  if (!good) std::abort();
}

void entry(std::string_view bytes) {
  net::redis::Limits limits;
  limits.bytes = 1U << 20U;
  limits.values = 4096;
  net::redis::Parser parser(limits);
  if (parser.parse(bytes) != net::redis::Parser::Status::done) return;
  const Entry read = read_fields(parser.view(bytes), "t");
  net::redis::Command command("XADD");
  append_fields(command, read.message, read.for_group);
  net::redis::Parser of_command(limits);
  const std::string sent(command.bytes());
  require(of_command.parse(sent) == net::redis::Parser::Status::done);
  std::string fields = "*" + std::to_string(of_command.view(sent).size() - 1) + "\r\n";
  fields += sent.substr(sent.find("XADD\r\n") + 6);
  net::redis::Parser again(limits);
  require(again.parse(fields) == net::redis::Parser::Status::done);
  const Entry back = read_fields(again.view(fields), "t");
  require(back.message.payload == read.message.payload && back.message.key == read.message.key);
  require(back.message.headers == read.message.headers && back.for_group == read.for_group);
}

void channel(std::string_view text) {
  const Message read = read_channel_text("t", text);
  const Message back = read_channel_text("t", channel_text(read));
  require(back.payload == read.payload && back.key == read.key && back.headers == read.headers);
}

void record(std::string_view text) {
  const auto read = Record::parse(text);
  if (!read) return;
  const auto back = Record::parse(read->text());
  require(back && back->tries == read->tries && back->count == read->count && back->first_error == read->first_error);
  worker_loop::WorkItem item;
  count_tries(item, 3, read);
  require(item.delivery_count >= 1);
}

void group(std::string_view text) {
  if (const auto read = GroupRecord::parse(text)) (void)read->pattern("orders.*").matches("orders.eu");
  if (const auto name = GroupRecord::read_field(text)) require(GroupRecord::field(name->group, name->topic) == text);
}

void id(std::string_view text) {
  const auto read = EntryId::parse(text);
  if (!read) return;
  require(EntryId::parse(read->text()) == read);
  require(EntryId::at(read->position()).position() == read->position());
  require(read->before() <= *read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: entry(text); break;
    case 1: channel(text); break;
    case 2: record(text); break;
    case 3: group(text); break;
    case 4: id(text); break;
    default: (void)RedisOptions::parse(text); break;
  }
  return 0;
}
