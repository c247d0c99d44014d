/* The C interface of libspikard_opendal.so (rust/): Apache OpenDAL's services as asynchronous calls. It is loaded at run time (library.hpp), so only types are linked.
 *
 * Texts are borrowed, UTF-8, not terminated; `data` null: nothing. A call's arguments are copied before it returns. Its callback comes exactly once, on one of the
 * library's two threads, also after `cancel`; the answer and all it points to are borrowed until the callback returns, but for `handle`, which is then the caller's.
 * What gives no spk_opendal_call is not cancellable: what the server did of it must be known. A callback must not throw nor block. Thread-safe but for one reader or writer. */
#ifndef SPIKARD_STORAGE_OPENDAL_H
#define SPIKARD_STORAGE_OPENDAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char* data;
  size_t size;
} spk_opendal_text;

typedef struct {
  spk_opendal_text name;
  spk_opendal_text value;
} spk_opendal_pair;

enum {
  SPK_OPENDAL_OK = 0,
  SPK_OPENDAL_UNEXPECTED = 1,
  SPK_OPENDAL_UNSUPPORTED = 2,
  SPK_OPENDAL_CONFIG_INVALID = 3,
  SPK_OPENDAL_NOT_FOUND = 4,
  SPK_OPENDAL_PERMISSION_DENIED = 5,
  SPK_OPENDAL_ALREADY_EXISTS = 6,
  SPK_OPENDAL_RATE_LIMITED = 7,
  SPK_OPENDAL_CONDITION_FAILED = 8,
  SPK_OPENDAL_RANGE = 9,
  SPK_OPENDAL_CONFLICT = 10,
  SPK_OPENDAL_OUTCOME_UNKNOWN = 11,
  SPK_OPENDAL_CORRUPT = 12,
  SPK_OPENDAL_TOO_LARGE = 13,
  SPK_OPENDAL_CANCELLED = 14,
  SPK_OPENDAL_REFUSED = 15, /* the server finds something wrong with the request */
  SPK_OPENDAL_NO_STORE = 16, /* no such bucket, container */
  SPK_OPENDAL_NO_UPLOAD = 17,
  SPK_OPENDAL_INVALID_PART = 18 /* of an upload: missing, of another size or etag */
};

#define SPK_OPENDAL_NO_TIME INT64_MIN

typedef struct {
  uint64_t size;
  int64_t modified_ns; /* since the epoch */
  spk_opendal_text etag;
  spk_opendal_text content_type;
  spk_opendal_text cache_control;
  spk_opendal_text content_disposition;
  const spk_opendal_pair* metadata;
  size_t metadata_count;
} spk_opendal_info;

typedef struct {
  spk_opendal_text key;
  spk_opendal_text etag;
  uint64_t size;
  int64_t modified_ns;
} spk_opendal_entry;

typedef struct {
  size_t at; /* which of the keys */
  int32_t code;
  int32_t temporary;
  spk_opendal_text message;
} spk_opendal_failure;

typedef struct {
  int32_t code;
  int32_t temporary;        /* the same call may succeed later */
  spk_opendal_text message; /* of an error; without URLs, headers and answers of the server */
  const spk_opendal_info* info;
  uint64_t offset; /* what is read of the object; also `size` of what is too large */
  uint64_t size;
  const spk_opendal_text* data; /* bytes, in pieces; the URL of presign; of begin_upload the id and the URLs, a line each */
  size_t data_count;
  const spk_opendal_entry* entries;
  size_t entry_count;
  const spk_opendal_text* prefixes;
  size_t prefix_count;
  spk_opendal_text cursor;
  const spk_opendal_failure* failures;
  size_t failure_count;
  void* handle; /* spk_opendal_reader of read, spk_opendal_writer of write */
} spk_opendal_answer;

typedef struct {
  uint64_t offset;
  uint64_t length;
  uint64_t suffix;
  uint32_t has; /* bits: 1 offset, 2 length, 4 suffix */
  spk_opendal_text if_match;
  spk_opendal_text if_none_match;
} spk_opendal_read_args;

typedef struct {
  spk_opendal_text content_type;
  spk_opendal_text cache_control;
  spk_opendal_text content_disposition;
  const spk_opendal_pair* metadata;
  size_t metadata_count;
  spk_opendal_text if_match;
  int32_t if_absent;
} spk_opendal_write_args;

typedef struct {
  spk_opendal_text prefix;
  spk_opendal_text delimiter;
  spk_opendal_text start_after;
  spk_opendal_text cursor;
  size_t limit;
} spk_opendal_list_args;

typedef struct {
  spk_opendal_text id; /* begin_upload: 10 characters of chance, for stores that give no id; else what it gave */
  uint64_t size;
  uint64_t part_bytes;     /* of each part but the last */
  spk_opendal_text origin; /* begin_upload: of the pages that upload, or null */
  uint32_t expires_s;      /* begin_upload */
} spk_opendal_upload_args;

typedef struct spk_opendal_store spk_opendal_store;
typedef struct spk_opendal_reader spk_opendal_reader;
typedef struct spk_opendal_writer spk_opendal_writer;
typedef struct spk_opendal_call spk_opendal_call;
typedef void (*spk_opendal_done)(void* user, const spk_opendal_answer* answer);
typedef void (*spk_opendal_release_data)(void* owner);

/* Makes no request. Null: `refused` was called before it returned. `capabilities`, bits: 1 metadata, 2 conditional writes, 4 presign, 8 uploads. */
spk_opendal_store* spk_opendal_open(spk_opendal_text scheme, const spk_opendal_pair* options, size_t count, uint32_t* capabilities, void* user,
                                    spk_opendal_done refused);
/* Calls in progress keep what they need. Waits at most `wait_ms` for the aborts of writers that were freed. */
void spk_opendal_close(spk_opendal_store* store, uint32_t wait_ms);

/* Either ends the handle: `cancel` also gives the call up (its callback still comes, with CANCELLED unless it was done). */
void spk_opendal_cancel(spk_opendal_call* call);
void spk_opendal_release(spk_opendal_call* call);

spk_opendal_call* spk_opendal_stat(const spk_opendal_store* store, spk_opendal_text key, void* user, spk_opendal_done done);
spk_opendal_call* spk_opendal_get(const spk_opendal_store* store, spk_opendal_text key, const spk_opendal_read_args* args, uint64_t max_bytes, void* user,
                                  spk_opendal_done done);
spk_opendal_call* spk_opendal_read(const spk_opendal_store* store, spk_opendal_text key, const spk_opendal_read_args* args, void* user, spk_opendal_done done);
spk_opendal_call* spk_opendal_next(const spk_opendal_reader* reader, void* user, spk_opendal_done done);
void spk_opendal_reader_free(spk_opendal_reader* reader);

/* `data` is not copied: `release(owner)` comes when it is no longer needed, on any thread, perhaps after the callback. */
void spk_opendal_put(const spk_opendal_store* store, spk_opendal_text key, spk_opendal_text data, void* owner, spk_opendal_release_data release,
                     const spk_opendal_write_args* args, void* user, spk_opendal_done done);
void spk_opendal_write(const spk_opendal_store* store, spk_opendal_text key, const spk_opendal_write_args* args, void* user, spk_opendal_done done);
void spk_opendal_push(const spk_opendal_writer* writer, spk_opendal_text data, void* owner, spk_opendal_release_data release, void* user,
                      spk_opendal_done done);
void spk_opendal_finish(const spk_opendal_writer* writer, void* user, spk_opendal_done done);
/* Unless it was finished, aborts in the background, after what is in progress. */
void spk_opendal_writer_free(spk_opendal_writer* writer);

void spk_opendal_remove(const spk_opendal_store* store, const spk_opendal_text* keys, size_t count, void* user, spk_opendal_done done);
/* Of services other than s3, gcs and azblob: all below the prefix's folder, in no order. */
spk_opendal_call* spk_opendal_list(const spk_opendal_store* store, const spk_opendal_list_args* args, void* user, spk_opendal_done done);
void spk_opendal_copy(const spk_opendal_store* store, spk_opendal_text source, spk_opendal_text target, const spk_opendal_write_args* conditions,
                      int32_t rename, void* user, spk_opendal_done done);
spk_opendal_call* spk_opendal_presign(const spk_opendal_store* store, spk_opendal_text method, spk_opendal_text key, uint32_t expires_s, void* user,
                                      spk_opendal_done done);

/* Uploads in parts by others. One URL where all parts have the same. */
void spk_opendal_begin_upload(const spk_opendal_store* store, spk_opendal_text key, const spk_opendal_upload_args* upload,
                              const spk_opendal_write_args* args, void* user, spk_opendal_done done);
/* `etags` of the parts, as far as they are known: none, or one a part, which may be empty. */
void spk_opendal_complete_upload(const spk_opendal_store* store, spk_opendal_text key, const spk_opendal_upload_args* upload,
                                 const spk_opendal_write_args* args, const spk_opendal_text* etags, size_t count, void* user, spk_opendal_done done);
void spk_opendal_abort_upload(const spk_opendal_store* store, spk_opendal_text key, spk_opendal_text id, void* user, spk_opendal_done done);

#ifdef __cplusplus
}
#endif

#endif
