#include "dispatcher.hpp"

#include <cxxabi.h>

#include <typeinfo>

namespace spikard {
namespace detail {
namespace {

std::string type_of(const std::exception& e) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(name.get()) : std::string(typeid(e).name());
}

void fail(http::Exchange& exchange, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    const std::string type = type_of(e);
    exchange.fail({.type = type, .message = e.what(), .trace = {}});
  } catch (...) {
    exchange.fail({.type = "unknown", .message = "an exception that is not a std::exception", .trace = {}});
  }
}

std::vector<http::HeaderField> fields_of(const Headers& a, const Headers& b = {}) {
  std::vector<http::HeaderField> fields;
  fields.reserve(a.size() + b.size());
  for (const auto& [name, value] : a) fields.push_back({name, value});
  for (const auto& [name, value] : b) fields.push_back({name, value});
  return fields;
}

void reply(http::Exchange& exchange, const Context& context, http::Reply reply, const Headers& own) {
  if (context.headers().empty() && own.empty()) {
    exchange.reply(reply);
    return;
  }
  const auto fields = fields_of(own, context.headers());
  reply.headers = fields;
  exchange.reply(reply);
}

/// The stream's side of BodyWriter: writes, and waits for credit.
struct CreditAwaiter {
  Call& call;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { call.waiting_credit = self; }
  void await_resume() const noexcept {}
};
struct ChunkAwaiter {
  Call& call;
  bool await_ready() const noexcept { return !call.chunks.empty() || call.context.token().cancelled(); }
  void await_suspend(std::coroutine_handle<> self) noexcept { call.waiting_chunk = self; }
  void await_resume() const noexcept {}
};

class StreamWriter final : public BodyWriter {
 public:
  explicit StreamWriter(Call& call) : call_(call) {}
  Task<Result<void>> write(std::string chunk) override {
    if (call_.context.token().cancelled()) co_return Error(ErrorKind::cancelled, "the client has gone");
    if (chunk.empty()) co_return Result<void>();
    if (!call_.context.exchange().write(chunk)) {
      CreditAwaiter credit{call_};
      co_await credit;
    }
    if (call_.context.token().cancelled()) co_return Error(ErrorKind::cancelled, "the client has gone");
    co_return Result<void>();
  }

 private:
  Call& call_;
};

Task<void> produce(Call& call, StreamingResponse::Producer producer) {
  StreamWriter writer(call);
  Task<void> task = producer(writer);
  co_await std::move(task);
}

}  // namespace

void send(http::Exchange& exchange, const Context& context, const Response& response) {
  reply(exchange, context, {.status = response.status, .format = response.format, .headers = {}, .body = response.body, .value = {}}, response.headers);
}
void send_json(http::Exchange& exchange, const Context& context, std::string_view json, std::uint16_t status) {
  reply(exchange, context, {.status = status, .format = http::BodyFormat::json, .headers = {}, .body = json, .value = {}}, {});
}
void send_text(http::Exchange& exchange, const Context& context, std::string_view text, std::uint16_t status) {
  reply(exchange, context, {.status = status, .format = http::BodyFormat::text, .headers = {}, .body = text, .value = {}}, {});
}
void send_problem(http::Exchange& exchange, const Context& context, const Problem& problem) { send(exchange, context, problem.response()); }

void send_exception(http::Exchange& exchange, const Context& context, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Problem& problem) {
    send_problem(exchange, context, problem);
  } catch (...) {
    fail(exchange, error);
  }
}

void send_error(http::Exchange& exchange, const Error& error) {
  std::uint16_t status = 500;
  switch (error.kind()) {
    case ErrorKind::not_found: status = 404; break;
    case ErrorKind::already_exists:
    case ErrorKind::conflict: status = 409; break;
    case ErrorKind::invalid_argument: status = 400; break;
    case ErrorKind::permission_denied: status = 403; break;
    case ErrorKind::condition_failed: status = 412; break;
    case ErrorKind::rate_limited: status = 429; break;
    case ErrorKind::too_large: status = 413; break;
    case ErrorKind::unavailable: status = 503; break;
    case ErrorKind::timeout: status = 504; break;
    case ErrorKind::unsupported: status = 501; break;
    default: break;
  }
  if (status == 500) {
    exchange.fail({.type = name_of(error.kind()), .message = error.message(), .trace = {}});
    return;
  }
  const Response response = Problem(status, error.message()).response();
  const auto fields = fields_of(response.headers);
  exchange.reply({.status = status, .format = response.format, .headers = fields, .body = response.body, .value = {}});
}

void send_stream(std::unique_ptr<Call> call, Dispatcher& dispatcher, http::Exchange& exchange, const Context& context, StreamingResponse response) {
  Headers headers = std::move(response.headers);
  bool typed = false;
  for (const auto& [name, value] : headers) typed = typed || name == "content-type" || name == "Content-Type";
  if (!typed) headers.emplace_back("content-type", response.media_type);
  const auto fields = fields_of(headers, context.headers());
  exchange.start(response.status, fields);
  if (call == nullptr) call = std::make_unique<Call>(exchange, dispatcher);
  exchange.user = call.get();
  Call& owned = *call;
  Task<void> task = produce(owned, std::move(response.produce));
  task = std::move(task).with_token(exchange.token());
  spawn(std::move(task), [raw = call.release()](std::exception_ptr error) {
    std::unique_ptr<Call> mine(raw);
    http::Exchange& x = mine->context.exchange();
    x.user = nullptr;
    if (error) fail(x, error);  // in the middle of the body: logged, and the connection is cut
    else x.end();
  });
}

// ---- the sink ---------------------------------------------------------------------------------------------------------

void Dispatcher::on_request(http::Exchange& exchange) {
  exchange.user = nullptr;
  state_->handlers[exchange.record().route](exchange, *this);
}

void Dispatcher::on_chunk(http::Exchange& exchange, http::BodyChunk chunk) {
  auto* call = static_cast<Call*>(exchange.user);
  if (call == nullptr) return;  // a handler that answered without reading
  call->chunks.push_back(std::move(chunk));
  if (call->waiting_chunk) std::exchange(call->waiting_chunk, {}).resume();
}

void Dispatcher::on_cancel(http::Exchange& exchange, CancelReason) {
  // The token has fired already; what waits for the peer is woken here.
  auto* call = static_cast<Call*>(exchange.user);
  if (call == nullptr) return;
  if (call->waiting_chunk) {
    std::exchange(call->waiting_chunk, {}).resume();
  } else if (call->waiting_credit) {
    std::exchange(call->waiting_credit, {}).resume();
  }
}

void Dispatcher::on_credit(http::Exchange& exchange) {
  auto* call = static_cast<Call*>(exchange.user);
  if (call != nullptr && call->waiting_credit) std::exchange(call->waiting_credit, {}).resume();
}

void Dispatcher::on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t index) {
  auto hook = std::make_unique<Hook>(exchange, phase);
  Hook& ref = *hook;
  Task<void> task;
  try {
    task = state_->hooks[static_cast<std::size_t>(phase)][index](ref).with_token(exchange.token());
  } catch (...) {
    fail(exchange, std::current_exception());
    return;
  }
  spawn(std::move(task), [raw = hook.release()](std::exception_ptr error) {
    const std::unique_ptr<Hook> done(raw);
    http::Exchange& x = done->exchange_;
    Response problem;
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const Problem& p) {
        done->answer_ = p.response();
      } catch (...) {
        fail(x, error);
        return;
      }
    }
    http::HookResult result;
    NodeBuilder context;
    if (!done->context_.empty()) {
      context.begin_object();
      for (const auto& [key, value] : done->context_) {
        context.key(key);
        if (value.empty()) context.null();
        else context.copy(value.root());
      }
      context.end();
      result.context = context.root();
    }
    const auto set = fields_of(done->set_);
    const auto append = fields_of(done->append_);
    result.set = set;
    result.append = append;
    http::Reply answer;
    std::vector<http::HeaderField> headers;
    if (done->answer_) {
      headers = fields_of(done->answer_->headers);
      answer = {.status = done->answer_->status, .format = done->answer_->format, .headers = headers, .body = done->answer_->body, .value = {}};
      result.answer = &answer;
    }
    x.hook_done(result);
  });
}

void Dispatcher::on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) {
  std::vector<std::shared_ptr<void>> objects;
  objects.reserve(arguments.size());
  for (const std::uint64_t token : arguments) objects.push_back(reinterpret_cast<Injected*>(token)->object);
  Task<std::pair<std::shared_ptr<void>, std::string>> task;
  try {
    task = state_->factories[dependency].make(std::move(objects)).with_token(exchange.token());
  } catch (...) {
    fail(exchange, std::current_exception());
    return;
  }
  spawn(std::move(task), [&exchange](std::exception_ptr error, std::optional<std::pair<std::shared_ptr<void>, std::string>> made) {
    if (error) {
      fail(exchange, error);
      return;
    }
    auto* injected = new Injected{std::move(made->first)};  // given back by on_dispose
    exchange.factory_done(reinterpret_cast<std::uintptr_t>(injected), made->second);
  });
}

void Dispatcher::on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) {
  std::unique_ptr<Injected> injected(reinterpret_cast<Injected*>(token));
  App::RawCleanup& cleanup = state_->factories[dependency].cleanup;
  if (!cleanup) {
    injected.reset();
    exchange.dispose_done();
    return;
  }
  Task<void> task;
  try {
    task = cleanup(std::move(injected->object));
  } catch (...) {
    fail(exchange, std::current_exception());
    return;
  }
  spawn(std::move(task), [&exchange](std::exception_ptr error) {
    if (error) fail(exchange, error);
    else exchange.dispose_done();
  });
}

void Dispatcher::background(Function<Task<void>()> work) {
  application_.background_began();
  loop_.post([alive = alive_, work = std::move(work), application = application_.weak_from_this()]() mutable {
    const auto held = application.lock();
    if (held == nullptr) return;
    if (!*alive) {
      held->background_ended(false);
      return;
    }
    auto run = [](Function<Task<void>()> body) -> Task<void> {
      Task<void> task = body();
      co_await std::move(task);
    };
    Task<void> task = run(std::move(work));
    spawn(std::move(task), [application](std::exception_ptr error) {
      const auto running = application.lock();
      if (running == nullptr) return;
      if (error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          running->logger().error(std::string("background task failed: ") + type_of(e) + ": " + e.what());
        } catch (...) {
          running->logger().error("background task failed");
        }
      }
      running->background_ended(error == nullptr);
    });
  });
}

}  // namespace detail

net::Loop& Context::loop() const noexcept { return dispatcher_.loop(); }
void Context::background(Function<Task<void>()> task) { dispatcher_.background(std::move(task)); }

Task<Result<std::optional<std::string>>> Context::next_chunk() {
  auto* call = static_cast<detail::Call*>(exchange_.user);
  SPIKARD_ASSERT(call != nullptr, "next_chunk is for coroutine handlers of routes with stream_body()");
  if (call->saw_last) co_return std::optional<std::string>();
  detail::ChunkAwaiter next{*call};
  co_await next;
  if (call->chunks.empty()) co_return Error(ErrorKind::cancelled, "the client has gone");
  http::BodyChunk chunk = std::move(call->chunks.front());
  call->chunks.pop_front();
  call->saw_last = chunk.last();
  std::optional<std::string> data(std::string(chunk.data()));
  exchange_.grant(chunk.data().size());
  if (data->empty() && chunk.last()) data.reset();
  co_return data;
}

}  // namespace spikard
