// Dead letters in a topic. A log forgets nothing in its middle, so what was redriven or purged is said by a record behind it
// (`removed_header`), and the broker deletes what lies before the first that is still there.
#include <algorithm>
#include <functional>
#include <set>

#include "messaging/kafka/kafka.hpp"
#include "net/kafka/error.hpp"

namespace spikard::messaging::kafka {
namespace {

using net::kafka::Record;
using net::kafka::TopicPartition;

constexpr std::size_t batch = 200;

const std::string* header_of(const Record& record, std::string_view name) {
  for (const auto& [key, value] : record.headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

struct Bounds {
  std::int64_t start = 0;
  std::int64_t end = 0;
};

Task<Result<Bounds>> bounds_of(std::shared_ptr<net::kafka::Cluster> cluster, TopicPartition of) {
  Result<std::int64_t> start = co_await cluster->list_offset(of, net::kafka::earliest_offset);
  if (!start.ok()) co_return Result<Bounds>(std::move(start).error());
  Result<std::int64_t> end = co_await cluster->list_offset(of, net::kafka::latest_offset);
  if (!end.ok()) co_return Result<Bounds>(std::move(end).error());
  co_return Result<Bounds>(Bounds{*start, *end});
}

/// Records of [from, to), until `each` returns false.
Task<Result<void>> scan(std::shared_ptr<net::kafka::Cluster> cluster, TopicPartition of, std::int64_t from, std::int64_t to,
                        std::function<bool(Record&)> each) {
  net::kafka::FetchOptions options;
  options.max_wait = std::chrono::milliseconds(100);
  for (std::int64_t at = from; at < to;) {
    Result<net::kafka::Fetched> got = co_await net::kafka::fetch_once(cluster, of, at, options);
    if (!got.ok()) co_return std::move(got).error();
    for (Record& one : got->data.records) {
      if (one.offset >= to || !each(one)) co_return Result<void>();
    }
    if (got->data.next_offset <= at) break;
    at = got->data.next_offset;
  }
  co_return Result<void>();
}

void add_removed(const Record& record, std::set<std::int64_t>& out) {
  const std::string* removed = header_of(record, removed_header);
  std::string_view list = removed == nullptr ? std::string_view() : std::string_view(*removed);
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (const auto gone = number_of(list.substr(0, comma))) out.insert(static_cast<std::int64_t>(*gone));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
}

bool is_dead_letter(const Record& record) { return header_of(record, reason_header) != nullptr; }

net::kafka::OutRecord removal(const TopicPartition& of, const std::vector<std::int64_t>& offsets, std::int64_t now) {
  std::string list;
  for (const std::int64_t offset : offsets) list += (list.empty() ? "" : ",") + std::to_string(offset);
  net::kafka::OutRecord out;
  out.topic = of.topic;
  out.partition = of.partition;
  out.record.timestamp_ms = now;
  out.record.headers.emplace_back(std::string(removed_header), std::move(list));
  return out;
}

/// Deletes what lies before the first record that still counts.
Task<Result<void>> trim(std::shared_ptr<net::kafka::Cluster> cluster, TopicPartition of, const std::set<std::int64_t>* removed) {
  Result<Bounds> bounds = co_await bounds_of(cluster, of);
  if (!bounds.ok()) co_return std::move(bounds).error();
  std::int64_t before = bounds->end;
  std::function<bool(Record&)> first = [&before, removed](Record& one) {
    if (removed->contains(one.offset) || header_of(one, removed_header) != nullptr) return true;
    before = one.offset;
    return false;
  };
  Result<void> scanned = co_await scan(cluster, of, bounds->start, bounds->end, std::move(first));
  if (!scanned.ok() || before <= bounds->start) co_return scanned;
  Result<std::shared_ptr<net::kafka::Connection>> leader = co_await cluster->leader(of);
  if (!leader.ok()) co_return std::move(leader).error();
  net::kafka::DeleteRecordsRequest request;
  request.topic = of.topic;
  request.partition = of.partition;
  request.before = before;
  Result<net::kafka::DeleteRecordsAnswer> answer =
      co_await net::kafka::call<net::kafka::DeleteRecordsAnswer>(std::move(leader).value(), std::move(request));
  if (!answer.ok()) co_return std::move(answer).error();
  if (answer->error != net::kafka::code_ok) co_return net::kafka::broker_error(answer->error, "DeleteRecords");
  co_return Result<void>();
}

}  // namespace

Task<Result<DeadLetterPage>> KafkaBackend::list_dead_letters(net::Caller caller, DeadLetterQuery query) {
  using Page = Result<DeadLetterPage>;
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const std::shared_ptr<net::kafka::Cluster> cluster = client_of(*caller.loop).cluster;
  DeadLetterPage page;
  const std::string topic = settings_.topic(query.topic);
  if (!check_name(query.topic).ok()) co_return Page(std::move(page));
  Result<net::kafka::TopicInfo> info = co_await cluster->topic(topic);
  if (!info.ok() && info.error().kind() != ErrorKind::not_found) co_return Page(std::move(info).error());
  const std::int32_t count = info.ok() ? static_cast<std::int32_t>(info->partitions.size()) : 0;
  for (std::int32_t number = partition_in(query.after); number < count && !page.more; ++number) {
    const TopicPartition of{topic, number};
    Result<Bounds> bounds = co_await bounds_of(cluster, of);
    if (!bounds.ok()) co_return Page(std::move(bounds).error());
    std::int64_t from = bounds->start;
    if (number == partition_in(query.after)) from = std::max(from, offset_in(query.after) + 1);
    std::set<std::int64_t> removed;
    std::function<bool(Record&)> look = [&removed](Record& one) {
      add_removed(one, removed);
      return true;
    };
    Result<void> scanned = co_await scan(cluster, of, from, bounds->end, std::move(look));
    if (!scanned.ok()) co_return Page(std::move(scanned).error());
    std::function<bool(Record&)> take = [&](Record& one) {
      if (!is_dead_letter(one) || removed.contains(one.offset)) return true;
      if (page.messages.size() == query.limit) {
        page.more = true;
        return false;
      }
      DeadLetter& out = page.messages.emplace_back();
      out.position = position_of(number, one.offset);
      out.time = time_of(one.timestamp_ms);
      out.message = to_message(query.topic, std::move(one));
      out.size = out.message.payload.size();
      if (!query.payloads) out.message.payload.clear();
      return true;
    };
    scanned = co_await scan(cluster, of, from, bounds->end, std::move(take));
    if (!scanned.ok()) co_return Page(std::move(scanned).error());
  }
  co_return Page(std::move(page));
}

Task<Result<std::uint64_t>> KafkaBackend::take_away(net::Caller caller, DeadLetterSelection which, bool redrive, std::string to) {
  using Count = Result<std::uint64_t>;
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const LoopClient client = client_of(*caller.loop);
  if (!check_name(which.topic).ok()) co_return Count(std::uint64_t{0});
  const std::string topic = settings_.topic(which.topic);
  Result<net::kafka::TopicInfo> info = co_await client.cluster->topic(topic);
  if (!info.ok()) {
    if (info.error().kind() == ErrorKind::not_found) co_return Count(std::uint64_t{0});
    co_return Count(std::move(info).error());
  }
  std::optional<std::set<std::uint64_t>> wanted;
  if (which.positions) wanted.emplace(which.positions->begin(), which.positions->end());
  std::uint64_t count = 0;
  // Those that are there now; what is redriven may come back while we are at it.
  std::vector<Bounds> all;
  for (std::size_t i = 0; i < info->partitions.size(); ++i) {
    TopicPartition of{topic, static_cast<std::int32_t>(i)};
    Result<Bounds> one = co_await bounds_of(client.cluster, std::move(of));
    if (!one.ok()) co_return Count(std::move(one).error());
    all.push_back(*one);
  }
  for (std::int32_t number = 0; number < static_cast<std::int32_t>(all.size()); ++number) {
    const TopicPartition of{topic, number};
    const Bounds bounds = all[static_cast<std::size_t>(number)];
    std::set<std::int64_t> removed;
    std::function<bool(Record&)> look = [&removed](Record& one) {
      add_removed(one, removed);
      return true;
    };
    Result<void> scanned = co_await scan(client.cluster, of, bounds.start, bounds.end, std::move(look));
    if (!scanned.ok()) co_return Count(std::move(scanned).error());
    bool changed = false;
    for (std::int64_t at = bounds.start; at < bounds.end;) {
      std::vector<net::kafka::OutRecord> back;
      std::vector<std::int64_t> gone;
      std::int64_t next = bounds.end;
      std::function<bool(Record&)> take = [&](Record& one) {
        if (gone.size() == batch) {
          next = one.offset;
          return false;
        }
        if (!is_dead_letter(one) || removed.contains(one.offset)) return true;
        if (wanted && !wanted->contains(position_of(number, one.offset))) return true;
        const std::int64_t offset = one.offset;
        if (redrive) {
          std::optional<Redriven> way = redriven(to_message(which.topic, std::move(one)), to);
          if (!way || !check_name(way->message.topic).ok()) return true;
          if (!way->for_group.empty()) way->message.headers.emplace_back(for_group_header, way->for_group);
          std::string target = settings_.topic(way->message.topic);
          back.push_back(to_record(std::move(target), std::move(way->message), millis_of(clock_.wall())));
        }
        gone.push_back(offset);
        return true;
      };
      scanned = co_await scan(client.cluster, of, at, bounds.end, std::move(take));
      if (!scanned.ok()) co_return Count(std::move(scanned).error());
      at = next;
      if (gone.empty()) continue;
      if (!back.empty()) {
        Result<std::vector<net::kafka::Produced>> sent = co_await client.producer->send(std::move(back));
        if (!sent.ok()) co_return Count(std::move(sent).error());
      }
      std::vector<net::kafka::OutRecord> marks;
      marks.push_back(removal(of, gone, millis_of(clock_.wall())));
      Result<std::vector<net::kafka::Produced>> marked = co_await client.producer->send(std::move(marks));
      if (!marked.ok()) co_return Count(std::move(marked).error());
      removed.insert(gone.begin(), gone.end());
      count += gone.size();
      changed = true;
    }
    if (!changed) continue;
    Result<void> trimmed = co_await trim(client.cluster, of, &removed);
    (void)trimmed;  // else they lie there, and nobody sees them
  }
  co_return Count(count);
}

Task<Result<std::uint64_t>> KafkaBackend::redrive(net::Caller caller, DeadLetterSelection which, std::string to) {
  return take_away(std::move(caller), std::move(which), true, std::move(to));
}

Task<Result<std::uint64_t>> KafkaBackend::purge(net::Caller caller, DeadLetterSelection which) {
  return take_away(std::move(caller), std::move(which), false, {});
}

}  // namespace spikard::messaging::kafka
