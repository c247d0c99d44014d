#include "runtime.hpp"

#include <algorithm>

#include "app/process_config.hpp"
#include "services/config_layers.hpp"

namespace spikard::cli {

Result<std::unique_ptr<Runtime>> Runtime::open(app::Subsystem subsystem, const std::string& client, const std::string& url) {
  std::unique_ptr<Runtime> self(new Runtime);
  auto sources = app::process_config();
  if (!sources.ok()) return std::move(sources).error();
  auto layered = services::layered_manifest({}, *sources);
  if (!layered.ok()) return std::move(layered).error();
  // Of the file only the toolbox counts: routes and the like may refer to code that is not here.
  NodeBuilder only;
  only.begin_object();
  if (const Value services = layered->root().find("services")) {
    only.key("services");
    only.copy(services);
  }
  only.end();
  auto manifest = services::manifest_from_json(only.root());
  if (!manifest.ok()) return std::move(manifest).error();
  self->manifest_ = std::move(*manifest);
  if (!url.empty()) {
    services::Services& s = self->manifest_.services;
    switch (subsystem) {
      case app::Subsystem::cache: s.cache[client].url = url; break;
      case app::Subsystem::storage: s.storage[client].url = url; break;
      case app::Subsystem::db: s.db[client].url = url; break;
      case app::Subsystem::messaging: s.messaging[client].url = url; break;
      case app::Subsystem::tasks: s.tasks[client].url = url; break;
      default: break;
    }
  }
  auto loop = net::Loop::create(self->clock_);
  if (!loop.ok()) return std::move(loop).error();
  self->loop_ = std::move(*loop);
  self->pool_ = std::make_unique<net::BlockingPool>(self->clock_);
  app::Clients::Environment environment;
  environment.clock = &self->clock_;
  environment.pool = self->pool_.get();
  self->clients_ = std::make_unique<app::Clients>(self->manifest_, std::move(environment));
  self->clients_->add_to(self->toolbox_);
  const auto names = self->toolbox_.names(subsystem);
  const auto at = std::find(names.begin(), names.end(), client);
  if (at == names.end()) {
    return invalid_argument("services." + std::string(app::name_of(subsystem)) + ": there is no \"" + client + "\"");
  }
  self->client_ = static_cast<std::uint32_t>(at - names.begin());
  return self;
}

Runtime::~Runtime() {
  toolbox_ = {};
  if (clients_ != nullptr) clients_->close();
  clients_.reset();
  if (pool_ != nullptr) pool_->stop();
}

Result<Document> Runtime::call(Operation operation, Document args, net::OperationStream* stream) {
  auto target = toolbox_.target(operation, client_);
  if (!target.ok()) return std::move(target).error();
  std::optional<Result<Document>> result;
  spawn((*target)->call(net::Caller(*loop_), operation, std::move(args), stream),
        [&](const std::exception_ptr& thrown, std::optional<Result<Document>> value) {
          if (value) result = std::move(value);
          else result.emplace(internal_error(thrown ? "exception" : "nothing came back"));
        });
  while (!result) loop_->turn(1000);
  return std::move(*result);
}

}  // namespace spikard::cli
