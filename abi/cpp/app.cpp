#include "spikard/app.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "app/application.hpp"
#include "app/process_config.hpp"
#include "base/json.hpp"
#include "dispatcher.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard {

App::App() : App(services::Manifest{}) {}
App::App(services::Manifest manifest) : state_(std::make_shared<State>()) {
  state_->manifest = std::move(manifest);
  if (!state_->manifest.http) state_->manifest.http.emplace();
}
App::App(App&&) noexcept = default;
App& App::operator=(App&&) noexcept = default;
App::~App() = default;

services::Manifest& App::manifest() noexcept { return state_->manifest; }
services::HttpConfig& App::http() noexcept { return *state_->manifest.http; }
services::Route& App::RouteRef::spec() { return app_.http().routes[index_]; }

App::RouteRef& App::RouteRef::accepts(std::vector<std::string> content_types) {
  if (!spec().body) spec().body.emplace();
  spec().body->content_types = std::move(content_types);
  return *this;
}

App::RouteRef App::add(services::Route spec, detail::Handler handler) {
  http().routes.push_back(std::move(spec));
  state_->handlers.push_back(std::move(handler));
  return {*this, http().routes.size() - 1};
}

App& App::add_hook(http::HookPhase phase, HookFunction fn) {
  services::Hooks& names = http().hooks;
  std::vector<std::string>* list[] = {&names.on_request, &names.pre_validation, &names.pre_handler, &names.on_response,
                                      &names.on_error};
  auto& functions = state_->hooks[static_cast<std::size_t>(phase)];
  list[static_cast<std::size_t>(phase)]->push_back("hook" + std::to_string(functions.size()));
  functions.push_back(std::move(fn));
  return *this;
}

services::EventEndpoint& App::event_endpoint(std::string path) {
  auto& endpoints = manifest().events;
  for (services::EventEndpoint& endpoint : endpoints) {
    if (endpoint.path == path) return endpoint;
  }
  endpoints.emplace_back().path = std::move(path);
  return endpoints.back();
}

services::EventConsumer& App::event_consumer(std::string topic) {
  auto& consumers = manifest().event_consumers;
  for (services::EventConsumer& one : consumers) {
    if (one.consumer.topic == topic) return one;
  }
  services::EventConsumer& made = consumers.emplace_back();
  made.consumer.name = "events " + topic;
  made.consumer.topic = std::move(topic);
  return made;
}

std::uint32_t App::add_event_handler(detail::EventHandler handler) {
  state_->events.push_back(std::move(handler));
  return static_cast<std::uint32_t>(state_->events.size() - 1);
}

services::Dependency App::make_dependency(services::Dependency spec, RawFactory make, RawCleanup cleanup) {
  spec.id = static_cast<std::uint32_t>(state_->factories.size());
  spec.kind = services::DependencyKind::factory;
  spec.cleanup = true;  // the core tells us when the object is done with, and so it is freed
  state_->factories.push_back({std::move(make), std::move(cleanup), nullptr});
  return spec;
}

services::Dependency App::make_value(services::Dependency spec, std::shared_ptr<void> object) {
  spec.id = static_cast<std::uint32_t>(state_->factories.size());
  spec.kind = services::DependencyKind::value;
  auto injected = std::make_unique<detail::Injected>(detail::Injected{std::move(object)});
  spec.token = reinterpret_cast<std::uintptr_t>(injected.get());
  state_->factories.push_back({nullptr, nullptr, std::move(injected)});
  return spec;
}

App& App::add_value(services::Dependency spec, std::shared_ptr<void> object) {
  http().dependencies.push_back(make_value(std::move(spec), std::move(object)));
  return *this;
}

App& App::add_consumer(services::Consumer spec, detail::WorkHandler handler) {
  if (spec.name.empty()) spec.name = spec.group.empty() ? spec.topic : spec.group + ":" + spec.topic;
  manifest().consumers.push_back(std::move(spec));
  state_->consumers.push_back(std::move(handler));
  return *this;
}

App& App::add_task(std::string name, std::string queue, detail::WorkHandler handler) {
  auto& workers = manifest().workers;
  const auto of_queue = [&](const services::Worker& w) { return w.queue == queue; };
  auto worker = std::find_if(workers.begin(), workers.end(), of_queue);
  if (worker == workers.end()) {
    services::Worker spec;
    spec.name = spec.queue = queue;
    worker = workers.insert(workers.end(), std::move(spec));
  }
  worker->tasks.push_back(name);
  state_->tasks[queue][std::move(name)] = std::move(handler);
  return *this;
}

App& App::worker(services::Worker spec) {
  auto& workers = manifest().workers;
  const auto there =
      std::find_if(workers.begin(), workers.end(), [&](const services::Worker& w) { return w.queue == spec.queue; });
  if (spec.name.empty()) spec.name = spec.queue;
  if (there == workers.end()) {
    workers.push_back(std::move(spec));
  } else {
    if (spec.tasks.empty()) spec.tasks = std::move(there->tasks);
    *there = std::move(spec);
  }
  return *this;
}

App& App::schedule(std::string name, std::string cron, std::string task, services::Schedule more) {
  more.name = std::move(name);
  more.cron = std::move(cron);
  more.task = std::move(task);
  manifest().schedules.push_back(std::move(more));
  return *this;
}

Function<std::unique_ptr<worker_loop::WorkSink>(const app::WorkOrigin&)> App::make_work_sink(app::Application& application,
                                                                                             std::vector<net::Loop*> loops) {
  return [state = state_, &application,
          loops = std::move(loops)](const app::WorkOrigin& origin) -> std::unique_ptr<worker_loop::WorkSink> {
    const auto loop_of_thread = [loops]() -> net::Loop& {
      for (net::Loop* loop : loops) {
        if (loop->on_thread()) return *loop;
      }
      return *loops.front();
    };
    worker_loop::TaskSink::Handler handler;
    if (origin.kind == app::WorkOrigin::Kind::message) {
      handler = [state, &application, loop_of_thread, index = origin.index](std::shared_ptr<const worker_loop::WorkItem> item) {
        return state->consumers[index](std::move(item), application, loop_of_thread());
      };
    } else {
      const std::string queue = application.manifest().workers[origin.index].queue;
      handler = [state, &application, loop_of_thread, queue](std::shared_ptr<const worker_loop::WorkItem> item) {
        return state->tasks.at(queue).at(item->name)(item, application, loop_of_thread());
      };
    }
    return std::make_unique<worker_loop::TaskSink>(loops, std::move(handler));
  };
}

App& App::listen(std::uint16_t port, std::string address) {
  services::Listener listener;
  listener.address = std::move(address);
  listener.port = port;
  http().listeners.push_back(std::move(listener));
  return *this;
}

Result<std::shared_ptr<app::Application>> App::build() { return build(app::ApplicationOptions{}); }

Result<std::shared_ptr<app::Application>> App::build(app::ApplicationOptions options, bool in_memory) {
  for (std::size_t i = 0; i < state_->handlers.size(); ++i) {
    if (!http().routes[i].blocking) continue;
    detail::Handler& handler = state_->handlers[i];
    if (handler.run_blocking) handler.run = std::exchange(handler.run_blocking, {});
    if (!handler.on_pool_possible) {
      return invalid_argument(
          "http.routes[" + std::to_string(i) +
          "].blocking: expected a plain function of typed parameters (no Context, Request, RawBody or BodyStream)");
    }
  }
  services::Manifest manifest = state_->manifest;
  if (in_memory) {
    manifest.http->listeners.clear();
    manifest.in_memory_stores = true;
  }
  auto application = app::Application::create(std::move(manifest), std::move(options));
  if (application.ok()) state_->running = *application;
  return application;
}

std::unique_ptr<http::Sink> App::make_sink(app::Application& application, app::IoUnit& unit) {
  auto dispatcher = std::make_unique<detail::Dispatcher>(state_, application, unit);
  unit.handle_events(dispatcher->events());
  return dispatcher;
}

void App::stop() {
  if (const auto application = state_->running.lock()) application->drain();
}

int App::run() {
  if (const char* print = std::getenv("SPIKARD_PRINT_MANIFEST"); print != nullptr && std::strcmp(print, "1") == 0) {
    NodeBuilder stated;
    services::to_nodes(manifest(), stated);
    std::printf("%s\n", json::to_string(stated.root()).c_str());
    return 0;
  }
  auto sources = app::process_config();
  NodeBuilder stated;
  services::to_nodes(manifest(), stated);
  auto configured =
      sources.ok() ? app::configured_manifest(stated.root(), *sources) : Result<services::Manifest>(sources.error());
  if (!configured.ok()) {
    std::fprintf(stderr, "%s\n", configured.error().message().c_str());
    return 78;  // EX_CONFIG
  }
  manifest() = std::move(configured).value();
  app::ApplicationOptions options;
  options.environment = std::move(sources->environment);
  auto application = build(std::move(options));
  if (!application.ok()) {
    std::fprintf(stderr, "%s\n", application.error().message().c_str());
    return 78;  // EX_CONFIG
  }
  auto code = (*application)
                  ->run([this, app = application->get()](app::IoUnit& unit) { return make_sink(*app, unit); },
                        [this, app = application->get()](std::vector<net::Loop*> loops) {
                          return make_work_sink(*app, std::move(loops));
                        });
  if (!code.ok()) {
    std::fprintf(stderr, "%s\n", code.error().to_string().c_str());
    return 1;
  }
  // A blocking handler that was abandoned may still be running: then nothing it uses may be destroyed, and joining it would keep
  // the process alive.
  if (*code != 0) new std::pair(state_, *application);
  return *code;
}

}  // namespace spikard
