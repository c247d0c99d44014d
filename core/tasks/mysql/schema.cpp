#include "tasks/mysql/schema.hpp"

#include <array>

// Names are equal where their bytes are: MariaDB and MySQL call that collation by different names, and each takes the comment
// that is for it.
#define SPIKARD_EXACT " DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;"
#define SPIKARD_NOW "(CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))"

namespace spikard::tasks::mysql {
namespace {

// As on SQLite (tasks/sqlite/schema.cpp), with the types of MySQL. Times are ms since the epoch. Keys may have 1024 bytes, which
// as characters would be more than an index takes. `active_key` stands for the index of SQLite that leaves out what has ended.
// Each statement may be run again: DDL commits by itself.
constexpr std::array<std::string_view, 1> steps{
    "CREATE TABLE IF NOT EXISTS spikard_tasks ("
    "id BIGINT AUTO_INCREMENT PRIMARY KEY,"
    "queue VARCHAR(255) NOT NULL DEFAULT 'default',"
    "task VARCHAR(255) NOT NULL,"
    "args LONGTEXT NOT NULL DEFAULT ('null'),"
    "state VARCHAR(16) NOT NULL DEFAULT 'available' CHECK (state IN"
    " ('pending', 'scheduled', 'available', 'running', 'retryable', 'completed', 'cancelled', 'discarded')),"
    "priority INTEGER NOT NULL DEFAULT 0,"
    "run_at BIGINT NOT NULL DEFAULT " SPIKARD_NOW
    ","
    "attempt INTEGER NOT NULL DEFAULT 0,"
    "failures INTEGER NOT NULL DEFAULT 0,"
    "max_attempts INTEGER NOT NULL DEFAULT 5,"
    "backoff_initial_ms BIGINT NOT NULL DEFAULT 1000,"
    "backoff_factor DOUBLE NOT NULL DEFAULT 2.0,"
    "backoff_max_ms BIGINT NOT NULL DEFAULT 300000,"
    "backoff_jitter DOUBLE NOT NULL DEFAULT 0.1,"
    "timeout_ms BIGINT NOT NULL DEFAULT 0,"
    "unique_key VARBINARY(1024),"
    "active_key VARBINARY(1024) AS (CASE WHEN state IN ('completed', 'cancelled', 'discarded') THEN NULL ELSE unique_key END) "
    "STORED,"
    "concurrency_key VARBINARY(1024),"
    "concurrency_limit BIGINT NOT NULL DEFAULT 1,"
    "held SMALLINT NOT NULL DEFAULT 0,"
    "waits INTEGER NOT NULL DEFAULT 0,"
    "dependants INTEGER NOT NULL DEFAULT 0,"
    "batch BIGINT,"
    "callback_of BIGINT,"
    "tags LONGTEXT,"
    "retention_ms BIGINT NOT NULL DEFAULT 0,"
    "schedule VARCHAR(255),"
    "scheduled_at BIGINT,"
    "trace LONGTEXT,"
    "lease BIGINT NOT NULL DEFAULT 0,"
    "lease_until BIGINT,"
    "worker LONGTEXT,"
    "in_transaction SMALLINT NOT NULL DEFAULT 0,"
    "progress LONGTEXT,"
    "result LONGTEXT,"
    "error LONGTEXT,"
    "error_code LONGTEXT,"
    "enqueued_at BIGINT NOT NULL DEFAULT " SPIKARD_NOW
    ","
    "started_at BIGINT,"
    "ended_at BIGINT,"
    "expires_at BIGINT,"
    "UNIQUE KEY spikard_tasks_unique (active_key),"
    "KEY spikard_tasks_ready (queue, state, held, priority DESC, run_at, id),"
    "KEY spikard_tasks_due (queue, state, run_at),"
    "KEY spikard_tasks_leases (state, lease_until),"
    "KEY spikard_tasks_keys (concurrency_key, state, held, queue, priority DESC, run_at, id),"
    "KEY spikard_tasks_batch (batch),"
    "KEY spikard_tasks_schedule (schedule),"
    "KEY spikard_tasks_expiry (expires_at)"
    ") ENGINE = InnoDB" SPIKARD_EXACT
    "CREATE TABLE IF NOT EXISTS spikard_task_keys ("
    "name VARBINARY(1024) PRIMARY KEY"
    ") ENGINE = InnoDB;"
    "CREATE TABLE IF NOT EXISTS spikard_task_dependencies ("
    "needs BIGINT NOT NULL,"
    "job BIGINT NOT NULL,"
    "PRIMARY KEY (needs, job)"
    ") ENGINE = InnoDB;"
    "CREATE TABLE IF NOT EXISTS spikard_task_batches ("
    "id BIGINT AUTO_INCREMENT PRIMARY KEY,"
    "total BIGINT NOT NULL DEFAULT 0,"
    "completed BIGINT NOT NULL DEFAULT 0,"
    "cancelled BIGINT NOT NULL DEFAULT 0,"
    "discarded BIGINT NOT NULL DEFAULT 0,"
    "callback BIGINT,"
    "expires_at BIGINT,"
    "KEY spikard_task_batches_expiry (expires_at)"
    ") ENGINE = InnoDB;"
    "CREATE TABLE IF NOT EXISTS spikard_task_queues ("
    "queue VARCHAR(255) PRIMARY KEY,"
    "paused SMALLINT NOT NULL DEFAULT 0,"
    "rate_count BIGINT NOT NULL DEFAULT 0,"
    "rate_period_ms BIGINT NOT NULL DEFAULT 1000,"
    "rate_burst BIGINT NOT NULL DEFAULT 0,"
    "rate_full_at_us BIGINT NOT NULL DEFAULT 0"
    ") ENGINE = InnoDB" SPIKARD_EXACT
    "CREATE TABLE IF NOT EXISTS spikard_task_schedules ("
    "name VARCHAR(255) PRIMARY KEY,"
    "cron LONGTEXT NOT NULL,"
    "timezone LONGTEXT NOT NULL,"
    "queue VARCHAR(255) NOT NULL,"
    "task VARCHAR(255) NOT NULL,"
    "args LONGTEXT NOT NULL,"
    "priority INTEGER NOT NULL,"
    "max_attempts INTEGER NOT NULL,"
    "timeout_ms BIGINT NOT NULL,"
    "misfire VARCHAR(16) NOT NULL,"
    "overlap VARCHAR(16) NOT NULL,"
    "declared SMALLINT NOT NULL,"
    "next_at BIGINT NOT NULL,"
    "last_at BIGINT NOT NULL DEFAULT 0,"
    "last_job BIGINT NOT NULL DEFAULT 0,"
    "version BIGINT NOT NULL"
    ") ENGINE = InnoDB" SPIKARD_EXACT
    "CREATE TABLE IF NOT EXISTS spikard_task_origins ("
    "origin VARBINARY(1024) PRIMARY KEY,"
    "job BIGINT NOT NULL,"
    "at BIGINT NOT NULL,"
    "KEY spikard_task_origins_at (at)"
    ") ENGINE = InnoDB"};

}  // namespace

std::span<const std::string_view> schema() noexcept { return steps; }

}  // namespace spikard::tasks::mysql
