/* Records and JSON as terms. */
#include "spikard_nif.h"

#include <string.h>

/* nodes(Record, Offset, Count, Ordered): {Values, Special} */
ERL_NIF_TERM nif_nodes(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  ErlNifBinary bin;
  ErlNifUInt64 at;
  unsigned count;
  int ordered;
  bool special = false;
  ERL_NIF_TERM out;
  if (!enif_inspect_binary(env, argv[0], &bin) || !enif_get_uint64(env, argv[1], &at) || !enif_get_uint(env, argv[2], &count) ||
      !enif_get_int(env, argv[3], &ordered) || !decode(env, bin.data, bin.size, argv[0], at, count, ordered, &out, &special))
    return enif_make_badarg(env);
  enif_consume_timeslice(env, (int)(1 + bin.size / 16384 < 100 ? 1 + bin.size / 16384 : 100));
  return enif_make_tuple2(env, out, special ? atoms.true_ : atoms.false_);
}

/* pairs(Record, Offset, Count): [{Name, Value}] */
ERL_NIF_TERM nif_read_pairs(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  ErlNifBinary bin;
  ErlNifUInt64 at;
  unsigned count;
  if (!enif_inspect_binary(env, argv[0], &bin) || !enif_get_uint64(env, argv[1], &at) || !enif_get_uint(env, argv[2], &count) ||
      at > bin.size || count > (bin.size - at) / sizeof(spk_pair))
    return enif_make_badarg(env);
  ERL_NIF_TERM list = enif_make_list(env, 0);
  for (unsigned i = count; i-- > 0;) {
    spk_pair pair;
    memcpy(&pair, bin.data + at + i * sizeof pair, sizeof pair);
    if (pair.name.off > bin.size || pair.name.len > bin.size - pair.name.off || pair.value.off > bin.size ||
        pair.value.len > bin.size - pair.value.off)
      return enif_make_badarg(env);
    list = enif_make_list_cell(env,
                               enif_make_tuple2(env, text_term(env, (const char*)bin.data + pair.name.off, pair.name.len),
                                                text_term(env, (const char*)bin.data + pair.value.off, pair.value.len)),
                               list);
  }
  return list;
}

/* json_read(Text, Ordered): {ok, Value, Special} | {error, Code, Message} */
ERL_NIF_TERM nif_json_read(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  ErlNifBinary bin;
  const spk_record* record = NULL;
  ERL_NIF_TERM list, head, tail;
  bool special = false;
  int ordered = 0;
  if (!enif_inspect_iolist_as_binary(env, argv[0], &bin) || !enif_get_int(env, argv[1], &ordered)) return enif_make_badarg(env);
  const int rc = spk_json_read(bin.size == 0 ? "" : (const char*)bin.data, bin.size, &record);
  if (rc < 0) return failed(env, rc);
  const bool ok = decode(env, (const unsigned char*)record, record->size, 0, record->nodes.off, 1, ordered, &list, &special);
  spk_record_free(record);
  if (!ok || !enif_get_list_cell(env, list, &head, &tail)) return enif_make_badarg(env);
  enif_consume_timeslice(env, (int)(1 + bin.size / 8192 < 100 ? 1 + bin.size / 8192 : 100));
  return enif_make_tuple3(env, atoms.ok, head, special ? atoms.true_ : atoms.false_);
}

/* json_write(Term): Text | {error, prepare | bad | memory} */
ERL_NIF_TERM nif_json_write(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  struct buffer out = {0};
  ERL_NIF_TERM term;
  const enum encoded state = encode(env, argv[0], &out);
  if (state != encoded_ok) {
    buffer_free(&out);
    return refused(env, state);
  }
  const size_t n = spk_json_write(out.data, out.used, NULL, 0);
  char* text = n == 0 ? NULL : enif_alloc(n + 1);
  if (text == NULL || spk_json_write(out.data, out.used, text, n + 1) != n) {
    term = refused(env, encoded_bad);
  } else {
    term = text_term(env, text, n);
  }
  if (text != NULL) enif_free(text);
  buffer_free(&out);
  return term;
}
