#pragma once

#include "net/redis/command.hpp"

namespace spikard::tasks::redis {

/// Each is one step on the server and touches the keys of one queue; on a server that is no cluster also those of queues that its
/// jobs have to do with. KEYS[1] is the counters of the queue (`n`). ARGV begins with: shared (where unique and concurrency keys
/// are: the store's own place, in a cluster the queue), channels' prefix, sender, now, retention, retention of the failed. The
/// answer is a word, what happened (flags, then bases of queues that have work now), and what a script's comment says.
struct Scripts {
  Scripts();
  /// Again, origin, its life in ms, key and id of a new batch, callback, count; then each job: base, sequence, id, priority,
  /// run_at, unique key, key of its batch, needs (count, keys), fields (count, names and values). With `callback` the last one
  /// waits for the batch. `ok`: `+ID` made, `=ID` was there. Or `origin` (ids), `nojob` and `nobatch` and `donebatch` (a key),
  /// `callbackkey`, `taken` (sequences were given out twice).
  net::redis::Script enqueue;
  net::redis::Script claim;     ///< most, worker, lease, again, number of the call: when to look again, the fields of each job
  net::redis::Script settle;    ///< again, count; kind, sequence, lease, and what goes with it: which were lost, from 1
  net::redis::Script extend;    ///< lease (0: look only), count; sequence, lease: which were lost, from 1
  net::redis::Script progress;  ///< sequence, lease, JSON: 1, 0 lost, -1 not there
  net::redis::Script job;       ///< sequence: its fields
  net::redis::Script list;    ///< after, most, looked at, state, task, schedule, batch: where it stopped (or ''), fields of each
  net::redis::Script cancel;  ///< again, sequence, reason: 1, 0 had ended, -1 not there
  net::redis::Script retry;   ///< again, sequence: 1, 0 has not ended, -1 not there, else the id that has its unique key
  net::redis::Script batch;   ///< sequence: total, completed, cancelled, discarded, id of the callback
  net::redis::Script stats;   ///< counts by state; settings
  net::redis::Script set;     ///< wake; names and values of the queue's settings
  net::redis::Script purge;   ///< how many are left that could go

  // Of the store.
  net::redis::Script number;  ///< KEYS: queues. ARGV: name, most. Its number, or nothing when there are too many
  /// KEYS: schedules. ARGV: channel, sender, field, what it must be, what it becomes ('': nothing), more names and values: 1, 0
  net::redis::Script swap;
};

}  // namespace spikard::tasks::redis
