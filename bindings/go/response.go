package spikard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"spikard.dev/go/internal/plan"
	"spikard.dev/go/internal/raw"
)

// Response is an answer with a status, headers and a body. Body: nil for none, []byte as it is, string as text, json.RawMessage as JSON text, an io.Reader is
// sent as it is read, a func(*StreamWriter) error writes while it is sent, anything else is JSON.
type Response struct {
	// Status, 200 when it is 0.
	Status int
	// Header lines in their order. A content-type here wins over MediaType.
	Header [][2]string
	// MediaType of the body, where it is not what the body's type says.
	MediaType string
	Body      any
}

// SetHeader sets a header, replacing lines of the same name.
func (r *Response) SetHeader(name, value string) *Response {
	kept := r.Header[:0:0]
	for _, line := range r.Header {
		if !strings.EqualFold(line[0], name) {
			kept = append(kept, line)
		}
	}
	r.Header = append(kept, [2]string{name, value})
	return r
}

// AddHeader adds a header line.
func (r *Response) AddHeader(name, value string) *Response {
	r.Header = append(r.Header, [2]string{name, value})
	return r
}

// SetCookie adds a Set-Cookie line.
func (r *Response) SetCookie(cookie *http.Cookie) *Response {
	return r.AddHeader("set-cookie", cookie.String())
}

// Events is a stream of server-sent events as an answer.
func Events(events iter.Seq[Event]) *Response {
	return &Response{MediaType: "text/event-stream", Header: [][2]string{{"cache-control", "no-cache"}}, Body: func(w *StreamWriter) error {
		for event := range events {
			if _, err := w.Write(event.append(nil)); err != nil {
				return err
			}
		}
		return nil
	}}
}

// Event is one server-sent event.
type Event struct {
	ID, Event, Data string
	// RetryMs is told where it is not 0.
	RetryMs int
	// Comment is a line that clients pass over.
	Comment string
}

func (e Event) append(out []byte) []byte {
	line := func(name, value string) {
		for _, part := range strings.Split(strings.ReplaceAll(value, "\r\n", "\n"), "\n") {
			out = append(out, name+": "+part+"\n"...)
		}
	}
	if e.Comment != "" {
		line("", e.Comment)
	}
	if e.Event != "" {
		line("event", e.Event)
	}
	if e.ID != "" {
		line("id", e.ID)
	}
	if e.RetryMs > 0 {
		line("retry", strconv.Itoa(e.RetryMs))
	}
	if e.Data != "" || e.Event != "" {
		line("data", e.Data)
	}
	return append(out, '\n')
}

// Problem is an RFC 9457 problem document, returned as an error. Members that are not given are filled in from the status; Exact fills in nothing.
type Problem struct {
	// Status, 500 when it is 0.
	Status int
	// Type is a URI; or, without a colon, the last segment of one below the application's problem_base.
	Type, Title, Detail, Instance string
	// Extra members.
	Extra map[string]any
	// Header lines beside the document.
	Header [][2]string
	// Exact is the document as it stands, instead of all members above but Status and Header.
	Exact map[string]any
}

// NewProblem is a problem with a status and a detail.
func NewProblem(status int, detail string) *Problem { return &Problem{Status: status, Detail: detail} }

// Problemf is a problem with a status and a detail that is formatted.
func Problemf(status int, format string, args ...any) *Problem {
	return &Problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

func (p *Problem) Error() string {
	text := strconv.Itoa(p.status()) + " " + p.title()
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return text
}

func (p *Problem) status() int {
	if p.Status == 0 {
		return 500
	}
	return p.Status
}

// Titles that net/http names otherwise.
var titles = map[int]string{413: "Payload Too Large", 422: "Unprocessable Content"}

func standardTitle(status int) string {
	if text := titles[status]; text != "" {
		return text
	}
	return http.StatusText(status)
}

func (p *Problem) title() string {
	if p.Title != "" {
		return p.Title
	}
	if text := standardTitle(p.status()); text != "" {
		return text
	}
	return "Error"
}

func (p *Problem) response(base string) *Response {
	document := p.Exact
	if document == nil {
		kind := p.Type
		if kind == "" {
			kind = standardTitle(p.status())
			if kind == "" {
				kind = p.title()
			}
			kind = strings.ReplaceAll(strings.ToLower(kind), " ", "-")
		}
		if !strings.Contains(kind, ":") {
			kind = base + kind
		}
		members := problemDocument{{"type", kind}, {"title", p.title()}, {"status", p.status()}}
		if p.Detail != "" {
			members = append(members, problemMember{"detail", p.Detail})
		}
		if p.Instance != "" {
			members = append(members, problemMember{"instance", p.Instance})
		}
		return &Response{Status: p.status(), Header: p.Header, MediaType: "application/problem+json", Body: problemBody{members, p.Extra}}
	}
	return &Response{Status: p.status(), Header: p.Header, MediaType: "application/problem+json", Body: document}
}

type problemMember struct {
	name  string
	value any
}
type problemDocument []problemMember
type problemBody struct {
	members problemDocument
	extra   map[string]any
}

// encoding is a value as it goes out: nodes, or bytes as they are.
type encoding struct {
	builder raw.Builder
	head    []byte
	text    []byte
}

var encodings = sync.Pool{New: func() any { return new(encoding) }}

func writeNodes(b *raw.Builder, value any) error {
	b.Reset()
	if p, ok := value.(problemBody); ok {
		at := b.Begin(raw.Obj)
		for _, m := range p.members {
			b.Text(m.name)
			if err := plan.Append(b, m.value); err != nil {
				return err
			}
		}
		n := len(p.members)
		for name, value := range p.extra {
			b.Text(name)
			if err := plan.Append(b, value); err != nil {
				return err
			}
			n++
		}
		b.End(at, n)
		return nil
	}
	return plan.Append(b, value)
}

// encodeBody is the form and the bytes of a body.
func encodeBody(e *encoding, body any) (format uint16, data []byte, err error) {
	switch v := body.(type) {
	case nil:
		return raw.BodyRaw, nil, nil
	case []byte:
		return raw.BodyRaw, v, nil
	case string:
		return raw.BodyText, unsafe.Slice(unsafe.StringData(v), len(v)), nil
	case json.RawMessage:
		return raw.BodyJSON, v, nil
	}
	if err := writeNodes(&e.builder, body); err != nil {
		return 0, nil, err
	}
	return raw.BodyNodes, e.builder.Finish(), nil
}

// encodeHead writes header lines as pairs and their text.
func encodeHead(e *encoding, lines [][2]string, mediaType string) (count uint32, head []byte) {
	if mediaType != "" {
		for _, line := range lines {
			if strings.EqualFold(line[0], "content-type") {
				mediaType = ""
				break
			}
		}
	}
	n := len(lines)
	if mediaType != "" {
		n++
	}
	if n == 0 {
		return 0, nil
	}
	pairs := make([]raw.Pair, n)
	text := e.text[:0]
	base := uint32(n) * uint32(unsafe.Sizeof(raw.Pair{}))
	put := func(i int, name, value string) {
		pairs[i].Name = raw.View{Off: base + uint32(len(text)), Len: uint32(len(name))}
		text = append(text, name...)
		pairs[i].Value = raw.View{Off: base + uint32(len(text)), Len: uint32(len(value))}
		text = append(text, value...)
	}
	for i, line := range lines {
		put(i, line[0], line[1])
	}
	if mediaType != "" {
		put(n-1, "content-type", mediaType)
	}
	e.text = text
	e.head = append(e.head[:0], unsafe.Slice((*byte)(unsafe.Pointer(&pairs[0])), base)...)
	e.head = append(e.head, text...)
	return uint32(n), e.head
}

// served is what the core answers by itself.
type served interface {
	served(p *port) (operation, client int, arguments *arguments, status int, err error)
}

// answer gives what a handler returned, or its error, to the core.
func (h *handling) answer(value any, err error, status int) {
	e := encodings.Get().(*encoding)
	defer encodings.Put(e)
	if err != nil {
		var problem *Problem
		if !errors.As(err, &problem) {
			h.fail(e, err)
			return
		}
		value = problem.response(h.p.r.problemBase)
	}
	if s, ok := value.(served); ok && s != nil {
		operation, client, a, code, err := s.served(h.p)
		if err != nil {
			h.fail(e, err)
			return
		}
		h.final(raw.Cmd{Op: raw.CmdReply, Format: raw.BodyOperation, Arg: uint64(operation), Client: uint32(client), Status: uint16(code)}, nil, a.finish())
		return
	}
	response, ok := value.(*Response)
	if r, plainly := value.(Response); plainly {
		response, ok = &r, true
	}
	if !ok || response == nil {
		if value == nil || ok {
			if status == 200 {
				status = 204
			}
			value = nil
		}
		format, body, err := encodeBody(e, value)
		if err != nil {
			h.fail(e, err)
			return
		}
		h.final(raw.Cmd{Op: raw.CmdReply, Format: format, Status: uint16(status)}, nil, body)
		return
	}
	code := response.Status
	if code == 0 {
		code = status
	}
	if code < 100 || code > 999 {
		h.fail(e, fmt.Errorf("%d is no HTTP status", code))
		return
	}
	var write func(*StreamWriter) error
	switch body := response.Body.(type) {
	case func(*StreamWriter) error:
		write = body
	case io.Reader:
		write = func(w *StreamWriter) error {
			_, err := io.Copy(w, body)
			if closer, ok := body.(io.Closer); ok {
				err = errors.Join(err, closer.Close())
			}
			return err
		}
	}
	if write != nil {
		h.stream(e, code, response, write)
		return
	}
	format, body, err := encodeBody(e, response.Body)
	if err != nil {
		h.fail(e, err)
		return
	}
	count, head := encodeHead(e, response.Header, response.MediaType)
	h.final(raw.Cmd{Op: raw.CmdReply, Format: format, Status: uint16(code), Nhead: count}, head, body)
}

func (h *handling) stream(e *encoding, code int, response *Response, write func(*StreamWriter) error) {
	kind := response.MediaType
	if kind == "" {
		kind = "application/octet-stream"
	}
	count, head := encodeHead(e, response.Header, kind)
	h.credit.add(65536)
	h.p.send(raw.Cmd{Op: raw.CmdHead, ID: h.id, Status: uint16(code), Nhead: count}, head, nil)
	w := &StreamWriter{h: h}
	err := protect(func() error { return write(w) })
	if err != nil {
		h.fail(e, err)
		return
	}
	h.final(raw.Cmd{Op: raw.CmdEnd}, nil, nil)
}

// StreamWriter is where a streamed answer is written. Write waits while the client takes no more.
type StreamWriter struct{ h *handling }

// Context of the handler.
func (w *StreamWriter) Context() context.Context { return w.h }

// Write sends a chunk at once.
func (w *StreamWriter) Write(p []byte) (int, error) {
	n := 0
	for len(p) > 0 {
		part := p[:min(len(p), 65536)]
		if !w.h.credit.take(len(part), w.h.Done()) {
			if cause := w.h.cancelled(); cause != nil {
				return n, cause
			}
			return n, io.ErrClosedPipe
		}
		w.h.p.send(raw.Cmd{Op: raw.CmdChunk, ID: w.h.id}, nil, part)
		n += len(part)
		p = p[len(part):]
	}
	return n, nil
}

// WriteString sends a chunk of text.
func (w *StreamWriter) WriteString(text string) (int, error) {
	return w.Write(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// Event sends a server-sent event.
func (w *StreamWriter) Event(event Event) error {
	_, err := w.Write(event.append(nil))
	return err
}

// final sends the command that ends this handling, and what was to come after the answer.
func (h *handling) final(c raw.Cmd, head, body []byte) {
	c.ID = h.id
	h.finish()
	h.mu.Lock()
	jobs := h.jobs
	h.jobs = nil
	h.mu.Unlock()
	var after []raw.Cmd
	for _, job := range jobs {
		after = append(after, job())
	}
	// In one batch: the next request of a client that has the answer does not begin before them.
	h.p.addAll(c, head, body, after)
	h.p.flush()
}

// failure is a panic as an error, with where it was.
type failure struct {
	value any
	trace string
}

func (f *failure) Error() string { return fmt.Sprint(f.value) }
func (f *failure) Unwrap() error { err, _ := f.value.(error); return err }

// protect runs a function of the application's: a panic of it is an error.
func protect(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &failure{value, string(debug.Stack())}
		}
	}()
	return fn()
}

func (h *handling) fail(e *encoding, err error) {
	if h.cancelled() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) && h.request != nil {
		h.final(raw.Cmd{Op: raw.CmdAbort}, nil, nil)
		return
	}
	h.failWith(e, err, 0)
}

func (h *handling) failWith(e *encoding, err error, flags uint16) {
	if h.p.r.plan.hooksOf(raw.HookOnError) > 0 && h.request != nil {
		h.p.r.failures.Store(failureKey{h.p, uint32(h.id)}, failureOf{h.id, err})
	}
	described := map[string]any{"type": fmt.Sprintf("%T", err), "message": err.Error(), "trace": ""}
	var panicked *failure
	if errors.As(err, &panicked) {
		described["type"], described["trace"] = "panic", panicked.trace
	}
	h.p.r.failed(h, err, described)
	if e.builder.Reset(); plan.Append(&e.builder, described) != nil {
		h.final(raw.Cmd{Op: raw.CmdFail, Flags: flags}, nil, nil)
		return
	}
	h.final(raw.Cmd{Op: raw.CmdFail, Flags: flags}, nil, e.builder.Finish())
}
