package spikard

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"sync"
	"unsafe"

	"spikard.dev/go/internal/plan"
	"spikard.dev/go/internal/raw"
)

// Request is the request as the core has checked it. What is asked of it is read when it is asked; it may be kept after the answer.
type Request struct {
	h      *handling
	route  *route
	mu     sync.Mutex
	record unsafe.Pointer // the core's, until the answer
	copied []byte
	values map[string]any // set by hooks here
	in     *bodyStream
	failed error
}

func newRequest(h *handling, e *raw.Event) *Request {
	r := &Request{h: h, record: e.Pointer()}
	record := (*raw.Request)(r.record)
	if int(record.Route) < len(h.p.r.plan.routes) {
		r.route = h.p.r.plan.routes[record.Route]
	}
	if record.Flags&raw.FStream != 0 {
		r.in = &bodyStream{h: h, more: make(chan struct{}, 1)}
	}
	return r
}

// view is a copy of the record in Go's memory, made once.
func (r *Request) view() (*raw.Request, unsafe.Pointer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.copied == nil {
		if r.record == nil {
			return &raw.Request{}, nil
		}
		r.copied = raw.Copy(r.record)
	}
	base := unsafe.Pointer(unsafe.SliceData(r.copied))
	return (*raw.Request)(base), base
}

func (r *Request) detach() {
	r.mu.Lock()
	r.record = nil
	r.mu.Unlock()
}

func (r *Request) text(pick func(*raw.Request) raw.View) string {
	record, base := r.view()
	return raw.TextAt(base, pick(record), true)
}

var methods = [...]string{"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "OTHER"}

// Method of the request.
func (r *Request) Method() string { record, _ := r.view(); return methods[record.Method] }

// ID of the request in the port.
func (r *Request) ID() uint64 { return r.h.id }

// Path as it was sent, without the query.
func (r *Request) Path() string { return r.text(func(q *raw.Request) raw.View { return q.Path }) }

// Query as it was sent, without the question mark.
func (r *Request) Query() string { return r.text(func(q *raw.Request) raw.View { return q.Query }) }

// Peer is the address of the client.
func (r *Request) Peer() string { return r.text(func(q *raw.Request) raw.View { return q.Peer }) }

// Pattern is the path of the route.
func (r *Request) Pattern() string {
	if r.route == nil {
		return ""
	}
	return r.route.path
}

// Headers are all header lines in their order, names in lower case.
func (r *Request) Headers() [][2]string {
	record, base := r.view()
	return pairs(base, record.Headers)
}

func pairs(base unsafe.Pointer, at raw.View) [][2]string {
	if at.Len == 0 {
		return nil
	}
	list := unsafe.Slice((*raw.Pair)(unsafe.Add(base, at.Off)), int(at.Len))
	out := make([][2]string, len(list))
	for i, pair := range list {
		out[i] = [2]string{raw.TextAt(base, pair.Name, true), raw.TextAt(base, pair.Value, true)}
	}
	return out
}

// Header is the value of the first line of a name in lower case; false where there is none.
func (r *Request) Header(name string) (string, bool) {
	record, base := r.view()
	if record.Headers.Len == 0 {
		return "", false
	}
	for _, pair := range unsafe.Slice((*raw.Pair)(unsafe.Add(base, record.Headers.Off)), int(record.Headers.Len)) {
		if raw.TextAt(base, pair.Name, true) == name {
			return raw.TextAt(base, pair.Value, true), true
		}
	}
	return "", false
}

// Data is the body's bytes, when it was buffered.
func (r *Request) Data() []byte {
	record, base := r.view()
	if record.Body.Len == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(base, record.Body.Off)), int(record.Body.Len))
}

// Body reads the body: as it comes where the route streams it. Reading lets the client send more.
func (r *Request) Body() io.Reader {
	if r.in != nil {
		return r.in
	}
	return &bytesReader{data: r.Data()}
}

// body is the stream, or one that takes nothing.
func (r *Request) body() *bodyStream {
	if r.in != nil {
		return r.in
	}
	return &bodyStream{more: make(chan struct{}, 1)}
}

func (r *Request) tree(pick func(*raw.Request) raw.View) Value {
	record, base := r.view()
	at := pick(record)
	if at.Len == 0 {
		return Value{}
	}
	return Value{raw.TreeAt(base, at, true), 0}
}

// JSON is the validated body; nothing where there is none.
func (r *Request) JSON() Value { return r.tree(func(q *raw.Request) raw.View { return q.JSON }) }

// Auth says who it is.
func (r *Request) Auth() Value { return r.tree(func(q *raw.Request) raw.View { return q.Auth }) }

// Param is a declared parameter, validated and coerced: in is path, query, header or cookie. Nothing where it was not sent and has no default.
func (r *Request) Param(in, name string) Value {
	record, base := r.view()
	if r.route == nil || record.Params.Len == 0 {
		return Value{}
	}
	tree := raw.TreeAt(base, record.Params, true)
	at := 0
	for _, p := range r.route.parameters {
		if at >= len(tree.Nodes) {
			break
		}
		if p.in == in && p.name == name {
			return Value{tree, at}
		}
		at = tree.Next(at)
	}
	return Value{}
}

// Params are all declared parameters of a place, by name.
func (r *Request) Params(in string) map[string]any {
	out := map[string]any{}
	record, base := r.view()
	if r.route == nil || record.Params.Len == 0 {
		return out
	}
	tree := raw.TreeAt(base, record.Params, true)
	at := 0
	for _, p := range r.route.parameters {
		if at >= len(tree.Nodes) {
			break
		}
		if p.in == in {
			out[p.name] = tree.Any(at)
		}
		at = tree.Next(at)
	}
	return out
}

// Context is what hooks have set.
func (r *Request) Context() map[string]any {
	out, _ := r.tree(func(q *raw.Request) raw.View { return q.Context }).Any().(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, value := range r.values {
		out[key] = value
	}
	return out
}

// ContextValue decodes what a hook has set under a name; false where none has.
func (r *Request) ContextValue(name string, into any) (bool, error) {
	r.mu.Lock()
	own, ok := r.values[name]
	r.mu.Unlock()
	if ok {
		return true, Convert(own, into)
	}
	v := r.tree(func(q *raw.Request) raw.View { return q.Context }).Member(name)
	if v.IsNull() {
		return false, nil
	}
	return true, v.Decode(into)
}

func (r *Request) tokens() []uint64 {
	record, base := r.view()
	if record.Deps.Len == 0 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Add(base, record.Deps.Off)), int(record.Deps.Len))
}

// Dependencies are the values of `inject`, in its order.
func (r *Request) Dependencies() []any {
	var out []any
	for _, token := range r.tokens() {
		out = append(out, r.h.p.r.value(token))
	}
	return out
}

// Err is why the handler failed, in OnError.
func (r *Request) Err() error { return r.failed }

// Background runs something after the answer; the graceful end waits for it. It is not durable.
func (r *Request) Background(fn func(ctx context.Context) error) { Background(r.h, fn) }

// Background runs something after the answer of the handler whose context this is; the graceful end waits for it. It is not durable.
func Background(ctx context.Context, fn func(ctx context.Context) error) error {
	p, h, err := where(ctx)
	if err != nil {
		return err
	}
	start := func() raw.Cmd {
		user := p.user()
		p.r.jobs.Store(jobKey{p, user}, fn)
		p.waiting.Lock()
		p.waiters[user] = &waiter{done: make(chan struct{}), late: func(record []byte) {
			if _, there := p.r.jobs.LoadAndDelete(jobKey{p, user}); there {
				p.r.log().Error("a background task was refused", "error", errorOf(record))
			}
		}}
		p.waiting.Unlock()
		return raw.Cmd{Op: raw.CmdCall, Arg: raw.OpBackgroundRun, User: user}
	}
	if h == nil || h.request == nil {
		p.send(start(), nil, nil)
		return nil
	}
	h.mu.Lock()
	if h.finished {
		h.mu.Unlock()
		p.send(start(), nil, nil)
		return nil
	}
	h.jobs = append(h.jobs, start)
	h.mu.Unlock()
	return nil
}

type jobKey struct {
	p    *port
	user uint64
}

// Value is a value of the core's that is decoded when it is asked for.
type Value struct {
	tree raw.Tree
	at   int
}

// IsNull holds for null and for what is not there.
func (v Value) IsNull() bool { return len(v.tree.Nodes) == 0 || v.tree.Nodes[v.at].Type == raw.Null }

// Any is Go's own: nil, bool, int64, uint64, float64, json.Number (what neither holds), string, []byte, []any, map[string]any.
func (v Value) Any() any {
	if len(v.tree.Nodes) == 0 {
		return nil
	}
	return v.tree.Any(v.at)
}

// Decode puts it into what `into` points to, by the rules of encoding/json. Null leaves it as it is.
func (v Value) Decode(into any) error {
	if v.IsNull() {
		return nil
	}
	return plan.Into(v.tree, v.at, into)
}

// Member of an object; nothing where there is none.
func (v Value) Member(name string) Value {
	if len(v.tree.Nodes) == 0 {
		return Value{}
	}
	at := v.tree.Member(v.at, name)
	if at < 0 {
		return Value{}
	}
	return Value{v.tree, at}
}

// MarshalJSON writes it as JSON.
func (v Value) MarshalJSON() ([]byte, error) {
	if len(v.tree.Nodes) == 0 {
		return []byte("null"), nil
	}
	return v.tree.AppendJSON(nil, v.at), nil
}

// Convert makes a value of another one that has the same JSON: rows, bodies and contexts as types. Nothing is validated.
func Convert(from, into any) error {
	var b raw.Builder
	if err := plan.Append(&b, from); err != nil {
		return err
	}
	text := b.Finish()
	count := 0
	if len(text) > 0 {
		count = len(text) / int(unsafe.Sizeof(raw.Node{}))
	}
	aligned := make([]uint64, (len(text)+7)/8)
	base := unsafe.Pointer(unsafe.SliceData(aligned))
	copy(unsafe.Slice((*byte)(base), len(text)), text)
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("%T is no pointer to convert into", into)
	}
	return plan.Into(raw.TreeAt(base, raw.View{Len: uint32(count)}, true), 0, into)
}

type bytesReader struct{ data []byte }

func (r *bytesReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// bodyStream is a body, or the streamed result of an operation, in chunks against credit.
type bodyStream struct {
	h      *handling
	credit func(n int)

	mu     sync.Mutex
	chunks [][]byte
	taken  int
	last   bool
	over   bool
	cause  error
	more   chan struct{}
}

func (s *bodyStream) put(data []byte, last bool) {
	s.mu.Lock()
	if len(data) > 0 {
		s.chunks = append(s.chunks, data)
	}
	s.last = s.last || last
	s.mu.Unlock()
	s.signal()
}

func (s *bodyStream) stop(cause error) {
	s.mu.Lock()
	s.over = true
	if s.cause == nil {
		s.cause = cause
	}
	s.mu.Unlock()
	s.signal()
}

func (s *bodyStream) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Read takes what is there; what was taken is given back as credit, chunk by chunk.
func (s *bodyStream) Read(p []byte) (int, error) {
	for {
		s.mu.Lock()
		if len(s.chunks) > 0 {
			first := s.chunks[0]
			n := copy(p, first)
			s.taken += n
			give := 0
			if n == len(first) {
				s.chunks = s.chunks[1:]
				give, s.taken = s.taken, 0
			} else {
				s.chunks[0] = first[n:]
			}
			if s.over {
				give = 0
			}
			s.mu.Unlock()
			if give > 0 {
				s.give(give)
			}
			return n, nil
		}
		last, over, cause := s.last, s.over, s.cause
		s.mu.Unlock()
		if last || over && cause == nil {
			return 0, io.EOF
		}
		if over {
			return 0, cause
		}
		<-s.more
	}
}

func (s *bodyStream) give(n int) {
	if s.credit != nil {
		s.credit(n)
	} else if s.h != nil {
		s.h.p.send(raw.Cmd{Op: raw.CmdCredit, ID: s.h.id, Arg: uint64(n)}, nil, nil)
	}
}
