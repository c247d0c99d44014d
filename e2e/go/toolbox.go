package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	spikard "spikard.dev/go"
)

// ---- value forms

// unpacked is `$bytes` as bytes, at any depth; numbers as Go's own.
func unpacked(value any) any {
	switch v := value.(type) {
	case object:
		if b, ok := v["$bytes"]; ok && len(v) == 1 {
			data, _ := base64.StdEncoding.DecodeString(text(b))
			return data
		}
		out := object{}
		for key, one := range v {
			out[key] = unpacked(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = unpacked(one)
		}
		return out
	}
	return value
}

// packed is a result as the protocol has it.
func packed(value any) any {
	switch v := value.(type) {
	case []byte:
		if v == nil {
			return nil
		}
		return object{"$bytes": base64.StdEncoding.EncodeToString(v)}
	case spikard.Value:
		return packed(v.Any())
	case spikard.Decimal:
		return object{"$decimal": string(v)}
	case time.Time:
		return object{"$timestamp": v.UTC().Format(time.RFC3339Nano)}
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return object{"$decimal": string(v)}
		}
		return object{"$int64": string(v)}
	case int64:
		if v > 1<<53 || v < -(1<<53) {
			return object{"$int64": fmt.Sprint(v)}
		}
		return v
	case uint64:
		if v > 1<<53 {
			return object{"$int64": fmt.Sprint(v)}
		}
		return v
	case object:
		out := object{}
		for key, one := range v {
			out[key] = packed(one)
		}
		return out
	case []object:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = packed(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = packed(one)
		}
		return out
	case [][]byte:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = packed(one)
		}
		return out
	}
	return value
}

func milliseconds(value any) time.Duration {
	ms := whole(value)
	if ms == 0 {
		return spikard.Immediately
	}
	return time.Duration(ms) * time.Millisecond
}

func bytesOf(value any) []byte {
	switch v := value.(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	}
	return nil
}

func optionalText(value any) *string {
	if s, ok := value.(string); ok {
		return &s
	}
	return nil
}

func optionalUint(value any) *uint64 {
	if value == nil {
		return nil
	}
	return spikard.Ptr(uint64(whole(value)))
}

func optionalUint32(value any) *uint32 {
	if value == nil {
		return nil
	}
	return spikard.Ptr(uint32(whole(value)))
}

func texts(value any) []string {
	var out []string
	for _, one := range list(value) {
		out = append(out, text(one))
	}
	return out
}

// ---- handler scripts

// script: the nth delivery of a payload, or the nth run of a task, takes the nth entry of its sequence, then the default.
type script struct {
	mu    sync.Mutex
	spec  object
	taken map[string]int
}

func newScript(spec object) (*script, error) {
	return &script{spec: spec, taken: map[string]int{}}, only(spec, "default known outcomes", "handler")
}

func (s *script) next(name string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range list(s.spec["outcomes"]) {
		o := members(one)
		if o["payload"] == name || o["task"] == name {
			n := s.taken[name]
			s.taken[name]++
			if sequence := list(o["sequence"]); n < len(sequence) {
				return sequence[n]
			}
			break
		}
	}
	return s.spec["default"]
}

// handled is what a consumer or worker has done, and how much at once.
type handled struct {
	mu            sync.Mutex
	done          []object
	now, most     int
	cancellations int
	dead          bool
	active        map[context.Context]chan struct{}
}

// begin waits for those that were cut off just before: they hear of it first.
func (d *handled) begin(ctx context.Context) (end func()) {
	over := make(chan struct{})
	d.mu.Lock()
	var cut []chan struct{}
	for other, ended := range d.active {
		if other.Err() != nil {
			cut = append(cut, ended)
		}
	}
	if d.active == nil {
		d.active = map[context.Context]chan struct{}{}
	}
	d.active[ctx] = over
	d.mu.Unlock()
	for _, ended := range cut {
		<-ended
	}
	return func() {
		d.mu.Lock()
		delete(d.active, ctx)
		d.mu.Unlock()
		close(over)
	}
}

func (d *handled) settled(what object, outcome string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := object{"outcome": outcome}
	for key, value := range what {
		out[key] = value
	}
	d.done = append(d.done, out)
}

func (d *handled) run(ctx context.Context, entry any, what object) (any, error) {
	defer d.begin(ctx)()
	d.mu.Lock()
	d.now++
	d.most = max(d.most, d.now)
	d.mu.Unlock()
	var err error
	for {
		o, ok := entry.(object)
		if !ok || o["sleep_ms"] == nil {
			break
		}
		if err = spikard.Sleep(ctx, time.Duration(whole(o["sleep_ms"]))*time.Millisecond); err != nil {
			break
		}
		entry = o["then"]
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	d.mu.Lock()
	d.now--
	dead := d.dead
	if err != nil {
		d.cancellations++
	}
	d.mu.Unlock()
	if err != nil {
		if errors.Is(err, spikard.ErrDeadline) && !dead {
			d.settled(what, "timeout")
		}
		return nil, err
	}
	if dead {
		return nil, nil
	}
	switch o := entry.(type) {
	case string:
		if o == "ack" {
			d.settled(what, "ack")
			return nil, nil
		}
		d.settled(what, "error")
		return nil, errors.New("the script threw")
	case object:
		for kind, argument := range o {
			switch kind {
			case "nack":
				d.settled(what, "nack")
				requeue, _ := members(argument)["requeue"].(bool)
				return nil, spikard.Nack(requeue)
			case "retry":
				d.settled(what, "retry")
				return nil, spikard.Retry(time.Duration(whole(members(argument)["after_ms"])) * time.Millisecond)
			case "fatal":
				d.settled(what, "fatal")
				return nil, spikard.Fatal(errors.New(text(argument)))
			case "result":
				d.settled(what, "done")
				return argument, nil
			}
		}
	}
	return nil, &notBuilt{fmt.Sprint("outcome ", entry)}
}

func (d *handled) list() []any {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []any{}
	for _, one := range d.done {
		out = append(out, one)
	}
	return out
}

// ---- drivers

// driver is one client of a case.
type driver interface {
	services(config object, folder string) (object, error)
	open(ctx context.Context) error
	do(ctx context.Context, op string, args object) (any, error)
	close(ctx context.Context)
	capabilities() []string
	realTime() bool
}

type driverKind struct {
	backends func() []string
	make     func() driver
}

func setting(name string) string { return os.Getenv("SPIKARD_TEST_" + name) }

// servers are those of some kinds that tools/services says are there.
func servers(kinds ...string) (out []string) {
	for _, kind := range kinds {
		if setting(strings.ToUpper(kind)+"_URL") != "" {
			out = append(out, kind)
		}
	}
	return out
}

var drivers = map[string]driverKind{
	"cache": {func() []string {
		if setting("REDIS_URL") != "" {
			return []string{"memory", "redis", "tiered"}
		}
		return []string{"memory"}
	}, func() driver { return &cacheDriver{} }},
	"storage": {func() []string {
		return append([]string{"memory", "fs"}, servers("s3", "gcs", "azblob")...)
	}, func() driver { return &storageDriver{} }},
	"db": {func() []string {
		return append([]string{"sqlite"}, servers("postgres", "mysql")...)
	}, func() driver { return &dbDriver{} }},
	"messaging": {func() []string {
		return append([]string{"memory", "sqlite"}, servers("amqp", "kafka", "mqtt", "nats", "redis")...)
	}, func() driver { return &messagingDriver{} }},
	"tasks": {func() []string {
		return append([]string{"memory", "sqlite"}, servers("postgres", "mysql", "redis")...)
	}, func() driver { return &tasksDriver{} }},
	"cron":        {func() []string { return []string{} }, func() driver { return &plainDriver{} }},
	"cloudevents": {func() []string { return []string{} }, func() driver { return &plainDriver{} }},
	"telemetry":   {func() []string { return []string{} }, func() driver { return &plainDriver{} }},
}

type base struct{}

func (base) services(object, string) (object, error) { return object{}, nil }
func (base) open(context.Context) error              { return nil }
func (base) close(context.Context)                   {}
func (base) capabilities() []string                  { return []string{} }
func (base) realTime() bool                          { return false }

func url(kind string, schemes map[string]string) (string, error) {
	if u, ok := schemes[kind]; ok && u != "" {
		return u, nil
	}
	return "", &notBuilt{"backend " + kind}
}

// ---- one open client

type toolbox struct {
	d      driver
	server *spikard.Server
	folder string
}

func openToolbox(client object) (*toolbox, error) {
	var names []string
	for name := range client {
		if name != "telemetry" || len(client) == 1 {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		sort.Strings(names)
		return nil, &notBuilt{"client " + strings.Join(names, ", ")}
	}
	kind, ok := drivers[names[0]]
	if !ok {
		return nil, &notBuilt{"client " + names[0]}
	}
	config := members(client[names[0]])
	folder, err := os.MkdirTemp("", "spikard-e2e-")
	if err != nil {
		return nil, err
	}
	t := &toolbox{d: kind.make(), folder: folder}
	services, err := t.d.services(config, folder)
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	for group, url := range map[string]string{"cache": "memory:", "storage": "memory:", "db": "sqlite::memory:", "messaging": "memory:", "tasks": "memory:"} {
		if services[group] == nil {
			services[group] = object{"default": object{"url": url}}
		}
	}
	m := object{"log": object{"level": "error"}, "http": nil, "shutdown": object{"timeout_ms": 2000}, "services": services}
	if len(client) > 1 {
		m["telemetry"] = client["telemetry"]
	}
	if !t.d.realTime() {
		m["clock"] = "virtual"
		os.Setenv("SPIKARD_TEST", "1")
		os.Unsetenv("SPIKARD_TEST_START")
		os.Setenv("SPIKARD_TEST_START", "2026-01-01T00:00:00Z")
		if clock := text(config["clock"]); clock != "" {
			os.Setenv("SPIKARD_TEST_START", clock)
		}
	}
	app := spikard.New("case", spikard.WithConfigJSON(mustJSON(m)))
	if t.server, err = app.Start(context.Background(), spikard.StartOptions{}); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	if err := t.server.Do(context.Background(), t.d.open); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *toolbox) do(op string, args object) (any, error) {
	if op == "advance_clock" {
		return nil, t.server.Advance(context.Background(), uint64(whole(args["ms"])))
	}
	var result any
	given := members(unpacked(args))
	err := t.server.Do(context.Background(), func(ctx context.Context) (err error) {
		result, err = t.d.do(ctx, op, given)
		return err
	})
	return packed(result), err
}

func (t *toolbox) close() {
	t.server.Do(context.Background(), func(ctx context.Context) error { t.d.close(ctx); return nil })
	t.server.Kill()
	os.RemoveAll(t.folder)
}
