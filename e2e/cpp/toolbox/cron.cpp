// The ops of `cron` (fixtures/README.md section 5).
#include "tasks/cron.hpp"

#include "tasks/operations.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

class CronClient final : public ToolboxClient {
 public:
  Task<Result<Document>> run(std::string op, Document args) override {
    if (op != "next") throw NotBuilt(op);
    only(args.root(), {"expr", "timezone", "after", "count"}, op);
    Result<Document> times = tasks::cron_next(zones_, args.root(), std::nullopt);
    if (!times.ok()) co_return times;
    co_return Document(times->root().find("times"));
  }
  Task<Result<Document>> close() override { co_return nothing(); }

 private:
  TimeZones zones_;
};

Task<Result<std::shared_ptr<ToolboxClient>>> open_cron(Stage& stage, Document config) {
  (void)stage;
  only(config.root(), {}, "cron");
  co_return Result<std::shared_ptr<ToolboxClient>>(std::make_shared<CronClient>());
}

}  // namespace

Subsystem cron_subsystem() { return {"cron", {}, open_cron}; }

}  // namespace spikard::e2e
