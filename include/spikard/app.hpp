#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "services/manifest.gen.hpp"
#include "spikard/event.hpp"
#include "spikard/handler.hpp"
#include "spikard/work.hpp"

namespace spikard::app {
class Application;
class IoUnit;
struct ApplicationOptions;
struct WorkOrigin;
}  // namespace spikard::app

namespace spikard::worker_loop {
class WorkSink;
}

namespace spikard {

enum class Scope : std::uint8_t { singleton, request, transient };

/// An application: routes, hooks and dependencies as functions, the rest as plain data in `manifest()`. Build it on one thread,
/// then `run()` it, or give it to a TestClient.
///
///     int main() {
///       spikard::App app;
///       app.get("/hello/{name}", [](Path<"name"> name) { return "hello " + *name; });
///       return app.run();
///     }
///
/// Handlers are plain functions or Task<T> coroutines. They return a described struct or Json (application/json), text
/// (text/plain), void (204), Response, StreamingResponse, or a Result of these, whose Error becomes a problem. They run on I/O
/// threads and must not block, unless registered with `.blocking()`.
class App {
 public:
  App();
  explicit App(services::Manifest manifest);
  App(App&&) noexcept;
  App& operator=(App&&) noexcept;
  ~App();

  /// Everything that is not code: name, listeners, limits, time-outs, health, log. Change it before run().
  [[nodiscard]] services::Manifest& manifest() noexcept;
  [[nodiscard]] services::HttpConfig& http() noexcept;

  /// Further declarations of a route: `app.post(...).blocking().timeout(2s)`.
  class RouteRef {
   public:
    RouteRef& name(std::string name) {
      spec().name = std::move(name);
      return *this;
    }
    RouteRef& timeout(std::chrono::milliseconds t) {
      spec().timeout_ms = static_cast<std::uint32_t>(t.count());
      return *this;
    }
    /// The handler, a plain function of typed parameters, blocks: it runs on the blocking pool.
    RouteRef& blocking() {
      spec().blocking = true;
      return *this;
    }
    /// Media types of the body that are taken.
    RouteRef& accepts(std::vector<std::string> content_types);
    [[nodiscard]] services::Route& spec();

   private:
    friend class App;
    RouteRef(App& app, std::size_t index) : app_(app), index_(index) {}
    App& app_;
    std::size_t index_;
  };

  template <class F>
  RouteRef route(services::HttpMethod method, std::string path, F handler) {
    services::Route spec;
    spec.method = method;
    spec.path = std::move(path);
    detail::Arguments<typename detail::Signature<F>::Args>::declare_all(spec);
    return add(std::move(spec), detail::make_handler(std::move(handler)));
  }
  template <class F>
  RouteRef get(std::string path, F handler) {
    return route(services::HttpMethod::get, std::move(path), std::move(handler));
  }
  template <class F>
  RouteRef post(std::string path, F handler) {
    return route(services::HttpMethod::post, std::move(path), std::move(handler));
  }
  template <class F>
  RouteRef put(std::string path, F handler) {
    return route(services::HttpMethod::put, std::move(path), std::move(handler));
  }
  template <class F>
  RouteRef patch(std::string path, F handler) {
    return route(services::HttpMethod::patch, std::move(path), std::move(handler));
  }
  template <class F>
  RouteRef del(std::string path, F handler) {
    return route(services::HttpMethod::del, std::move(path), std::move(handler));
  }

  /// A route as plain data with a handler that reads the request itself: `Response(Context&)`, or a Task of Response or
  /// AnyResponse.
  template <class F>
  RouteRef add_route(services::Route spec, F handler) {
    return add(std::move(spec), detail::make_handler(std::move(handler)));
  }

  /// Hooks run in the order they were added. `fn(Hook&)`, plain or a Task<void>; a thrown exception goes to on_error.
  template <class F>
  App& on_request(F fn) {
    return hook(http::HookPhase::on_request, std::move(fn));
  }
  template <class F>
  App& pre_validation(F fn) {
    return hook(http::HookPhase::pre_validation, std::move(fn));
  }
  template <class F>
  App& pre_handler(F fn) {
    return hook(http::HookPhase::pre_handler, std::move(fn));
  }
  template <class F>
  App& on_response(F fn) {
    return hook(http::HookPhase::on_response, std::move(fn));
  }
  template <class F>
  App& on_error(F fn) {
    return hook(http::HookPhase::on_error, std::move(fn));
  }
  template <class F>
  App& hook(http::HookPhase phase, F fn) {
    HookFunction hook;
    if constexpr (std::is_void_v<typename detail::Signature<F>::Return>) hook.plain = std::move(fn);
    else hook.task = std::move(fn);
    return add_hook(phase, std::move(hook));
  }

  /// A handler of CloudEvents that are posted to `path` (Knative and Cloud Functions use `/`): `fn(const Event&)`,
  /// `fn(EventWork&)` or both, plain or a Task. Returns nothing (taken), an Event or std::optional<Event> (the answer), an
  /// EventOutcome, or a Result of these; an Error or an exception is answered with 500, and the sender tries again. `type` is
  /// exact or has `*` for any run of characters; of several the best fit takes an event.
  ///
  ///     app.event("com.example.order.*", [](const Event& event) -> std::optional<Event> { ... });
  template <class F>
  App& event(std::string type, F fn, std::string path = "/events") {
    services::EventSubscription where;
    where.type = std::move(type);
    return event(std::move(where), std::move(fn), std::move(path));
  }
  /// By source and subject too.
  template <class F>
  App& event(services::EventSubscription where, F fn, std::string path = "/events") {
    where.handler = add_event_handler(detail::make_event_handler(std::move(fn)));
    event_endpoint(std::move(path)).subscriptions.push_back(std::move(where));
    return *this;
  }
  /// Further options of an endpoint (allowed origins, rate, limits); it is made if it is not there.
  [[nodiscard]] services::EventEndpoint& event_endpoint(std::string path = "/events");
  /// A handler of CloudEvents in the messages of `topic` of the broker `default`: as `event`. An answer goes to `reply` of the
  /// consumer; an Error or an exception is tried again with its backoff, and what is no event goes to the dead letter.
  template <class F>
  App& event_from(std::string topic, std::string type, F fn) {
    services::EventSubscription where;
    where.type = std::move(type);
    where.handler = add_event_handler(detail::make_event_handler(std::move(fn)));
    event_consumer(std::move(topic)).subscriptions.push_back(std::move(where));
    return *this;
  }
  /// Further options of such a consumer (group, dead letter, binding, inbox); it is made if it is not there.
  [[nodiscard]] services::EventConsumer& event_consumer(std::string topic);
  /// A handler for subscriptions that are written by hand; gives its number.
  std::uint32_t add_event_handler(detail::EventHandler handler);

  /// A value for `Inject<"name", T>`.
  template <class T>
  App& value(std::string name, T object) {
    services::Dependency spec;
    spec.name = std::move(name);
    spec.kind = services::DependencyKind::value;
    return add_value(std::move(spec), std::make_shared<T>(std::move(object)));
  }
  /// A factory for `Inject<"name", T>`: a function (or coroutine) of Injects that returns T. T's destructor is the clean-up;
  /// `cleanup(T&)`, plain or a Task<void>, runs before it.
  template <class F>
  App& dependency(std::string name, Scope scope, F factory) {
    return dependency(std::move(name), scope, std::move(factory), [](auto&) {});
  }
  template <class F, class C>
  App& dependency(std::string name, Scope scope, F factory, C cleanup);

  /// Factories as data: `make(arguments)` gives the object and, if it has one, its JSON type; `cleanup` may be empty. For one
  /// route only: put the spec's id (returned) into `route.dependencies`.
  using RawFactory = Function<Task<std::pair<std::shared_ptr<void>, std::string>>(std::vector<std::shared_ptr<void>>)>;
  using RawCleanup = Function<Task<void>(std::shared_ptr<void>)>;
  services::Dependency make_dependency(services::Dependency spec, RawFactory make, RawCleanup cleanup);
  services::Dependency make_value(services::Dependency spec, std::shared_ptr<void> object);
  App& add_value(services::Dependency spec, std::shared_ptr<void> object);

  /// A consumer of messages: `fn(Message&)`, `fn(T)` or both parameters in any order, plain or a Task. T is a described struct
  /// (the payload as JSON, checked before the handler runs: what does not fit goes to the dead letter with its errors), Json or
  /// std::string (the payload as it is). Returns nothing, an Outcome, or a Result of these; an Error or an exception is tried
  /// again.
  ///
  ///     app.consumer("orders.created", {.group = "mail"}, [](Order order, Message& message) -> Task<void> { ... });
  template <class F>
  App& consumer(std::string topic, services::Consumer spec, F fn) {
    Document schema;
    detail::WorkHandler handler = detail::make_work_handler<Message>(std::move(fn), &schema);
    spec.topic = std::move(topic);
    if (!schema.empty()) spec.schema = std::move(schema);
    return add_consumer(std::move(spec), std::move(handler));
  }
  template <class F>
  App& consumer(std::string topic, F fn) {
    return consumer(std::move(topic), services::Consumer{}, std::move(fn));
  }

  /// A task: `fn(T)`, `fn(TaskRun&)` or both, plain or a Task. T is the arguments as a described struct, Json or std::string; a
  /// run whose arguments do not fit is discarded. What it returns is the task's result. The queue's worker is that of `worker()`,
  /// or one with the defaults.
  ///
  ///     app.task("invoice", [](Invoice invoice, TaskRun& run) -> Task<Result<std::string>> { ... });
  template <class F>
  App& task(std::string name, F fn, std::string queue = "default") {
    return add_task(std::move(name), std::move(queue), detail::make_work_handler<TaskRun>(std::move(fn)));
  }
  /// Options of a queue's worker.
  App& worker(services::Worker spec);
  /// Enqueues a task by the clock: `app.schedule("nightly", "0 3 * * *", "report")`.
  App& schedule(std::string name, std::string cron, std::string task, services::Schedule more = {});

  App& listen(std::uint16_t port, std::string address = "127.0.0.1");

  /// With SPIKARD_PRINT_MANIFEST=1 prints the manifest and returns 0 (`spikard check` asks so). Else serves until SIGTERM, SIGINT
  /// or stop(); returns the exit code (DESIGN.md section 6). A manifest that is wrong is reported to
  /// standard error, exit code 78. Over the manifest lie spikard.toml and the environment (docs/guide/configuration.md). Without
  /// a listener: 127.0.0.1:8000.
  [[nodiscard]] int run();
  /// Begins the drain; any thread.
  void stop();
  /// Checks everything and makes the runtime without starting it (tests, embedding).
  [[nodiscard]] Result<std::shared_ptr<app::Application>> build();
  /// The same with a clock and a log of one's own; `in_memory` leaves the listeners out
  /// and keeps every `sqlite:` and `file:` store in memory.
  [[nodiscard]] Result<std::shared_ptr<app::Application>> build(app::ApplicationOptions options, bool in_memory = false);
  /// The handler side for one loop of what build() made.
  [[nodiscard]] std::unique_ptr<http::Sink> make_sink(app::Application& application, app::IoUnit& unit);
  /// The handler side of what build() made for messages and tasks, on these loops.
  [[nodiscard]] Function<std::unique_ptr<worker_loop::WorkSink>(const app::WorkOrigin&)> make_work_sink(
      app::Application& application, std::vector<net::Loop*> loops);

 private:
  friend class RouteRef;
  friend class detail::Dispatcher;
  struct State;
  RouteRef add(services::Route spec, detail::Handler handler);
  struct HookFunction {
    Function<void(Hook&)> plain;
    Function<Task<void>(Hook&)> task;
  };
  App& add_hook(http::HookPhase phase, HookFunction fn);
  App& add_consumer(services::Consumer spec, detail::WorkHandler handler);
  App& add_task(std::string name, std::string queue, detail::WorkHandler handler);

  std::shared_ptr<State> state_;
};

namespace detail {
template <class Tuple>
struct FactoryArguments;
template <class... A>
struct FactoryArguments<std::tuple<A...>> {
  static std::vector<std::string> names() { return {std::string(std::remove_cvref_t<A>::name)...}; }
  template <class F>
  static decltype(auto) call(F& f, const std::vector<std::shared_ptr<void>>& objects) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
      return f(std::remove_cvref_t<A>{static_cast<decltype(std::remove_cvref_t<A>::object)>(objects[I].get())}...);
    }(std::index_sequence_for<A...>{});
  }
};
}  // namespace detail

template <class F, class C>
App& App::dependency(std::string name, Scope scope, F factory, C cleanup) {
  using S = detail::Signature<F>;
  using R = typename S::Return;
  using T = typename detail::task_of<R>::type;
  services::Dependency spec;
  spec.name = std::move(name);
  spec.kind = services::DependencyKind::factory;
  spec.scope = static_cast<services::DependencyScope>(scope);
  spec.depends_on = detail::FactoryArguments<typename S::Args>::names();
  auto make = [f = std::move(factory)](
                  std::vector<std::shared_ptr<void>> objects) mutable -> Task<std::pair<std::shared_ptr<void>, std::string>> {
    std::pair<std::shared_ptr<void>, std::string> made;
    if constexpr (detail::task_of<R>::value) {
      Task<T> task = detail::FactoryArguments<typename S::Args>::call(f, objects);
      T object = co_await std::move(task);
      made.first = std::make_shared<T>(std::move(object));
    } else {
      made.first = std::make_shared<T>(detail::FactoryArguments<typename S::Args>::call(f, objects));
    }
    co_return made;
  };
  auto clean = [c = std::move(cleanup)](std::shared_ptr<void> object) mutable -> Task<void> {
    if constexpr (std::is_void_v<std::invoke_result_t<C&, T&>>) {
      c(*static_cast<T*>(object.get()));
    } else {
      Task<void> task = c(*static_cast<T*>(object.get()));
      co_await std::move(task);
    }
  };
  http().dependencies.push_back(make_dependency(std::move(spec), std::move(make), std::move(clean)));
  return *this;
}

}  // namespace spikard
