#pragma once

#include "net/redis/command.hpp"

namespace spikard::cache::redis {

/// What changes something looks first, and so is one step on the server. Headers: entry.hpp. KEYS are always entry, generation,
/// lease of one name, then what a script's comment says; a change of an entry ends its lease.
struct Scripts {
  Scripts();
  net::redis::Script put;  ///< ARGV: mode (set, nx, keep), now, new generation, head, tags, value, px, token. KEYS: sets of tags
  net::redis::Script remove;     ///< now; 1 was there
  net::redis::Script remove_if;  ///< now, value
  net::redis::Script touch;      ///< now rounded up, now, ttl ('': for ever), slack
  net::redis::Script
      increment;            ///< now, new generation, head, px, by; KEYS[4] scratch. The new value as text; `integer`, `range`
  net::redis::Script reap;  ///< now; removes what is not even in its grace: 1
  net::redis::Script
      lease;  ///< now, new generation, head, tags, token, px, refresh. KEYS: sets of tags. 1 mine, 0 taken, 2 there
  net::redis::Script renew;       ///< token, when it ends, px
  net::redis::Script release;     ///< token
  net::redis::Script drop;        ///< token; the entry with its lease, if that holds: 1
  net::redis::Script invalidate;  ///< KEYS: a set of a tag. ARGV: the hash of the tag, how many. What is left, then what went
  net::redis::Script
      look;  ///< KEYS: generation, then entries. ARGV: now, sweep. How many are live; with sweep those cleared away go
};

}  // namespace spikard::cache::redis
