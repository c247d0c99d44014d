// Package otel makes the core the provider of spans for go.opentelemetry.io/otel: Install at start-up. Libraries that make spans by that API then add to the same traces, under the span of the request,
// message or task in hand. The SDK is not needed, for the core samples, exports and times spans itself: WithTimestamp is taken over for events only.
package otel

import (
	"context"
	"fmt"
	"strings"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"

	spikard "spikard.dev/go"
)

// Install makes the core the provider and the propagator of this process. Once, at start-up.
func Install() {
	api.SetTracerProvider(NewTracerProvider())
	api.SetTextMapPropagator(Propagator{})
}

// NewTracerProvider gives tracers whose spans are the core's.
func NewTracerProvider() trace.TracerProvider { return &provider{} }

// Context is one in which the current span of OpenTelemetry is the innermost one here: for code that looks at it without beginning a span of its own.
func Context(ctx context.Context) context.Context {
	text, state := current(ctx)
	if text == "" {
		return ctx
	}
	if own, ok := trace.SpanFromContext(ctx).(*span); ok && own.text == text {
		return ctx
	}
	return trace.ContextWithSpan(ctx, &span{text: text, context: contextOf(text, state), outer: text})
}

// Propagator is W3C Trace Context from the innermost span here.
type Propagator struct{ propagation.TraceContext }

// Inject writes `traceparent` and `tracestate`.
func (p Propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	p.TraceContext.Inject(Context(ctx), carrier)
}

// current is the traceparent of the innermost span here, of OpenTelemetry or of the core, and the tracestate where OpenTelemetry has it.
func current(ctx context.Context) (text, state string) {
	core := spikard.TraceParent(ctx)
	there := trace.SpanFromContext(ctx)
	if own, ok := there.(*span); ok {
		if core == "" || core == own.outer { // it was made current again where it does not come from
			return own.text, own.context.TraceState().String()
		}
		return core, ""
	}
	if of := there.SpanContext(); of.IsValid() {
		return textOf(of), of.TraceState().String()
	}
	return core, ""
}

func textOf(c trace.SpanContext) string {
	if !c.IsValid() {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", c.TraceID(), c.SpanID(), c.TraceFlags())
}

func contextOf(text, state string) trace.SpanContext {
	parts := strings.Split(text, "-")
	if len(parts) != 4 {
		return trace.SpanContext{}
	}
	var config trace.SpanContextConfig
	var err error
	if config.TraceID, err = trace.TraceIDFromHex(parts[1]); err != nil {
		return trace.SpanContext{}
	}
	if config.SpanID, err = trace.SpanIDFromHex(parts[2]); err != nil {
		return trace.SpanContext{}
	}
	if strings.HasSuffix(parts[3], "1") {
		config.TraceFlags = trace.FlagsSampled
	}
	if parsed, err := trace.ParseTraceState(state); err == nil {
		config.TraceState = parsed
	}
	return trace.NewSpanContext(config)
}

type provider struct{ embedded.TracerProvider }

// Tracer gives one; the core has no names of instrumentations.
func (p *provider) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{provider: p} }

type tracer struct {
	embedded.Tracer
	provider *provider
}

var kinds = map[trace.SpanKind]string{trace.SpanKindServer: "server", trace.SpanKindClient: "client", trace.SpanKindProducer: "producer", trace.SpanKindConsumer: "consumer"}

func (t tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	config := trace.NewSpanStartConfig(options...)
	o := spikard.SpanOptions{Kind: kinds[config.SpanKind()], Attributes: plain(config.Attributes()), Root: config.NewRoot()}
	outer := ""
	if !o.Root {
		o.Parent, o.TraceState = current(ctx)
		outer = spikard.TraceParent(ctx)
	}
	for _, link := range config.Links() {
		if text := textOf(link.SpanContext); text != "" {
			o.Links = append(o.Links, text)
		}
	}
	inside, inner := spikard.StartSpan(ctx, name, o)
	s := &span{provider: t.provider, inner: inner, text: inner.TraceParent(), outer: outer}
	s.context = contextOf(s.text, o.TraceState)
	return trace.ContextWithSpan(inside, s), s
}

// span is one of the core's; without `inner` it stands for one that others end.
type span struct {
	embedded.Span
	provider    *provider
	inner       *spikard.Span
	text, outer string
	context     trace.SpanContext
}

func (s *span) SpanContext() trace.SpanContext { return s.context }

func (s *span) IsRecording() bool { return s.inner != nil && s.inner.Recording() }

func (s *span) TracerProvider() trace.TracerProvider {
	if s.provider == nil {
		return NewTracerProvider()
	}
	return s.provider
}

func (s *span) End(...trace.SpanEndOption) {
	if s.inner != nil {
		s.inner.End()
	}
}

func (s *span) SetAttributes(attributes ...attribute.KeyValue) {
	if s.inner != nil {
		for name, value := range plain(attributes) {
			s.inner.SetAttribute(name, value)
		}
	}
}

func (s *span) AddEvent(name string, options ...trace.EventOption) {
	if s.inner != nil {
		config := trace.NewEventConfig(options...)
		s.inner.AddEvent(name, plain(config.Attributes()), config.Timestamp())
	}
}

// AddLink does nothing: the core takes links at the start only.
func (s *span) AddLink(trace.Link) {}

// RecordError notes an error; unlike Span.RecordError of the core it leaves the status, as the API says.
func (s *span) RecordError(err error, options ...trace.EventOption) {
	if s.inner == nil || err == nil {
		return
	}
	config := trace.NewEventConfig(options...)
	attributes := plain(config.Attributes())
	attributes["exception.type"], attributes["exception.message"] = fmt.Sprintf("%T", err), err.Error()
	s.inner.AddEvent("exception", attributes, config.Timestamp())
}

func (s *span) SetStatus(code codes.Code, description string) {
	switch {
	case s.inner == nil || code == codes.Unset:
	case code == codes.Ok:
		s.inner.SetStatus("ok", "")
	default:
		s.inner.SetStatus("error", description)
	}
}

func (s *span) SetName(name string) {
	if s.inner != nil {
		s.inner.SetName(name)
	}
}

func plain(attributes []attribute.KeyValue) map[string]any {
	out := make(map[string]any, len(attributes))
	for _, one := range attributes {
		out[string(one.Key)] = one.Value.AsInterface()
	}
	return out
}
