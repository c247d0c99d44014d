#pragma once

#include <string>
#include <string_view>

#include "store/placeholders.hpp"

namespace spikard::store {

/// The two tables by which a transaction of the application's data and what follows from it are one (DESIGN.md section 7), in
/// plain SQL, so that other programs can use them too.
///
/// `spikard_outbox (id, target, kind, payload, created_at)`: what is to be handed to another store (`transaction.hpp`), delivered
/// in the order of `id` by the relay (db/relay.hpp), then deleted. Inserting a row by hand is publishing. What its target refuses
/// for good stays, with `refused.` before its target, and goes out again when that is taken off.
///
/// `spikard_inbox (source, id, seen_at)`: what has been handled.

/// CREATE TABLE IF NOT EXISTS.
[[nodiscard]] std::string outbox_table(Dialect dialect);
[[nodiscard]] std::string inbox_table(Dialect dialect);

/// Parameters: target, kind, payload (bytes).
inline constexpr std::string_view outbox_insert = "INSERT INTO spikard_outbox (target, kind, payload) VALUES ($1, $2, $3)";
inline constexpr std::string_view outbox_refused = "refused.";
/// Parameters: source, id. One row when it is new, none when it was there.
[[nodiscard]] std::string inbox_insert(Dialect dialect);

}  // namespace spikard::store
