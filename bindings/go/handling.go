package spikard

import (
	"context"
	"errors"
	"sync"
	"time"

	"spikard.dev/go/internal/raw"
)

type contextKey int

const (
	handlingKey contextKey = iota
	spanKey
)

// handling is one request, hook, message, task or event in hand: the context of its handler. The real context below it is made when something waits for it.
type handling struct {
	p       *port
	id      uint64
	trace   string
	request *Request
	credit  credit
	scope   *scope // of a test's own function: who runs and who waits
	parent  context.Context

	mu       sync.Mutex
	inner    context.Context
	stop     context.CancelCauseFunc
	cause    error
	until    time.Time
	finished bool
	jobs     []func() raw.Cmd

	after, began chan struct{} // of a background task: the one before has begun, this one has
}

func (h *handling) deadline(after time.Duration) {
	if after > 0 && !h.p.r.virtual {
		h.until = time.Now().Add(after)
	}
}

func (h *handling) real() context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inner == nil {
		parent := h.parent
		if parent == nil {
			parent = context.Background()
		}
		h.inner, h.stop = context.WithCancelCause(parent)
		if h.cause != nil {
			h.stop(h.cause)
		}
	}
	return h.inner
}

// cancel tells whoever waits. Advisory: the answer is owed still.
func (h *handling) cancel(cause error) {
	h.mu.Lock()
	if h.cause == nil {
		h.cause = cause
	}
	stop := h.stop
	h.mu.Unlock()
	if stop != nil {
		stop(cause)
	}
	h.credit.stop()
	if h.request != nil {
		h.request.body().stop(cause)
	}
}

func (h *handling) cancelled() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cause
}

// finish ends the handling on the Go side, before its final command goes: records must not be looked at from then on.
func (h *handling) finish() {
	if h.request != nil {
		h.request.detach()
	}
	h.mu.Lock()
	h.finished = true
	stop := h.stop
	h.mu.Unlock()
	if stop != nil {
		stop(context.Canceled)
	}
}

// Deadline of the request, where it has one.
func (h *handling) Deadline() (time.Time, bool) {
	if h.until.IsZero() && h.parent != nil {
		return h.parent.Deadline()
	}
	return h.until, !h.until.IsZero()
}

// Done is closed when the client has gone, the time-out passed, or the application ends.
func (h *handling) Done() <-chan struct{} { return h.real().Done() }

// Err is context.Canceled or context.DeadlineExceeded once Done is closed.
func (h *handling) Err() error {
	h.mu.Lock()
	inner, cause := h.inner, h.cause
	h.mu.Unlock()
	if inner != nil {
		return inner.Err()
	}
	if cause != nil {
		return context.Canceled
	}
	if h.parent != nil {
		return h.parent.Err()
	}
	return nil
}

// Value is that of the context around it.
func (h *handling) Value(key any) any {
	if key == handlingKey {
		return h
	}
	return h.real().Value(key)
}

func handlingOf(ctx context.Context) *handling {
	if h, ok := ctx.(*handling); ok {
		return h
	}
	h, _ := ctx.Value(handlingKey).(*handling)
	return h
}

// where is the port, the handling and the traceparent of whoever calls.
func where(ctx context.Context) (*port, *handling, error) {
	if h := handlingOf(ctx); h != nil {
		return h.p, h, nil
	}
	if r := running.Load(); r != nil {
		return r.ports[0], nil, nil
	}
	return nil, nil, ErrNotRunning
}

func traceOf(ctx context.Context, h *handling) string {
	if h == nil || h.p.r.traced {
		if text, ok := ctx.Value(spanKey).(string); ok {
			return text
		}
	}
	if h != nil {
		return h.trace
	}
	return ""
}

// credit is what may be sent before the other side has taken more.
type credit struct {
	mu    sync.Mutex
	left  int64
	over  bool
	waits chan struct{}
}

func (c *credit) add(n int64) {
	c.mu.Lock()
	c.left += n
	if c.waits != nil && c.left > 0 {
		close(c.waits)
		c.waits = nil
	}
	c.mu.Unlock()
}

func (c *credit) stop() {
	c.mu.Lock()
	c.over = true
	if c.waits != nil {
		close(c.waits)
		c.waits = nil
	}
	c.mu.Unlock()
}

// take takes n off when there is credit, waiting for it until the end.
func (c *credit) take(n int, done <-chan struct{}) bool {
	for {
		c.mu.Lock()
		if c.over {
			c.mu.Unlock()
			return false
		}
		if c.left > 0 {
			c.left -= int64(n)
			c.mu.Unlock()
			return true
		}
		if c.waits == nil {
			c.waits = make(chan struct{})
		}
		waits := c.waits
		c.mu.Unlock()
		select {
		case <-waits:
		case <-done:
			return false
		}
	}
}

// waiter is one operation or timer in flight.
type waiter struct {
	done   chan struct{}
	mu     sync.Mutex
	ended  bool
	given  bool // up
	record []byte
	err    error
	scope  *scope
	stream *streamCall
	late   func(record []byte) // it was given up: for what its result holds
}

func (w *waiter) end(record []byte, err error) {
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return
	}
	w.ended, w.record, w.err = true, record, err
	late := w.late
	if w.scope != nil && !w.given {
		w.scope.resume() // before the one who waits is told, so that nobody takes it for at rest
	}
	close(w.done)
	w.mu.Unlock()
	if w.stream != nil {
		w.stream.credit.stop()
		w.stream.in.stop(nil)
	}
	if late != nil && err == nil {
		go late(record)
	}
}

// abandon is for whoever waits no longer; true: it has ended all the same.
func (w *waiter) abandon(late func([]byte)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return true
	}
	if !w.given {
		w.given, w.late = true, late
		if w.scope != nil {
			w.scope.resume()
		}
	}
	return false
}

// wait sends a command that ends in DONE and waits for it, or until the context ends.
func (p *port) wait(ctx context.Context, h *handling, c raw.Cmd, head string, body []byte, late func([]byte)) ([]byte, error) {
	w := &waiter{done: make(chan struct{})}
	if h != nil && h.scope != nil {
		w.scope = h.scope
	}
	c.User = p.user()
	p.waiting.Lock()
	p.waiters[c.User] = w
	p.waiting.Unlock()
	if w.scope != nil {
		w.scope.pause()
	}
	if p.r.stopped.Load() {
		w.end(nil, ErrNotRunning)
	}
	asked, record, err := false, []byte(nil), error(nil)
	if c.Op == raw.CmdCall {
		if asked, record, err = p.ask(c, head, body); record != nil || err != nil {
			p.waiting.Lock()
			delete(p.waiters, c.User)
			p.waiting.Unlock()
			w.end(record, err)
		}
	}
	if !asked {
		p.send(c, []byte(head), body)
	}
	select {
	case <-w.done:
		return w.record, w.err
	default:
	}
	select {
	case <-w.done:
		return w.record, w.err
	case <-ctx.Done():
		p.send(raw.Cmd{Op: raw.CmdCancel, User: c.User}, nil, nil)
		if w.abandon(late) {
			return w.record, w.err
		}
		return nil, context.Cause(ctx)
	}
}

// Sleep waits by the application's clock: a virtual one knows that the handler is at rest meanwhile.
func Sleep(ctx context.Context, d time.Duration) error {
	p, h, err := where(ctx)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	c := raw.Cmd{Op: raw.CmdTimer, Arg: uint64(max(0, d.Round(time.Millisecond)/time.Millisecond))}
	if h != nil {
		c.ID = h.id
	}
	record, err := p.wait(ctx, h, c, "", nil, nil)
	if err == nil {
		err = causeOr(ctx, errorOf(record))
	}
	return err
}

// causeOr is why the context was cancelled, where that is why the core has cancelled an operation.
func causeOr(ctx context.Context, err error) error {
	var failed *Error
	if errors.As(err, &failed) && failed.Kind == KindCancelled && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
