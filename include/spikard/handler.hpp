#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/task.hpp"
#include "services/http.gen.hpp"
#include "spikard/context.hpp"
#include "spikard/params.hpp"

namespace spikard::detail {

/// A dependency's value as the core's token points to it.
struct Injected {
  std::shared_ptr<void> object;
};
inline void* object_of(std::uint64_t token) noexcept { return reinterpret_cast<Injected*>(token)->object.get(); }

/// One request's state while its handler is not done: what a coroutine needs to live in.
class Call final {
 public:
  Call(http::Exchange& exchange, Dispatcher& dispatcher) : context(exchange, dispatcher) {}
  Context context;
  // Streams: set by their awaiters, resumed by the dispatcher.
  std::coroutine_handle<> waiting_credit;
  std::coroutine_handle<> waiting_chunk;
  std::deque<http::BodyChunk> chunks;
  bool saw_last = false;
};

/// Answers with what a handler returned.
void send(http::Exchange& exchange, const Context& context, const Response& response);
void send_json(http::Exchange& exchange, const Context& context, std::string_view json, std::uint16_t status);
void send_text(http::Exchange& exchange, const Context& context, std::string_view text, std::uint16_t status);
void send_problem(http::Exchange& exchange, const Context& context, const Problem& problem);
void send_error(http::Exchange& exchange, const Error& error);
void send_exception(http::Exchange& exchange, const Context& context, std::exception_ptr error);
/// Takes the Call over (null: makes one) and gives it back to itself at the end of the stream.
void send_stream(std::unique_ptr<Call> call, Dispatcher& dispatcher, http::Exchange& exchange, const Context& context, StreamingResponse response);

template <class R>
struct is_result : std::false_type {};
template <class T>
struct is_result<Result<T>> : std::true_type {};
template <class R>
struct task_of : std::false_type { using type = R; };
template <class T>
struct task_of<Task<T>> : std::true_type { using type = T; };

template <class R>
constexpr bool is_stream = std::is_same_v<R, StreamingResponse> || std::is_same_v<R, AnyResponse>;

template <class R>
void send_value(http::Exchange& exchange, const Context& context, R&& value) {
  using V = std::remove_cvref_t<R>;
  const std::uint16_t status = context.stated_status().value_or(200);
  if constexpr (std::is_same_v<V, Response>) send(exchange, context, value);
  else if constexpr (std::is_same_v<V, Problem>) send_problem(exchange, context, value);
  else if constexpr (is_result<V>::value) {
    if (!value.ok()) send_error(exchange, value.error());
    else if constexpr (std::is_void_v<typename V::value_type>) send(exchange, context, Response::empty(context.stated_status().value_or(204)));
    else send_value(exchange, context, *value);
  } else if constexpr (std::is_convertible_v<const V&, std::string_view>) {
    send_text(exchange, context, value, status);
  } else {
    JsonOut& out = JsonOut::scratch();
    write_json(out, value);
    send_json(exchange, context, out.view(), status);
  }
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

/// Reads a handler's arguments off a request, left to right; declared parameters and dependencies come in the order they were declared in.
struct ArgumentReader {
  Context& context;
  Request request;
  Value parameter;                     // the next declared one
  const std::uint64_t* dependency;     // the next injected one

  explicit ArgumentReader(Context& ctx)
      : context(ctx), request(ctx.request()), parameter(request.first_parameter()), dependency(request.dependencies()) {}

  template <class A>
  A read() {
    using V = std::remove_cvref_t<A>;
    if constexpr (std::is_same_v<V, Context>) {
      static_assert(std::is_lvalue_reference_v<A>, "take Context by reference: Context&");
      return context;
    } else if constexpr (std::is_same_v<V, Request>) {
      return request;
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
      static_assert(sizeof(V) == 0, "a handler takes Path, Query, Header, Cookie, Body, Form, RawBody, Inject, Request or Context&");
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
    body.schema = SchemaWriter::of<T>();
    body.required = !is_optional<T>::value;
    route.body = std::move(body);
  } else if constexpr (std::is_same_v<V, RawBody>) {
    services::Body body;
    body.content_types = {"*/*"};
    body.required = false;
    body.as = services::BodyAs::raw;
    route.body = std::move(body);
  } else if constexpr (inject_of<V>::value) {
    route.inject.emplace_back(V::name);
  }
}

template <class Tuple>
struct Arguments;
template <class... A>
struct Arguments<std::tuple<A...>> {
  static void declare_all(services::Route& route) { (declare<A>(route), ...); }
  template <class F>
  static decltype(auto) call(F& f, ArgumentReader& reader) {
    // Braces fix the order of evaluation; a tuple of references and values goes straight into the call.
    std::tuple<A...> arguments{reader.template read<A>()...};
    return std::apply([&](auto&&... a) -> decltype(auto) { return f(std::forward<A>(a)...); }, std::move(arguments));
  }
};

/// A handler with its types erased: one indirect call. It answers the exchange now or, as a coroutine, later.
using Handler = Function<void(http::Exchange&, Dispatcher&)>;

void finish_call(std::unique_ptr<Call> call);

template <class T>
void spawn_call(std::unique_ptr<Call> call, Dispatcher& dispatcher, Task<T> task);

template <class F>
Handler make_handler(F f) {
  using S = Signature<F>;
  using R = typename S::Return;
  return [f = std::move(f)](http::Exchange& exchange, Dispatcher& dispatcher) mutable {
    if constexpr (task_of<R>::value) {
      auto call = std::make_unique<Call>(exchange, dispatcher);
      exchange.user = call.get();
      ArgumentReader reader(call->context);
      Task<typename task_of<R>::type> task = Arguments<typename S::Args>::call(f, reader);
      spawn_call(std::move(call), dispatcher, std::move(task));
    } else {
      Context context(exchange, dispatcher);
      try {
        ArgumentReader reader(context);
        if constexpr (std::is_void_v<R>) {
          Arguments<typename S::Args>::call(f, reader);
          send(exchange, context, Response::empty(context.stated_status().value_or(204)));
        } else if constexpr (is_stream<R>) {
          AnyResponse response = Arguments<typename S::Args>::call(f, reader);
          if (auto* whole = std::get_if<Response>(&response)) send(exchange, context, *whole);
          else send_stream(nullptr, dispatcher, exchange, context, std::get<StreamingResponse>(std::move(response)));
        } else {
          send_value(exchange, context, Arguments<typename S::Args>::call(f, reader));
        }
      } catch (...) {
        send_exception(exchange, context, std::current_exception());
      }
    }
  };
}

template <class T>
void spawn_call(std::unique_ptr<Call> call, Dispatcher& dispatcher, Task<T> task) {
  http::Exchange& exchange = call->context.exchange();
  Call* raw = call.release();
  Task<T> with = std::move(task).with_token(exchange.token());
  const auto failed = [raw](std::exception_ptr error) {
    std::unique_ptr<Call> owned(raw);
    send_exception(owned->context.exchange(), owned->context, std::move(error));
  };
  if constexpr (std::is_void_v<T>) {
    spawn(std::move(with), [raw, failed](std::exception_ptr error) {
      if (error) return failed(std::move(error));
      std::unique_ptr<Call> owned(raw);
      send(owned->context.exchange(), owned->context, Response::empty(owned->context.stated_status().value_or(204)));
    });
  } else {
    spawn(std::move(with), [raw, failed, at = &dispatcher](std::exception_ptr error, std::optional<T> value) {
      if (error) return failed(std::move(error));
      std::unique_ptr<Call> owned(raw);
      http::Exchange& x = owned->context.exchange();
      (void)at;
      if constexpr (is_stream<T>) {
        AnyResponse response = std::move(*value);
        if (auto* whole = std::get_if<Response>(&response)) {
          send(x, owned->context, *whole);
        } else {
          const Context& context = owned->context;
          send_stream(std::move(owned), *at, x, context, std::get<StreamingResponse>(std::move(response)));
        }
      } else {
        send_value(x, owned->context, std::move(*value));
      }
    });
  }
}

}  // namespace spikard::detail
