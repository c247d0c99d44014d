package spikard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"spikard.dev/go/internal/raw"
	"spikard.dev/go/manifest"
)

func started(t *testing.T, fill func(a *App)) *Server {
	t.Helper()
	app := New("inside", WithConfig(manifest.Manifest{Log: manifest.Log{Level: manifest.LogLevelOff}}))
	fill(app)
	s, err := app.Start(context.Background(), StartOptions{Manifest: func(m map[string]any) {
		if http, ok := m["http"].(map[string]any); ok {
			http["listeners"] = []any{map[string]any{"address": "127.0.0.1", "port": 0}}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	return s
}

func fetch(t *testing.T, s *Server, path string) int {
	t.Helper()
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", s.Port(), path))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return response.StatusCode
}

// A handler that ends when the port is closed: nobody takes its answer, and nothing goes round and round to send it.
func TestWhatIsSentAfterTheEndIsForgotten(t *testing.T) {
	s := started(t, func(a *App) { Get(a, "/", func(context.Context, None) (None, error) { return None{}, nil }) })
	p := s.r.ports[0]
	if _, err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	p.send(raw.Cmd{Op: raw.CmdAck, ID: 7}, nil, []byte("late"))
	if p.active.Load() || !p.empty() {
		t.Error("active:", p.active.Load(), "empty:", p.empty())
	}
	if err := s.Drain(); !errors.Is(err, raw.ErrClosed) {
		t.Error(err)
	}
}

// Drains come from signals, which know nothing of the end.
func TestDrainsBesideTheEnd(t *testing.T) {
	for range 20 {
		s := started(t, func(a *App) { Get(a, "/", func(context.Context, None) (None, error) { return None{}, nil }) })
		done := make(chan struct{}, 4)
		for range 4 {
			go func() { s.Drain(); done <- struct{}{} }()
		}
		s.Stop()
		for range 4 {
			<-done
		}
	}
}

// Why a request failed is kept for its OnError hooks only, however many fail.
func TestFailuresAreNotKept(t *testing.T) {
	var seen atomic.Int64
	s := started(t, func(a *App) {
		Get(a, "/", func(context.Context, None) (None, error) { return None{}, errors.New("no") })
		a.Hook(OnError, func(_ context.Context, d *Draft) (any, error) {
			if d.Err() != nil {
				seen.Add(1)
			}
			return nil, nil
		})
	})
	for range 100 {
		if status := fetch(t, s, "/"); status != 500 {
			t.Fatal(status)
		}
	}
	left := 0
	s.r.failures.Range(func(any, any) bool { left++; return true })
	if left != 0 || seen.Load() != 100 {
		t.Error(left, "are kept,", seen.Load(), "were seen")
	}
}
