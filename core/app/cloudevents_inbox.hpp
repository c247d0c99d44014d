#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "app/cloudevents_gate.hpp"
#include "db/client.hpp"

namespace spikard::app {

/// Which events were handled, in the inbox tables of the application's databases (store/outbox.hpp): (who and source, id), so
/// that neither another consumer nor a handler's own `tx.inbox` is meant. An event is noted after its handler, so one that
/// comes twice at the same moment, or whose process dies between the two, is handled twice: a handler whose effect must not
/// double calls `tx.inbox(source, id)` in its own transaction.
class DbEventGate final : public EventGate {
 public:
  using Database = std::function<Result<std::shared_ptr<db::Client>>(const std::string& name)>;
  explicit DbEventGate(Database database) : database_(std::move(database)) {}

  [[nodiscard]] Task<Result<bool>> is_new(net::Loop& loop, const services::EventInbox& inbox, std::string who,
                                          std::shared_ptr<const cloudevents::Event> event) override;
  [[nodiscard]] Task<Result<void>> handled(net::Loop& loop, const services::EventInbox& inbox, std::string who,
                                           std::shared_ptr<const cloudevents::Event> event) override;

 private:
  /// Forgets what is older than the retention, at most once a minute and database.
  [[nodiscard]] Task<> clean(net::Loop& loop, const services::EventInbox& inbox, std::shared_ptr<db::Client> database);

  Database database_;
  std::mutex mutex_;
  std::map<std::string, Instant> cleaned_;
};

}  // namespace spikard::app
