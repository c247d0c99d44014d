#include "storage/opendal/opendal.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "net/signing/hash.hpp"
#include "storage/listing.hpp"
#include "storage/opendal/ask.hpp"
#include "storage/opendal/errors.hpp"

namespace spikard::storage {

namespace {

using detail::ask;
using detail::Completed;
using detail::OpendalLibrary;

constexpr std::size_t piece_bytes = std::size_t{1} << 18;
constexpr std::uint32_t close_wait_ms = 2000;

spk_opendal_text text(std::string_view from) noexcept { return {from.data(), from.size()}; }
spk_opendal_text optional_text(const std::optional<std::string>& from) noexcept {
  return from.has_value() ? text(*from) : spk_opendal_text{nullptr, 0};
}

Error error_of(Completed& from, const std::string& subject) {
  return detail::opendal_error(from.code, from.temporary, std::move(from.message), subject);
}

/// Arguments as the C interface has them. Borrows from `options`.
struct WriteArgs {
  explicit WriteArgs(const WriteOptions& options) {
    args.content_type = optional_text(options.content_type);
    args.cache_control = optional_text(options.cache_control);
    args.content_disposition = optional_text(options.content_disposition);
    for (const auto& [name, value] : options.metadata) pairs.push_back({text(name), text(value)});
    args.metadata = pairs.data();
    args.metadata_count = pairs.size();
    args.if_match = optional_text(options.conditions.if_match);
    args.if_absent = options.conditions.if_none_match.has_value() ? 1 : 0;
  }
  std::vector<spk_opendal_pair> pairs;
  spk_opendal_write_args args{};
};

spk_opendal_read_args read_args(const ReadOptions& options) noexcept {
  spk_opendal_read_args out{};
  out.offset = options.offset.value_or(0);
  out.length = options.length.value_or(0);
  out.suffix = options.suffix.value_or(0);
  out.has =
      (options.offset.has_value() ? 1U : 0U) | (options.length.has_value() ? 2U : 0U) | (options.suffix.has_value() ? 4U : 0U);
  out.if_match = optional_text(options.if_match);
  out.if_none_match = optional_text(options.if_none_match);
  return out;
}

spk_opendal_upload_args upload_args(std::string_view id, std::uint64_t size, std::uint64_t part_bytes) noexcept {
  spk_opendal_upload_args out{};
  out.id = text(id);
  out.size = size;
  out.part_bytes = part_bytes;
  return out;
}

/// `lines`: the id, then the URL of each part, or one of all (a session of GCS, which takes its parts in their order).
UploadPlan plan_of(std::string_view lines, const UploadOptions& options) {
  const auto next = [&lines] {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines = end == lines.npos ? std::string_view() : lines.substr(end + 1);
    return line;
  };
  Upload upload;
  upload.size = options.size;
  upload.part_bytes = options.part_bytes;
  UploadPlan out;
  out.upload = next();
  std::string_view url = next();
  out.ordered = lines.empty() && upload.parts() > 1;
  out.parts.reserve(upload.parts());
  for (std::uint32_t number = 1; number <= upload.parts(); ++number) {
    UploadPart& part = out.parts.emplace_back();
    part.number = number;
    part.method = "PUT";
    part.url = url;
    part.offset = upload.offset_of(number);
    part.size = upload.size_of(number);
    if (!lines.empty()) url = next();
  }
  return out;
}

void release_string(void* owner) noexcept { delete static_cast<std::string*>(owner); }

/// The store's handle, as long as anything uses it.
class Store {
 public:
  Store(const OpendalLibrary& library, spk_opendal_store* store) noexcept : library_(library), store_(store) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() { library_.close(store_, close_wait_ms); }
  [[nodiscard]] const OpendalLibrary& library() const noexcept { return library_; }
  [[nodiscard]] const spk_opendal_store* handle() const noexcept { return store_; }

 private:
  const OpendalLibrary& library_;
  spk_opendal_store* store_;
};
using StorePtr = std::shared_ptr<const Store>;

class OpendalReader final : public Reader {
 public:
  OpendalReader(StorePtr store, net::Loop& loop, spk_opendal_reader* reader, ObjectInfo info, Span span) noexcept
      : store_(std::move(store)), loop_(loop), reader_(reader), info_(std::move(info)), span_(span) {}
  ~OpendalReader() override { store_->library().reader_free(reader_); }
  [[nodiscard]] const ObjectInfo& info() const noexcept override { return info_; }
  [[nodiscard]] Span span() const noexcept override { return span_; }
  [[nodiscard]] Task<Result<std::string>> next() override {
    auto work = ask(store_->library(), loop_, nullptr,
                    [this](void* user, spk_opendal_done done) { return store_->library().next(reader_, user, done); });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<std::string>(error_of(answer, info_.key));
    co_return Result<std::string>(std::move(answer.data));
  }

 private:
  StorePtr store_;
  net::Loop& loop_;
  spk_opendal_reader* reader_;
  const ObjectInfo info_;
  const Span span_;
};

class OpendalWriter final : public Writer {
 public:
  OpendalWriter(StorePtr store, net::Loop& loop, spk_opendal_writer* writer, std::string key) noexcept
      : store_(std::move(store)), loop_(loop), writer_(writer), key_(std::move(key)) {}
  ~OpendalWriter() override { store_->library().writer_free(writer_); }

  [[nodiscard]] Task<Result<void>> write(std::string part) override {
    // Few calls cross to the library's threads: small parts are gathered.
    if (held_.empty()) {
      held_ = std::move(part);
    } else {
      held_.append(part);
    }
    if (held_.size() < piece_bytes) co_return Result<void>();
    auto work = push();
    Result<void> pushed = co_await work;
    co_return pushed;
  }

  [[nodiscard]] Task<Result<ObjectInfo>> finish() override {
    if (!held_.empty()) {
      auto work = push();
      Result<void> pushed = co_await work;
      if (!pushed.ok()) co_return Result<ObjectInfo>(std::move(pushed).error());
    }
    auto work = ask(store_->library(), loop_, nullptr, [this](void* user, spk_opendal_done done) {
      store_->library().finish(writer_, user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<ObjectInfo>(error_of(answer, key_));
    answer.info.key = key_;
    co_return Result<ObjectInfo>(std::move(answer.info));
  }

 private:
  Task<Result<void>> push() {
    auto work = ask(store_->library(), loop_, nullptr, [this](void* user, spk_opendal_done done) {
      auto* data = new std::string(std::exchange(held_, {}));
      store_->library().push(writer_, text(*data), data, &release_string, user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<void>(error_of(answer, key_));
    co_return Result<void>();
  }

  StorePtr store_;
  net::Loop& loop_;
  spk_opendal_writer* writer_;
  const std::string key_;
  std::string held_;
};

class OpendalBackend final : public Backend {
 public:
  OpendalBackend(StorePtr store, Capabilities capabilities, OpendalOptions options)
      : store_(std::move(store)), capabilities_(capabilities), options_(std::move(options)) {
    options_.settings.clear();  // they have secrets
    ordered_ = options_.scheme == "s3" || options_.scheme == "gcs" || options_.scheme == "azblob";
  }

  [[nodiscard]] std::string_view name() const noexcept override { return options_.scheme; }
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] std::string_view secret() const noexcept override { return options_.secret; }

  [[nodiscard]] Task<Result<ObjectInfo>> stat(net::Loop& loop, std::string key) override {
    auto work = ask(library(), loop, nullptr, [this, &key](void* user, spk_opendal_done done) {
      return library().stat(handle(), text(full(key)), user, done);
    });
    Completed answer = co_await work;
    co_return info_of(std::move(answer), std::move(key));
  }

  [[nodiscard]] Task<Result<Object>> get(net::Loop& loop, std::string key, ReadOptions options,
                                         std::uint64_t max_bytes) override {
    auto work = ask(library(), loop, nullptr, [this, &key, &options, max_bytes](void* user, spk_opendal_done done) {
      const spk_opendal_read_args args = read_args(options);
      return library().get(handle(), text(full(key)), &args, max_bytes, user, done);
    });
    Completed answer = co_await work;
    if (answer.code == SPK_OPENDAL_TOO_LARGE) {
      Error error(ErrorKind::too_large, std::to_string(answer.span.size) + " bytes are more than max_read_bytes (" +
                                            std::to_string(max_bytes) + "): stream them");
      co_return Result<Object>(std::move(error));
    }
    if (answer.code != SPK_OPENDAL_OK) co_return Result<Object>(error_of(answer, key));
    Object out;
    out.info = std::move(answer.info);
    out.info.key = std::move(key);
    out.span = answer.span;
    out.data = std::move(answer.data);
    co_return Result<Object>(std::move(out));
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Reader>>> read(net::Loop& loop, std::string key, ReadOptions options) override {
    using Out = Result<std::unique_ptr<Reader>>;
    auto work = ask(library(), loop, free_reader(), [this, &key, &options](void* user, spk_opendal_done done) {
      const spk_opendal_read_args args = read_args(options);
      return library().read(handle(), text(full(key)), &args, user, done);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Out(error_of(answer, key));
    answer.info.key = std::move(key);
    std::unique_ptr<Reader> reader = std::make_unique<OpendalReader>(
        store_, loop, static_cast<spk_opendal_reader*>(answer.handle), std::move(answer.info), answer.span);
    co_return Out(std::move(reader));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> put(net::Loop& loop, std::string key, std::string data, WriteOptions options) override {
    auto work = ask(library(), loop, nullptr, [this, &key, &data, &options](void* user, spk_opendal_done done) {
      const WriteArgs args(options);
      auto* owned = new std::string(std::move(data));
      library().put(handle(), text(full(key)), text(*owned), owned, &release_string, &args.args, user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    co_return info_of(std::move(answer), std::move(key));
  }

  [[nodiscard]] Task<Result<std::unique_ptr<Writer>>> write(net::Loop& loop, std::string key, WriteOptions options) override {
    using Out = Result<std::unique_ptr<Writer>>;
    auto work = ask(library(), loop, free_writer(), [this, &key, &options](void* user, spk_opendal_done done) {
      const WriteArgs args(options);
      library().write(handle(), text(full(key)), &args.args, user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Out(error_of(answer, key));
    std::unique_ptr<Writer> writer =
        std::make_unique<OpendalWriter>(store_, loop, static_cast<spk_opendal_writer*>(answer.handle), std::move(key));
    co_return Out(std::move(writer));
  }

  [[nodiscard]] Task<Result<std::vector<DeleteFailure>>> remove(net::Loop& loop, std::vector<std::string> keys) override {
    using Out = Result<std::vector<DeleteFailure>>;
    auto work = ask(library(), loop, nullptr, [this, &keys](void* user, spk_opendal_done done) {
      std::vector<std::string> names;
      std::vector<spk_opendal_text> texts;
      names.reserve(keys.size());
      for (const std::string& key : keys) texts.push_back(text(names.emplace_back(full(key))));
      library().remove(handle(), texts.data(), texts.size(), user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Out(error_of(answer, std::string()));
    std::vector<DeleteFailure> failures;
    for (Completed::Failure& failure : answer.failures) {
      if (failure.at >= keys.size()) continue;
      Error error = detail::opendal_error(failure.code, failure.temporary, std::move(failure.message), keys[failure.at]);
      failures.push_back({keys[failure.at], std::move(error)});
    }
    co_return Out(std::move(failures));
  }

  [[nodiscard]] Task<Result<ListPage>> list(net::Loop& loop, ListQuery query) override {
    // Servers refuse some of these.
    if (begins_no_key(query.prefix)) co_return Result<ListPage>(ListPage());
    auto work = ask(library(), loop, nullptr, [this, &query](void* user, spk_opendal_done done) {
      const std::string prefix = full(query.prefix);
      const std::string start_after = query.start_after.empty() ? std::string() : full(query.start_after);
      spk_opendal_list_args args{};
      args.prefix = text(prefix);
      args.delimiter = text(query.delimiter);
      args.start_after = text(start_after);
      args.cursor = optional_text(query.cursor);
      args.limit = query.limit;
      return library().list(handle(), &args, user, done);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<ListPage>(error_of(answer, query.prefix));
    for (ObjectInfo& entry : answer.page.entries) entry.key.erase(0, options_.folder.size());
    for (std::string& prefix : answer.page.prefixes) prefix.erase(0, options_.folder.size());
    if (ordered_) co_return Result<ListPage>(std::move(answer.page));
    ListPage page = page_of(query, std::move(answer.page.entries));
    co_return Result<ListPage>(std::move(page));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> copy(net::Loop& loop, std::string source, std::string target,
                                              WriteConditions conditions) override {
    return copy_or_rename(loop, std::move(source), std::move(target), std::move(conditions), false);
  }
  [[nodiscard]] Task<Result<ObjectInfo>> rename(net::Loop& loop, std::string source, std::string target,
                                                WriteConditions conditions) override {
    return copy_or_rename(loop, std::move(source), std::move(target), std::move(conditions), true);
  }

  [[nodiscard]] Task<Result<PresignedUrl>> presign(net::Loop& loop, PresignMethod method, std::string key,
                                                   std::uint32_t expires_s) override {
    if (options_.presigner != nullptr) return options_.presigner->presign(loop, method, std::move(key), expires_s);
    return presign_there(loop, method, std::move(key), expires_s);
  }

  [[nodiscard]] Task<Result<UploadPlan>> begin_upload(net::Loop& loop, std::string key, UploadOptions options) override {
    // The library signs by the system's clock.
    const auto end =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::seconds(options.expires_s);
    const std::string chance = net::signing::hex(net::signing::random_bytes(5));
    auto work = ask(library(), loop, nullptr, [this, &key, &options, &chance](void* user, spk_opendal_done done) {
      const WriteArgs args(options.write);
      spk_opendal_upload_args upload = upload_args(chance, options.size, options.part_bytes);
      if (!options.origin.empty()) upload.origin = text(options.origin);
      upload.expires_s = options.expires_s;
      library().begin_upload(handle(), text(full(key)), &upload, &args.args, user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<UploadPlan>(error_of(answer, key));
    UploadPlan plan = plan_of(answer.data, options);
    plan.expires_at = end;
    if (options_.scheme == "gcs") {
      for (UploadPart& part : plan.parts) {
        part.headers.emplace_back("Content-Range", "bytes " + std::to_string(part.offset) + "-" +
                                                       std::to_string(part.offset + part.size - 1) + "/" +
                                                       std::to_string(options.size));
      }
    }
    co_return Result<UploadPlan>(std::move(plan));
  }

  [[nodiscard]] Task<Result<ObjectInfo>> complete_upload(net::Loop& loop, std::string key, Upload upload,
                                                         std::vector<std::string> etags) override {
    auto work = ask(library(), loop, nullptr, [this, &key, &upload, &etags](void* user, spk_opendal_done done) {
      const WriteArgs args(upload.write);
      const spk_opendal_upload_args what = upload_args(upload.id, upload.size, upload.part_bytes);
      std::vector<spk_opendal_text> texts;
      for (const std::string& etag : etags) texts.push_back(text(etag));
      library().complete_upload(handle(), text(full(key)), &what, &args.args, texts.data(), texts.size(), user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    co_return info_of(std::move(answer), std::move(key));
  }

  [[nodiscard]] Task<Result<void>> abort_upload(net::Loop& loop, std::string key, Upload upload) override {
    auto work = ask(library(), loop, nullptr, [this, &key, &upload](void* user, spk_opendal_done done) {
      library().abort_upload(handle(), text(full(key)), text(upload.id), user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<void>(error_of(answer, key));
    co_return Result<void>();
  }

 private:
  [[nodiscard]] const OpendalLibrary& library() const noexcept { return store_->library(); }
  [[nodiscard]] const spk_opendal_store* handle() const noexcept { return store_->handle(); }
  [[nodiscard]] std::string full(const std::string& key) const { return options_.folder + key; }

  // The library's functions take its own types; it is loaded for good, so one place for both is enough.
  static void (*free_reader() noexcept)(void*) {
    return [](void* reader) {
      if (auto library = detail::opendal_library(); library.ok())
        (*library)->reader_free(static_cast<spk_opendal_reader*>(reader));
    };
  }
  static void (*free_writer() noexcept)(void*) {
    return [](void* writer) {
      if (auto library = detail::opendal_library(); library.ok())
        (*library)->writer_free(static_cast<spk_opendal_writer*>(writer));
    };
  }

  /// Whether it has a segment that no key has (key.hpp).
  static bool begins_no_key(std::string_view prefix) noexcept {
    std::size_t begin = 0;
    for (std::size_t end = prefix.find('/'); end != prefix.npos; end = prefix.find('/', begin)) {
      const std::string_view segment = prefix.substr(begin, end - begin);
      if (segment.empty() || segment == "." || segment == "..") return true;
      begin = end + 1;
    }
    return prefix.find('\0') != prefix.npos;
  }

  static Result<ObjectInfo> info_of(Completed answer, std::string key) {
    if (answer.code != SPK_OPENDAL_OK) return error_of(answer, key);
    answer.info.key = std::move(key);
    return std::move(answer.info);
  }

  /// Of all objects below the prefix's folder, in no order.
  static ListPage page_of(const ListQuery& query, std::vector<ObjectInfo> entries) {
    std::sort(entries.begin(), entries.end(), [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    PageBuilder page(query);
    for (ObjectInfo& entry : entries) {
      const auto rolled = rolled_up(entry.key, query);
      if (std::string_view item = rolled.value_or(entry.key); item <= page.after()) continue;
      const bool room = rolled.has_value() ? page.prefix(*rolled) : page.entry(std::move(entry));
      if (!room) break;
    }
    return std::move(page).finish();
  }

  Task<Result<ObjectInfo>> copy_or_rename(net::Loop& loop, std::string source, std::string target, WriteConditions conditions,
                                          bool rename) {
    WriteOptions options;
    options.conditions = std::move(conditions);
    auto work = ask(library(), loop, nullptr, [this, &source, &target, &options, rename](void* user, spk_opendal_done done) {
      const WriteArgs args(options);
      library().copy(handle(), text(full(source)), text(full(target)), &args.args, rename ? 1 : 0, user, done);
      return static_cast<spk_opendal_call*>(nullptr);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<ObjectInfo>(error_of(answer, source));
    answer.info.key = std::move(target);
    co_return Result<ObjectInfo>(std::move(answer.info));
  }

  Task<Result<PresignedUrl>> presign_there(net::Loop& loop, PresignMethod method, std::string key, std::uint32_t expires_s) {
    const auto end = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::seconds(expires_s);
    auto work = ask(library(), loop, nullptr, [this, method, &key, expires_s](void* user, spk_opendal_done done) {
      return library().presign(handle(), text(name_of(method)), text(full(key)), expires_s, user, done);
    });
    Completed answer = co_await work;
    if (answer.code != SPK_OPENDAL_OK) co_return Result<PresignedUrl>(error_of(answer, key));
    PresignedUrl out;
    out.url = std::move(answer.data);
    out.expires_at = end;
    co_return Result<PresignedUrl>(std::move(out));
  }

  const StorePtr store_;
  const Capabilities capabilities_;
  OpendalOptions options_;
  bool ordered_ = false;
};

}  // namespace

Result<std::shared_ptr<Backend>> make_opendal(OpendalOptions options) {
  Result<const OpendalLibrary*> loaded = detail::opendal_library();
  if (!loaded.ok()) return std::move(loaded).error();
  const OpendalLibrary& library = **loaded;
  std::vector<spk_opendal_pair> pairs;
  for (const auto& [name, value] : options.settings) pairs.push_back({text(name), text(value)});
  struct Refused {
    std::int32_t code = SPK_OPENDAL_UNEXPECTED;
    std::string message;
  } refused;
  const auto on_refused = [](void* user, const spk_opendal_answer* answer) noexcept {
    auto& out = *static_cast<Refused*>(user);
    out.code = answer->code;
    if (answer->message.data != nullptr) out.message.assign(answer->message.data, answer->message.size);
  };
  std::uint32_t bits = 0;
  spk_opendal_store* opened = library.open(text(options.scheme), pairs.data(), pairs.size(), &bits, &refused, on_refused);
  if (opened == nullptr)
    return detail::opendal_error(refused.code, false, options.scheme + ": " + refused.message, std::string());
  auto store = std::make_shared<const Store>(library, opened);
  Capabilities capabilities;
  capabilities.metadata = (bits & 1U) != 0;
  capabilities.conditional_write = (bits & 2U) != 0;
  capabilities.presign = (bits & 4U) != 0;
  capabilities.uploads = (bits & 8U) != 0;
  capabilities.atomic_rename = false;
  capabilities.new_etag = options.scheme == "gcs" || options.scheme == "azblob";
  std::shared_ptr<Backend> out = std::make_shared<OpendalBackend>(std::move(store), capabilities, std::move(options));
  return out;
}

}  // namespace spikard::storage
