#include "messaging/mqtt/inbox.hpp"

#include <algorithm>

namespace spikard::messaging::mqtt {
namespace {

constexpr std::size_t max_batch = 256;              // messages stored in one transaction
constexpr std::size_t max_batch_bytes = 4U << 20U;  // of those, about
constexpr Duration first_wait = std::chrono::milliseconds(100);
constexpr Duration last_wait = std::chrono::seconds(2);

}  // namespace

Inbox::Inbox(net::Loop& loop, Clock& clock, MqttOptions options, Setup setup, std::shared_ptr<Backend> store)
    : loop_(loop), clock_(clock), options_(std::move(options)), setup_(std::move(setup)), store_(std::move(store)) {}

void Inbox::use(Done done) {
  if (closed_) return done(Error(ErrorKind::unavailable, "the MQTT client was closed").with_operation("messaging.mqtt"));
  ++users_;
  if (state_ == State::on) return done(Result<void>());
  starting_.push_back(std::move(done));
  if (state_ == State::off) begin();
}

void Inbox::begin() {
  state_ = State::starting;
  client_ = std::make_shared<net::mqtt::Client>(loop_, setup_.client);
  client_->on_message([weak = weak_from_this()](net::mqtt::Publish publish, net::mqtt::Delivery delivery) {
    if (const auto self = weak.lock()) self->arrived(std::move(publish), delivery);
  });
  client_->start([self = shared_from_this()](Result<void> up) {
    if (!up.ok()) return self->began(std::move(up));
    net::mqtt::Filter filter;
    filter.filter = self->setup_.filter;
    filter.qos = self->options_.qos;
    filter.retain_as_published = true;
    filter.retain_handling = 1;
    self->client_->subscribe(std::move(filter), [self](Result<void> granted) { self->began(std::move(granted)); });
  });
}

void Inbox::began(Result<void> how) {
  if (state_ != State::starting) return;
  std::vector<Done> told = std::exchange(starting_, {});
  if (how.ok()) {
    state_ = State::on;
  } else {
    users_ -= std::min(users_, told.size());
    end();
  }
  for (Done& done : told) done(how.ok() ? Result<void>() : Result<void>(how.error()));
  if (how.ok() && users_ == 0) end();
}

void Inbox::leave(Done done) {
  if (users_ > 0) --users_;
  if (users_ > 0 || state_ == State::off) return done(Result<void>());
  leaving_.push_back(std::move(done));
  if (state_ == State::on) end();
}

void Inbox::end() {
  state_ = State::stopping;
  auto after = [self = shared_from_this()] {
    if (self->client_ == nullptr) return;
    self->client_->stop([self] {
      self->client_.reset();
      self->state_ = State::off;
      // What came in meanwhile was not acknowledged: the broker has it.
      self->arrived_.clear();
      for (Done& done : std::exchange(self->leaving_, {})) done(Result<void>());
      for (Function<void()>& done : std::exchange(self->stopped_, {})) done();
      if (self->closed_) {
        for (Done& done : std::exchange(self->starting_, {}))
          done(Error(ErrorKind::unavailable, "the MQTT client was closed").with_operation("messaging.mqtt"));
        return;
      }
      if (self->starting_.empty()) return;
      self->begin();
    });
  };
  if (!pumping_) after();
  else resting_.push_back(std::move(after));
}

void Inbox::stop(Function<void()> done) {
  closed_ = true;
  if (state_ == State::off) return done();
  stopped_.push_back(std::move(done));
  if (state_ != State::stopping) end();
}

void Inbox::settle(Done done) {
  if (state_ != State::on) return done(Result<void>());
  settle_again(client_->session().received(), std::move(done));
}

void Inbox::settle_again(std::uint64_t before, Done done) {
  client_->ping([self = shared_from_this(), before, done = std::move(done)](Result<void> seen) mutable {
    if (!seen.ok()) return done(std::move(seen));
    auto after = [self, before, done = std::move(done)]() mutable {
      if (self->state_ != State::on) return done(Result<void>());
      const std::uint64_t now = self->client_->session().received();
      // Acknowledging made room for more.
      if (now != before) return self->settle_again(now, std::move(done));
      done(Result<void>());
    };
    if (!self->pumping_) after();
    else self->resting_.push_back(std::move(after));
  });
}

void Inbox::arrived(net::mqtt::Publish publish, net::mqtt::Delivery delivery) {
  Arrived one{from_publish(std::move(publish), options_), delivery, client_};
  one.message.topic.insert(0, setup_.store_topic);
  arrived_.push_back(std::move(one));
  if (std::exchange(pumping_, true)) return;
  busy_.emplace(clock_);
  // With the others of this turn.
  loop_.post([self = shared_from_this()] { spawn(self->pump(), [self](const std::exception_ptr&) { self->rest(); }); });
}

void Inbox::rest() {
  pumping_ = false;
  busy_.reset();
  for (Function<void()>& one : std::exchange(resting_, {})) one();
}

Task<> Inbox::pump() {
  Duration wait = first_wait;
  while (!arrived_.empty()) {
    std::vector<Message> batch;
    std::size_t bytes = 0;
    for (const Arrived& one : arrived_) {
      if (batch.size() == max_batch || bytes > max_batch_bytes) break;
      bytes += one.message.payload.size();
      batch.push_back(one.message);
    }
    const std::size_t count = batch.size();
    const std::shared_ptr<net::mqtt::Client> client = arrived_.front().client;
    Result<std::vector<std::uint64_t>> kept = co_await store_->publish(net::Caller(loop_), std::move(batch));
    if (!kept.ok()) {
      // Unacknowledged, so the broker keeps it too.
      if (closed_) co_return;
      Result<void> waited = co_await net::sleep(loop_, wait);
      (void)waited;
      wait = std::min(wait * 2, last_wait);
      continue;
    }
    wait = first_wait;
    stored_.fetch_add(count, std::memory_order_relaxed);
    for (std::size_t i = 0; i < count && !arrived_.empty(); ++i) {
      const Arrived& one = arrived_.front();
      one.client->acknowledge(one.delivery);
      arrived_.pop_front();
    }
  }
}

}  // namespace spikard::messaging::mqtt
