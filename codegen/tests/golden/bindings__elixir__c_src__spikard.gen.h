/* spikard.h - generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
 *
 * A sample.
 *
 * Second paragraph.
 */
#ifndef SPIKARD_SPIKARD_H
#define SPIKARD_SPIKARD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define SPK_EXPORT __attribute__((visibility("default")))
#else
#define SPK_EXPORT
#endif

#ifdef __cplusplus
#define SPK_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define SPK_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* Checked by spk_app_open. Structs only grow at their end, and then this number changes. */
#define SPK_ABI 3u
#define SPK_VERSION "1.2.3"
#define SPK_VERSION_MAJOR 1
#define SPK_VERSION_MINOR 2
#define SPK_VERSION_PATCH 3

/* The application, one a process or more: manifest, services, pools, service threads, drain. */
typedef struct spk_app spk_app;
/* One poller thread of an application. */
typedef struct spk_port spk_port;
/* slot | generation << 32. A stale id is ignored, never unsafe. */
typedef uint64_t spk_id;

/* ---- constants ---- */

/* Flags. */
enum {
  SPK_F_NEW = 1  /* Not used. */
};

/* Methods. */
enum {
  SPK_METHOD_GET = 1
};

/* Phases. */
enum {
  SPK_HOOK_FIRST = 0
};

/* Reasons. */
enum {
  SPK_CANCEL_BORED = 1
};

/* Bodies. */
enum {
  SPK_BODY_RAW = 0
};

/* Errors. */
enum {
  SPK_E_OK = 0,
  SPK_E_CONFIG = 2
};

/* Large. */
#define SPK_BIG (1 << 30)

/* Error kinds: `status` of SPK_EV_DONE. */
enum {
  SPK_KIND_NOT_FOUND = 1,  /* Not there. */
  SPK_KIND_TIMEOUT = 7  /* Too long, by far. */
};

/* ---- layouts ---- */

/* A view. */
typedef struct spk_view {
  uint32_t off;  /* Offset. */
  uint32_t len;  /* Length. */
} spk_view;
SPK_STATIC_ASSERT(sizeof(spk_view) == 8, "layout of spk_view");
SPK_STATIC_ASSERT(offsetof(spk_view, off) == 0, "layout of spk_view");
SPK_STATIC_ASSERT(offsetof(spk_view, len) == 4, "layout of spk_view");

/* A thing. */
typedef struct spk_thing {
  spk_id id;  /* Its id. */
  spk_view name;  /* Its name. */
  const void *ptr;  /* Memory. */
} spk_thing;
SPK_STATIC_ASSERT(sizeof(spk_thing) == 24, "layout of spk_thing");
SPK_STATIC_ASSERT(offsetof(spk_thing, id) == 0, "layout of spk_thing");
SPK_STATIC_ASSERT(offsetof(spk_thing, name) == 8, "layout of spk_thing");
SPK_STATIC_ASSERT(offsetof(spk_thing, ptr) == 16, "layout of spk_thing");

/* ---- events: core to host ---- */

enum {
  /* Somebody wants one, now. Owed: SOLD. rec: spk_thing. */
  SPK_EV_ASKED = 3
};

/* ---- commands: host to core ---- */

enum {
  /* It is gone. Final. */
  SPK_CMD_SOLD = 2
};

/* ---- operations: `arg` of SPK_CMD_CALL; arguments and errors in docs/reference/operations.md ---- */

enum {
  SPK_OP_SHOP_BUY = 40,
  SPK_OP_SHOP_READ = 41,
  SPK_OP_SHOP_WRITE = 42
};

/* ---- functions ---- */

/* Sells one thing. A long text that has to be wrapped because it goes on and on, further than a line of a header file of this project may be, and
 *   then some.
 * Thread: any
 * thing: Borrowed. NULL: SPK_E_CONFIG.
 * n: How many.
 * Errors: -SPK_E_CONFIG
 * Lifecycle: stable */
SPK_EXPORT int spk_sell(const spk_thing *thing, uint32_t n);

/* Nothing.
 * Thread: any
 * Lifecycle: deprecated */
SPK_EXPORT void spk_hello(void);

#ifdef __cplusplus
}
#endif

#endif
