package spikard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
	"spikard.dev/go/spikardtest"
)

type item struct {
	_        struct{} `additional:"false"`
	SKU      string   `json:"sku" pattern:"^[A-Z]{3}-[0-9]{4}$"`
	Quantity int      `json:"quantity" validate:"min=1,max=1000"`
	Price    float64  `json:"price" validate:"gte=0"`
}

type order struct {
	Items []item  `json:"items" validate:"min=1,max=50"`
	Note  *string `json:"note" validate:"max=10"`
}

func quiet() spikard.AppOption {
	return spikard.WithConfig(manifest.Manifest{Log: manifest.Log{Level: manifest.LogLevelOff}})
}

func TestTypedParametersAndBody(t *testing.T) {
	app := spikard.New("typed", quiet())
	spikard.Get(app, "/users/{id:int}", func(_ context.Context, in struct {
		ID      int64    `path:"id"`
		Verbose bool     `query:"verbose" default:"true"`
		Tags    []string `query:"tag" default:"[]"`
		Trace   *string  `header:"x-trace"`
	}) (map[string]any, error) {
		return map[string]any{"id": in.ID, "verbose": in.Verbose, "tags": in.Tags, "trace": in.Trace}, nil
	})
	spikard.Post(app, "/orders", func(_ context.Context, in spikard.Body[order]) (order, error) { return in.Value, nil }, spikard.Status(201))
	test := spikardtest.Serve(t, app)
	if got := test.Get("/users/7?verbose=0&tag=a&tag=b", "x-trace", "t").Status(200).Text; got != `{"id":7,"tags":["a","b"],"trace":"t","verbose":false}` {
		t.Error(got)
	}
	if got := test.Get("/users/9223372036854775807").Status(200).Text; got != `{"id":9223372036854775807,"tags":[],"trace":null,"verbose":true}` {
		t.Error(got)
	}
	if got := test.Post("/orders", `{"items":[{"sku":"ABC-0001","quantity":2,"price":9}],"note":"<&>"}`, "content-type", "application/json").Status(201).Text; got != `{"items":[{"sku":"ABC-0001","quantity":2,"price":9.0}],"note":"<&>"}` {
		t.Error(got)
	}
	var problem struct {
		Errors []struct {
			Type string   `json:"type"`
			Loc  []string `json:"loc"`
		} `json:"errors"`
	}
	test.Post("/orders", map[string]any{"items": []any{map[string]any{"sku": "x", "quantity": 0, "price": -1, "more": 1}}, "note": "longer than ten"}).Status(422).Decode(&problem)
	var types []string
	for _, e := range problem.Errors {
		types = append(types, e.Type+" "+strings.Join(e.Loc, "."))
	}
	want := "validation_error body.items.0.more,greater_than_equal body.items.0.price,greater_than_equal body.items.0.quantity,string_pattern_mismatch body.items.0.sku,string_too_long body.note"
	if got := strings.Join(types, ","); got != want {
		t.Error(got)
	}
	test.Get("/users/x").Status(422)
	test.Send("DELETE", "/users/7", nil).Status(405)
}

func TestProblemsAndFailuresDoNotLeak(t *testing.T) {
	app := spikard.New("problems", quiet())
	spikard.Get(app, "/none", func(context.Context, spikard.None) (spikard.None, error) {
		return spikard.None{}, spikard.Problemf(404, "No order %d", 7)
	})
	spikard.Get(app, "/secret", func(context.Context, spikard.None) (string, error) { return "", errors.New("the password is hunter2") })
	spikard.Get(app, "/panic", func(context.Context, spikard.None) (string, error) { panic("the password is hunter2") })
	seen := make(chan error, 2)
	for range 2 { // each hook hears why
		app.Hook(spikard.OnError, func(_ context.Context, d *spikard.Draft) (any, error) { seen <- d.Err(); return nil, nil })
	}
	test := spikardtest.Serve(t, app)
	if got := test.Get("/none").Status(404).Text; got != `{"type":"https://spikard.dev/problems/not-found","title":"Not Found","status":404,"detail":"No order 7"}` {
		t.Error(got)
	}
	for _, path := range []string{"/secret", "/panic"} {
		if got := test.Get(path).Status(500).Text; strings.Contains(got, "hunter2") || strings.Contains(got, "goroutine") {
			t.Error(got)
		}
		for range 2 {
			if err := <-seen; err == nil || !strings.Contains(err.Error(), "hunter2") {
				t.Error("OnError has not seen it:", err)
			}
		}
	}
}

func TestOutOfOrderCompletion(t *testing.T) {
	app := spikard.New("order", quiet())
	gates := map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{}), "c": make(chan struct{})}
	entered := make(chan string, 3)
	spikard.Get(app, "/{name}", func(_ context.Context, in struct {
		Name string `path:"name"`
	}) (string, error) {
		entered <- in.Name
		<-gates[in.Name]
		return in.Name, nil
	})
	test := spikardtest.Serve(t, app)
	answered := make(chan string, 3)
	for name := range gates {
		go func() { answered <- test.Get("/" + name).Text }()
	}
	for range gates {
		<-entered
	}
	for _, name := range []string{"c", "a", "b"} {
		close(gates[name])
		if got := <-answered; got != name {
			t.Errorf("answered %s, expected %s", got, name)
		}
	}
}

func TestClientDisconnectCancels(t *testing.T) {
	app := spikard.New("gone", quiet())
	entered, cause := make(chan struct{}), make(chan error, 1)
	spikard.Get(app, "/wait", func(ctx context.Context, _ spikard.None) (string, error) {
		close(entered)
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return "", ctx.Err()
	})
	test := spikardtest.Serve(t, app)
	c, err := net.Dial("tcp", strings.TrimPrefix(test.URL(""), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	c.Close()
	if got := <-cause; !errors.Is(got, spikard.ErrClientGone) {
		t.Error(got)
	}
}

// A client that has gone while its handler works: what fails then is of nobody's interest, and the next requests are answered.
func TestCancellationBesideCompletion(t *testing.T) {
	app := spikard.New("beside", quiet())
	entered, gate := make(chan struct{}), make(chan struct{})
	spikard.Get(app, "/wait", func(ctx context.Context, _ spikard.None) (string, error) {
		entered <- struct{}{}
		<-gate
		return "late", ctx.Err()
	})
	spikard.Get(app, "/", func(context.Context, spikard.None) (string, error) { return "ok", nil })
	test := spikardtest.Serve(t, app)
	for range 50 {
		c, err := net.Dial("tcp", strings.TrimPrefix(test.URL(""), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		<-entered
		done := make(chan struct{})
		go func() { c.Close(); close(done) }()
		gate <- struct{}{}
		<-done
		if got := test.Get("/").Text; got != "ok" {
			t.Fatal(got)
		}
	}
	if report := test.Stop(); report.ExitCode != 0 {
		t.Error(string(report.Raw))
	}
}

func TestAHandlerThatEndsItsGoroutineIsAFailure(t *testing.T) {
	app := spikard.New("goexit", quiet())
	spikard.Get(app, "/", func(context.Context, spikard.None) (string, error) { runtime.Goexit(); return "", nil })
	test := spikardtest.Serve(t, app)
	test.Get("/").Status(500)
}

func TestEveryBackgroundTaskRunsOnceBeforeTheEnd(t *testing.T) {
	app := spikard.New("background", quiet())
	const each, requests = 3, 200
	ran := make(chan int, 2*each*requests)
	spikard.Get(app, "/{n:int}", func(ctx context.Context, in struct {
		N int `path:"n"`
	}) (spikard.None, error) {
		for i := range each {
			spikard.Background(ctx, func(context.Context) error { ran <- in.N*each + i; return nil })
		}
		return spikard.None{}, nil
	}, spikard.Status(204))
	test := spikardtest.Serve(t, app)
	for n := range requests {
		test.Get("/" + strconv.Itoa(n)).Status(204)
	}
	test.Stop()
	close(ran)
	seen := map[int]bool{}
	count := 0
	for n := range ran {
		seen[n] = true
		count++
	}
	if count != each*requests || len(seen) != count {
		t.Error(count, "ran,", len(seen), "of them different")
	}
}

func TestTimeoutOnTheVirtualClock(t *testing.T) {
	app := spikard.New("timeout", quiet())
	entered, cause := make(chan struct{}), make(chan error, 1)
	spikard.Get(app, "/slow", func(ctx context.Context, _ spikard.None) (string, error) {
		close(entered)
		err := spikard.Sleep(ctx, time.Hour)
		cause <- err
		return "", err
	}, spikard.TimeoutMs(1000))
	test := spikardtest.Start(t, app)
	done := make(chan *spikardtest.Response)
	go func() { done <- test.Get("/slow") }()
	<-entered
	test.Advance(time.Minute)
	(<-done).Status(408)
	if got := <-cause; !errors.Is(got, spikard.ErrDeadline) || !errors.Is(got, context.DeadlineExceeded) {
		t.Error(got)
	}
}

func TestStreamsBothWays(t *testing.T) {
	app := spikard.New("streams", quiet())
	spikard.Put(app, "/echo", func(ctx context.Context, in struct {
		Body io.Reader `body:"stream"`
	}) (*spikard.Response, error) {
		all, err := io.ReadAll(in.Body)
		return &spikard.Response{MediaType: "text/plain", Body: strings.NewReader(string(all))}, err
	})
	app.Handle("GET", "/events", func(context.Context, *spikard.Request) (any, error) {
		return spikard.Events(func(yield func(spikard.Event) bool) {
			_ = yield(spikard.Event{Event: "a", Data: "1\n2", ID: "7"}) && yield(spikard.Event{Data: "end"})
		}), nil
	})
	test := spikardtest.Serve(t, app)
	big := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB: through many credits
	if got := test.Put("/echo", big).Status(200).Text; got != big {
		t.Errorf("%d bytes came back of %d", len(got), len(big))
	}
	if got := test.Get("/events").Text; got != "event: a\nid: 7\ndata: 1\ndata: 2\n\ndata: end\n\n" {
		t.Errorf("%q", got)
	}
}

func TestDependenciesHooksAndBackground(t *testing.T) {
	app := spikard.New("di", quiet())
	var mu sync.Mutex
	var trace []string
	note := func(text string) { mu.Lock(); trace = append(trace, text); mu.Unlock() }
	app.Value("prefix", "p-")
	spikard.Provide(app, "session", spikard.PerRequest, func(_ context.Context, in struct {
		Prefix string `inject:"prefix"`
	}) (*strings.Builder, spikard.Cleanup, error) {
		note("open")
		b := &strings.Builder{}
		b.WriteString(in.Prefix)
		return b, func(context.Context) error { note("close"); return nil }, nil
	})
	app.Hook(spikard.PreHandler, func(_ context.Context, d *spikard.Draft) (any, error) {
		d.Set("user", map[string]any{"name": "Ada"})
		d.SetHeader("x-hook", "yes")
		return nil, nil
	})
	ran := make(chan string, 1)
	spikard.Get(app, "/", func(ctx context.Context, in struct {
		Session *strings.Builder `inject:"session"`
		User    struct {
			Name string `json:"name"`
		} `context:"user"`
		Request *spikard.Request
	}) (string, error) {
		note("handle")
		in.Request.Background(func(context.Context) error { ran <- in.User.Name; return nil })
		return in.Session.String() + in.User.Name + in.Request.Path(), nil
	})
	test := spikardtest.Serve(t, app)
	r := test.Get("/").Status(200)
	if r.Text != "p-Ada/" || r.Header.Get("x-hook") != "yes" {
		t.Error(r.Text, r.Header)
	}
	if got := <-ran; got != "Ada" {
		t.Error(got)
	}
	if report := test.Stop(); report.ExitCode != 0 {
		t.Error(string(report.Raw))
	}
	if got := strings.Join(trace, " "); got != "open handle close" {
		t.Error(got)
	}
}

// A request that is kept after its answer, while many others use its memory again.
func TestARequestMayBeKept(t *testing.T) {
	app := spikard.New("kept", quiet())
	var kept *spikard.Request
	app.Handle("GET", "/{name}", func(_ context.Context, r *spikard.Request) (any, error) {
		if r.Path() == "/first" {
			kept = r
		}
		return nil, nil
	})
	test := spikardtest.Serve(t, app)
	test.Get("/first?q=1", "x-a", "b").Status(204)
	for range 100 {
		test.Get("/other", "x-a", "c").Status(204)
	}
	if value, _ := kept.Header("x-a"); value != "b" || kept.Query() != "q=1" || kept.Path() != "/first" {
		t.Error(kept.Path(), kept.Query(), value)
	}
}

func TestDrainUnderLoadAnswersEverything(t *testing.T) {
	app := spikard.New("drain", quiet(), spikard.WithPorts(2))
	entered, gate := make(chan struct{}, 32), make(chan struct{})
	spikard.Get(app, "/", func(context.Context, spikard.None) (string, error) {
		entered <- struct{}{}
		<-gate
		return "done", nil
	})
	test := spikardtest.Serve(t, app)
	answers := make(chan string, 32)
	for range 32 {
		go func() { answers <- test.Get("/").Text }()
	}
	for range 32 {
		<-entered
	}
	if err := test.Drain(); err != nil {
		t.Fatal(err)
	}
	<-spikard.Stopping(test.Context(context.Background()))
	close(gate)
	for range 32 {
		if got := <-answers; got != "done" {
			t.Error(got)
		}
	}
	if report := test.Stop(); report.ExitCode != 0 {
		t.Error(string(report.Raw))
	}
}

func TestAWrongApplicationIsRefused(t *testing.T) {
	app := spikard.New("wrong", quiet())
	spikard.Get(app, "/{id}", func(context.Context, struct {
		ID string `inject:"nowhere"`
	}) (string, error) {
		return "", nil
	})
	_, err := app.Start(context.Background(), spikard.StartOptions{})
	var config *spikard.ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}
