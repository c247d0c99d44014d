package spikard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

	"spikard.dev/go/internal/raw"
)

// Run serves until SIGTERM or SIGINT, then drains, and returns the exit code: 0 when nothing was abandoned. spikard.toml, PORT and SPIKARD_... of the environment are laid over
// what the code says. With SPIKARD_PRINT_MANIFEST=1 it prints the manifest instead. A second signal cuts the drain short.
//
//	func main() { os.Exit(app.Run()) }
func (a *App) Run() int {
	b, err := a.build()
	if err == nil && os.Getenv("SPIKARD_PRINT_MANIFEST") == "1" {
		var text []byte
		if text, err = json.Marshal(b.manifest); err == nil {
			fmt.Println(string(text))
			return 0
		}
	}
	var r *Runtime
	if err == nil {
		r, err = open(b, true, b.ports)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		var config *ConfigError
		if errors.As(err, &config) {
			return 78
		}
		return 1
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	go func() {
		for {
			select {
			case <-signals:
				r.app.Drain(raw.DrainDefault)
			case <-r.over:
				return
			}
		}
	}()
	if err := r.serve(context.Background(), func() {}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return r.report.ExitCode
}

// Server is an application that serves beside other code: in tests, or embedded in another program.
type Server struct {
	r    *Runtime
	done chan struct{}
	err  error

	draining atomic.Bool
}

// StartOptions are options of Start.
type StartOptions struct {
	// Configured lays spikard.toml and the environment over the application, as Run does.
	Configured bool
	// Manifest changes the manifest before it is opened.
	Manifest func(m map[string]any)
}

// Start serves until Stop. No signal is handled.
func (a *App) Start(ctx context.Context, options StartOptions) (*Server, error) {
	b, err := a.build()
	if err != nil {
		return nil, err
	}
	if options.Manifest != nil {
		options.Manifest(b.manifest)
	}
	r, err := open(b, options.Configured, b.ports)
	if err != nil {
		return nil, err
	}
	s := &Server{r: r, done: make(chan struct{})}
	started := make(chan struct{})
	go func() {
		s.err = r.serve(ctx, func() { close(started) })
		close(s.done)
	}()
	select {
	case <-started:
		return s, nil
	case <-s.done:
		return nil, s.err
	}
}

// Addresses that were bound.
func (s *Server) Addresses() []string { return s.r.address }

// Port of the first TCP address; 0 where there is none.
func (s *Server) Port() int {
	for _, address := range s.r.address {
		if _, port, err := net.SplitHostPort(address); err == nil {
			n, _ := strconv.Atoi(port)
			return n
		}
	}
	return 0
}

// Context is one in which clients use this application.
func (s *Server) Context(parent context.Context) context.Context { return s.r.Context(parent) }

// Drain begins the graceful end without waiting for it; a second call cuts it short.
func (s *Server) Drain() error {
	s.draining.Store(true)
	return s.r.app.Drain(raw.DrainDefault)
}

// Stop drains, where Drain has not begun that, waits for the end and gives the report.
func (s *Server) Stop() (Report, error) {
	select {
	case <-s.done:
	default:
		if s.draining.CompareAndSwap(false, true) {
			if err := s.Drain(); err != nil && !errors.Is(err, raw.ErrClosed) {
				return Report{}, err
			}
		}
		<-s.done
	}
	return s.r.report, s.err
}

// Kill is Stop that waits for nothing in flight.
func (s *Server) Kill() (Report, error) {
	select {
	case <-s.done:
	default:
		s.Drain()
		s.Drain()
		<-s.done
	}
	return s.r.report, s.err
}

// operation is one of the port's own.
func (r *Runtime) operation(ctx context.Context, number int, fill func(a *arguments)) (Value, error) {
	a := newArguments()
	fill(a)
	p := r.ports[0]
	record, err := p.wait(ctx, nil, raw.Cmd{Op: raw.CmdCall, Arg: uint64(number)}, "", a.finish(), nil)
	if err == nil {
		err = errorOf(record)
	}
	return nodesOf(record), err
}

// Advance moves a virtual clock, and returns when everything that can run then has run.
func (s *Server) Advance(ctx context.Context, ms uint64) error {
	_, err := s.r.operation(ctx, raw.OpTestAdvance, func(a *arguments) { a.Uint("ms", ms) })
	return err
}

// Settle returns when everything that can run at this time of a virtual clock has run.
func (s *Server) Settle(ctx context.Context) error {
	_, err := s.r.operation(ctx, raw.OpTestSettle, func(*arguments) {})
	return err
}

// Faults are those that were made so far, of a manifest with faults.
func (s *Server) Faults(ctx context.Context) (Value, error) {
	v, err := s.r.operation(ctx, raw.OpTestFaults, func(*arguments) {})
	return v.Member("faults"), err
}

// Do runs a function inside the application, to its end and to the end of all that it has begun. What waits for time gets it where the clock is virtual: it moves a
// millisecond at a time, only as far as the function waits for it. Goroutines of the function are started by Go or a Group.
func (s *Server) Do(ctx context.Context, fn func(ctx context.Context) error) error {
	if !s.r.virtual {
		return protect(func() error { return fn(s.r.Context(ctx)) })
	}
	within := &handling{p: s.r.ports[0], parent: ctx, scope: newScope()}
	done := make(chan error, 1)
	go func() {
		err := protect(func() error { return fn(within) })
		done <- err
		within.scope.pause()
	}()
	for {
		rest, _ := within.scope.atRest()
		<-rest
		select {
		case err := <-done:
			return errors.Join(err, s.Settle(ctx))
		default:
		}
		if err := s.Settle(ctx); err != nil {
			return err
		}
		if now, resting := within.scope.atRest(); !resting || now != rest {
			continue // it goes on by itself
		}
		select {
		case err := <-done:
			return errors.Join(err, s.Settle(ctx))
		default:
		}
		if err := s.Advance(ctx, 1); err != nil {
			return err
		}
	}
}
