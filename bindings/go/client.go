package spikard

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"spikard.dev/go/internal/plan"
	"spikard.dev/go/internal/raw"
)

// Immediately is a span of nothing, for options whose zero value means: not given.
const Immediately time.Duration = -1 << 63

// milliseconds of a span; what is more than nothing stays more than nothing.
func milliseconds(d time.Duration) int64 {
	if d == Immediately {
		return 0
	}
	ms := int64(d.Round(time.Millisecond) / time.Millisecond)
	if ms == 0 && d > 0 {
		return 1
	}
	if ms == 0 && d < 0 {
		return -1
	}
	return ms
}

// arguments of an operation: one object of nodes.
type arguments struct {
	raw.Builder
	at, n int
	err   error
	done  bool
}

func newArguments() *arguments {
	a := &arguments{}
	a.at = a.Begin(raw.Obj)
	return a
}

func (a *arguments) name(name string) {
	a.Builder.Text(name)
	a.n++
}
func (a *arguments) Text(name, value string)         { a.name(name); a.Builder.Text(value) }
func (a *arguments) Bool(name string, value bool)    { a.name(name); a.Builder.Bool(value) }
func (a *arguments) Int(name string, value int64)    { a.name(name); a.Builder.Int(value) }
func (a *arguments) Uint(name string, value uint64)  { a.name(name); a.Builder.Uint(value) }
func (a *arguments) Bytes(name string, value []byte) { a.name(name); a.Builder.Bytes(value) }
func (a *arguments) Span(name string, value time.Duration) {
	a.Int(name, milliseconds(value))
}

func (a *arguments) Any(name string, value any) {
	a.name(name)
	if err := plan.Append(&a.Builder, value); err != nil && a.err == nil {
		a.err = &Error{Kind: KindInvalidArgument, Message: name + ": " + err.Error()}
	}
}

func (a *arguments) Texts(name string, values []string) {
	a.name(name)
	at := a.Begin(raw.Arr)
	for _, value := range values {
		a.Builder.Text(value)
	}
	a.Builder.End(at, len(values))
}

func (a *arguments) Uints(name string, values []uint64) {
	a.name(name)
	at := a.Begin(raw.Arr)
	for _, value := range values {
		a.Builder.Uint(value)
	}
	a.Builder.End(at, len(values))
}

func (a *arguments) TextMap(name string, values map[string]string) {
	a.name(name)
	at := a.Begin(raw.Obj)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		a.Builder.Text(key)
		a.Builder.Text(values[key])
	}
	a.Builder.End(at, len(values))
}

func (a *arguments) BytesMap(name string, values map[string][]byte) {
	a.name(name)
	at := a.Begin(raw.Obj)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		a.Builder.Text(key)
		a.Builder.Bytes(values[key])
	}
	a.Builder.End(at, len(values))
}

func (a *arguments) finish() []byte {
	if !a.done {
		a.done = true
		a.End(a.at, a.n)
	}
	return a.Finish()
}

// result of an operation: one object.
type result struct{ v Value }

func (r *result) Text(name string) string { var v string; r.v.Member(name).Decode(&v); return v }
func (r *result) Bool(name string) bool   { var v bool; r.v.Member(name).Decode(&v); return v }
func (r *result) Bytes(name string) []byte {
	var v []byte
	if m := r.v.Member(name); !m.IsNull() {
		if m.tree.Nodes[m.at].Type == raw.Str {
			return []byte(m.tree.Text(m.at))
		}
		m.Decode(&v)
	}
	return v
}
func (r *result) Texts(name string) []string { var v []string; r.v.Member(name).Decode(&v); return v }
func (r *result) Uints(name string) []uint64 { var v []uint64; r.v.Member(name).Decode(&v); return v }
func (r *result) BytesList(name string) [][]byte {
	var v [][]byte
	r.v.Member(name).Decode(&v)
	return v
}
func (r *result) Value(name string) Value { return r.v.Member(name) }
func (r *result) Span(name string) time.Duration {
	return time.Duration(number[int64](r, name)) * time.Millisecond
}

func (r *result) TextOrNil(name string) *string {
	if r.v.Member(name).IsNull() {
		return nil
	}
	return Ptr(r.Text(name))
}

func (r *result) SpanOrNil(name string) *time.Duration {
	if r.v.Member(name).IsNull() {
		return nil
	}
	return Ptr(r.Span(name))
}

func number[T any](r *result, name string) T { var v T; r.v.Member(name).Decode(&v); return v }

func numberOrNil[T any](r *result, name string) *T {
	if r.v.Member(name).IsNull() {
		return nil
	}
	return Ptr(number[T](r, name))
}

// client is one by its name in `services` of the manifest. It may be kept in a global: each use goes to the application whose handler calls, or that runs.
type client struct {
	group, name string
	namespace   string
}

// withoutNamespace are operations of caches that have none.
var withoutNamespace = map[int]bool{raw.OpCacheInvalidateTags: true, raw.OpCacheEndLoad: true, raw.OpCacheStats: true}

func (c client) begin(ctx context.Context, operation int, a *arguments) (*port, *handling, raw.Cmd, error) {
	p, h, err := where(ctx)
	if err != nil {
		return nil, nil, raw.Cmd{}, err
	}
	if a.err != nil {
		return nil, nil, raw.Cmd{}, a.err
	}
	if ctx.Err() != nil {
		return nil, nil, raw.Cmd{}, context.Cause(ctx)
	}
	number, err := p.r.number(c.group, c.name)
	if err != nil {
		return nil, nil, raw.Cmd{}, err
	}
	if c.namespace != "" && !withoutNamespace[operation] {
		a.Text("namespace", c.namespace)
	}
	cmd := raw.Cmd{Op: raw.CmdCall, Arg: uint64(operation), Client: uint32(number)}
	if h != nil {
		cmd.ID = h.id
	}
	return p, h, cmd, nil
}

// call is one operation, waited for.
func (c client) call(ctx context.Context, operation int, a *arguments) (*result, error) {
	return c.callOr(ctx, operation, a, nil)
}

// callOr is call; `late` gets the result of an operation that was given up and came to its end all the same.
func (c client) callOr(ctx context.Context, operation int, a *arguments, late func(*result)) (*result, error) {
	p, h, cmd, err := c.begin(ctx, operation, a)
	if err != nil {
		return nil, err
	}
	body := a.finish()
	trace := traceOf(ctx, h)
	var after func([]byte)
	if late != nil {
		after = func(record []byte) {
			if errorOf(record) == nil {
				late(&result{nodesOf(record)})
			}
		}
	}
	record, err := p.wait(ctx, h, cmd, trace, body, after)
	if err != nil {
		return nil, err
	}
	if err := errorOf(record); err != nil {
		return nil, causeOr(ctx, err)
	}
	return &result{nodesOf(record)}, nil
}

// mayBeNow tells operations that complete at once on `memory:`, or always: worth a crossing of their own.
func mayBeNow(operation uint64) bool {
	return operation >= raw.OpCacheGet && operation <= raw.OpCacheInvalidate || operation >= raw.OpCronNext && operation <= raw.OpCloudeventsValidate ||
		operation >= raw.OpTelemetryContext || operation == raw.OpMessagingTopicMatch
}

// ask starts an operation at once when nobody else is at the port. Whether it did; the record, when it is complete already.
func (p *port) ask(cmd raw.Cmd, trace string, body []byte) (asked bool, record []byte, err error) {
	if !mayBeNow(cmd.Arg) || !p.core1.TryLock() {
		return false, nil, nil
	}
	defer p.core1.Unlock()
	if p.closed {
		return true, nil, ErrNotRunning
	}
	record, err = p.core.Call(cmd, trace, body)
	return true, record, err
}

// ---- streams

// streamCall is one streamed operation in progress.
type streamCall struct {
	p      *port
	h      *handling
	user   uint64
	w      *waiter
	credit credit
	in     *bodyStream

	mu    sync.Mutex
	id    uint64
	known chan struct{}
}

func (c client) open(ctx context.Context, operation int, a *arguments) (*streamCall, error) {
	p, h, cmd, err := c.begin(ctx, operation, a)
	if err != nil {
		return nil, err
	}
	s := &streamCall{p: p, h: h, known: make(chan struct{})}
	s.in = &bodyStream{more: make(chan struct{}, 1), credit: func(n int) {
		p.send(raw.Cmd{Op: raw.CmdCredit, ID: s.number(), Arg: uint64(n)}, nil, nil)
	}}
	s.w = &waiter{done: make(chan struct{}), stream: s}
	s.user = p.user()
	p.waiting.Lock()
	p.waiters[s.user] = s.w
	p.waiting.Unlock()
	cmd.Flags, cmd.User = raw.FStream, s.user
	p.send(cmd, []byte(traceOf(ctx, h)), a.finish())
	return s, nil
}

func (s *streamCall) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

func (s *streamCall) tell(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == 0 {
		s.id = id
		close(s.known)
	}
}

func (s *streamCall) credited(id uint64, n int64) { s.tell(id); s.credit.add(n) }
func (s *streamCall) chunk(id uint64, data []byte) {
	s.tell(id)
	s.in.put(data, false)
}

// write sends a part; false when the operation is over.
func (s *streamCall) write(ctx context.Context, part []byte) (bool, error) {
	for len(part) > 0 {
		one := part[:min(len(part), 65536)]
		if !s.credit.take(len(one), ctx.Done()) {
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			return false, nil
		}
		s.p.send(raw.Cmd{Op: raw.CmdChunk, ID: s.number()}, nil, one)
		part = part[len(one):]
	}
	return true, nil
}

// result waits for the end. It always comes.
func (s *streamCall) result() (*result, error) {
	<-s.w.done
	if s.w.err != nil {
		return nil, s.w.err
	}
	if err := errorOf(s.w.record); err != nil {
		return nil, err
	}
	return &result{nodesOf(s.w.record)}, nil
}

func (s *streamCall) over() bool {
	select {
	case <-s.w.done:
		return true
	default:
		return false
	}
}

// cancel gives up and waits until that is so.
func (s *streamCall) cancel() {
	if !s.over() {
		s.p.send(raw.Cmd{Op: raw.CmdCancel, User: s.user}, nil, nil)
		<-s.w.done
	}
}

// send is an operation with a streamed argument. When reading fails, so does the operation, and nothing is written.
func (c client) send(ctx context.Context, operation int, a *arguments, chunks io.Reader) (*result, error) {
	s, err := c.open(ctx, operation, a)
	if err != nil {
		return nil, err
	}
	select {
	case <-s.known:
	case <-s.w.done:
		return s.result()
	case <-ctx.Done():
		s.cancel()
		return nil, context.Cause(ctx)
	}
	buffer := make([]byte, 65536)
	for {
		n, err := chunks.Read(buffer)
		if n > 0 {
			more, failed := s.write(ctx, buffer[:n])
			if failed != nil {
				s.p.send(raw.Cmd{Op: raw.CmdAbort, ID: s.number()}, nil, nil)
				<-s.w.done
				return nil, failed
			}
			if !more {
				return s.result()
			}
		}
		if errors.Is(err, io.EOF) {
			s.p.send(raw.Cmd{Op: raw.CmdEnd, ID: s.number()}, nil, nil)
			select {
			case <-s.w.done:
			case <-ctx.Done():
				s.cancel()
				if s.w.err == nil && errorOf(s.w.record) != nil {
					return nil, context.Cause(ctx)
				}
			}
			return s.result()
		}
		if err != nil {
			s.p.send(raw.Cmd{Op: raw.CmdAbort, ID: s.number()}, nil, nil)
			<-s.w.done
			return nil, err
		}
	}
}

// Stream is a streamed result: an io.ReadCloser. Closing it before its end cancels it; what the operation says of it is Result after the last byte.
type Stream[T any] struct {
	ctx  context.Context
	call *streamCall
	err  error
	stop func() bool
	make func(*result) T
}

func newStream[T any](ctx context.Context, c client, operation int, a *arguments, make func(*result) T) *Stream[T] {
	s := &Stream[T]{ctx: ctx, make: make}
	if s.call, s.err = c.open(ctx, operation, a); s.err == nil {
		call := s.call
		s.stop = context.AfterFunc(ctx, func() { call.p.send(raw.Cmd{Op: raw.CmdCancel, User: call.user}, nil, nil) })
	}
	return s
}

// Read takes what is there; taking it lets the core send more.
func (s *Stream[T]) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.call.in.Read(p)
	if err == io.EOF {
		if _, failed := s.call.result(); failed != nil {
			s.err = failed
			if s.ctx.Err() != nil {
				s.err = context.Cause(s.ctx)
			}
			return n, s.err
		}
	}
	return n, err
}

// Result is what the operation gave at its end; it waits for the end.
func (s *Stream[T]) Result() (T, error) {
	var none T
	if s.err != nil {
		return none, s.err
	}
	r, err := s.call.result()
	if err != nil {
		return none, err
	}
	return s.make(r), nil
}

// Close ends it, read or not.
func (s *Stream[T]) Close() error {
	if s.call != nil {
		s.stop()
		s.call.cancel()
	}
	return nil
}
