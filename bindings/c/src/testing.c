/* A service under a virtual clock. */
#include <stdio.h>

#include "internal.h"

static int has_client(const spk_service* s, const char* kind, const char* name) {
  for (const member* m = s->clients; m != NULL; m = m->next)
    if (strcmp(m->name, kind) == 0 && strcmp(m->sub, name) == 0) return 1;
  return 0;
}

int spk_test_start(spk_service* s, const char* start) {
  static const char* const kinds[][2] = {
      {"cache", "memory:"}, {"storage", "memory:"}, {"db", "sqlite::memory:"}, {"messaging", "memory:"}, {"tasks", "memory:"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    if (has_client(s, kinds[i][0], "default")) continue;
    char options[64];
    snprintf(options, sizeof options, "\"url\": \"%s\"", kinds[i][1]);
    spk_service_client(s, kinds[i][0], "default", options);
  }
  spk_service_set(s, "clock", "\"virtual\"");
  char* before = getenv("SPIKARD_TEST_START");
  if (before != NULL) before = copy_str(before);
  setenv("SPIKARD_TEST", "1", 1);
  if (start != NULL) setenv("SPIKARD_TEST_START", start, 1);
  const int result = spk_service_start(s, 0);
  if (start != NULL && before != NULL) setenv("SPIKARD_TEST_START", before, 1);
  else if (start != NULL) unsetenv("SPIKARD_TEST_START");
  free(before);
  return result < 0 ? result : spk_test_advance(s, 0);
}

/* On this thread, which is none of the service's. */
static int ask_here(spk_service* s, uint32_t operation, uint64_t ms) {
  spk_work here;
  spk_done done;
  work_begin(&here, s, LOADER, (handler){NULL, NULL}, 0);
  const uint32_t status = operation == SPK_OP_TEST_SETTLE
                              ? spk_ask(&here, operation, NULL, NULL, &done)
                              : spk_ask(&here, operation, NULL, SPK_OBJECT({"ms", SPK_NUMBER((int64_t)ms)}), &done);
  spk_done_free(&done);
  work_end(&here);
  return status == 0 ? 0 : -SPK_E_STATE;
}

int spk_test_advance(spk_service* s, uint64_t ms) { return ask_here(s, SPK_OP_TEST_ADVANCE, ms); }

/* Waits until every job waits or has ended; what they have asked for so far. */
static unsigned long at_rest(spk_service* s, int* running) {
  unsigned long asked = 0;
  pthread_mutex_lock(&s->mutex);
  for (;;) {
    int moving = 0;
    asked = 0;
    *running = 0;
    for (const spk_work* w = s->in_hand; w != NULL; w = w->after) {
      if (w->kind != 0) continue;
      ++*running;
      moving += !w->blocked;
      asked += w->asked;
    }
    if (moving == 0) break;
    pthread_cond_wait(&s->changed, &s->mutex);
  }
  pthread_mutex_unlock(&s->mutex);
  return asked;
}

int spk_test_run_many(spk_service* s, spk_handler job, void* const* users, size_t count) {
  int* finished = calloc(count + 1, sizeof *finished);
  if (finished == NULL) return -SPK_E_MEMORY;
  int result = 0;
  size_t started = 0;
  for (; started < count && result == 0; ++started) result = start_job(s, job, users[started], &finished[started]);
  for (int running = 1; running > 0 && result == 0;) {
    const unsigned long before = at_rest(s, &running);
    if (running == 0) break;
    result = ask_here(s, SPK_OP_TEST_SETTLE, 0);
    const int were = running;
    const unsigned long after = at_rest(s, &running);
    if (result == 0 && running == were && before == after) result = ask_here(s, SPK_OP_TEST_ADVANCE, 1);
  }
  if (result == 0) result = ask_here(s, SPK_OP_TEST_SETTLE, 0);
  pthread_mutex_lock(&s->mutex);
  for (size_t i = 0; i < started; ++i)
    while (!finished[i]) pthread_cond_wait(&s->changed, &s->mutex);
  pthread_mutex_unlock(&s->mutex);
  free(finished);
  return result;
}

int spk_test_run(spk_service* s, spk_handler job, void* user) { return spk_test_run_many(s, job, &user, 1); }
