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

#endif
