package spikard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"spikard.dev/go/internal/raw"
)

// running is the application that Run or a test serves: what clients use where no handler's context says otherwise.
var running atomic.Pointer[Runtime]

// Runtime is an application that runs: its ports and what they hand out.
type Runtime struct {
	app         *raw.App
	plan        *built
	ports       []*port
	clients     map[string][]string
	traced      bool
	virtual     bool
	problemBase string
	address     []string

	stopped  atomic.Bool
	over     chan struct{}
	stopping chan struct{}
	left     int
	states   sync.Mutex
	problem  error
	report   Report

	values    sync.Map // token -> any
	cleanups  sync.Map // token -> Cleanup
	nextToken atomic.Uint64
	jobs      sync.Map // jobKey -> func(context.Context) error
	failures  sync.Map // failureKey -> failureOf, for OnError
	dynamic   sync.Map // user -> *work
	nextWork  atomic.Uint64

	holding sync.Mutex
	held    []func()
	holds   atomic.Bool
}

// Why the request in a slot of a port has failed. Not each failure has its hooks (the client may be gone): what is left over is overwritten by the next.
type failureKey struct {
	p    *port
	slot uint32
}

type failureOf struct {
	id  uint64
	err error
}

// Report is what the drain did.
type Report struct {
	ExitCode int `json:"exit_code"`
	// Raw is all of it as JSON.
	Raw json.RawMessage `json:"-"`
}

func open(b *built, configured bool, ports int) (*Runtime, error) {
	text, err := json.Marshal(b.manifest)
	if err != nil {
		return nil, &ConfigError{"the manifest: " + err.Error()}
	}
	app, err := raw.Open(text, configured)
	if err != nil {
		return nil, coreError(err)
	}
	r := &Runtime{app: app, plan: b, over: make(chan struct{}), stopping: make(chan struct{})}
	if err := app.Start(); err != nil {
		app.Close()
		return nil, coreError(err)
	}
	var info struct {
		Addresses   []string            `json:"addresses"`
		Clients     map[string][]string `json:"clients"`
		ProblemBase string              `json:"problem_base"`
		Telemetry   bool                `json:"telemetry"`
	}
	if err := json.Unmarshal([]byte(app.Info()), &info); err != nil {
		app.Close()
		return nil, err
	}
	r.clients, r.problemBase, r.traced, r.address = info.Clients, info.ProblemBase, info.Telemetry, info.Addresses
	r.virtual = b.manifest["clock"] == "virtual"
	r.nextToken.Store(1 << 32)
	for token, value := range b.values {
		r.values.Store(token, value)
	}
	r.holds.Store(true)
	for range max(1, ports) {
		p, err := openPort(r)
		if err != nil {
			for _, open := range r.ports {
				open.close()
			}
			app.Close()
			return nil, err
		}
		r.ports = append(r.ports, p)
	}
	r.left = len(r.ports)
	for _, p := range r.ports {
		go p.serve()
	}
	return r, nil
}

// begin starts a handler in a goroutine of its own, once the application's own start is over.
func (r *Runtime) begin(fn func(), kind uint16) {
	if r.holds.Load() && kind != raw.EvDispose {
		r.holding.Lock()
		if r.holds.Load() {
			r.held = append(r.held, fn)
			r.holding.Unlock()
			return
		}
		r.holding.Unlock()
	}
	go fn()
}

func (r *Runtime) release() {
	r.holding.Lock()
	held := r.held
	r.held = nil
	r.holds.Store(false)
	r.holding.Unlock()
	for _, fn := range held {
		go fn()
	}
}

// Context is one in which clients use this application.
func (r *Runtime) Context(parent context.Context) context.Context {
	return &handling{p: r.ports[0], parent: parent}
}

func (r *Runtime) state(p *port, state uint64) {
	r.states.Lock()
	defer r.states.Unlock()
	switch state {
	case raw.Draining, raw.Stopped:
		select {
		case <-r.stopping:
		default:
			close(r.stopping)
		}
	}
	if state == raw.Stopped {
		if r.left--; r.left == 0 {
			close(r.over)
		}
	}
}

func (r *Runtime) fail(err error) {
	r.log().Error("the port failed", slog.Any("error", err))
	r.states.Lock()
	defer r.states.Unlock()
	if r.problem == nil && r.left > 0 {
		r.problem, r.left = err, 0
		close(r.over)
	}
}

// close ends what is left and frees the ports.
func (r *Runtime) close() {
	r.stopped.Store(true)
	for _, p := range r.ports {
		p.file.SetReadDeadline(epoch)
		<-p.done
		p.close()
	}
	r.report.Raw = json.RawMessage(r.app.Report())
	json.Unmarshal(r.report.Raw, &r.report)
	r.app.Close()
	running.CompareAndSwap(r, nil)
}

// serve runs on_start, lets work begin, waits for the end, runs on_stop and closes.
func (r *Runtime) serve(ctx context.Context, started func()) error {
	err := r.start(ctx)
	if err == nil {
		started()
	} else {
		r.app.Drain(0)
		r.app.Drain(0)
	}
	<-r.over
	if err == nil {
		for _, fn := range r.plan.onStop {
			err = errors.Join(err, protect(func() error { return fn(r.Context(ctx)) }))
		}
	}
	r.close()
	return errors.Join(err, r.problem)
}

func (r *Runtime) start(ctx context.Context) error {
	running.CompareAndSwap(nil, r)
	defer r.release()
	for _, fn := range r.plan.onStart {
		if err := protect(func() error { return fn(r.Context(ctx)) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runtime) log() *slog.Logger {
	if r.plan.logger != nil {
		return r.plan.logger
	}
	return slog.Default()
}

// failed tells the application's own logger; the core logs by itself otherwise.
func (r *Runtime) failed(h *handling, err error, described map[string]any) {
	if r.plan.logger != nil {
		r.plan.logger.LogAttrs(h, slog.LevelError, "a handler failed", slog.Any("error", err), slog.Any("type", described["type"]), slog.Any("trace", described["trace"]))
	}
}

// Stopping is closed when the graceful end begins: a stream without an end of its own ends then, or the drain waits for it until its limit.
func Stopping(ctx context.Context) <-chan struct{} {
	p, _, err := where(ctx)
	if err != nil {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	return p.r.stopping
}

func (r *Runtime) value(token uint64) any {
	value, _ := r.values.Load(token)
	return value
}

// number is the place of a client among those of its subsystem.
func (r *Runtime) number(group, name string) (int, error) {
	if group == "cron" {
		group = "tasks"
	}
	if group == "telemetry" {
		return 0, nil
	}
	if group == "cloudevents" {
		if _, there := r.clients[group]; !there {
			group = "events"
		}
	}
	names := r.clients[group]
	at := slices.Index(names, name)
	if at < 0 {
		return 0, &ConfigError{fmt.Sprintf("there is no %s client %q; those of the application: %s", group, name, strings.Join(names, ", "))}
	}
	return at, nil
}

// handle is one event, in a goroutine of its own.
func (r *Runtime) handle(h *handling, e *raw.Event, record []byte) {
	ended := false
	defer func() {
		if !ended { // runtime.Goexit, a test's FailNow perhaps: the answer is owed still
			enc := encodings.Get().(*encoding)
			h.failWith(enc, errors.New("the handler ended its goroutine"), 0)
			encodings.Put(enc)
		}
	}()
	r.dispatch(h, e, record)
	ended = true
}

func (r *Runtime) dispatch(h *handling, e *raw.Event, record []byte) {
	switch e.Kind {
	case raw.EvRequest:
		r.serveRequest(h)
	case raw.EvHook:
		r.runHook(h, e, record)
	case raw.EvFactory:
		r.make(h, e, record)
	case raw.EvDispose:
		r.dispose(h, e)
	case raw.EvTask:
		if record == nil {
			r.background(h, e)
			return
		}
		r.work(h, e, record)
	default:
		r.work(h, e, record)
	}
}

func (r *Runtime) serveRequest(h *handling) {
	route := h.request.route
	if route == nil {
		h.final(raw.Cmd{Op: raw.CmdFail}, nil, nil)
		return
	}
	var value any
	err := protect(func() (err error) { value, err = route.handle(h, h.request); return err })
	h.answer(value, err, route.status)
}

func (r *Runtime) background(h *handling, e *raw.Event) {
	p := h.p
	p.waiting.Lock()
	delete(p.waiters, e.User)
	p.waiting.Unlock()
	job, _ := r.jobs.LoadAndDelete(jobKey{p, e.User})
	fn, _ := job.(func(context.Context) error)
	if h.after != nil {
		<-h.after // goroutines begin in any order, background tasks in that in which they were queued
	}
	close(h.began)
	var err error
	if fn != nil {
		err = protect(func() error { return fn(h) })
	}
	if err != nil {
		e := encodings.Get().(*encoding)
		h.failWith(e, err, 0)
		encodings.Put(e)
		return
	}
	h.final(raw.Cmd{Op: raw.CmdAck}, nil, nil)
}
