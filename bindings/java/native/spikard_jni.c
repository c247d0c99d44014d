/* The JNI side of the Java binding: one crossing a batch and nothing of its own. Memory that Java reads is a direct buffer of
 * Java's, or the port's region. */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <spikard/spikard.h>

#define EXPORT(type, name) JNIEXPORT type JNICALL Java_dev_spikard_internal_Native_##name

/* What `rec` of an event becomes: 0, an address, an offset in the region, or an offset in the scratch memory behind the events.
 */
#define IN_REGION (UINT64_C(1) << 62)
#define IN_SCRATCH (UINT64_C(1) << 63)

static spk_app* app_of(jlong handle) { return (spk_app*)(uintptr_t)handle; }
static spk_port* port_of(jlong handle) { return (spk_port*)(uintptr_t)handle; }

EXPORT(jint, abi)(JNIEnv* env, jclass self) {
  (void)env, (void)self;
  return (jint)spk_abi();
}

EXPORT(jlong, address)(JNIEnv* env, jclass self, jobject buffer) {
  (void)self;
  return (jlong)(uintptr_t)(*env)->GetDirectBufferAddress(env, buffer);
}

EXPORT(jobject, view)(JNIEnv* env, jclass self, jlong address, jlong size) {
  (void)self;
  return (*env)->NewDirectByteBuffer(env, (void*)(uintptr_t)address, size);
}

static jbyteArray bytes_of(JNIEnv* env, const void* data, size_t length) {
  jbyteArray out;
  if (length > INT32_MAX) return NULL;
  out = (*env)->NewByteArray(env, (jsize)length);
  if (out != NULL) (*env)->SetByteArrayRegion(env, out, 0, (jsize)length, data);
  return out;
}

EXPORT(jbyteArray, error)(JNIEnv* env, jclass self) {
  char text[4096];
  size_t length = spk_error(text, sizeof text);
  (void)self;
  return bytes_of(env, text, length < sizeof text ? length : sizeof text - 1);
}

EXPORT(jlong, appOpen)(JNIEnv* env, jclass self, jbyteArray manifest, jboolean configured) {
  jsize length = (*env)->GetArrayLength(env, manifest);
  jbyte* text = (*env)->GetByteArrayElements(env, manifest, NULL);
  spk_app* app = NULL;
  int rc;
  (void)self;
  if (text == NULL) return -SPK_E_MEMORY;
  rc = configured ? spk_app_open_configured(SPK_ABI, (const char*)text, (size_t)length, &app)
                  : spk_app_open(SPK_ABI, (const char*)text, (size_t)length, &app);
  (*env)->ReleaseByteArrayElements(env, manifest, text, JNI_ABORT);
  return rc < 0 ? rc : (jlong)(uintptr_t)app;
}

EXPORT(jint, appStart)(JNIEnv* env, jclass self, jlong app) {
  (void)env, (void)self;
  return spk_app_start(app_of(app));
}

EXPORT(jint, drain)(JNIEnv* env, jclass self, jlong app, jlong deadline_ms) {
  (void)env, (void)self;
  return spk_drain(app_of(app), deadline_ms < 0 ? SPK_DRAIN_DEFAULT : (uint32_t)deadline_ms);
}

EXPORT(void, appClose)(JNIEnv* env, jclass self, jlong app) {
  (void)env, (void)self;
  spk_app_close(app_of(app));
}

static jbyteArray text_by(JNIEnv* env, jlong app, size_t (*get)(spk_app*, char*, size_t)) {
  size_t cap = get(app_of(app), NULL, 0) + 1;
  for (;;) {
    char* text = malloc(cap);
    size_t length;
    jbyteArray out;
    if (text == NULL) return NULL;
    length = get(app_of(app), text, cap);
    if (length >= cap) { /* it has grown meanwhile */
      cap = length + 1;
      free(text);
      continue;
    }
    out = bytes_of(env, text, length);
    free(text);
    return out;
  }
}

EXPORT(jbyteArray, info)(JNIEnv* env, jclass self, jlong app) {
  (void)self;
  return text_by(env, app, spk_info);
}

EXPORT(jbyteArray, report)(JNIEnv* env, jclass self, jlong app) {
  (void)self;
  return text_by(env, app, spk_report);
}

EXPORT(jlong, portOpen)(JNIEnv* env, jclass self, jlong app) {
  spk_port* port = NULL;
  int rc = spk_port_open(app_of(app), &port);
  (void)env, (void)self;
  return rc < 0 ? rc : (jlong)(uintptr_t)port;
}

EXPORT(void, portClose)(JNIEnv* env, jclass self, jlong port) {
  (void)env, (void)self;
  spk_port_close(port_of(port));
}

/* out: address and size. */
EXPORT(jint, region)(JNIEnv* env, jclass self, jlong port, jlongArray out) {
  const void* base = NULL;
  uint64_t size = 0;
  jlong values[2];
  int rc = spk_region(port_of(port), &base, &size);
  (void)self;
  values[0] = (jlong)(uintptr_t)base;
  values[1] = (jlong)size;
  (*env)->SetLongArrayRegion(env, out, 0, 2, values);
  return rc;
}

EXPORT(jint, wake)(JNIEnv* env, jclass self, jlong port) {
  (void)env, (void)self;
  return spk_wake(port_of(port));
}

EXPORT(jint, submit)(JNIEnv* env, jclass self, jlong port, jlong commands, jint count) {
  (void)env, (void)self;
  return spk_submit(port_of(port), (const spk_cmd*)(uintptr_t)commands, (uint32_t)count);
}

/* Where Java finds a record. What is small is copied behind the events, so that Java needs no buffer object for it. */
static uint64_t place(const void* record, uint64_t region, uint64_t region_size, char* scratch, uint32_t cap, uint32_t* used) {
  uint64_t at = (uint64_t)(uintptr_t)record;
  uint32_t size;
  if (record == NULL) return 0;
  if (at - region < region_size) return IN_REGION | (at - region);
  memcpy(&size, record, sizeof size);
  if (size > cap - *used) return at;
  memcpy(scratch + *used, record, size);
  at = IN_SCRATCH | *used;
  size = (size + 7) & ~UINT32_C(7);
  *used = size > cap - *used ? cap : *used + size;
  return at;
}

EXPORT(jint, step)(JNIEnv* env, jclass self, jlong port, jlong commands, jint count, jlong events, jint max, jint timeout_ms,
                   jlong scratch, jint cap, jlong region, jlong region_size) {
  spk_event* ev = (spk_event*)(uintptr_t)events;
  uint32_t used = 0;
  int n = spk_step(port_of(port), (const spk_cmd*)(uintptr_t)commands, (uint32_t)count, ev, (uint32_t)max, timeout_ms);
  int i;
  (void)env, (void)self;
  for (i = 0; i < n; ++i) {
    uint64_t at = place(ev[i].rec, (uint64_t)region, (uint64_t)region_size, (char*)(uintptr_t)scratch, (uint32_t)cap, &used);
    if (ev[i].kind == SPK_EV_HOOK && ev[i].user != 0)
      ev[i].user = place((const void*)(uintptr_t)ev[i].user, (uint64_t)region, (uint64_t)region_size, (char*)(uintptr_t)scratch,
                         (uint32_t)cap, &used);
    memcpy(&ev[i].rec, &at, sizeof at);
  }
  return n;
}

/* 1: the record is at `reply`, or in large[0] when it does not fit; 0: DONE follows. It is copied here, for it is the thread's.
 */
EXPORT(jint, call)(JNIEnv* env, jclass self, jlong port, jlong command, jlong reply, jint cap, jobjectArray large) {
  const spk_record* record = NULL;
  int rc = spk_call(port_of(port), (const spk_cmd*)(uintptr_t)command, &record);
  (void)self;
  if (rc != 1 || record == NULL) return rc;
  if (record->size <= (uint32_t)cap) {
    memcpy((void*)(uintptr_t)reply, record, record->size);
  } else {
    jbyteArray copy = bytes_of(env, record, record->size);
    if (copy == NULL) return -SPK_E_MEMORY;
    (*env)->SetObjectArrayElement(env, large, 0, copy);
  }
  return 1;
}

/* A copy of the record; NULL: error() says why. */
EXPORT(jbyteArray, jsonRead)(JNIEnv* env, jclass self, jbyteArray json) {
  jsize length = (*env)->GetArrayLength(env, json);
  jbyte* text = (*env)->GetByteArrayElements(env, json, NULL);
  const spk_record* record = NULL;
  jbyteArray out = NULL;
  int rc;
  (void)self;
  if (text == NULL) return NULL;
  rc = spk_json_read((const char*)text, (size_t)length, &record);
  (*env)->ReleaseByteArrayElements(env, json, text, JNI_ABORT);
  if (rc == 0 && record != NULL) out = bytes_of(env, record, record->size);
  spk_record_free(record);
  return out;
}

/* NULL: the nodes are malformed, or there is no memory. */
EXPORT(jbyteArray, jsonWrite)(JNIEnv* env, jclass self, jbyteArray nodes) {
  jsize length = (*env)->GetArrayLength(env, nodes);
  jbyte* data = (*env)->GetByteArrayElements(env, nodes, NULL);
  size_t cap = (size_t)length + 64;
  jbyteArray out = NULL;
  (void)self;
  while (data != NULL) {
    char* text = malloc(cap);
    size_t needed = text == NULL ? 0 : spk_json_write(data, (size_t)length, text, cap);
    if (needed != 0 && needed < cap) out = bytes_of(env, text, needed);
    free(text);
    if (needed < cap) break;
    cap = needed + 1;
  }
  if (data != NULL) (*env)->ReleaseByteArrayElements(env, nodes, data, JNI_ABORT);
  return out;
}

EXPORT(jint, setenv)(JNIEnv* env, jclass self, jstring name, jstring value) {
  const char* n = (*env)->GetStringUTFChars(env, name, NULL);
  int rc = -1;
  (void)self;
  if (n == NULL) return -1;
  if (value == NULL) {
    rc = unsetenv(n);
  } else {
    const char* v = (*env)->GetStringUTFChars(env, value, NULL);
    if (v != NULL) {
      rc = setenv(n, v, 1);
      (*env)->ReleaseStringUTFChars(env, value, v);
    }
  }
  (*env)->ReleaseStringUTFChars(env, name, n);
  return rc;
}
