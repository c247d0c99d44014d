package main

import (
	"context"
	"encoding/json"
	"sync"

	spikard "spikard.dev/go"
)

// What a follower that does not keep up may be behind; then it is let go, and its EventSource comes again.
const behind = 1000

// feed tells everyone who follows it in this process.
type feed struct {
	mu        sync.Mutex
	followers map[chan string]struct{}
}

func newFeed() *feed { return &feed{followers: map[chan string]struct{}{}} }

func (f *feed) tell(change string, o *order) {
	text, err := json.Marshal(map[string]any{"change": change, "order": o})
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for follower := range f.followers {
		select {
		case follower <- string(text):
		default:
			delete(f.followers, follower)
			close(follower)
		}
	}
}

func (f *feed) follow() (events chan string, end func()) {
	events = make(chan string, behind)
	f.mu.Lock()
	f.followers[events] = struct{}{}
	f.mu.Unlock()
	return events, func() {
		f.mu.Lock()
		delete(f.followers, events)
		f.mu.Unlock()
	}
}

func (s *service) follow(ctx context.Context, _ spikard.None) (*spikard.Response, error) {
	// Listening begins here, before the client hears that it is connected.
	events, end := s.feed.follow()
	stopping := spikard.Stopping(ctx)
	return &spikard.Response{MediaType: "text/event-stream", Header: [][2]string{{"cache-control", "no-cache"}}, Body: func(w *spikard.StreamWriter) error {
		defer end()
		if _, err := w.WriteString(": connected\n\n"); err != nil {
			return err
		}
		for {
			select {
			case <-w.Context().Done():
				return nil
			case <-stopping:
				_, err := w.WriteString("retry: 1000\n\n")
				return err
			case text, more := <-events:
				if !more {
					return nil
				}
				if err := w.Event(spikard.Event{Event: "order", Data: text}); err != nil {
					return err
				}
			}
		}
	}}, nil
}
