#include "store/outbox.hpp"

namespace spikard::store {

std::string outbox_table(Dialect dialect) {
  switch (dialect) {
    case Dialect::sqlite:
      // AUTOINCREMENT: an id is never used twice, also when the last entry was delivered.
      return "CREATE TABLE IF NOT EXISTS spikard_outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, kind TEXT "
             "NOT NULL, "
             "payload BLOB NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    case Dialect::postgres:
      return "CREATE TABLE IF NOT EXISTS spikard_outbox (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, target TEXT NOT "
             "NULL, "
             "kind TEXT NOT NULL, payload BYTEA NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now())";
    case Dialect::mysql:
      return "CREATE TABLE IF NOT EXISTS spikard_outbox (id BIGINT AUTO_INCREMENT PRIMARY KEY, target VARCHAR(190) NOT NULL, "
             "kind VARCHAR(64) NOT NULL, payload LONGBLOB NOT NULL, created_at TIMESTAMP(6) NOT NULL DEFAULT "
             "CURRENT_TIMESTAMP(6))";
  }
  return {};
}

std::string inbox_table(Dialect dialect) {
  switch (dialect) {
    case Dialect::sqlite:
      return "CREATE TABLE IF NOT EXISTS spikard_inbox (source TEXT NOT NULL, id TEXT NOT NULL, seen_at TIMESTAMP NOT NULL "
             "DEFAULT "
             "CURRENT_TIMESTAMP, PRIMARY KEY (source, id)) WITHOUT ROWID";
    case Dialect::postgres:
      return "CREATE TABLE IF NOT EXISTS spikard_inbox (source TEXT NOT NULL, id TEXT NOT NULL, seen_at TIMESTAMPTZ NOT NULL "
             "DEFAULT now(), "
             "PRIMARY KEY (source, id))";
    case Dialect::mysql:
      return "CREATE TABLE IF NOT EXISTS spikard_inbox (source VARBINARY(512) NOT NULL, id VARBINARY(512) NOT NULL, "
             "seen_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (source, id))";
  }
  return {};
}

std::string inbox_insert(Dialect dialect) {
  if (dialect == Dialect::mysql) return "INSERT IGNORE INTO spikard_inbox (source, id) VALUES ($1, $2)";
  return "INSERT INTO spikard_inbox (source, id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
}

}  // namespace spikard::store
