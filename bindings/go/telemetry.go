package spikard

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"spikard.dev/go/internal/raw"
)

// telemetryNow is an operation of telemetry: it completes at once.
func telemetryNow(ctx context.Context, operation int, a *arguments) (*result, error) {
	return client{group: "telemetry", name: "default"}.call(context.WithoutCancel(ctx), operation, a)
}

// Span is a span of the application's own.
type Span struct {
	ctx         context.Context
	number      uint64
	traceParent string

	mu         sync.Mutex
	attributes map[string]any
	events     []any
	status     string
	message    string
	name       string
}

// SpanOptions are options of StartSpan.
type SpanOptions struct {
	// Kind is `internal`, `server`, `client`, `producer` or `consumer`.
	Kind       string
	Attributes map[string]any
	// Links are traceparents.
	Links []string
	// Parent is a traceparent instead of that of the context; TraceState is what came with it. Root begins a trace.
	Parent, TraceState string
	Root               bool
}

// StartSpan begins a span; the context is for what belongs to it. End it. Where no application runs it does nothing.
func StartSpan(ctx context.Context, name string, options ...SpanOptions) (context.Context, *Span) {
	s := &Span{ctx: ctx}
	_, h, err := where(ctx)
	if err != nil {
		return ctx, s
	}
	var o SpanOptions
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	a := newArguments()
	a.Text("name", name)
	if o.Kind != "" {
		a.Text("kind", o.Kind)
	}
	parent := o.Parent
	if parent == "" && !o.Root {
		parent = traceOf(ctx, h)
	}
	if parent != "" || o.Root {
		a.Text("traceparent", parent)
	}
	if o.TraceState != "" {
		a.Text("tracestate", o.TraceState)
	}
	if len(o.Attributes) > 0 {
		a.Any("attributes", o.Attributes)
	}
	if len(o.Links) > 0 {
		a.Any("links", o.Links)
	}
	r, err := telemetryNow(ctx, raw.OpTelemetryStartSpan, a)
	if err != nil {
		return ctx, s
	}
	s.number, s.traceParent = number[uint64](r, "span"), r.Text("traceparent")
	if s.traceParent == "" {
		return ctx, s
	}
	return context.WithValue(ctx, spanKey, s.traceParent), s
}

// TraceParent is its context as the header carries it; empty for none.
func (s *Span) TraceParent() string { return s.traceParent }

// Recording tells whether it is kept.
func (s *Span) Recording() bool { return s.number != 0 }

// SetAttribute sets an attribute: text, a number, a boolean, or a list of one of them.
func (s *Span) SetAttribute(name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attributes == nil {
		s.attributes = map[string]any{}
	}
	s.attributes[name] = value
}

// AddEvent notes something at a time; the present one when it is zero.
func (s *Span) AddEvent(name string, attributes map[string]any, at time.Time) {
	if at.IsZero() {
		at = time.Now()
	}
	if attributes == nil {
		attributes = map[string]any{}
	}
	s.mu.Lock()
	s.events = append(s.events, map[string]any{"name": name, "time_unix_nano": at.UnixNano(), "attributes": attributes})
	s.mu.Unlock()
}

// RecordError notes an error, and makes the status error.
func (s *Span) RecordError(err error) {
	s.AddEvent("exception", map[string]any{"exception.type": fmt.Sprintf("%T", err), "exception.message": err.Error(), "exception.stacktrace": string(debug.Stack())}, time.Time{})
	s.SetStatus("error", err.Error())
}

// SetStatus is `ok` or `error`.
func (s *Span) SetStatus(status, message string) {
	s.mu.Lock()
	s.status, s.message = status, message
	s.mu.Unlock()
}

// SetName gives it another name.
func (s *Span) SetName(name string) { s.mu.Lock(); s.name = name; s.mu.Unlock() }

// End ends it; more than once is once.
func (s *Span) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number == 0 {
		return
	}
	a := newArguments()
	a.Uint("span", s.number)
	s.number = 0
	if s.name != "" {
		a.Text("name", s.name)
	}
	if len(s.attributes) > 0 {
		a.Any("attributes", s.attributes)
	}
	if len(s.events) > 0 {
		a.Any("events", s.events)
	}
	if s.status != "" {
		a.Text("status", s.status)
	}
	if s.message != "" {
		a.Text("message", s.message)
	}
	telemetryNow(s.ctx, raw.OpTelemetryEndSpan, a)
}

// TraceParent is the context of the innermost span here, as the header `traceparent` carries it: for calls to other services. Empty for none.
func TraceParent(ctx context.Context) string {
	_, h, err := where(ctx)
	if err != nil {
		return ""
	}
	return traceOf(ctx, h)
}

// LogHandler hands records of slog to the application's telemetry, each with the trace and span that it belongs to, and to another handler that writes the lines.
type LogHandler struct {
	next   slog.Handler
	attrs  []slog.Attr
	prefix string
}

// NewLogHandler is a LogHandler in front of another one; nil: nothing else is written.
func NewLogHandler(next slog.Handler) *LogHandler { return &LogHandler{next: next} }

// Enabled as the other one is.
func (l *LogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	if _, _, err := where(ctx); err == nil {
		return true
	}
	return l.next != nil && l.next.Enabled(ctx, level)
}

// Handle hands a record on.
func (l *LogHandler) Handle(ctx context.Context, record slog.Record) error {
	if p, h, err := where(ctx); err == nil && p.r.traced {
		attributes := map[string]any{}
		for _, a := range l.attrs {
			addAttribute(attributes, "", a)
		}
		record.Attrs(func(a slog.Attr) bool { addAttribute(attributes, l.prefix, a); return true })
		a := newArguments()
		a.Text("message", record.Message)
		a.Text("level", levelName(record.Level))
		a.Any("attributes", attributes)
		a.Bool("line", false)
		if trace := traceOf(ctx, h); trace != "" {
			a.Text("traceparent", trace)
		}
		telemetryNow(ctx, raw.OpTelemetryLog, a)
	}
	if l.next != nil && l.next.Enabled(ctx, record.Level) {
		return l.next.Handle(ctx, record)
	}
	return nil
}

func addAttribute(into map[string]any, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindGroup:
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range value.Group() {
			addAttribute(into, prefix, inner)
		}
	case slog.KindBool, slog.KindFloat64, slog.KindInt64, slog.KindString, slog.KindUint64:
		into[prefix+a.Key] = value.Any()
	default:
		into[prefix+a.Key] = value.String()
	}
}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warn"
	case level >= slog.LevelInfo:
		return "info"
	case level >= slog.LevelDebug:
		return "debug"
	}
	return "trace"
}

// WithAttrs as slog has it.
func (l *LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *l
	out.attrs = append([]slog.Attr(nil), l.attrs...)
	for _, a := range attrs {
		a.Key = l.prefix + a.Key
		out.attrs = append(out.attrs, a)
	}
	if l.next != nil {
		out.next = l.next.WithAttrs(attrs)
	}
	return &out
}

// WithGroup as slog has it.
func (l *LogHandler) WithGroup(name string) slog.Handler {
	out := *l
	out.prefix += name + "."
	if l.next != nil {
		out.next = l.next.WithGroup(name)
	}
	return &out
}
