#include "tasks/redis/directory.hpp"

#include <algorithm>

namespace spikard::tasks::redis {
namespace {

using net::redis::Command;
using net::redis::Reply;
using net::redis::View;

constexpr std::uint64_t at_once = 1000;

}  // namespace

Directory::Found Directory::known(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_name_.find(std::string(name));
  return at == by_name_.end() ? nullptr : at->second;
}

Directory::Found Directory::known(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_number_.find(number);
  return at == by_number_.end() ? nullptr : at->second;
}

Directory::Found Directory::note(std::string name, std::uint32_t number) {
  auto queue = std::make_shared<Queue>();
  queue->base = names_.base(name);
  queue->name = std::move(name);
  queue->number = number;
  const std::lock_guard lock(mutex_);
  by_name_[queue->name] = queue;
  by_number_[number] = queue;
  return queue;
}

Directory::Async<Directory::Found> Directory::make(net::Loop& loop, std::string name) {
  if (Found there = known(name)) co_return there;
  Command command(scripts_.number, 1);
  command.key(names_.of_store("queues")).arg(name).arg(Place::most_queues).reads();  // twice is as once
  const std::shared_ptr<net::redis::Client> client = pool_.on(loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (!reply.ok()) co_return Result<Found>(std::move(reply).error());
  const std::optional<std::int64_t> number = reply->integer();
  if (!number || *number <= 0 || *number > Place::most_queues) {
    co_return Result<Found>(Error(ErrorKind::rate_limited,
                                  "queue: " + std::to_string(Place::most_queues) + " queues of one store at most are expected")
                                .with_retry(RetryClass::permanent));
  }
  co_return note(std::move(name), static_cast<std::uint32_t>(*number));
}

Directory::Async<std::vector<Directory::Found>> Directory::all(net::Loop& loop) {
  using All = std::vector<Found>;
  Command command("HGETALL");
  command.key(names_.of_store("queues")).reads();
  const std::shared_ptr<net::redis::Client> client = pool_.on(loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (!reply.ok()) co_return Result<All>(std::move(reply).error());
  All out;
  const View view = reply->view();
  for (auto at = view.begin(); at != view.end(); ++at) {
    std::string name((*at).text());
    if (++at == view.end()) break;
    const std::optional<std::int64_t> number = (*at).integer();
    if (number && *number > 0 && *number <= Place::most_queues)
      out.push_back(note(std::move(name), static_cast<std::uint32_t>(*number)));
  }
  std::sort(out.begin(), out.end(), [](const Found& a, const Found& b) { return a->name < b->name; });
  co_return Result<All>(std::move(out));
}

Directory::Async<Directory::Found> Directory::find(net::Loop& loop, std::uint32_t number) {
  if (number == 0) co_return Found();
  if (Found there = known(number)) co_return there;
  Result<std::vector<Found>> looked = co_await all(loop);
  if (!looked.ok()) co_return Result<Found>(std::move(looked).error());
  co_return known(number);
}

Directory::Async<std::uint64_t> Directory::take(net::Loop& loop, std::uint64_t count) {
  {
    const std::lock_guard lock(mutex_);
    if (end_ - next_ >= count) {
      next_ += count;
      co_return next_ - count;
    }
  }
  const std::uint64_t wanted = std::max(count, at_once);
  Command command("INCRBY");
  command.key(names_.of_store("sequence")).arg(wanted).reads();  // what is taken twice is left out once
  const std::shared_ptr<net::redis::Client> client = pool_.on(loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (!reply.ok()) co_return Result<std::uint64_t>(std::move(reply).error());
  const std::optional<std::int64_t> last = reply->integer();
  if (!last || *last < static_cast<std::int64_t>(wanted) || static_cast<std::uint64_t>(*last) > Place::most_sequence)
    co_return Result<std::uint64_t>(Error(ErrorKind::corrupt, "the server's sequence is none of ours"));
  const std::uint64_t first = static_cast<std::uint64_t>(*last) - wanted + 1;
  const std::lock_guard lock(mutex_);
  if (end_ <= first) {
    next_ = first + count;
    end_ = first + wanted;
  }
  co_return first;
}

void Directory::drop() {
  const std::lock_guard lock(mutex_);
  next_ = end_ = 0;
}

}  // namespace spikard::tasks::redis
