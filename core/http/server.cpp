#include "http/server.hpp"

#include <algorithm>
#include <random>

#include "http/server_impl.hpp"

namespace spikard::http {
namespace detail {
namespace {

constexpr std::size_t spare_buffers = 256;
constexpr std::size_t buffer_limit = 256 * 1024;
constexpr std::size_t spare_encoders = 4;
/// Rounds of read on, handle, write in one turn before other descriptors get theirs.
constexpr int rounds_a_turn = 8;

}  // namespace

ServerImpl::ServerImpl(net::Loop& on, std::shared_ptr<const CompiledHttp> http, Sink& to, ServerOptions options,
                       std::unique_ptr<BlockPool> pool)
    : loop(on),
      app(std::move(http)),
      plan(app->detail()),
      sink(to),
      singletons(options.singletons != nullptr ? options.singletons : make_singletons()),
      blocks(std::move(pool)),
      pairs(std::make_unique<ViewPair[]>(std::max<std::uint32_t>(plan.head_limits.header_count, 1))),
      self(std::make_shared<ServerImpl*>(this)),
      options_(std::move(options)) {
  std::random_device seed;
  if (options_.telemetry != nullptr) telemetry = std::make_unique<RequestTelemetry>(options_.telemetry, plan, loop);
  for (std::uint64_t& word : random_) word = std::uint64_t{seed()} << 32 | seed();
}

ServerImpl::~ServerImpl() { close(); }

void ServerImpl::on_turn_end() {
  if (closed_) return;
  bool more = true;
  for (int round = 0; more && round < rounds_a_turn; ++round) more = run_phases();
  // One that is still listed for the next round stays until then.
  std::erase_if(buried_, [](const std::unique_ptr<Connection>& c) { return !c->dirty && !c->pumping; });
  if (more || !buried_.empty()) loop.at_turn_end(*this);
  check_idle();
}

void ServerImpl::flush() {
  if (!closed_ && !in_phases_ && run_phases()) loop.at_turn_end(*this);
}

/// Read on where reading had stopped, handle, write. True when there is more to do.
bool ServerImpl::run_phases() {
  in_phases_ = true;
  if (!pumps_.empty()) {
    round_.swap(pumps_);
    for (Connection* connection : round_) connection->pumping = false;
    for (Connection* connection : round_) connection->pump();
    round_.clear();
  }
  ServerExchange* ready = ready_first_;
  ready_first_ = ready_last_ = nullptr;
  const bool handled = ready != nullptr;
  while (ready != nullptr) {
    ServerExchange* exchange = ready;
    ready = exchange->ready_next;
    exchange->ready_next = nullptr;
    exchange->queued = false;
    exchange->advance();
    if (closed_) break;
  }
  if (handled && !closed_) sink.on_batch_end();
  round_.swap(writes_);
  for (Connection* connection : round_) connection->dirty = false;
  for (Connection* connection : round_) connection->flush();
  round_.clear();
  in_phases_ = false;
  return !closed_ && (ready_first_ != nullptr || !pumps_.empty() || !writes_.empty());
}

void ServerImpl::queue_ready(ServerExchange& exchange) {
  if (exchange.queued || closed_) return;
  exchange.queued = true;
  exchange.ready_next = nullptr;
  if (ready_first_ == nullptr) ready_first_ = &exchange;
  else ready_last_->ready_next = &exchange;
  ready_last_ = &exchange;
  loop.at_turn_end(*this);
}

void ServerImpl::queue_pump(Connection& connection) {
  if (connection.pumping || closed_) return;
  connection.pumping = true;
  pumps_.push_back(&connection);
  loop.at_turn_end(*this);
}

void ServerImpl::queue_write(Connection& connection) {
  if (connection.dirty || closed_) return;
  connection.dirty = true;
  writes_.push_back(&connection);
  loop.at_turn_end(*this);
}

void ServerImpl::adopt(std::unique_ptr<net::Transport> transport) {
  if (closed_) return;
  if (connections_.size() >= plan.config.limits.connections) {
    waiting_.push_back(std::move(transport));
    return;
  }
  admit(std::move(transport));
}

void ServerImpl::admit(std::unique_ptr<net::Transport> transport) {
  auto connection = std::make_unique<Connection>(*this, std::move(transport));
  if (!connection->start()) return;
  connection->index = connections_.size();
  connections_.push_back(std::move(connection));
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
  if (draining_) connections_.back()->begin_drain();
}

void ServerImpl::bury(Connection& connection) {
  // It may be on the stack, in a list of this turn, or both: it goes at the end of a turn.
  const std::size_t index = connection.index;
  if (index < connections_.size() && connections_[index].get() == &connection) {
    buried_.push_back(std::move(connections_[index]));
    if (index + 1 != connections_.size()) {
      connections_[index] = std::move(connections_.back());
      connections_[index]->index = index;
    }
    connections_.pop_back();
  }
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
  if (closed_) return;
  loop.at_turn_end(*this);
  if (!waiting_.empty()) {
    auto transport = std::move(waiting_.front());
    waiting_.pop_front();
    admit(std::move(transport));
  }
}

Result<void> ServerImpl::listen(std::unique_ptr<net::Listener> listener) {
  SPIKARD_TRY(listener->start(loop, [this](std::unique_ptr<net::Transport> transport) { adopt(std::move(transport)); }));
  listeners_.push_back(std::move(listener));
  return {};
}

ServerExchange& ServerImpl::open_exchange(Connection* connection, Block* block) {
  if (free_exchanges_.empty()) {
    const auto slot = static_cast<std::uint32_t>(exchanges_.size());
    exchanges_.push_back(std::make_unique<ServerExchange>(*this, slot));
    free_exchanges_.push_back(slot);
  }
  ServerExchange& exchange = *exchanges_[free_exchanges_.back()];
  free_exchanges_.pop_back();
  exchange.open(connection, block);
  add(in_flight_, 1);
  return exchange;
}

void ServerImpl::close_exchange(ServerExchange& exchange) {
  if (exchange.block != nullptr && !exchange.block->held) blocks->give(exchange.block);
  exchange.block = nullptr;
  free_exchanges_.push_back(exchange.slot());
  in_flight_.store(in_flight_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  if (!on_idle_.empty()) loop.at_turn_end(*this);
}

ServerExchange* ServerImpl::find(std::uint64_t id) noexcept {
  const auto slot = static_cast<std::uint32_t>(id);
  if (slot >= exchanges_.size()) return nullptr;
  ServerExchange& exchange = *exchanges_[slot];
  return exchange.free() || exchange.id() != id ? nullptr : &exchange;
}

const RequestRecord* ServerImpl::hold(Exchange& exchange) {
  Block* block = Block::of(&exchange.record());
  block->held = true;
  return &block->record();
}

void ServerImpl::release(const RequestRecord* record) {
  Block* block = Block::of(record);
  if (!block->held) return;
  block->held = false;
  // Still its exchange's? Then that gives it back.
  const ServerExchange* exchange = find(record->id);
  if (exchange == nullptr || exchange->block != block) blocks->give(block);
}

std::string ServerImpl::take_buffer() {
  if (buffers_.empty()) {
    std::string fresh;
    fresh.reserve(4096);
    return fresh;
  }
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void ServerImpl::give_buffer(std::string&& buffer) {
  if (buffers_.size() >= spare_buffers || buffer.capacity() > buffer_limit) return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

bool ServerImpl::encode(Coding coding, std::string_view body) {
  std::unique_ptr<Encoder> encoder = take_encoder(coding);
  scratch_coded.clear();
  if (scratch_coded.capacity() > buffer_limit) scratch_coded.shrink_to_fit();
  if (encoder == nullptr || !encoder->feed(body, Encoder::Step::finish, scratch_coded)) return false;
  give_encoder(coding, std::move(encoder));
  return true;
}

std::unique_ptr<Encoder> ServerImpl::take_encoder(Coding coding) {
  auto& spare = encoders_[static_cast<std::size_t>(coding)];
  if (spare.empty()) return Encoder::make(coding, plan.config.compression->quality);
  std::unique_ptr<Encoder> encoder = std::move(spare.back());
  spare.pop_back();
  return encoder;
}

void ServerImpl::give_encoder(Coding coding, std::unique_ptr<Encoder> encoder) {
  auto& spare = encoders_[static_cast<std::size_t>(coding)];
  if (spare.size() < spare_encoders && encoder->reset()) spare.push_back(std::move(encoder));
}

bool ServerImpl::is_ready() { return options_.ready ? options_.ready() : !draining_; }

void ServerImpl::failed(ServerExchange& exchange, const Failure& failure) {
  if (telemetry != nullptr) telemetry->failure(exchange.observed, failure);
  if (options_.on_failure) options_.on_failure(exchange, failure);
}

/// A version 4 UUID: it must be unique, not secret.
void ServerImpl::make_request_id(std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t words[2];
  for (std::uint64_t& word : words) {  // xorshift128+
    std::uint64_t a = random_[0];
    const std::uint64_t b = random_[1];
    random_[0] = b;
    a ^= a << 23;
    random_[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    word = random_[1] + b;
  }
  words[0] = (words[0] & ~std::uint64_t{0xf000}) | 0x4000;
  words[1] = (words[1] & ~(std::uint64_t{3} << 62)) | std::uint64_t{2} << 62;
  out.clear();
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    out.push_back(digits[words[i / 16] >> (60 - 4 * (i % 16)) & 15]);
  }
}

void ServerImpl::stop_accepting() {
  accepting_ = false;
  for (auto& listener : listeners_) listener->drain();
}

void ServerImpl::begin_drain() {
  if (draining_ || closed_) return;
  draining_ = true;
  while (!waiting_.empty()) {
    auto transport = std::move(waiting_.front());
    waiting_.pop_front();
    admit(std::move(transport));
  }
  std::vector<Connection*> all;
  for (auto& connection : connections_) all.push_back(connection.get());
  for (Connection* connection : all) connection->begin_drain();
  loop.at_turn_end(*this);
}

void ServerImpl::when_idle(Function<void()> fn) {
  on_idle_.push_back(std::move(fn));
  check_idle();
}

void ServerImpl::check_idle() {
  if (on_idle_.empty()) return;
  if (in_flight_.load(std::memory_order_relaxed) != 0) return;
  for (const auto& connection : connections_) {
    if (connection->busy()) return;
  }
  std::vector<Function<void()>> run;
  run.swap(on_idle_);
  for (Function<void()>& fn : run) fn();
}

void ServerImpl::cancel_all(CancelReason reason) {
  for (std::size_t i = 0; i < exchanges_.size(); ++i) {
    if (!exchanges_[i]->free()) exchanges_[i]->cancel_now(reason);
  }
  loop.at_turn_end(*this);
}

void ServerImpl::dispose_singletons(Function<void()> done) {
  disposed_ = std::move(done);
  disposing_ = singletons->take_disposables();
  std::reverse(disposing_.begin(), disposing_.end());  // taken from the back
  dispose_next();
}

void ServerImpl::dispose_next() {
  if (disposing_.empty()) {
    Function<void()> done = std::move(disposed_);
    if (done) done();
    return;
  }
  const Singletons::Disposable one = disposing_.back();
  disposing_.pop_back();
  Block* block = blocks->take();
  if (block == nullptr) return dispose_next();
  ServerExchange& exchange = open_exchange(nullptr, block);
  block->record().id = exchange.id();
  exchange.dispose_alone(one.dependency, one.token, [weak = std::weak_ptr(self)] {
    if (const auto server = weak.lock()) (*server)->dispose_next();
  });
}

void ServerImpl::close() {
  if (closed_) return;
  closed_ = true;
  *self = nullptr;
  self.reset();
  singletons->forget(this);
  for (auto& listener : listeners_) listener->close();
  waiting_.clear();
  while (!connections_.empty()) connections_.back()->shut();
  // What is owed still is forgotten with its exchanges.
  for (auto& exchange : exchanges_) {
    if (!exchange->free()) {
      add(abandoned_, exchange->answered_already() ? 0 : 1);
      exchange->forget();
    }
  }
  on_idle_.clear();  // buried connections may be on the stack: they go with the server
}

ServerCounts ServerImpl::counts() const noexcept {
  return {finished_.load(std::memory_order_relaxed), abandoned_.load(std::memory_order_relaxed),
          in_flight_.load(std::memory_order_relaxed), connection_count_.load(std::memory_order_relaxed)};
}

}  // namespace detail

Server::Server(std::unique_ptr<detail::ServerImpl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(net::Loop& loop, std::shared_ptr<const CompiledHttp> app, Sink& sink,
                                               ServerOptions options) {
  auto blocks = BlockPool::create();
  if (!blocks.ok()) return std::move(blocks).error();
  return std::unique_ptr<Server>(
      new Server(std::make_unique<detail::ServerImpl>(loop, std::move(app), sink, std::move(options), std::move(*blocks))));
}

Result<void> Server::listen(std::unique_ptr<net::Listener> listener) { return impl_->listen(std::move(listener)); }
void Server::adopt(std::unique_ptr<net::Transport> transport) { impl_->adopt(std::move(transport)); }
Exchange* Server::find(std::uint64_t id) noexcept { return impl_->find(id); }
void Server::flush() { impl_->flush(); }
const RequestRecord* Server::hold(Exchange& exchange) { return impl_->hold(exchange); }
void Server::release(const RequestRecord* record) { impl_->release(record); }
std::pair<const void*, std::size_t> Server::region() const noexcept { return impl_->blocks->region(); }
void Server::stop_accepting() { impl_->stop_accepting(); }
void Server::begin_drain() { impl_->begin_drain(); }
void Server::when_idle(Function<void()> fn) { impl_->when_idle(std::move(fn)); }
void Server::cancel_all(CancelReason reason) { impl_->cancel_all(reason); }
void Server::dispose_singletons(Function<void()> done) { impl_->dispose_singletons(std::move(done)); }
void Server::close() { impl_->close(); }
ServerCounts Server::counts() const noexcept { return impl_->counts(); }

}  // namespace spikard::http
