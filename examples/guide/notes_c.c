/* Notes in SQLite, and a task that counts their words: a service in C with <spikard/service.h>. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "spikard/service.h"

/* The one place where a failed operation becomes an answer. */
static int failed(spk_work *work, spk_done *done) {
  if (done->status == 0) return 0;
  char *message = spk_copy_str(done->message);
  spk_fail(work, "OperationError", message);
  free(message);
  spk_done_free(done);
  return 1;
}

/* A row and its task, both or neither. */
static int create_in(spk_work *work, uint64_t tx, void *user) {
  spk_done *done = user;
  spk_text text = spk_str(spk_member(spk_body_json(work), "text"));
  if (spk_ask(work, SPK_OP_DB_FIRST, "default",
              SPK_OBJECT({"sql", SPK_TEXT("INSERT INTO notes (text) VALUES (?) RETURNING id, text")},
                         {"params", SPK_LIST({"", SPK_TEXT_N(text.ptr, text.len)})}, {"transaction", SPK_NUMBER((int64_t)tx)}),
              done) != 0)
    return 1;
  spk_done enqueued;
  int wrong = spk_ask(work, SPK_OP_TASKS_ENQUEUE, "default",
                      SPK_OBJECT({"task", SPK_TEXT("count_words")}, {"args", SPK_VALUE(spk_member(done->value, "row"))},
                                 {"transaction", SPK_NUMBER((int64_t)tx)}),
                      &enqueued) != 0;
  if (!wrong) {
    spk_done_free(&enqueued);
    return 0;
  }
  spk_done_free(done);
  *done = enqueued;
  return 1;
}

static void create(spk_work *work, void *user) {
  (void)user;
  spk_done row = {0}, done;
  if (spk_transaction(work, "default", NULL, create_in, &row, &done) != 0) {
    failed(work, row.status != 0 ? &row : &done);
    return;
  }
  spk_done_free(&done);
  spk_reply_json(work, 201, SPK_OBJECT({"id", SPK_VALUE(spk_member(spk_member(row.value, "row"), "id"))}));
  spk_done_free(&row);
}

static void read_note(spk_work *work, void *user) {
  (void)user;
  spk_done done;
  spk_ask(work, SPK_OP_DB_FIRST, "default",
          SPK_OBJECT({"sql", SPK_TEXT("SELECT id, text, words FROM notes WHERE id = ?")},
                     {"params", SPK_LIST({"", SPK_VALUE(spk_param(work, 0))})}),
          &done);
  if (failed(work, &done)) return;
  spk_value row = spk_member(done.value, "row");
  if (spk_type(row) != SPK_OBJ) spk_problem(work, 404, "No such note", NULL);
  else spk_reply_json(work, 200, SPK_OBJECT({"id", SPK_VALUE(spk_member(row, "id"))}, {"text", SPK_VALUE(spk_member(row, "text"))},
                                            {"words", SPK_VALUE(spk_member(row, "words"))}));
  spk_done_free(&done);
}

/* Tried again when it fails; `spk_reject` would say that this is of no use. */
static void count_words(spk_work *work, void *user) {
  (void)user;
  const spk_record *args = NULL;
  spk_text json = spk_body(work);
  if (spk_json_read(json.ptr, json.len, &args) != 0) return spk_reject(work, "no JSON");
  spk_value note = spk_value_of(args, args->nodes);
  spk_text text = spk_str(spk_member(note, "text"));
  int64_t words = 0;
  for (size_t i = 0; i < text.len; ++i)
    words += !isspace((unsigned char)text.ptr[i]) && (i == 0 || isspace((unsigned char)text.ptr[i - 1]));
  spk_done done;
  spk_ask(work, SPK_OP_DB_EXECUTE, "default",
          SPK_OBJECT({"sql", SPK_TEXT("UPDATE notes SET words = ? WHERE id = ?")},
                     {"params", SPK_LIST({"", SPK_NUMBER(words)}, {"", SPK_VALUE(spk_member(note, "id"))})}),
          &done);
  spk_record_free(args);
  if (!failed(work, &done)) spk_done_free(&done);
}

int main(void) {
  spk_service *notes = spk_service_new("notes");
  spk_service_client(notes, "db", "default", "\"url\": \"sqlite:notes.db\", \"migrations\": \"migrations\", \"migrate_on_start\": true");
  spk_service_client(notes, "tasks", "default", "\"url\": \"sqlite:notes.db\"");
  spk_route_set(spk_add_route(notes, "POST", "/notes", create, NULL),
                "\"body\": {\"schema\": {\"type\": \"object\", \"required\": [\"text\"], \"properties\": {\"text\": {\"type\": "
                "\"string\", \"minLength\": 1}}}}");
  spk_route_param(spk_add_route(notes, "GET", "/notes/{id}", read_note, NULL), "path", "id", "{\"type\": \"integer\"}", 1);
  spk_add_task(notes, "count_words", NULL, NULL, count_words, NULL);
  int code = spk_service_main(notes);
  spk_service_free(notes);
  return code;
}
