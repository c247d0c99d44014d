#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/toolbox.hpp"
#include "worker_loop/source.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::abi {

class Port;

/// The open ports of an application: work that is not HTTP goes to the one that owes least (DESIGN.md section 5). Thread-safe.
class Ports {
 public:
  void opened(Port& port);
  void closing(Port& port);
  /// Posts to the loop of the port that owes least; while there is none it waits for the next that opens.
  void post_to_least(Function<void(Port&)> fn);
  /// Posts to that port's loop if it is still there.
  void post_to(Port* port, Function<void(Port&)> fn);

 private:
  void post(Function<void(Port&)> fn);

  std::mutex mutex_;
  std::vector<Port*> ports_;
  std::deque<Function<void(Port&)>> waiting_;
};

/// One message or task on its way through a port. Answered once, on the port's loop or, when the port goes, by its destruction
/// (the item is then tried again).
class Delivery {
 public:
  Delivery(std::weak_ptr<worker_loop::WorkerLoop> worker, std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> work)
      : item(std::move(work)), worker_(std::move(worker)), ticket_(ticket) {}
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void finish(worker_loop::Outcome outcome);

  const std::shared_ptr<const worker_loop::WorkItem> item;
  app::WorkOrigin origin;

 private:
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
  const std::uint64_t ticket_;
  bool finished_ = false;
};

/// Hands the work of one consumer or worker to the host, by events. On the worker loop's thread; answers come from the ports.
class PortSink final : public worker_loop::WorkSink {
 public:
  PortSink(std::shared_ptr<Ports> ports, app::WorkOrigin origin) : ports_(std::move(ports)), origin_(std::move(origin)) {}

  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& worker) override { worker_ = worker; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) override;
  void on_cancel(std::uint64_t ticket, CancelReason reason) override;

 private:
  /// Where a ticket is, written by the port's loop and read by the worker's.
  struct Place {
    Port* port = nullptr;  // null: on its way
    std::uint64_t id = 0;
    bool cancelled = false;
  };
  struct Places {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Place> by_ticket;
  };
  const std::shared_ptr<Ports> ports_;
  const app::WorkOrigin origin_;
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
  std::shared_ptr<Places> places_ = std::make_shared<Places>();
};

}  // namespace spikard::abi
