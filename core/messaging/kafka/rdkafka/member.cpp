// librdkafka's queue is asked on the handle's thread; everything else is on the loop's. A partition has a count of its seeks:
// what was read before one is known by it, and dropped.
#include "messaging/kafka/rdkafka/member.hpp"

#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "messaging/answer.hpp"
#include "net/await.hpp"

namespace spikard::messaging::kafka::rd {
namespace {

using net::kafka::OffsetCommitRequest;
using net::kafka::Record;
using net::kafka::TopicPartition;

constexpr Duration commit_limit = std::chrono::seconds(30);
constexpr std::size_t max_inbound = 8U << 20U;  // bytes on their way from the thread to the loop

TopicPartition of(const rd_kafka_topic_partition_t& one) { return {one.topic, one.partition}; }
Partitions list_of(const std::vector<TopicPartition>& from) {
  Partitions out(rd_kafka_topic_partition_list_new(static_cast<int>(from.size())));
  for (const TopicPartition& one : from) rd_kafka_topic_partition_list_add(out.get(), one.topic.c_str(), one.partition);
  return out;
}
std::vector<TopicPartition> read(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> out;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) out.push_back(of(list->elems[i]));
  return out;
}
std::string text_of(const void* data, std::size_t size) { return {static_cast<const char*>(data), size}; }
std::string millis(Duration time) { return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()); }

Record record_of(const rd_kafka_message_t& message) {
  Record out;
  out.offset = message.offset;
  rd_kafka_timestamp_type_t kind{};
  out.timestamp_ms = rd_kafka_message_timestamp(&message, &kind);
  if (message.key != nullptr) out.key = text_of(message.key, message.key_len);
  if (message.payload != nullptr) out.value = text_of(message.payload, message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    out.headers.emplace_back(name, value == nullptr ? std::string() : text_of(value, size));
  return out;
}

class RdMember final : public Member, public std::enable_shared_from_this<RdMember> {
 public:
  RdMember(net::Loop& loop, Config connection, net::kafka::GroupOptions options, net::kafka::GroupListener& listener,
           net::kafka::FetchTarget& target)
      : loop_(loop), config_(std::move(connection)), options_(std::move(options)), listener_(&listener), target_(&target) {}

  void start() override;
  Task<void> leave() override;
  void abandon() override {
    listener_ = nullptr;
    target_ = nullptr;
    parts_.clear();
    handle_.reset();
  }
  Task<Result<void>> commit(std::vector<OffsetCommitRequest::Partition> partitions) override;
  bool owns(const TopicPartition& one) const override { return parts_.contains(one); }
  void poke() override;
  void stop_reading() override { target_ = nullptr; }

 private:
  struct Part {
    bool assigned = false;  // librdkafka reads it
    bool paused = false;
    std::int64_t next = -1;
    std::uint64_t seeks = 0;
  };
  struct Inbound {
    TopicPartition of;
    std::uint64_t seeks = 0;
    std::vector<Record> records;
  };
  /// What the thread has of its own.
  struct Reading {
    std::shared_ptr<net::Loop::Mailbox> mailbox;
    std::weak_ptr<RdMember> member;
    Handle* handle = nullptr;  // set before anything is subscribed to
    std::map<TopicPartition, std::uint64_t> seeks;
    bool closing = false;
    std::shared_ptr<Waiting<bool>> closed;
    std::mutex mutex;
    std::vector<Inbound> inbound;
    std::size_t bytes = 0;
    bool told = false;
  };

  static void on_event(const std::shared_ptr<Reading>& reading, rd_kafka_t* rd, rd_kafka_event_t* event);
  static void on_message(const std::shared_ptr<Reading>& reading, const rd_kafka_message_t& message);
  static void on_rebalance(const std::shared_ptr<Reading>& reading, rd_kafka_t* rd, rd_kafka_event_t* event);
  template <class Fn>
  static void tell(const Reading& reading, Fn fn) {
    reading.mailbox->post([weak = reading.member, fn = std::move(fn)]() mutable {
      if (const auto self = weak.lock(); self != nullptr && self->listener_ != nullptr) fn(*self);
    });
  }

  void on_assigned(std::vector<TopicPartition> partitions);
  [[nodiscard]] static Task<> revoke(std::shared_ptr<RdMember> self, std::vector<TopicPartition> partitions);
  void take();
  void assign();

  net::Loop& loop_;
  Config config_;
  const net::kafka::GroupOptions options_;
  net::kafka::GroupListener* listener_;
  net::kafka::FetchTarget* target_;
  std::shared_ptr<Reading> reading_;
  std::unique_ptr<Handle> handle_;
  std::map<TopicPartition, Part> parts_;
  std::optional<std::vector<TopicPartition>> to_assign_;  // librdkafka waits for it
  bool assigning_ = false;
};

void RdMember::start() {
  Config config = std::exchange(config_, {});
  config.emplace_back("group.id", options_.group);
  if (options_.instance) config.emplace_back("group.instance.id", *options_.instance);
  config.emplace_back("session.timeout.ms", millis(options_.session_timeout));
  config.emplace_back("heartbeat.interval.ms", millis(options_.heartbeat));
  config.emplace_back("max.poll.interval.ms", millis(std::max<Duration>(options_.rebalance_timeout, options_.session_timeout)));
  config.emplace_back("partition.assignment.strategy", "cooperative-sticky");
  config.emplace_back("enable.auto.commit", "false");
  config.emplace_back("enable.auto.offset.store", "false");
  config.emplace_back("auto.offset.reset", "error");
  config.emplace_back("fetch.wait.max.ms", "500");
  config.emplace_back("queued.max.messages.kbytes", "16384");
  reading_ = std::make_shared<Reading>();
  reading_->mailbox = loop_.mailbox();
  reading_->member = weak_from_this();
  Result<std::unique_ptr<Handle>> handle =
      Handle::open(RD_KAFKA_CONSUMER, config, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT,
                   [reading = reading_](rd_kafka_t* rd, rd_kafka_event_t* event) { on_event(reading, rd, event); });
  if (!handle.ok()) return listener_->on_failed(handle.error());
  handle_ = std::move(*handle);
  reading_->handle = handle_.get();
  Partitions topics(rd_kafka_topic_partition_list_new(static_cast<int>(options_.topics.size())));
  for (const std::string& one : options_.topics)
    rd_kafka_topic_partition_list_add(topics.get(), one.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(handle_->get(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) listener_->on_failed(error_of(code, "subscribe"));
}

// ---- the thread ----------------------------------------------------------------------------------------------------

void RdMember::on_event(const std::shared_ptr<Reading>& reading, rd_kafka_t* rd, rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
      while (const rd_kafka_message_t* one = rd_kafka_event_message_next(event)) on_message(reading, *one);
      return;
    case RD_KAFKA_EVENT_REBALANCE: return on_rebalance(reading, rd, event);
    case RD_KAFKA_EVENT_OFFSET_COMMIT: {
      const std::unique_ptr<Waiting<Result<void>>> waiting(static_cast<Waiting<Result<void>>*>(rd_kafka_event_opaque(event)));
      if (waiting == nullptr) return;
      rd_kafka_resp_err_t code = rd_kafka_event_error(event);
      const rd_kafka_topic_partition_list_t* list = rd_kafka_event_topic_partition_list(event);
      for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && list != nullptr && i < list->cnt; ++i) code = list->elems[i].err;
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return waiting->tell(Result<void>());
      return waiting->tell(error_of(code, "OffsetCommit").with_retry(RetryClass::temporary));
    }
    case RD_KAFKA_EVENT_ERROR: {
      rd_kafka_resp_err_t code = rd_kafka_event_error(event);
      if (code == RD_KAFKA_RESP_ERR__FATAL) code = rd_kafka_fatal_error(rd, nullptr, 0);
      return tell(*reading, [why = error_of(code, "the group")](RdMember& self) { self.listener_->on_failed(why); });
    }
    default: return;
  }
}

void RdMember::on_message(const std::shared_ptr<Reading>& reading, const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return;
  const TopicPartition from{rd_kafka_topic_name(message.rkt), message.partition};
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    return tell(*reading, [from](RdMember& self) {
      const auto part = self.parts_.find(from);
      if (self.target_ == nullptr || part == self.parts_.end()) return;
      const std::int64_t asked = std::exchange(part->second.next, -1);  // what is wanted next is a seek
      self.target_->on_out_of_range(from, asked);
    });
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tell(*reading, [from, why = error_of(message.err, "Fetch")](RdMember& self) {
      if (self.target_ != nullptr) self.target_->on_fetch_failed(from, why);
    });
  }
  const auto seeks = reading->seeks.find(from);
  if (seeks == reading->seeks.end()) return;  // not ours any more
  bool tell_it = false;
  {
    const std::lock_guard lock(reading->mutex);
    if (reading->inbound.empty() || reading->inbound.back().of != from || reading->inbound.back().seeks != seeks->second)
      reading->inbound.push_back({from, seeks->second, {}});
    Record& record = reading->inbound.back().records.emplace_back(record_of(message));
    reading->bytes += record.size();
    if (reading->bytes > max_inbound) reading->handle->hold(true);
    tell_it = !std::exchange(reading->told, true);
  }
  if (tell_it) tell(*reading, [](RdMember& self) { self.take(); });
}

void RdMember::on_rebalance(const std::shared_ptr<Reading>& reading, rd_kafka_t* rd, rd_kafka_event_t* event) {
  std::vector<TopicPartition> partitions = read(rd_kafka_event_topic_partition_list(event));
  const bool assigned = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  const bool lost = !assigned && rd_kafka_assignment_lost(rd) != 0;
  const bool nobody = reading->closing || reading->member.expired();
  if (!assigned && (lost || nobody)) {
    for (const TopicPartition& one : partitions) reading->seeks.erase(one);
    if (rd_kafka_error_t* failed = rd_kafka_incremental_unassign(rd, list_of(partitions).get())) rd_kafka_error_destroy(failed);
    if (nobody) return;
    return tell(*reading, [](RdMember& self) {
      self.parts_.clear();
      self.to_assign_.reset();
      self.assigning_ = false;
      self.listener_->on_lost();
    });
  }
  if (nobody) {
    if (rd_kafka_error_t* failed = rd_kafka_incremental_assign(rd, list_of(partitions).get())) rd_kafka_error_destroy(failed);
    return;
  }
  tell(*reading, [assigned, partitions = std::move(partitions)](RdMember& self) mutable {
    if (assigned) self.on_assigned(std::move(partitions));
    else spawn(revoke(self.shared_from_this(), std::move(partitions)), [](const std::exception_ptr&) {});
  });
}

// ---- the loop ------------------------------------------------------------------------------------------------------

void RdMember::on_assigned(std::vector<TopicPartition> partitions) {
  for (const TopicPartition& one : partitions) parts_.insert_or_assign(one, Part());
  to_assign_ = partitions;
  listener_->on_assigned(partitions);
  assign();
}

/// librdkafka reads from where the work says; it waits for all of what it has given.
void RdMember::assign() {
  if (!to_assign_ || handle_ == nullptr || target_ == nullptr) return;
  std::vector<net::kafka::FetchTarget::Wanted> wanted;
  target_->wanted(wanted);
  std::map<TopicPartition, std::int64_t> offsets;
  for (net::kafka::FetchTarget::Wanted& one : wanted) offsets.emplace(std::move(one.of), one.offset);
  for (const TopicPartition& one : *to_assign_) {
    if (parts_.contains(one) && !offsets.contains(one)) return;
  }
  std::vector<std::pair<TopicPartition, std::int64_t>> all;
  for (const TopicPartition& one : *to_assign_) {
    const auto part = parts_.find(one);
    if (part == parts_.end()) continue;
    part->second.assigned = true;
    part->second.next = offsets.at(one);
    all.emplace_back(one, part->second.next);
  }
  to_assign_.reset();
  handle_->post([reading = reading_, all = std::move(all)](rd_kafka_t* rd) {
    Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(all.size())));
    for (const auto& [one, offset] : all) {
      rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition)->offset = offset;
      reading->seeks[one] = 0;
    }
    rd_kafka_error_t* failed = rd_kafka_incremental_assign(rd, list.get());
    if (failed == nullptr) return;
    const Error why = error_of(rd_kafka_error_code(failed), "assign");
    rd_kafka_error_destroy(failed);
    tell(*reading, [why](RdMember& self) { self.listener_->on_failed(why); });
  });
}

Task<> RdMember::revoke(std::shared_ptr<RdMember> self, std::vector<TopicPartition> partitions) {
  co_await self->listener_->on_revoked(partitions);
  for (const TopicPartition& one : partitions) self->parts_.erase(one);
  if (self->handle_ == nullptr) co_return;
  self->handle_->post([reading = self->reading_, partitions = std::move(partitions)](rd_kafka_t* rd) {
    for (const TopicPartition& one : partitions) reading->seeks.erase(one);
    if (rd_kafka_error_t* failed = rd_kafka_incremental_unassign(rd, list_of(partitions).get())) rd_kafka_error_destroy(failed);
  });
}

void RdMember::take() {
  std::vector<Inbound> inbound;
  {
    const std::lock_guard lock(reading_->mutex);
    inbound = std::exchange(reading_->inbound, {});
    reading_->bytes = 0;
    reading_->told = false;
  }
  if (handle_ != nullptr) handle_->hold(false);
  for (Inbound& one : inbound) {
    const auto part = parts_.find(one.of);
    if (target_ == nullptr || part == parts_.end() || part->second.seeks != one.seeks) continue;
    const std::int64_t asked = part->second.next;
    net::kafka::Fetched fetched;
    fetched.data.next_offset = one.records.back().offset + 1;
    fetched.data.records = std::move(one.records);
    part->second.next = fetched.data.next_offset;
    target_->on_fetched(one.of, asked, std::move(fetched));
  }
  poke();
}

void RdMember::poke() {
  if (handle_ == nullptr || target_ == nullptr) return;
  assign();
  std::vector<net::kafka::FetchTarget::Wanted> wanted;
  target_->wanted(wanted);
  std::set<TopicPartition> reads;
  for (const net::kafka::FetchTarget::Wanted& one : wanted) {
    const auto at = parts_.find(one.of);
    if (at == parts_.end() || !at->second.assigned) continue;
    reads.insert(one.of);
    if (at->second.next == one.offset) continue;
    at->second.next = one.offset;
    const std::uint64_t seeks = ++at->second.seeks;
    handle_->post([reading = reading_, of = one.of, offset = one.offset, seeks](rd_kafka_t* rd) {
      if (!reading->seeks.contains(of)) return;
      Partitions list(rd_kafka_topic_partition_list_new(1));
      rd_kafka_topic_partition_list_add(list.get(), of.topic.c_str(), of.partition)->offset = offset;
      if (rd_kafka_error_t* failed = rd_kafka_seek_partitions(rd, list.get(), 1000)) rd_kafka_error_destroy(failed);
      reading->seeks[of] = seeks;
    });
  }
  std::vector<TopicPartition> pause;
  std::vector<TopicPartition> resume;
  for (auto& [of, part] : parts_) {
    if (!part.assigned || part.paused != reads.contains(of)) continue;
    part.paused = !part.paused;
    (part.paused ? pause : resume).push_back(of);
  }
  if (pause.empty() && resume.empty()) return;
  handle_->post([pause = std::move(pause), resume = std::move(resume)](rd_kafka_t* rd) {
    if (!pause.empty()) rd_kafka_pause_partitions(rd, list_of(pause).get());
    if (!resume.empty()) rd_kafka_resume_partitions(rd, list_of(resume).get());
  });
}

Task<Result<void>> RdMember::commit(std::vector<OffsetCommitRequest::Partition> partitions) {
  const std::shared_ptr<RdMember> self = shared_from_this();
  if (handle_ == nullptr) co_return Error(ErrorKind::conflict, "not a member of the group any more");
  auto answer = std::make_shared<Answer<Result<void>>>(loop_);
  handle_->post([waiting = Waiting<Result<void>>(answer, loop_), partitions = std::move(partitions)](rd_kafka_t* rd) mutable {
    Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
    for (const OffsetCommitRequest::Partition& one : partitions) {
      rd_kafka_topic_partition_t* entry = rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.id);
      entry->offset = one.offset;
      if (one.metadata.empty()) continue;
      entry->metadata = std::malloc(one.metadata.size());  // NOLINT: librdkafka frees it
      std::memcpy(entry->metadata, one.metadata.data(), one.metadata.size());
      entry->metadata_size = one.metadata.size();
    }
    rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(rd);
    auto opaque = std::make_unique<Waiting<Result<void>>>(std::move(waiting));
    const rd_kafka_resp_err_t code = rd_kafka_commit_queue(rd, list.get(), queue, nullptr, opaque.get());
    rd_kafka_queue_destroy(queue);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) (void)opaque.release();
    else opaque->tell(error_of(code, "OffsetCommit"));
  });
  Task<Result<void>> wait = net::with_deadline(loop_, commit_limit, answer->done.wait());
  Result<void> waited = co_await std::move(wait);
  if (!waited.ok() && waited.error().kind() == ErrorKind::timeout)
    co_return Error(ErrorKind::unavailable, "no broker confirmed the commit in time").with_retry(RetryClass::temporary);
  if (!waited.ok()) co_return waited;
  co_return std::move(*answer->value);
}

Task<void> RdMember::leave() {
  const std::shared_ptr<RdMember> self = shared_from_this();
  target_ = nullptr;
  if (handle_ != nullptr) {
    auto answer = std::make_shared<Answer<bool>>(loop_);
    handle_->post([reading = reading_, waiting = Waiting<bool>(answer, loop_)](rd_kafka_t* rd) mutable {
      reading->closing = true;
      rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(rd);
      if (rd_kafka_error_t* failed = rd_kafka_consumer_close_queue(rd, queue)) rd_kafka_error_destroy(failed);
      // The last partitions are given back by events of this queue.
      while (rd_kafka_consumer_closed(rd) == 0) {
        rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 100);
        if (event == nullptr) continue;
        on_event(reading, rd, event);
        rd_kafka_event_destroy(event);
      }
      rd_kafka_queue_destroy(queue);
      waiting.tell(true);
    });
    Task<Result<void>> wait = net::with_deadline(loop_, std::chrono::seconds(10), answer->done.wait());
    Result<void> waited = co_await std::move(wait);
    (void)waited;
  }
  listener_ = nullptr;
  parts_.clear();
  handle_.reset();
}

}  // namespace

std::shared_ptr<Member> make_member(net::Loop& loop, Config connection, net::kafka::GroupOptions options,
                                    net::kafka::GroupListener& listener, net::kafka::FetchTarget& target) {
  return std::make_shared<RdMember>(loop, std::move(connection), std::move(options), listener, target);
}

}  // namespace spikard::messaging::kafka::rd
