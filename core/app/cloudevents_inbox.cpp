#include "app/cloudevents_inbox.hpp"

#include "store/outbox.hpp"

namespace spikard::app {
namespace {

std::string forget_sql(store::Dialect dialect, std::uint64_t seconds) {
  const std::string n = std::to_string(seconds);
  switch (dialect) {
    case store::Dialect::sqlite: return "DELETE FROM spikard_inbox WHERE seen_at < datetime('now', '-" + n + " seconds')";
    case store::Dialect::postgres: return "DELETE FROM spikard_inbox WHERE seen_at < now() - make_interval(secs => " + n + ")";
    case store::Dialect::mysql: return "DELETE FROM spikard_inbox WHERE seen_at < NOW(6) - INTERVAL " + n + " SECOND";
  }
  return {};
}

/// A source is a URI reference: what comes before the last blank is who.
std::string noted_source(const std::string& who, const cloudevents::Event& event) { return who + " " + event.source; }

}  // namespace

Task<Result<bool>> DbEventGate::is_new(net::Loop& loop, const services::EventInbox& inbox, std::string who,
                                       std::shared_ptr<const cloudevents::Event> event) {
  auto database = database_(inbox.db);
  if (!database.ok()) co_return Result<bool>(std::move(database).error());
  const std::string source = noted_source(who, *event);
  Document key = db::params(std::string_view(source), std::string_view(event->id));
  const auto found = co_await (*database)->first(
      net::Caller(loop), "SELECT 1 AS seen FROM spikard_inbox WHERE source = $1 AND id = $2", std::move(key));
  if (found.ok()) co_return Result<bool>(!found->has_value());
  if (found.error().detail() == "undefined_table") co_return Result<bool>(true);  // made with the first event that is noted
  co_return Result<bool>(found.error());
}

Task<Result<void>> DbEventGate::handled(net::Loop& loop, const services::EventInbox& inbox, std::string who,
                                        std::shared_ptr<const cloudevents::Event> event) {
  auto database = database_(inbox.db);
  if (!database.ok()) co_return Result<void>(std::move(database).error());
  auto begun = co_await (*database)->begin(net::Caller(loop));
  if (!begun.ok()) co_return Result<void>(std::move(begun).error());
  const std::shared_ptr<db::Transaction> tx = std::move(begun).value();
  std::string source = noted_source(who, *event);
  const Result<bool> noted = co_await tx->inbox(std::move(source), event->id);
  if (!noted.ok()) {
    (void)co_await tx->rollback(net::Caller(loop));
    co_return Result<void>(noted.error());
  }
  const Result<void> committed = co_await tx->commit(net::Caller(loop));
  if (!committed.ok()) co_return Result<void>(committed.error());
  co_await clean(loop, inbox, *database);
  co_return Result<void>();
}

Task<> DbEventGate::clean(net::Loop& loop, const services::EventInbox& inbox, std::shared_ptr<db::Client> database) {
  {
    const std::lock_guard lock(mutex_);
    const auto [at, first] = cleaned_.try_emplace(inbox.db, loop.now());
    if (!first && loop.now() - at->second < std::chrono::minutes(1)) co_return;
    at->second = loop.now();
  }
  // What cannot be forgotten now is forgotten a minute later.
  (void)co_await database->execute(net::Caller(loop), forget_sql(database->backend().dialect(), inbox.retention_ms / 1000));
}

}  // namespace spikard::app
