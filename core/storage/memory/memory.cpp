#include "storage/memory/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "net/signing/hash.hpp"
#include "storage/listing.hpp"

namespace spikard::storage {

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 18;

/// Bytes in blocks of one size, so that a place is found by division and pieces of any size cost no more than their bytes.
class Blocks {
 public:
  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      if (blocks_.empty() || blocks_.back()->size() == block_bytes) blocks_.push_back(std::make_shared<std::string>());
      const std::size_t part = std::min(bytes.size(), block_bytes - blocks_.back()->size());
      blocks_.back()->append(bytes.substr(0, part));
      size_ += part;
      bytes.remove_prefix(part);
    }
  }
  /// Those of `other`, not copied: nothing is appended to either any more. What is here ends with a whole block.
  void share(const Blocks& other) {
    blocks_.insert(blocks_.end(), other.blocks_.begin(), other.blocks_.end());
    size_ += other.size_;
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// At most `max` bytes from `at`, possibly fewer.
  [[nodiscard]] std::string_view view(std::uint64_t at, std::uint64_t max) const noexcept {
    if (at >= size_) return {};
    const std::string& block = *blocks_[static_cast<std::size_t>(at / block_bytes)];
    return std::string_view(block).substr(static_cast<std::size_t>(at % block_bytes),
                                          static_cast<std::size_t>(std::min<std::uint64_t>(max, block_bytes)));
  }

 private:
  std::vector<std::shared_ptr<std::string>> blocks_;
  std::uint64_t size_ = 0;
};
static_assert(part_unit % block_bytes == 0, "parts of an upload, but the last, are whole blocks");

struct Stored {
  ObjectInfo info;
  std::shared_ptr<const Blocks> content;
};
using StoredPtr = std::shared_ptr<const Stored>;

/// An upload by others: what arrived of it.
struct Arriving {
  std::string key;
  WallTime until{};  ///< then nobody may complete it
  std::uint64_t bytes = 0;
  std::map<std::uint32_t, Stored> parts;
};

Error full(std::uint64_t max_bytes) {
  return {ErrorKind::too_large, fmt::format("the store would have more than max_memory_bytes ({} bytes)", max_bytes)};
}

class MemoryReader final : public Reader {
 public:
  MemoryReader(StoredPtr stored, Span span) noexcept : stored_(std::move(stored)), span_(span) {}
  [[nodiscard]] const ObjectInfo& info() const noexcept override { return stored_->info; }
  [[nodiscard]] Span span() const noexcept override { return span_; }
  [[nodiscard]] Task<Result<std::string>> next() override {
    std::string part(stored_->content->view(span_.offset + done_, span_.size - done_));
    done_ += part.size();
    co_return Result<std::string>(std::move(part));
  }

 private:
  StoredPtr stored_;
  Span span_;
  std::uint64_t done_ = 0;
};

class MemoryBackend final : public Backend, public std::enable_shared_from_this<MemoryBackend> {
 public:
  MemoryBackend(const Clock& clock, MemoryOptions options)
      : clock_(clock), max_bytes_(options.max_bytes), urls_(with_secret(std::move(options.urls))) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "memory"; }
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] const SignedUrls* signed_urls() const noexcept override { return &urls_; }
  [[nodiscard]] std::string_view secret() const noexcept override { return urls_.secret(); }
  [[nodiscard]] std::uint64_t max_bytes() const noexcept { return max_bytes_; }

  [[nodiscard]] Task<Result<ObjectInfo>> stat(net::Loop&, std::string key) override {
    const StoredPtr stored = find(key);
    if (stored == nullptr) co_return Result<ObjectInfo>(no_such_object(key));
    co_return Result<ObjectInfo>(stored->info);
  }

  [[nodiscard]] Task<Result<Object>> get(net::Loop&, std::string key, ReadOptions options, std::uint64_t max_bytes) override {
    const StoredPtr stored = find(key);
    if (stored == nullptr) co_return Result<Object>(no_such_object(key));
    Result<Span> span = select(*stored, options);
    if (!span.ok()) co_return Result<Object>(std::move(span).error());
    if (span->size > max_bytes) co_return Result<Object>(too_large_to_read(span->size, max_bytes));
    Object out;
    out.info = stored->info;
    out.span = *span;
    out.data.reserve(static_cast<std::size_t>(span->size));
    while (out.data.size() < span->size)
      out.data.append(stored->content->view(span->offset + out.data.size(), span->size - out.data.size()));
    co_return Result<Object>(std::move(out));
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Reader>>> read(net::Loop&, std::string key, ReadOptions options) override {
    using Out = Result<std::unique_ptr<Reader>>;
    StoredPtr stored = find(key);
    if (stored == nullptr) co_return Out(no_such_object(key));
    Result<Span> span = select(*stored, options);
    if (!span.ok()) co_return Out(std::move(span).error());
    std::unique_ptr<Reader> reader = std::make_unique<MemoryReader>(std::move(stored), *span);
    co_return Out(std::move(reader));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> put(net::Loop&, std::string key, std::string data, WriteOptions options) override {
    if (data.size() > max_bytes_) co_return Result<ObjectInfo>(full(max_bytes_));
    auto content = std::make_shared<Blocks>();
    content->append(data);
    Result<ObjectInfo> stored = store(std::move(key), std::move(content), std::move(options));
    co_return stored;
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write(net::Loop&, std::string key, WriteOptions options) override;

  [[nodiscard]] Task<Result<std::vector<DeleteFailure>>> remove(net::Loop&, std::vector<std::string> keys) override {
    std::vector<StoredPtr> gone;  // freed outside the lock
    {
      const std::unique_lock lock(mutex_);
      for (const std::string& key : keys) {
        const auto at = objects_.find(key);
        if (at == objects_.end()) continue;
        bytes_ -= at->second->info.size;
        gone.push_back(std::move(at->second));
        objects_.erase(at);
      }
    }
    std::vector<DeleteFailure> none;
    co_return Result<std::vector<DeleteFailure>>(std::move(none));
  }

  [[nodiscard]] Task<Result<ListPage>> list(net::Loop&, ListQuery query) override {
    PageBuilder page(query);
    {
      const std::shared_lock lock(mutex_);
      collect(query, page);
    }
    ListPage out = std::move(page).finish();
    co_return Result<ListPage>(std::move(out));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> copy(net::Loop&, std::string source, std::string target,
                                              WriteConditions conditions) override {
    const StoredPtr stored = find(source);
    if (stored == nullptr) co_return Result<ObjectInfo>(no_such_object(source));
    WriteOptions options;
    options.content_type = stored->info.content_type;
    options.cache_control = stored->info.cache_control;
    options.content_disposition = stored->info.content_disposition;
    options.metadata = stored->info.metadata;
    options.conditions = std::move(conditions);
    Result<ObjectInfo> copied = store(std::move(target), stored->content, std::move(options));
    co_return copied;
  }

  [[nodiscard]] Task<Result<ObjectInfo>> rename(net::Loop&, std::string source, std::string target,
                                                WriteConditions conditions) override {
    StoredPtr replaced;
    const std::unique_lock lock(mutex_);
    const auto from = objects_.find(source);
    if (from == objects_.end()) co_return Result<ObjectInfo>(no_such_object(source));
    const auto to = objects_.find(target);
    const std::string* etag = to == objects_.end() ? nullptr : &to->second->info.etag;
    if (Result<void> met = check_conditions(conditions, etag); !met.ok()) co_return Result<ObjectInfo>(std::move(met).error());
    if (source == target) co_return Result<ObjectInfo>(from->second->info);
    auto moved = std::make_shared<Stored>(*from->second);
    moved->info.key = target;
    objects_.erase(from);
    StoredPtr& place = objects_[target];
    if (place != nullptr) bytes_ -= place->info.size;
    replaced = std::exchange(place, moved);
    co_return Result<ObjectInfo>(moved->info);
  }

  [[nodiscard]] Task<Result<PresignedUrl>> presign(net::Loop&, PresignMethod method, std::string key,
                                                   std::uint32_t expires_s) override {
    PresignedUrl url = urls_.make(method, key, expires_s, clock_);
    co_return Result<PresignedUrl>(std::move(url));
  }

  [[nodiscard]] Task<Result<UploadPlan>> begin_upload(net::Loop&, std::string key, UploadOptions options) override {
    if (options.size > max_bytes_) co_return Result<UploadPlan>(full(max_bytes_));
    UploadPlan plan = urls_.plan(key, net::signing::hex(net::signing::random_bytes(12)), options, clock_);
    Arriving arriving;
    arriving.key = std::move(key);
    arriving.until = plan.expires_at + upload_grace;
    const std::unique_lock lock(mutex_);
    drop_expired();
    uploads_.emplace(plan.upload, std::move(arriving));
    co_return Result<UploadPlan>(std::move(plan));
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write_part(net::Loop&, std::string key, UploadTarget target) override;
  [[nodiscard]] Result<ObjectInfo> store_part(const std::string& key, const UploadTarget& target,
                                              std::shared_ptr<const Blocks> content) {
    const std::unique_lock lock(mutex_);
    drop_expired();
    const auto upload = uploads_.find(target.upload);
    if (upload == uploads_.end() || upload->second.key != key) return no_such_upload(key);
    Stored& part = upload->second.parts[target.number];
    const std::uint64_t before = part.info.size;
    if (content->size() > max_bytes_ - std::min(bytes_ - before, max_bytes_)) {
      if (part.content == nullptr) upload->second.parts.erase(target.number);
      return full(max_bytes_);
    }
    bytes_ += content->size() - before;
    upload->second.bytes += content->size() - before;
    part.info = named(key, content->size());
    part.content = std::move(content);
    return part.info;
  }

  [[nodiscard]] Task<Result<ObjectInfo>> complete_upload(net::Loop&, std::string key, Upload upload,
                                                         std::vector<std::string> etags) override {
    auto content = std::make_shared<Blocks>();
    {
      const std::shared_lock lock(mutex_);
      const auto at = uploads_.find(upload.id);
      if (at == uploads_.end()) co_return Result<ObjectInfo>(no_such_upload(key));
      for (std::uint32_t number = 1; number <= upload.parts(); ++number) {
        const auto part = at->second.parts.find(number);
        const ObjectInfo* arrived = part == at->second.parts.end() ? nullptr : &part->second.info;
        Result<void> good = check_part(upload, number, arrived, etags);
        if (!good.ok()) co_return Result<ObjectInfo>(std::move(good).error());
        content->share(*part->second.content);
      }
    }
    Result<ObjectInfo> info = store(std::move(key), std::move(content), std::move(upload.write), &upload.id);
    co_return info;
  }

  [[nodiscard]] Task<Result<void>> abort_upload(net::Loop&, std::string, Upload upload) override {
    const std::unique_lock lock(mutex_);
    if (const auto at = uploads_.find(upload.id); at != uploads_.end()) drop(at);
    co_return Result<void>();
  }

  /// `upload`: that it was made of, which ends.
  [[nodiscard]] Result<ObjectInfo> store(std::string key, std::shared_ptr<const Blocks> content, WriteOptions options,
                                         const std::string* upload = nullptr) {
    auto made = std::make_shared<Stored>();
    ObjectInfo& info = made->info;
    info.size = content->size();
    info.content_type = std::move(options.content_type);
    info.cache_control = std::move(options.cache_control);
    info.content_disposition = std::move(options.content_disposition);
    info.metadata = std::move(options.metadata);
    info.key = key;
    made->content = std::move(content);
    StoredPtr replaced;
    const std::unique_lock lock(mutex_);
    const auto at = objects_.find(key);
    const bool there = at != objects_.end();
    SPIKARD_TRY(check_conditions(options.conditions, there ? &at->second->info.etag : nullptr));
    const auto parts = upload == nullptr ? uploads_.end() : uploads_.find(*upload);
    if (upload != nullptr && parts == uploads_.end()) return no_such_upload(key);
    const std::uint64_t others =
        bytes_ - (there ? at->second->info.size : 0) - (parts == uploads_.end() ? 0 : parts->second.bytes);
    if (info.size > max_bytes_ - std::min(others, max_bytes_)) return full(max_bytes_);
    const ObjectInfo name = named(key, info.size);
    info.last_modified = name.last_modified;
    info.etag = name.etag;
    if (parts != uploads_.end()) drop(parts);
    bytes_ = others + info.size;
    if (there) {
      replaced = std::exchange(at->second, made);
    } else {
      objects_.emplace(std::move(key), made);
    }
    return info;
  }

 private:
  static SignedUrlsOptions with_secret(SignedUrlsOptions options) {
    if (options.secret.empty()) options.secret = net::signing::random_bytes(32);
    return options;
  }
  static Error too_large_to_read(std::uint64_t size, std::uint64_t max) {
    return {ErrorKind::too_large, fmt::format("{} bytes are more than max_read_bytes ({}): stream them", size, max)};
  }
  static Result<Span> select(const Stored& stored, const ReadOptions& options) {
    SPIKARD_TRY(check_conditions(options, stored.info.etag));
    return resolve_range(options, stored.info.size);
  }

  /// A new version.
  [[nodiscard]] ObjectInfo named(const std::string& key, std::uint64_t size) {
    ObjectInfo out;
    out.key = key;
    out.size = size;
    out.last_modified = versions_.next(clock_);
    out.etag = fmt::format("\"{:x}-{:x}\"", out.last_modified.time_since_epoch().count(), size);
    return out;
  }

  // Under the lock.
  void drop(std::map<std::string, Arriving>::iterator at) {
    bytes_ -= at->second.bytes;
    uploads_.erase(at);
  }
  void drop_expired() {
    const WallTime now = clock_.wall();
    for (auto at = uploads_.begin(); at != uploads_.end();) {
      const auto next = std::next(at);
      if (now > at->second.until) drop(at);
      at = next;
    }
  }

  [[nodiscard]] StoredPtr find(const std::string& key) const {
    const std::shared_lock lock(mutex_);
    const auto at = objects_.find(key);
    return at == objects_.end() ? nullptr : at->second;
  }

  void collect(const ListQuery& query, PageBuilder& page) const {
    const std::string_view from = std::max(std::string_view(query.prefix), page.after());
    auto at = objects_.lower_bound(from);
    while (at != objects_.end() && at->first.starts_with(query.prefix)) {
      const auto rolled = rolled_up(at->first, query);
      const std::string_view item = rolled.value_or(at->first);
      if (item > page.after()) {
        if (rolled.has_value()) {
          if (!page.prefix(item)) return;
        } else {
          ObjectInfo info;
          info.key = at->first;
          info.size = at->second->info.size;
          info.etag = at->second->info.etag;
          info.last_modified = at->second->info.last_modified;
          if (!page.entry(std::move(info))) return;
        }
      }
      if (rolled.has_value()) {
        const auto next = after_all_with(item);
        if (!next.has_value()) return;
        at = objects_.lower_bound(*next);
      } else {
        ++at;
      }
    }
  }

  static constexpr Capabilities capabilities_{};
  const Clock& clock_;
  const std::uint64_t max_bytes_;
  const SignedUrls urls_;
  Versions versions_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, StoredPtr, std::less<>> objects_;
  std::map<std::string, Arriving> uploads_;  // by id
  std::uint64_t bytes_ = 0;                  // of objects and of parts
};

class MemoryWriter final : public Writer {
 public:
  MemoryWriter(std::shared_ptr<MemoryBackend> backend, std::string key, WriteOptions options)
      : backend_(std::move(backend)), key_(std::move(key)), options_(std::move(options)) {}
  [[nodiscard]] Task<Result<void>> write(std::string part) override {
    if (part.size() > backend_->max_bytes() - std::min(content_->size(), backend_->max_bytes()))
      co_return Result<void>(full(backend_->max_bytes()));
    content_->append(part);
    co_return Result<void>();
  }
  [[nodiscard]] Task<Result<ObjectInfo>> finish() override {
    Result<ObjectInfo> stored = backend_->store(std::move(key_), std::move(content_), std::move(options_));
    co_return stored;
  }

 private:
  std::shared_ptr<MemoryBackend> backend_;
  std::string key_;
  WriteOptions options_;
  std::shared_ptr<Blocks> content_ = std::make_shared<Blocks>();
};

class MemoryPartWriter final : public Writer {
 public:
  MemoryPartWriter(std::shared_ptr<MemoryBackend> backend, std::string key, UploadTarget target)
      : backend_(std::move(backend)), key_(std::move(key)), target_(std::move(target)) {}
  [[nodiscard]] Task<Result<void>> write(std::string part) override {
    if (part.size() > backend_->max_bytes() - std::min(content_->size(), backend_->max_bytes()))
      co_return Result<void>(full(backend_->max_bytes()));
    content_->append(part);
    co_return Result<void>();
  }
  [[nodiscard]] Task<Result<ObjectInfo>> finish() override {
    Result<ObjectInfo> stored = backend_->store_part(key_, target_, std::move(content_));
    co_return stored;
  }

 private:
  std::shared_ptr<MemoryBackend> backend_;
  const std::string key_;
  const UploadTarget target_;
  std::shared_ptr<Blocks> content_ = std::make_shared<Blocks>();
};

Task<Result<std::unique_ptr<Writer>>> MemoryBackend::write_part(net::Loop&, std::string key, UploadTarget target) {
  std::unique_ptr<Writer> writer = std::make_unique<MemoryPartWriter>(shared_from_this(), std::move(key), std::move(target));
  co_return Result<std::unique_ptr<Writer>>(std::move(writer));
}

Task<Result<std::unique_ptr<Writer>>> MemoryBackend::write(net::Loop&, std::string key, WriteOptions options) {
  std::unique_ptr<Writer> writer = std::make_unique<MemoryWriter>(shared_from_this(), std::move(key), std::move(options));
  co_return Result<std::unique_ptr<Writer>>(std::move(writer));
}

}  // namespace

std::shared_ptr<Backend> make_memory(const Clock& clock, MemoryOptions options) {
  return std::make_shared<MemoryBackend>(clock, std::move(options));
}

}  // namespace spikard::storage
