#include "net/kafka/fetcher.hpp"

#include <algorithm>

#include "net/kafka/error.hpp"

namespace spikard::net::kafka {
namespace {

FetchRequest request_of(const FetchOptions& options) {
  FetchRequest out;
  out.max_wait_ms = static_cast<std::int32_t>(options.max_wait.count());
  out.max_bytes = options.max_bytes;
  return out;
}

void add(FetchRequest& request, const TopicPartition& of, std::int64_t offset, std::int32_t max_bytes) {
  const auto known =
      std::find_if(request.topics.begin(), request.topics.end(), [&](const auto& t) { return t.name == of.topic; });
  FetchRequest::Topic& topic = known == request.topics.end() ? request.topics.emplace_back() : *known;
  topic.name = of.topic;
  FetchRequest::Partition& one = topic.partitions.emplace_back();
  one.id = of.partition;
  one.offset = offset;
  one.max_bytes = max_bytes;
}

Result<Fetched> fetched_of(FetchAnswer::Partition& from, std::int64_t offset, const FetchOptions& options) {
  Fetched out;
  out.high_watermark = from.high_watermark;
  out.log_start = from.log_start;
  DecodeOptions decode;
  decode.from = offset;
  decode.max_batch_bytes = options.max_batch_bytes;
  Result<DecodedRecords> data = decode_batches(from.batches, decode, std::move(from.aborted));
  if (!data.ok()) return std::move(data).error();
  out.data = std::move(data).value();
  return out;
}

}  // namespace

Task<Result<Fetched>> fetch_once(std::shared_ptr<Cluster> cluster, TopicPartition of, std::int64_t offset, FetchOptions options,
                                 std::uint64_t lane) {
  using Out = Result<Fetched>;
  Backoff backoff(cluster->loop());
  std::optional<Error> last;
  for (int attempt = 0; attempt < 8; ++attempt) {
    if (attempt > 0) {
      Result<void> slept = co_await backoff.wait();
      if (!slept.ok()) co_return Out(std::move(slept).error());
    }
    Result<std::shared_ptr<Connection>> connection = co_await cluster->leader(of, lane);
    if (!connection.ok()) {
      last.emplace(std::move(connection).error());
      if (last->retry() != RetryClass::temporary) break;
      continue;
    }
    FetchRequest request = request_of(options);
    add(request, of, offset, options.max_partition_bytes);
    Result<std::int16_t> version = (*connection)->version(ApiKey::fetch);
    if (!version.ok()) co_return Out(std::move(version).error());
    const Duration limit = (*connection)->options().request_timeout + options.max_wait;
    std::string body = request.write(*version);
    Result<Reply> reply = co_await (*connection)->ask(ApiKey::fetch, *version, std::move(body), limit);
    if (!reply.ok()) {
      last.emplace(std::move(reply).error());
      cluster->forget_topic(of.topic);
      if (last->kind() == ErrorKind::cancelled) break;
      continue;
    }
    Result<FetchAnswer> answer = FetchAnswer::read(reply->body(), *version);
    if (!answer.ok()) co_return Out(std::move(answer).error());
    const std::int16_t code =
        answer->error != code_ok || answer->partitions.empty() ? answer->error : answer->partitions.front().error;
    if (code == code_ok && answer->partitions.size() == 1) co_return fetched_of(answer->partitions.front(), offset, options);
    last.emplace(code == code_ok ? Error(ErrorKind::corrupt, "Fetch: not what was asked for") : broker_error(code, "Fetch"));
    if (code_moved(code)) cluster->forget_topic(of.topic);
    if (!code_retriable(code)) break;
  }
  co_return Out(*std::move(last));
}

Fetcher::Fetcher(std::shared_ptr<Cluster> cluster, FetchOptions options, FetchTarget& target)
    : cluster_(std::move(cluster)), options_(options), target_(&target) {
  for (std::size_t i = 0; i < lanes; ++i) lanes_.push_back(cluster_->new_lane());
}

Fetcher::~Fetcher() = default;

void Fetcher::poke() {
  if (target_ != nullptr) cluster_->loop().at_turn_end(*this);
}

void Fetcher::stop() {
  target_ = nullptr;
  stop_.cancel();
  for (const std::uint64_t lane : lanes_) cluster_->close_lane(lane);
}

void Fetcher::dispatch() {
  if (target_ == nullptr) return;
  std::vector<FetchTarget::Wanted> all;
  target_->wanted(all);
  std::map<std::int32_t, std::vector<FetchTarget::Wanted>> nodes;
  for (FetchTarget::Wanted& one : all) {
    if (pending_.contains(one.of)) continue;
    const TopicInfo* info = cluster_->known(one.of.topic);
    const auto number = static_cast<std::size_t>(one.of.partition);
    if (info == nullptr || number >= info->partitions.size() || info->partitions[number].node < 0) {
      if (asked_.insert(one.of.topic).second)
        spawn(look_up(shared_from_this(), one.of.topic).with_token(stop_.token()), [](const std::exception_ptr&) {});
      continue;
    }
    nodes[info->partitions[number].node].push_back(std::move(one));
  }
  for (auto& [node, what] : nodes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      if (!busy_.emplace(node, lane).second) continue;
      for (const FetchTarget::Wanted& one : what) pending_.insert(one.of);
      spawn(fetch(shared_from_this(), node, lane, std::move(what)).with_token(stop_.token()), [](const std::exception_ptr&) {});
      break;
    }
  }
}

Task<> Fetcher::look_up(std::shared_ptr<Fetcher> self, std::string topic) {
  Result<TopicInfo> info = co_await self->cluster_->refresh(topic);
  if (!info.ok()) {
    Result<void> slept = co_await sleep(self->cluster_->loop(), std::chrono::milliseconds(500));
    (void)slept;
  }
  self->asked_.erase(topic);
  self->poke();
}

Task<> Fetcher::fetch(std::shared_ptr<Fetcher> self, std::int32_t node, std::size_t lane, std::vector<FetchTarget::Wanted> what) {
  FetchRequest request = request_of(self->options_);
  for (const FetchTarget::Wanted& one : what) add(request, one.of, one.offset, self->options_.max_partition_bytes);
  bool well = false;
  Result<std::shared_ptr<Connection>> connection = co_await self->cluster_->node(node, self->lanes_[lane]);
  if (connection.ok()) {
    Result<std::int16_t> version = (*connection)->version(ApiKey::fetch);
    if (version.ok()) {
      const Duration limit = (*connection)->options().request_timeout + self->options_.max_wait;
      std::string body = request.write(*version);
      Result<Reply> reply = co_await (*connection)->ask(ApiKey::fetch, *version, std::move(body), limit);
      well = reply.ok() && self->deliver(*reply, what);
    }
  }
  if (!well && self->target_ != nullptr) {
    for (const FetchTarget::Wanted& one : what) self->cluster_->forget_topic(one.of.topic);
    Result<void> slept = co_await sleep(self->cluster_->loop(), std::chrono::milliseconds(100));
    (void)slept;
  }
  for (const FetchTarget::Wanted& one : what) self->pending_.erase(one.of);
  self->busy_.erase({node, lane});
  self->poke();
}

bool Fetcher::deliver(const Reply& reply, const std::vector<FetchTarget::Wanted>& what) {
  Result<FetchAnswer> answer = FetchAnswer::read(reply.body(), reply.version);
  if (!answer.ok() || answer->error != code_ok) return false;
  bool well = true;
  for (FetchAnswer::Partition& one : answer->partitions) {
    if (target_ == nullptr) return true;
    const TopicPartition of{one.topic, one.id};
    const auto asked = std::find_if(what.begin(), what.end(), [&](const auto& w) { return w.of == of; });
    if (asked == what.end()) continue;
    pending_.erase(of);
    if (one.error == code_offset_out_of_range) {
      target_->on_out_of_range(of, asked->offset);
      continue;
    }
    if (one.error != code_ok) {
      well = false;
      if (!code_retriable(one.error)) target_->on_fetch_failed(of, broker_error(one.error, "Fetch"));
      continue;
    }
    Result<Fetched> fetched = fetched_of(one, asked->offset, options_);
    if (!fetched.ok()) {
      well = false;
      target_->on_fetch_failed(of, fetched.error());
      continue;
    }
    target_->on_fetched(of, asked->offset, std::move(fetched).value());
  }
  return well;
}

}  // namespace spikard::net::kafka
