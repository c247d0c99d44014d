/* What the files of the NIF share. */
#ifndef SPIKARD_NIF_H
#define SPIKARD_NIF_H

#include <erl_nif.h>
#include <stdbool.h>
#include <stddef.h>

#include "spikard.gen.h"

struct atoms {
  ERL_NIF_TERM nil, true_, false_, ok, error, struct_, bytes, number, nodes, prepare, bad, memory, closed, events, done, chunk,
      credit, signal;
};
extern struct atoms atoms;

struct buffer {
  char* data;
  size_t used, size;
};
bool buffer_add(struct buffer* b, const void* data, size_t n);
void buffer_free(struct buffer* b);

/* `prepare`: Elixir makes plain terms of it first (structs, keyword lists, big integers). */
enum encoded { encoded_ok, encoded_prepare, encoded_bad, encoded_memory };
/* Appends the nodes and their text; offsets count from where they begin. */
enum encoded encode(ErlNifEnv* env, ERL_NIF_TERM term, struct buffer* out);
/* `count` values from byte `at`, as a list. Objects of the outer `ordered` levels are lists of pairs; below 0: bytes are {bytes,
 * Binary}. `special`: a {number, Text} is in it. */
bool decode(ErlNifEnv* env, const unsigned char* base, size_t size, ERL_NIF_TERM whole, size_t at, uint32_t count, int ordered,
            ERL_NIF_TERM* out, bool* special);

ERL_NIF_TERM text_term(ErlNifEnv* env, const char* data, size_t n);
/* {error, Code, Message} of the core's last error in this thread. */
ERL_NIF_TERM failed(ErlNifEnv* env, int rc);
ERL_NIF_TERM refused(ErlNifEnv* env, enum encoded why);

ERL_NIF_TERM nif_nodes(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);
ERL_NIF_TERM nif_read_pairs(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);
ERL_NIF_TERM nif_json_read(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);
ERL_NIF_TERM nif_json_write(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);
ERL_NIF_TERM nif_signals(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);
bool signals_ready(void);

#endif
