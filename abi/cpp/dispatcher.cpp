#include "dispatcher.hpp"

#include "answer.hpp"

namespace spikard::detail {

Dispatcher::Dispatcher(std::shared_ptr<App::State> state, app::Application& application, app::IoUnit& unit)
    : state_(std::move(state)), application_(application), unit_(unit), loop_(unit.loop()), background_(unit.background()) {
  auto handlers = std::make_shared<std::vector<app::EventHandlers::Handler>>();
  for (const EventHandler& handler : state_->events) {
    handlers->push_back([handler, &application](cloudevents::Delivery delivery, net::Loop& loop) {
      return handler(std::move(delivery), application, loop);
    });
  }
  events_ = std::make_unique<app::EventHandlers>(loop_, std::move(handlers));
  // The observer runs on the service thread; it is taken off before the loop goes.
  application_.on_state(this, [this, alive = alive_](app::State now) {
    if (now != app::State::draining) return;
    loop_.post([this, alive] {
      if (*alive) stopping_.cancel(CancelReason::shutdown);
    });
  });
}

Dispatcher::~Dispatcher() { on_close(); }

void Dispatcher::on_close() {
  if (*alive_) application_.forget_states(this);
  *alive_ = false;
  while (live_ != nullptr) live_->frame.destroy();
  events_.reset();
}

void Dispatcher::on_request(http::Exchange& exchange) {
  exchange.user = nullptr;
  try {
    state_->handlers[exchange.record().route].run(exchange, *this);
  } catch (...) {
    exchange.user = nullptr;
    fail(exchange, std::current_exception());
  }
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
  if (call->waiting_chunk) std::exchange(call->waiting_chunk, {}).resume();
  else if (call->waiting_credit) std::exchange(call->waiting_credit, {}).resume();
}

void Dispatcher::on_credit(http::Exchange& exchange) {
  auto* call = static_cast<Call*>(exchange.user);
  if (call != nullptr && call->waiting_credit) std::exchange(call->waiting_credit, {}).resume();
}

// ---- hooks ------------------------------------------------------------------------------------------------------------

void Dispatcher::on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t index) {
  App::HookFunction& function = state_->hooks[static_cast<std::size_t>(phase)][index];
  if (function.plain) {
    Hook hook(exchange, phase);
    std::exception_ptr error;
    try {
      function.plain(hook);
    } catch (...) {
      error = std::current_exception();
    }
    hook_done(hook, error);
    return;
  }
  auto hook = std::make_unique<Hook>(exchange, phase);
  Hook& lasting = *hook;
  try {
    Task<void> task = function.task(lasting).with_token(exchange.token());
    run(run_hook(std::move(hook), std::move(task)));
  } catch (...) {
    fail(exchange, std::current_exception());
  }
}

Running Dispatcher::run_hook(std::unique_ptr<Hook> hook, Task<void> given) {
  std::exception_ptr error;
  try {
    Task<void> task = std::move(given);
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  hook_done(*hook, error);
}

void Dispatcher::hook_done(Hook& hook, const std::exception_ptr& error) {
  http::Exchange& exchange = hook.exchange_;
  if (error) {
    try {
      std::rethrow_exception(error);
    } catch (const Problem& problem) {
      hook.answer_ = problem.response(problem_base());
    } catch (...) {
      fail(exchange, error);
      return;
    }
  }
  http::HookResult result;
  NodeBuilder context;
  if (!hook.context_.empty()) {
    context.begin_object();
    for (const auto& [key, value] : hook.context_) {
      context.key(key);
      if (value.empty()) context.null();
      else context.copy(value.root());
    }
    context.end();
    result.context = context.root();
  }
  const auto set = fields_of(hook.set_);
  const auto append = fields_of(hook.append_);
  result.set = set;
  result.append = append;
  http::Reply answer;
  std::vector<http::HeaderField> headers;
  if (hook.answer_) {
    headers = fields_of(hook.answer_->headers);
    answer = {.status = hook.answer_->status,
              .format = hook.answer_->format,
              .headers = headers,
              .body = hook.answer_->body,
              .value = {}};
    result.answer = &answer;
  }
  exchange.hook_done(result);
}

// ---- dependencies -------------------------------------------------------------------------------------------------------

namespace {

using Made = std::pair<std::shared_ptr<void>, std::string>;

Running make(http::Exchange& exchange, Task<Made> given) {
  std::exception_ptr error;
  std::unique_ptr<Injected> injected;
  std::string type;
  try {
    Task<Made> task = std::move(given);
    Made made = co_await std::move(task);
    injected = std::make_unique<Injected>(Injected{std::move(made.first)});
    type = std::move(made.second);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) fail(exchange, error);
  else exchange.factory_done(reinterpret_cast<std::uintptr_t>(injected.release()), type);  // comes back in on_dispose
}

Running dispose(http::Exchange& exchange, Task<void> given) {
  std::exception_ptr error;
  try {
    Task<void> task = std::move(given);
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) fail(exchange, error);
  else exchange.dispose_done();
}

}  // namespace

void Dispatcher::on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) {
  try {
    std::vector<std::shared_ptr<void>> objects;
    objects.reserve(arguments.size());
    for (const std::uint64_t token : arguments) objects.push_back(reinterpret_cast<Injected*>(token)->object);
    Task<Made> task = state_->factories[dependency].make(std::move(objects)).with_token(exchange.token());
    run(make(exchange, std::move(task)));
  } catch (...) {
    fail(exchange, std::current_exception());
  }
}

void Dispatcher::on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) {
  const std::unique_ptr<Injected> injected(reinterpret_cast<Injected*>(token));
  try {
    App::RawCleanup& cleanup = state_->factories[dependency].cleanup;
    if (cleanup) {
      Task<void> task = cleanup(std::move(injected->object));
      run(dispose(exchange, std::move(task)));
      return;
    }
    injected->object.reset();
  } catch (...) {
    fail(exchange, std::current_exception());
    return;
  }
  exchange.dispose_done();
}

// ---- background tasks -----------------------------------------------------------------------------------------------------

namespace {

Task<void> logged(log::Logger& logger, std::unique_ptr<Function<Task<void>()>> work) {
  try {
    Task<void> task = (*work)();
    co_await std::move(task);
  } catch (const std::exception& e) {
    logger.error("background task failed", {{"type", type_of(e)}, {"error", e.what()}});
    throw;
  } catch (...) {
    logger.error("background task failed");
    throw;
  }
}

}  // namespace

void Dispatcher::background(Function<Task<void>()> work) {
  auto owned = std::make_unique<Function<Task<void>()>>(std::move(work));
  const Result<void> taken = background_.run(
      [&logger = application_.logger(), work = std::move(owned)]() mutable { return logged(logger, std::move(work)); });
  if (!taken.ok()) application_.logger().error("background task refused", {{"error", taken.error().message()}});
}

}  // namespace spikard::detail
