/* nodes.h - reading and building the trees of spk_node that the port speaks. C11, header only, no memory but a builder's own.
 *
 * Reading never copies and never fails: what is not there is a spk_value with `node` NULL, and every function takes one.
 *
 *     spk_value body = spk_value_of(request, request->json);
 *     int64_t quantity = spk_int(spk_member(body, "quantity"), 1);
 *     spk_text name = spk_str(spk_member(body, "name"));
 *
 * Building: puts in the order of the document; keys before values inside an object. spk_built gives the bytes of a command's
 * body, which belong to the builder until it is cleared. A failure (no memory, unbalanced) is told once, by spk_built with len 0.
 *
 *     spk_builder b = {0};
 *     spk_put_object(&b);
 *     spk_put_key(&b, "id"), spk_put_int(&b, 7);
 *     spk_put_end(&b);
 *     spk_bytes body = spk_built(&b);
 *     ...
 *     spk_builder_free(&b);
 */
#ifndef SPIKARD_NODES_H
#define SPIKARD_NODES_H

#include <stdlib.h>
#include <string.h>

#include "spikard/spikard.h"

/* ---- reading ---- */

/* UTF-8 or bytes inside a record; not terminated. */
typedef struct spk_text {
  const char* ptr; /* NULL: none */
  size_t len;
} spk_text;

/* A node and the memory that its texts are relative to. */
typedef struct spk_value {
  const spk_node* node; /* NULL: there is none */
  const char* base;
} spk_value;

/* The first of the nodes of a record (`record->nodes`, `request->json`, ...). */
static inline spk_value spk_value_of(const void* record, spk_view nodes) {
  spk_value v = {NULL, (const char*)record};
  if (record != NULL && nodes.len > 0) v.node = (const spk_node*)((const char*)record + nodes.off);
  return v;
}
static inline uint32_t spk_type(spk_value v) { return v.node == NULL ? SPK_NULL : v.node->type; }
static inline int spk_exists(spk_value v) { return v.node != NULL; }
static inline int spk_is_container(spk_value v) { return spk_type(v) == SPK_ARR || spk_type(v) == SPK_OBJ; }
/* Elements or members. */
static inline uint32_t spk_count(spk_value v) { return spk_is_container(v) ? v.node->len : 0; }
/* Nodes of the value, itself included. */
static inline uint64_t spk_extent(spk_value v) { return v.node == NULL ? 0 : spk_is_container(v) ? 1 + v.node->u.off : 1; }

/* Elements of an array, members of an object, in order: `spk_each it = spk_each_of(v); while (spk_next(&it)) ...`. */
typedef struct spk_each {
  spk_value value;
  spk_text key; /* of a member */
  uint32_t left;
  int object;
  const spk_node* next;
} spk_each;
static inline spk_text spk_text_of(const spk_node* node, const char* base) {
  spk_text t = {base + node->u.off, node->len};
  return t;
}
static inline spk_each spk_each_of(spk_value v) {
  spk_each it;
  memset(&it, 0, sizeof it);
  it.value.base = v.base;
  it.left = spk_count(v);
  it.object = spk_type(v) == SPK_OBJ;
  it.next = v.node == NULL ? NULL : v.node + 1;
  return it;
}
static inline int spk_next(spk_each* it) {
  if (it->left == 0) return 0;
  --it->left;
  if (it->object) it->key = spk_text_of(it->next++, it->value.base);
  it->value.node = it->next;
  it->next += spk_extent(it->value);
  return 1;
}
static inline spk_value spk_item(spk_value array, uint32_t index) {
  spk_each it = spk_each_of(array);
  while (spk_next(&it)) {
    if (index-- == 0) return it.value;
  }
  it.value.node = NULL;
  return it.value;
}
static inline int spk_text_is(spk_text t, const char* text) {
  return t.ptr != NULL && strlen(text) == t.len && memcmp(t.ptr, text, t.len) == 0;
}
static inline spk_value spk_member_n(spk_value object, const char* name, size_t n) {
  spk_each it = spk_each_of(object);
  while (it.object && spk_next(&it)) {
    if (it.key.len == n && memcmp(it.key.ptr, name, n) == 0) return it.value;
  }
  it.value.node = NULL;
  return it.value;
}
static inline spk_value spk_member(spk_value object, const char* name) { return spk_member_n(object, name, strlen(name)); }
/* Of text, bytes and SPK_NUMTEXT. */
static inline spk_text spk_str(spk_value v) {
  spk_text none = {NULL, 0};
  const uint32_t type = spk_type(v);
  return type == SPK_STR || type == SPK_BYTES || type == SPK_NUMTEXT ? spk_text_of(v.node, v.base) : none;
}
/* `otherwise` for what is no integer, or none of its type. */
static inline int64_t spk_int(spk_value v, int64_t otherwise) {
  return spk_type(v) == SPK_INT || spk_type(v) == SPK_BOOL ? v.node->u.i : otherwise;
}
static inline uint64_t spk_uint(spk_value v, uint64_t otherwise) {
  if (spk_type(v) == SPK_UINT) return v.node->u.off;
  return spk_type(v) == SPK_INT && v.node->u.i >= 0 ? (uint64_t)v.node->u.i : otherwise;
}
static inline double spk_f64(spk_value v, double otherwise) {
  switch (spk_type(v)) {
    case SPK_F64: return v.node->u.f;
    case SPK_INT: return (double)v.node->u.i;
    case SPK_UINT: return (double)v.node->u.off;
    default: return otherwise;
  }
}
static inline int spk_bool(spk_value v, int otherwise) { return spk_type(v) == SPK_BOOL ? v.node->u.i != 0 : otherwise; }
/* A copy with a NUL behind it, for the caller to free; NULL for what is no text, or without memory. */
static inline char* spk_copy_str(spk_text t) {
  char* out = t.ptr == NULL ? NULL : (char*)malloc(t.len + 1);
  if (out == NULL) return NULL;
  memcpy(out, t.ptr, t.len);
  out[t.len] = '\0';
  return out;
}

/* ---- building ---- */

enum { SPK_BUILDER_DEPTH = 64 };

typedef struct spk_builder {
  spk_node* nodes; /* then, once built, the texts */
  size_t count, room;
  char* texts;
  size_t used, space;
  size_t open[SPK_BUILDER_DEPTH]; /* containers that have not ended */
  int depth;
  int failed;
} spk_builder;

static inline void spk_builder_free(spk_builder* b) {
  free(b->nodes);
  free(b->texts);
  memset(b, 0, sizeof *b);
}
/* Empty again; keeps its memory. */
static inline void spk_builder_clear(spk_builder* b) {
  b->count = b->used = 0;
  b->depth = b->failed = 0;
}
static inline spk_node* spk_put_node(spk_builder* b, uint32_t type) {
  static const size_t first = 32;
  spk_node* node;
  if (b->failed) return NULL;
  if (b->count == b->room) {
    const size_t room = b->room == 0 ? first : 2 * b->room;
    spk_node* more = (spk_node*)realloc(b->nodes, room * sizeof *more);
    if (more == NULL) {
      b->failed = 1;
      return NULL;
    }
    b->nodes = more;
    b->room = room;
  }
  if (b->depth > 0 && type != UINT32_MAX) ++b->nodes[b->open[b->depth - 1]].len;
  node = &b->nodes[b->count++];
  memset(node, 0, sizeof *node);
  node->type = type;
  return node;
}
static inline void spk_put_chars(spk_builder* b, spk_node* node, const void* text, size_t n) {
  if (node == NULL) return;
  if (n > UINT32_MAX || b->used + n < n) {
    b->failed = 1;
    return;
  }
  if (b->space - b->used < n) {
    const size_t space = 2 * b->space + n + 64;
    char* more = (char*)realloc(b->texts, space);
    if (more == NULL) {
      b->failed = 1;
      return;
    }
    b->texts = more;
    b->space = space;
  }
  if (n > 0) memcpy(b->texts + b->used, text, n);
  node->len = (uint32_t)n;
  node->u.off = b->used;
  b->used += n;
}
static inline void spk_put_null(spk_builder* b) { (void)spk_put_node(b, SPK_NULL); }
static inline void spk_put_int(spk_builder* b, int64_t value) {
  spk_node* node = spk_put_node(b, SPK_INT);
  if (node != NULL) node->u.i = value;
}
static inline void spk_put_uint(spk_builder* b, uint64_t value) {
  spk_node* node = spk_put_node(b, value > INT64_MAX ? SPK_UINT : SPK_INT);
  if (node != NULL) node->u.off = value;
}
static inline void spk_put_bool(spk_builder* b, int value) {
  spk_node* node = spk_put_node(b, SPK_BOOL);
  if (node != NULL) node->u.i = value != 0;
}
/* Infinities and NaN become null, as in JSON. */
static inline void spk_put_f64(spk_builder* b, double value) {
  spk_node* node = spk_put_node(b, value - value == 0 ? SPK_F64 : SPK_NULL);
  if (node != NULL && node->type == SPK_F64) node->u.f = value;
}
static inline void spk_put_text_n(spk_builder* b, const char* text, size_t n) {
  spk_put_chars(b, spk_put_node(b, SPK_STR), text, n);
}
static inline void spk_put_text(spk_builder* b, const char* text) { spk_put_text_n(b, text, strlen(text)); }
static inline void spk_put_bytes(spk_builder* b, const void* bytes, size_t n) {
  spk_put_chars(b, spk_put_node(b, SPK_BYTES), bytes, n);
}
/* A key counts for nothing: its value does. */
static inline void spk_put_key_n(spk_builder* b, const char* key, size_t n) {
  spk_node* node = spk_put_node(b, UINT32_MAX);
  if (node == NULL) return;
  node->type = SPK_STR;
  spk_put_chars(b, node, key, n);
}
static inline void spk_put_key(spk_builder* b, const char* key) { spk_put_key_n(b, key, strlen(key)); }
static inline void spk_put_open(spk_builder* b, uint32_t type) {
  spk_node* node = spk_put_node(b, type);
  if (node == NULL) return;
  if (b->depth == SPK_BUILDER_DEPTH) b->failed = 1;
  else b->open[b->depth++] = b->count - 1;
}
static inline void spk_put_object(spk_builder* b) { spk_put_open(b, SPK_OBJ); }
static inline void spk_put_array(spk_builder* b) { spk_put_open(b, SPK_ARR); }
/* Ends the object or array begun last. */
static inline void spk_put_end(spk_builder* b) {
  if (b->failed) return;
  if (b->depth == 0) {
    b->failed = 1;
    return;
  }
  --b->depth;
  b->nodes[b->open[b->depth]].u.off = b->count - b->open[b->depth] - 1;
}
/* A copy of a value from anywhere; null for none. */
static inline void spk_put(spk_builder* b, spk_value v) {
  const uint64_t extent = spk_extent(v);
  uint64_t i;
  if (extent == 0) {
    spk_put_null(b);
    return;
  }
  for (i = 0; i < extent; ++i) {
    const spk_node* from = v.node + i;
    /* Only the first is one of what is open here. */
    spk_node* to = spk_put_node(b, i == 0 ? from->type : UINT32_MAX);
    if (to == NULL) return;
    to->type = from->type;
    if (from->type == SPK_STR || from->type == SPK_BYTES || from->type == SPK_NUMTEXT) {
      spk_put_chars(b, to, v.base + from->u.off, from->len);
    } else {
      to->len = from->len;
      to->u = from->u;
    }
  }
}
/* As the body of a command. Once: what is put afterwards needs spk_builder_clear first. */
static inline spk_bytes spk_built(spk_builder* b) {
  spk_bytes out = {NULL, 0};
  const size_t at = b->count * sizeof(spk_node);
  spk_node* all;
  size_t i;
  if (b->failed || b->depth != 0 || b->count == 0) return out;
  all = (spk_node*)realloc(b->nodes, at + b->used + sizeof(spk_node));
  if (all == NULL) {
    b->failed = 1;
    return out;
  }
  b->nodes = all;
  b->room = (at + b->used) / sizeof(spk_node) + 1;
  for (i = 0; i < b->count; ++i) {
    if (all[i].type == SPK_STR || all[i].type == SPK_BYTES || all[i].type == SPK_NUMTEXT) all[i].u.off += at;
  }
  if (b->used > 0) memcpy((char*)all + at, b->texts, b->used);
  out.ptr = all;
  out.len = at + b->used;
  b->failed = 1; /* the offsets have moved */
  return out;
}

#endif
