/* Signals of the process as messages. */
#include "spikard_nif.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static int signal_pipe[2] = {-1, -1};
static ErlNifPid signal_owner;
static ErlNifMutex* signal_lock;

static void on_signal(int number) {
  const unsigned char byte = (unsigned char)number;
  const int before = errno;
  if (write(signal_pipe[1], &byte, 1) < 0) errno = before; /* full: one is on its way already */
  errno = before;
}

static void* run_signals(void* data) {
  (void)data;
  unsigned char byte;
  ErlNifEnv* env = enif_alloc_env();
  for (;;) {
    const ssize_t n = read(signal_pipe[0], &byte, 1);
    if (n == 0 || (n < 0 && errno != EINTR)) break;
    if (n != 1) continue;
    enif_mutex_lock(signal_lock);
    ErlNifPid owner = signal_owner;
    enif_mutex_unlock(signal_lock);
    enif_send(NULL, &owner, env, enif_make_tuple2(env, atoms.signal, enif_make_int(env, byte)));
    enif_clear_env(env);
  }
  enif_free_env(env);
  return NULL;
}

/* signals(Pid): SIGTERM and SIGINT of this process go to it, in place of what the runtime does with them. */
ERL_NIF_TERM nif_signals(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  ErlNifPid owner;
  if (!enif_get_local_pid(env, argv[0], &owner)) return enif_make_badarg(env);
  enif_mutex_lock(signal_lock);
  signal_owner = owner;
  const bool first = signal_pipe[0] < 0;
  bool ok = !first || pipe(signal_pipe) == 0;
  enif_mutex_unlock(signal_lock);
  ErlNifTid thread;
  if (ok && first) ok = enif_thread_create("spikard signals", &thread, run_signals, NULL, NULL) == 0;
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (!ok || sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) return refused(env, encoded_memory);
  return atoms.ok;
}

bool signals_ready(void) {
  signal_lock = enif_mutex_create("spikard signals");
  return signal_lock != NULL;
}
