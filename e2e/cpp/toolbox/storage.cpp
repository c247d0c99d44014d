// The ops of `storage` (fixtures/README.md section 5) on the C++ client: through its operations, so that arguments and results
// are those every language sees.
#include "storage/operations.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/operation.gen.hpp"
#include "net/signing/hash.hpp"
#include "services/storage.gen.hpp"
#include "storage/registry.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

/// The pieces of a streamed write; gives up after so many bytes.
class Pieces final : public net::OperationStream {
 public:
  explicit Pieces(Value args) {
    const Value pattern = args.find("pattern");
    only(pattern, {"repeat", "bytes"}, "pattern");
    repeat_ = text_or(pattern, "repeat");
    if (repeat_.empty()) throw std::runtime_error("pattern.repeat is empty");
    size_ = static_cast<std::uint64_t>(int_or(pattern, "bytes", 0));
    piece_ = static_cast<std::uint64_t>(int_or(args, "piece", 65536));
    if (args.find("abort_after")) stop_ = static_cast<std::uint64_t>(int_or(args, "abort_after", 0));
  }
  Task<Result<void>> write(std::string) override { co_return Result<void>(internal_error("nothing is read here")); }
  Task<Result<std::optional<std::string>>> read() override {
    using Out = Result<std::optional<std::string>>;
    if (at_ >= stop_) co_return Out(Error(ErrorKind::cancelled, "the writer gave up"));
    if (at_ == size_) co_return Out(std::optional<std::string>());
    std::string piece;
    const std::uint64_t end = std::min(at_ + piece_, size_);
    piece.reserve(static_cast<std::size_t>(end - at_));
    for (; at_ < end; ++at_) piece.push_back(repeat_[static_cast<std::size_t>(at_ % repeat_.size())]);
    co_return Out(std::optional<std::string>(std::move(piece)));
  }

 private:
  std::string repeat_;
  std::uint64_t size_ = 0;
  std::uint64_t piece_ = 0;
  std::uint64_t stop_ = UINT64_MAX;
  std::uint64_t at_ = 0;
};

struct Known {
  std::string_view op;
  Operation operation;
  std::string_view result;  ///< the member that is the op's value; empty: all of it; `-`: nothing
};
constexpr Known known[] = {
    {"write", Operation::storage_write, "object"},
    {"read", Operation::storage_read, "data"},
    {"stat", Operation::storage_stat, "object"},
    {"exists", Operation::storage_exists, "value"},
    {"delete", Operation::storage_delete, "-"},
    {"delete_many", Operation::storage_delete_many, "errors"},
    {"list", Operation::storage_list, ""},
    {"copy", Operation::storage_copy, "object"},
    {"rename", Operation::storage_rename, "object"},
    {"presign", Operation::storage_presign, "url"},
    {"plan_upload", Operation::storage_plan_upload, ""},
    {"complete_upload", Operation::storage_complete_upload, "object"},
    {"abort_upload", Operation::storage_abort_upload, "-"},
};

class StorageOps final : public ToolboxClient {
 public:
  StorageOps(Stage& stage, std::shared_ptr<storage::Client> client) : caller_(stage.loop()), target_(std::move(client)) {}

  std::vector<std::string> capabilities() const override {
    std::vector<std::string> out;
    if (target_.client()->capabilities().metadata) out.emplace_back("metadata");
    if (target_.client()->capabilities().conditional_write) out.emplace_back("conditional_write");
    if (target_.client()->capabilities().uploads) out.emplace_back("uploads");
    return out;
  }

  Task<Result<Document>> run(std::string op, Document args) override {
    if (op == "write_stream") {
      Pieces pieces(args.root());
      NodeBuilder rest;
      rest.begin_object();
      for (const auto& [name, value] : args.root().members()) {
        if (name == "pattern" || name == "piece" || name == "abort_after") continue;
        rest.key(name);
        rest.copy(value);
      }
      rest.end();
      Document document(std::move(rest));
      auto work = target_.call(caller_, Operation::storage_write_stream, std::move(document), &pieces);
      Result<Document> done = co_await work;
      co_return value_of(std::move(done), "object");
    }
    for (const Known& one : known) {
      if (one.op != op) continue;
      auto work = target_.call(caller_, one.operation, std::move(args), nullptr);
      Result<Document> done = co_await work;
      co_return value_of(std::move(done), one.result);
    }
    throw NotBuilt("op " + op);
  }

  Task<Result<Document>> close() override { co_return nothing(); }

 private:
  static Result<Document> value_of(Result<Document> result, std::string_view member) {
    if (!result.ok() || member.empty()) return result;
    if (member == "-") return nothing();
    return Document(result->root().find(member));
  }

  net::Caller caller_;
  storage::Operations target_;
};

/// What tools/services says of a server; empty: it is not there.
std::string setting(const char* name) {
  const char* value = std::getenv((std::string("SPIKARD_TEST_") + name).c_str());
  return value == nullptr ? std::string() : value;
}

/// An empty folder on a real server.
services::StorageConfig on_server(std::string_view backend) {
  services::StorageConfig out;
  const std::string folder = "/e2e-" + net::signing::hex(net::signing::random_bytes(8));
  if (backend == "s3") {
    out.url = "s3://" + setting("S3_BUCKET") + folder;
    out.s3.endpoint = setting("S3_URL");
    out.s3.addressing = services::S3Addressing::path;
    out.s3.access_key = setting("S3_ACCESS_KEY");
    out.s3.secret_key = setting("S3_SECRET_KEY");
  } else if (backend == "gcs") {
    out.url = "gcs://" + setting("GCS_BUCKET") + folder;
    out.gcs.endpoint = setting("GCS_URL");
    out.gcs.anonymous = true;
    out.presign.secret = "of the tokens";  // it has no credentials
  } else {
    out.url = "azblob://" + setting("AZBLOB_CONTAINER") + folder;
    out.azblob.endpoint = setting("AZBLOB_URL");
    out.azblob.account = setting("AZBLOB_ACCOUNT");
    out.azblob.account_key = setting("AZBLOB_KEY");
  }
  return out;
}

std::vector<std::string> storage_backends() {
  std::vector<std::string> out = {"memory", "fs"};
  if (!setting("S3_URL").empty()) out.emplace_back("s3");
  if (!setting("GCS_URL").empty()) out.emplace_back("gcs");
  if (!setting("AZBLOB_URL").empty()) out.emplace_back("azblob");
  return out;
}

Task<Result<std::shared_ptr<ToolboxClient>>> open(Stage& stage, Document document) {
  using Out = Result<std::shared_ptr<ToolboxClient>>;
  const Value config = document.root();
  only(config, {"backend", "bucket", "region", "endpoint", "addressing", "access_key", "secret_key", "session_token", "clock"},
       "storage");
  const std::string_view backend = text_or(config, "backend");
  services::StorageConfig made;
  if (backend == "memory") {
    made.url = "memory:";
  } else if (backend == "fs") {
    made.url = "file:" + stage.folder() + "/objects";
  } else if ((backend == "s3" && !config.find("bucket")) || backend == "gcs" || backend == "azblob") {
    made = on_server(backend);
  } else if (backend == "s3") {
    made.url = "s3://" + std::string(text_or(config, "bucket"));
    made.s3.region = text_or(config, "region", made.s3.region);
    made.s3.endpoint = text_or(config, "endpoint");
    made.s3.access_key = text_or(config, "access_key");
    made.s3.secret_key = text_or(config, "secret_key");
    made.s3.session_token = text_or(config, "session_token");
    const std::string_view addressing = text_or(config, "addressing", "virtual");
    const auto parsed = services::s3_addressing_from(addressing);
    if (!parsed) throw NotBuilt("addressing " + std::string(addressing));
    made.s3.addressing = *parsed;
  } else {
    throw NotBuilt("backend " + std::string(backend));
  }
  storage::Environment environment(stage.clock(), stage.pool());
  environment.tracer = stage.tracer();
  Result<std::shared_ptr<storage::Client>> client = storage::Client::open(made, environment);
  if (!client.ok()) co_return Out(std::move(client).error());
  std::shared_ptr<ToolboxClient> ops = std::make_shared<StorageOps>(stage, std::move(*client));
  co_return Out(std::move(ops));
}

}  // namespace

Subsystem storage_subsystem() { return {"storage", storage_backends(), open}; }

}  // namespace spikard::e2e
