#include "net/kafka/group_member.hpp"

#include <algorithm>

#include "net/kafka/error.hpp"

namespace spikard::net::kafka {
namespace {

std::int32_t millis(Duration time) {
  return static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace

GroupMember::GroupMember(std::shared_ptr<Cluster> cluster, GroupOptions options, GroupListener& listener)
    : cluster_(std::move(cluster)),
      options_(std::move(options)),
      listener_(&listener),
      lane_(cluster_->new_lane()),
      poke_(cluster_->loop()),
      ended_(cluster_->loop()) {}

void GroupMember::start() {
  running_ = true;
  spawn(run(shared_from_this()).with_token(stop_.token()), [self = shared_from_this()](const std::exception_ptr&) {
    self->running_ = false;
    self->ended_.set();
  });
}

void GroupMember::abandon() {
  listener_ = nullptr;
  leaving_ = true;
  stop_.cancel();
  cluster_->close_lane(lane_);
}

Task<void> GroupMember::leave() {
  const std::shared_ptr<GroupMember> self = shared_from_this();
  listener_ = nullptr;
  leaving_ = true;
  stop_.cancel();
  cluster_->close_lane(lane_);
  while (running_) {
    Result<void> waited = co_await ended_.wait();
    if (!waited.ok()) co_return;
  }
  if (member_.empty() || options_.instance) co_return;
  Result<std::shared_ptr<Connection>> connection = co_await cluster_->coordinator(options_.group);
  if (!connection.ok()) co_return;
  LeaveGroupRequest request;
  request.group = options_.group;
  request.member = std::exchange(member_, {});
  Result<LeaveGroupAnswer> answer =
      co_await call<LeaveGroupAnswer>(std::move(connection).value(), std::move(request), std::chrono::seconds(5));
  (void)answer;  // else the session ends by itself
}

Task<> GroupMember::run(std::shared_ptr<GroupMember> self) {
  Backoff backoff(self->cluster_->loop());
  while (!self->leaving_) {
    self->rejoin_ = false;
    Result<void> joined = co_await self->join();
    if (self->leaving_) co_return;
    if (!joined.ok()) {
      if (self->listener_ != nullptr && joined.error().kind() != ErrorKind::cancelled) self->listener_->on_failed(joined.error());
      if (joined.error().retry() != RetryClass::temporary) {
        self->lose();
        co_return;
      }
      Result<void> slept = co_await backoff.wait();
      if (!slept.ok()) co_return;
      continue;
    }
    backoff.reset();
    for (Next next = Next::go_on; next == Next::go_on;) {
      next = co_await self->beat();
      if (next == Next::leave) co_return;
    }
  }
}

void GroupMember::lose() {
  ++losses_;
  generation_ = -1;
  owned_.clear();
  revoking_.clear();
  if (listener_ != nullptr) listener_->on_lost();
}

// What the coordinator's codes mean for a member, whatever it asked.
Error GroupMember::refused(std::int16_t code, std::string_view what) {
  switch (code) {
    case code_unknown_member:
      member_.clear();
      lose();
      break;
    case code_illegal_generation: lose(); break;
    case code_not_coordinator:
    case code_coordinator_not_available: cluster_->forget_coordinator(options_.group); break;
    default: break;
  }
  Error out = broker_error(code, what).with("group", options_.group);
  const bool again = code_retriable(code) || code == code_unknown_member || code == code_illegal_generation || code == 81;
  if (again) return std::move(out).with_retry(RetryClass::temporary);
  return out;
}

Task<Result<void>> GroupMember::join() {
  Result<std::shared_ptr<Connection>> connection = co_await cluster_->coordinator(options_.group, lane_);
  if (!connection.ok()) co_return std::move(connection).error();
  JoinGroupAnswer joined;
  for (int attempt = 0;; ++attempt) {
    JoinGroupRequest request;
    request.group = options_.group;
    request.session_timeout_ms = millis(options_.session_timeout);
    request.rebalance_timeout_ms = millis(options_.rebalance_timeout);
    request.member = member_;
    request.instance = options_.instance;
    MemberSubscription subscription;
    subscription.topics = options_.topics;
    subscription.owned.assign(owned_.begin(), owned_.end());
    subscription.generation = generation_;
    JoinGroupRequest::Protocol& protocol = request.protocols.emplace_back();
    protocol.name = cooperative_sticky;
    protocol.metadata = write_subscription(subscription);
    const Duration limit = options_.rebalance_timeout + std::chrono::seconds(10);
    Result<JoinGroupAnswer> answer = co_await call<JoinGroupAnswer>(*connection, std::move(request), limit);
    if (!answer.ok()) {
      cluster_->forget_coordinator(options_.group);
      co_return std::move(answer).error();
    }
    if (answer->error == code_member_id_required && attempt == 0) {
      member_ = answer->member;
      continue;
    }
    if (answer->error != code_ok) co_return refused(answer->error, "JoinGroup");
    joined = std::move(*answer);
    break;
  }
  if (joined.protocol != cooperative_sticky) {
    Error why(ErrorKind::conflict, "the group uses another protocol than cooperative-sticky");
    co_return std::move(why).with("group", options_.group).with("protocol", joined.protocol).with_retry(RetryClass::permanent);
  }
  member_ = joined.member;
  generation_ = joined.generation;
  SyncGroupRequest sync;
  sync.group = options_.group;
  sync.generation = generation_;
  sync.member = member_;
  sync.instance = options_.instance;
  sync.protocol = joined.protocol;
  if (joined.leader == joined.member) {
    Result<std::vector<std::pair<std::string, std::string>>> plan = co_await lead(&joined);
    if (!plan.ok()) co_return std::move(plan).error();
    sync.assignments = std::move(plan).value();
  }
  const Duration limit = options_.rebalance_timeout + std::chrono::seconds(10);
  Result<SyncGroupAnswer> answer = co_await call<SyncGroupAnswer>(*connection, std::move(sync), limit);
  if (!answer.ok()) {
    cluster_->forget_coordinator(options_.group);
    co_return std::move(answer).error();
  }
  if (answer->error != code_ok) co_return refused(answer->error, "SyncGroup");
  Result<std::vector<TopicPartition>> assigned = read_assignment(answer->assignment);
  if (!assigned.ok()) co_return std::move(assigned).error();
  take(*assigned);
  co_return Result<void>();
}

Task<Result<std::vector<std::pair<std::string, std::string>>>> GroupMember::lead(const JoinGroupAnswer* joined) {
  using Plan = Result<std::vector<std::pair<std::string, std::string>>>;
  std::map<std::string, MemberSubscription> members;
  std::map<std::string, std::int32_t> partitions;
  for (const JoinGroupAnswer::Member& one : joined->members) {
    Result<MemberSubscription> subscription = read_subscription(one.metadata);
    if (!subscription.ok()) co_return Plan(std::move(subscription).error());
    for (const std::string& topic : subscription->topics) partitions[topic] = 0;
    members.emplace(one.id, std::move(subscription).value());
  }
  for (auto& [topic, count] : partitions) {
    Result<TopicInfo> info = co_await cluster_->refresh(topic);
    if (info.ok()) count = static_cast<std::int32_t>(info->partitions.size());
    else if (info.error().kind() != ErrorKind::not_found) co_return Plan(std::move(info).error());
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [id, mine] : assign_cooperative(members, partitions)) out.emplace_back(id, write_assignment(mine));
  co_return Plan(std::move(out));
}

void GroupMember::take(const std::vector<TopicPartition>& assigned) {
  const std::set<TopicPartition> next(assigned.begin(), assigned.end());
  std::vector<TopicPartition> fresh;
  std::vector<TopicPartition> kept;
  std::vector<TopicPartition> gone;
  for (const TopicPartition& one : next) {
    if (owned_.insert(one).second) fresh.push_back(one);
    else if (revoking_.erase(one) > 0) kept.push_back(one);
  }
  for (const TopicPartition& one : owned_) {
    if (!next.contains(one) && revoking_.insert(one).second) gone.push_back(one);
  }
  if (listener_ == nullptr) return;
  listener_->on_assigned(fresh);
  if (!kept.empty()) listener_->on_kept(kept);
  if (gone.empty()) return;
  spawn(listener_->on_revoked(gone), [self = shared_from_this(), gone, losses = losses_](const std::exception_ptr&) {
    if (losses != self->losses_) return;
    for (const TopicPartition& one : gone) {
      if (self->revoking_.erase(one) > 0) self->owned_.erase(one);
    }
    self->rejoin_ = true;  // so that others get them
    self->poke_.set();
  });
}

Task<GroupMember::Next> GroupMember::beat() {
  poke_.reset();
  if (!rejoin_) {
    Task<Result<void>> wait = with_deadline(cluster_->loop(), options_.heartbeat, poke_.wait());
    Result<void> waited = co_await std::move(wait);
    if (!waited.ok() && waited.error().kind() != ErrorKind::timeout) co_return Next::leave;
  }
  if (leaving_) co_return Next::leave;
  if (rejoin_) co_return Next::join;
  Result<std::shared_ptr<Connection>> connection = co_await cluster_->coordinator(options_.group, lane_);
  if (!connection.ok()) co_return leaving_ ? Next::leave : Next::go_on;
  HeartbeatRequest request;
  request.group = options_.group;
  request.generation = generation_;
  request.member = member_;
  request.instance = options_.instance;
  Result<HeartbeatAnswer> answer =
      co_await call<HeartbeatAnswer>(std::move(connection).value(), std::move(request), options_.session_timeout);
  if (leaving_) co_return Next::leave;
  if (!answer.ok()) {
    cluster_->forget_coordinator(options_.group);
    co_return Next::go_on;
  }
  if (answer->error == code_ok) co_return Next::go_on;
  if (answer->error == code_rebalance_in_progress) co_return Next::join;
  const Error why = refused(answer->error, "Heartbeat");
  if (listener_ != nullptr && why.retry() != RetryClass::temporary) listener_->on_failed(why);
  if (answer->error == code_unknown_member || answer->error == code_illegal_generation) co_return Next::join;
  if (why.retry() != RetryClass::temporary) {
    lose();
    co_return Next::leave;
  }
  co_return Next::go_on;
}

Task<Result<void>> GroupMember::commit(std::vector<OffsetCommitRequest::Partition> partitions) {
  const std::shared_ptr<GroupMember> self = shared_from_this();
  Result<std::shared_ptr<Connection>> connection = co_await cluster_->coordinator(options_.group);
  if (!connection.ok()) co_return std::move(connection).error();
  OffsetCommitRequest request;
  request.group = options_.group;
  request.generation = generation_;
  request.member = member_;
  request.instance = options_.instance;
  request.partitions = std::move(partitions);
  if (!joined()) co_return Error(ErrorKind::unavailable, "the group is being joined").with_retry(RetryClass::temporary);
  Result<OffsetCommitAnswer> answer = co_await call<OffsetCommitAnswer>(std::move(connection).value(), std::move(request));
  if (!answer.ok()) {
    cluster_->forget_coordinator(options_.group);
    co_return std::move(answer).error();
  }
  for (const OffsetCommitAnswer::Partition& one : answer->partitions) {
    if (one.error == code_ok) continue;
    if (one.error == code_not_coordinator || one.error == code_coordinator_not_available)
      cluster_->forget_coordinator(options_.group);
    Error why = broker_error(one.error, "OffsetCommit").with("group", options_.group);
    // The generation may be changing just now; when it has changed without us, the heartbeat tells.
    if (code_retriable(one.error) || one.error == code_illegal_generation)
      co_return std::move(why).with_retry(RetryClass::temporary);
    if (one.error == code_unknown_member) poke_.set();
    co_return why;
  }
  co_return Result<void>();
}

}  // namespace spikard::net::kafka
