// Package raw is the port as Go sees it: handles, one crossing for a batch of commands and events, records in place. It does nothing of its own.
package raw

/*
#cgo LDFLAGS: -lspikard
#cgo noescape sg_app_open
#cgo nocallback sg_app_open
#cgo noescape sg_step
#cgo nocallback sg_step
#cgo noescape sg_call
#cgo nocallback sg_call

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "spikard.gen.h"

enum { sg_max = 64, sg_trace = 64 };

// One port and what a crossing brings. Whoever holds the port's lock in Go may use it, on whatever thread: the core takes the thread of the latest
// poll for the port's own, so a thread that was not the latest polls before it submits (what it submits would be copied and posted otherwise).
typedef struct {
  spk_port *port;
  pthread_t owner;
  int owned, traced;
  uint32_t count;
  spk_event events[sg_max];
  char traces[sg_max][sg_trace]; // traceparent of the handling that the event begins, where telemetry is on
  char error[512];
} sg_port;

static int sg_failed(sg_port *p, int rc) {
  spk_error(p->error, sizeof p->error);
  return rc;
}

static int sg_poll(sg_port *p) {
  if (p->count == sg_max) return 0;
  int n = spk_poll(p->port, p->events + p->count, sg_max - p->count, 0);
  p->owner = pthread_self();
  p->owned = 1;
  if (n < 0) return sg_failed(p, n);
  if (p->traced) {
    for (uint32_t i = p->count; i < p->count + (uint32_t)n; ++i) {
      const spk_event *e = p->events + i;
      p->traces[i][0] = 0;
      if (e->kind != SPK_EV_REQUEST && e->kind != SPK_EV_HOOK && e->kind != SPK_EV_MESSAGE && e->kind != SPK_EV_TASK && e->kind != SPK_EV_CLOUDEVENT) continue;
      static const spk_node none = {SPK_OBJ, 0, {0}};
      spk_cmd cmd = {.op = SPK_CMD_CALL, .arg = SPK_OP_TELEMETRY_CONTEXT, .id = e->id, .body = {&none, sizeof none}};
      const spk_record *r = NULL;
      if (spk_call(p->port, &cmd, &r) != 1 || r->status != 0 || r->nodes.len < 3) continue;
      const spk_node *value = (const spk_node *)((const char *)r + r->nodes.off) + 2; // the first member's
      if (value->type != SPK_STR || value->len >= sg_trace) continue;
      memcpy(p->traces[i], (const char *)r + value->u.off, value->len);
      p->traces[i][value->len] = 0;
    }
  }
  p->count += (uint32_t)n;
  return n;
}

// Commands, then a poll. The number of events; the first refusal of a command is in `refused`.
static int sg_step(sg_port *p, const spk_cmd *commands, uint32_t n, int *refused) {
  *refused = 0;
  p->count = 0;
  if (n > 0) {
    if (!p->owned || !pthread_equal(p->owner, pthread_self())) {
      int rc = sg_poll(p);
      if (rc < 0) return rc;
    }
    int rc = spk_submit(p->port, commands, n);
    if (rc < 0 && rc != -SPK_E_STALE) *refused = sg_failed(p, rc);
  }
  int rc = sg_poll(p);
  return rc < 0 ? rc : (int)p->count;
}

// An operation that may complete at once: 1 with `out`, which is valid until this thread's next call; else DONE follows.
static int sg_call(sg_port *p, const spk_cmd *from, const void *head, uint64_t head_len, const void *body, uint64_t body_len, char **copy, uint32_t *size) {
  spk_cmd cmd = *from;
  cmd.head.ptr = head, cmd.head.len = head_len;
  cmd.body.ptr = body, cmd.body.len = body_len;
  const spk_record *record = NULL;
  int rc = spk_call(p->port, &cmd, &record);
  *copy = NULL;
  if (rc < 0) return sg_failed(p, rc);
  if (rc == 1) {
    // The goroutine may go on elsewhere, and this thread's memory be another's by then.
    *size = record->size;
    *copy = malloc(record->size);
    if (*copy == NULL) return -SPK_E_MEMORY;
    memcpy(*copy, record, record->size);
  }
  return rc;
}

static sg_port *sg_port_new(void) { return calloc(1, sizeof(sg_port)); }

static int sg_port_open(sg_port *p, spk_app *app, int traced) {
  p->traced = traced;
  int rc = spk_port_open(app, &p->port);
  return rc < 0 ? sg_failed(p, rc) : rc;
}

static int sg_app_open(int configured, const char *text, size_t n, spk_app **out, char *error, size_t cap) {
  int rc = configured ? spk_app_open_configured(SPK_ABI, text, n, out) : spk_app_open(SPK_ABI, text, n, out);
  if (rc < 0) spk_error(error, cap);
  return rc;
}

static int sg_app_start(spk_app *app, char *error, size_t cap) {
  int rc = spk_app_start(app);
  if (rc < 0) spk_error(error, cap);
  return rc;
}

static int sg_drain(spk_app *app, uint32_t deadline, char *error, size_t cap) {
  int rc = spk_drain(app, deadline);
  if (rc < 0) spk_error(error, cap);
  return rc;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// MaxEvents of a step.
const MaxEvents = 64

// CodeError is what a function of the port has refused.
type CodeError struct {
	// Code is one of E..., not negated.
	Code int
	Text string
}

func (e *CodeError) Error() string { return e.Text }

func failure(rc C.int, text *C.char, what string) error {
	message := C.GoString(text)
	if message == "" {
		message = fmt.Sprintf("%s: error %d of the port", what, -int(rc))
	}
	return &CodeError{Code: -int(rc), Text: message}
}

// App is a handle of an application. Its methods are for any goroutine; those that come after Close say so.
type App struct {
	mu     sync.RWMutex // the handle is not freed while somebody uses it
	handle *C.spk_app
}

// ErrClosed is what a method of a closed application says.
var ErrClosed = &CodeError{Code: EState, Text: "the application is closed"}

// Open checks a manifest. `configured` lays the configuration of the process over it.
func Open(manifest []byte, configured bool) (*App, error) {
	var text [4096]C.char
	app := &App{}
	var with C.int
	if configured {
		with = 1
	}
	if len(manifest) == 0 {
		return nil, &CodeError{Code: EConfig, Text: "the manifest is empty"}
	}
	if rc := C.sg_app_open(with, (*C.char)(unsafe.Pointer(&manifest[0])), C.size_t(len(manifest)), &app.handle, &text[0], C.size_t(len(text))); rc < 0 {
		return nil, failure(rc, &text[0], "opening the application")
	}
	return app, nil
}

// Start connects services and reserves the addresses.
func (a *App) Start() error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.handle == nil {
		return ErrClosed
	}
	var text [4096]C.char
	if rc := C.sg_app_start(a.handle, &text[0], C.size_t(len(text))); rc < 0 {
		return failure(rc, &text[0], "starting the application")
	}
	return nil
}

func (a *App) text(ask func(*C.char, C.size_t) C.size_t) string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.handle == nil {
		return ""
	}
	for size := C.size_t(4096); ; {
		buffer := make([]byte, size)
		need := ask((*C.char)(unsafe.Pointer(&buffer[0])), size)
		if need < size {
			return string(buffer[:need])
		}
		size = need + 1
	}
}

// Info is JSON: bound addresses, clients, state.
func (a *App) Info() string {
	return a.text(func(p *C.char, n C.size_t) C.size_t { return C.spk_info(a.handle, p, n) })
}

// Report is JSON: what the drain did.
func (a *App) Report() string {
	return a.text(func(p *C.char, n C.size_t) C.size_t { return C.spk_report(a.handle, p, n) })
}

// Drain begins the graceful end; DrainDefault is the manifest's limit.
func (a *App) Drain(deadlineMs uint32) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.handle == nil {
		return ErrClosed
	}
	var text [512]C.char
	if rc := C.sg_drain(a.handle, C.uint32_t(deadlineMs), &text[0], C.size_t(len(text))); rc < 0 {
		return failure(rc, &text[0], "draining")
	}
	return nil
}

// DrainDefault is SPK_DRAIN_DEFAULT.
const DrainDefault = ^uint32(0)

// Close ends the application; its ports are closed already. More than once is once.
func (a *App) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.handle != nil {
		C.spk_app_close(a.handle)
		a.handle = nil
	}
}

// Port is a handle of a port. Step, Call and Close are for one goroutine at a time, on any thread.
type Port struct{ p *C.sg_port }

// OpenPort opens a port. `traced` asks for the traceparent of each handling.
func (a *App) OpenPort(traced bool) (*Port, error) {
	port := C.sg_port_new()
	if port == nil {
		return nil, errors.New("out of memory")
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.handle == nil {
		C.free(unsafe.Pointer(port))
		return nil, ErrClosed
	}
	var with C.int
	if traced {
		with = 1
	}
	if rc := C.sg_port_open(port, a.handle, with); rc < 0 {
		err := failure(rc, &port.error[0], "opening a port")
		C.free(unsafe.Pointer(port))
		return nil, err
	}
	return &Port{port}, nil
}

// FD is readable whenever there may be events.
func (p *Port) FD() int { return int(C.spk_fd(p.p.port)) }

// Step carries out commands and takes events, which are valid until the next step. `refused` is what was wrong with a command; the others were carried out.
func (p *Port) Step(commands []Cmd) (events []Event, refused, err error) {
	var wrong C.int
	n := C.sg_step(p.p, (*C.spk_cmd)(unsafe.Pointer(unsafe.SliceData(commands))), C.uint32_t(len(commands)), &wrong)
	if wrong < 0 {
		refused = failure(wrong, &p.p.error[0], "submitting")
	}
	if n < 0 {
		return nil, refused, failure(n, &p.p.error[0], "polling")
	}
	return unsafe.Slice((*Event)(unsafe.Pointer(&p.p.events[0])), int(n)), refused, nil
}

// Trace is the traceparent of the handling that the i-th event of the latest step begins; empty where there is none.
func (p *Port) Trace(i int) string {
	if p.p.traced == 0 || p.p.traces[i][0] == 0 {
		return ""
	}
	return C.GoString(&p.p.traces[i][0])
}

// Call is an operation. Its record when it completed at once, else nil: EvDone follows.
func (p *Port) Call(cmd Cmd, head string, body []byte) ([]byte, error) {
	var copied *C.char
	var size C.uint32_t
	rc := C.sg_call(p.p, (*C.spk_cmd)(unsafe.Pointer(&cmd)), unsafe.Pointer(unsafe.StringData(head)), C.uint64_t(len(head)), unsafe.Pointer(unsafe.SliceData(body)), C.uint64_t(len(body)), &copied, &size)
	if rc < 0 {
		return nil, failure(rc, &p.p.error[0], "an operation")
	}
	if copied == nil {
		return nil, nil
	}
	record := C.GoBytes(unsafe.Pointer(copied), C.int(size))
	C.free(unsafe.Pointer(copied))
	return record, nil
}

// Close closes the port and frees every record of it.
func (p *Port) Close() {
	if p.p != nil {
		C.spk_port_close(p.p.port)
		C.free(unsafe.Pointer(p.p))
		p.p = nil
	}
}

// Pointer is the record of an event, in the core's memory.
func (e *Event) Pointer() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&e.Rec)) }

// UserPointer is the record that `user` of a hook's event is the address of.
func (e *Event) UserPointer() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&e.User)) }

// Copy is a record in memory of its own, aligned to 8 bytes.
func Copy(record unsafe.Pointer) []byte {
	size := int(*(*uint32)(record))
	words := make([]uint64, (size+7)/8)
	out := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
	copy(out, unsafe.Slice((*byte)(record), size))
	return out
}

// Memory is what commands point to: the core's side of the language border, where no Go pointer is. It grows and is used again.
type Memory struct {
	base unsafe.Pointer
	size int
	used int
}

// Append copies data in, aligned to 8 bytes; the offset of it.
func (m *Memory) Append(data []byte) int {
	at := (m.used + 7) &^ 7
	if need := at + len(data); need > m.size {
		m.size = max(2*m.size, need, 4096)
		m.base = C.realloc(m.base, C.size_t(m.size))
		if m.base == nil {
			panic("spikard: out of memory")
		}
	}
	copy(unsafe.Slice((*byte)(unsafe.Add(m.base, at)), len(data)), data)
	m.used = at + len(data)
	return at
}

// Address of what lies at an offset.
func (m *Memory) Address(at int) uintptr { return uintptr(m.base) + uintptr(at) }

// Reset forgets what is in it, and gives back what is more than `keep` bytes.
func (m *Memory) Reset(keep int) {
	m.used = 0
	if m.size > keep {
		m.Free()
	}
}

// Free gives the memory back.
func (m *Memory) Free() {
	C.free(m.base)
	*m = Memory{}
}
