#include "tasks/sqlite/schema.hpp"

#include <array>

namespace spikard::tasks::sqlite {
namespace {

// Times are ms since the epoch. Defaults are such that `INSERT INTO spikard_tasks (queue, task, args)` is a whole job.
constexpr std::array<std::string_view, 2> steps{R"sql(
CREATE TABLE spikard_tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL DEFAULT 'default',
  task TEXT NOT NULL,
  args TEXT NOT NULL DEFAULT 'null',
  state TEXT NOT NULL DEFAULT 'available' CHECK (state IN
    ('pending', 'scheduled', 'available', 'running', 'retryable', 'completed', 'cancelled', 'discarded')),
  priority INTEGER NOT NULL DEFAULT 0,
  run_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  attempt INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL DEFAULT 5,
  backoff_initial_ms INTEGER NOT NULL DEFAULT 1000,
  backoff_factor REAL NOT NULL DEFAULT 2.0,
  backoff_max_ms INTEGER NOT NULL DEFAULT 300000,
  backoff_jitter REAL NOT NULL DEFAULT 0.1,
  timeout_ms INTEGER NOT NULL DEFAULT 0,
  unique_key TEXT,
  concurrency_key TEXT,
  concurrency_limit INTEGER NOT NULL DEFAULT 1,
  held INTEGER NOT NULL DEFAULT 0,
  waits INTEGER NOT NULL DEFAULT 0,
  dependants INTEGER NOT NULL DEFAULT 0,
  batch INTEGER,
  callback_of INTEGER,
  tags TEXT,
  retention_ms INTEGER NOT NULL DEFAULT 0,
  schedule TEXT,
  scheduled_at INTEGER,
  trace TEXT,
  lease INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  worker TEXT,
  in_transaction INTEGER NOT NULL DEFAULT 0,
  progress TEXT,
  result TEXT,
  error TEXT,
  error_code TEXT,
  enqueued_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  started_at INTEGER,
  ended_at INTEGER,
  expires_at INTEGER
);
CREATE INDEX spikard_tasks_ready ON spikard_tasks (queue, held, priority DESC, run_at, id) WHERE state = 'available';
CREATE INDEX spikard_tasks_due ON spikard_tasks (queue, run_at) WHERE state IN ('scheduled', 'retryable');
CREATE INDEX spikard_tasks_pending ON spikard_tasks (queue) WHERE state = 'pending';
CREATE INDEX spikard_tasks_leases ON spikard_tasks (queue, lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX spikard_tasks_unique ON spikard_tasks (unique_key)
  WHERE unique_key IS NOT NULL AND state NOT IN ('completed', 'cancelled', 'discarded');
CREATE INDEX spikard_tasks_keys ON spikard_tasks (concurrency_key, state, held, priority DESC, run_at, id)
  WHERE concurrency_key IS NOT NULL;
CREATE INDEX spikard_tasks_batch ON spikard_tasks (batch) WHERE batch IS NOT NULL;
CREATE INDEX spikard_tasks_schedule ON spikard_tasks (schedule) WHERE schedule IS NOT NULL;
CREATE INDEX spikard_tasks_expiry ON spikard_tasks (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE spikard_task_dependencies (
  needs INTEGER NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (needs, job)
) WITHOUT ROWID;

CREATE TABLE spikard_task_batches (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  total INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  discarded INTEGER NOT NULL DEFAULT 0,
  callback INTEGER,
  expires_at INTEGER
);

CREATE TABLE spikard_task_queues (
  queue TEXT PRIMARY KEY,
  paused INTEGER NOT NULL DEFAULT 0,
  rate_count INTEGER NOT NULL DEFAULT 0,
  rate_period_ms INTEGER NOT NULL DEFAULT 1000,
  rate_burst INTEGER NOT NULL DEFAULT 0,
  rate_full_at_us INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE spikard_task_schedules (
  name TEXT PRIMARY KEY,
  cron TEXT NOT NULL,
  timezone TEXT NOT NULL,
  queue TEXT NOT NULL,
  task TEXT NOT NULL,
  args TEXT NOT NULL,
  priority INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  timeout_ms INTEGER NOT NULL,
  misfire TEXT NOT NULL,
  overlap TEXT NOT NULL,
  declared INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL DEFAULT 0,
  last_job INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE spikard_task_origins (
  origin TEXT PRIMARY KEY,
  job INTEGER NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
)sql",
                                                R"sql(
DROP INDEX spikard_tasks_keys;
CREATE INDEX spikard_tasks_keys ON spikard_tasks (concurrency_key, state, held, queue, priority DESC, run_at, id)
  WHERE concurrency_key IS NOT NULL;
)sql"};

}  // namespace

std::span<const std::string_view> schema() noexcept { return steps; }

}  // namespace spikard::tasks::sqlite
