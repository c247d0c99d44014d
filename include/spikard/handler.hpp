#pragma once

#include <coroutine>
#include <deque>
#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/task.hpp"
#include "net/blocking_pool.hpp"
#include "services/http.gen.hpp"
#include "spikard/context.hpp"
#include "spikard/params.hpp"

/// How a function becomes a handler: its parameters declare the route, are read off the request, and what it returns is sent.
namespace spikard::detail {

/// A dependency's value as the core's token points to it.
struct Injected {
  std::shared_ptr<void> object;
};
inline void* object_of(std::uint64_t token) noexcept { return reinterpret_cast<Injected*>(token)->object.get(); }

/// A coroutine that runs by itself on the dispatcher's loop and frees itself at its end. The dispatcher destroys those that have
/// not ended when it goes.
class LiveFrame {
 public:
  LiveFrame() = default;
  LiveFrame(const LiveFrame&) = delete;
  LiveFrame& operator=(const LiveFrame&) = delete;
  ~LiveFrame() {
    if (prev != nullptr) *prev = next;
    if (next != nullptr) next->prev = prev;
  }
  void link(LiveFrame*& first) noexcept {
    next = first;
    prev = &first;
    if (first != nullptr) first->prev = &next;
    first = this;
  }
  std::coroutine_handle<> frame;
  LiveFrame* next = nullptr;
  LiveFrame** prev = nullptr;
};

struct Running {
  struct promise_type : LiveFrame {
    Running get_return_object() noexcept {
      frame = std::coroutine_handle<promise_type>::from_promise(*this);
      return {this};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }  // the bodies catch everything
  };
  LiveFrame* live;
};
/// Runs it to its first wait.
void start(Dispatcher& dispatcher, Running running);

/// One request whose handler has not ended: what a coroutine needs to live in.
class Call final {
 public:
  Call(http::Exchange& exchange, Dispatcher& dispatcher) : context(exchange, dispatcher) { exchange.user = this; }
  /// Before the final command: the exchange forgets this object.
  void leave() noexcept { context.exchange().user = nullptr; }

  Context context;
  // Streams: set by their awaiters, resumed by the dispatcher.
  std::coroutine_handle<> waiting_credit;
  std::coroutine_handle<> waiting_chunk;
  std::deque<http::BodyChunk> chunks;
  bool saw_last = false;
};

void send(const Context& context, const Response& response);
void send_json(const Context& context, std::string_view json, std::uint16_t status);
void send_text(const Context& context, std::string_view text, std::uint16_t status);
void send_problem(const Context& context, const Problem& problem);
void send_error(const Context& context, const Error& error);
void send_exception(const Context& context, const std::exception_ptr& error);
Running stream(std::unique_ptr<Call> call, StreamingResponse response);
void serve(const Context& context, const StoredObject& object);
void serve(const Context& context, Rows rows);
/// `arrived`: parts of the body that came before.
void store(const Context& context, const StoreBody& object, std::deque<http::BodyChunk> arrived);

template <class R>
struct is_result : std::false_type {};
template <class T>
struct is_result<Result<T>> : std::true_type {};
template <class R>
struct task_of : std::false_type {
  using type = R;
};
template <class T>
struct task_of<Task<T>> : std::true_type {
  using type = T;
};
template <class R>
constexpr bool is_stream = std::is_same_v<R, StreamingResponse> || std::is_same_v<R, AnyResponse>;

/// Answers with what a handler returned. `call` is null for a plain function; a stream takes it over.
template <class R>
void answer(std::unique_ptr<Call>& call, Context& context, R&& value) {
  using V = std::remove_cvref_t<R>;
  if constexpr (is_result<V>::value) {
    if (!value.ok()) {
      if (call != nullptr) call->leave();
      send_error(context, value.error());
      return;
    }
    if constexpr (!std::is_void_v<typename V::value_type>) {
      answer(call, context, std::forward<R>(value).value());
      return;
    }
  }
  if constexpr (is_stream<V>) {
    AnyResponse any = std::forward<R>(value);
    if (auto* streaming = std::get_if<StreamingResponse>(&any)) {
      if (call == nullptr) {
        auto own = std::make_unique<Call>(context.exchange(), context.dispatcher());
        own->context.take_answer_of(context);
        start(context.dispatcher(), stream(std::move(own), std::move(*streaming)));
      } else {
        start(context.dispatcher(), stream(std::move(call), std::move(*streaming)));
      }
      return;
    }
    if (call != nullptr) call->leave();
    send(context, std::get<Response>(any));
  } else {
    if (call != nullptr) call->leave();
    if constexpr (std::is_same_v<V, Response>) send(context, value);
    else if constexpr (std::is_same_v<V, StoredObject>) serve(context, value);
    else if constexpr (std::is_same_v<V, Rows>) serve(context, std::forward<R>(value));
    else if constexpr (std::is_same_v<V, StoreBody>)
      store(context, value, call != nullptr ? std::move(call->chunks) : std::deque<http::BodyChunk>());
    else if constexpr (std::is_same_v<V, Problem>) send_problem(context, value);
    else if constexpr (is_result<V>::value) send(context, Response::empty(context.status_or(204)));
    else if constexpr (std::is_convertible_v<const V&, std::string_view>) send_text(context, value, context.status_or(200));
    else {
      JsonOut& out = JsonOut::scratch();
      write_json(out, value);
      send_json(context, out.view(), context.status_or(200));
    }
  }
  context.answered();
}
inline void answer_nothing(std::unique_ptr<Call>& call, Context& context) {
  if (call != nullptr) call->leave();
  send(context, Response::empty(context.status_or(204)));
  context.answered();
}

// ---- a function's parameters ------------------------------------------------------------------------------------------

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Return = R;
  using Args = std::tuple<A...>;
};
template <class R, class... A>
struct Signature<R(A...)> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {};

template <class A>
concept DeclaredParameter = requires { A::declaration(); };
template <class A>
struct body_of : std::false_type {};
template <class T>
struct body_of<Body<T>> : std::true_type {
  using type = T;
  static constexpr const char* media = "application/json";
};
template <class T>
struct body_of<Form<T>> : std::true_type {
  using type = T;
  static constexpr const char* media = "application/x-www-form-urlencoded";
};
template <class A>
struct inject_of : std::false_type {};
template <FixedString N, class T>
struct inject_of<Inject<N, T>> : std::true_type {};

template <class A>
constexpr bool is_context = std::is_same_v<std::remove_cvref_t<A>, Context>;
/// Looks into the request's memory, and so must stay on its thread.
template <class A>
constexpr bool is_view = std::is_same_v<std::remove_cvref_t<A>, Request> || std::is_same_v<std::remove_cvref_t<A>, RawBody> ||
                         std::is_same_v<std::remove_cvref_t<A>, BodyStream> || is_context<A>;

/// Reads a handler's arguments off a request, left to right; declared parameters and dependencies come in the order they were
/// declared in.
struct ArgumentReader {
  Context& context;
  Request request;
  Value parameter;                  // the next declared one
  const std::uint64_t* dependency;  // the next injected one

  explicit ArgumentReader(Context& ctx)
      : context(ctx), request(ctx.request()), parameter(request.first_parameter()), dependency(request.dependencies()) {}

  /// What is kept for a parameter of type A until the call.
  template <class A>
  using Kept = std::conditional_t<is_context<A>, Context&, std::remove_cvref_t<A>>;

  template <class A>
  Kept<A> read() {
    using V = std::remove_cvref_t<A>;
    if constexpr (is_context<A>) {
      static_assert(std::is_lvalue_reference_v<A>, "take Context by reference: Context&");
      return context;
    } else if constexpr (std::is_same_v<V, Request>) {
      return request;
    } else if constexpr (std::is_same_v<V, BodyStream>) {
      return BodyStream(context);
    } else if constexpr (DeclaredParameter<V>) {
      V v;
      read_node(parameter, v.value);
      parameter = Value(parameter.ptr()->next(), parameter.base());
      return v;
    } else if constexpr (body_of<V>::value) {
      V v;
      if (const Value json = request.json()) read_node(json, v.value);
      return v;
    } else if constexpr (std::is_same_v<V, RawBody>) {
      return RawBody{request.body()};
    } else if constexpr (inject_of<V>::value) {
      V v;
      v.object = static_cast<decltype(v.object)>(object_of(*dependency++));
      return v;
    } else {
      static_assert(sizeof(V) == 0,
                    "a handler takes Path, Query, Header, Cookie, Body, Form, RawBody, BodyStream, Inject, Request or Context&");
    }
  }
};

template <class A>
void declare(services::Route& route) {
  using V = std::remove_cvref_t<A>;
  if constexpr (DeclaredParameter<V>) {
    route.parameters.push_back(V::declaration());
  } else if constexpr (body_of<V>::value) {
    using T = typename body_of<V>::type;
    services::Body body;
    body.content_types = {body_of<V>::media};
    if constexpr (!std::is_same_v<T, Document> && !std::is_same_v<T, Value>) body.schema = SchemaWriter::of<T>();
    body.required = !is_nullable<T>;
    route.body = std::move(body);
  } else if constexpr (std::is_same_v<V, RawBody>) {
    services::Body body;
    body.content_types = {"*/*"};
    body.required = false;
    body.as = services::BodyAs::raw;
    route.body = std::move(body);
  } else if constexpr (std::is_same_v<V, BodyStream>) {
    services::Body body;
    body.content_types = {"*/*"};
    body.required = false;
    body.mode = services::BodyMode::stream;
    route.body = std::move(body);
  } else if constexpr (inject_of<V>::value) {
    route.inject.emplace_back(V::name);
  }
}

template <class Tuple>
struct Arguments;
template <class... A>
struct Arguments<std::tuple<A...>> {
  using Kept = std::tuple<ArgumentReader::Kept<A>...>;
  static constexpr bool views = (is_view<A> || ...);
  static constexpr bool streams = (std::is_same_v<std::remove_cvref_t<A>, BodyStream> || ...);
  /// A coroutine outlives the call: its parameters must be its own.
  static constexpr bool own = ((is_context<A> || !std::is_reference_v<A>) && ...);

  static void declare_all(services::Route& route) { (declare<A>(route), ...); }
  static Kept read(Context& context) {
    ArgumentReader reader(context);
    return Kept{reader.template read<A>()...};  // braces: left to right
  }
  template <class F>
  static decltype(auto) call(F& f, Kept& kept) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
      return f(static_cast<A&&>(std::get<I>(kept))...);
    }(std::index_sequence_for<A...>{});
  }
};

// ---- running ------------------------------------------------------------------------------------------------------------

/// A handler with its types erased: one indirect call. It answers now or, as a coroutine, later.
struct Handler {
  Function<void(http::Exchange&, Dispatcher&)> run;
  /// The same on the blocking pool; empty where that cannot be (a coroutine, or parameters that look into the request).
  Function<void(http::Exchange&, Dispatcher&)> run_blocking;
  bool on_pool_possible = false;
};

template <class T>
Running run_task(std::unique_ptr<Call> call, Task<T> given) {
  std::exception_ptr error;
  Context& context = call->context;
  try {
    Task<T> task = std::move(given).with_token(context.token());
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      answer_nothing(call, context);
    } else {
      T value = co_await std::move(task);
      answer(call, context, std::move(value));
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    if (call != nullptr) call->leave();
    send_exception(context, error);
  }
}

template <class R, class Args, class F>
Running run_on_pool(std::unique_ptr<Call> call, std::shared_ptr<F> f, typename Args::Kept arguments) {
  std::exception_ptr error;
  Context& context = call->context;
  try {
    auto job = [f = std::move(f), kept = std::move(arguments)]() mutable -> R { return Args::call(*f, kept); };
    auto task = net::blocking(context.loop(), blocking_pool(context.dispatcher()), std::move(job));
    auto result = co_await std::move(task);
    if (!result.ok() && result.error().operation() == "net.blocking") {
      call->leave();
      send_problem(context, Problem(503, "service-unavailable", {}));
    } else {
      answer(call, context, std::move(result));
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    if (call != nullptr) call->leave();
    send_exception(context, error);
  }
}

template <class F>
Handler make_handler(F given) {
  using S = Signature<F>;
  using R = typename S::Return;
  using Args = Arguments<typename S::Args>;
  Handler handler;
  if constexpr (task_of<R>::value) {
    static_assert(Args::own, "a coroutine handler takes its parameters by value (and Context&)");
    handler.run = [f = std::move(given)](http::Exchange& exchange, Dispatcher& dispatcher) mutable {
      auto call = std::make_unique<Call>(exchange, dispatcher);
      try {
        auto arguments = Args::read(call->context);
        R task = Args::call(f, arguments);
        start(dispatcher, run_task(std::move(call), std::move(task)));
      } catch (...) {
        if (call == nullptr) throw;
        call->leave();
        send_exception(call->context, std::current_exception());
      }
    };
  } else {
    static_assert(!Args::streams, "only a coroutine can wait for a BodyStream: return a Task");
    const auto f = std::make_shared<F>(std::move(given));
    handler.run = [f](http::Exchange& exchange, Dispatcher& dispatcher) {
      Context context(exchange, dispatcher);
      std::unique_ptr<Call> none;
      try {
        auto arguments = Args::read(context);
        if constexpr (std::is_void_v<R>) {
          Args::call(*f, arguments);
          answer_nothing(none, context);
        } else {
          answer(none, context, Args::call(*f, arguments));
        }
      } catch (...) {
        send_exception(context, std::current_exception());
      }
    };
    if constexpr (!Args::views && !is_stream<R> && !std::is_reference_v<R>) {
      handler.on_pool_possible = true;
      handler.run_blocking = [f](http::Exchange& exchange, Dispatcher& dispatcher) {
        auto call = std::make_unique<Call>(exchange, dispatcher);
        auto arguments = Args::read(call->context);
        start(dispatcher, run_on_pool<R, Args, F>(std::move(call), f, std::move(arguments)));
      };
    }
  }
  return handler;
}

}  // namespace spikard::detail
