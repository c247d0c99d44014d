#include "tasks/redis/ear.hpp"

namespace spikard::tasks::redis {

std::shared_ptr<Ear> Ear::open(std::shared_ptr<net::redis::Client> client, Names names, std::string sender) {
  std::shared_ptr<Ear> ear(new Ear(std::move(client), std::move(names), std::move(sender)));
  ear->self_ = ear;
  ear->client_->loop().at_end(*ear);
  return ear;
}

Ear::Ear(std::shared_ptr<net::redis::Client> client, Names names, std::string sender)
    : client_(std::move(client)), names_(std::move(names)), sender_(std::move(sender)) {}

Ear::~Ear() {
  for (const Line& line : lines_) {
    if (line.feed != nullptr) line.feed->close();
  }
}

void Ear::on_loop_end() {
  const std::shared_ptr<Ear> last = std::move(self_);
  for (Line& line : lines_) {
    if (line.feed != nullptr) std::exchange(line.feed, nullptr)->close();
  }
}

std::string Ear::channel_of(Backend::Topic topic, const std::string& queue) const {
  switch (topic) {
    case Backend::Topic::queue: return names_.base(queue) + "wake";
    case Backend::Topic::revoked: return names_.of_store("revoked");
    case Backend::Topic::ended: return names_.of_store("ended");
    case Backend::Topic::schedules: return names_.of_store("changed");
  }
  return {};
}

std::shared_ptr<void> Ear::subscribe(Backend::Topic topic, const std::string& queue, Function<void()> fn) {
  const bool ends = topic == Backend::Topic::ended;
  Line& line = lines_[ends ? 1 : 0];
  if (line.channels.emplace(channel_of(topic, queue), std::make_pair(topic, queue)).second && !line.changed) {
    // Several come together at a start: one connection for all of them.
    line.changed = true;
    client_->loop().post([weak = weak_from_this(), ends] {
      if (const auto ear = weak.lock()) ear->listen(ends);
    });
  }
  return heard_.subscribe(client_->loop(), topic, queue, std::move(fn));
}

void Ear::listen(bool ends) {
  Line& line = lines_[ends ? 1 : 0];
  line.changed = false;
  if (client_->closed() || self_ == nullptr) return;
  net::redis::Listening to;
  for (const auto& [channel, what] : line.channels) to.channels.push_back(channel);
  to.on_message = [weak = weak_from_this(), ends](const net::redis::Message& message) {
    const auto ear = weak.lock();
    if (ear == nullptr || message.payload == ear->sender_) return;
    const Line& of = ear->lines_[ends ? 1 : 0];
    if (const auto at = of.channels.find(message.channel); at != of.channels.end())
      ear->heard_.notify(at->second.first, at->second.second);
  };
  to.on_state = [weak = weak_from_this(), ends](bool up) {
    const auto ear = weak.lock();
    if (ear == nullptr || !up) return;
    for (const auto& [channel, what] : ear->lines_[ends ? 1 : 0].channels) ear->heard_.notify(what.first, what.second);
  };
  const std::shared_ptr<net::redis::Feed> before = std::exchange(line.feed, client_->listen(std::move(to)));
  if (before != nullptr) before->close();
}

}  // namespace spikard::tasks::redis
