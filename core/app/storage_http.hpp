#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/exchange_jobs.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "services/http.gen.hpp"
#include "services/storage.gen.hpp"
#include "storage/client.hpp"
#include "telemetry/context.hpp"

namespace spikard::app {

/// How a stored object becomes an answer. What is not given here is the object's.
struct ServeOptions {
  ServeOptions() = default;
  std::optional<std::string> content_type;
  std::optional<std::string> cache_control;
  std::optional<std::string> content_disposition;
  std::vector<std::pair<std::string, std::string>> headers;  ///< beside the object's
  telemetry::SpanContext trace;                              ///< of the request
};

/// How a request's body becomes an object. The content type is the request's where it is not given.
struct StoreOptions {
  StoreOptions() = default;
  storage::WriteOptions write;
  std::uint64_t max_bytes = UINT64_MAX;  ///< more is 413; the route's limit comes first
  std::uint16_t status = 201;            ///< of the answer
  std::vector<std::pair<std::string, std::string>> headers;
  telemetry::SpanContext trace;  ///< of the request
};

/// The routes that answer the signed URLs of an application's `memory:` and `file:` stores: GET (and HEAD) and PUT, behind those
/// of the manifest. One for all loops; immutable once made.
class StorageRoutes {
 public:
  /// Opens the store if that was not done. Thread-safe.
  using Find = std::function<Result<std::shared_ptr<storage::Client>>(const std::string& name)>;

  /// Appends two routes a store to `http`. Errors: invalid_argument naming the field (`services.storage.NAME.presign.path`).
  [[nodiscard]] static Result<std::shared_ptr<StorageRoutes>> create(const std::map<std::string, services::StorageConfig>& stores,
                                                                     services::HttpConfig& http, Find find);
  [[nodiscard]] bool is_route(std::uint32_t route) const noexcept {
    return route >= first_ && route - first_ < names_.size() * 2;
  }
  [[nodiscard]] Result<std::shared_ptr<storage::Client>> store_of(std::uint32_t route) const {
    return find_(names_[(route - first_) / 2]);
  }

 private:
  std::uint32_t first_ = 0;
  std::vector<std::string> names_;
  Find find_;
};

/// Objects as answers and bodies as objects, on one loop, without host bytes: what is read is written to the connection as fast
/// as it takes it, what arrives is written to the store as fast as that takes it.
///
/// `serve` answers GET and HEAD by RFC 9110: ETag, Last-Modified, conditions (304, 412), one Range (206, 416; several are
/// answered by the whole), If-Range. `store` takes the body, whether it streams or is buffered, and answers the object's etag;
/// `If-Match` with one etag and `If-None-Match: *` become conditions of the write (412).
class StorageHttp final : public ExchangeJobs {
 public:
  /// `inner` outlives it. `routes` may be null. `problem_base` is the manifest's.
  StorageHttp(net::Loop& loop, http::Sink& inner, std::shared_ptr<const StorageRoutes> routes, std::string problem_base)
      : ExchangeJobs(loop, inner, std::move(problem_base), "storage"), routes_(std::move(routes)) {}

  void serve(http::Exchange& exchange, std::shared_ptr<storage::Client> store, std::string key, ServeOptions options = {});
  /// `arrived`: parts of a streamed body that came before.
  void store(http::Exchange& exchange, std::shared_ptr<storage::Client> store, std::string key, StoreOptions options = {},
             std::deque<http::BodyChunk> arrived = {});

  // http::Sink
  void on_request(http::Exchange& exchange) override;
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override;
  void on_credit(http::Exchange& exchange) override;

 private:
  struct Transfer;
  using JobPtr = std::shared_ptr<Transfer>;

  [[nodiscard]] JobPtr open(http::Exchange& exchange, std::shared_ptr<storage::Client> store, std::string key,
                            telemetry::SpanContext trace);
  /// One of the signed URLs' routes: never the inner sink's.
  [[nodiscard]] bool signed_route(const http::Exchange& exchange) const {
    return routes_ != nullptr && routes_->is_route(exchange.record().route);
  }

  Task<void> serving(JobPtr job, ServeOptions options);
  Task<void> answer_range(JobPtr job, ServeOptions options, storage::ReadOptions range);
  Task<void> answer_object(JobPtr job, ServeOptions options, std::unique_ptr<storage::Reader> reader, bool partial);
  Task<void> storing(JobPtr job, StoreOptions options);
  Task<Result<storage::ObjectInfo>> take_body(JobPtr job, StoreOptions options);

  /// False when the answer was made: 304 or 412.
  [[nodiscard]] bool conditions_hold(Job& job, const storage::ObjectInfo& info, const ServeOptions& options);
  void refuse(Job& job, const Error& error);
  void signed_request(http::Exchange& exchange);

  std::shared_ptr<const StorageRoutes> routes_;
};

}  // namespace spikard::app
