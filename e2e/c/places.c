/* Where the client of a case is: in memory, in a folder of its own, or on a server that a variable SPIKARD_TEST_... names. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "toolbox.h"

static const char* server(const char* name) {
  char variable[64];
  snprintf(variable, sizeof variable, "SPIKARD_TEST_%s", name);
  const char* value = getenv(variable);
  return value == NULL ? "" : value;
}

void toolbox_backends(out* o, spk_value subsystem) {
  /* The name of a server's URL, or none: it is always there. */
  static const struct {
    const char *subsystem, *backend, *url;
  } all[] = {{"cache", "memory", NULL},
             {"cache", "redis", "REDIS_URL"},
             {"cache", "tiered", "REDIS_URL"},
             {"storage", "memory", NULL},
             {"storage", "fs", NULL},
             {"storage", "s3", "S3_URL"},
             {"storage", "gcs", "GCS_URL"},
             {"storage", "azblob", "AZBLOB_URL"},
             {"db", "sqlite", NULL},
             {"db", "postgres", "POSTGRES_URL"},
             {"db", "mysql", "MYSQL_URL"},
             {"messaging", "memory", NULL},
             {"messaging", "sqlite", NULL},
             {"messaging", "amqp", "AMQP_URL"},
             {"messaging", "kafka", "KAFKA_URL"},
             {"messaging", "mqtt", "MQTT_URL"},
             {"messaging", "nats", "NATS_URL"},
             {"messaging", "redis", "REDIS_URL"},
             {"tasks", "memory", NULL},
             {"tasks", "sqlite", NULL},
             {"tasks", "postgres", "POSTGRES_URL"},
             {"tasks", "mysql", "MYSQL_URL"},
             {"tasks", "redis", "REDIS_URL"}};
  static const char* const plain[] = {"cron", "cloudevents", "telemetry"};
  out_s(o, ", \"backends\": [");
  int first = 1, known = 0;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i) known |= is(subsystem, plain[i]);
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    if (!is(subsystem, all[i].subsystem)) continue;
    known = 1;
    if (all[i].url != NULL && *server(all[i].url) == '\0') continue;
    out_s(o, first ? "\"" : ", \"");
    out_s(o, all[i].backend);
    out_s(o, "\"");
    first = 0;
  }
  out_s(o, "]");
  if (!known) refuse("not_built", "client %s", text_of(subsystem));
}

/* ---- a place on a server of databases ---- */

static const char* on_postgres(toolbox* t, const char* own) {
  t->schema = format_kept("%s", own);
  const char* url = server("POSTGRES_URL");
  return format_kept("%s%coptions=-csearch_path%%3D%s", url, strchr(url, '?') != NULL ? '&' : '?', own);
}

static void run_sql(spk_work* work, void* user) {
  op* o = user;
  spk_builder b = {0};
  spk_done done;
  spk_put_object(&b);
  spk_put_key(&b, "sql");
  spk_put_text(&b, o->name);
  spk_put_end(&b);
  if (ask(o, work, SPK_OP_DB_EXECUTE, &b, &done) == 0) spk_done_free(&done);
}

static op* statement(toolbox* t, const char* sql) {
  op* o = kept(sizeof *o);
  o->t = t;
  o->name = sql;
  return o;
}

/* Besides the client that the case has: a service of one statement. */
static void run_on_mysql(toolbox* t, const char* sql) {
  spk_service* s = spk_service_new("place");
  spk_service_set(s, "log", "{\"level\": \"error\"}");
  spk_service_client(s, "db", "default", format_kept("\"url\": \"%s\"", server("MYSQL_URL")));
  op* o = statement(t, sql);
  const int started = spk_test_start(s, NULL);
  if (started >= 0) spk_test_run(s, run_sql, o);
  const char* why = started < 0 ? format_kept("%s", spk_service_error(s)) : NULL;
  if (started >= 0) spk_service_stop(s, 0);
  spk_service_free(s);
  if (why != NULL) refuse("internal", "%s", why);
  const spk_done error = o->error;
  if (o->failed) refuse_done(&error);
}

/* The same URL with a database of its own instead. */
static const char* on_mysql(toolbox* t, const char* own) {
  const char* url = server("MYSQL_URL");
  const char* host = strstr(url, "://");
  const char* path = host == NULL ? NULL : strchr(host + 3, '/');
  const char* query = strchr(url, '?');
  const size_t end = path != NULL ? (size_t)(path - url) : query != NULL ? (size_t)(query - url) : strlen(url);
  t->database = format_kept("%s", own);
  return format_kept("%.*s/%s%s", (int)end, url, own, query == NULL ? "" : query);
}

void make_place(toolbox* t) {
  if (t->database != NULL) run_on_mysql(t, format_kept("CREATE DATABASE %s", t->database));
}
void drop_place(toolbox* t) {
  if (t->database != NULL) run_on_mysql(t, format_kept("DROP DATABASE IF EXISTS %s", t->database));
}
const char* place_of_schema(void) { return format_kept("\"url\": \"%s\"", server("POSTGRES_URL")); }
void make_schema(spk_work* work, void* user) {
  op* o = user;
  o->name = format_kept("CREATE SCHEMA %s", o->t->schema);
  run_sql(work, o);
}
void drop_schema(spk_work* work, void* user) {
  op* o = user;
  o->name = format_kept("DROP SCHEMA IF EXISTS %s CASCADE", o->t->schema);
  run_sql(work, o);
}

/* ---- of each kind ---- */

static const char* storage_options(toolbox* t, const char* backend, const char* own) {
  const spk_value config = t->config;
  const int bucket = spk_exists(member(config, "bucket"));
  only(config, bucket ? "backend bucket region endpoint addressing access_key secret_key session_token clock" : "backend",
       "storage");
  if (strcmp(backend, "s3") == 0 && bucket) {
    out o = {0};
    spk_each it = spk_each_of(config);
    while (spk_next(&it)) {
      if (spk_text_is(it.key, "backend") || spk_text_is(it.key, "bucket") || spk_text_is(it.key, "clock")) continue;
      if (o.len > 0) out_s(&o, ", ");
      out_json_text(&o, it.key);
      out_s(&o, ": ");
      out_value(&o, it.value);
    }
    const char* text = format_kept("\"url\": \"s3://%s\", \"s3\": {%s}", text_of(member(config, "bucket")), o.ptr);
    out_free(&o);
    return text;
  }
  if (strcmp(backend, "s3") == 0)
    return format_kept(
        "\"url\": \"s3://%s/%s\", \"s3\": {\"endpoint\": \"%s\", \"addressing\": \"path\", \"access_key\": \"%s\", "
        "\"secret_key\": \"%s\"}",
        server("S3_BUCKET"), own, server("S3_URL"), server("S3_ACCESS_KEY"), server("S3_SECRET_KEY"));
  if (strcmp(backend, "gcs") == 0)
    return format_kept(
        "\"url\": \"gcs://%s/%s\", \"gcs\": {\"endpoint\": \"%s\", \"anonymous\": true}, \"presign\": {\"secret\": \"of the "
        "tokens\"}",
        server("GCS_BUCKET"), own, server("GCS_URL"));
  if (strcmp(backend, "azblob") == 0)
    return format_kept(
        "\"url\": \"azblob://%s/%s\", \"azblob\": {\"endpoint\": \"%s\", \"account\": \"%s\", \"account_key\": \"%s\"}",
        server("AZBLOB_CONTAINER"), own, server("AZBLOB_URL"), server("AZBLOB_ACCOUNT"), server("AZBLOB_KEY"));
  if (strcmp(backend, "fs") == 0) return format_kept("\"url\": \"file:%s/objects\"", t->folder);
  return NULL;
}

static const char* cache_url(const char* backend, const char* own) {
  if (strcmp(backend, "redis") == 0) return format_kept("%s?prefix=%s:", server("REDIS_URL"), own);
  if (strcmp(backend, "tiered") == 0) return format_kept("tiered+%s?prefix=%s:", server("REDIS_URL"), own);
  return NULL;
}

static const char* messaging_url(const char* backend, const char* own) {
  if (strcmp(backend, "amqp") == 0) return format_kept("%s?name=%s", server("AMQP_URL"), own);
  if (strcmp(backend, "kafka") == 0) return format_kept("%s?prefix=%s.", server("KAFKA_URL"), own);
  if (strcmp(backend, "nats") == 0) return format_kept("%s?storage=memory&stream=%s", server("NATS_URL"), own);
  if (strcmp(backend, "redis") == 0) return format_kept("%s?prefix=%s", server("REDIS_URL"), own);
  return NULL;
}

const char* options_of(toolbox* t) {
  static unsigned places;
  const spk_value config = t->config;
  const char* backend = text_of(spk_exists(member(config, "backend")) ? member(config, "backend") : member(config, "driver"));
  const char* own = format_kept("fixture_c_%d_%u", (int)getpid(), ++places);
  const int cache = strcmp(t->kind, "cache") == 0, storage = strcmp(t->kind, "storage") == 0, db = strcmp(t->kind, "db") == 0,
            messaging = strcmp(t->kind, "messaging") == 0, tasks = strcmp(t->kind, "tasks") == 0;
  if (!storage) {
    only(config,
         cache   ? "backend default_ttl_ms max_entries"
         : db    ? "driver pool"
         : tasks ? "backend clock"
                 : "backend",
         t->kind);
  }
  const char* url = NULL;
  if (strcmp(backend, "memory") == 0 && !db) url = "memory:";
  if (strcmp(backend, "sqlite") == 0 && !cache && !storage) url = format_kept("sqlite:%s/test.db", t->folder);
  if (strcmp(backend, "postgres") == 0 && (db || tasks)) url = on_postgres(t, own);
  if (strcmp(backend, "mysql") == 0 && (db || tasks)) url = on_mysql(t, own);
  if (strcmp(backend, "redis") == 0 && tasks) url = format_kept("%s?prefix=%s", server("REDIS_URL"), own);
  if (cache && url == NULL) url = cache_url(backend, own);
  if (messaging && url == NULL) url = messaging_url(backend, own);
  if (messaging && strcmp(backend, "mqtt") == 0)
    return format_kept("\"url\": \"%s?session_expiry_s=60&prefix=%s/\", \"store\": \"sqlite:%s/deliveries.db\"",
                       server("MQTT_URL"), own, t->folder);
  const char* options = storage ? storage_options(t, backend, own) : NULL;
  if (options != NULL) return options;
  if (url == NULL) refuse("not_built", "backend %s", backend);
  out o = {0};
  static const char* const further[] = {"default_ttl_ms", "max_entries", "pool"};
  out_s(&o, "\"url\": ");
  out_json_text(&o, (spk_text){url, strlen(url)});
  for (size_t i = 0; i < sizeof further / sizeof *further; ++i)
    if (spk_exists(member(config, further[i]))) {
      out_s(&o, format_kept(", \"%s\": %s", further[i], json_of(member(config, further[i]))));
    }
  const char* text = format_kept("%s", o.ptr);
  out_free(&o);
  return text;
}
