#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "spikard/clients.hpp"
#include "spikard/handler.hpp"
#include "spikard/schema.hpp"
#include "worker_loop/work.hpp"

namespace spikard {

/// What a handler of messages or tasks says: `Outcome::ack()`, `nack(requeue)`, `reject(why)` (no more tries), `retry(after)`. A
/// thrown exception or a returned Error is a failure, tried again with backoff.
using worker_loop::Outcome;

/// What handlers of messages and tasks have beside their arguments. Valid until the handler has ended.
class Work : public HasClients<Work> {
 public:
  Work(app::Application& application, net::Loop& loop, std::shared_ptr<const worker_loop::WorkItem> item)
      : application_(&application), loop_(&loop), item_(std::move(item)) {}

  [[nodiscard]] app::Application& application() const noexcept { return *application_; }
  [[nodiscard]] net::Loop& loop() const noexcept { return *loop_; }
  [[nodiscard]] const worker_loop::WorkItem& item() const noexcept { return *item_; }
  [[nodiscard]] telemetry::SpanContext trace() const;
  /// cancelled when nobody waits for the handler any more: its time-out has passed, the application stops, the lease is lost.
  [[nodiscard]] Task<Result<void>> sleep(Duration after) const { return net::sleep(*loop_, after); }
  /// Runs a function that blocks on the pool and comes back with a Result of what it returned. It must own what it uses.
  template <class F>
  [[nodiscard]] auto blocking(F fn) const {
    return net::blocking(*loop_, detail::blocking_pool(*application_), std::move(fn));
  }

  [[nodiscard]] const std::string& payload() const noexcept { return item_->payload; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& headers() const noexcept { return item_->headers; }
  /// The first of that name, or nothing.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
  /// This one included, whatever the causes were.
  [[nodiscard]] std::uint32_t delivery_count() const noexcept { return item_->delivery_count; }

 private:
  app::Application* application_;
  net::Loop* loop_;
  std::shared_ptr<const worker_loop::WorkItem> item_;
};

/// A message in hand: `app.consumer(...)`.
class Message : public Work {
 public:
  using Work::Work;
  [[nodiscard]] const std::string& topic() const noexcept { return item().name; }
  [[nodiscard]] std::optional<std::string_view> key() const noexcept {
    return item().has_key ? std::optional<std::string_view>(item().key) : std::nullopt;
  }
  [[nodiscard]] WallTime published() const noexcept { return item().enqueued; }
};

/// A run of a task: `app.task(...)`.
class TaskRun : public Work {
 public:
  using Work::Work;
  [[nodiscard]] const std::string& name() const noexcept { return item().name; }
  /// Counts the first run; one that a shutdown interrupted does not count.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return item().tries + 1; }
  /// The time it stands for, where a schedule made it; a run may be later.
  [[nodiscard]] std::optional<WallTime> scheduled_at() const noexcept;
};

namespace detail {

/// Called on any of the I/O loops, on several at once.
using WorkHandler = std::function<Task<Outcome>(std::shared_ptr<const worker_loop::WorkItem>, app::Application&, net::Loop&)>;

/// Reads JSON payloads against a schema. Immutable; one for all loops.
class PayloadReader {
 public:
  /// Throws std::invalid_argument for a faulty schema.
  explicit PayloadReader(Document schema);
  /// With defaults filled in. invalid_argument, with every violation in the message.
  [[nodiscard]] Result<Document> read(std::string_view payload) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

template <class W, class Tuple>
struct WorkArguments;
/// At most one payload, by value; the Work by reference; in any order.
template <class W, class... A>
struct WorkArguments<W, std::tuple<A...>> {
  template <class T>
  static constexpr bool is_work = std::is_same_v<std::remove_cvref_t<T>, W>;
  static_assert(((!is_work<A> || std::is_lvalue_reference_v<A>) && ...), "take the message or task by reference");
  static_assert((int{!is_work<A>} + ... + 0) <= 1, "a handler takes one payload, and Message& or TaskRun&");

  struct None {};
  template <class... T>
  struct First {
    using type = None;
  };
  template <class T, class... Rest>
  struct First<T, Rest...> {
    using type = std::conditional_t<is_work<T>, typename First<Rest...>::type, std::remove_cvref_t<T>>;
  };
  using Payload = typename First<A...>::type;
  static constexpr bool has_payload = !std::is_same_v<Payload, None>;
  /// Text and bytes are handed over as they are.
  static constexpr bool raw = std::is_same_v<Payload, std::string>;

  static Document schema() {
    if constexpr (has_payload && !raw && !std::is_same_v<Payload, Document>) return SchemaWriter::of<Payload>();
    else return {};
  }
  template <class T>
  static decltype(auto) pick(W& work, Payload& payload) {
    if constexpr (is_work<T>) return static_cast<T>(work);
    else return static_cast<T&&>(payload);
  }
};

template <class R>
Outcome outcome_of(R&& value) {
  using V = std::remove_cvref_t<R>;
  if constexpr (std::is_same_v<V, Outcome>) {
    return std::forward<R>(value);
  } else if constexpr (is_result<V>::value) {
    if (!value.ok()) return Outcome::error(value.error().to_string());
    if constexpr (std::is_void_v<typename V::value_type>) return Outcome::ack();
    else return outcome_of(std::forward<R>(value).value());
  } else {
    return Outcome::ack(to_json(value));
  }
}

/// Owns the function, its arguments and the item for as long as it runs.
template <class W, class F>
Task<Outcome> run_work(std::shared_ptr<F> fn, std::shared_ptr<const PayloadReader> reader, W work) {
  using S = Signature<F>;
  using R = typename S::Return;
  using Args = WorkArguments<W, typename S::Args>;
  typename Args::Payload payload{};
  Document document;
  if constexpr (Args::raw) {
    payload = work.payload();
  } else if constexpr (Args::has_payload) {
    Result<Document> read = reader->read(work.payload());
    if (!read.ok()) co_return Outcome::reject(read.error().message());
    document = std::move(read).value();
    if constexpr (std::is_same_v<typename Args::Payload, Document>) payload = std::move(document);
    else payload = from_validated<typename Args::Payload>(document.root());
  }
  const auto call = [&]<class... A>(std::tuple<A...>*) -> R { return (*fn)(Args::template pick<A>(work, payload)...); };
  constexpr auto* types = static_cast<typename S::Args*>(nullptr);
  if constexpr (task_of<R>::value) {
    using T = typename task_of<R>::type;
    R task = call(types);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      co_return Outcome::ack();
    } else {
      T value = co_await std::move(task);
      co_return outcome_of(std::move(value));
    }
  } else if constexpr (std::is_void_v<R>) {
    call(types);
    co_return Outcome::ack();
  } else {
    co_return outcome_of(call(types));
  }
}

/// `schema`: out, the one that the core may check payloads against; empty where the payload is not JSON of a described type.
template <class W, class F>
WorkHandler make_work_handler(F given, Document* schema = nullptr) {
  using Args = WorkArguments<W, typename Signature<F>::Args>;
  auto fn = std::make_shared<F>(std::move(given));
  std::shared_ptr<const PayloadReader> reader;
  if constexpr (Args::has_payload && !Args::raw) {
    Document own = Args::schema();
    if (schema != nullptr) *schema = own;
    reader = std::make_shared<const PayloadReader>(std::move(own));
  }
  return [fn = std::move(fn), reader = std::move(reader)](std::shared_ptr<const worker_loop::WorkItem> item,
                                                          app::Application& application, net::Loop& loop) {
    return run_work<W, F>(fn, reader, W(application, loop, std::move(item)));
  };
}

}  // namespace detail
}  // namespace spikard
