// Dead letters: a list a topic, beside the topic's stream, where its consumers find them under the same ID.
#include <algorithm>
#include <charconv>

#include "messaging/redis/redis.hpp"

namespace spikard::messaging::redis {
namespace {

using net::redis::Command;
using net::redis::Reply;
using net::redis::View;

constexpr std::size_t chunk = 256;  // moved at a time

WallTime time_of(std::uint64_t ms) noexcept {
  constexpr std::uint64_t most = INT64_MAX / 1'000'000;  // beyond it nanoseconds have no room
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, most))));
}

std::vector<std::string> part_of(const std::vector<std::string>& all, std::size_t begun) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(begun);
  return {first, first + static_cast<std::ptrdiff_t>(std::min(chunk, all.size() - begun))};
}

}  // namespace

Task<Result<DeadLetterPage>> RedisBackend::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  using Page = Result<DeadLetterPage>;
  DeadLetterPage page;
  Command command(scripts_.letters, 1);
  command.key(names_.dead(query.topic)).arg("(" + EntryId::at(query.after).text()).arg("+");
  command.arg(std::uint64_t{query.limit} + 1).arg(query.payloads ? 1 : 0).reads();
  const auto decode = [&](View entries) -> Result<void> {
    for (const View one : entries) {
      const auto id = one.size() == 2 ? EntryId::parse(one[0].text()) : std::nullopt;
      if (!id) continue;
      if (page.messages.size() == query.limit) {
        page.more = true;
        break;
      }
      DeadLetter& letter = page.messages.emplace_back();
      letter.position = id->position();
      letter.time = time_of(id->ms);
      letter.message = read_fields(one[1], query.topic).message;
      std::string& payload = letter.message.payload;
      if (query.payloads) {
        letter.size = payload.size();
      } else {
        (void)std::from_chars(payload.data(), payload.data() + payload.size(), letter.size);
        payload.clear();
      }
    }
    return {};
  };
  const std::shared_ptr<net::redis::Client> server = client(*caller.loop);
  Task<Result<void>> asking = server->run(std::move(command), decode);
  Result<void> done = co_await std::move(asking);
  if (!done.ok()) co_return Page(std::move(done).error());
  co_return Page(std::move(page));
}

Task<Result<std::vector<std::string>>> RedisBackend::dead_ids(net::Loop& loop, DeadLetterSelection which) {
  using Ids = Result<std::vector<std::string>>;
  std::vector<std::string> out;
  if (which.positions) {
    for (const std::uint64_t one : *which.positions) out.push_back(EntryId::at(one).text());
    co_return Ids(std::move(out));
  }
  // Those that are there now: what becomes a dead letter meanwhile, one of these again perhaps, is none of all.
  const std::shared_ptr<net::redis::Client> server = client(loop);
  std::string last;
  std::string from = "-";
  for (;;) {
    Command command(last.empty() ? "XREVRANGE" : "XRANGE");
    command.key(names_.dead(which.topic));
    if (last.empty()) command.arg("+").arg("-").arg("COUNT").arg(1);
    else command.arg(from).arg(last).arg("COUNT").arg(chunk);
    command.reads();
    std::size_t count = 0;
    const bool first = last.empty();
    const auto decode = [&](View entries) -> Result<void> {
      for (const View one : entries) {
        if (one.size() != 2) continue;
        ++count;
        if (first) last = one[0].text();
        else out.emplace_back(one[0].text());
      }
      return {};
    };
    Task<Result<void>> asking = server->run(std::move(command), decode);
    Result<void> done = co_await std::move(asking);
    if (!done.ok()) co_return Ids(std::move(done).error());
    if (count == 0 || (!first && count < chunk)) co_return Ids(std::move(out));
    if (!first) from = "(" + out.back();
  }
}

Task<Result<std::vector<RedisBackend::Stored>>> RedisBackend::fetch(net::Loop& loop, std::string key, std::string topic,
                                                                    std::vector<std::string> ids) {
  using Found = Result<std::vector<Stored>>;
  std::vector<Command> commands;
  commands.reserve(ids.size());
  for (const std::string& id : ids) {
    Command command("XRANGE");
    command.key(key).arg(id).arg(id).reads();
    commands.push_back(std::move(command));
  }
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Task<std::vector<Result<Reply>>> asking = server->run_all(std::move(commands));
  std::vector<Result<Reply>> replies = co_await std::move(asking);
  std::vector<Stored> out;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) co_return Found(std::move(replies[i]).error());
    const View entries = replies[i]->view();
    if (entries.size() != 1 || entries[0].size() != 2) continue;  // it is gone
    Stored& stored = out.emplace_back();
    stored.id = ids[i];
    stored.entry = read_fields(entries[0][1], topic);
  }
  co_return Found(std::move(out));
}

Task<Result<std::uint64_t>> RedisBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  using Count = Result<std::uint64_t>;
  net::Loop& loop = *caller.loop;
  const std::string list = names_.dead(which.topic);
  const std::string topic = which.topic;
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Result<std::vector<std::string>> ids = co_await dead_ids(loop, std::move(which));
  if (!ids.ok()) co_return Count(std::move(ids).error());
  std::uint64_t count = 0;
  for (std::size_t begun = 0; begun < ids->size(); begun += chunk) {
    Result<std::vector<Stored>> letters = co_await fetch(loop, list, topic, part_of(*ids, begun));
    if (!letters.ok()) co_return Count(std::move(letters).error());
    std::vector<Command> commands;
    for (Stored& one : *letters) {
      const std::optional<Redriven> back = messaging::redriven(std::move(one.entry.message), to);
      if (!back) continue;
      Command command(scripts_.redrive, 3, fields_size(back->message));
      command.key(list).key(names_.stream(back->message.topic)).key(names_.topics());
      command.arg(one.id).arg(back->message.topic).arg(names_.bell());
      append_fields(command, back->message, back->for_group);
      commands.push_back(std::move(command));
    }
    Task<std::vector<Result<Reply>>> moving = server->run_all(std::move(commands));
    std::vector<Result<Reply>> moved = co_await std::move(moving);
    for (Result<Reply>& one : moved) {
      if (!one.ok()) co_return Count(std::move(one).error());
      count += one->integer() == 1 ? 1 : 0;
    }
  }
  co_return Count(count);
}

Task<Result<std::uint64_t>> RedisBackend::purge(net::Caller caller, DeadLetterSelection which) {
  using Count = Result<std::uint64_t>;
  net::Loop& loop = *caller.loop;
  const std::string topic = which.topic;
  const std::shared_ptr<net::redis::Client> server = client(loop);
  Result<std::vector<std::string>> ids = co_await dead_ids(loop, std::move(which));
  if (!ids.ok()) co_return Count(std::move(ids).error());
  std::uint64_t count = 0;
  for (std::size_t begun = 0; begun < ids->size(); begun += chunk) {
    Command command(scripts_.purge, 2);
    command.key(names_.dead(topic)).key(names_.stream(topic));
    for (const std::string& id : part_of(*ids, begun)) command.arg(id);
    Task<Result<Reply>> purging = server->run(std::move(command));
    Result<Reply> reply = co_await std::move(purging);
    if (!reply.ok()) co_return Count(std::move(reply).error());
    count += static_cast<std::uint64_t>(std::max<std::int64_t>(reply->integer().value_or(0), 0));
  }
  co_return Count(count);
}

}  // namespace spikard::messaging::redis
