#include "app/cache_invalidation.hpp"

#include <string>
#include <vector>

#include "cache/backend.hpp"

namespace spikard::app {
namespace {

Result<Document> nothing() {
  NodeBuilder out;
  out.begin_object();
  out.end();
  return Document(std::move(out));
}

Result<void> check(Value args) {
  if (!args.is_object()) return invalid_argument("arguments: expected an object");
  for (const auto& [key, value] : args.members()) {
    if (key == "keys" || key == "tags") {
      if (value.is_null()) continue;
      if (!value.is_array()) return invalid_argument(std::string(key) + ": expected a list of texts");
      for (const Value one : value.elements()) {
        if (!one.is_string()) return invalid_argument(std::string(key) + ": expected a list of texts");
        // What a commit will ask for is not refused afterwards: nobody would hear of it.
        if (key == "keys" && one.text().size() > cache::max_key) return invalid_argument("keys: at most 16384 bytes each");
        if (key == "tags" && (one.text().empty() || one.text().size() > cache::max_tag))
          return invalid_argument("tags: 1 to 1024 bytes each");
      }
      if (key == "tags" && value.size() > cache::max_tags) return invalid_argument("tags: at most 128");
    } else if (key == "namespace") {
      if (value.is_null()) continue;
      if (!value.is_string()) return invalid_argument("namespace: expected text");
      if (value.text().size() > cache::max_space) return invalid_argument("namespace: at most 1024 bytes");
    } else if (key == "transaction") {
      if (!value.is_null() && !(value.is(NodeType::integer) && value.as_int() >= 0))
        return invalid_argument("transaction: expected a number of db.begin");
    } else {
      return invalid_argument(std::string(key) + ": no such argument");
    }
  }
  return {};
}

}  // namespace

Task<Result<Document>> CacheInvalidation::call(net::Caller caller, Operation operation, Document args,
                                               net::OperationStream* stream) {
  if (operation != Operation::cache_invalidate) {
    return cache_->call(std::move(caller), operation, std::move(args), stream);
  }
  return [](std::shared_ptr<net::OperationTarget> cache, const store::OpenTransactions& transactions, net::Caller of,
            Document given) -> Task<Result<Document>> {
    if (Result<void> good = check(given.root()); !good.ok()) co_return Result<Document>(std::move(good).error());
    const Value number = given.root().find("transaction");
    if (!number.exists() || number.is_null()) {
      Task<Result<Document>> now = invalidate(std::move(cache), std::move(of), std::move(given));
      Result<Document> done = co_await std::move(now);
      co_return done;
    }
    Result<std::shared_ptr<store::Transaction>> transaction = transactions.find(static_cast<std::uint64_t>(number.as_int()));
    if (!transaction.ok()) co_return Result<Document>(std::move(transaction).error());
    auto shared = std::make_shared<Document>(std::move(given));
    (*transaction)->after_commit([cache, of, shared] {
      // The data is committed: an entry that stays is stale at most until its time is over.
      spawn(invalidate(cache, of, Document(shared->root())),
            [](const std::exception_ptr&, const std::optional<Result<Document>>&) {});
    });
    co_return nothing();
  }(cache_, transactions_, std::move(caller), std::move(args));
}

Task<Result<Document>> CacheInvalidation::invalidate(std::shared_ptr<net::OperationTarget> cache, net::Caller caller,
                                                     Document args) {
  const Value root = args.root();
  const Value space = root.find("namespace");
  if (const Value keys = root.find("keys"); keys.exists() && keys.is_array()) {
    for (const Value key : keys.elements()) {
      NodeBuilder one;
      one.begin_object();
      one.key("key"), one.copy(key);
      if (space.exists()) one.key("namespace"), one.copy(space);
      one.end();
      Document arguments(std::move(one));
      Task<Result<Document>> call = cache->call(caller, Operation::cache_delete, std::move(arguments), nullptr);
      Result<Document> done = co_await std::move(call);
      if (!done.ok()) co_return done;
    }
  }
  if (const Value tags = root.find("tags"); tags.exists() && tags.is_array() && tags.size() > 0) {
    NodeBuilder all;
    all.begin_object();
    all.key("tags"), all.copy(tags);
    all.end();
    Document arguments(std::move(all));
    Task<Result<Document>> call = cache->call(caller, Operation::cache_invalidate_tags, std::move(arguments), nullptr);
    Result<Document> done = co_await std::move(call);
    if (!done.ok()) co_return done;
  }
  co_return nothing();
}

}  // namespace spikard::app
