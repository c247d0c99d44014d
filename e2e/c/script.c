/* What consumers and workers of a case do: the nth delivery of a payload, or run of a task, takes the nth entry of its sequence,
 * then the default. */
#include <stdio.h>
#include <stdlib.h>

#include "toolbox.h"

script* script_new(spk_value spec) {
  only(spec, "default known outcomes", "handler");
  script* s = kept(sizeof *s);
  pthread_mutex_init(&s->mutex, NULL);
  s->spec = spec;
  return s;
}

static spk_value next_of(script* s, spk_text name) {
  spk_each it = spk_each_of(member(s->spec, "outcomes"));
  for (size_t i = 0; spk_next(&it) && i < 64; ++i) {
    const spk_value payload = member(it.value, "payload");
    const spk_text is_for = spk_str(spk_exists(payload) ? payload : member(it.value, "task"));
    if (is_for.len != name.len || memcmp(is_for.ptr, name.ptr, name.len) != 0) continue;
    const spk_value sequence = member(it.value, "sequence");
    const unsigned long n = s->taken[i]++;
    if (n < spk_count(sequence)) return spk_item(sequence, (uint32_t)n);
    break;
  }
  return member(s->spec, "default");
}

/* Under the mutex. A try that was cut off hears of it on a thread of its own, perhaps when the next one has ended already; it was
 * before that. */
static void note(script* s, spk_text name, unsigned long number, const char* what, const char* outcome) {
  struct note* one = kept(sizeof *one);
  one->name = format_kept("%.*s", (int)name.len, name.ptr);
  one->number = number;
  one->text =
      format_kept("{%s%s\"outcome\": \"%s\"}", what == NULL ? "" : what, what == NULL || *what == '\0' ? "" : ", ", outcome);
  struct note** at = &s->done;
  while (*at != NULL && !(strcmp((*at)->name, one->name) == 0 && (*at)->number > number)) at = &(*at)->next;
  one->next = *at;
  *at = one;
}

void script_run(script* s, spk_work* work, spk_text name, const char* what) {
  pthread_mutex_lock(&s->mutex);
  spk_value entry = next_of(s, name);
  const unsigned long number = s->begun++;
  ++s->now;
  if (s->now > s->most) s->most = s->now;
  pthread_mutex_unlock(&s->mutex);
  int cancelled = 0;
  for (; !cancelled && spk_exists(spk_member(entry, "sleep_ms")); entry = member(entry, "then"))
    cancelled = spk_sleep(work, (uint64_t)spk_int(spk_member(entry, "sleep_ms"), 0)) != 0;
  pthread_mutex_lock(&s->mutex);
  --s->now;
  if (cancelled) {
    ++s->cancellations;
    if (spk_cancelled(work) == SPK_CANCEL_DEADLINE && !s->dead) note(s, name, number, what, "timeout");
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  const spk_value nack = spk_member(entry, "nack"), retry = spk_member(entry, "retry"), fatal = spk_member(entry, "fatal"),
                  result = spk_member(entry, "result");
  if (!s->dead) {
    note(s, name, number, what,
         is(entry, "ack")     ? "ack"
         : is(entry, "throw") ? "error"
         : spk_exists(nack)   ? "nack"
         : spk_exists(retry)  ? "retry"
         : spk_exists(fatal)  ? "fatal"
                              : "done");
  }
  const int dead = s->dead;
  pthread_mutex_unlock(&s->mutex);
  if (dead) return;
  if (is(entry, "throw")) {
    spk_fail(work, "Error", "the script threw");
  } else if (spk_exists(nack)) {
    spk_nack(work, spk_bool(member(nack, "requeue"), 0));
  } else if (spk_exists(retry)) {
    spk_retry(work, spk_uint(member(retry, "after_ms"), 0));
  } else if (spk_exists(fatal)) {
    char* message = spk_copy_str(spk_str(fatal));
    spk_reject(work, message);
    free(message);
  } else if (spk_exists(result)) {
    out json = {0};
    out_value(&json, result);
    spk_ack_json(work, json.ptr, json.len);
    out_free(&json);
  }
}
