// The ops of `cache` (fixtures/README.md section 5) on the C++ client.
#include "cache/client.hpp"

#include <cstdlib>
#include <random>

#include "cache/registry.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

constexpr const char* redis_variable = "SPIKARD_TEST_REDIS_URL";

using cache::Payload;
using cache::Ttl;

/// None: the cache's default; null: for ever.
Ttl ttl_of(Value args) {
  const Value ttl = args.find("ttl_ms");
  if (!ttl) return {};
  if (ttl.is_null()) return Ttl::forever();
  return Ttl(std::chrono::milliseconds(ttl.as_int()));
}

void write(NodeBuilder& out, const std::optional<Payload>& value) {
  if (value) {
    out.bytes(value->view());
  } else {
    out.null();
  }
}

Document of(const std::optional<Payload>& value) {
  NodeBuilder out;
  write(out, value);
  return Document(std::move(out));
}

/// `{value | fail, sleep_ms}`; counts how often it ran.
cache::Loader loader(net::Loop& loop, Value spec, std::shared_ptr<std::int64_t> runs) {
  return [&loop, spec = Document(spec), runs]() -> Task<Result<std::optional<std::string>>> {
    using Made = Result<std::optional<std::string>>;
    ++*runs;
    const Document load = spec;
    const auto sleep = ms_of(load.root(), "sleep_ms");
    if (sleep) {
      const Result<void> slept = co_await net::sleep(loop, *sleep);
      if (!slept.ok()) co_return Made(slept.error());
    }
    if (const Value why = load.root().find("fail")) {
      co_return Made(Error(ErrorKind::unavailable, why.is_string() ? std::string(why.text()) : std::string("as the case says")));
    }
    const Value value = load.root().find("value");
    if (!value || value.is_null()) co_return Made(std::optional<std::string>());
    co_return Made(std::optional<std::string>(bytes_of(value)));
  };
}

struct Gathered {
  explicit Gathered(net::Loop& loop, std::size_t count) : values(count), done(loop) {}
  std::vector<std::optional<Result<std::optional<Payload>>>> values;
  std::size_t ended = 0;
  net::Event done;
};

class CacheOps final : public ToolboxClient {
 public:
  CacheOps(Stage& stage, cache::Client client) : caller_(stage.loop()), client_(std::move(client)) {}

  Task<Result<Document>> run(std::string op, Document document) override {
    const Value args = document.root();
    const std::string key(text_or(args, "key"));
    if (op == "get") {
      only(args, {"key"}, op);
      const auto value = co_await client_.get(caller_, key);
      if (!value.ok()) co_return Result<Document>(value.error());
      co_return of(*value);
    }
    if (op == "set" || op == "set_if_absent") {
      only(args, {"key", "value", "ttl_ms"}, op);
      const cache::SetOptions options(ttl_of(args));
      const std::string value(bytes_of(args.find("value")));
      if (op == "set") {
        const auto done = co_await client_.set(caller_, key, value, options);
        if (!done.ok()) co_return Result<Document>(done.error());
        co_return nothing();
      }
      const auto set = co_await client_.set_if_absent(caller_, key, value, options);
      co_return answer(set);
    }
    if (op == "delete") {
      only(args, {"key"}, op);
      const auto was = co_await client_.remove(caller_, key);
      co_return answer(was);
    }
    if (op == "delete_if") {
      only(args, {"key", "equals"}, op);
      const auto was = co_await client_.remove_if(caller_, key, bytes_of(args.find("equals")));
      co_return answer(was);
    }
    if (op == "exists") {
      only(args, {"key"}, op);
      const auto is = co_await client_.exists(caller_, key);
      co_return answer(is);
    }
    if (op == "touch") {
      only(args, {"key", "ttl_ms"}, op);
      const auto is = co_await client_.touch(caller_, key, ttl_of(args));
      co_return answer(is);
    }
    if (op == "ttl") {
      only(args, {"key"}, op);
      const auto left = co_await client_.ttl(caller_, key);
      if (!left.ok()) co_return Result<Document>(left.error());
      if (!left->has_value()) co_return nothing();
      co_return e2e::of(static_cast<std::int64_t>((*left)->count()));
    }
    if (op == "increment") {
      only(args, {"key", "by"}, op);
      const auto value = co_await client_.increment(caller_, key, int_or(args, "by", 1));
      if (!value.ok()) co_return Result<Document>(value.error());
      co_return e2e::of(*value);
    }
    if (op == "count") {
      only(args, {}, op);
      const auto count = co_await client_.count(caller_);
      if (!count.ok()) co_return Result<Document>(count.error());
      co_return e2e::of(static_cast<std::int64_t>(*count));
    }
    if (op == "clear") {
      only(args, {}, op);
      const auto done = co_await client_.clear(caller_);
      if (!done.ok()) co_return Result<Document>(done.error());
      co_return nothing();
    }
    if (op == "use_namespace") {
      only(args, {"namespace"}, op);
      client_ = client_.in(std::string(text_or(args, "namespace")));
      co_return nothing();
    }
    if (op == "get_many") {
      only(args, {"keys"}, op);
      std::vector<std::string> keys;
      for (const Value one : args.find("keys").elements()) keys.emplace_back(one.text());
      const auto values = co_await client_.get_many(caller_, keys);
      if (!values.ok()) co_return Result<Document>(values.error());
      NodeBuilder out;
      out.begin_array();
      for (const auto& value : *values) write(out, value);
      out.end();
      co_return Document(std::move(out));
    }
    if (op == "set_many") {
      only(args, {"items", "ttl_ms"}, op);
      std::vector<cache::Item> items;
      for (const auto& [name, value] : args.find("items").members())
        items.emplace_back(std::string(name), std::string(bytes_of(value)));
      const cache::SetOptions options(ttl_of(args));
      const auto done = co_await client_.set_many(caller_, items, options);
      if (!done.ok()) co_return Result<Document>(done.error());
      co_return nothing();
    }
    if (op == "get_or_load") {
      only(args, {"key", "load", "ttl_ms"}, op);
      const auto runs = std::make_shared<std::int64_t>(0);
      cache::LoadOptions options(ttl_of(args));
      cache::Loader load = loader(*caller_.loop, args.find("load"), runs);
      const auto value = co_await client_.get_or_load(caller_, key, std::move(options), std::move(load));
      if (!value.ok()) co_return Result<Document>(value.error());
      NodeBuilder out;
      out.begin_object();
      out.key("value");
      write(out, *value);
      out.key("loaded");
      out.boolean(*runs != 0);
      out.end();
      co_return Document(std::move(out));
    }
    if (op == "get_or_load_concurrent") {
      only(args, {"key", "load", "ttl_ms", "callers"}, op);
      co_return co_await concurrent(key, args);
    }
    throw NotBuilt("cache op " + op);
  }

  Task<Result<Document>> close() override { co_return nothing(); }

 private:
  static Result<Document> answer(const Result<bool>& result) {
    if (!result.ok()) return result.error();
    return e2e::of(*result);
  }

  Task<Result<Document>> concurrent(std::string key, Value args) {
    const auto runs = std::make_shared<std::int64_t>(0);
    const auto callers = static_cast<std::size_t>(int_or(args, "callers", 1));
    const auto gathered = std::make_shared<Gathered>(*caller_.loop, callers);
    for (std::size_t n = 0; n < callers; ++n) {
      cache::Loader load = loader(*caller_.loop, args.find("load"), runs);
      spawn(client_.get_or_load(caller_, key, cache::LoadOptions(ttl_of(args)), std::move(load)).task(),
            [gathered, n](const std::exception_ptr&, std::optional<Result<std::optional<Payload>>> value) {
              gathered->values[n] = std::move(value);
              if (++gathered->ended == gathered->values.size()) gathered->done.set();
            });
    }
    const Result<void> all = co_await gathered->done.wait();
    if (!all.ok()) co_return Result<Document>(all.error());
    NodeBuilder out;
    out.begin_object();
    out.key("values");
    out.begin_array();
    for (const auto& value : gathered->values) {
      if (!value || !value->ok()) co_return Result<Document>(value ? value->error() : internal_error("a caller threw"));
      write(out, **value);
    }
    out.end();
    out.key("loads");
    out.integer(*runs);
    out.end();
    co_return Document(std::move(out));
  }

  net::Caller caller_;
  cache::Client client_;
};

Task<Result<std::shared_ptr<ToolboxClient>>> open(Stage& stage, Document document) {
  using Opened = Result<std::shared_ptr<ToolboxClient>>;
  const Value config = document.root();
  only(config, {"backend", "default_ttl_ms", "max_entries"}, "cache");
  services::CacheConfig wanted;
  const std::string backend(text_or(config, "backend"));
  if (backend == "memory") {
    wanted.url = "memory:";
  } else if (const char* server = std::getenv(redis_variable); server != nullptr && (backend == "redis" || backend == "tiered")) {
    // Empty at first: a prefix of its own.
    wanted.url =
        (backend == "tiered" ? "tiered+" : "") + std::string(server) + "?prefix=e2e:" + std::to_string(std::random_device()());
  } else {
    throw NotBuilt("backend " + backend);
  }
  if (const Value ttl = config.find("default_ttl_ms")) wanted.default_ttl_ms = static_cast<std::uint64_t>(ttl.as_int());
  if (const Value most = config.find("max_entries")) wanted.max_entries = static_cast<std::uint64_t>(most.as_int());
  cache::Environment environment(stage.clock());
  environment.tracer = stage.tracer();
  Result<std::shared_ptr<cache::Cache>> opened = cache::open(wanted, environment);
  if (!opened.ok()) co_return Opened(std::move(opened).error());
  std::shared_ptr<ToolboxClient> ops = std::make_shared<CacheOps>(stage, cache::Client(*opened));
  co_return Opened(std::move(ops));
}

}  // namespace

Subsystem cache_subsystem() {
  std::vector<std::string> backends{"memory"};
  if (std::getenv(redis_variable) != nullptr) backends.insert(backends.end(), {"redis", "tiered"});
  return {"cache", std::move(backends), &open};
}

}  // namespace spikard::e2e
