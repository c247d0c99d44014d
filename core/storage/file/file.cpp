#include "storage/file/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "storage/file/store.hpp"
#include "storage/file/uploads.hpp"

namespace spikard::storage {

namespace {

using file::FileStore;
using StorePtr = std::shared_ptr<FileStore>;

constexpr std::size_t read_part = std::size_t{1} << 18;
constexpr std::size_t write_part = std::size_t{1} << 20;

Result<Span> select(const ObjectInfo& info, const ReadOptions& options) {
  SPIKARD_TRY(check_conditions(options, info.etag));
  return resolve_range(options, info.size);
}

/// Files do not shrink under us (objects are replaced, not changed); another program's may.
Result<std::string> read_exactly(int fd, std::uint64_t offset, std::size_t size) {
  Result<std::string> part = file::read_at(fd, offset, size);
  if (part.ok() && part->size() < size) return Error(ErrorKind::corrupt, "the object's file became shorter while it was read");
  return part;
}

class FileReader final : public Reader {
 public:
  struct Opened {
    ObjectInfo info;
    Span span;
    std::shared_ptr<file::Fd> fd;
    std::string first;
  };
  FileReader(net::Loop& loop, net::BlockingPool& pool, Opened opened) : loop_(loop), pool_(pool), opened_(std::move(opened)) {}

  [[nodiscard]] const ObjectInfo& info() const noexcept override { return opened_.info; }
  [[nodiscard]] Span span() const noexcept override { return opened_.span; }
  [[nodiscard]] Task<Result<std::string>> next() override {
    if (done_ == 0) {
      done_ = opened_.first.size();
      co_return Result<std::string>(std::move(opened_.first));
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(opened_.span.size - done_, read_part));
    if (size == 0) co_return Result<std::string>(std::string());
    const std::uint64_t at = opened_.span.offset + done_;
    auto job = [fd = opened_.fd, at, size] { return read_exactly(fd->get(), at, size); };
    auto work = net::blocking(loop_, pool_, std::move(job));
    Result<std::string> part = co_await work;
    if (part.ok()) done_ += part->size();
    co_return part;
  }

 private:
  net::Loop& loop_;
  net::BlockingPool& pool_;
  Opened opened_;
  std::uint64_t done_ = 0;
};

class FileWriter final : public Writer {
 public:
  /// `end`: what the file becomes.
  using End = std::function<Result<ObjectInfo>(file::Temporary)>;
  FileWriter(net::Loop& loop, net::BlockingPool& pool, StorePtr store, End end)
      : loop_(loop), pool_(pool), store_(std::move(store)), end_(std::move(end)) {}
  ~FileWriter() override {
    // Taking the temporary file away is for the pool; where that is full or stopped it is done here.
    if (state_ != nullptr) (void)pool_.run([state = std::move(state_)] {});
  }

  [[nodiscard]] Task<Result<void>> write(std::string part) override {
    if (buffer_.empty() && part.size() >= write_part) {
      buffer_ = std::move(part);
    } else {
      buffer_ += part;
    }
    if (buffer_.size() < write_part) co_return Result<void>();
    auto job = [store = store_, state = state_, bytes = std::exchange(buffer_, {})] { return append(*store, *state, bytes); };
    auto work = net::blocking(loop_, pool_, std::move(job));
    Result<void> written = co_await work;
    co_return written;
  }

  [[nodiscard]] Task<Result<ObjectInfo>> finish() override {
    auto job = [store = store_, state = std::move(state_), bytes = std::move(buffer_),
                end = std::move(end_)]() -> Result<ObjectInfo> {
      SPIKARD_TRY(append(*store, *state, bytes));
      return end(std::move(state->temporary));
    };
    auto work = net::blocking(loop_, pool_, std::move(job));
    Result<ObjectInfo> info = co_await work;
    co_return info;
  }

 private:
  struct State {
    file::Temporary temporary;
  };
  static Result<void> append(FileStore& store, State& state, std::string_view bytes) {
    if (!state.temporary) {
      Result<file::Temporary> made = store.begin();
      if (!made.ok()) return std::move(made).error();
      state.temporary = std::move(*made);
    }
    return file::write_all(state.temporary.fd(), bytes);
  }

  net::Loop& loop_;
  net::BlockingPool& pool_;
  StorePtr store_;
  End end_;
  std::shared_ptr<State> state_ = std::make_shared<State>();  // the jobs' too: it outlives this where one runs
  std::string buffer_;
};

class FileBackend final : public Backend {
 public:
  FileBackend(const Clock& clock, net::BlockingPool& pool, StorePtr store, SignedUrlsOptions urls)
      : clock_(clock),
        pool_(pool),
        store_(std::move(store)),
        uploads_(std::make_shared<file::Uploads>(store_)),
        urls_(std::make_shared<const SignedUrls>(std::move(urls))) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "file"; }
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] const SignedUrls* signed_urls() const noexcept override { return urls_.get(); }
  [[nodiscard]] std::string_view secret() const noexcept override { return urls_->secret(); }

  [[nodiscard]] Task<Result<ObjectInfo>> stat(net::Loop& loop, std::string key) override {
    auto job = [store = store_, key = std::move(key)]() -> Result<ObjectInfo> {
      Result<FileStore::Opened> opened = store->open_object(key);
      if (!opened.ok()) return std::move(opened).error();
      return std::move(opened->info);
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<ObjectInfo> info = co_await work;
    co_return info;
  }

  [[nodiscard]] Task<Result<Object>> get(net::Loop& loop, std::string key, ReadOptions options,
                                         std::uint64_t max_bytes) override {
    auto job = [store = store_, key = std::move(key), options = std::move(options), max_bytes]() -> Result<Object> {
      Result<FileStore::Opened> opened = store->open_object(key);
      if (!opened.ok()) return std::move(opened).error();
      Result<Span> span = select(opened->info, options);
      if (!span.ok()) return std::move(span).error();
      if (span->size > max_bytes) {
        return Error(ErrorKind::too_large,
                     fmt::format("{} bytes are more than max_read_bytes ({}): stream them", span->size, max_bytes));
      }
      Result<std::string> data = read_exactly(opened->fd.get(), span->offset, static_cast<std::size_t>(span->size));
      if (!data.ok()) return std::move(data).error();
      Object out;
      out.info = std::move(opened->info);
      out.span = *span;
      out.data = std::move(*data);
      return out;
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<Object> object = co_await work;
    co_return object;
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Reader>>> read(net::Loop& loop, std::string key, ReadOptions options) override {
    using Out = Result<std::unique_ptr<Reader>>;
    auto job = [store = store_, key = std::move(key), options = std::move(options)]() -> Result<FileReader::Opened> {
      Result<FileStore::Opened> opened = store->open_object(key);
      if (!opened.ok()) return std::move(opened).error();
      Result<Span> span = select(opened->info, options);
      if (!span.ok()) return std::move(span).error();
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(span->size, read_part));
      Result<std::string> first = read_exactly(opened->fd.get(), span->offset, size);
      if (!first.ok()) return std::move(first).error();
      FileReader::Opened out;
      out.info = std::move(opened->info);
      out.span = *span;
      out.fd = std::make_shared<file::Fd>(std::move(opened->fd));
      out.first = std::move(*first);
      return out;
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<FileReader::Opened> opened = co_await work;
    if (!opened.ok()) co_return Out(std::move(opened).error());
    std::unique_ptr<Reader> reader = std::make_unique<FileReader>(loop, pool_, std::move(*opened));
    co_return Out(std::move(reader));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> put(net::Loop& loop, std::string key, std::string data, WriteOptions options) override {
    auto job = [store = store_, key = std::move(key), data = std::move(data),
                options = std::move(options)]() -> Result<ObjectInfo> {
      Result<file::Temporary> temporary = store->begin();
      if (!temporary.ok()) return std::move(temporary).error();
      SPIKARD_TRY(file::write_all(temporary->fd(), data));
      return store->commit(std::move(*temporary), key, options);
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<ObjectInfo> info = co_await work;
    co_return info;
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write(net::Loop& loop, std::string key, WriteOptions options) override {
    auto end = [store = store_, key = std::move(key), options = std::move(options)](file::Temporary whole) {
      return store->commit(std::move(whole), key, options);
    };
    std::unique_ptr<Writer> writer = std::make_unique<FileWriter>(loop, pool_, store_, std::move(end));
    co_return Result<std::unique_ptr<Writer>>(std::move(writer));
  }

  [[nodiscard]] Task<Result<std::vector<DeleteFailure>>> remove(net::Loop& loop, std::vector<std::string> keys) override {
    using Out = Result<std::vector<DeleteFailure>>;
    auto job = [store = store_, keys = std::move(keys)]() mutable -> Out {
      std::vector<DeleteFailure> failures;
      for (std::string& key : keys)
        if (Result<void> removed = store->remove(key); !removed.ok())
          failures.push_back({std::move(key), std::move(removed).error()});
      return failures;
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Out failures = co_await work;
    co_return failures;
  }

  [[nodiscard]] Task<Result<ListPage>> list(net::Loop& loop, ListQuery query) override {
    auto job = [store = store_, query = std::move(query)] { return store->list(query); };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<ListPage> page = co_await work;
    co_return page;
  }

  [[nodiscard]] Task<Result<ObjectInfo>> copy(net::Loop& loop, std::string source, std::string target,
                                              WriteConditions conditions) override {
    auto job = [store = store_, source = std::move(source), target = std::move(target), conditions = std::move(conditions)] {
      return store->copy(source, target, conditions);
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<ObjectInfo> info = co_await work;
    co_return info;
  }

  [[nodiscard]] Task<Result<ObjectInfo>> rename(net::Loop& loop, std::string source, std::string target,
                                                WriteConditions conditions) override {
    auto job = [store = store_, source = std::move(source), target = std::move(target), conditions = std::move(conditions)] {
      return store->rename(source, target, conditions);
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<ObjectInfo> info = co_await work;
    co_return info;
  }

  [[nodiscard]] Task<Result<UploadPlan>> begin_upload(net::Loop& loop, std::string key, UploadOptions options) override {
    // On the pool: 10,000 signatures take a while.
    auto job = [&clock = clock_, urls = urls_, uploads = uploads_, key = std::move(key),
                options = std::move(options)]() -> Result<UploadPlan> {
      const WallTime until = clock.wall() + std::chrono::seconds(options.expires_s) + upload_grace;
      Result<std::string> id = uploads->begin(until);
      if (!id.ok()) return std::move(id).error();
      return urls->plan(key, std::move(*id), options, clock);
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<UploadPlan> plan = co_await work;
    co_return plan;
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write_part(net::Loop& loop, std::string key, UploadTarget target) override {
    auto end = [uploads = uploads_, key = std::move(key), target = std::move(target)](file::Temporary part) {
      return uploads->put(std::move(part), key, target);
    };
    std::unique_ptr<Writer> writer = std::make_unique<FileWriter>(loop, pool_, store_, std::move(end));
    co_return Result<std::unique_ptr<Writer>>(std::move(writer));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> complete_upload(net::Loop& loop, std::string key, Upload upload,
                                                         std::vector<std::string> etags) override {
    auto job = [uploads = uploads_, key = std::move(key), upload = std::move(upload), etags = std::move(etags)] {
      return uploads->complete(key, upload, etags);
    };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<ObjectInfo> info = co_await work;
    co_return info;
  }

  [[nodiscard]] Task<Result<void>> abort_upload(net::Loop& loop, std::string, Upload upload) override {
    auto job = [uploads = uploads_, id = std::move(upload.id)] { return uploads->abort(id); };
    auto work = net::blocking(loop, pool_, std::move(job));
    Result<void> aborted = co_await work;
    co_return aborted;
  }

  [[nodiscard]] Task<Result<PresignedUrl>> presign(net::Loop&, PresignMethod method, std::string key,
                                                   std::uint32_t expires_s) override {
    PresignedUrl url = urls_->make(method, key, expires_s, clock_);
    co_return Result<PresignedUrl>(std::move(url));
  }

 private:
  static constexpr Capabilities capabilities_{};
  const Clock& clock_;
  net::BlockingPool& pool_;
  StorePtr store_;
  const std::shared_ptr<file::Uploads> uploads_;
  const std::shared_ptr<const SignedUrls> urls_;
};

}  // namespace

Result<std::shared_ptr<Backend>> make_file(const Clock& clock, net::BlockingPool& pool, FileOptions options) {
  FileStore::Options store_options;
  store_options.root = std::move(options.root);
  store_options.durable = options.durable;
  Result<StorePtr> store = FileStore::open(clock, std::move(store_options));
  if (!store.ok()) return std::move(store).error();
  if (options.urls.secret.empty()) options.urls.secret = (*store)->secret();
  std::shared_ptr<Backend> out = std::make_shared<FileBackend>(clock, pool, std::move(*store), std::move(options.urls));
  return out;
}

}  // namespace spikard::storage
