package spikard

import (
	"context"
	"sync"
)

// scope counts who of a test's function runs and who waits for the core, so that a virtual clock moves only when all wait.
type scope struct {
	mu      sync.Mutex
	running int
	rest    chan struct{} // closed when nobody runs
}

func newScope() *scope { return &scope{running: 1, rest: make(chan struct{})} }

func (s *scope) pause() {
	s.mu.Lock()
	if s.running--; s.running == 0 {
		close(s.rest)
	}
	s.mu.Unlock()
}

func (s *scope) resume() {
	s.mu.Lock()
	if s.running == 0 {
		s.rest = make(chan struct{})
	}
	s.running++
	s.mu.Unlock()
}

// atRest is closed when nobody runs; whether that is so now.
func (s *scope) atRest() (<-chan struct{}, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rest, s.running == 0
}

// Go starts a goroutine that belongs to whatever runs in this context. Under a test's virtual clock the clock stands still while it runs, which it cannot know
// of one that a go statement starts.
func Go(ctx context.Context, fn func()) {
	h := handlingOf(ctx)
	if h == nil || h.scope == nil {
		go fn()
		return
	}
	h.scope.resume()
	go func() {
		defer h.scope.pause()
		fn()
	}()
}

// Group is a sync.WaitGroup for goroutines that Go has started.
type Group struct {
	ctx  context.Context
	mu   sync.Mutex
	left int
	wait chan struct{}
}

// NewGroup is a group of goroutines that belong to a context.
func NewGroup(ctx context.Context) *Group { return &Group{ctx: ctx} }

// Go starts one.
func (g *Group) Go(fn func()) {
	g.mu.Lock()
	g.left++
	g.mu.Unlock()
	Go(g.ctx, func() {
		defer func() {
			g.mu.Lock()
			g.left--
			wait := g.wait
			if g.left == 0 && wait != nil {
				g.wait = nil
				if h := handlingOf(g.ctx); h != nil && h.scope != nil {
					h.scope.resume() // the one who waits, before this one is gone
				}
				close(wait)
			}
			g.mu.Unlock()
		}()
		fn()
	})
}

// Wait waits for all of them.
func (g *Group) Wait() {
	g.mu.Lock()
	if g.left == 0 {
		g.mu.Unlock()
		return
	}
	wait := make(chan struct{})
	g.wait = wait
	if h := handlingOf(g.ctx); h != nil && h.scope != nil {
		h.scope.pause()
	}
	g.mu.Unlock()
	<-wait
}
