// Generated from spec/operations by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace spikard {

/// Operations of the port, by the number hosts use (`SPK_OP_*`).
enum class Operation : std::uint32_t {
  background_run = 1,
  test_advance = 16,
  test_settle = 17,
  test_faults = 18,
  cache_get = 32,
  cache_set = 33,
  cache_delete = 34,
  cache_exists = 35,
  cache_touch = 36,
  cache_ttl = 37,
  cache_increment = 38,
  cache_set_if_absent = 39,
  cache_delete_if = 40,
  cache_get_many = 41,
  cache_set_many = 42,
  cache_clear = 43,
  cache_count = 44,
  cache_invalidate_tags = 45,
  cache_get_or_begin_load = 46,
  cache_end_load = 47,
  cache_stats = 48,
  cache_invalidate = 49,
  storage_read = 64,
  storage_read_stream = 65,
  storage_write = 66,
  storage_write_stream = 67,
  storage_stat = 68,
  storage_exists = 69,
  storage_delete = 70,
  storage_delete_many = 71,
  storage_list = 72,
  storage_copy = 73,
  storage_rename = 74,
  storage_presign = 75,
  storage_plan_upload = 76,
  storage_complete_upload = 77,
  storage_abort_upload = 78,
  db_query = 96,
  db_first = 97,
  db_execute = 98,
  db_batch = 99,
  db_query_stream = 100,
  db_begin = 101,
  db_commit = 102,
  db_rollback = 103,
  db_savepoint = 104,
  db_open_cursor = 105,
  db_fetch = 106,
  db_close_cursor = 107,
  db_migrate = 108,
  db_migration_status = 109,
  db_inbox = 110,
  db_stats = 111,
  db_close = 112,
  messaging_publish = 128,
  messaging_publish_batch = 129,
  messaging_start_consumer = 130,
  messaging_stop_consumer = 131,
  messaging_kill_consumer = 132,
  messaging_list_dead_letters = 133,
  messaging_peek_dead_letter = 134,
  messaging_redrive_dead_letters = 135,
  messaging_purge_dead_letters = 136,
  messaging_seek = 137,
  messaging_groups = 138,
  messaging_delete_group = 139,
  messaging_topic_match = 140,
  messaging_stats = 141,
  tasks_enqueue = 160,
  tasks_enqueue_many = 161,
  tasks_enqueue_batch = 162,
  tasks_batch = 163,
  tasks_job = 164,
  tasks_list = 165,
  tasks_cancel = 166,
  tasks_retry = 167,
  tasks_queues = 168,
  tasks_pending_count = 169,
  tasks_pause = 170,
  tasks_resume = 171,
  tasks_set_rate_limit = 172,
  tasks_progress = 173,
  tasks_heartbeat = 174,
  tasks_wait = 175,
  tasks_start_worker = 176,
  tasks_stop_worker = 177,
  tasks_kill_worker = 178,
  tasks_schedule = 179,
  tasks_unschedule = 180,
  tasks_schedules = 181,
  tasks_start_scheduler = 182,
  tasks_stop_scheduler = 183,
  cron_next = 188,
  cloudevents_encode = 192,
  cloudevents_decode = 193,
  cloudevents_validate = 194,
  cloudevents_send = 195,
  cloudevents_send_batch = 196,
  telemetry_context = 224,
  telemetry_start_span = 225,
  telemetry_end_span = 226,
  telemetry_log = 227,
  telemetry_add = 228,
  telemetry_record = 229,
  telemetry_flush = 230,
  telemetry_statistics = 231,
  telemetry_take_spans = 240,
  telemetry_take_logs = 241,
  telemetry_collect_metrics = 242,
  telemetry_parse_traceparent = 248,
  telemetry_parse_tracestate = 249,
  telemetry_parse_baggage = 250,
};

[[nodiscard]] constexpr std::string_view name_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::background_run: return "background.run";
    case Operation::test_advance: return "test.advance";
    case Operation::test_settle: return "test.settle";
    case Operation::test_faults: return "test.faults";
    case Operation::cache_get: return "cache.get";
    case Operation::cache_set: return "cache.set";
    case Operation::cache_delete: return "cache.delete";
    case Operation::cache_exists: return "cache.exists";
    case Operation::cache_touch: return "cache.touch";
    case Operation::cache_ttl: return "cache.ttl";
    case Operation::cache_increment: return "cache.increment";
    case Operation::cache_set_if_absent: return "cache.set_if_absent";
    case Operation::cache_delete_if: return "cache.delete_if";
    case Operation::cache_get_many: return "cache.get_many";
    case Operation::cache_set_many: return "cache.set_many";
    case Operation::cache_clear: return "cache.clear";
    case Operation::cache_count: return "cache.count";
    case Operation::cache_invalidate_tags: return "cache.invalidate_tags";
    case Operation::cache_get_or_begin_load: return "cache.get_or_begin_load";
    case Operation::cache_end_load: return "cache.end_load";
    case Operation::cache_stats: return "cache.stats";
    case Operation::cache_invalidate: return "cache.invalidate";
    case Operation::storage_read: return "storage.read";
    case Operation::storage_read_stream: return "storage.read_stream";
    case Operation::storage_write: return "storage.write";
    case Operation::storage_write_stream: return "storage.write_stream";
    case Operation::storage_stat: return "storage.stat";
    case Operation::storage_exists: return "storage.exists";
    case Operation::storage_delete: return "storage.delete";
    case Operation::storage_delete_many: return "storage.delete_many";
    case Operation::storage_list: return "storage.list";
    case Operation::storage_copy: return "storage.copy";
    case Operation::storage_rename: return "storage.rename";
    case Operation::storage_presign: return "storage.presign";
    case Operation::storage_plan_upload: return "storage.plan_upload";
    case Operation::storage_complete_upload: return "storage.complete_upload";
    case Operation::storage_abort_upload: return "storage.abort_upload";
    case Operation::db_query: return "db.query";
    case Operation::db_first: return "db.first";
    case Operation::db_execute: return "db.execute";
    case Operation::db_batch: return "db.batch";
    case Operation::db_query_stream: return "db.query_stream";
    case Operation::db_begin: return "db.begin";
    case Operation::db_commit: return "db.commit";
    case Operation::db_rollback: return "db.rollback";
    case Operation::db_savepoint: return "db.savepoint";
    case Operation::db_open_cursor: return "db.open_cursor";
    case Operation::db_fetch: return "db.fetch";
    case Operation::db_close_cursor: return "db.close_cursor";
    case Operation::db_migrate: return "db.migrate";
    case Operation::db_migration_status: return "db.migration_status";
    case Operation::db_inbox: return "db.inbox";
    case Operation::db_stats: return "db.stats";
    case Operation::db_close: return "db.close";
    case Operation::messaging_publish: return "messaging.publish";
    case Operation::messaging_publish_batch: return "messaging.publish_batch";
    case Operation::messaging_start_consumer: return "messaging.start_consumer";
    case Operation::messaging_stop_consumer: return "messaging.stop_consumer";
    case Operation::messaging_kill_consumer: return "messaging.kill_consumer";
    case Operation::messaging_list_dead_letters: return "messaging.list_dead_letters";
    case Operation::messaging_peek_dead_letter: return "messaging.peek_dead_letter";
    case Operation::messaging_redrive_dead_letters: return "messaging.redrive_dead_letters";
    case Operation::messaging_purge_dead_letters: return "messaging.purge_dead_letters";
    case Operation::messaging_seek: return "messaging.seek";
    case Operation::messaging_groups: return "messaging.groups";
    case Operation::messaging_delete_group: return "messaging.delete_group";
    case Operation::messaging_topic_match: return "messaging.topic_match";
    case Operation::messaging_stats: return "messaging.stats";
    case Operation::tasks_enqueue: return "tasks.enqueue";
    case Operation::tasks_enqueue_many: return "tasks.enqueue_many";
    case Operation::tasks_enqueue_batch: return "tasks.enqueue_batch";
    case Operation::tasks_batch: return "tasks.batch";
    case Operation::tasks_job: return "tasks.job";
    case Operation::tasks_list: return "tasks.list";
    case Operation::tasks_cancel: return "tasks.cancel";
    case Operation::tasks_retry: return "tasks.retry";
    case Operation::tasks_queues: return "tasks.queues";
    case Operation::tasks_pending_count: return "tasks.pending_count";
    case Operation::tasks_pause: return "tasks.pause";
    case Operation::tasks_resume: return "tasks.resume";
    case Operation::tasks_set_rate_limit: return "tasks.set_rate_limit";
    case Operation::tasks_progress: return "tasks.progress";
    case Operation::tasks_heartbeat: return "tasks.heartbeat";
    case Operation::tasks_wait: return "tasks.wait";
    case Operation::tasks_start_worker: return "tasks.start_worker";
    case Operation::tasks_stop_worker: return "tasks.stop_worker";
    case Operation::tasks_kill_worker: return "tasks.kill_worker";
    case Operation::tasks_schedule: return "tasks.schedule";
    case Operation::tasks_unschedule: return "tasks.unschedule";
    case Operation::tasks_schedules: return "tasks.schedules";
    case Operation::tasks_start_scheduler: return "tasks.start_scheduler";
    case Operation::tasks_stop_scheduler: return "tasks.stop_scheduler";
    case Operation::cron_next: return "cron.next";
    case Operation::cloudevents_encode: return "cloudevents.encode";
    case Operation::cloudevents_decode: return "cloudevents.decode";
    case Operation::cloudevents_validate: return "cloudevents.validate";
    case Operation::cloudevents_send: return "cloudevents.send";
    case Operation::cloudevents_send_batch: return "cloudevents.send_batch";
    case Operation::telemetry_context: return "telemetry.context";
    case Operation::telemetry_start_span: return "telemetry.start_span";
    case Operation::telemetry_end_span: return "telemetry.end_span";
    case Operation::telemetry_log: return "telemetry.log";
    case Operation::telemetry_add: return "telemetry.add";
    case Operation::telemetry_record: return "telemetry.record";
    case Operation::telemetry_flush: return "telemetry.flush";
    case Operation::telemetry_statistics: return "telemetry.statistics";
    case Operation::telemetry_take_spans: return "telemetry.take_spans";
    case Operation::telemetry_take_logs: return "telemetry.take_logs";
    case Operation::telemetry_collect_metrics: return "telemetry.collect_metrics";
    case Operation::telemetry_parse_traceparent: return "telemetry.parse_traceparent";
    case Operation::telemetry_parse_tracestate: return "telemetry.parse_tracestate";
    case Operation::telemetry_parse_baggage: return "telemetry.parse_baggage";
  }
  return "unknown";
}

}  // namespace spikard
