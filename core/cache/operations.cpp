#include "cache/operations.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace spikard::cache {

namespace {

Error wrong(std::string_view member, std::string_view expected) {
  std::string message(member);
  message.append(": expected ").append(expected);
  return invalid_argument(std::move(message));
}

/// Reads the members of an operation's arguments; the first that is wrong stays in `error`. Unknown members are refused.
class Args {
 public:
  explicit Args(Value object) : object_(object) {
    if (!object.is_object()) fail(wrong("arguments", "an object"));
  }

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  [[nodiscard]] Error take() { return std::move(*error_); }

  [[nodiscard]] std::string_view text(std::string_view name, bool required = true) {
    const Value v = find(name);
    if (!given(v)) return missing(name, required, "text"), std::string_view();
    if (!v.is(NodeType::string) && !v.is(NodeType::bytes)) return fail(wrong(name, "text")), std::string_view();
    return v.text();
  }
  [[nodiscard]] std::string_view bytes(std::string_view name) {
    const Value v = find(name);
    if (!given(v)) return missing(name, true, "text or bytes"), std::string_view();
    if (!v.is(NodeType::string) && !v.is(NodeType::bytes)) return fail(wrong(name, "text or bytes")), std::string_view();
    return v.text();
  }
  [[nodiscard]] bool boolean(std::string_view name) {
    const Value v = find(name);
    if (!given(v)) return false;
    if (!v.is(NodeType::boolean)) return fail(wrong(name, "true or false")), false;
    return v.as_bool();
  }
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t usual) {
    const Value v = find(name);
    if (!given(v)) return usual;
    if (!v.is(NodeType::integer)) return fail(wrong(name, "an integer of 64 bits")), usual;
    return v.as_int();
  }
  /// Spans: what is beyond 63 bits is as good as the most there is.
  [[nodiscard]] std::int64_t span(std::string_view name, std::int64_t usual, std::int64_t least) {
    const Value v = find(name);
    if (!given(v)) return usual;
    if (v.is(NodeType::uinteger)) return INT64_MAX;
    if (!v.is(NodeType::integer) || v.as_int() < least) {
      return fail(wrong(name, "whole milliseconds, at least " + std::to_string(least))), usual;
    }
    return v.as_int();
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view name, bool required = false) {
    std::vector<std::string> out;
    const Value v = find(name);
    if (!given(v)) return missing(name, required, "a list of texts"), out;
    if (!v.is_array()) return fail(wrong(name, "a list of texts")), out;
    out.reserve(v.size());
    for (const Value one : v.elements()) {
      if (!one.is(NodeType::string) && !one.is(NodeType::bytes)) return fail(wrong(name, "a list of texts")), out;
      out.emplace_back(one.text());
    }
    return out;
  }
  [[nodiscard]] std::vector<Item> items(std::string_view name) {
    std::vector<Item> out;
    const Value v = find(name);
    if (!v.is_object()) return fail(wrong(name, "an object of texts or bytes")), out;
    out.reserve(v.size());
    for (const auto& [key, value] : v.members()) {
      if (!value.is(NodeType::string) && !value.is(NodeType::bytes)) return fail(wrong(name, "an object of texts or bytes")), out;
      out.emplace_back(std::string(key), std::string(value.text()));
    }
    return out;
  }
  [[nodiscard]] Ttl ttl() {
    const Value v = find("ttl_ms");
    const bool forever = boolean("forever");
    const std::int64_t ms = span("ttl_ms", 0, 1);
    if (given(v) && forever) return fail(wrong("forever", "false beside ttl_ms")), Ttl();
    if (forever) return Ttl::forever();
    return given(v) ? Ttl(std::chrono::milliseconds(ms)) : Ttl();
  }
  [[nodiscard]] SetOptions set_options() {
    SetOptions out(ttl());
    out.tags = texts("tags");
    const std::int64_t weight = integer("weight", 0);
    if (weight < 0 || weight > UINT32_MAX) fail(wrong("weight", "0 to 4294967295"));
    out.weight = static_cast<std::uint32_t>(weight);
    return out;
  }
  [[nodiscard]] LoadOptions load_options() {
    LoadOptions out(ttl());
    SetOptions set = set_options();
    out.tags = std::move(set.tags);
    out.weight = set.weight;
    out.negative_ttl = std::chrono::milliseconds(span("negative_ttl_ms", 0, 0));
    out.stale_if_error = std::chrono::milliseconds(span("stale_if_error_ms", 0, 0));
    out.early_refresh = std::chrono::milliseconds(span("early_refresh_ms", 0, 0));
    out.load_timeout = std::chrono::milliseconds(span("load_timeout_ms", 30'000, 1));
    const std::int64_t wait = span("wait_ms", 0, 1);
    if (wait != 0) out.wait = std::chrono::milliseconds(wait);
    return out;
  }
  /// After all members were read.
  void nothing_else(std::initializer_list<std::string_view> known) {
    if (!ok()) return;
    for (const auto& [key, value] : object_.members()) {
      bool found = false;
      for (const std::string_view name : known) found = found || name == key;
      if (!found) return fail(invalid_argument("unknown argument `" + std::string(key) + "`"));
    }
  }

 private:
  [[nodiscard]] Value find(std::string_view name) const { return object_.is_object() ? object_.find(name) : Value(); }
  [[nodiscard]] static bool given(Value v) noexcept { return v.exists() && !v.is_null(); }
  void missing(std::string_view name, bool required, std::string_view expected) {
    if (required) fail(wrong(name, expected));
  }
  void fail(Error error) {
    if (!error_) error_.emplace(std::move(error));
  }

  Value object_;
  std::optional<Error> error_;
};

class Reply {
 public:
  Reply() { out_.begin_object(); }
  NodeBuilder& member(std::string_view name) {
    out_.key(name);
    return out_;
  }
  void payload(std::string_view name, const std::optional<Payload>& value) {
    out_.key(name);
    put(value);
  }
  void put(const std::optional<Payload>& value) {
    if (value) {
      out_.bytes(value->view());
    } else {
      out_.null();
    }
  }
  NodeBuilder& nodes() { return out_; }
  [[nodiscard]] Document document() {
    out_.end();
    return Document(std::move(out_));
  }

 private:
  NodeBuilder out_;
};

Document reply(const std::optional<Payload>& value) {
  Reply out;
  out.payload("value", value);
  return out.document();
}
Document reply(bool value) {
  Reply out;
  out.member("value").boolean(value);
  return out.document();
}
Document reply(std::int64_t value) {
  Reply out;
  out.member("value").integer(value);
  return out.document();
}
Document reply(std::uint64_t value) {
  Reply out;
  out.member("value").uinteger(value);
  return out.document();
}
Document reply(const std::optional<std::chrono::milliseconds>& value) {
  Reply out;
  if (value) {
    out.member("value").integer(value->count());
  } else {
    out.member("value").null();
  }
  return out.document();
}
Document reply(const std::vector<std::optional<Payload>>& values) {
  Reply out;
  out.member("value").begin_array();
  for (const auto& value : values) {
    if (value) {
      out.nodes().bytes(value->view());
    } else {
      out.nodes().null();
    }
  }
  out.nodes().end();
  return out.document();
}
Document reply(const Cache::Begun& begun) {
  Reply out;
  out.member("state").string(begun.loads ? "load" : "value");
  out.payload("value", begun.value);
  if (begun.flight != 0) {
    out.member("flight").uinteger(begun.flight);
  } else {
    out.member("flight").null();
  }
  return out.document();
}
Document reply(const LoadStatistics& now) {
  Reply out;
  const std::array<std::pair<std::string_view, std::uint64_t>, 9> members{{{"hits", now.hits},
                                                                           {"misses", now.misses},
                                                                           {"evictions", now.evictions},
                                                                           {"expirations", now.expirations},
                                                                           {"loads", now.loads},
                                                                           {"load_failures", now.load_failures},
                                                                           {"entries", now.entries},
                                                                           {"weight", now.weight},
                                                                           {"max_weight", now.max_weight}}};
  for (const auto& [name, value] : members) out.member(name).uinteger(value);
  return out.document();
}

template <class T>
Result<Document> document_of(Result<T> result) {
  if (!result.ok()) return std::move(result).error();
  if constexpr (std::is_void_v<T>) {
    return Reply().document();
  } else {
    return reply(*result);
  }
}

template <class T>
Task<Result<Document>> later(Answer<T> answer) {
  Result<T> result = co_await answer;
  co_return document_of(std::move(result));
}

/// A document, or the task that will have it.
using Reached = Answer<Document>;

template <class T>
Reached reached(Answer<T> answer) {
  if (answer.ready()) return document_of(std::move(answer).take());
  return later(std::move(answer));
}

// What a pending answer borrows lives in its frame.
Task<Result<Document>> get_many(Cache& cache, On on, std::string_view space, std::vector<std::string> keys) {
  Answer<std::vector<std::optional<Payload>>> answer = cache.get_many(on, space, keys);
  Result<std::vector<std::optional<Payload>>> result = co_await answer;
  co_return document_of(std::move(result));
}
Task<Result<Document>> set_many(Cache& cache, On on, std::string_view space, std::vector<Item> items, SetOptions options) {
  Answer<void> answer = cache.set_many(on, space, items, options);
  Result<void> result = co_await answer;
  co_return document_of(std::move(result));
}
Task<Result<Document>> set_one(Cache& cache, On on, Key key, std::string_view value, SetOptions options) {
  Answer<void> answer = cache.set(on, key, value, options);
  Result<void> result = co_await answer;
  co_return document_of(std::move(result));
}
Task<Result<Document>> set_if_absent(Cache& cache, On on, Key key, std::string_view value, SetOptions options) {
  Answer<bool> answer = cache.set_if_absent(on, key, value, options);
  Result<bool> result = co_await answer;
  co_return document_of(std::move(result));
}
Task<Result<Document>> invalidate(Cache& cache, On on, std::vector<std::string> tags) {
  Answer<void> answer = cache.invalidate_tags(on, tags);
  Result<void> result = co_await answer;
  co_return document_of(std::move(result));
}

std::optional<Cache::End> end_of(std::string_view outcome) {
  if (outcome == "value") return Cache::End::value;
  if (outcome == "absent") return Cache::End::absent;
  if (outcome == "failed") return Cache::End::failed;
  if (outcome == "given_up") return Cache::End::given_up;
  return std::nullopt;
}

Task<Result<Document>> end_load(Cache& cache, const net::Caller* caller, std::uint64_t flight, Cache::End end,
                                std::string_view value, std::string_view message) {
  Result<std::optional<Payload>> result = co_await cache.end_load(caller, flight, end, value, message);
  co_return document_of(std::move(result));
}

/// Of a task that never suspends, for its backend answers at once.
Result<Document> run_through(Task<Result<Document>> task) {
  std::optional<Result<Document>> out;
  std::exception_ptr thrown;
  spawn(std::move(task), [&](std::exception_ptr error, std::optional<Result<Document>> value) {
    thrown = std::move(error);
    out = std::move(value);
  });
  if (thrown) std::rethrow_exception(thrown);
  SPIKARD_ASSERT(out.has_value(), "an immediate backend never suspends");
  return std::move(*out);
}

Reached settle(bool now, Task<Result<Document>> task) {
  if (now) return run_through(std::move(task));
  return task;
}

/// Null caller: only for a cache that answers at once; begin_load is not done here.
Reached perform(Cache& cache, On on, Operation operation, Value object) {
  const bool now = on.caller == nullptr;
  Args args(object);
  const std::string_view space = args.text("namespace", false);
  const auto key = [&] { return Key{space, args.text("key")}; };
  switch (operation) {
    case Operation::cache_get: {
      const Key at = key();
      args.nothing_else({"key", "namespace"});
      if (!args.ok()) return args.take();
      return reached(cache.get(on, at));
    }
    case Operation::cache_set:
    case Operation::cache_set_if_absent: {
      const Key at = key();
      const std::string_view value = args.bytes("value");
      SetOptions options = args.set_options();
      args.nothing_else({"key", "namespace", "value", "ttl_ms", "forever", "tags", "weight"});
      if (!args.ok()) return args.take();
      if (operation == Operation::cache_set) {
        if (now) return reached(cache.set(on, at, value, options));
        return set_one(cache, on, at, value, std::move(options));
      }
      if (now) return reached(cache.set_if_absent(on, at, value, options));
      return set_if_absent(cache, on, at, value, std::move(options));
    }
    case Operation::cache_delete:
    case Operation::cache_exists:
    case Operation::cache_ttl: {
      const Key at = key();
      args.nothing_else({"key", "namespace"});
      if (!args.ok()) return args.take();
      if (operation == Operation::cache_delete) return reached(cache.remove(on, at));
      if (operation == Operation::cache_exists) return reached(cache.exists(on, at));
      return reached(cache.ttl(on, at));
    }
    case Operation::cache_touch: {
      const Key at = key();
      const Ttl ttl = args.ttl();
      args.nothing_else({"key", "namespace", "ttl_ms", "forever"});
      if (!args.ok()) return args.take();
      return reached(cache.touch(on, at, ttl));
    }
    case Operation::cache_increment: {
      const Key at = key();
      const std::int64_t by = args.integer("by", 1);
      const Ttl ttl = args.ttl();
      args.nothing_else({"key", "namespace", "by", "ttl_ms", "forever"});
      if (!args.ok()) return args.take();
      return reached(cache.increment(on, at, by, ttl));
    }
    case Operation::cache_delete_if: {
      const Key at = key();
      const std::string_view equals = args.bytes("equals");
      args.nothing_else({"key", "namespace", "equals"});
      if (!args.ok()) return args.take();
      return reached(cache.remove_if(on, at, equals));
    }
    case Operation::cache_get_many: {
      std::vector<std::string> keys = args.texts("keys", true);
      args.nothing_else({"keys", "namespace"});
      if (!args.ok()) return args.take();
      return settle(now, get_many(cache, on, space, std::move(keys)));
    }
    case Operation::cache_set_many: {
      std::vector<Item> items = args.items("items");
      SetOptions options = args.set_options();
      args.nothing_else({"items", "namespace", "ttl_ms", "forever", "tags"});
      if (!args.ok()) return args.take();
      return settle(now, set_many(cache, on, space, std::move(items), std::move(options)));
    }
    case Operation::cache_clear:
    case Operation::cache_count: {
      args.nothing_else({"namespace"});
      if (!args.ok()) return args.take();
      if (operation == Operation::cache_clear) return reached(cache.clear(on, space));
      return reached(cache.count(on, space));
    }
    case Operation::cache_invalidate_tags: {
      std::vector<std::string> tags = args.texts("tags", true);
      args.nothing_else({"tags"});
      if (!args.ok()) return args.take();
      return settle(now, invalidate(cache, on, std::move(tags)));
    }
    case Operation::cache_end_load: {
      const std::int64_t flight = args.integer("flight", 0);
      const std::optional<Cache::End> end = end_of(args.text("outcome"));
      const bool has_value = end == Cache::End::value;
      const std::string_view value = has_value ? args.bytes("value") : std::string_view();
      const std::string_view message = args.text("message", false);
      args.nothing_else({"flight", "outcome", "value", "message"});
      if (!args.ok()) return args.take();
      if (!end) return wrong("outcome", "value, absent, failed or given_up");
      if (!object.find("flight").is(NodeType::integer)) return wrong("flight", "the number from cache.get_or_begin_load");
      return settle(now, end_load(cache, on.caller, static_cast<std::uint64_t>(flight), *end, value, message));
    }
    case Operation::cache_stats: {
      args.nothing_else({});
      if (!args.ok()) return args.take();
      return reply(cache.statistics());
    }
    default: return Error(ErrorKind::unsupported, "no operation of a cache");
  }
}

struct LoadRequest {
  Key key;
  LoadOptions options;
};

Result<LoadRequest> load_request(Value object) {
  Args args(object);
  LoadRequest out;
  out.key = Key{args.text("namespace", false), args.text("key")};
  out.options = args.load_options();
  args.nothing_else({"key", "namespace", "ttl_ms", "forever", "negative_ttl_ms", "stale_if_error_ms", "early_refresh_ms",
                     "wait_ms", "load_timeout_ms", "tags", "weight"});
  if (!args.ok()) return args.take();
  return out;
}

}  // namespace

std::optional<Result<Document>> Operations::at_once(On on, Operation operation, Value args) {
  const Capabilities can = cache_->capabilities();
  if (!can.immediate && can.nearby && operation == Operation::cache_get) {
    Args given(args);
    const Key key{given.text("namespace", false), given.text("key")};
    given.nothing_else({"key", "namespace"});
    if (!given.ok()) return Result<Document>(given.take());
    if (std::optional<Payload> value = cache_->get_nearby(on, key)) return Result<Document>(reply(value));
    return std::nullopt;
  }
  if (!can.immediate) {
    if (!can.nearby || operation != Operation::cache_get_or_begin_load) return std::nullopt;
    Result<LoadRequest> request = load_request(args);
    if (!request.ok()) return Result<Document>(std::move(request).error());
    std::optional<Cache::Begun> begun = cache_->begin_load_nearby(on, request->key, request->options);
    if (!begun) return std::nullopt;
    return Result<Document>(reply(*begun));
  }
  if (operation != Operation::cache_get_or_begin_load) return perform(*cache_, on, operation, args).take();
  Result<LoadRequest> request = load_request(args);
  if (!request.ok()) return Result<Document>(std::move(request).error());
  std::optional<Result<Cache::Begun>> begun = cache_->begin_load_now(on, request->key, request->options);
  if (!begun) return std::nullopt;
  return document_of(std::move(*begun));
}

std::optional<Result<Document>> Operations::call_now(Operation operation, Value args) {
  if (cache_->traced()) return std::nullopt;
  return at_once(On(nullptr), operation, args);
}

std::optional<Result<Document>> Operations::call_now_for(const telemetry::SpanContext& trace, Operation operation, Value args) {
  return at_once(On(trace), operation, args);
}

Task<Result<Document>> Operations::call(net::Caller caller, Operation operation, Document args, net::OperationStream*) {
  if (operation != Operation::cache_get_or_begin_load) {
    Reached reached = perform(*cache_, On(&caller), operation, args.root());
    co_return co_await reached;
  }
  Result<LoadRequest> request = load_request(args.root());
  if (!request.ok()) co_return Result<Document>(std::move(request).error());
  Result<Cache::Begun> begun = co_await cache_->begin_load(caller, std::string(request->key.space),
                                                           std::string(request->key.name), std::move(request->options));
  co_return document_of(std::move(begun));
}

}  // namespace spikard::cache
