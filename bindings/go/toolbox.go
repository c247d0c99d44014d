package spikard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/url"
	"time"

	"spikard.dev/go/internal/raw"
	"spikard.dev/go/manifest"
)

// service notes a client and its configuration.
func (a *App) service(group, name string, config any) {
	if a.services[group] == nil {
		a.services[group] = map[string]map[string]any{}
	}
	if config == nil && name == "default" {
		return
	}
	if a.services[group][name] == nil {
		a.services[group][name] = map[string]any{}
	}
	if config != nil {
		plain, err := plainOf(config)
		if err != nil {
			a.note(err)
			return
		}
		if members, ok := plain.(map[string]any); ok {
			merge(a.services[group][name], members)
		}
	}
}

func named(name []string) string {
	if len(name) > 0 && name[0] != "" {
		return name[0]
	}
	return "default"
}

// ---- cache

// Cache is a cache. Values are bytes.
type Cache struct{ CacheClient }

// Cache is a client for the application's code, with its configuration in the manifest.
func (a *App) Cache(config manifest.CacheConfig, name ...string) Cache {
	a.service("cache", named(name), config)
	return CacheNamed(named(name))
}

// CacheNamed is a client of a cache by its name in `services`.
func CacheNamed(name string) Cache { return Cache{CacheClient{client{group: "cache", name: name}}} }

// Namespaced is the same cache with keys that are other keys than those of another namespace.
func (c Cache) Namespaced(namespace string) Cache {
	c.namespace = namespace
	return c
}

// Loader gives the value of a key; nil when there is nothing to find.
type Loader func(ctx context.Context) ([]byte, error)

// GetOrLoad is the value, loaded when it is not there. One caller loads a key at a time, the others wait for it. Nil: there is nothing to find.
func (c Cache) GetOrLoad(ctx context.Context, key string, load Loader, options ...CacheGetOrBeginLoadOptions) ([]byte, error) {
	begun, err := c.GetOrBeginLoad(ctx, key, options...)
	if err != nil {
		return nil, err
	}
	if begun.State != "value" {
		return c.load(ctx, *begun.Flight, load)
	}
	if begun.Flight != nil {
		flight := *begun.Flight
		background := context.WithoutCancel(ctx)
		if p, _, err := where(ctx); err == nil {
			background = &handling{p: p}
		}
		Go(ctx, func() { c.load(background, flight, load) })
	}
	return begun.Value, nil
}

func (c Cache) load(ctx context.Context, flight uint64, load Loader) ([]byte, error) {
	var value []byte
	err := protect(func() (err error) { value, err = load(ctx); return err })
	if ctx.Err() != nil {
		p, _, missing := where(ctx)
		if missing == nil {
			c.EndLoad(&handling{p: p}, flight, "given_up")
		}
		return nil, context.Cause(ctx)
	}
	if err != nil {
		old, failed := c.EndLoad(ctx, flight, "failed", CacheEndLoadOptions{Message: err.Error()})
		if failed != nil {
			return nil, errors.Join(failed, err)
		}
		return old, nil
	}
	if value == nil {
		return c.EndLoad(ctx, flight, "absent")
	}
	return c.EndLoad(ctx, flight, "value", CacheEndLoadOptions{Value: value})
}

// ---- storage

// Storage is a store of objects.
type Storage struct{ StorageClient }

// Storage is a client for the application's code.
func (a *App) Storage(config manifest.StorageConfig, name ...string) Storage {
	a.service("storage", named(name), config)
	return StorageNamed(named(name))
}

// StorageNamed is a client of a store by its name in `services`.
func StorageNamed(name string) Storage {
	return Storage{StorageClient{client{group: "storage", name: name}}}
}

// Object is what is known of an object.
type Object struct {
	Key                string            `json:"key"`
	Size               uint64            `json:"size"`
	ETag               string            `json:"etag"`
	LastModified       int64             `json:"last_modified"`
	ContentType        *string           `json:"content_type,omitempty"`
	CacheControl       *string           `json:"cache_control,omitempty"`
	ContentDisposition *string           `json:"content_disposition,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
}

// ReadAll is the bytes of an object.
func (s Storage) ReadAll(ctx context.Context, key string) ([]byte, error) {
	r, err := s.Read(ctx, key)
	return r.Data, err
}

// StatObject is what is known of an object.
func (s Storage) StatObject(ctx context.Context, key string) (Object, error) {
	var object Object
	v, err := s.Stat(ctx, key)
	if err == nil {
		err = v.Decode(&object)
	}
	return object, err
}

// All are the objects below a prefix, page by page. It ends with the first error.
func (s Storage) All(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var token *string
		for {
			page, err := s.List(ctx, StorageListOptions{Prefix: prefix, Token: token})
			if err != nil {
				yield(Object{}, err)
				return
			}
			var objects []Object
			if err := page.Entries.Decode(&objects); err != nil {
				yield(Object{}, err)
				return
			}
			for _, object := range objects {
				if !yield(object, nil) {
					return
				}
			}
			if token = page.Next; token == nil {
				return
			}
		}
	}
}

// Served is an answer that the core makes by itself: its bytes do not come to Go.
type Served struct {
	client    client
	operation int
	status    int
	arguments func() *arguments
}

func (s *Served) served(p *port) (int, int, *arguments, int, error) {
	number, err := p.r.number(s.client.group, s.client.name)
	a := s.arguments()
	return s.operation, number, a, s.status, errors.Join(err, a.err)
}

// Serve is an object as the answer of a handler, with ETag, conditions and ranges; one that is not there is a 404.
func (s Storage) Serve(key string) *Served {
	return &Served{s.client, raw.OpStorageReadStream, 0, func() *arguments { a := newArguments(); a.Text("key", key); return a }}
}

// Accept stores the body of a request, which the handler has not read, and answers 201.
func (s Storage) Accept(key string) *Served {
	return &Served{s.client, raw.OpStorageWriteStream, 201, func() *arguments { a := newArguments(); a.Text("key", key); return a }}
}

// ---- messaging

// Messaging is a message broker.
type Messaging struct{ MessagingClient }

// Messaging is a client for the application's code.
func (a *App) Messaging(config manifest.MessagingConfig, name ...string) Messaging {
	a.service("messaging", named(name), config)
	return MessagingNamed(named(name))
}

// MessagingNamed is a client of a broker by its name in `services`.
func MessagingNamed(name string) Messaging {
	return Messaging{MessagingClient{client{group: "messaging", name: name}}}
}

// Send publishes a value: text and bytes as they are, anything else as JSON.
func (m Messaging) Send(ctx context.Context, topic string, value any, options ...MessagingPublishOptions) (*uint64, error) {
	payload, err := payloadOf(value)
	if err != nil {
		return nil, err
	}
	return m.Publish(ctx, topic, payload, options...)
}

func payloadOf(value any) ([]byte, error) {
	switch v := value.(type) {
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// ---- tasks, cron, events, telemetry

// Tasks is a store of tasks.
type Tasks struct{ TasksClient }

// Tasks is a client for the application's code.
func (a *App) Tasks(config manifest.TasksConfig, name ...string) Tasks {
	a.service("tasks", named(name), config)
	return TasksNamed(named(name))
}

// TasksNamed is a client of a store of tasks by its name in `services`.
func TasksNamed(name string) Tasks { return Tasks{TasksClient{client{group: "tasks", name: name}}} }

// Cron says what cron expressions mean.
type Cron struct{ CronClient }

// NewCron is a client of cron expressions.
func NewCron() Cron { return Cron{CronClient{client{group: "cron", name: "default"}}} }

// CloudEvents sends events where `services.events` says, and reads and writes messages of them.
type CloudEvents struct{ CloudEventsClient }

// CloudEvents is a client for the application's code.
func (a *App) CloudEvents(config manifest.EventSender, name ...string) CloudEvents {
	a.service("events", named(name), config)
	return CloudEventsNamed(named(name))
}

// CloudEventsNamed is a client of a sender of events by its name in `services`.
func CloudEventsNamed(name string) CloudEvents {
	return CloudEvents{CloudEventsClient{client{group: "cloudevents", name: name}}}
}

// Telemetry has metrics of the application's own, and what became of its telemetry.
type Telemetry struct{ TelemetryClient }

// NewTelemetry is a client of the application's telemetry.
func NewTelemetry() Telemetry {
	return Telemetry{TelemetryClient{client{group: "telemetry", name: "default"}}}
}

var (
	_ io.ReadCloser = (*Stream[int])(nil)
	_               = url.Parse
	_               = time.Second
)
