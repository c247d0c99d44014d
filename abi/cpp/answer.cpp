// From what a handler returned or threw to the exchange's commands.
#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "answer.hpp"
#include "app/clients.hpp"
#include "app/db_http.hpp"
#include "app/storage_http.hpp"
#include "dispatcher.hpp"

namespace spikard::detail {

std::string type_of(const std::exception& e) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status), std::free);
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

std::vector<http::HeaderField> fields_of(const Headers& a, const Headers& b) {
  std::vector<http::HeaderField> fields;
  fields.reserve(a.size() + b.size());
  for (const auto& [name, value] : a) fields.push_back({name, value});
  for (const auto& [name, value] : b) fields.push_back({name, value});
  return fields;
}

namespace {

void reply(const Context& context, http::Reply reply, const Headers& own) {
  if (context.headers().empty() && own.empty()) {
    context.exchange().reply(reply);
    return;
  }
  const auto fields = fields_of(own, context.headers());
  reply.headers = fields;
  context.exchange().reply(reply);
}

struct Mapping {
  std::uint16_t status;
  const char* slug;
};
Mapping mapping_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::invalid_argument: return {400, "bad-request"};
    case ErrorKind::permission_denied: return {403, "forbidden"};
    case ErrorKind::not_found: return {404, "not-found"};
    case ErrorKind::already_exists:
    case ErrorKind::conflict: return {409, "conflict"};
    case ErrorKind::condition_failed: return {412, "precondition-failed"};
    case ErrorKind::too_large: return {413, "payload-too-large"};
    case ErrorKind::rate_limited: return {429, "too-many-requests"};
    case ErrorKind::unsupported: return {501, "not-implemented"};
    case ErrorKind::unavailable: return {503, "service-unavailable"};
    case ErrorKind::timeout: return {504, "gateway-timeout"};
    default: return {500, nullptr};
  }
}

/// Writes, and waits for credit.
struct CreditAwaiter {
  Call& call;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { call.waiting_credit = self; }
  void await_resume() const noexcept {}
};

class StreamWriter final : public BodyWriter {
 public:
  explicit StreamWriter(Call& call) : call_(call) {}
  Task<Result<void>> write(std::string chunk) override {
    if (call_.context.token().cancelled()) co_return Error(ErrorKind::cancelled, "the client has gone");
    if (!chunk.empty() && !call_.context.exchange().write(chunk)) {
      CreditAwaiter credit{call_};
      co_await credit;
      if (call_.context.token().cancelled()) co_return Error(ErrorKind::cancelled, "the client has gone");
    }
    co_return Result<void>();
  }

 private:
  Call& call_;
};

struct ChunkAwaiter {
  Call& call;
  bool await_ready() const noexcept { return !call.chunks.empty() || call.context.token().cancelled(); }
  void await_suspend(std::coroutine_handle<> self) noexcept { call.waiting_chunk = self; }
  void await_resume() const noexcept {}
};

}  // namespace

void send(const Context& context, const Response& response) {
  reply(context, {.status = response.status, .format = response.format, .headers = {}, .body = response.body, .value = {}},
        response.headers);
}
void send_json(const Context& context, std::string_view json, std::uint16_t status) {
  reply(context, {.status = status, .format = http::BodyFormat::json, .headers = {}, .body = json, .value = {}}, {});
}
void send_text(const Context& context, std::string_view text, std::uint16_t status) {
  reply(context, {.status = status, .format = http::BodyFormat::text, .headers = {}, .body = text, .value = {}}, {});
}
void send_problem(const Context& context, const Problem& problem) {
  send(context, problem.response(context.dispatcher().problem_base()));
}

void send_exception(const Context& context, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Problem& problem) {
    send_problem(context, problem);
  } catch (...) {
    fail(context.exchange(), error);
  }
}

void send_error(const Context& context, const Error& error) {
  const Mapping to = mapping_of(error.kind());
  if (to.slug == nullptr) {
    context.exchange().fail({.type = name_of(error.kind()), .message = error.to_string(), .trace = {}});
    return;
  }
  // What is the client's doing is told; what is ours is logged.
  if (to.status >= 500) context.dispatcher().logger().error("handler failed", {{"error", error.to_string()}});
  send_problem(context, Problem(to.status, to.slug, to.status < 500 ? error.message() : std::string()));
}

Running stream(std::unique_ptr<Call> call, StreamingResponse response) {
  Context& context = call->context;
  http::Exchange& exchange = context.exchange();
  std::exception_ptr error;
  try {
    bool typed = false;
    for (const auto& [name, value] : response.headers) typed = typed || name == "content-type" || name == "Content-Type";
    if (!typed) response.headers.emplace_back("content-type", response.media_type);
    const auto fields = fields_of(response.headers, context.headers());
    exchange.start(response.status, fields);
    StreamWriter writer(*call);
    Task<void> task = response.produce(writer).with_token(context.token());
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  call->leave();
  if (error) {
    fail(exchange, error);  // in the middle of the body: logged, and the connection is cut
  } else {
    exchange.end();
    context.answered();
  }
}

namespace {
/// A client that the manifest does not have is the application's fault, whatever its error is.
void missing(const Context& context, const Error& error) {
  const std::string text = error.to_string();
  context.exchange().fail({.type = "ConfigError", .message = text, .trace = {}});
}

std::shared_ptr<storage::Client> store_named(const Context& context, const std::string& name) {
  auto client = context.application().clients().storage(name);
  if (client.ok()) return std::move(*client);
  missing(context, client.error());
  return nullptr;
}
}  // namespace

void serve(const Context& context, const StoredObject& object) {
  auto client = store_named(context, object.store);
  if (client == nullptr) return;
  app::ServeOptions options;
  options.content_type = object.content_type;
  options.cache_control = object.cache_control;
  options.content_disposition = object.content_disposition;
  options.headers = context.headers();
  options.trace = context.trace();
  context.dispatcher().storage_http().serve(context.exchange(), std::move(client), object.key, std::move(options));
}

void serve(const Context& context, Rows rows) {
  auto client = context.application().clients().db(rows.client);
  if (!client.ok()) return missing(context, client.error());
  app::RowsOptions options;
  options.status = context.status_or(rows.status);
  options.ndjson = rows.ndjson;
  options.first = rows.first;
  options.headers = context.headers();
  options.trace = context.trace();
  context.dispatcher().db_http().rows(context.exchange(), std::move(*client), std::move(rows.sql), std::move(rows.params),
                                      std::move(options));
}

void store(const Context& context, const StoreBody& object, std::deque<http::BodyChunk> arrived) {
  auto client = store_named(context, object.store);
  if (client == nullptr) return;
  app::StoreOptions options;
  options.write.content_type = object.content_type;
  options.write.cache_control = object.cache_control;
  options.write.content_disposition = object.content_disposition;
  options.write.metadata = object.metadata;
  options.max_bytes = object.max_bytes;
  options.status = object.status;
  options.headers = context.headers();
  options.trace = context.trace();
  context.dispatcher().storage_http().store(context.exchange(), std::move(client), object.key, std::move(options),
                                            std::move(arrived));
}

void start(Dispatcher& dispatcher, Running running) { dispatcher.run(running); }
net::BlockingPool& blocking_pool(Dispatcher& dispatcher) { return dispatcher.pool(); }

}  // namespace spikard::detail

namespace spikard {

net::Loop& Context::loop() const noexcept { return dispatcher_.loop(); }

app::Application& Context::application() const noexcept { return dispatcher_.application(); }

telemetry::SpanContext Context::trace() const { return exchange().trace(); }

CancelToken Context::stopping() const noexcept { return dispatcher_.stopping(); }

void Context::start_background() {
  for (auto& task : background_) dispatcher_.background(std::move(task));
  background_.clear();
}

Task<Result<std::optional<std::string>>> BodyStream::next() {
  using Chunk = std::optional<std::string>;
  auto* call = static_cast<detail::Call*>(context_->exchange().user);
  SPIKARD_ASSERT(call != nullptr, "the handler has not answered yet");
  while (!call->saw_last) {
    detail::ChunkAwaiter arrival{*call};
    co_await arrival;
    if (call->chunks.empty()) co_return Error(ErrorKind::cancelled, "the client has gone");
    const http::BodyChunk chunk = std::move(call->chunks.front());
    call->chunks.pop_front();
    call->saw_last = chunk.last();
    if (chunk.data().empty()) continue;
    std::string data(chunk.data());
    context_->exchange().grant(data.size());
    co_return Chunk(std::move(data));
  }
  co_return Chunk();
}

}  // namespace spikard
