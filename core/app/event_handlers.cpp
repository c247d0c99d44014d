#include "app/event_handlers.hpp"

#include <exception>
#include <typeinfo>

namespace spikard::app {
namespace {

cloudevents::EventOutcome failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return cloudevents::EventOutcome::fail(typeid(e).name(), e.what());
  } catch (...) {
    return cloudevents::EventOutcome::fail("exception", "something that is no std::exception");
  }
}

}  // namespace

EventHandlers::EventHandlers(net::Loop& loop, std::shared_ptr<const std::vector<Handler>> handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

EventHandlers::~EventHandlers() {
  auto tokens = std::move(running_->tokens);
  running_->tokens.clear();
  for (auto& [key, source] : tokens) source.cancel(CancelReason::shutdown);
}

void EventHandlers::on_event(std::uint64_t ticket, cloudevents::Delivery delivery, cloudevents::EventSource& source) {
  if (delivery.handler >= handlers_->size()) {
    return source.complete(ticket,
                           cloudevents::EventOutcome::fail("handler", "there is no handler " + std::to_string(delivery.handler)));
  }
  const Key key{&source, ticket};
  const auto [at, added] = running_->tokens.try_emplace(key);
  const CancelToken token = at->second.token();
  Task<cloudevents::EventOutcome> task;
  try {
    task = (*handlers_)[delivery.handler](std::move(delivery), loop_).with_token(token);
  } catch (...) {
    running_->tokens.erase(key);
    return source.complete(ticket, failure(std::current_exception()));
  }
  spawn(std::move(task), [running = std::weak_ptr<Running>(running_), handlers = handlers_, key](
                             std::exception_ptr error, std::optional<cloudevents::EventOutcome> outcome) {
    const auto there = running.lock();
    if (there == nullptr || there->tokens.erase(key) == 0) return;
    key.first->complete(key.second, error ? failure(error) : std::move(*outcome));
  });
}

void EventHandlers::on_cancel(std::uint64_t ticket, cloudevents::EventSource& source, CancelReason reason) {
  const auto found = running_->tokens.find({&source, ticket});
  if (found == running_->tokens.end()) return;
  const CancelToken held = found->second.token();  // the callbacks may end the handler, which takes its entry away
  found->second.cancel(reason);
}

}  // namespace spikard::app
