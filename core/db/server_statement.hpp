#pragma once

#include <string_view>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "db/parameter.hpp"

namespace spikard::db {

// What the backends of servers know of a statement, and of one whose connection was lost.

/// `word` in upper case, anywhere in it.
[[nodiscard]] bool has_word(std::string_view text, std::string_view word);
/// Nothing is lost when it is run twice, or when it was not run though it may have been.
[[nodiscard]] bool reads(std::string_view keyword, std::string_view sql);

/// Without parameters the text is sent as it stands, and a `?` or `:name` in it is no placeholder of the server's: says what is
/// missing rather than that it cannot be parsed.
[[nodiscard]] Error explained(Error error, const Statement& statement, store::Dialect dialect);
[[nodiscard]] Error unknown_outcome(const Error& why);

/// On another connection, when this one broke: nothing of it was done, or doing it twice is doing it once.
template <class Connection>
[[nodiscard]] bool may_repeat_lost(const Connection& on, bool safe, bool fresh) {
  // One that had lain in the pool while the server went: that is no news of the server as it is now.
  if (fresh) return false;
  return !on.lost() || (safe && !on.answered());
}

/// What it means to the caller that the connection is gone.
template <class Connection>
[[nodiscard]] Error lost_as(const Connection& on, Error error, bool safe, const CancelToken& token) {
  if (!on.lost()) return error;
  if (!safe) return unknown_outcome(error);
  if (token.cancelled()) return Error(ErrorKind::cancelled, error.message());
  return error;
}

}  // namespace spikard::db
