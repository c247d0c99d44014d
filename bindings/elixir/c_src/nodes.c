/* Terms to nodes and back (16-byte nodes in preorder, then their text). */
#include "spikard_nif.h"

#include <stdlib.h>
#include <string.h>

enum { depth_limit = 512 };

static bool grow(struct buffer* b, size_t more) {
  if (b->used + more <= b->size) return true;
  size_t size = b->size == 0 ? 512 : b->size * 2;
  while (size < b->used + more) size *= 2;
  char* data = realloc(b->data, size);
  if (data == NULL) return false;
  b->data = data;
  b->size = size;
  return true;
}

bool buffer_add(struct buffer* b, const void* data, size_t n) {
  if (!grow(b, n)) return false;
  if (n > 0) memcpy(b->data + b->used, data, n);
  b->used += n;
  return true;
}

void buffer_free(struct buffer* b) {
  free(b->data);
  *b = (struct buffer){0};
}

static bool utf8(const unsigned char* s, size_t n) {
  for (size_t i = 0; i < n;) {
    if (s[i] < 0x80) {
      ++i;
      continue;
    }
    size_t more = s[i] >= 0xF0 ? 3 : s[i] >= 0xE0 ? 2 : 1;
    if (s[i] < 0xC2 || s[i] > 0xF4 || i + more >= n) return false;
    for (size_t k = 1; k <= more; ++k)
      if ((s[i + k] & 0xC0) != 0x80) return false;
    if ((s[i] == 0xE0 && s[i + 1] < 0xA0) || (s[i] == 0xED && s[i + 1] > 0x9F) || (s[i] == 0xF0 && s[i + 1] < 0x90) ||
        (s[i] == 0xF4 && s[i + 1] > 0x8F))
      return false;
    i += more + 1;
  }
  return true;
}

/* ---- terms to nodes */

struct writer {
  ErlNifEnv* env;
  struct buffer nodes;
  struct buffer text;
  enum encoded state;
};

static spk_node* node(struct writer* w, uint32_t type, uint32_t len) {
  spk_node n = {.type = type, .len = len, .u = {.i = 0}};
  if (!buffer_add(&w->nodes, &n, sizeof n)) {
    w->state = encoded_memory;
    return NULL;
  }
  return (spk_node*)(void*)(w->nodes.data + w->nodes.used - sizeof n);
}

static void text(struct writer* w, uint32_t type, const void* data, size_t n) {
  if (n > UINT32_MAX) {
    w->state = encoded_bad;
    return;
  }
  const size_t at = w->text.used;
  spk_node* out = node(w, type, (uint32_t)n);
  if (out == NULL) return;
  out->u.off = at;
  if (!buffer_add(&w->text, data, n)) w->state = encoded_memory;
}

static void atom(struct writer* w, ERL_NIF_TERM term) {
  char name[256 * 4];
  spk_node* out;
  if (enif_is_identical(term, atoms.nil)) {
    node(w, SPK_NULL, 0);
  } else if (enif_is_identical(term, atoms.true_) || enif_is_identical(term, atoms.false_)) {
    out = node(w, SPK_BOOL, 0);
    if (out != NULL) out->u.i = enif_is_identical(term, atoms.true_);
  } else {
    /* Atoms of Elixir are UTF-8; enif_get_atom of this OTP gives Latin-1: anything else is prepared in Elixir. */
    const int n = enif_get_atom(w->env, term, name, sizeof name, ERL_NIF_LATIN1);
    if (n <= 0) {
      w->state = encoded_prepare;
      return;
    }
    for (int i = 0; i < n - 1; ++i)
      if ((unsigned char)name[i] >= 0x80) {
        w->state = encoded_prepare;
        return;
      }
    text(w, SPK_STR, name, (size_t)n - 1);
  }
}

static size_t count_of(const struct writer* w) { return w->nodes.used / sizeof(spk_node); }

static void value(struct writer* w, ERL_NIF_TERM term, int depth);

static void close_group(struct writer* w, size_t first, uint32_t members) {
  if (w->state != encoded_ok) return;
  spk_node* head = (spk_node*)(void*)(w->nodes.data + first * sizeof(spk_node));
  head->len = members;
  head->u.off = count_of(w) - first - 1;
}

static void list(struct writer* w, ERL_NIF_TERM term, int depth) {
  const size_t first = count_of(w);
  uint32_t n = 0;
  ERL_NIF_TERM head, tail = term;
  if (node(w, SPK_ARR, 0) == NULL) return;
  while (w->state == encoded_ok && enif_get_list_cell(w->env, tail, &head, &tail)) {
    value(w, head, depth + 1);
    ++n;
  }
  if (w->state == encoded_ok && !enif_is_empty_list(w->env, tail)) w->state = encoded_bad;
  close_group(w, first, n);
}

static void map(struct writer* w, ERL_NIF_TERM term, int depth) {
  ERL_NIF_TERM key, member;
  ErlNifMapIterator at;
  if (enif_get_map_value(w->env, term, atoms.struct_, &member)) {
    w->state = encoded_prepare;
    return;
  }
  const size_t first = count_of(w);
  uint32_t n = 0;
  if (node(w, SPK_OBJ, 0) == NULL || !enif_map_iterator_create(w->env, term, &at, ERL_NIF_MAP_ITERATOR_FIRST)) return;
  while (w->state == encoded_ok && enif_map_iterator_get_pair(w->env, &at, &key, &member)) {
    ErlNifBinary bin;
    if (enif_inspect_binary(w->env, key, &bin)) {
      text(w, SPK_STR, bin.data, bin.size);
    } else if (enif_is_atom(w->env, key)) {
      char name[256];
      const int length = enif_get_atom(w->env, key, name, sizeof name, ERL_NIF_LATIN1);
      if (length <= 0) w->state = encoded_prepare;
      for (int i = 0; i < length - 1; ++i)
        if ((unsigned char)name[i] >= 0x80) w->state = encoded_prepare;
      if (w->state == encoded_ok) text(w, SPK_STR, name, (size_t)length - 1);
    } else {
      w->state = encoded_prepare;
    }
    if (w->state == encoded_ok) value(w, member, depth + 1);
    ++n;
    enif_map_iterator_next(w->env, &at);
  }
  enif_map_iterator_destroy(w->env, &at);
  close_group(w, first, n);
}

/* {:bytes, Binary} and {:number, Text}; other tuples are prepared in Elixir. */
static void tuple(struct writer* w, ERL_NIF_TERM term) {
  const ERL_NIF_TERM* parts;
  int n = 0;
  ErlNifBinary bin;
  if (enif_get_tuple(w->env, term, &n, &parts) && n == 2 && enif_inspect_binary(w->env, parts[1], &bin)) {
    if (enif_is_identical(parts[0], atoms.bytes)) {
      text(w, SPK_BYTES, bin.data, bin.size);
      return;
    }
    if (enif_is_identical(parts[0], atoms.number)) {
      text(w, SPK_NUMTEXT, bin.data, bin.size);
      return;
    }
  }
  w->state = encoded_prepare;
}

static void value(struct writer* w, ERL_NIF_TERM term, int depth) {
  ErlNifBinary bin;
  ErlNifSInt64 i;
  ErlNifUInt64 u;
  double f;
  spk_node* out;
  if (depth > depth_limit) {
    w->state = encoded_bad;
    return;
  }
  switch (enif_term_type(w->env, term)) {
    case ERL_NIF_TERM_TYPE_ATOM: atom(w, term); return;
    case ERL_NIF_TERM_TYPE_INTEGER:
      if (enif_get_int64(w->env, term, &i)) {
        if ((out = node(w, SPK_INT, 0)) != NULL) out->u.i = i;
      } else if (enif_get_uint64(w->env, term, &u)) {
        if ((out = node(w, SPK_UINT, 0)) != NULL) out->u.off = u;
      } else {
        w->state = encoded_prepare;
      }
      return;
    case ERL_NIF_TERM_TYPE_FLOAT:
      if (enif_get_double(w->env, term, &f) && (out = node(w, SPK_F64, 0)) != NULL) out->u.f = f;
      return;
    case ERL_NIF_TERM_TYPE_BITSTRING:
      if (!enif_inspect_binary(w->env, term, &bin)) {
        w->state = encoded_bad;
        return;
      }
      text(w, utf8(bin.data, bin.size) ? SPK_STR : SPK_BYTES, bin.data, bin.size);
      return;
    case ERL_NIF_TERM_TYPE_LIST: list(w, term, depth); return;
    case ERL_NIF_TERM_TYPE_MAP: map(w, term, depth); return;
    case ERL_NIF_TERM_TYPE_TUPLE: tuple(w, term); return;
    default: w->state = encoded_bad;
  }
}

enum encoded encode(ErlNifEnv* env, ERL_NIF_TERM term, struct buffer* out) {
  struct writer w = {.env = env, .state = encoded_ok};
  value(&w, term, 0);
  if (w.state == encoded_ok) {
    const size_t shift = w.nodes.used;
    spk_node* nodes = (spk_node*)(void*)w.nodes.data;
    for (size_t i = 0; i < count_of(&w); ++i)
      if (nodes[i].type == SPK_STR || nodes[i].type == SPK_BYTES || nodes[i].type == SPK_NUMTEXT) nodes[i].u.off += shift;
    if (!buffer_add(out, w.nodes.data, w.nodes.used) || !buffer_add(out, w.text.data, w.text.used)) w.state = encoded_memory;
  }
  buffer_free(&w.nodes);
  buffer_free(&w.text);
  return w.state;
}

/* ---- nodes to terms */

struct reader {
  ErlNifEnv* env;
  const unsigned char* base;
  size_t size;
  ERL_NIF_TERM whole; /* the binary that `base` is in, or 0: text is copied */
  size_t at;
  bool special;
  bool marked; /* bytes are {bytes, Binary} */
  bool bad;
};

static ERL_NIF_TERM binary_of(struct reader* r, uint64_t off, uint32_t len) {
  ERL_NIF_TERM out;
  if (off > r->size || len > r->size - off) {
    r->bad = true;
    return atoms.nil;
  }
  /* Large parts share the record; small ones would keep all of it alive. */
  if (r->whole != 0 && len > 512) return enif_make_sub_binary(r->env, r->whole, off, len);
  memcpy(enif_make_new_binary(r->env, len, &out), r->base + off, len);
  return out;
}

static ERL_NIF_TERM read_node(struct reader* r, int ordered, int depth) {
  if (r->bad || depth > 2 * depth_limit || r->at > r->size || r->size - r->at < sizeof(spk_node)) {
    r->bad = true;
    return atoms.nil;
  }
  spk_node n;
  memcpy(&n, r->base + r->at, sizeof n);
  r->at += sizeof n;
  switch (n.type) {
    case SPK_NULL: return atoms.nil;
    case SPK_BOOL: return n.u.i != 0 ? atoms.true_ : atoms.false_;
    case SPK_INT: return enif_make_int64(r->env, n.u.i);
    case SPK_UINT: return enif_make_uint64(r->env, n.u.off);
    case SPK_F64: return enif_make_double(r->env, n.u.f);
    case SPK_BYTES:
      if (r->marked) {
        r->special = true;
        return enif_make_tuple2(r->env, atoms.bytes, binary_of(r, n.u.off, n.len));
      }
      return binary_of(r, n.u.off, n.len);
    case SPK_STR: return binary_of(r, n.u.off, n.len);
    case SPK_NUMTEXT: r->special = true; return enif_make_tuple2(r->env, atoms.number, binary_of(r, n.u.off, n.len));
    case SPK_ARR:
    case SPK_OBJ: {
      const size_t each = n.type == SPK_OBJ ? 2 : 1;
      if (n.len > (r->size - r->at) / sizeof(spk_node) / each) break;
      ERL_NIF_TERM *items = enif_alloc((n.len * each + 1) * sizeof *items), out = atoms.nil;
      if (n.type == SPK_ARR) {
        for (uint32_t i = 0; i < n.len; ++i) items[i] = read_node(r, ordered - 1, depth + 1);
        out = enif_make_list_from_array(r->env, items, n.len);
      } else if (ordered > 0) {
        for (uint32_t i = 0; i < n.len; ++i) {
          const ERL_NIF_TERM key = read_node(r, 0, depth + 1);
          items[i] = enif_make_tuple2(r->env, key, read_node(r, ordered - 1, depth + 1));
        }
        out = enif_make_list_from_array(r->env, items, n.len);
      } else {
        for (uint32_t i = 0; i < n.len; ++i) {
          items[i] = read_node(r, 0, depth + 1);
          items[n.len + i] = read_node(r, 0, depth + 1);
        }
        if (!enif_make_map_from_arrays(r->env, items, items + n.len, n.len, &out)) {
          /* A name twice: the last counts. */
          out = enif_make_new_map(r->env);
          for (uint32_t i = 0; i < n.len; ++i) enif_make_map_put(r->env, out, items[i], items[n.len + i], &out);
        }
      }
      enif_free(items);
      return out;
    }
    default: break;
  }
  r->bad = true;
  return atoms.nil;
}

bool decode(ErlNifEnv* env, const unsigned char* base, size_t size, ERL_NIF_TERM whole, size_t at, uint32_t count, int ordered,
            ERL_NIF_TERM* out, bool* special) {
  struct reader r = {.env = env, .base = base, .size = size, .whole = whole, .at = at, .marked = ordered < 0};
  if (ordered < 0) ordered = 0;
  if (count > size / sizeof(spk_node)) return false;
  ERL_NIF_TERM* items = enif_alloc((count + 1) * sizeof *items);
  for (uint32_t i = 0; i < count; ++i) items[i] = read_node(&r, ordered, 0);
  *out = enif_make_list_from_array(env, items, count);
  enif_free(items);
  *special = r.special;
  return !r.bad;
}
