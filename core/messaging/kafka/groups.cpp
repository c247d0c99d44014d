// Groups from outside: seek, list, delete.
#include <algorithm>
#include <set>

#include "messaging/kafka/kafka.hpp"
#include "net/await.hpp"
#include "net/kafka/error.hpp"

namespace spikard::messaging::kafka {
namespace {

using net::kafka::call;
using net::kafka::TopicPartition;

constexpr Duration other_loop = std::chrono::seconds(40);
constexpr std::string_view retry_end = ".retry";

/// Runs what `make` makes on the loop behind `there`, and waits for it here.
template <class T>
Task<Result<T>> on_loop(net::Loop* here, std::shared_ptr<net::Loop::Mailbox> there, std::function<Task<Result<T>>()> make) {
  if (there == here->mailbox()) {
    Result<T> out = co_await make();
    co_return out;
  }
  struct State {
    explicit State(net::Loop& loop) : done(loop) {}
    net::Event done;
    std::optional<Result<T>> value;
  };
  const auto state = std::make_shared<State>(*here);
  there->post([state, back = here->mailbox(), make = std::move(make)] {
    spawn(make(), [state, back](const std::exception_ptr&, std::optional<Result<T>> value) {
      back->post([state, value = std::move(value)]() mutable {
        if (value) state->value.emplace(std::move(*value));
        state->done.set();
      });
    });
  });
  Task<Result<void>> wait = net::with_deadline(*here, other_loop, state->done.wait());
  Result<void> waited = co_await std::move(wait);
  if (state->value) co_return std::move(*state->value);
  if (!waited.ok()) co_return Result<T>(std::move(waited).error());
  co_return Result<T>(internal_error("the other loop threw"));
}

Task<Result<net::kafka::OffsetFetchAnswer>> offsets_of(std::shared_ptr<net::kafka::Cluster> cluster, std::string group) {
  using Out = Result<net::kafka::OffsetFetchAnswer>;
  net::kafka::Backoff backoff(cluster->loop());
  for (int attempt = 0;; ++attempt) {
    Result<std::shared_ptr<net::kafka::Connection>> connection = co_await cluster->coordinator(group);
    if (!connection.ok() && (connection.error().retry() != RetryClass::temporary || attempt >= 8))
      co_return Out(std::move(connection).error());
    if (connection.ok()) {
      net::kafka::OffsetFetchRequest request;
      request.group = group;
      Out answer = co_await call<net::kafka::OffsetFetchAnswer>(std::move(connection).value(), std::move(request));
      if (!answer.ok() || answer->error == net::kafka::code_ok) co_return answer;
      cluster->forget_coordinator(group);
      if (!net::kafka::code_retriable(answer->error) || attempt >= 8)
        co_return Out(net::kafka::broker_error(answer->error, "OffsetFetch"));
    }
    Result<void> slept = co_await backoff.wait();
    if (!slept.ok()) co_return Out(std::move(slept).error());
  }
}

Task<Result<net::kafka::DescribeGroupsAnswer>> describe(std::shared_ptr<net::kafka::Cluster> cluster, std::string group) {
  using Out = Result<net::kafka::DescribeGroupsAnswer>;
  Result<std::shared_ptr<net::kafka::Connection>> connection = co_await cluster->coordinator(group);
  if (!connection.ok()) co_return Out(std::move(connection).error());
  net::kafka::DescribeGroupsRequest request;
  request.group = std::move(group);
  Out answer = co_await call<net::kafka::DescribeGroupsAnswer>(std::move(connection).value(), std::move(request));
  if (answer.ok() && answer->error != net::kafka::code_ok && answer->error != net::kafka::code_group_not_found)
    co_return Out(net::kafka::broker_error(answer->error, "DescribeGroups"));
  co_return answer;
}

bool subscribes(const net::kafka::JoinGroupAnswer::Member& member, const std::string& topic) {
  const Result<net::kafka::MemberSubscription> subscription = net::kafka::read_subscription(member.metadata);
  return subscription.ok() &&
         std::find(subscription->topics.begin(), subscription->topics.end(), topic) != subscription->topics.end();
}

}  // namespace

Task<Result<KafkaBackend::Targets>> KafkaBackend::targets(LoopClient client, std::string topic, Place place) {
  using Out = Result<Targets>;
  if (const auto* end = std::get_if<Beginning>(&place)) {
    Out out =
        co_await client.cluster->list_offsets(topic, end->earliest ? net::kafka::earliest_offset : net::kafka::latest_offset);
    co_return out;
  }
  Out ends = co_await client.cluster->list_offsets(topic, net::kafka::latest_offset);
  if (!ends.ok()) co_return ends;
  std::int64_t time = 0;
  std::optional<TopicPartition> exact;
  std::int64_t offset = 0;
  if (const auto* position = std::get_if<std::uint64_t>(&place)) {
    exact.emplace(TopicPartition{topic, partition_in(*position)});
    offset = offset_in(*position);
    const auto end = ends->find(exact->partition);
    if (end == ends->end() || offset >= end->second) co_return ends;  // beyond the end is the end
    Result<std::int64_t> start = co_await client.cluster->list_offset(*exact, net::kafka::earliest_offset);
    if (!start.ok()) co_return Out(std::move(start).error());
    offset = std::max(offset, *start);
    if (ends->size() > 1) {
      // The other partitions begin at its time.
      Result<net::kafka::Fetched> got =
          co_await net::kafka::fetch_once(client.cluster, *exact, offset, net::kafka::FetchOptions());
      if (!got.ok()) co_return Out(std::move(got).error());
      if (!got->data.records.empty()) time = got->data.records.front().timestamp_ms;
    }
  } else {
    time = millis_of(std::get<WallTime>(place));
  }
  Targets out;
  for (const auto& [partition, end] : *ends) {
    if (exact && exact->partition == partition) {
      out[partition] = offset;
      continue;
    }
    TopicPartition of{topic, partition};
    Result<std::int64_t> at = co_await client.cluster->list_offset(std::move(of), time);
    if (!at.ok()) co_return Out(std::move(at).error());
    out[partition] = *at < 0 ? end : *at;
  }
  co_return Out(std::move(out));
}

// All partitions of the topic are in this process's hands: they are moved there. False: they are not.
Task<Result<bool>> KafkaBackend::seek_locals(net::Loop* loop, std::vector<Local> works, Targets to, std::size_t partitions) {
  std::set<std::int32_t> ours;
  for (const Local& one : works) {
    std::function<Task<Result<std::vector<std::int32_t>>>()> ask = [weak =
                                                                        one.work]() -> Task<Result<std::vector<std::int32_t>>> {
      const std::shared_ptr<Work> work = weak.lock();
      co_return Result<std::vector<std::int32_t>>(work == nullptr ? std::vector<std::int32_t>() : work->partitions());
    };
    Result<std::vector<std::int32_t>> has = co_await on_loop<std::vector<std::int32_t>>(loop, one.mailbox, std::move(ask));
    if (!has.ok()) co_return Result<bool>(std::move(has).error());
    ours.insert(has->begin(), has->end());
  }
  if (ours.size() != partitions) co_return Result<bool>(false);
  for (const Local& one : works) {
    std::function<Task<Result<bool>>()> move = [weak = one.work, to]() -> Task<Result<bool>> {
      const std::shared_ptr<Work> work = weak.lock();
      if (work == nullptr) co_return Result<bool>(true);
      Result<void> done = co_await work->seek(to);
      if (!done.ok()) co_return Result<bool>(std::move(done).error());
      co_return Result<bool>(true);
    };
    Result<bool> done = co_await on_loop<bool>(loop, one.mailbox, std::move(move));
    if (!done.ok()) co_return done;
  }
  co_return Result<bool>(true);
}

// Nobody consumes it: its offsets are written. Retries of what comes again are marked as done.
Task<Result<void>> KafkaBackend::seek_group(LoopClient client, Names names, Targets to) {
  net::kafka::OffsetCommitRequest request;
  request.group = names.group;
  for (const auto& [partition, offset] : to) request.partitions.push_back({names.topic, partition, offset, {}});
  const TopicPartition waiting{names.retry_topic, 0};
  Result<net::kafka::TopicInfo> there = co_await client.cluster->topic(names.retry_topic);
  if (there.ok()) {
    Result<net::kafka::OffsetFetchAnswer> known = co_await offsets_of(client.cluster, names.group);
    if (!known.ok()) co_return std::move(known).error();
    Result<std::int64_t> start = co_await client.cluster->list_offset(waiting, net::kafka::earliest_offset);
    if (!start.ok()) co_return std::move(start).error();
    Result<std::int64_t> end = co_await client.cluster->list_offset(waiting, net::kafka::latest_offset);
    if (!end.ok()) co_return std::move(end).error();
    std::int64_t committed = *start;
    std::string note;
    for (const net::kafka::OffsetFetchAnswer::Partition& one : known->partitions) {
      if (one.topic != names.retry_topic || one.offset < *start) continue;
      committed = one.offset;
      note = one.metadata;
    }
    PartitionWork work(committed, note);
    while (work.next_offset() < *end) {
      const std::int64_t at = work.next_offset();
      Result<net::kafka::Fetched> got = co_await net::kafka::fetch_once(client.cluster, waiting, at, net::kafka::FetchOptions());
      if (!got.ok()) co_return std::move(got).error();
      for (net::kafka::Record& record : got->data.records) {
        std::uint64_t position = 0;
        for (const auto& [name, value] : record.headers) {
          if (name == position_header) position = number_of(value).value_or(0);
        }
        Incoming in;
        in.offset = record.offset;
        in.position = position;
        work.add(std::move(in), clock_.wall());
      }
      if (got->data.next_offset <= at) break;
      work.read_to(got->data.next_offset);
    }
    for (const std::int64_t offset : work.offsets()) {
      const std::uint64_t position = work.find(offset)->position;
      const auto target = to.find(partition_in(position));
      if (target != to.end() && offset_in(position) >= target->second) work.drop(offset);
    }
    request.partitions.push_back({names.retry_topic, 0, work.commit_offset(), work.note()});
  }
  Result<std::shared_ptr<net::kafka::Connection>> connection = co_await client.cluster->coordinator(names.group);
  if (!connection.ok()) co_return std::move(connection).error();
  Result<net::kafka::OffsetCommitAnswer> answer =
      co_await call<net::kafka::OffsetCommitAnswer>(std::move(connection).value(), std::move(request));
  if (!answer.ok()) co_return std::move(answer).error();
  for (const net::kafka::OffsetCommitAnswer::Partition& one : answer->partitions) {
    if (one.error != net::kafka::code_ok) co_return net::kafka::broker_error(one.error, "OffsetCommit");
  }
  co_return Result<void>();
}

Task<Result<void>> KafkaBackend::seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) {
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const LoopClient client = client_of(*caller.loop);
  const std::string topic = pattern.text();
  if (Result<void> good = check_name(topic); !good.ok()) co_return good;
  const Names names = names_of(topic, group);
  Result<net::kafka::TopicInfo> there = co_await client.cluster->ensure(names.topic);
  if (!there.ok()) co_return std::move(there).error();
  Result<Targets> to = co_await targets(client, names.topic, std::move(place));
  if (!to.ok()) co_return std::move(to).error();
  std::vector<Local> works = locals(group, topic);
  if (!works.empty()) {
    Result<bool> moved = co_await seek_locals(caller.loop, std::move(works), *to, to->size());
    if (!moved.ok()) co_return std::move(moved).error();
    if (*moved) co_return Result<void>();
  }
  Result<net::kafka::DescribeGroupsAnswer> members = co_await describe(client.cluster, names.group);
  if (!members.ok()) co_return std::move(members).error();
  if (!members->members.empty()) {
    Error why(ErrorKind::conflict, "the group has consumers in other processes; Kafka moves a group only when they are stopped");
    co_return std::move(why).with("group", group).with_retry(RetryClass::permanent);
  }
  Result<void> done = co_await seek_group(client, names, std::move(to).value());
  co_return done;
}

Task<void> KafkaBackend::flush_locals(net::Loop* loop, std::vector<Local> works) {
  for (const Local& one : works) {
    std::function<Task<Result<bool>>()> flush = [weak = one.work]() -> Task<Result<bool>> {
      const std::shared_ptr<Work> work = weak.lock();
      if (work != nullptr) {
        Result<void> done = co_await work->flush();
        (void)done;
      }
      co_return Result<bool>(true);
    };
    Result<bool> done = co_await on_loop<bool>(loop, one.mailbox, std::move(flush));
    (void)done;
  }
}

Task<Result<std::vector<GroupInfo>>> KafkaBackend::groups(net::Caller caller) {
  using Out = Result<std::vector<GroupInfo>>;
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const std::shared_ptr<net::kafka::Cluster> cluster = client_of(*caller.loop).cluster;
  std::vector<Local> works;
  {
    const std::lock_guard lock(mutex_);
    works = locals_;
  }
  co_await flush_locals(caller.loop, std::move(works));
  Result<std::vector<std::string>> ids = co_await cluster->groups();
  if (!ids.ok()) co_return Out(std::move(ids).error());
  std::vector<GroupInfo> out;
  for (const std::string& id : *ids) {
    if (!id.starts_with(settings_.prefix)) continue;
    const std::string group = id.substr(settings_.prefix.size());
    Result<net::kafka::OffsetFetchAnswer> offsets = co_await offsets_of(cluster, id);
    if (!offsets.ok()) co_return Out(std::move(offsets).error());
    std::map<std::string, GroupInfo> found;
    std::map<std::string, std::string> topics;  // whose retries these are
    for (const net::kafka::OffsetFetchAnswer::Partition& one : offsets->partitions) {
      if (!one.topic.starts_with(settings_.prefix) || one.topic.ends_with(retry_end)) continue;
      const std::string topic = one.topic.substr(settings_.prefix.size());
      found[topic].name = GroupName{group, topic};
      topics[settings_.retry_topic(topic, group)] = topic;
    }
    for (const net::kafka::OffsetFetchAnswer::Partition& one : offsets->partitions) {
      const auto retries = topics.find(one.topic);
      const bool waits = retries != topics.end();
      const std::string topic = waits ? retries->second : one.topic.substr(std::min(settings_.prefix.size(), one.topic.size()));
      const auto info = found.find(topic);
      if (info == found.end() || one.offset < 0) continue;
      TopicPartition of{one.topic, one.id};
      Result<std::int64_t> end = co_await cluster->list_offset(std::move(of), net::kafka::latest_offset);
      if (!end.ok()) continue;  // deleted meanwhile
      const PartitionWork::Outlook look = PartitionWork::look(one.offset, one.metadata);
      const std::int64_t from = std::max(look.done_to, one.offset);
      const std::uint64_t open = look.unfinished + static_cast<std::uint64_t>(std::max<std::int64_t>(*end - from, 0));
      info->second.in_hand += look.in_hand;
      const std::uint64_t rest = open - std::min(open, look.in_hand);
      const std::uint64_t delayed = waits ? rest : std::min(rest, look.delayed);
      info->second.delayed += delayed;
      info->second.waiting += rest - delayed;
    }
    for (auto& [topic, info] : found) out.push_back(std::move(info));
  }
  co_return Out(std::move(out));
}

Task<Result<bool>> KafkaBackend::delete_group(net::Caller caller, GroupName name) {
  using Out = Result<bool>;
  const std::shared_ptr<KafkaBackend> self = shared_from_this();
  const std::shared_ptr<net::kafka::Cluster> cluster = client_of(*caller.loop).cluster;
  const Names names = names_of(name.topic, name.group);
  Result<net::kafka::OffsetFetchAnswer> offsets = co_await offsets_of(cluster, names.group);
  if (!offsets.ok()) co_return Out(std::move(offsets).error());
  net::kafka::OffsetDeleteRequest remove;
  remove.group = names.group;
  bool here = false;
  bool others = false;
  for (const net::kafka::OffsetFetchAnswer::Partition& one : offsets->partitions) {
    if (one.offset < 0) continue;
    if (one.topic != names.topic && one.topic != names.retry_topic) {
      others = true;
      continue;
    }
    here = here || one.topic == names.topic;
    const auto known =
        std::find_if(remove.topics.begin(), remove.topics.end(), [&](const auto& t) { return t.name == one.topic; });
    net::kafka::OffsetFetchRequest::Topic& topic = known == remove.topics.end() ? remove.topics.emplace_back() : *known;
    topic.name = one.topic;
    topic.partitions.push_back(one.id);
  }
  if (!here) co_return Out(false);
  Result<net::kafka::DescribeGroupsAnswer> members = co_await describe(cluster, names.group);
  if (!members.ok()) co_return Out(std::move(members).error());
  const bool consumed =
      std::any_of(members->members.begin(), members->members.end(), [&](const auto& m) { return subscribes(m, names.topic); });
  if (consumed) {
    Error why(ErrorKind::conflict, "the group has consumers");
    co_return Out(std::move(why).with("group", name.group).with_retry(RetryClass::permanent));
  }
  Result<std::shared_ptr<net::kafka::Connection>> connection = co_await cluster->coordinator(names.group);
  if (!connection.ok()) co_return Out(std::move(connection).error());
  std::int16_t code = net::kafka::code_ok;
  if (others || !members->members.empty()) {
    Result<net::kafka::OffsetDeleteAnswer> answer =
        co_await call<net::kafka::OffsetDeleteAnswer>(std::move(connection).value(), std::move(remove));
    if (!answer.ok()) co_return Out(std::move(answer).error());
    code = answer->error;
  } else {
    net::kafka::DeleteGroupsRequest request;
    request.group = names.group;
    Result<net::kafka::DeleteGroupsAnswer> answer =
        co_await call<net::kafka::DeleteGroupsAnswer>(std::move(connection).value(), std::move(request));
    if (!answer.ok()) co_return Out(std::move(answer).error());
    code = answer->error;
  }
  if (code == net::kafka::code_group_not_found) co_return Out(false);
  if (code != net::kafka::code_ok) co_return Out(net::kafka::broker_error(code, "deleting the group"));
  Result<std::shared_ptr<net::kafka::Connection>> controller = co_await cluster->controller();
  if (!controller.ok()) co_return Out(true);
  net::kafka::DeleteTopicsRequest waiting;
  waiting.topics.push_back(names.retry_topic);
  Result<net::kafka::DeleteTopicsAnswer> deleted =
      co_await call<net::kafka::DeleteTopicsAnswer>(std::move(controller).value(), std::move(waiting));
  (void)deleted;
  cluster->forget_topic(names.retry_topic);
  co_return Out(true);
}

}  // namespace spikard::messaging::kafka
