#include "storage/operations.hpp"

#include <chrono>
#include <utility>

#include "base/operation.gen.hpp"

namespace spikard::storage {

namespace {

using Out = Result<Document>;

/// Members of one object, with the first problem kept.
class Args {
 public:
  explicit Args(Value object) : object_(object) {
    if (!object_.is_object()) fail("expected an object of arguments");
  }

  [[nodiscard]] std::string text(std::string_view name) {
    if (std::optional<std::string> v = optional_text(name)) return std::move(*v);
    fail(std::string(name) + ": expected text");
    return {};
  }
  [[nodiscard]] std::string text_or(std::string_view name, std::string_view otherwise) {
    return optional_text(name).value_or(std::string(otherwise));
  }
  [[nodiscard]] std::optional<std::string> optional_text(std::string_view name) {
    const Value v = member(name);
    if (!v) return std::nullopt;
    if (v.is_string()) return std::string(v.text());
    fail(std::string(name) + ": expected text");
    return std::nullopt;
  }
  /// Bytes, or text as its UTF-8.
  [[nodiscard]] std::string data(std::string_view name) {
    const Value v = member(name);
    if (v && (v.is_string() || v.is(NodeType::bytes))) return std::string(v.text());
    fail(std::string(name) + ": expected bytes or text");
    return {};
  }
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) {
    const Value v = member(name);
    if (!v) return std::nullopt;
    if (v.is(NodeType::integer) && v.as_int() >= 0) return static_cast<std::uint64_t>(v.as_int());
    if (v.is(NodeType::uinteger)) return v.as_uint();
    fail(std::string(name) + ": expected an integer from 0");
    return std::nullopt;
  }
  [[nodiscard]] std::uint32_t number32(std::string_view name, std::uint32_t otherwise) {
    const std::uint64_t v = number(name).value_or(otherwise);
    if (v <= UINT32_MAX) return static_cast<std::uint32_t>(v);
    fail(std::string(name) + ": expected an integer of at most 4294967295");
    return otherwise;
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) {
    if (!object_.is_object() || !object_.find(name) || object_.find(name).is_null())
      fail(std::string(name) + ": expected an array of texts");
    return texts_or_none(name);
  }
  [[nodiscard]] std::vector<std::string> texts_or_none(std::string_view name) {
    std::vector<std::string> out;
    const Value v = member(name);
    if (!v) return out;
    if (!v.is_array()) {
      fail(std::string(name) + ": expected an array of texts");
      return out;
    }
    for (const Value element : v.elements()) {
      if (!element.is_string()) {
        fail(std::string(name) + ": expected an array of texts");
        return out;
      }
      out.emplace_back(element.text());
    }
    return out;
  }
  [[nodiscard]] std::map<std::string, std::string> text_map(std::string_view name) {
    std::map<std::string, std::string> out;
    const Value v = member(name);
    if (!v) return out;
    if (!v.is_object()) fail(std::string(name) + ": expected an object of texts");
    if (!v.is_object()) return out;
    for (const auto entry : v.members()) {
      if (!entry.value.is_string()) {
        fail(std::string(name) + "." + std::string(entry.key) + ": expected text");
        return out;
      }
      out.insert_or_assign(std::string(entry.key), std::string(entry.value.text()));
    }
    return out;
  }
  [[nodiscard]] WriteConditions conditions() {
    WriteConditions out;
    out.if_match = optional_text("if_match");
    out.if_none_match = optional_text("if_none_match");
    return out;
  }
  [[nodiscard]] ReadOptions read_options() {
    ReadOptions out;
    out.offset = number("offset");
    out.length = number("length");
    out.suffix = number("suffix");
    out.if_match = optional_text("if_match");
    out.if_none_match = optional_text("if_none_match");
    return out;
  }
  [[nodiscard]] WriteOptions write_options() {
    WriteOptions out;
    out.content_type = optional_text("content_type");
    out.cache_control = optional_text("cache_control");
    out.content_disposition = optional_text("content_disposition");
    out.metadata = text_map("metadata");
    out.conditions = conditions();
    return out;
  }

  /// What was read, all of it named: an argument that is not of the operation is a mistake as well.
  [[nodiscard]] std::optional<Error> finish(std::string_view operation) {
    if (problem_.empty() && object_.is_object()) {
      for (const auto entry : object_.members()) {
        bool known = false;
        for (const std::string& name : asked_) known = known || name == entry.key;
        if (!known) fail(std::string(entry.key) + ": is no argument of " + std::string(operation));
      }
    }
    if (problem_.empty()) return std::nullopt;
    return invalid_argument(problem_).with_operation(std::string(operation));
  }

 private:
  /// A null is as good as nothing.
  Value member(std::string_view name) {
    asked_.emplace_back(name);
    if (!object_.is_object()) return {};
    const Value v = object_.find(name);
    return v.is_null() ? Value() : v;
  }
  void fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  Value object_;
  std::vector<std::string> asked_;
  std::string problem_;
};

std::int64_t ms_of(WallTime time) { return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count(); }

void put_optional(NodeBuilder& out, std::string_view name, const std::optional<std::string>& value) {
  out.key(name);
  if (value.has_value()) {
    out.string(*value);
  } else {
    out.null();
  }
}

void put_short(NodeBuilder& out, const ObjectInfo& info) {
  out.key("key");
  out.string(info.key);
  out.key("size");
  out.uinteger(info.size);
  out.key("etag");
  out.string(info.etag);
  out.key("last_modified");
  out.integer(ms_of(info.last_modified));
}

void put_object(NodeBuilder& out, const ObjectInfo& info) {
  out.key("object");
  out.begin_object();
  put_short(out, info);
  put_optional(out, "content_type", info.content_type);
  put_optional(out, "cache_control", info.cache_control);
  put_optional(out, "content_disposition", info.content_disposition);
  out.key("metadata");
  out.begin_object();
  for (const auto& [name, value] : info.metadata) {
    out.key(name);
    out.string(value);
  }
  out.end();
  out.end();
}

void put_part(NodeBuilder& out, const UploadPart& part) {
  out.begin_object();
  out.key("number");
  out.uinteger(part.number);
  out.key("method");
  out.string(part.method);
  out.key("url");
  out.string(part.url);
  out.key("headers");
  out.begin_object();
  for (const auto& [name, value] : part.headers) {
    out.key(name);
    out.string(value);
  }
  out.end();
  out.key("offset");
  out.uinteger(part.offset);
  out.key("size");
  out.uinteger(part.size);
  out.end();
}

Out of_object(const Result<ObjectInfo>& info) {
  if (!info.ok()) return info.error();
  NodeBuilder out;
  out.begin_object();
  put_object(out, *info);
  out.end();
  return Document(std::move(out));
}

Out of_nothing(const Result<void>& result) {
  if (!result.ok()) return result.error();
  NodeBuilder out;
  out.begin_object();
  out.end();
  return Document(std::move(out));
}

Out of_bool(const Result<bool>& result) {
  if (!result.ok()) return result.error();
  NodeBuilder out;
  out.begin_object();
  out.key("value");
  out.boolean(*result);
  out.end();
  return Document(std::move(out));
}

Error aborted() {
  return Error(ErrorKind::cancelled, "the writer gave up before the end").with_detail("aborted").with_operation("storage.write");
}

Error not_streamed(std::string_view operation) {
  return invalid_argument("this operation is streamed: call it with a stream").with_operation(std::string(operation));
}

}  // namespace

Task<Out> Operations::call(net::Caller caller, Operation operation, Document args, net::OperationStream* stream) {
  Task<Out> work;
  switch (operation) {
    case Operation::storage_read: work = read(std::move(caller), std::move(args)); break;
    case Operation::storage_read_stream: work = read_stream(std::move(caller), std::move(args), stream); break;
    case Operation::storage_write: work = write(std::move(caller), std::move(args)); break;
    case Operation::storage_write_stream: work = write_stream(std::move(caller), std::move(args), stream); break;
    case Operation::storage_stat:
    case Operation::storage_exists:
    case Operation::storage_delete: work = about_key(std::move(caller), operation, std::move(args)); break;
    case Operation::storage_delete_many: work = remove_many(std::move(caller), std::move(args)); break;
    case Operation::storage_list: work = list(std::move(caller), std::move(args)); break;
    case Operation::storage_copy:
    case Operation::storage_rename: work = copy_or_rename(std::move(caller), operation, std::move(args)); break;
    case Operation::storage_presign: work = presign(std::move(caller), std::move(args)); break;
    case Operation::storage_plan_upload: work = plan_upload(std::move(caller), std::move(args)); break;
    case Operation::storage_complete_upload:
    case Operation::storage_abort_upload: work = end_upload(std::move(caller), operation, std::move(args)); break;
    default: co_return Out(Error(ErrorKind::unsupported, "no operation of storage"));
  }
  Out out = co_await work;
  co_return out;
}

Task<Out> Operations::read(net::Caller caller, Document document) {
  Args args(document.root());
  std::string key = args.text("key");
  ReadOptions options = args.read_options();
  if (auto error = args.finish("storage.read")) co_return Out(std::move(*error));
  auto work = client_->read(std::move(caller), std::move(key), std::move(options));
  Result<Object> object = co_await work;
  if (!object.ok()) co_return Out(std::move(object).error());
  NodeBuilder out;
  out.begin_object();
  out.key("data");
  out.bytes(object->data);
  out.key("offset");
  out.uinteger(object->span.offset);
  put_object(out, object->info);
  out.end();
  co_return Out(Document(std::move(out)));
}

Task<Out> Operations::read_stream(net::Caller caller, Document document, net::OperationStream* stream) {
  if (stream == nullptr) co_return Out(not_streamed("storage.read_stream"));
  Args args(document.root());
  std::string key = args.text("key");
  ReadOptions options = args.read_options();
  if (auto error = args.finish("storage.read_stream")) co_return Out(std::move(*error));
  auto opening = client_->open_read(std::move(caller), std::move(key), std::move(options));
  Result<std::unique_ptr<Reader>> opened = co_await opening;
  if (!opened.ok()) co_return Out(std::move(opened).error());
  Reader& reader = **opened;
  for (;;) {
    auto reading = reader.next();
    Result<std::string> part = co_await reading;
    if (!part.ok()) co_return Out(std::move(part).error());
    if (part->empty()) break;
    auto writing = stream->write(std::move(*part));
    Result<void> written = co_await writing;
    if (!written.ok()) co_return Out(std::move(written).error());
  }
  NodeBuilder out;
  out.begin_object();
  out.key("offset");
  out.uinteger(reader.span().offset);
  out.key("size");
  out.uinteger(reader.span().size);
  put_object(out, reader.info());
  out.end();
  co_return Out(Document(std::move(out)));
}

Task<Out> Operations::write(net::Caller caller, Document document) {
  Args args(document.root());
  std::string key = args.text("key");
  std::string data = args.data("data");
  WriteOptions options = args.write_options();
  if (auto error = args.finish("storage.write")) co_return Out(std::move(*error));
  auto work = client_->write(std::move(caller), std::move(key), std::move(data), std::move(options));
  Result<ObjectInfo> info = co_await work;
  co_return of_object(info);
}

Task<Out> Operations::write_stream(net::Caller caller, Document document, net::OperationStream* stream) {
  if (stream == nullptr) co_return Out(not_streamed("storage.write_stream"));
  Args args(document.root());
  std::string key = args.text("key");
  WriteOptions options = args.write_options();
  if (auto error = args.finish("storage.write_stream")) co_return Out(std::move(*error));
  auto opening = client_->open_write(std::move(caller), std::move(key), std::move(options));
  Result<std::unique_ptr<Writer>> opened = co_await opening;
  if (!opened.ok()) co_return Out(std::move(opened).error());
  Writer& writer = **opened;
  for (;;) {
    auto reading = stream->read();
    Result<std::optional<std::string>> part = co_await reading;
    if (!part.ok()) {
      if (part.error().kind() == ErrorKind::cancelled) co_return Out(aborted());
      co_return Out(std::move(part).error());
    }
    if (!part->has_value()) break;
    auto writing = writer.write(std::move(**part));
    Result<void> written = co_await writing;
    if (!written.ok()) co_return Out(std::move(written).error());
  }
  auto finishing = writer.finish();
  Result<ObjectInfo> info = co_await finishing;
  co_return of_object(info);
}

Task<Out> Operations::about_key(net::Caller caller, Operation operation, Document document) {
  Args args(document.root());
  std::string key = args.text("key");
  if (auto error = args.finish(name_of(operation))) co_return Out(std::move(*error));
  if (operation == Operation::storage_stat) {
    auto work = client_->stat(std::move(caller), std::move(key));
    Result<ObjectInfo> info = co_await work;
    co_return of_object(info);
  }
  if (operation == Operation::storage_exists) {
    auto work = client_->exists(std::move(caller), std::move(key));
    Result<bool> there = co_await work;
    co_return of_bool(there);
  }
  auto work = client_->remove(std::move(caller), std::move(key));
  Result<void> removed = co_await work;
  co_return of_nothing(removed);
}

Task<Out> Operations::remove_many(net::Caller caller, Document document) {
  Args args(document.root());
  std::vector<std::string> keys = args.texts("keys");
  if (auto error = args.finish("storage.delete_many")) co_return Out(std::move(*error));
  auto work = client_->remove_many(std::move(caller), std::move(keys));
  Result<std::vector<DeleteFailure>> failures = co_await work;
  if (!failures.ok()) co_return Out(std::move(failures).error());
  NodeBuilder out;
  out.begin_object();
  out.key("errors");
  out.begin_array();
  for (const DeleteFailure& failure : *failures) {
    out.begin_object();
    out.key("key");
    out.string(failure.key);
    out.key("kind");
    out.string(name_of(failure.error.kind()));
    out.key("detail");
    out.string(failure.error.detail());
    out.key("message");
    out.string(failure.error.message());
    out.end();
  }
  out.end();
  out.end();
  co_return Out(Document(std::move(out)));
}

Task<Out> Operations::list(net::Caller caller, Document document) {
  Args args(document.root());
  ListOptions options;
  options.prefix = args.text_or("prefix", "");
  options.delimiter = args.text_or("delimiter", "");
  options.start_after = args.text_or("start_after", "");
  options.limit = args.number32("limit", 1000);
  options.token = args.optional_text("token");
  if (auto error = args.finish("storage.list")) co_return Out(std::move(*error));
  auto work = client_->list(std::move(caller), std::move(options));
  Result<Listing> listing = co_await work;
  if (!listing.ok()) co_return Out(std::move(listing).error());
  NodeBuilder out;
  out.begin_object();
  out.key("entries");
  out.begin_array();
  for (const ObjectInfo& entry : listing->entries) {
    out.begin_object();
    put_short(out, entry);
    out.end();
  }
  out.end();
  out.key("prefixes");
  out.begin_array();
  for (const std::string& prefix : listing->prefixes) out.string(prefix);
  out.end();
  put_optional(out, "next", listing->next);
  out.end();
  co_return Out(Document(std::move(out)));
}

Task<Out> Operations::copy_or_rename(net::Caller caller, Operation operation, Document document) {
  Args args(document.root());
  std::string source = args.text("source");
  std::string target = args.text("target");
  WriteConditions conditions = args.conditions();
  if (auto error = args.finish(name_of(operation))) co_return Out(std::move(*error));
  Task<Result<ObjectInfo>> work;
  if (operation == Operation::storage_copy) {
    work = client_->copy(std::move(caller), std::move(source), std::move(target), std::move(conditions));
  } else {
    work = client_->rename(std::move(caller), std::move(source), std::move(target), std::move(conditions));
  }
  Result<ObjectInfo> info = co_await work;
  co_return of_object(info);
}

Task<Out> Operations::presign(net::Caller caller, Document document) {
  Args args(document.root());
  std::string method = args.text("method");
  std::string key = args.text("key");
  const std::uint32_t expires_s = args.number32("expires_s", 900);
  if (auto error = args.finish("storage.presign")) co_return Out(std::move(*error));
  std::optional<PresignMethod> parsed;
  for (const PresignMethod candidate : {PresignMethod::get, PresignMethod::put, PresignMethod::head})
    if (name_of(candidate) == method) parsed = candidate;
  if (!parsed.has_value()) {
    Error error = invalid_argument("method: expected GET, PUT or HEAD").with_operation("storage.presign");
    co_return Out(std::move(error));
  }
  auto work = client_->presign(std::move(caller), *parsed, std::move(key), expires_s);
  Result<PresignedUrl> url = co_await work;
  if (!url.ok()) co_return Out(std::move(url).error());
  NodeBuilder out;
  out.begin_object();
  out.key("url");
  out.string(url->url);
  out.key("expires_at");
  out.integer(ms_of(url->expires_at));
  out.end();
  co_return Out(Document(std::move(out)));
}

Task<Out> Operations::plan_upload(net::Caller caller, Document document) {
  Args args(document.root());
  std::string key = args.text("key");
  UploadOptions options;
  options.size = args.number("size").value_or(0);
  options.part_bytes = args.number("part_bytes").value_or(options.part_bytes);
  options.write = args.write_options();
  options.origin = args.text_or("origin", {});
  options.expires_s = args.number32("expires_s", options.expires_s);
  if (auto error = args.finish("storage.plan_upload")) co_return Out(std::move(*error));
  auto work = client_->plan_upload(std::move(caller), std::move(key), std::move(options));
  Result<UploadPlan> plan = co_await work;
  if (!plan.ok()) co_return Out(std::move(plan).error());
  NodeBuilder out;
  out.begin_object();
  out.key("upload");
  out.string(plan->upload);
  out.key("key");
  out.string(plan->key);
  out.key("parts");
  out.begin_array();
  for (const UploadPart& part : plan->parts) put_part(out, part);
  out.end();
  out.key("ordered");
  out.boolean(plan->ordered);
  out.key("expires_at");
  out.integer(ms_of(plan->expires_at));
  out.end();
  co_return Out(Document(std::move(out)));
}

Task<Out> Operations::end_upload(net::Caller caller, Operation operation, Document document) {
  Args args(document.root());
  std::string key = args.text("key");
  std::string upload = args.text("upload");
  const bool completes = operation == Operation::storage_complete_upload;
  std::vector<std::string> etags;
  if (completes) etags = args.texts_or_none("etags");
  if (auto error = args.finish(name_of(operation))) co_return Out(std::move(*error));
  if (completes) {
    auto work = client_->complete_upload(std::move(caller), std::move(key), std::move(upload), std::move(etags));
    Result<ObjectInfo> info = co_await work;
    co_return of_object(info);
  }
  auto work = client_->abort_upload(std::move(caller), std::move(key), std::move(upload));
  Result<void> aborted = co_await work;
  co_return of_nothing(aborted);
}

}  // namespace spikard::storage
