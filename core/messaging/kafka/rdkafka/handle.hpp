#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "messaging/kafka/settings.hpp"

namespace spikard::messaging::kafka::rd {

/// Names and values as librdkafka's CONFIGURATION.md has them.
using Config = std::vector<std::pair<std::string, std::string>>;
/// What every client needs to reach the brokers.
[[nodiscard]] Config connection_config(const Settings& settings);

/// The one mapping of librdkafka's errors. `sent`: the broker may have it all the same.
[[nodiscard]] Error error_of(rd_kafka_resp_err_t code, std::string_view what, bool sent = false);

struct FreePartitions {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept { rd_kafka_topic_partition_list_destroy(list); }
};
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, FreePartitions>;

/// A client of librdkafka and the one thread that asks it what there is. What is posted runs on that thread, between two
/// questions.
class Handle {
 public:
  using Job = Function<void(rd_kafka_t*)>;
  /// On the thread.
  using OnEvent = Function<void(rd_kafka_t*, rd_kafka_event_t*)>;

  /// The error says what librdkafka refused, never a value.
  [[nodiscard]] static Result<std::unique_ptr<Handle>> open(rd_kafka_type_t type, const Config& config, int events,
                                                            OnEvent on_event);
  /// At once: what was not sent is given up, and a consumer's group is not told.
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  /// Safe from any thread, as librdkafka is.
  [[nodiscard]] rd_kafka_t* get() const noexcept { return rd_; }
  /// Any thread.
  void post(Job job);
  /// Whether the thread may ask for more at the moment; what it is told by `post` is done all the same. Any thread.
  void hold(bool on);

 private:
  Handle() = default;
  void run();
  [[nodiscard]] std::vector<Job> take();

  rd_kafka_t* rd_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;
  OnEvent on_event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> jobs_;
  std::atomic<bool> held_{false};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace spikard::messaging::kafka::rd
