#include "net/kafka/producer.hpp"

#include <algorithm>

#include "net/kafka/error.hpp"
#include "net/kafka/partitioner.hpp"

namespace spikard::net::kafka {
namespace {

using Offset = Result<std::int64_t>;

Error late(bool sent) {
  if (sent)
    return Error(ErrorKind::outcome_unknown, "no broker confirmed the batch in time")
        .with_retry(RetryClass::temporary)
        .with_operation("net.kafka");
  return Error(ErrorKind::timeout, "no broker took the batch in time")
      .with_retry(RetryClass::temporary)
      .with_operation("net.kafka");
}

}  // namespace

Task<Result<std::vector<Produced>>> Producer::send(std::vector<OutRecord> records) {
  using Places = Result<std::vector<Produced>>;
  const std::shared_ptr<Producer> self = shared_from_this();
  std::map<std::string, std::size_t> partitions;
  std::size_t bytes = 0;
  for (const OutRecord& one : records) {
    bytes += one.record.size();
    if (partitions.contains(one.topic)) continue;
    Backoff backoff(cluster_->loop());
    const Instant deadline = cluster_->loop().now() + options_.delivery_timeout;
    for (;;) {
      Result<TopicInfo> info = co_await cluster_->ensure(one.topic);
      if (info.ok()) {
        partitions[one.topic] = info->partitions.size();
        break;
      }
      if (info.error().retry() != RetryClass::temporary || cluster_->loop().now() >= deadline)
        co_return Places(std::move(info).error());
      Result<void> slept = co_await backoff.wait();
      if (!slept.ok()) co_return Places(std::move(slept).error());
    }
  }
  while (buffered_ > 0 && buffered_ + bytes > options_.max_buffered_bytes) {
    room_.reset();
    Result<void> waited = co_await room_.wait();
    if (!waited.ok()) co_return Places(std::move(waited).error());
  }
  const auto call = std::make_shared<Call>(cluster_->loop());
  call->places.resize(records.size());
  call->left = records.size();
  const std::uint32_t turn = sticky_++;
  for (std::size_t i = 0; i < records.size(); ++i) {
    OutRecord& one = records[i];
    const auto count = static_cast<std::int32_t>(std::max<std::size_t>(partitions[one.topic], 1));
    TopicPartition to{one.topic, 0};
    if (one.partition) to.partition = *one.partition;
    else if (one.record.key) to.partition = partition_of(*one.record.key, count);
    else to.partition = static_cast<std::int32_t>(turn % static_cast<std::uint32_t>(count));
    append(to, std::move(one.record), call, i);
  }
  Result<void> waited = co_await call->done.wait();
  if (!waited.ok()) co_return Places(std::move(waited).error());
  if (call->error) co_return Places(*std::move(call->error));
  co_return Places(std::move(call->places));
}

void Producer::append(const TopicPartition& to, Record record, const std::shared_ptr<Call>& call, std::size_t index) {
  std::unique_ptr<Queue>& queue = queues_[to];
  if (queue == nullptr) {
    queue = std::make_unique<Queue>();
    queue->of = to;
  }
  const std::size_t size = record.size();
  if (queue->waiting.empty() || queue->waiting.back().bytes + size > options_.max_batch_bytes) {
    queue->waiting.emplace_back();
    queue->waiting.back().deadline = cluster_->loop().now() + options_.delivery_timeout;
  }
  Batch& batch = queue->waiting.back();
  batch.bytes += size;
  buffered_ += size;
  batch.records.push_back(std::move(record));
  batch.owners.emplace_back(call, index);
  if (queue->busy) return;
  queue->busy = true;
  ready_.push_back(queue.get());
  cluster_->loop().at_turn_end(*this);
}

void Producer::on_turn_end() {
  for (Queue* queue : std::exchange(ready_, {})) spawn(work(shared_from_this(), queue), [](const std::exception_ptr&) {});
}

Task<> Producer::work(std::shared_ptr<Producer> self, Queue* queue) {
  while (!queue->waiting.empty()) {
    Batch batch = std::move(queue->waiting.front());
    queue->waiting.pop_front();
    Offset base = co_await self->deliver(queue, &batch);
    if (!base.ok() && base.error().kind() == ErrorKind::too_large && batch.records.size() > 1) {
      self->split(*queue, std::move(batch));
      continue;
    }
    self->complete(*queue, batch, base);
  }
  queue->busy = false;
}

void Producer::split(Queue& queue, Batch batch) {
  Batch second;
  second.deadline = batch.deadline;
  const auto half = static_cast<std::ptrdiff_t>(batch.records.size() / 2);
  second.records.assign(std::make_move_iterator(batch.records.begin() + half), std::make_move_iterator(batch.records.end()));
  second.owners.assign(batch.owners.begin() + half, batch.owners.end());
  batch.records.erase(batch.records.begin() + half, batch.records.end());
  batch.owners.erase(batch.owners.begin() + half, batch.owners.end());
  for (const Record& one : second.records) second.bytes += one.size();
  batch.bytes -= second.bytes;
  queue.waiting.push_front(std::move(second));
  queue.waiting.push_front(std::move(batch));
}

void Producer::complete(const Queue& queue, Batch& batch, const Offset& base) {
  buffered_ -= batch.bytes;
  room_.set();
  for (std::size_t i = 0; i < batch.owners.size(); ++i) {
    auto& [call, index] = batch.owners[i];
    if (base.ok()) call->places[index] = {queue.of.partition, *base < 0 ? -1 : *base + static_cast<std::int64_t>(i)};
    else if (!call->error) call->error = base.error();
    if (--call->left == 0) call->done.set();
  }
}

Task<Result<void>> Producer::identify(Queue* queue) {
  Result<std::shared_ptr<Connection>> connection = co_await cluster_->any();
  if (!connection.ok()) co_return std::move(connection).error();
  InitProducerIdRequest request;
  Result<InitProducerIdAnswer> answer = co_await call<InitProducerIdAnswer>(std::move(connection).value(), request);
  if (!answer.ok()) co_return std::move(answer).error();
  if (answer->error != code_ok) co_return broker_error(answer->error, "InitProducerId");
  queue->id = answer->id;
  queue->epoch = answer->epoch;
  queue->sequence = 0;
  co_return Result<void>();
}

Task<Offset> Producer::deliver(Queue* queue, const Batch* batch) {
  Loop& loop = cluster_->loop();
  Backoff backoff(loop);
  bool sent = false;
  const auto count = static_cast<std::int32_t>(batch->records.size());
  for (bool first = true;; first = false) {
    if (!first) {
      if (loop.now() >= batch->deadline) break;
      Result<void> slept = co_await backoff.wait();
      if (!slept.ok()) co_return Offset(std::move(slept).error());
    }
    if (queue->id < 0) {
      Result<void> known = co_await identify(queue);
      if (!known.ok()) {
        if (known.error().kind() == ErrorKind::cancelled || known.error().retry() != RetryClass::temporary)
          co_return Offset(std::move(known).error());
        continue;
      }
    }
    Result<std::shared_ptr<Connection>> connection = co_await cluster_->leader(queue->of);
    if (!connection.ok()) {
      const Error& why = connection.error();
      const bool missing = why.kind() == ErrorKind::not_found;  // its topic was just made, or deleted
      if (why.kind() == ErrorKind::cancelled || (why.retry() != RetryClass::temporary && !missing)) co_return Offset(why);
      continue;
    }
    ProducerState state;
    state.id = queue->id;
    state.epoch = queue->epoch;
    state.sequence = queue->sequence;
    Result<std::string> bytes = encode_batch(batch->records, state, options_.compression);
    if (!bytes.ok()) co_return Offset(std::move(bytes).error());
    ProduceRequest request;
    ProduceRequest::Topic& topic = request.topics.emplace_back();
    topic.name = queue->of.topic;
    ProduceRequest::Partition& partition = topic.partitions.emplace_back();
    partition.id = queue->of.partition;
    partition.batch = std::move(bytes).value();
    Result<ProduceAnswer> answer = co_await call<ProduceAnswer>(std::move(connection).value(), std::move(request));
    if (!answer.ok()) {
      sent = true;
      cluster_->forget_topic(queue->of.topic);
      if (answer.error().kind() == ErrorKind::cancelled) co_return Offset(std::move(answer).error());
      continue;
    }
    if (answer->partitions.size() != 1) co_return Offset(Error(ErrorKind::corrupt, "Produce: not what was sent"));
    const ProduceAnswer::Partition& result = answer->partitions.front();
    switch (result.error) {
      case code_ok:
      case code_duplicate_sequence:
        queue->sequence = static_cast<std::int32_t>(
            (static_cast<std::uint32_t>(queue->sequence) + static_cast<std::uint32_t>(count)) & 0x7fffffffU);
        co_return Offset(result.error == code_ok ? result.base_offset : -1);
      case code_out_of_order_sequence:
      case code_unknown_producer:
      case code_invalid_producer_epoch: queue->id = -1; continue;
      default: break;
    }
    if (code_moved(result.error)) cluster_->forget_topic(queue->of.topic);
    if (code_retriable(result.error)) continue;
    Error why = broker_error(result.error, "Produce").with("topic", queue->of.topic);
    if (!result.message.empty()) why = std::move(why).with("reason", result.message);
    co_return Offset(std::move(why));
  }
  queue->id = -1;  // what came of it is not known, so its numbers are not used any more
  co_return Offset(late(sent));
}

}  // namespace spikard::net::kafka
