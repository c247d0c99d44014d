#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "net/redis/client.hpp"
#include "tasks/memory/hub.hpp"
#include "tasks/redis/names.hpp"

namespace spikard::tasks::redis {

/// What other processes tell, on one loop: a connection of pub/sub for queues, cancellations and schedules, and another one for
/// ends of jobs, made when somebody first waits for one. Lives until the loop ends.
class Ear final : public std::enable_shared_from_this<Ear>, private net::LoopEnd {
 public:
  /// On the loop's thread. `sender`: whose news are left out.
  [[nodiscard]] static std::shared_ptr<Ear> open(std::shared_ptr<net::redis::Client> client, Names names, std::string sender);
  ~Ear();

  /// As `Hub::subscribe`; `fn` is also called when the connection is there (again), for what was missed.
  [[nodiscard]] std::shared_ptr<void> subscribe(Backend::Topic topic, const std::string& queue, Function<void()> fn);
  [[nodiscard]] bool open() const noexcept { return !client_->closed(); }

 private:
  struct Line {
    std::map<std::string, std::pair<Backend::Topic, std::string>, std::less<>> channels;
    std::shared_ptr<net::redis::Feed> feed;
    bool changed = false;
  };
  Ear(std::shared_ptr<net::redis::Client> client, Names names, std::string sender);
  void on_loop_end() override;
  [[nodiscard]] std::string channel_of(Backend::Topic topic, const std::string& queue) const;
  void listen(bool ends);

  const std::shared_ptr<net::redis::Client> client_;
  const Names names_;
  const std::string sender_;
  Hub heard_;
  Line lines_[2];
  std::shared_ptr<Ear> self_;
};

}  // namespace spikard::tasks::redis
