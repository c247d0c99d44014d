#include "port.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "app/clients.hpp"
#include "base/json.hpp"
#include "base/operation.gen.hpp"
#include "cloudevents/json_format.hpp"
#include "db/operations.hpp"
#include "last_error.hpp"
#include "nodes.hpp"
#include "records.hpp"
#include "tasks/worker.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::abi {
namespace {

constexpr std::uint64_t own_id_bit = 1ULL << 31;  // in the slot half: never an exchange's id

std::string_view as_text(const spk_bytes& b) { return {static_cast<const char*>(b.ptr), static_cast<std::size_t>(b.len)}; }

http::BodyFormat format_of(std::uint64_t format) {
  switch (format) {
    case SPK_BODY_TEXT: return http::BodyFormat::text;
    case SPK_BODY_JSON: return http::BodyFormat::json;
    case SPK_BODY_NODES: return http::BodyFormat::nodes;
    default: return http::BodyFormat::raw;
  }
}

/// `[[name, value], ...]` of a hook's result.
bool read_fields(Value list, std::vector<http::HeaderField>& out) {
  if (!list) return true;
  if (!list.is_array()) return false;
  for (Value pair : list.elements()) {
    if (!pair.is_array() || pair.size() != 2 || !pair.at(0).is_string() || !pair.at(1).is_string()) return false;
    out.push_back({pair.at(0).text(), pair.at(1).text()});
  }
  return true;
}

int refuse(const char* what) {
  set_last_error(what);
  return -SPK_E_CONFIG;
}

}  // namespace

struct Port::Pending {
  Pending(net::Loop& loop, Function<void()> fire) : timer(loop, std::move(fire)) {}
  net::Timer timer;
  std::uint64_t id = 0;
  std::uint64_t user = 0;
  std::uint64_t waiter = 0;
};

struct Port::HostTask {
  HostTask(Port& owner, std::uint64_t of_user) : port(owner), id(own_id_bit | (++owner.next_id_ << 32)), user(of_user) {
    port.background_.emplace(id, this);
    if (port.virtual_time_) port.application_->virtual_clock()->busy();
  }
  /// Also when the application goes without the host's answer.
  ~HostTask() {
    if (port.background_.erase(id) != 0) port.rest(waits);
  }
  HostTask(const HostTask&) = delete;
  HostTask& operator=(const HostTask&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) {
    waiting = frame;
    port.push({.kind = SPK_EV_TASK, .flags = 0, .route = 0, .id = id, .rec = nullptr, .user = user, .arg = 0});
  }
  void await_resume() const {
    if (failed) throw std::runtime_error("the host's background task failed");
  }

  Port& port;
  const std::uint64_t id;
  const std::uint64_t user;
  std::uint32_t waits = 0;  // in the core: timers, operations
  bool failed = false;
  std::coroutine_handle<> waiting;
};

Port::Port(std::shared_ptr<app::Application> application, std::shared_ptr<Ports> ports)
    : application_(std::move(application)),
      ports_(std::move(ports)),
      virtual_time_(application_->virtual_clock() != nullptr),
      threaded_(application_->manifest().drive == services::Drive::thread) {
  queue_.reserve(256);
  head_scratch_.reserve(32);
}

Result<std::unique_ptr<Port>> Port::open(std::shared_ptr<app::Application> application, std::shared_ptr<Ports> ports) {
  std::unique_ptr<Port> self(new Port(std::move(application), std::move(ports)));
  auto io = self->application_->open_io([&](app::IoUnit& unit) -> Result<http::Sink*> {
    unit.handle_events(*self);
    return self.get();
  });
  if (!io.ok()) return std::move(io).error();
  self->io_ = std::move(io).value();
  self->application_->on_state(self->alive_.get(),
                               [port = self.get(), alive = self->alive_, loop = &self->io_->loop()](app::State state) {
                                 loop->post([port, alive, state] {
                                   if (*alive) port->state(state);
                                 });
                               });
  self->push({.kind = SPK_EV_STATE, .flags = 0, .route = 0, .id = 0, .rec = nullptr, .user = 0, .arg = SPK_READY});
  if (self->threaded_) {
    self->shared_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->shared_fd_ < 0) return internal_error(std::string("eventfd: ") + std::strerror(errno));
    self->publish();
    self->thread_ = std::thread([port = self.get()] { port->io_->loop().run(); });
  }
  self->ports_->opened(*self);
  self->application_->begin_work([ports = self->ports_](const app::WorkOrigin& origin) -> std::unique_ptr<worker_loop::WorkSink> {
    return std::make_unique<PortSink>(ports, origin);
  });
  return self;
}

Port::~Port() {
  ports_->closing(*this);
  application_->forget_states(alive_.get());
  if (thread_.joinable()) {
    io_->loop().stop();
    thread_.join();
  }
  *alive_ = false;
  for (auto left = cancels_.load(std::memory_order_relaxed); left > 0; --left) application_->virtual_clock()->idle();
  for (auto& [id, running] : calls_) {
    net::Loop& service = running.call->service();
    service.post([call = std::move(running.call)] { call->cancel(); });  // its last owner here lives on the service loop
  }
  calls_.clear();
  drop_owed_work();  // messages and tasks are handed over again; events end with their requests
  pending_.clear();
  entries_.clear();  // chunks before the server's memory
  io_.reset();
  if (shared_fd_ >= 0) ::close(shared_fd_);
}

// ---- events -------------------------------------------------------------------------------------------------------

void Port::push(const spk_event& event) {
  queue_.push_back(event);
  // Time stands still until the host has seen it, and has had its turn: its own waits of the cancelled handler end only then.
  if (virtual_time_ && event.kind == SPK_EV_CANCEL) {
    application_->virtual_clock()->busy();
    cancels_.fetch_add(1, std::memory_order_relaxed);
  }
  if (threaded_ && io_ != nullptr) io_->loop().at_turn_end(*this);
}

void Port::publish() {
  if (queue_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    shared_.insert(shared_.end(), queue_.begin(), queue_.end());
  }
  queue_.clear();
  arrived_.notify_one();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(shared_fd_, &one, sizeof one);
}

Port::Entry& Port::entry_of(http::Exchange& exchange) {
  const auto slot = static_cast<std::uint32_t>(exchange.id());
  if (slot >= entries_.size()) entries_.resize(slot + 64);
  Entry& entry = entries_[slot];
  if (entry.id != exchange.id()) {
    entry.id = exchange.id();
    entry.uncredited = 0;
    entry.covered = 0;
    entry.chunks.clear();
    entry.extra.reset();
    entry.owed = Owed::nothing;
    entry.streaming_behind = false;
    entry.waits = 0;
  }
  entry.exchange = &exchange;
  return entry;
}

Port::Entry* Port::find(std::uint64_t id) {
  const auto slot = static_cast<std::uint32_t>(id);
  if (slot >= entries_.size()) return nullptr;
  Entry& entry = entries_[slot];
  return entry.id == id && entry.owed != Owed::nothing ? &entry : nullptr;
}

void Port::owe(Entry& entry, Owed what) {
  entry.streaming_behind = entry.owed == Owed::streaming;
  entry.owed = what;
  owed_.fetch_add(1, std::memory_order_relaxed);
  if (virtual_time_) application_->virtual_clock()->busy();
}

void Port::settle(Entry& entry) {
  entry.owed = entry.streaming_behind ? Owed::streaming : Owed::nothing;
  entry.streaming_behind = false;
  entry.extra.reset();
  no_longer_owed(entry.waits);
}

/// One that answers while it waits is at rest for the clock already; those waits count for nobody from here on.
void Port::no_longer_owed(std::uint32_t& waits) {
  owed_.fetch_sub(1, std::memory_order_relaxed);
  rest(waits);
}

void Port::rest(std::uint32_t& waits) {
  if (virtual_time_ && waits == 0) application_->virtual_clock()->idle();
  waits = 0;
}

void Port::drop_owed_work() {
  for (auto& [id, work] : works_) {
    work.answered();
    no_longer_owed(work.waits);
  }
  works_.clear();
  for (auto& [id, event] : events_) no_longer_owed(event.waits);
  events_.clear();
}

void Port::post(Function<void(Port&)> fn) {
  io_->loop().post([this, alive = alive_, fn = std::move(fn)]() mutable {
    if (*alive) fn(*this);
  });
}

void Port::on_request(http::Exchange& exchange) {
  Entry& entry = entry_of(exchange);
  owe(entry, Owed::request);
  const http::RequestRecord& record = exchange.record();
  push({.kind = SPK_EV_REQUEST,
        .flags = static_cast<std::uint16_t>((record.flags & http::record_stream) != 0 ? SPK_F_STREAM : 0),
        .route = record.route,
        .id = entry.id,
        .rec = &record,
        .user = 0,
        .arg = 0});
}

void Port::on_chunk(http::Exchange& exchange, http::BodyChunk chunk) {
  Entry& entry = entry_of(exchange);
  auto record = make_record({.id = entry.id, .body = chunk.data()});
  const auto length = chunk.data().size();
  const bool last = chunk.last();
  const void* address = record.get();
  entry.chunks.emplace_back(std::move(chunk), std::move(record));
  push({.kind = SPK_EV_CHUNK,
        .flags = static_cast<std::uint16_t>(last ? SPK_F_LAST : 0),
        .route = 0,
        .id = entry.id,
        .rec = address,
        .user = 0,
        .arg = length});
}

void Port::on_cancel(http::Exchange& exchange, CancelReason reason) {
  if (find(exchange.id()) == nullptr) return;
  push({.kind = SPK_EV_CANCEL,
        .flags = 0,
        .route = 0,
        .id = exchange.id(),
        .rec = nullptr,
        .user = 0,
        .arg = static_cast<std::uint64_t>(reason)});
}

void Port::on_credit(http::Exchange& exchange) {
  Entry* entry = find(exchange.id());
  if (entry == nullptr || entry->uncredited == 0) return;
  push({.kind = SPK_EV_CREDIT, .flags = 0, .route = 0, .id = entry->id, .rec = nullptr, .user = 0, .arg = entry->uncredited});
  entry->uncredited = 0;
}

void Port::on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) {
  Entry& entry = entry_of(exchange);
  owe(entry, Owed::hook);
  std::uint64_t answer = 0;
  if (phase == http::HookPhase::on_response || phase == http::HookPhase::on_error) {
    entry.extra =
        make_record({.source = hook, .id = entry.id, .status = exchange.response_status(), .meta = exchange.response_headers()});
    answer = reinterpret_cast<std::uintptr_t>(entry.extra.get());
  }
  push({.kind = SPK_EV_HOOK,
        .flags = 0,
        .route = hook,
        .id = entry.id,
        .rec = &exchange.record(),
        .user = answer,
        .arg = static_cast<std::uint64_t>(phase)});
}

void Port::on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) {
  Entry& entry = entry_of(exchange);
  owe(entry, Owed::factory);
  NodeBuilder tokens;
  tokens.begin_array();
  for (const std::uint64_t token : arguments) tokens.uinteger(token);
  tokens.end();
  entry.extra = make_record({.source = dependency, .id = entry.id, .nodes = tokens.root()});
  push({.kind = SPK_EV_FACTORY, .flags = 0, .route = dependency, .id = entry.id, .rec = entry.extra.get(), .user = 0, .arg = 0});
}

void Port::on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) {
  Entry& entry = entry_of(exchange);
  owe(entry, Owed::dispose);
  push({.kind = SPK_EV_DISPOSE, .flags = 0, .route = dependency, .id = entry.id, .rec = nullptr, .user = 0, .arg = token});
}

void Port::state(app::State state) {
  if (state == app::State::draining) {
    push({.kind = SPK_EV_STATE, .flags = 0, .route = 0, .id = 0, .rec = nullptr, .user = 0, .arg = SPK_DRAINING});
  } else if (state == app::State::stopped) {
    // Every id is stale now.
    for (Entry& entry : entries_) entry.owed = Owed::nothing, entry.streaming_behind = false;
    drop_owed_work();
    push({.kind = SPK_EV_STATE, .flags = 0, .route = 0, .id = 0, .rec = nullptr, .user = 0, .arg = SPK_STOPPED});
  }
}

// ---- the drive ----------------------------------------------------------------------------------------------------

int Port::fd() const noexcept { return threaded_ ? shared_fd_ : io_->loop().fd(); }

int Port::take(spk_event* events, std::uint32_t max) {
  const std::size_t n = std::min<std::size_t>(max, queue_.size() - taken_);
  std::memcpy(events, queue_.data() + taken_, n * sizeof(spk_event));
  taken_ += n;
  if (taken_ == queue_.size()) {
    queue_.clear();
    taken_ = 0;
  } else if (!threaded_) {
    io_->loop().wake();  // the descriptor stays readable for the rest
  }
  return static_cast<int>(n);
}

int Port::poll(spk_event* events, std::uint32_t max, std::int32_t timeout_ms) {
  if (max == 0) return 0;
  for (; cancels_told_ > 0; --cancels_told_) {
    cancels_.fetch_sub(1, std::memory_order_relaxed);
    application_->virtual_clock()->idle();
  }
  const int count = poll_events(events, max, timeout_ms);
  for (int i = 0; virtual_time_ && i < count; ++i) cancels_told_ += events[i].kind == SPK_EV_CANCEL ? 1 : 0;
  return count;
}

int Port::poll_events(spk_event* events, std::uint32_t max, std::int32_t timeout_ms) {
  if (threaded_) {
    std::unique_lock lock(mutex_);
    if (timeout_ms != 0) {
      const auto ready = [this] { return !shared_.empty() || woken_.exchange(false); };
      if (timeout_ms < 0) arrived_.wait(lock, ready);
      else arrived_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
    }
    const std::size_t n = std::min<std::size_t>(max, shared_.size());
    if (n > 0) std::memcpy(events, shared_.data(), n * sizeof(spk_event));
    shared_.erase(shared_.begin(), shared_.begin() + static_cast<std::ptrdiff_t>(n));
    if (shared_.empty()) {
      std::uint64_t drained = 0;
      [[maybe_unused]] const auto got = ::read(shared_fd_, &drained, sizeof drained);
    }
    return static_cast<int>(n);
  }
  net::Loop& loop = io_->loop();
  if (taken_ < queue_.size()) return take(events, max);
  if (timeout_ms == 0) {
    loop.turn(0);
    return queue_.empty() ? 0 : take(events, max);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    int wait = -1;
    if (timeout_ms > 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      wait = left > 0 ? static_cast<int>(left) : 0;
    }
    loop.turn(wait);
    if (!queue_.empty()) return take(events, max);
    if (woken_.exchange(false) || wait == 0) return 0;
  }
}

void Port::wake() {
  woken_.store(true);
  if (threaded_) arrived_.notify_all();
  else io_->loop().wake();
}

namespace {
/// A command with what it points to, for the way to another thread.
struct OwnedCommand {
  spk_cmd command;
  std::unique_ptr<char[]> memory;
  explicit OwnedCommand(const spk_cmd& from)
      : command(from), memory(new char[((from.head.len + 7) & ~7ULL) + from.body.len + 8]) {
    char* const body = memory.get() + ((from.head.len + 7) & ~7ULL);
    if (from.head.len > 0) std::memcpy(memory.get(), from.head.ptr, from.head.len);
    if (from.body.len > 0) std::memcpy(body, from.body.ptr, from.body.len);
    command.head.ptr = memory.get();
    command.body.ptr = body;
  }
};
}  // namespace

int Port::submit(const spk_cmd* commands, std::uint32_t n) {
  net::Loop& loop = io_->loop();
  if (threaded_ || !loop.on_thread()) {
    std::vector<OwnedCommand> owned;
    owned.reserve(n);
    for (std::uint32_t i = 0; i < n; ++i) owned.emplace_back(commands[i]);
    loop.post([this, alive = alive_, owned = std::move(owned)] {
      if (!*alive) return;
      for (const OwnedCommand& o : owned) apply(o.command);
    });
    return 0;
  }
  int result = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const int rc = apply(commands[i]);
    if (rc < 0 && (n == 1 || rc != -SPK_E_STALE) && result == 0) result = rc;
  }
  if (http::Server* server = io_->server(); server != nullptr) server->flush();  // the writes of this batch go out now
  const std::size_t waiting = queue_.size() - taken_;
  if (waiting > 0) loop.wake();  // the descriptor is readable while events wait
  return result < 0 ? result : static_cast<int>(waiting);
}

// ---- commands -----------------------------------------------------------------------------------------------------

int Port::apply(const spk_cmd& command) {
  try {
    if ((command.id & own_id_bit) != 0 && command.op != SPK_CMD_CALL && command.op != SPK_CMD_TIMER &&
        command.op != SPK_CMD_RELEASE) {
      if (works_.contains(command.id)) return apply_to_work(command);
      if (events_.contains(command.id)) return apply_to_event(command);
      if (calls_.contains(command.id)) return apply_to_call(command);
    }
    switch (command.op) {
      case SPK_CMD_REPLY: return apply_reply(command);
      case SPK_CMD_HEAD: {
        Entry* entry = find(command.id);
        if (entry == nullptr || entry->owed != Owed::request) return -SPK_E_STALE;
        if (!read_head(command, head_scratch_)) return refuse("HEAD: a header lies outside head");
        entry->owed = Owed::streaming;
        entry->exchange->start(command.status, head_scratch_);
        return 0;
      }
      case SPK_CMD_CHUNK: return apply_chunk(command);
      case SPK_CMD_END:
      case SPK_CMD_ABORT: {
        Entry* entry = find(command.id);
        if (entry == nullptr || (!streams(*entry) && entry->owed != Owed::request)) return -SPK_E_STALE;
        http::Exchange& exchange = *entry->exchange;
        const bool started = streams(*entry);
        if (entry->streaming_behind) {
          entry->streaming_behind = false;  // the hook is owed still
          no_longer_owed(entry->waits);
        } else {
          settle(*entry);
        }
        if (command.op == SPK_CMD_END && started) exchange.end();
        else exchange.abort();
        return 0;
      }
      case SPK_CMD_CREDIT: return apply_credit(command);
      case SPK_CMD_FAIL: return apply_fail(command);
      case SPK_CMD_RESULT: return apply_result(command);
      case SPK_CMD_ACK:
      case SPK_CMD_NACK: {
        const auto it = background_.find(command.id);
        if (it == background_.end()) return -SPK_E_STALE;
        end_background(*it->second);
        return 0;
      }
      case SPK_CMD_TIMER: return start_timer(command);
      case SPK_CMD_CALL: return start_call(command);
      case SPK_CMD_CANCEL: cancel_pending(command.user); return 0;
      case SPK_CMD_RELEASE: return results_.erase(command.id) == 1 ? 0 : -SPK_E_STALE;
      default: return refuse("unknown command");
    }
  } catch (const std::exception& e) {
    set_last_error(e.what());
    return -SPK_E_STATE;
  }
}

bool Port::read_head(const spk_cmd& command, std::vector<http::HeaderField>& out) {
  out.clear();
  if (command.nhead == 0) return true;
  const auto* base = static_cast<const char*>(command.head.ptr);
  if (command.nhead > command.head.len / sizeof(spk_pair)) return false;
  const auto* pairs = reinterpret_cast<const spk_pair*>(base);
  const auto fits = [&](const spk_view& v) { return v.off <= command.head.len && v.len <= command.head.len - v.off; };
  for (std::uint32_t i = 0; i < command.nhead; ++i) {
    if (!fits(pairs[i].name) || !fits(pairs[i].value)) return false;
    out.push_back({{base + pairs[i].name.off, pairs[i].name.len}, {base + pairs[i].value.off, pairs[i].value.len}});
  }
  return true;
}

int Port::apply_reply(const spk_cmd& command) {
  Entry* entry = find(command.id);
  if (entry == nullptr || entry->owed != Owed::request) return -SPK_E_STALE;
  http::Exchange& exchange = *entry->exchange;
  if (command.format == SPK_BODY_OPERATION) return reply_by_operation(command, *entry);
  http::Reply reply;
  reply.status = command.status;
  reply.format = format_of(command.format);
  const char* wrong = nullptr;
  if (!read_head(command, head_scratch_)) wrong = "REPLY: a header lies outside head";
  reply.headers = head_scratch_;
  if (reply.format == http::BodyFormat::nodes) {
    reply.value = checked_nodes(command.body.ptr, command.body.len);
    if (!reply.value) wrong = "REPLY: malformed nodes";
  } else {
    reply.body = as_text(command.body);
  }
  settle(*entry);
  if (wrong != nullptr) {
    exchange.fail({.type = "PortError", .message = wrong, .trace = {}});
    return refuse(wrong);
  }
  exchange.reply(reply);
  return 0;
}

int Port::reply_by_operation(const spk_cmd& command, Entry& entry) {
  http::Exchange& exchange = *entry.exchange;
  const auto refused = [&](const std::string& why) {
    settle(entry);
    exchange.fail({.type = "PortError", .message = why, .trace = {}});
    return refuse(why.c_str());
  };
  const Value arguments = command.body.len > 0 ? checked_nodes(command.body.ptr, command.body.len) : Value();
  if (!arguments || !arguments.is_object()) return refused("REPLY: malformed nodes");
  const auto operation = static_cast<Operation>(command.arg);
  const bool of_db = operation == Operation::db_query_stream;
  const std::vector<std::string> names = application_->toolbox().names(of_db ? app::Subsystem::db : app::Subsystem::storage);
  const bool known = of_db || operation == Operation::storage_read_stream || operation == Operation::storage_write_stream;
  if (!known || command.client >= names.size() || io_->storage_http() == nullptr) {
    return refused(
        "REPLY: expected db.query_stream of a client of services.db, storage.read_stream or storage.write_stream of one of "
        "services.storage");
  }
  const auto text = [&](std::string_view name) -> std::optional<std::string> {
    const Value v = arguments.find(name);
    return v.exists() && v.is_string() ? std::optional<std::string>(v.text()) : std::nullopt;
  };
  if (of_db) {
    auto client = application_->clients().db(names[command.client]);
    if (!client.ok()) return refused("REPLY: " + client.error().message());
    Result<db::StreamArguments> statement = db::read_stream_arguments(arguments);
    if (!statement.ok()) return refused("REPLY: " + statement.error().message());
    settle(entry);
    app::RowsOptions options;
    if (command.status != 0) options.status = command.status;
    options.ndjson = statement->ndjson;
    options.call = statement->options;
    options.trace = exchange.trace();
    io_->db_http()->rows(exchange, std::move(*client), std::move(statement->sql), std::move(statement->params),
                         std::move(options));
    return 0;
  }
  auto store = application_->clients().storage(names[command.client]);
  if (!store.ok()) return refused("REPLY: " + store.error().message());
  std::string key = text("key").value_or("");
  // What of the body has come to the host already: it was not read there.
  auto held = std::move(entry.chunks);
  entry.chunks.clear();
  settle(entry);
  if (operation == Operation::storage_read_stream) {
    app::ServeOptions options;
    options.content_type = text("content_type");
    options.cache_control = text("cache_control");
    options.content_disposition = text("content_disposition");
    options.trace = exchange.trace();
    io_->storage_http()->serve(exchange, std::move(*store), std::move(key), std::move(options));
  } else {
    app::StoreOptions options;
    options.write.content_type = text("content_type");
    options.write.cache_control = text("cache_control");
    options.write.content_disposition = text("content_disposition");
    options.trace = exchange.trace();
    if (command.status != 0) options.status = command.status;
    std::deque<http::BodyChunk> arrived;
    for (auto& [chunk, record] : held) arrived.push_back(std::move(chunk));
    io_->storage_http()->store(exchange, std::move(*store), std::move(key), std::move(options), std::move(arrived));
  }
  return 0;
}

int Port::apply_chunk(const spk_cmd& command) {
  Entry* entry = find(command.id);
  if (entry == nullptr || !streams(*entry)) return -SPK_E_STALE;
  entry->uncredited += static_cast<std::uint32_t>(command.body.len);
  const bool room = entry->exchange->write(as_text(command.body));
  if (room && entry->uncredited >= stream_credit / 2) on_credit(*entry->exchange);
  return 0;
}

int Port::apply_credit(const spk_cmd& command) {
  Entry* entry = find(command.id);
  if (entry == nullptr) return -SPK_E_STALE;
  entry->covered += command.arg;
  while (!entry->chunks.empty() && entry->covered >= entry->chunks.front().first.data().size()) {
    entry->covered -= entry->chunks.front().first.data().size();
    entry->chunks.pop_front();
  }
  entry->exchange->grant(static_cast<std::size_t>(command.arg));
  return 0;
}

int Port::apply_fail(const spk_cmd& command) {
  const auto background = background_.find(command.id);
  Entry* entry = find(command.id);
  if (entry == nullptr && background == background_.end()) return -SPK_E_STALE;
  http::Failure failure;
  if (const Value nodes = checked_nodes(command.body.ptr, command.body.len); nodes.is_object()) {
    const auto text = [&](std::string_view key) {
      const Value v = nodes.find(key);
      return v.is_string() ? v.text() : std::string_view();
    };
    failure = {.type = text("type"), .message = text("message"), .trace = text("trace")};
  }
  if (background != background_.end()) {
    application_->logger().error("background task failed",
                                 {{"type", failure.type},
                                  {"error", failure.message},
                                  {"trace", failure.trace.empty() ? log::Field(nullptr) : log::Field(failure.trace)}});
    background->second->failed = true;
    end_background(*background->second);
    return 0;
  }
  http::Exchange& exchange = *entry->exchange;
  settle(*entry);
  exchange.fail(failure);
  return 0;
}

int Port::apply_result(const spk_cmd& command) {
  Entry* entry = find(command.id);
  if (entry == nullptr) return -SPK_E_STALE;
  const Owed owed = entry->owed;
  http::Exchange& exchange = *entry->exchange;
  Value nodes;
  if (command.body.len > 0) {
    nodes = checked_nodes(command.body.ptr, command.body.len);
    if (!nodes) {
      settle(*entry);
      exchange.fail({.type = "PortError", .message = "RESULT: malformed nodes", .trace = {}});
      return refuse("RESULT: malformed nodes");
    }
  }
  switch (owed) {
    case Owed::hook: return apply_hook_result(*entry, nodes);
    case Owed::factory: {
      settle(*entry);
      exchange.factory_done(command.arg, nodes.is_string() ? nodes.text() : std::string_view());
      return 0;
    }
    case Owed::dispose:
      settle(*entry);
      exchange.dispose_done();
      return 0;
    default: return -SPK_E_STALE;
  }
}

int Port::apply_hook_result(Entry& entry, Value nodes) {
  http::Exchange& exchange = *entry.exchange;
  std::vector<http::HeaderField> set;
  std::vector<http::HeaderField> append;
  std::vector<http::HeaderField> headers;
  http::HookResult result;
  http::Reply answer;
  bool wrong = false;
  if (nodes && !nodes.is_null()) {
    wrong = !nodes.is_object();
    if (!wrong) {
      result.context = nodes.find("context");
      wrong = (result.context && !result.context.is_object()) || !read_fields(nodes.find("set"), set) ||
              !read_fields(nodes.find("append"), append);
      result.set = set;
      result.append = append;
      if (const Value a = nodes.find("answer"); !wrong && a && !a.is_null()) {
        const Value status = a.is_object() ? a.find("status") : Value();
        const Value format = a.is_object() ? a.find("format") : Value();
        wrong = !a.is_object() || !status.is(NodeType::integer) || status.as_int() < 100 || status.as_int() > 599 ||
                (format && !format.is(NodeType::integer)) || !read_fields(a.find("headers"), headers);
        if (!wrong) {
          answer.status = static_cast<std::uint16_t>(status.as_int());
          answer.format = format_of(format ? static_cast<std::uint64_t>(format.as_int()) : SPK_BODY_RAW);
          answer.headers = headers;
          const Value body = a.find("body");
          if (answer.format == http::BodyFormat::nodes) {
            answer.value = body;
            wrong = !body;
          } else if (body && !body.is_null()) {
            wrong = !body.is_string() && !body.is(NodeType::bytes);
            if (!wrong) answer.body = body.text();
          }
          result.answer = &answer;
        }
      }
    }
  }
  settle(entry);
  if (wrong) {
    exchange.fail({.type = "PortError", .message = "RESULT: not a hook's result", .trace = {}});
    return refuse("RESULT: not a hook's result (see abi/README.md)");
  }
  exchange.hook_done(result);
  return 0;
}

// ---- timers, operations, background tasks ---------------------------------------------------------------------------

std::uint32_t* Port::waits_of(std::uint64_t id) {
  if (Entry* entry = find(id)) return &entry->waits;
  if (const auto work = works_.find(id); work != works_.end()) return &work->second.waits;
  if (const auto task = background_.find(id); task != background_.end()) return &task->second->waits;
  const auto event = events_.find(id);
  return event == events_.end() ? nullptr : &event->second.waits;
}

telemetry::SpanContext Port::trace_of(std::uint64_t id) {
  if (Entry* entry = find(id)) return entry->exchange->trace();
  if (const auto work = works_.find(id); work != works_.end()) return work->second.delivery->item->trace;
  const auto event = events_.find(id);
  return event == events_.end() ? telemetry::SpanContext() : event->second.trace;
}

telemetry::SpanContext Port::trace_for(const spk_cmd& call) {
  telemetry::SpanContext trace;
  if (io_->loop().on_thread()) trace = trace_of(call.id);
  if (call.head.len == 0) return trace;
  const auto given = telemetry::parse_traceparent({static_cast<const char*>(call.head.ptr), call.head.len});
  if (!given) return trace;
  if (given->trace_id != trace.trace_id) return *given;
  trace.span_id = given->span_id;  // its tracestate and baggage go on
  trace.flags = given->flags;
  return trace;
}

bool Port::begin_wait(std::uint64_t id) {
  if (!virtual_time_) return false;
  std::uint32_t* const waits = waits_of(id);
  if (waits == nullptr) return false;
  if ((*waits)++ == 0) application_->virtual_clock()->idle();
  return true;
}

void Port::end_wait(std::uint64_t id) {
  std::uint32_t* const waits = waits_of(id);
  if (waits != nullptr && *waits > 0 && --*waits == 0) application_->virtual_clock()->busy();
}

int Port::start_timer(const spk_cmd& command) {
  const std::uint64_t id = own_id_bit | (++next_id_ << 32);
  auto pending = std::make_unique<Pending>(io_->loop(), [this, id] {
    const auto it = pending_.find(id);
    if (it != pending_.end()) finish_pending(*it->second, nullptr);
  });
  pending->id = id;
  pending->user = command.user;
  pending->timer.start(std::chrono::milliseconds(command.arg));
  if (begin_wait(command.id)) pending->waiter = command.id;
  pending_.emplace(id, std::move(pending));
  return 0;
}

void Port::finish_pending(Pending& pending, const Error* error) {
  if (pending.waiter != 0) end_wait(pending.waiter);
  const std::uint64_t user = pending.user;
  const std::uint64_t id = pending.id;
  pending_.erase(id);
  if (error == nullptr) {
    push({.kind = SPK_EV_DONE, .flags = 0, .route = 0, .id = id, .rec = nullptr, .user = user, .arg = 0});
  } else {
    done(user, id, error, {});
  }
}

void Port::cancel_pending(std::uint64_t user) {
  for (auto& [id, pending] : pending_) {
    if (pending->user != user) continue;
    const Error error(ErrorKind::cancelled, "cancelled by the host");
    finish_pending(*pending, &error);
    return;
  }
  for (auto& [id, running] : calls_) {
    if (running.call->user() != user) continue;
    running.call->service().post([call = running.call] { call->cancel(); });  // its end comes as for any other
    return;
  }
}

namespace {
/// What DONE and spk_call tell: `status` and `attempt` (retry class), `key` (detail), `body` (message), or `nodes`.
RecordParts parts_of(std::uint64_t id, const Error* error, Value result) {
  if (error == nullptr) return {.id = id, .nodes = result};
  return {.id = id,
          .status = static_cast<std::uint32_t>(error->kind()),
          .attempt = static_cast<std::uint32_t>(error->retry()),
          .key = error->detail(),
          .body = error->message()};
}
}  // namespace

void Port::done(std::uint64_t user, std::uint64_t id, const Error* error, Value result) {
  Finished finished{.record = make_record(parts_of(id, error, result)), .chunks = {}};
  const void* address = finished.record.get();
  if (const auto running = calls_.find(id); running != calls_.end()) {
    finished.chunks = std::move(running->second.chunks);
    // Its waits and its cancellation belong to the service loop's thread, where they may be in use still: it is destroyed there.
    net::Loop& service = running->second.call->service();
    service.post([call = std::move(running->second.call)] {});
    calls_.erase(running);
  }
  results_.emplace(id, std::move(finished));
  push({.kind = SPK_EV_DONE, .flags = 0, .route = 0, .id = id, .rec = address, .user = user, .arg = 0});
}

int Port::start_call(const spk_cmd& command) {
  const std::uint64_t id = own_id_bit | (++next_id_ << 32);
  const auto refuse_call = [&](Error error) {
    done(command.user, id, &error, {});
    return 0;
  };
  Value arguments;
  if (command.body.len > 0) {
    arguments = checked_nodes(command.body.ptr, command.body.len);
    if (!arguments) return refuse_call(invalid_argument("CALL: malformed nodes"));
  }
  switch (static_cast<Operation>(command.arg)) {
    case Operation::background_run: {
      auto taken = io_->background().run([this, user = command.user] { return run_background(user); });
      return taken.ok() ? 0 : refuse_call(std::move(taken).error());
    }
    case Operation::test_faults: {
      const app::Faults* faults = application_->faults();
      if (faults == nullptr) return refuse_call(Error(ErrorKind::unsupported, "test.faults: the manifest has no `faults`"));
      const Document made = app::faults_document(*faults);
      done(command.user, id, nullptr, made.root());
      return 0;
    }
    case Operation::test_advance:
    case Operation::test_settle: {
      net::VirtualClock* clock = application_->virtual_clock();
      if (clock == nullptr)
        return refuse_call(
            Error(ErrorKind::unsupported, "test.advance: the manifest's clock is real; expected \"clock\": \"virtual\""));
      auto finish = [this, alive = alive_, id, user = command.user, loop = &io_->loop()] {
        loop->post([this, alive, id, user] {
          if (*alive) done(user, id, nullptr, {});
        });
      };
      if (static_cast<Operation>(command.arg) == Operation::test_settle) {
        clock->settle(std::move(finish));
        return 0;
      }
      const Value ms = arguments.is_object() ? arguments.find("ms") : Value();
      if (!ms.is(NodeType::integer) || ms.as_int() < 0)
        return refuse_call(invalid_argument("test.advance.ms: expected an integer of at least 0"));
      clock->advance(std::chrono::milliseconds(ms.as_int()), std::move(finish));
      return 0;
    }
    default: return start_operation(command, id, arguments);
  }
}

Task<void> Port::run_background(std::uint64_t user) {
  HostTask task(*this, user);
  const CancelToken token = co_await current_token();
  const CancelCallback cancelled(token, [this, id = task.id](CancelReason reason) {
    push({.kind = SPK_EV_CANCEL,
          .flags = 0,
          .route = 0,
          .id = id,
          .rec = nullptr,
          .user = 0,
          .arg = static_cast<std::uint64_t>(reason)});
  });
  co_await task;
}

void Port::end_background(HostTask& task) {
  background_.erase(task.id);
  rest(task.waits);
  task.waiting.resume();
}

// ---- operations of the toolbox -----------------------------------------------------------------------------------------

namespace {
Document object_or(Value arguments) {
  if (arguments) return Document(arguments);
  NodeBuilder empty;
  empty.begin_object();
  empty.end();
  return Document(std::move(empty));
}
}  // namespace

int Port::start_operation(const spk_cmd& command, std::uint64_t id, Value arguments) {
  const auto operation = static_cast<Operation>(command.arg);
  Result<net::OperationTarget*> target = application_->operation_target(operation, command.client);
  if (target.ok() && arguments && !arguments.is_object())
    target = invalid_argument(std::string(name_of(operation)) + ": expected an object of arguments");
  if (!target.ok()) {
    done(command.user, id, &target.error(), {});
    return 0;
  }
  const bool streamed = (command.flags & SPK_F_STREAM) != 0;
  net::Loop& service = application_->service_loop();
  auto call = std::make_shared<Call>(*this, alive_, io_->loop(), service, id, command.user);
  Running& running = calls_[id];
  running.call = call;
  if (streamed) {  // tells the id, and how much of a streamed argument may come
    push({.kind = SPK_EV_CREDIT, .flags = 0, .route = 0, .id = id, .rec = nullptr, .user = command.user, .arg = stream_credit});
  }
  service.post([call = std::move(call), target = *target, operation, args = object_or(arguments), trace = trace_for(command),
                streamed]() mutable {
    Call& self = *call;
    self.run(*target, operation, std::move(args), std::move(trace), streamed);
  });
  // Not before what it waits for is on its way: with everything at rest the clock moves.
  if (begin_wait(command.id)) running.waiter = command.id;
  return 0;
}

int Port::apply_to_call(const spk_cmd& command) {
  Running& running = calls_.find(command.id)->second;
  const auto on_service = [&](auto fn) {
    running.call->service().post([call = running.call, fn = std::move(fn)]() mutable { fn(*call); });
    return 0;
  };
  switch (command.op) {
    case SPK_CMD_CHUNK:
    case SPK_CMD_END:
      return on_service([chunk = std::string(as_text(command.body)), last = command.op == SPK_CMD_END](Call& call) mutable {
        call.input(std::move(chunk), last);
      });
    case SPK_CMD_ABORT: return on_service([](Call& call) { call.give_up(); });
    case SPK_CMD_CREDIT: {
      running.covered += command.arg;
      while (!running.chunks.empty() && running.covered >= running.chunks.front().first) {
        running.covered -= running.chunks.front().first;
        running.chunks.pop_front();
      }
      return on_service([n = command.arg](Call& call) { call.credit(n); });
    }
    default: return refuse("an operation in progress takes CHUNK, END, ABORT and CREDIT, and CANCEL with its user");
  }
}

void Port::call_chunk(std::uint64_t id, std::string_view chunk) {
  const auto running = calls_.find(id);
  if (running == calls_.end()) return;
  auto record = make_record({.id = id, .body = chunk});
  push({.kind = SPK_EV_CHUNK,
        .flags = 0,
        .route = 0,
        .id = id,
        .rec = record.get(),
        .user = running->second.call->user(),
        .arg = chunk.size()});
  running->second.chunks.emplace_back(chunk.size(), std::move(record));
}

void Port::call_credit(std::uint64_t id, std::size_t bytes) {
  const auto running = calls_.find(id);
  if (running == calls_.end()) return;
  push({.kind = SPK_EV_CREDIT,
        .flags = 0,
        .route = 0,
        .id = id,
        .rec = nullptr,
        .user = running->second.call->user(),
        .arg = bytes});
}

void Port::call_done(std::uint64_t id, Result<Document> result) {
  const auto running = calls_.find(id);
  if (running == calls_.end()) return;
  if (running->second.waiter != 0) end_wait(running->second.waiter);
  const std::uint64_t user = running->second.call->user();
  if (result.ok()) done(user, id, nullptr, result->root());
  else done(user, id, &result.error(), {});
}

int Port::call(const spk_cmd& command, const spk_record** out) {
  *out = nullptr;
  thread_local std::vector<char> memory;
  const auto operation = static_cast<Operation>(command.arg);
  if (const auto target = application_->operation_target(operation, command.client); target.ok()) {
    Value arguments;
    if (command.body.len > 0) arguments = checked_nodes(command.body.ptr, command.body.len);
    std::optional<Result<Document>> result;
    if (arguments.is_object()) result = (*target)->call_now_for(trace_for(command), operation, arguments);
    if (result) {
      const bool ok = result->ok();
      *out = make_record_in(memory, parts_of(0, ok ? nullptr : &result->error(), ok ? (*result)->root() : Value()));
      return 1;
    }
  }
  return std::min(submit(&command, 1), 0);
}

// ---- messages and tasks ------------------------------------------------------------------------------------------------

std::uint64_t Port::deliver(std::unique_ptr<Delivery> delivery, Function<void()> answered) {
  const std::uint64_t id = own_id_bit | (++next_id_ << 32);
  const worker_loop::WorkItem& item = *delivery->item;
  NodeBuilder nodes;
  nodes.begin_object();
  nodes.key("name"), nodes.string(item.name);
  nodes.key("key");
  if (item.has_key) nodes.string(item.key);
  else nodes.null();
  nodes.key("tries"), nodes.integer(item.tries);
  nodes.key("enqueued_ms"),
      nodes.integer(std::chrono::duration_cast<std::chrono::milliseconds>(item.enqueued.time_since_epoch()).count());
  if (item.trace.valid()) nodes.key("traceparent"), nodes.string(telemetry::format_traceparent(item.trace));
  if (delivery->origin.kind == app::WorkOrigin::Kind::task) {
    const tasks::Job& job = tasks::job_of(item);
    nodes.key("id"), nodes.string(tasks::id_to_text(job.id));
    nodes.key("queue"), nodes.string(job.queue);
    nodes.key("lease"), nodes.uinteger(job.lease);
    if (job.scheduled_at != 0) nodes.key("scheduled_at"), nodes.integer(job.scheduled_at);
  }
  nodes.end();
  std::vector<http::HeaderField> meta;
  meta.reserve(item.headers.size());
  for (const auto& [name, value] : item.headers) meta.push_back({name, value});
  Work work;
  work.answered = std::move(answered);
  work.record = make_record({.source = delivery->origin.index,
                             .id = id,
                             .status = 0,
                             .attempt = item.delivery_count,
                             .nodes = nodes.root(),
                             .key = item.key,
                             .body = item.payload,
                             .meta = meta});
  push(
      {.kind = static_cast<std::uint16_t>(delivery->origin.kind == app::WorkOrigin::Kind::message ? SPK_EV_MESSAGE : SPK_EV_TASK),
       .flags = 0,
       .route = delivery->origin.index,
       .id = id,
       .rec = work.record.get(),
       .user = delivery->origin.user,
       .arg = 0});
  work.delivery = std::move(delivery);
  works_.emplace(id, std::move(work));
  owed_.fetch_add(1, std::memory_order_relaxed);
  if (virtual_time_) application_->virtual_clock()->busy();
  return id;
}

void Port::cancel_delivery(std::uint64_t id, CancelReason reason) {
  if (!works_.contains(id)) return;
  push({.kind = SPK_EV_CANCEL,
        .flags = 0,
        .route = 0,
        .id = id,
        .rec = nullptr,
        .user = 0,
        .arg = static_cast<std::uint64_t>(reason)});
}

namespace {
/// Members of FAIL's body.
struct HostFailure {
  std::string type;
  std::string message;
  std::string trace;
};
HostFailure failure_of(const spk_cmd& command) {
  const Value nodes = checked_nodes(command.body.ptr, command.body.len);
  const auto text = [&](std::string_view key) {
    const Value v = nodes.is_object() ? nodes.find(key) : Value();
    return std::string(v.is_string() ? v.text() : std::string_view());
  };
  return {text("type"), text("message"), text("trace")};
}
}  // namespace

int Port::apply_to_work(const spk_cmd& command) {
  using worker_loop::Outcome;
  const auto at = works_.find(command.id);
  Outcome outcome;
  switch (command.op) {
    case SPK_CMD_ACK: outcome = Outcome::ack(std::string(as_text(command.body))); break;
    case SPK_CMD_NACK: outcome = Outcome::nack((command.flags & SPK_F_REQUEUE) != 0); break;
    case SPK_CMD_RETRY: outcome = Outcome::retry(std::chrono::milliseconds(command.arg)); break;
    case SPK_CMD_FAIL: {
      HostFailure failure = failure_of(command);
      const Delivery& delivery = *at->second.delivery;
      application_->logger().error("handler failed",
                                   {{"source", delivery.origin.name},
                                    {"name", delivery.item->name},
                                    {"type", failure.type},
                                    {"error", failure.message},
                                    {"trace", failure.trace.empty() ? log::Field(nullptr) : log::Field(failure.trace)}});
      outcome = (command.flags & SPK_F_FATAL) != 0 ? Outcome::reject(std::move(failure.message))
                                                   : Outcome::error(std::move(failure.message));
      break;
    }
    default: return refuse("a message or task takes ACK, NACK, RETRY or FAIL");
  }
  Work work = std::move(at->second);
  works_.erase(at);
  work.answered();
  work.delivery->finish(std::move(outcome));
  no_longer_owed(work.waits);
  return 0;
}

// ---- CloudEvents -------------------------------------------------------------------------------------------------------

void Port::on_event(std::uint64_t ticket, cloudevents::Delivery delivery, cloudevents::EventSource& source) {
  const std::uint64_t id = own_id_bit | (++next_id_ << 32);
  NodeBuilder nodes;
  nodes.begin_object();
  nodes.key("event");
  cloudevents::to_nodes(*delivery.event, nodes);
  nodes.end();
  OwedEvent owed;
  owed.source = &source;
  owed.ticket = ticket;
  owed.record = make_record({.source = delivery.handler, .id = id, .attempt = 1, .nodes = nodes.root()});
  owed.trace = delivery.trace;
  push({.kind = SPK_EV_CLOUDEVENT,
        .flags = 0,
        .route = delivery.handler,
        .id = id,
        .rec = owed.record.get(),
        .user = 0,
        .arg = 0});
  events_.emplace(id, std::move(owed));
  owed_.fetch_add(1, std::memory_order_relaxed);
  if (virtual_time_) application_->virtual_clock()->busy();
}

void Port::on_cancel(std::uint64_t ticket, cloudevents::EventSource& source, CancelReason reason) {
  for (const auto& [id, owed] : events_) {
    if (owed.ticket != ticket || owed.source != &source) continue;
    push({.kind = SPK_EV_CANCEL,
          .flags = 0,
          .route = 0,
          .id = id,
          .rec = nullptr,
          .user = 0,
          .arg = static_cast<std::uint64_t>(reason)});
    return;
  }
}

int Port::apply_to_event(const spk_cmd& command) {
  using cloudevents::EventOutcome;
  const auto at = events_.find(command.id);
  EventOutcome outcome;
  int result = 0;
  switch (command.op) {
    case SPK_CMD_ACK: break;
    case SPK_CMD_NACK: outcome = EventOutcome::nack((command.flags & SPK_F_REQUEUE) != 0); break;
    case SPK_CMD_RETRY: outcome = EventOutcome::retry(std::chrono::milliseconds(command.arg)); break;
    case SPK_CMD_FAIL: {
      HostFailure failure = failure_of(command);
      outcome = (command.flags & SPK_F_FATAL) != 0
                    ? EventOutcome::nack(false, std::move(failure.message))
                    : EventOutcome::fail(std::move(failure.type), std::move(failure.message), std::move(failure.trace));
      break;
    }
    case SPK_CMD_RESULT: {
      const Value nodes = checked_nodes(command.body.ptr, command.body.len);
      auto event = nodes ? cloudevents::from_json(nodes) : Result<cloudevents::Event>(invalid_argument("malformed nodes"));
      if (event.ok()) {
        outcome = EventOutcome::reply(std::move(*event));
      } else {
        outcome = EventOutcome::fail("PortError", "RESULT: " + event.error().message());
        result = refuse("RESULT: not a CloudEvent");
      }
      break;
    }
    default: return refuse("an event takes ACK, NACK, RETRY, FAIL or RESULT");
  }
  OwedEvent owed = std::move(at->second);
  events_.erase(at);
  owed.source->complete(owed.ticket, std::move(outcome));
  no_longer_owed(owed.waits);
  return result;
}

}  // namespace spikard::abi
