// Dependencies of one request, opened one by one in the plan's order, closed in reverse after the answer was made.
#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/server_impl.hpp"

namespace spikard::http::detail {

bool ServerExchange::resolve() {
  const std::vector<DiStep>& steps = route->dependencies.steps;
  if (slots_.size() != steps.size()) {
    slots_.assign(steps.size(), {});
    step_ = 0;
  }
  while (step_ < steps.size()) {
    const DiStep& step = steps[step_];
    Slot& slot = slots_[step_];
    if (step.kind == services::DependencyKind::value) {
      slot.token = step.token;
      slot.there = true;
      ++step_;
      continue;
    }
    if (step.owner != DiStep::nobody) {
      if (!claim(step.owner)) return false;
      if (slots_[step.owner].there) {
        ++step_;
        continue;
      }
    }
    if (step.scope == services::DependencyScope::singleton) {
      if (!claim(step_)) return false;
      if (slot.there) {
        ++step_;
        continue;
      }
    }
    arguments_.clear();
    for (const std::uint32_t argument : step.arguments) arguments_.push_back(slots_[argument].token);
    block->record().size = used;
    owed_other_ = Other::factory;
    server_.sink.on_factory(*this, step.dependency, arguments_);
    if (owed_other_ == Other::factory || dead_ || phase_ != Phase::dependencies) return false;
  }
  return types_fit() && write_dependencies();
}

bool ServerExchange::claim(std::uint32_t at) {
  Slot& slot = slots_[at];
  if (slot.there || slot.claimed) return true;
  const DiStep& step = route->dependencies.steps[at];
  Singletons::Made made;
  // Called on any thread while this server is open (close() forgets it); the post may come to find the server closed or the id
  // stale.
  Function<void()> wake = [loop = &server_.loop, weak = std::weak_ptr(server_.self), id = id()] {
    loop->post([weak, id] {
      const auto server = weak.lock();
      if (server == nullptr || *server == nullptr) return;
      if (ServerExchange* exchange = (*server)->find(id)) (*server)->queue_ready(*exchange);
    });
  };
  switch (server_.singletons->claim(step.dependency, made, &server_, std::move(wake))) {
    case Singletons::State::made:
      slot.token = made.token;
      slot.type = std::move(made.type);
      slot.there = true;
      return true;
    case Singletons::State::claimed: slot.claimed = true; return true;
    case Singletons::State::waiting: return false;
  }
  return false;
}

void ServerExchange::factory_done(std::uint64_t token, std::string_view type) {
  if (owed_other_ != Other::factory) return;
  owed_other_ = Other::nothing;
  const DiStep& step = route->dependencies.steps[step_];
  Slot& slot = slots_[step_];
  slot.token = token;
  slot.type = type;
  slot.there = true;
  slot.disposes = step.cleanup;
  const bool singleton = step.scope == services::DependencyScope::singleton;
  if (singleton || step.owner != DiStep::nobody) {
    slot.disposes = false;
    if (step.cleanup) server_.singletons->note({step.dependency, token});
  }
  if (singleton) {
    slot.claimed = false;
    server_.singletons->done(step.dependency, {token, std::string(type)});
  }
  if (dead_) return settled();
  ++step_;
  if (!in_advance_) queue();
}

bool ServerExchange::types_fit() {
  std::vector<DiProblem> wrong;
  const DiPlan& plan = route->dependencies;
  for (std::size_t i = 0; i < plan.inject.size() && i < route->inject_types.size(); ++i) {
    if (!route->inject_types[i]) continue;
    const std::string& actual = slots_[plan.inject[i]].type;
    const std::string_view expected = json_type_name(*route->inject_types[i]);
    if (actual.empty() || actual == expected || (expected == "number" && actual == "integer")) continue;
    wrong.push_back({.type = DiProblem::Type::type_mismatch,
                     .dependency_key = plan.steps[plan.inject[i]].name,
                     .cycle = {},
                     .expected_type = std::string(expected),
                     .actual_type = actual});
  }
  if (wrong.empty()) return true;
  problem(problems::dependency_error, "A dependency has another type than the handler takes", true, 0, di_errors_json(wrong),
          true);
  return false;
}

bool ServerExchange::write_dependencies() {
  const DiPlan& plan = route->dependencies;
  const auto count = static_cast<std::uint32_t>(plan.inject.size());
  const std::uint32_t at = append(count * sizeof(std::uint64_t), alignof(std::uint64_t));
  if (at == 0) {
    no_memory();
    return false;
  }
  auto* tokens = reinterpret_cast<std::uint64_t*>(block->base() + at);
  for (std::uint32_t i = 0; i < count; ++i) tokens[i] = slots_[plan.inject[i]].token;
  block->record().deps = {at, count};
  return true;
}

void ServerExchange::give_up_claims() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].claimed) continue;
    slots_[i].claimed = false;
    server_.singletons->give_up(route->dependencies.steps[i].dependency);
  }
}

void ServerExchange::dispose() {
  give_up_claims();
  for (std::size_t i = slots_.size(); i > 0; --i) {
    Slot& slot = slots_[i - 1];
    if (!slot.disposes) continue;
    slot.disposes = false;
    owed_other_ = Other::dispose;
    server_.sink.on_dispose(*this, route->dependencies.steps[i - 1].dependency, slot.token);
    if (owed_other_ == Other::dispose) return;
  }
  slots_.clear();
}

void ServerExchange::dispose_done() {
  if (owed_other_ != Other::dispose) return;
  owed_other_ = Other::nothing;
  if (phase_ == Phase::alone) {
    phase_ = Phase::answered;
    complete = true;
    Function<void()> done = std::move(alone_done_);
    if (!in_advance_) queue();
    done();
    return;
  }
  if (!in_advance_) queue();
}

void ServerExchange::dispose_alone(std::uint32_t dependency, std::uint64_t token, Function<void()> done) {
  phase_ = Phase::alone;
  block->record().size = used = sizeof(RequestRecord);
  alone_done_ = std::move(done);
  owed_other_ = Other::dispose;
  server_.sink.on_dispose(*this, dependency, token);
}

}  // namespace spikard::http::detail
