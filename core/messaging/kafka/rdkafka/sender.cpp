#include "messaging/kafka/rdkafka/sender.hpp"

#include <algorithm>
#include <map>

#include "messaging/answer.hpp"
#include "messaging/kafka/rdkafka/handle.hpp"
#include "net/kafka/partitioner.hpp"

namespace spikard::messaging::kafka::rd {
namespace {

using net::kafka::OutRecord;
using net::kafka::Produced;
using Places = Result<std::vector<Produced>>;

constexpr Duration room_again = std::chrono::milliseconds(5);

/// A call of `send`: told when the last of its records is.
struct Call {
  std::mutex mutex;
  std::vector<Produced> places;
  std::optional<Error> error;
  std::size_t left = 0;
  Waiting<Places> waiting;

  void settle(std::size_t index, Result<Produced> how) {
    const std::lock_guard lock(mutex);
    if (how.ok()) places[index] = *how;
    else if (!error) error = std::move(how).error();
    if (--left == 0) waiting.tell(error ? Places(std::move(*error)) : Places(std::move(places)));
  }
};
struct Ticket {
  std::shared_ptr<Call> call;
  std::size_t index = 0;
};

void on_event(rd_kafka_t*, rd_kafka_event_t* event) {
  if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_DR) return;  // an error of a broker: the deliveries tell what comes of it
  while (const rd_kafka_message_t* one = rd_kafka_event_message_next(event)) {
    const std::unique_ptr<Ticket> ticket(static_cast<Ticket*>(one->_private));
    if (ticket == nullptr) continue;
    if (one->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Produced place;
      place.partition = one->partition;
      place.offset = one->offset;
      ticket->call->settle(ticket->index, place);
    } else {
      const bool sent = rd_kafka_message_status(one) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED;
      ticket->call->settle(ticket->index, error_of(one->err, "Produce", sent));
    }
  }
}

std::string_view compression_of(net::kafka::Compression compression) {
  constexpr std::string_view names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  return names[static_cast<std::size_t>(compression)];
}

}  // namespace

class Producer {
 public:
  explicit Producer(const Settings& settings) : delivery_timeout_(settings.producer.delivery_timeout) {
    const auto millis = [](Duration time) { return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()); };
    Config config = connection_config(settings);
    config.emplace_back("enable.idempotence", "true");
    config.emplace_back("acks", "all");
    config.emplace_back("linger.ms", "0");
    config.emplace_back("compression.codec", compression_of(settings.producer.compression));
    config.emplace_back("message.timeout.ms", millis(settings.producer.delivery_timeout));
    config.emplace_back("message.max.bytes", "1441792");  // of the topics that are made here
    config.emplace_back("queue.buffering.max.kbytes", std::to_string(settings.producer.max_buffered_bytes >> 10U));
    Result<std::unique_ptr<Handle>> handle = Handle::open(RD_KAFKA_PRODUCER, config, RD_KAFKA_EVENT_DR, on_event);
    if (handle.ok()) handle_ = std::move(*handle);
    else failed_ = std::move(handle).error();
  }
  ~Producer() {
    if (handle_ == nullptr) return;
    // Who waits is told: the deliveries come as events.
    rd_kafka_purge(handle_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(handle_->get(), 1000);
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  [[nodiscard]] const std::optional<Error>& failed() const noexcept { return failed_; }
  [[nodiscard]] Duration delivery_timeout() const noexcept { return delivery_timeout_; }
  [[nodiscard]] std::uint32_t next_turn() noexcept { return turn_.fetch_add(1, std::memory_order_relaxed); }

  /// Taken, or why not; `ticket` is librdkafka's where it was taken.
  [[nodiscard]] rd_kafka_resp_err_t put(const OutRecord& record, std::int32_t partition, std::unique_ptr<Ticket>& ticket) {
    rd_kafka_headers_t* headers = nullptr;
    if (!record.record.headers.empty()) {
      headers = rd_kafka_headers_new(record.record.headers.size());
      for (const auto& [name, value] : record.record.headers)
        rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                            static_cast<ssize_t>(value.size()));
    }
    const auto text = [](const std::optional<std::string>& of) {
      return std::pair<void*, std::size_t>(of ? const_cast<char*>(of->data()) : nullptr, of ? of->size() : 0);
    };
    const auto [key, key_size] = text(record.record.key);
    const auto [value, value_size] = text(record.record.value);
    const rd_kafka_resp_err_t code =
        rd_kafka_producev(handle_->get(), RD_KAFKA_V_TOPIC(record.topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_size),
                          RD_KAFKA_V_VALUE(value, value_size), RD_KAFKA_V_TIMESTAMP(record.record.timestamp_ms),
                          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(ticket.get()), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) (void)ticket.release();
    else if (headers != nullptr) rd_kafka_headers_destroy(headers);
    return code;
  }

 private:
  const Duration delivery_timeout_;
  std::unique_ptr<Handle> handle_;
  std::optional<Error> failed_;
  std::atomic<std::uint32_t> turn_{0};
};

namespace {

class RdSender final : public Sender {
 public:
  RdSender(std::shared_ptr<Producer> producer, std::shared_ptr<net::kafka::Cluster> cluster)
      : producer_(std::move(producer)), cluster_(std::move(cluster)) {}

  Task<Places> send(std::vector<OutRecord> records) override {
    const std::shared_ptr<Producer> producer = producer_;
    const std::shared_ptr<net::kafka::Cluster> cluster = cluster_;
    if (producer->failed()) co_return Places(*producer->failed());
    if (records.empty()) co_return Places(std::vector<Produced>());
    net::Loop& loop = cluster->loop();
    const Instant deadline = loop.now() + producer->delivery_timeout();
    std::map<std::string, std::size_t> partitions;
    for (const OutRecord& one : records) {
      net::kafka::Backoff backoff(loop);
      while (!partitions.contains(one.topic)) {
        Result<net::kafka::TopicInfo> info = co_await cluster->ensure(one.topic);
        if (info.ok()) {
          partitions[one.topic] = std::max<std::size_t>(info->partitions.size(), 1);
          break;
        }
        if (info.error().retry() != RetryClass::temporary || loop.now() >= deadline) co_return Places(std::move(info).error());
        Result<void> slept = co_await backoff.wait();
        if (!slept.ok()) co_return Places(std::move(slept).error());
      }
    }
    const auto call = std::make_shared<Call>();
    const auto answer = std::make_shared<Answer<Places>>(loop);
    call->waiting = Waiting<Places>(answer, loop);
    call->places.resize(records.size());
    call->left = records.size();
    const std::uint32_t turn = producer->next_turn();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const OutRecord& one = records[i];
      const auto count = static_cast<std::int32_t>(partitions[one.topic]);
      std::int32_t to = static_cast<std::int32_t>(turn % static_cast<std::uint32_t>(count));
      if (one.partition) to = *one.partition;
      else if (one.record.key) to = net::kafka::partition_of(*one.record.key, count);
      auto ticket = std::make_unique<Ticket>();
      ticket->call = call;
      ticket->index = i;
      for (;;) {
        const rd_kafka_resp_err_t code = producer->put(one, to, ticket);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && loop.now() < deadline) {
          Result<void> slept = co_await net::sleep(loop, room_again);
          if (slept.ok()) continue;
        }
        call->settle(i, error_of(code, "Produce"));
        break;
      }
    }
    Result<void> waited = co_await answer->done.wait();
    if (!waited.ok()) co_return Places(std::move(waited).error());
    co_return std::move(*answer->value);
  }

 private:
  const std::shared_ptr<Producer> producer_;
  const std::shared_ptr<net::kafka::Cluster> cluster_;
};

}  // namespace

std::shared_ptr<Producer> make_producer(const Settings& settings) { return std::make_shared<Producer>(settings); }
std::shared_ptr<Sender> make_sender(std::shared_ptr<Producer> producer, std::shared_ptr<net::kafka::Cluster> cluster) {
  return std::make_shared<RdSender>(std::move(producer), std::move(cluster));
}

}  // namespace spikard::messaging::kafka::rd
