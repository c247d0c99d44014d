#pragma once

#include "net/redis/command.hpp"

namespace spikard::messaging::redis {

/// What the server does in one step. Keys and arguments: scripts.cpp. Times are the server's.
struct Scripts {
  Scripts();
  net::redis::Script announce;  ///< a topic is known to the patterns
  net::redis::Script open;      ///< makes a group where it is not there, and its place in streams where it has none
  net::redis::Script seek;      ///< the same group anew
  net::redis::Script look;      ///< takes what is due again and what a dead one held
  net::redis::Script recover;   ///< takes what was given to a connection that is gone
  net::redis::Script back;      ///< again, hand_back
  net::redis::Script keep;
  net::redis::Script bury;    ///< dead letter
  net::redis::Script extend;  ///< leases
  net::redis::Script leave;
  net::redis::Script info;
  net::redis::Script forget;  ///< a group
  net::redis::Script letters;
  net::redis::Script redrive;
  net::redis::Script purge;
  net::redis::Script trim;
};

/// Who has in a group what waits for its time: no consumer is called so.
inline constexpr std::string_view parked = "-";

}  // namespace spikard::messaging::redis
