package otel_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
	"spikard.dev/go/otel"
	"spikard.dev/go/spikardtest"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

type kept struct {
	Name       string         `json:"name"`
	TraceID    string         `json:"trace_id"`
	SpanID     string         `json:"span_id"`
	Parent     string         `json:"parent_span_id"`
	Kind       string         `json:"kind"`
	Status     string         `json:"status"`
	Message    string         `json:"status_message"`
	Attributes map[string]any `json:"attributes"`
	Events     []struct {
		Name       string         `json:"name"`
		Attributes map[string]any `json:"attributes"`
	} `json:"events"`
}

func TestSpansOfTheAPIAreOfTheSameTraceBothWays(t *testing.T) {
	otel.Install()
	app := spikard.New("otel", spikard.WithConfig(manifest.Manifest{Log: manifest.Log{Level: manifest.LogLevelOff},
		Telemetry: manifest.TelemetryConfig{Exporter: spikard.Ptr(manifest.TelemetryExporterMemory), Sampler: spikard.Ptr(manifest.TelemetrySamplerAlwaysOn)}}))
	spikard.Get(app, "/", func(ctx context.Context, _ spikard.None) (map[string]string, error) {
		tracer := api.Tracer("library")
		out := map[string]string{}
		header := func(name string, ctx context.Context) {
			carrier := propagation.HeaderCarrier(http.Header{})
			api.GetTextMapPropagator().Inject(ctx, carrier)
			out[name] = carrier.Get("traceparent")
		}
		header("request", ctx)
		outer, a := tracer.Start(ctx, "outer", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.Int("a", 1), attribute.StringSlice("b", []string{"x"})))
		middle, own := spikard.StartSpan(outer, "middle")
		inner, b := tracer.Start(middle, "inner") // under the core's span, not under `outer`
		b.RecordError(errors.New("broken"))
		b.SetStatus(codes.Error, "broken")
		b.AddEvent("noted", trace.WithAttributes(attribute.Bool("c", true)))
		header("inner", inner)
		b.End()
		own.End()
		_, again := tracer.Start(trace.ContextWithSpan(ctx, a), "again") // made current by hand
		again.SetName("renamed")
		again.End()
		_, root := tracer.Start(ctx, "root", trace.WithNewRoot())
		root.End()
		a.End()
		if a.IsRecording() {
			t.Error("an ended span records")
		}
		if !trace.SpanContextFromContext(otel.Context(ctx)).IsValid() {
			t.Error("the handler's span is not the current one")
		}
		return out, nil
	})
	test := spikardtest.Serve(t, app)
	var headers map[string]string
	test.Get("/", "traceparent", parent).Status(200).Decode(&headers)
	spans := map[string]kept{}
	for len(spans) < 6 {
		test.Do(func(ctx context.Context) error {
			taken, err := spikard.NewTelemetry().TakeSpans(ctx)
			if err != nil {
				return err
			}
			var some []kept
			if err := taken.Decode(&some); err != nil {
				return err
			}
			for _, one := range some {
				spans[one.Name] = one
			}
			return nil
		})
	}
	request, outer, middle, inner := spans["GET /"], spans["outer"], spans["middle"], spans["inner"]
	for _, one := range []struct{ what, got, want string }{
		{"trace", request.TraceID, strings.Split(parent, "-")[1]}, {"outer", outer.Parent, request.SpanID}, {"middle", middle.Parent, outer.SpanID}, {"inner", inner.Parent, middle.SpanID},
		{"renamed", spans["renamed"].Parent, outer.SpanID}, {"root", spans["root"].Parent, ""}, {"kind", outer.Kind, "client"}, {"status", inner.Status + inner.Message, "errorbroken"},
		{"the request's header", headers["request"], "00-" + request.TraceID + "-" + request.SpanID + "-01"}, {"the span's header", headers["inner"], "00-" + inner.TraceID + "-" + inner.SpanID + "-01"},
	} {
		if one.got != one.want {
			t.Errorf("%s: %q, expected %q", one.what, one.got, one.want)
		}
	}
	if spans["root"].TraceID == request.TraceID {
		t.Error("a new root is in the trace of the request")
	}
	if len(inner.Events) != 2 || inner.Events[0].Attributes["exception.message"] != "broken" || inner.Events[1].Attributes["c"] != true || outer.Attributes["a"] == nil {
		t.Error(inner.Events, outer.Attributes)
	}
}
