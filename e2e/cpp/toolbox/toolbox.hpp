#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "case.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/virtual_clock.hpp"
#include "telemetry/memory_exporter.hpp"
#include "telemetry/provider.hpp"
#include "worker_loop/work.hpp"

/// The client side of the C++ harness: cases of `client` and `ops` (fixtures/README.md section 5, e2e/README.md). One file a
/// subsystem, one line in toolbox.cpp.
namespace spikard::e2e {

/// What the clients of one case live on: one loop, turned by the harness's own thread, a virtual clock (real time where a server
/// owns the waits), a pool for blocking work and a folder that goes with it. A case is opened on a stage of its own, so every
/// backend starts empty.
class Stage {
 public:
  explicit Stage(WallTime start, bool real_time = false);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  [[nodiscard]] Clock& clock() noexcept { return real_ ? static_cast<Clock&>(real_clock_) : clock_; }
  [[nodiscard]] net::Loop& loop() noexcept { return *loop_; }
  [[nodiscard]] net::BlockingPool& pool() noexcept { return *pool_; }
  /// What clients make their spans by; null unless the case has telemetry beside its client.
  [[nodiscard]] telemetry::Tracer tracer() const { return telemetry::Tracer(provider_); }
  [[nodiscard]] telemetry::MemoryExporter* memory() const noexcept { return memory_.get(); }
  void observe(Value telemetry);
  /// Empty at the start; for files and SQLite databases.
  [[nodiscard]] const std::string& folder();

  /// Moves the clock, and returns when everything is at rest; in real time, that is not known.
  void advance(Duration by);
  void settle() { advance(Duration::zero()); }
  /// Runs `task` on the loop to its end, moving the clock a millisecond at a time only as far as it waits for it; then settles.
  [[nodiscard]] Result<Document> finish(Task<Result<Document>> task);

 private:
  const bool real_;
  RealClock real_clock_;
  net::VirtualClock clock_;
  std::shared_ptr<telemetry::MemoryExporter> memory_;
  std::shared_ptr<telemetry::Provider> provider_;
  std::unique_ptr<net::Loop> loop_;
  std::optional<net::BlockingPool> pool_;
  std::string folder_;
};

/// One open client of a case. All of it runs on the stage's loop.
class ToolboxClient {
 public:
  virtual ~ToolboxClient() = default;
  /// Those of fixtures/README.md's `needs` that the backend has.
  [[nodiscard]] virtual std::vector<std::string> capabilities() const { return {}; }
  /// One op (`advance_clock` is the stage's own). `args` has bytes as nodes of type bytes wherever the case wrote `$bytes` or
  /// `$text`; `$int64`, `$decimal`, `$timestamp` and `$float` are as written. In the result nodes of type bytes are written as
  /// `$bytes`. The result is what `expect.value` is compared with: a bare value, or an object where the op returns members
  /// (`{affected}`, `{rows, columns}`, `{id, created}`); `expect_handled`, `expect_runs` and `expect_dead_letters` a list,
  /// presign the URL, nothing (null) where there is nothing to say. Throws NotBuilt for an op or an argument it does not have.
  [[nodiscard]] virtual Task<Result<Document>> run(std::string op, Document args) = 0;
  /// Ends everything that runs, before it is destroyed.
  [[nodiscard]] virtual Task<Result<Document>> close() = 0;
};

struct Subsystem {
  std::string_view name;
  /// What `backend: any` (`driver: any`) stands for.
  std::vector<std::string> backends;
  /// `config` is what stands below the subsystem's name in `client`. Throws NotBuilt for what it does not have.
  Task<Result<std::shared_ptr<ToolboxClient>>> (*open)(Stage& stage, Document config) = nullptr;
  /// Those of `backends` whose server owns the waits.
  std::vector<std::string> in_real_time{};
};

// One each in toolbox/<subsystem>.cpp.
[[nodiscard]] Subsystem cache_subsystem();
[[nodiscard]] Subsystem cloudevents_subsystem();
[[nodiscard]] Subsystem cron_subsystem();
[[nodiscard]] Subsystem db_subsystem();
[[nodiscard]] Subsystem messaging_subsystem();
[[nodiscard]] Subsystem storage_subsystem();
[[nodiscard]] Subsystem tasks_subsystem();
[[nodiscard]] Subsystem telemetry_subsystem();

/// The client of one case and its stage.
class Toolbox {
 public:
  explicit Toolbox(Value client);
  ~Toolbox();
  Toolbox(const Toolbox&) = delete;
  Toolbox& operator=(const Toolbox&) = delete;

  [[nodiscard]] static std::vector<std::string> backends(std::string_view subsystem);
  [[nodiscard]] std::vector<std::string> capabilities() const { return client_->capabilities(); }
  [[nodiscard]] Result<Document> run(std::string op, Value args);
  [[nodiscard]] Result<Document> close();
  [[nodiscard]] Stage& stage() noexcept { return *stage_; }

 private:
  std::unique_ptr<Stage> stage_;
  std::shared_ptr<ToolboxClient> client_;
};

// ---- for the subsystems' files ---------------------------------------------------------------------------------------------

/// A result of one value.
[[nodiscard]] Document nothing();
[[nodiscard]] Document of(bool v);
[[nodiscard]] Document of(std::int64_t v);
[[nodiscard]] Document of(std::string_view text);
[[nodiscard]] Document of_bytes(std::string_view bytes);
/// Instants of results: RFC 3339 in UTC, with a fraction only where there is one.
[[nodiscard]] std::string rfc3339(WallTime when);
/// Throws std::runtime_error for what is not RFC 3339.
[[nodiscard]] WallTime instant_of(std::string_view text);
/// The bytes of an argument that may be `$bytes`, `$text` or a plain string.
[[nodiscard]] std::string_view bytes_of(Value v);
[[nodiscard]] std::optional<Duration> ms_of(Value object, std::string_view key);

/// A handler's script (fixtures/README.md, "Handler scripts"): the nth delivery of a payload, or the nth run of a task, takes the
/// nth entry of its sequence, then `default`.
class Script {
 public:
  struct Entry {
    enum class Kind { ack, nack, reject, retry, fail, result, fatal };
    Duration sleep{};
    Kind kind = Kind::ack;
    Duration after{};  ///< retry
    Document result;   ///< result
    std::string text;  ///< fatal: why
  };
  /// `spec` is copied.
  explicit Script(Value spec);
  [[nodiscard]] Entry next(std::string_view payload_or_task);
  /// Whether the worker has a handler for it (`known`).
  [[nodiscard]] bool knows(std::string_view task) const;

 private:
  Document spec_;
  std::map<std::string, std::size_t, std::less<>> taken_;
};
/// Sleeps as the entry says and gives its outcome: `result` is an ack with its JSON as text, `fatal` a reject, `throw` an error.
/// cancelled when the task's token fires in the sleep.
[[nodiscard]] Task<Result<worker_loop::Outcome>> act(net::Loop& loop, Script::Entry entry);

/// A result as the protocol has it: `null`, numbers, text and containers as JSON, bytes as `$bytes`.
void write_result(std::string& out, Value v);

}  // namespace spikard::e2e
