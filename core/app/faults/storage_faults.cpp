#include "app/faults/backends.hpp"

namespace spikard::app {
namespace {

using net::Loop;
using storage::ObjectInfo;

/// What is written is seen with `finish`: its answer may be lost, or it is never done.
class FaultyWriter final : public storage::Writer {
 public:
  FaultyWriter(std::unique_ptr<storage::Writer> inner, FaultSite site, Loop& loop, std::string key)
      : inner_(std::move(inner)), site_(std::move(site)), loop_(loop), key_(std::move(key)) {}
  Task<Result<void>> write(std::string part) override { return inner_->write(std::move(part)); }
  Task<Result<ObjectInfo>> finish() override { return inject(site_, loop_, "finish", key_, Effect::some, inner_->finish()); }

 private:
  const std::unique_ptr<storage::Writer> inner_;
  const FaultSite site_;
  Loop& loop_;
  const std::string key_;
};

class FaultyBackend final : public storage::Backend {
 public:
  FaultyBackend(std::shared_ptr<storage::Backend> inner, FaultSite site) : inner_(std::move(inner)), site_(std::move(site)) {}

  std::string_view name() const noexcept override { return inner_->name(); }
  const storage::Capabilities& capabilities() const noexcept override { return inner_->capabilities(); }

  Task<Result<ObjectInfo>> stat(Loop& loop, std::string key) override {
    return inject(site_, loop, "stat", key, Effect::none, inner_->stat(loop, key));
  }
  Task<Result<storage::Object>> get(Loop& loop, std::string key, storage::ReadOptions options, std::uint64_t max_bytes) override {
    return inject(site_, loop, "get", key, Effect::none, inner_->get(loop, key, std::move(options), max_bytes));
  }
  Task<Result<std::unique_ptr<storage::Reader>>> read(Loop& loop, std::string key, storage::ReadOptions options) override {
    return inject(site_, loop, "read", key, Effect::none, inner_->read(loop, key, std::move(options)));
  }
  Task<Result<ObjectInfo>> put(Loop& loop, std::string key, std::string data, storage::WriteOptions options) override {
    auto task = inner_->put(loop, key, std::move(data), std::move(options));
    return inject(site_, loop, "put", std::move(key), Effect::some, std::move(task));
  }
  Task<Result<std::unique_ptr<storage::Writer>>> write(Loop& loop, std::string key, storage::WriteOptions options) override {
    auto opened = inject(site_, loop, "write", key, Effect::none, inner_->write(loop, key, std::move(options)));
    return wrapped(site_, loop, std::move(key), std::move(opened));
  }
  Task<Result<std::vector<storage::DeleteFailure>>> remove(Loop& loop, std::vector<std::string> keys) override {
    std::string first = keys.empty() ? std::string() : keys.front();
    auto task = inner_->remove(loop, std::move(keys));
    return inject(site_, loop, "remove", std::move(first), Effect::some, std::move(task));
  }
  Task<Result<storage::ListPage>> list(Loop& loop, storage::ListQuery query) override {
    std::string prefix = query.prefix;
    return inject(site_, loop, "list", std::move(prefix), Effect::none, inner_->list(loop, std::move(query)));
  }
  Task<Result<ObjectInfo>> copy(Loop& loop, std::string source, std::string target,
                                storage::WriteConditions conditions) override {
    auto task = inner_->copy(loop, source, std::move(target), std::move(conditions));
    return inject(site_, loop, "copy", std::move(source), Effect::some, std::move(task));
  }
  Task<Result<ObjectInfo>> rename(Loop& loop, std::string source, std::string target,
                                  storage::WriteConditions conditions) override {
    auto task = inner_->rename(loop, source, std::move(target), std::move(conditions));
    return inject(site_, loop, "rename", std::move(source), Effect::some, std::move(task));
  }
  Task<Result<storage::PresignedUrl>> presign(Loop& loop, storage::PresignMethod method, std::string key,
                                              std::uint32_t expires_s) override {
    return inner_->presign(loop, method, std::move(key), expires_s);  // asks nobody
  }
  Task<Result<storage::UploadPlan>> begin_upload(Loop& loop, std::string key, storage::UploadOptions options) override {
    auto task = inner_->begin_upload(loop, key, std::move(options));
    return inject(site_, loop, "begin_upload", std::move(key), Effect::some, std::move(task));
  }
  Task<Result<ObjectInfo>> complete_upload(Loop& loop, std::string key, storage::Upload upload,
                                           std::vector<std::string> etags) override {
    auto task = inner_->complete_upload(loop, key, std::move(upload), std::move(etags));
    return inject(site_, loop, "complete_upload", std::move(key), Effect::some, std::move(task));
  }
  Task<Result<void>> abort_upload(Loop& loop, std::string key, storage::Upload upload) override {
    auto task = inner_->abort_upload(loop, key, std::move(upload));
    return inject(site_, loop, "abort_upload", std::move(key), Effect::some, std::move(task));
  }
  Task<Result<std::unique_ptr<storage::Writer>>> write_part(Loop& loop, std::string key, storage::UploadTarget target) override {
    auto opened = inject(site_, loop, "write_part", key, Effect::none, inner_->write_part(loop, key, std::move(target)));
    return wrapped(site_, loop, std::move(key), std::move(opened));
  }
  const storage::SignedUrls* signed_urls() const noexcept override { return inner_->signed_urls(); }
  std::string_view secret() const noexcept override { return inner_->secret(); }

 private:
  using Opened = Result<std::unique_ptr<storage::Writer>>;
  static Task<Opened> wrapped(FaultSite site, Loop& loop, std::string key, Task<Opened> task) {
    Opened opened = co_await std::move(task);
    if (!opened.ok()) co_return opened;
    std::unique_ptr<storage::Writer> writer =
        std::make_unique<FaultyWriter>(std::move(*opened), std::move(site), loop, std::move(key));
    co_return Opened(std::move(writer));
  }

  const std::shared_ptr<storage::Backend> inner_;
  const FaultSite site_;
};

}  // namespace

std::shared_ptr<storage::Backend> with_faults(std::shared_ptr<storage::Backend> backend, FaultSite site) {
  return std::make_shared<FaultyBackend>(std::move(backend), std::move(site));
}

}  // namespace spikard::app
