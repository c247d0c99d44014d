/* The orders service of examples/orders/API.md in C, on the migrations of examples/orders. */
#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <spikard/service.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COLUMNS "id, customer, status, items, note, total, attachment"

/* ---- small things ---- */

/* What went wrong becomes the answer: a problem of its kind, or a failure that is tried again. */
static void give_up(spk_work* work, spk_done* done) {
  char* message = spk_copy_str(done->message);
  if (spk_kind(work) == SPK_EV_REQUEST && done->status == SPK_KIND_INVALID_ARGUMENT) spk_problem(work, 400, message, NULL);
  else if (spk_kind(work) == SPK_EV_REQUEST && done->status == SPK_KIND_CONFLICT) spk_problem(work, 409, message, NULL);
  else if (spk_kind(work) == SPK_EV_REQUEST && done->status == SPK_KIND_UNAVAILABLE) spk_problem(work, 503, NULL, NULL);
  else spk_fail(work, "OperationError", message);
  free(message);
  spk_done_free(done);
}

static void no_order(spk_work* work, int64_t id) {
  char detail[64];
  snprintf(detail, sizeof detail, "No order %lld", (long long)id);
  spk_problem(work, 404, detail, NULL);
}

static char* json_of(spk_value value, size_t* n) {
  spk_builder b = {0};
  spk_put(&b, value);
  const spk_bytes built = spk_built(&b);
  *n = spk_json_write(built.ptr, built.len, NULL, 0);
  char* json = malloc(*n + 1);
  spk_json_write(built.ptr, built.len, json, *n + 1);
  spk_builder_free(&b);
  return json;
}

static void key_of(char* key, size_t room, const char* before, int64_t id, const char* after) {
  snprintf(key, room, "%s%lld%s", before, (long long)id, after);
}

/* ---- who follows /orders/feed: what this process does ---- */

typedef struct event {
  struct event* next;
  char* text;
} event;
typedef struct watcher {
  struct watcher* next;
  spk_work* work;
  event *first, **last;
} watcher;
static pthread_mutex_t feed = PTHREAD_MUTEX_INITIALIZER;
static watcher* watchers;

static void tell(const char* change, spk_value order) {
  size_t n;
  pthread_mutex_lock(&feed);
  for (watcher* w = watchers; w != NULL; w = w->next) {
    char* json = json_of(order, &n);
    event* one = calloc(1, sizeof *one);
    one->text = malloc(n + 128);
    sprintf(one->text, "event: order\ndata: {\"change\":\"%s\",\"order\":%s}\n\n", change, json);
    *w->last = one;
    w->last = &one->next;
    free(json);
    spk_rouse(w->work);
  }
  pthread_mutex_unlock(&feed);
}

static void follow(spk_work* work, void* user) {
  (void)user;
  watcher self = {.work = work};
  self.last = &self.first;
  pthread_mutex_lock(&feed);
  self.next = watchers;
  watchers = &self;
  pthread_mutex_unlock(&feed);
  spk_set_header(work, "cache-control", "no-cache");
  int gone = spk_stream_begin(work, 200, "text/event-stream");
  if (gone == 0) gone = spk_stream_write(work, ": connected\n\n", 13);
  while (gone == 0) {
    pthread_mutex_lock(&feed);
    event* one = self.first;
    if (one != NULL && (self.first = one->next) == NULL) self.last = &self.first;
    pthread_mutex_unlock(&feed);
    if (one == NULL) {
      gone = spk_pause(work, 3600 * 1000) < 0;
      continue;
    }
    gone = spk_stream_write(work, one->text, strlen(one->text));
    free(one->text);
    free(one);
  }
  pthread_mutex_lock(&feed);
  for (watcher** at = &watchers; *at != NULL; at = &(*at)->next)
    if (*at == &self) {
      *at = self.next;
      break;
    }
  pthread_mutex_unlock(&feed);
  for (event* one = self.first; one != NULL;) {
    event* next = one->next;
    free(one->text);
    free(one);
    one = next;
  }
  if (!spk_cancelled(work)) spk_stream_write(work, "retry: 1000\n\n", 13);
  spk_stream_end(work);
}

/* ---- orders in SQL ---- */

/* `done->value` has the row as `row`, null: there is none. */
static uint32_t read_order(spk_work* work, int64_t id, uint64_t tx, spk_done* done) {
  return spk_ask(
      work, SPK_OP_DB_FIRST, "default",
      SPK_OBJECT({"sql", SPK_TEXT("SELECT " COLUMNS " FROM orders WHERE id = ?")}, {"params", SPK_LIST({"", SPK_NUMBER(id)})},
                 {tx == 0 ? NULL : "transaction", SPK_NUMBER((int64_t)tx)}),
      done);
}

static void load_order(spk_work* work, void* user) {
  spk_done done;
  if (read_order(work, *(const int64_t*)user, 0, &done) != 0) {
    char* message = spk_copy_str(done.message);
    spk_fail(work, "OperationError", message);
    free(message);
  } else if (spk_type(spk_member(done.value, "row")) == SPK_OBJ) {
    size_t n;
    char* json = json_of(spk_member(done.value, "row"), &n);
    spk_ack_json(work, json, n);
    free(json);
  }
  spk_done_free(&done);
}

/* By the cache. `*order` is JSON, for spk_record_free; NULL: there is none. 0, or the status of `done`. */
static uint32_t find_order(spk_work* work, int64_t id, const spk_record** order, spk_done* done) {
  char key[64];
  int64_t* which = malloc(sizeof *which);
  *which = id;
  *order = NULL;
  key_of(key, sizeof key, "order:", id, "");
  const uint32_t status = spk_get_or_load(work, "default", SPK_OBJECT({"key", SPK_TEXT(key)}, {"ttl_ms", SPK_NUMBER(600000)}),
                                          load_order, which, done);
  free(which);
  if (status != 0) return status;
  const spk_text json = spk_str(spk_member(done->value, "value"));
  if (json.ptr != NULL) spk_json_read(json.ptr, json.len, order);
  spk_done_free(done);
  return 0;
}

static void forget(spk_work* work, int64_t id) {
  char key[64];
  spk_done done;
  key_of(key, sizeof key, "order:", id, "");
  spk_ask(work, SPK_OP_CACHE_DELETE, "default", SPK_OBJECT({"key", SPK_TEXT(key)}), &done);
  spk_done_free(&done);
}

/* What every change does, in its transaction: a message `orders.<change>` that says so. */
static uint32_t announce(spk_work* work, uint64_t tx, const char* change, spk_value order, spk_done* done) {
  char topic[64], key[32];
  size_t n;
  char* json = json_of(order, &n);
  snprintf(topic, sizeof topic, "orders.%s", change);
  key_of(key, sizeof key, "", spk_int(spk_member(order, "id"), 0), "");
  const uint32_t status = spk_ask(work, SPK_OP_MESSAGING_PUBLISH, "default",
                                  SPK_OBJECT({"topic", SPK_TEXT(topic)}, {"payload", SPK_TEXT_N(json, n)}, {"key", SPK_TEXT(key)},
                                             {"transaction", SPK_NUMBER((int64_t)tx)}),
                                  done);
  free(json);
  return status;
}

/* A change of an order: what it becomes, in a transaction with the message that says so. */
typedef struct change {
  int64_t id;
  const char* name;                   /* of the message; "attached" is announced as updated */
  spk_value status, note, attachment; /* what is set; does not exist: stays */
  const char* only_if;                /* the status it must have, NULL: any */
  int open_only;                      /* neither shipped nor cancelled */
  spk_done done;                      /* of what failed */
  spk_done row;                       /* the order as it is then */
  int none, refused, unchanged;
} change;

static int change_in(spk_work* work, uint64_t tx, void* user) {
  change* c = user;
  spk_done now;
  if (read_order(work, c->id, tx, &now) != 0) {
    c->done = now;
    return 1;
  }
  const spk_value row = spk_member(now.value, "row"), status = spk_member(row, "status");
  c->none = spk_type(row) != SPK_OBJ;
  c->refused = !c->none && c->open_only && (spk_text_is(spk_str(status), "shipped") || spk_text_is(spk_str(status), "cancelled"));
  c->unchanged = !c->none && c->only_if != NULL && !spk_text_is(spk_str(status), c->only_if);
  if (c->none || c->refused || c->unchanged) {
    c->row = now;
    return 1;
  }
  const spk_value values[] = {spk_exists(c->status) ? c->status : status, spk_exists(c->note) ? c->note : spk_member(row, "note"),
                              spk_exists(c->attachment) ? c->attachment : spk_member(row, "attachment")};
  const uint32_t failed = spk_ask(
      work, SPK_OP_DB_FIRST, "default",
      SPK_OBJECT({"sql", SPK_TEXT("UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ? RETURNING " COLUMNS)},
                 {"params", SPK_LIST({"", SPK_VALUE(values[0])}, {"", SPK_VALUE(values[1])}, {"", SPK_VALUE(values[2])},
                                     {"", SPK_NUMBER(c->id)})},
                 {"transaction", SPK_NUMBER((int64_t)tx)}),
      &c->row);
  spk_done_free(&now);
  if (failed) {
    c->done = c->row;
    c->row = (spk_done){0};
    return 1;
  }
  const char* message = strcmp(c->name, "attached") == 0 ? "updated" : c->name;
  if (announce(work, tx, message, spk_member(c->row.value, "row"), &c->done) != 0) return 1;
  spk_done_free(&c->done);
  return 0;
}

/* 0: it is done, or `none`, `refused`, `unchanged` says why not; free `row`. -1: given up. */
static int change_order(spk_work* work, change* c) {
  spk_done done;
  const uint32_t status = spk_transaction(work, "default", NULL, change_in, c, &done);
  if (c->done.status != 0 || status != 0) {
    spk_done* why = c->done.status != 0 ? &c->done : &done;
    give_up(work, why);
    if (why != &done) spk_done_free(&done);
    spk_done_free(&c->row);
    return -1;
  }
  spk_done_free(&done);
  if (c->none || c->refused || c->unchanged) return 0;
  forget(work, c->id);
  tell(c->name, spk_member(c->row.value, "row"));
  return 0;
}

/* ---- routes ---- */

/* The row, the message and the task are one transaction: all of them, or none. */
static int create_in(spk_work* work, uint64_t tx, void* user) {
  spk_done *out = user, done;
  const spk_value body = spk_body_json(work);
  double total = 0;
  spk_each items = spk_each_of(spk_member(body, "items"));
  while (spk_next(&items))
    total += spk_f64(spk_member(items.value, "quantity"), 0) * spk_f64(spk_member(items.value, "price"), 0);
  total = round(total * 100) / 100;
  if (spk_ask(work, SPK_OP_DB_FIRST, "default",
              SPK_OBJECT(
                  {"sql", SPK_TEXT("INSERT INTO orders (customer, items, note, total, placed_at) "
                                   "VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING " COLUMNS)},
                  {"params", SPK_LIST({"", SPK_VALUE(spk_member(body, "customer"))}, {"", SPK_VALUE(spk_member(body, "items"))},
                                      {"", SPK_VALUE(spk_member(body, "note"))}, {"", SPK_REAL(total)})},
                  {"transaction", SPK_NUMBER((int64_t)tx)}),
              out) != 0)
    return 1;
  const spk_value order = spk_member(out->value, "row");
  uint32_t failed = announce(work, tx, "created", order, &done);
  if (failed == 0) {
    spk_done_free(&done);
    failed =
        spk_ask(work, SPK_OP_TASKS_ENQUEUE, "default",
                SPK_OBJECT({"task", SPK_TEXT("invoice")}, {"args", SPK_NESTED({"order", SPK_VALUE(spk_member(order, "id"))})},
                           {"transaction", SPK_NUMBER((int64_t)tx)}),
                &done);
  }
  if (failed != 0) {
    spk_done_free(out);
    *out = done;
    return 1;
  }
  spk_done_free(&done);
  return 0;
}

static void create(spk_work* work, void* user) {
  (void)user;
  spk_done row = {0}, done;
  const uint32_t status = spk_transaction(work, "default", NULL, create_in, &row, &done);
  if (status != 0 || row.status != 0) {
    give_up(work, row.status != 0 ? &row : &done);
    return;
  }
  spk_done_free(&done);
  const spk_value order = spk_member(row.value, "row");
  char location[64];
  key_of(location, sizeof location, "/orders/", spk_int(spk_member(order, "id"), 0), "");
  tell("created", order);
  spk_set_header(work, "location", location);
  spk_builder b = {0};
  spk_put(&b, order);
  spk_reply_built(work, 201, &b);
  spk_builder_free(&b);
  spk_done_free(&row);
}

static void reply_value(spk_work* work, spk_value value) {
  spk_builder b = {0};
  spk_put(&b, value);
  spk_reply_built(work, 200, &b);
  spk_builder_free(&b);
}

static void read_one(spk_work* work, void* user) {
  (void)user;
  const int64_t id = spk_int(spk_param(work, 0), 0);
  const spk_record* order;
  spk_done done;
  if (find_order(work, id, &order, &done) != 0) return give_up(work, &done);
  if (order == NULL) return no_order(work, id);
  reply_value(work, spk_value_of(order, order->nodes));
  spk_record_free(order);
}

static void list(spk_work* work, void* user) {
  (void)user;
  const spk_value status = spk_param(work, 0);
  spk_done rows, count;
  if (spk_ask(work, SPK_OP_DB_QUERY, "default",
              SPK_OBJECT({"sql", SPK_TEXT("SELECT " COLUMNS
                                          " FROM orders WHERE status = COALESCE($1, status) ORDER BY id LIMIT $2 OFFSET $3")},
                         {"params", SPK_LIST({"", SPK_VALUE(status)}, {"", SPK_VALUE(spk_param(work, 1))},
                                             {"", SPK_VALUE(spk_param(work, 2))})}),
              &rows) != 0)
    return give_up(work, &rows);
  if (spk_ask(work, SPK_OP_DB_FIRST, "default",
              SPK_OBJECT({"sql", SPK_TEXT("SELECT count(*) AS n FROM orders WHERE status = COALESCE($1, status)")},
                         {"params", SPK_LIST({"", SPK_VALUE(status)})}),
              &count) != 0) {
    spk_done_free(&rows);
    return give_up(work, &count);
  }
  spk_reply_json(work, 200,
                 SPK_OBJECT({"orders", SPK_VALUE(spk_member(rows.value, "rows"))},
                            {"total", SPK_VALUE(spk_member(spk_member(count.value, "row"), "n"))}));
  spk_done_free(&rows);
  spk_done_free(&count);
}

static void answer_change(spk_work* work, change* c) {
  const spk_value row = spk_member(c->row.value, "row");
  if (c->none) {
    no_order(work, c->id);
  } else if (c->refused) {
    char detail[64];
    snprintf(detail, sizeof detail, "Order %lld is %s", (long long)c->id,
             spk_text_is(spk_str(spk_member(row, "status")), "shipped") ? "shipped" : "cancelled");
    spk_problem(work, 409, detail, NULL);
  } else {
    reply_value(work, row);
  }
  spk_done_free(&c->row);
}

static void patch(spk_work* work, void* user) {
  (void)user;
  const spk_value body = spk_body_json(work);
  change c = {.id = spk_int(spk_param(work, 0), 0),
              .name = "updated",
              .status = spk_member(body, "status"),
              .note = spk_member(body, "note"),
              .open_only = 1};
  if (change_order(work, &c) == 0) answer_change(work, &c);
}

/* Streamed into the store; nothing of it is seen before it is there. */
static void attach(spk_work* work, void* user) {
  (void)user;
  const int64_t id = spk_int(spk_param(work, 0), 0);
  const spk_record* order;
  spk_done done;
  if (find_order(work, id, &order, &done) != 0) return give_up(work, &done);
  if (order == NULL) return no_order(work, id);
  spk_record_free(order);
  char key[64], hex[2 * EVP_MAX_MD_SIZE + 1];
  key_of(key, sizeof key, "attachments/", id, "");
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
  spk_stream* stream = spk_open_stream(work, SPK_OP_STORAGE_WRITE_STREAM, "default", SPK_OBJECT({"key", SPK_TEXT(key)}));
  int64_t size = 0;
  spk_text part;
  int more;
  while ((more = spk_stream_read(work, &part)) > 0) {
    EVP_DigestUpdate(digest, part.ptr, part.len);
    size += (int64_t)part.len;
    if (spk_push(stream, part.ptr, part.len) != 0) break;
  }
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(digest, hash, &length);
  EVP_MD_CTX_free(digest);
  for (unsigned i = 0; i < length; ++i) sprintf(hex + 2 * i, "%02x", hash[i]);
  if (spk_close_stream(stream, more == 0, &done) != 0) return give_up(work, &done);
  spk_done_free(&done);
  spk_builder b = {0};
  spk_put_args(&b, SPK_OBJECT({"size", SPK_NUMBER(size)}, {"sha256", SPK_TEXT(hex)}));
  const spk_bytes attachment = spk_built(&b);
  change c = {.id = id, .name = "attached", .attachment = {attachment.ptr, attachment.ptr}};
  if (change_order(work, &c) == 0) {
    if (c.none) no_order(work, id);
    else spk_reply_json(work, 200, SPK_OBJECT({"order", SPK_NUMBER(id)}, {"size", SPK_NUMBER(size)}, {"sha256", SPK_TEXT(hex)}));
    spk_done_free(&c.row);
  }
  spk_builder_free(&b);
}

/* A link to the invoice that works for fifteen minutes without any credentials. */
static void invoice_link(spk_work* work, void* user) {
  (void)user;
  const int64_t id = spk_int(spk_param(work, 0), 0);
  char key[64], detail[80];
  spk_done done;
  key_of(key, sizeof key, "invoices/", id, ".html");
  if (spk_ask(work, SPK_OP_STORAGE_EXISTS, "default", SPK_OBJECT({"key", SPK_TEXT(key)}), &done) != 0)
    return give_up(work, &done);
  const int there = spk_bool(spk_member(done.value, "value"), 0);
  spk_done_free(&done);
  if (!there) {
    key_of(detail, sizeof detail, "No invoice for order ", id, " yet");
    return spk_problem(work, 404, detail, NULL);
  }
  if (spk_ask(work, SPK_OP_STORAGE_PRESIGN, "default",
              SPK_OBJECT({"method", SPK_TEXT("GET")}, {"key", SPK_TEXT(key)}, {"expires_s", SPK_NUMBER(900)}), &done) != 0)
    return give_up(work, &done);
  spk_reply_json(work, 200, SPK_OBJECT({"url", SPK_VALUE(spk_member(done.value, "url"))}));
  spk_done_free(&done);
}

static void customer(spk_work* work, void* user) {
  (void)user;
  spk_done done;
  if (spk_ask(work, SPK_OP_DB_FIRST, "default",
              SPK_OBJECT({"sql", SPK_TEXT("SELECT name, orders, spent FROM customers WHERE name = ?")},
                         {"params", SPK_LIST({"", SPK_VALUE(spk_param(work, 0))})}),
              &done) != 0)
    return give_up(work, &done);
  if (spk_type(spk_member(done.value, "row")) == SPK_OBJ) {
    reply_value(work, spk_member(done.value, "row"));
  } else {
    char detail[200];
    const spk_text name = spk_str(spk_param(work, 0));
    snprintf(detail, sizeof detail, "No customer %.*s", (int)(name.len < 150 ? name.len : 150), name.ptr);
    spk_problem(work, 404, detail, NULL);
  }
  spk_done_free(&done);
}

/* ---- what follows from an order ---- */

/* The inbox makes it count once, however often the message comes. */
static int count_in(spk_work* work, uint64_t tx, void* user) {
  const spk_value order = *(const spk_value*)user;
  char id[32];
  spk_done done;
  key_of(id, sizeof id, "", spk_int(spk_member(order, "id"), 0), "");
  if (spk_ask(work, SPK_OP_DB_INBOX, "default",
              SPK_OBJECT({"source", SPK_TEXT("customers")}, {"id", SPK_TEXT(id)}, {"transaction", SPK_NUMBER((int64_t)tx)}),
              &done) != 0) {
    give_up(work, &done);
    return 1;
  }
  spk_each it = spk_each_of(done.value);
  const int fresh = spk_next(&it) && spk_bool(it.value, 0);
  spk_done_free(&done);
  if (!fresh) return 0;
  if (spk_ask(
          work, SPK_OP_DB_EXECUTE, "default",
          SPK_OBJECT(
              {"sql", SPK_TEXT("INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE "
                               "SET orders = customers.orders + 1, spent = customers.spent + excluded.spent")},
              {"params", SPK_LIST({"", SPK_VALUE(spk_member(order, "customer"))}, {"", SPK_VALUE(spk_member(order, "total"))})},
              {"transaction", SPK_NUMBER((int64_t)tx)}),
          &done) != 0) {
    give_up(work, &done);
    return 1;
  }
  spk_done_free(&done);
  return 0;
}
static void count_customer(spk_work* work, void* user) {
  (void)user;
  const spk_text body = spk_body(work);
  const spk_record* record = NULL;
  if (spk_json_read(body.ptr, body.len, &record) < 0) return spk_reject(work, "not JSON");
  spk_value order = spk_value_of(record, record->nodes);
  spk_done done;
  if (spk_transaction(work, "default", NULL, count_in, &order, &done) != 0) give_up(work, &done);
  else spk_done_free(&done);
  spk_record_free(record);
}

static void add_escaped(char** at, spk_text text) {
  for (size_t i = 0; i < text.len; ++i) {
    const char c = text.ptr[i];
    const char* escaped = c == '<'    ? "&lt;"
                          : c == '>'  ? "&gt;"
                          : c == '&'  ? "&amp;"
                          : c == '"'  ? "&quot;"
                          : c == '\'' ? "&#x27;"
                                      : NULL;
    if (escaped != NULL) *at += sprintf(*at, "%s", escaped);
    else *(*at)++ = c;
  }
}
static char* render(spk_value order) {
  const spk_text name = spk_str(spk_member(order, "customer"));
  const spk_value items = spk_member(order, "items");
  char *html = malloc(512 + 6 * name.len + spk_count(items) * 256), *at = html;
  const long long id = (long long)spk_int(spk_member(order, "id"), 0);
  at += sprintf(at, "<!doctype html><meta charset=\"utf-8\"><title>Invoice %lld</title>\n<h1>Invoice %lld</h1>\n<p>", id, id);
  add_escaped(&at, name);
  at += sprintf(at, "</p>\n<table>\n");
  spk_each it = spk_each_of(items);
  while (spk_next(&it)) {
    at += sprintf(at, "<tr><td>");
    add_escaped(&at, spk_str(spk_member(it.value, "sku")));
    at += sprintf(at, "</td><td>%lld</td><td>%.2f</td></tr>\n", (long long)spk_int(spk_member(it.value, "quantity"), 0),
                  spk_f64(spk_member(it.value, "price"), 0));
  }
  sprintf(at, "</table>\n<p>Total: %.2f</p>\n", spk_f64(spk_member(order, "total"), 0));
  return html;
}

/* Renders the invoice, then confirms the order. Run twice it does the same again. */
static void invoice(spk_work* work, void* user) {
  (void)user;
  const spk_text body = spk_body(work);
  const spk_record *args = NULL, *order = NULL;
  spk_done done;
  if (spk_json_read(body.ptr, body.len, &args) < 0) return spk_reject(work, "not JSON");
  const int64_t id = spk_int(spk_member(spk_value_of(args, args->nodes), "order"), 0);
  spk_record_free(args);
  if (find_order(work, id, &order, &done) != 0) return give_up(work, &done);
  if (order == NULL) return spk_fail(work, "NotFound", "there is no such order");
  char key[64], json[80];
  key_of(key, sizeof key, "invoices/", id, ".html");
  char* html = render(spk_value_of(order, order->nodes));
  spk_record_free(order);
  const uint32_t failed =
      spk_ask(work, SPK_OP_STORAGE_WRITE, "default",
              SPK_OBJECT({"key", SPK_TEXT(key)}, {"data", SPK_TEXT(html)}, {"content_type", SPK_TEXT("text/html; charset=utf-8")},
                         {"cache_control", SPK_TEXT("private, max-age=3600")}),
              &done);
  free(html);
  if (failed != 0) return give_up(work, &done);
  spk_done_free(&done);
  spk_builder b = {0};
  spk_put_text(&b, "confirmed");
  const spk_bytes confirmed = spk_built(&b);
  change c = {.id = id, .name = "confirmed", .status = {confirmed.ptr, confirmed.ptr}, .only_if = "new"};
  if (change_order(work, &c) == 0) {
    if (!c.none && !c.unchanged)
      spk_log(work, "info", "the invoice was rendered",
              SPK_OBJECT({"order.id", SPK_NUMBER(id)}, {"order.invoice", SPK_TEXT(key)}));
    spk_done_free(&c.row);
    const int n = snprintf(json, sizeof json, "\"%s\"", key);
    spk_ack_json(work, json, (size_t)n);
  }
  spk_builder_free(&b);
}

/* Every night: what was sold, by customer, as an object of its own. */
static void report(spk_work* work, void* user) {
  (void)user;
  spk_done done;
  if (spk_ask(work, SPK_OP_DB_QUERY, "default",
              SPK_OBJECT({"sql", SPK_TEXT("SELECT name, orders, spent FROM customers ORDER BY spent DESC, name")}), &done) != 0)
    return give_up(work, &done);
  size_t n;
  char* json = json_of(spk_member(done.value, "rows"), &n);
  spk_done_free(&done);
  /* The night of which it tells, however late it runs. */
  const time_t night = (time_t)(spk_int(spk_member(spk_nodes(work), "scheduled_at"), (int64_t)time(NULL) * 1000) / 1000);
  struct tm day;
  char key[48], result[64];
  gmtime_r(&night, &day);
  strftime(key, sizeof key, "reports/%Y-%m-%d.json", &day);
  const uint32_t failed = spk_ask(
      work, SPK_OP_STORAGE_WRITE, "default",
      SPK_OBJECT({"key", SPK_TEXT(key)}, {"data", SPK_TEXT_N(json, n)}, {"content_type", SPK_TEXT("application/json")}), &done);
  free(json);
  if (failed != 0) return give_up(work, &done);
  spk_done_free(&done);
  spk_ack_json(work, result, (size_t)snprintf(result, sizeof result, "\"%s\"", key));
}

/* com.example.shipment.sent: the order is shipped. */
static void shipped(spk_work* work, void* user) {
  (void)user;
  const spk_value order = spk_member(spk_member(spk_member(spk_nodes(work), "event"), "data"), "order");
  if (spk_type(order) != SPK_INT) return spk_nack(work, 0); /* expected {"order": id} */
  spk_builder b = {0};
  spk_put_text(&b, "shipped");
  const spk_bytes status = spk_built(&b);
  change c = {.id = spk_int(order, 0), .name = "updated", .status = {status.ptr, status.ptr}};
  if (change_order(work, &c) == 0) spk_done_free(&c.row);
  spk_builder_free(&b);
}

/* orders.confirmed, as a CloudEvent to whoever listens at $ORDERS_EVENTS_URL. */
static void tell_others(spk_work* work, void* user) {
  (void)user;
  const spk_text body = spk_body(work);
  const spk_record* record = NULL;
  if (spk_json_read(body.ptr, body.len, &record) < 0) return spk_reject(work, "not JSON");
  const spk_value order = spk_value_of(record, record->nodes);
  const int64_t id = spk_int(spk_member(order, "id"), 0);
  char event_id[64], subject[64];
  spk_done done;
  key_of(event_id, sizeof event_id, "order-", id, "-confirmed");
  key_of(subject, sizeof subject, "orders/", id, "");
  if (spk_ask(work, SPK_OP_CLOUDEVENTS_SEND, "default",
              SPK_OBJECT(
                  {"event", SPK_NESTED({"specversion", SPK_TEXT("1.0")}, {"type", SPK_TEXT("com.example.order.confirmed")},
                                       {"id", SPK_TEXT(event_id)}, {"subject", SPK_TEXT(subject)}, {"data", SPK_VALUE(order)})}),
              &done) != 0)
    give_up(work, &done);
  else spk_done_free(&done);
  spk_record_free(record);
}

/* ---- the application ---- */

#define ITEM                                                                                                                    \
  "{\"type\": \"object\", \"required\": [\"sku\", \"quantity\", \"price\"], \"additionalProperties\": false, \"properties\": {" \
  "\"sku\": {\"type\": \"string\", \"pattern\": \"^[A-Z]{3}-[0-9]{4}$\"}, \"quantity\": {\"type\": \"integer\", \"minimum\": "  \
  "1, "                                                                                                                         \
  "\"maximum\": 1000}, \"price\": {\"type\": \"number\", \"minimum\": 0}}}"
#define NOTE "\"note\": {\"type\": [\"string\", \"null\"], \"maxLength\": 500"
#define NEW_ORDER                                                                                                            \
  "\"body\": {\"schema\": {\"type\": \"object\", \"required\": [\"customer\", \"items\"], \"additionalProperties\": false, " \
  "\"properties\": {\"customer\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 100}, "                            \
  "\"items\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 50, \"items\": " ITEM "}, " NOTE ", \"default\": null}}}}"
#define STATUSES "\"enum\": [\"new\", \"confirmed\", \"shipped\", \"cancelled\"]"
#define ORDER_PATCH                                                                                                        \
  "\"body\": {\"schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"status\": {" STATUSES \
  "}, " NOTE "}}}}"

int main(void) {
  spk_service* s = spk_service_new("orders");
  spk_service_http(s, "limits", "{\"body_bytes\": 104857600}");
  /* One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects. */
  spk_service_client(s, "db", "default",
                     "\"url\": \"sqlite:data/orders.db\", \"migrations\": \"" ORDERS_MIGRATIONS "\", \"migrate_on_start\": true");
  spk_service_client(s, "messaging", "default", "\"url\": \"sqlite:data/orders.db\"");
  spk_service_client(s, "tasks", "default", "\"url\": \"sqlite:data/orders.db\"");
  spk_service_client(s, "storage", "default", "\"url\": \"file:data/objects\"");
  spk_service_client(s, "cache", "default", "\"url\": \"memory:\"");

  spk_route_set(spk_add_route(s, "POST", "/orders", create, NULL), NEW_ORDER);
  spk_route* r = spk_add_route(s, "GET", "/orders", list, NULL);
  spk_route_param(r, "query", "status", "{" STATUSES "}", 0);
  spk_route_param(r, "query", "limit", "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 100, \"default\": 20}", 0);
  spk_route_param(r, "query", "offset", "{\"type\": \"integer\", \"minimum\": 0, \"default\": 0}", 0);
  spk_add_route(s, "GET", "/orders/feed", follow, NULL);
  spk_route_param(spk_add_route(s, "GET", "/orders/{id:int}", read_one, NULL), "path", "id", "{\"type\": \"integer\"}", 1);
  r = spk_add_route(s, "PATCH", "/orders/{id:int}", patch, NULL);
  spk_route_param(r, "path", "id", "{\"type\": \"integer\"}", 1);
  spk_route_set(r, ORDER_PATCH);
  r = spk_add_route(s, "PUT", "/orders/{id:int}/attachment", attach, NULL);
  spk_route_param(r, "path", "id", "{\"type\": \"integer\"}", 1);
  spk_route_set(r, "\"body\": {\"mode\": \"stream\", \"content_types\": [\"*/*\"], \"required\": false, \"as\": \"raw\"}");
  spk_route_param(spk_add_route(s, "GET", "/orders/{id:int}/invoice", invoice_link, NULL), "path", "id",
                  "{\"type\": \"integer\"}", 1);
  spk_route_param(spk_add_route(s, "GET", "/customers/{name}", customer, NULL), "path", "name", "{\"type\": \"string\"}", 1);

  spk_add_consumer(
      s, "orders.created",
      "\"name\": \"customers\", \"group\": \"customers\", \"start_from\": \"earliest\", \"dead_letter\": \"orders.dead\"",
      count_customer, NULL);
  spk_add_task(s, "invoice", NULL, NULL, invoice, NULL);
  spk_add_task(s, "report", NULL, NULL, report, NULL);
  spk_add_schedule(s, "nightly", "0 3 * * *", "\"task\": \"report\"");
  spk_add_event(s, "/events", "com.example.shipment.sent", shipped, NULL);
  const char* others = getenv("ORDERS_EVENTS_URL");
  if (others != NULL && *others != '\0') {
    char options[1024];
    snprintf(options, sizeof options, "\"url\": \"%s\", \"source\": \"/orders\"", others);
    spk_service_client(s, "events", "default", options);
    spk_add_consumer(s, "orders.confirmed", "\"name\": \"events\", \"group\": \"events\", \"dead_letter\": \"orders.dead\"",
                     tell_others, NULL);
  }
  const int code = spk_service_main(s);
  spk_service_free(s);
  return code;
}
