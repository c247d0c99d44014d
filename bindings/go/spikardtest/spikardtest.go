// Package spikardtest runs an application in a test: under a virtual clock and with everything in memory (Start), or as it is (Serve).
//
//	func TestOrders(t *testing.T) {
//		test := spikardtest.Start(t, app)
//		test.Post("/orders", map[string]any{"item": "tea"}).Status(201)
//		test.Settle() // the message is handled, the task is done
//		test.Advance(30 * 24 * time.Hour)
//	}
package spikardtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
)

// Options of Start and Serve.
type Options struct {
	// Services replace the application's, by group and name: {"db": {"default": {"url": "postgres://..."}}}. Start puts everything else into memory.
	Services map[string]map[string]map[string]any
	// At is where the virtual clock begins; 2026-01-01T00:00:00Z when it is zero.
	At time.Time
	// Faults make operations of the clients fail, by chance but always the same for a seed.
	Faults *manifest.Faults
}

// App is an application that runs until the end of its test.
type App struct {
	*spikard.Server
	t      testing.TB
	client *http.Client
	once   sync.Once
	report spikard.Report
	err    error
}

// The environment tells the core that it is a test's.
var environment sync.Mutex

// Start runs an application under a virtual clock: its time moves only by Advance, through everything that comes due, in order.
func Start(t testing.TB, app *spikard.App, options ...Options) *App {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	environment.Lock()
	defer environment.Unlock()
	set(t, "SPIKARD_TEST", "1")
	at := o.At
	if at.IsZero() {
		at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	set(t, "SPIKARD_TEST_START", at.UTC().Format(time.RFC3339Nano))
	a := serve(t, app, func(m map[string]any) {
		m["clock"] = "virtual"
		if o.Faults != nil {
			m["faults"] = o.Faults
		}
		services, _ := m["services"].(map[string]any)
		if services == nil {
			services = map[string]any{}
			m["services"] = services
		}
		for group, url := range map[string]string{"cache": "memory:", "storage": "memory:", "db": "sqlite::memory:", "messaging": "memory:", "tasks": "memory:"} {
			clients, _ := services[group].(map[string]any)
			if clients == nil {
				clients = map[string]any{}
				services[group] = clients
			}
			if clients["default"] == nil {
				clients["default"] = map[string]any{}
			}
			for name := range o.Services[group] {
				if clients[name] == nil {
					clients[name] = map[string]any{}
				}
			}
			for name, config := range clients {
				own, _ := config.(map[string]any)
				// What shares a file, and with it transactions, shares it in memory as well.
				if known, _ := own["url"].(string); (group == "messaging" || group == "tasks") && strings.HasPrefix(known, "sqlite:") {
					own["url"] = "sqlite::memory:"
				} else {
					own["url"] = url
				}
				for key, value := range o.Services[group][name] {
					own[key] = value
				}
			}
		}
	})
	a.Settle()
	return a
}

// Serve runs an application as it is, on a free port of the loopback interface.
func Serve(t testing.TB, app *spikard.App) *App {
	t.Helper()
	return serve(t, app, func(map[string]any) {})
}

func set(t testing.TB, name, value string) {
	before, there := os.LookupEnv(name)
	os.Setenv(name, value)
	t.Cleanup(func() {
		if there {
			os.Setenv(name, before)
		} else {
			os.Unsetenv(name)
		}
	})
}

func serve(t testing.TB, app *spikard.App, adjust func(m map[string]any)) *App {
	t.Helper()
	server, err := app.Start(context.Background(), spikard.StartOptions{Manifest: func(m map[string]any) {
		if http, ok := m["http"].(map[string]any); ok {
			http["listeners"] = []any{map[string]any{"address": "127.0.0.1", "port": 0}}
		}
		adjust(m)
	}})
	if err != nil {
		t.Fatalf("the application does not start: %v", err)
	}
	transport := &http.Transport{}
	a := &App{Server: server, t: t, client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		a.once.Do(func() { a.report, a.err = server.Kill() })
	})
	return a
}

// URL of a path.
func (a *App) URL(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return fmt.Sprintf("http://127.0.0.1:%d%s", a.Port(), path)
}

// Stop drains and gives the report.
func (a *App) Stop() spikard.Report {
	a.t.Helper()
	a.once.Do(func() { a.report, a.err = a.Server.Stop() })
	if a.err != nil {
		a.t.Fatal(a.err)
	}
	return a.report
}

// Advance moves the clock, and returns when everything that can run then has run.
func (a *App) Advance(d time.Duration) {
	a.t.Helper()
	if err := a.Server.Advance(context.Background(), uint64(d/time.Millisecond)); err != nil {
		a.t.Fatal(err)
	}
}

// Settle returns when everything that can run at this time has run.
func (a *App) Settle() {
	a.t.Helper()
	if err := a.Server.Settle(context.Background()); err != nil {
		a.t.Fatal(err)
	}
}

// Do runs a function inside the application, to its end; what waits for time gets it. An error fails the test.
func (a *App) Do(fn func(ctx context.Context) error) {
	a.t.Helper()
	if err := a.Server.Do(context.Background(), fn); err != nil {
		a.t.Fatal(err)
	}
}

// Response is an answer, read to its end.
type Response struct {
	*http.Response
	Text string
	t    testing.TB
}

// Status fails the test when the answer has another one.
func (r *Response) Status(want int) *Response {
	r.t.Helper()
	if r.StatusCode != want {
		r.t.Fatalf("status %d, expected %d: %s", r.StatusCode, want, r.Text)
	}
	return r
}

// Decode reads the answer as JSON.
func (r *Response) Decode(into any) *Response {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.Text), into); err != nil {
		r.t.Fatalf("%v: %s", err, r.Text)
	}
	return r
}

// Send sends a request with header lines in pairs: body is nil, a string or []byte as it is, an io.Reader, or anything else as JSON.
func (a *App) Send(method, path string, body any, headers ...string) *Response {
	a.t.Helper()
	response := a.Stream(method, path, body, headers...)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return &Response{response, string(text), a.t}
}

// Stream sends a request and gives the answer when its head is there.
func (a *App) Stream(method, path string, body any, headers ...string) *http.Response {
	a.t.Helper()
	var reader io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	case io.Reader:
		reader = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			a.t.Fatal(err)
		}
		reader, kind = bytes.NewReader(text), "application/json"
	}
	request, err := http.NewRequest(method, a.URL(path), reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := a.client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	return response
}

// Get, Post and so on are Send with their method.
func (a *App) Get(path string, headers ...string) *Response {
	a.t.Helper()
	return a.Send("GET", path, nil, headers...)
}

// Post sends a body.
func (a *App) Post(path string, body any, headers ...string) *Response {
	a.t.Helper()
	return a.Send("POST", path, body, headers...)
}

// Patch sends a body.
func (a *App) Patch(path string, body any, headers ...string) *Response {
	a.t.Helper()
	return a.Send("PATCH", path, body, headers...)
}

// Put sends a body.
func (a *App) Put(path string, body any, headers ...string) *Response {
	a.t.Helper()
	return a.Send("PUT", path, body, headers...)
}
