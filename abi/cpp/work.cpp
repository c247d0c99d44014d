#include "spikard/work.hpp"

#include <stdexcept>

#include "app/application.hpp"
#include "app/clients.hpp"
#include "base/json.hpp"
#include "tasks/worker.hpp"
#include "validation/schema.hpp"

namespace spikard {

telemetry::SpanContext Work::trace() const { return item_->trace; }

std::optional<std::string_view> Work::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : item_->headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<WallTime> TaskRun::scheduled_at() const noexcept {
  const tasks::Millis at = tasks::job_of(item()).scheduled_at;
  if (at == 0) return std::nullopt;
  return WallTime(std::chrono::milliseconds(at));
}

namespace detail {
namespace {
template <class T>
T& opened(Result<std::shared_ptr<T>> client) {
  // The application keeps it for as long as it lives.
  if (!client.ok()) throw std::runtime_error(client.error().message());
  return **client;
}
}  // namespace

net::BlockingPool& blocking_pool(app::Application& application) { return application.pool(); }
telemetry::Tracer tracer_of(app::Application& application) { return application.telemetry().tracer(); }
const telemetry::Logger& logger_of(app::Application& application) { return application.telemetry().logger(); }

cache::Client& cache_of(app::Application& application, std::string_view name) {
  return opened(application.clients().cache(name));
}
storage::Client& storage_of(app::Application& application, std::string_view name) {
  return opened(application.clients().storage(name));
}
db::Client& db_of(app::Application& application, std::string_view name) { return opened(application.clients().db(name)); }
messaging::Client& messaging_of(app::Application& application, std::string_view name) {
  return opened(application.clients().messaging(name));
}
tasks::Client& tasks_of(app::Application& application, std::string_view name) {
  return opened(application.clients().tasks(name));
}
app::EventClient& events_of(app::Application& application, std::string_view name) {
  return opened(application.clients().events(name));
}

struct PayloadReader::State {
  std::optional<validation::Schema> schema;
};

PayloadReader::PayloadReader(Document schema) {
  auto state = std::make_shared<State>();
  if (!schema.empty()) {
    auto compiled = validation::Schema::compile(schema.root());
    if (!compiled.ok()) throw std::invalid_argument(compiled.error().message());
    state->schema = std::move(compiled).value();
  }
  state_ = std::move(state);
}

Result<Document> PayloadReader::read(std::string_view payload) const {
  // Nothing at all is null: a message without a payload, a task without arguments.
  auto document = json::parse(payload.empty() ? std::string_view("null") : payload);
  if (!document.ok()) return invalid_argument("the payload is not JSON: " + document.error().message());
  if (!state_->schema) return document;
  validation::Issues issues;
  if (!state_->schema->check(document->root(), {}, issues)) {
    issues.sort();
    std::string text;
    for (const validation::Issue& issue : issues.list()) {
      if (!text.empty()) text += "; ";
      for (const std::string& segment : issue.loc) text += segment + (&segment == &issue.loc.back() ? ": " : ".");
      text += issue.msg;
    }
    return invalid_argument(text);
  }
  if (!state_->schema->has_defaults()) return document;
  NodeBuilder out;
  state_->schema->with_defaults(document->root(), out);
  return Document(std::move(out));
}

}  // namespace detail
}  // namespace spikard
