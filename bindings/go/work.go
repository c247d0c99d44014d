package spikard

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"spikard.dev/go/internal/plan"
	"spikard.dev/go/internal/raw"
	"spikard.dev/go/manifest"
)

// ---- outcomes

type outcome struct {
	op    uint16
	flags uint16
	arg   uint64
	text  string
}

func (o *outcome) Error() string { return o.text }

// Nack is an error that says: not done. The message comes again at once, or, without requeue, goes to the dead letters.
func Nack(requeue bool) error {
	o := &outcome{op: raw.CmdNack, text: fmt.Sprintf("nack, requeue %v", requeue)}
	if requeue {
		o.flags = raw.FRequeue
	}
	return o
}

// Retry is an error that says: again after this time. It uses up no attempt of a task.
func Retry(after time.Duration) error {
	return &outcome{op: raw.CmdRetry, arg: uint64(max(0, milliseconds(after))), text: "again after " + after.String()}
}

// Fatal is an error that says: trying again is of no use. A message goes to the dead letters, a task is discarded.
func Fatal(err error) error { return &fatal{err} }

type fatal struct{ err error }

func (f *fatal) Error() string { return f.err.Error() }
func (f *fatal) Unwrap() error { return f.err }

// ---- what handlers get

// Message is a message in hand.
type Message struct {
	Topic   string
	Payload []byte
	// Key, nil for none.
	Key    *string
	Header map[string]string
	// DeliveryCount counts every delivery, this one included; Tries those that were used up before.
	DeliveryCount, Tries int
	Published            time.Time
	// TraceParent of the trace that it came with.
	TraceParent string
}

// Decode reads the payload as JSON.
func (m *Message) Decode(into any) error { return json.Unmarshal(m.Payload, into) }

// TaskRun is a run of a task.
type TaskRun struct {
	Name string
	// Args as JSON.
	Args json.RawMessage
	// Attempt counts the first run; one that a shutdown interrupted does not count.
	Attempt   int
	ID, Queue string
	Header    map[string]string
	Enqueued  time.Time
	// ScheduledAt is the time of the schedule that this job stands for; zero for none.
	ScheduledAt time.Time
	// Lease is the run's fencing token.
	Lease uint64

	client string
}

// Decode reads the arguments.
func (t *TaskRun) Decode(into any) error {
	if len(t.Args) == 0 {
		return nil
	}
	return json.Unmarshal(t.Args, into)
}

// Progress is what others see of this run (Tasks.Job).
func (t *TaskRun) Progress(ctx context.Context, value any) error {
	return TasksNamed(t.client).Progress(ctx, t.ID, t.Lease, value)
}

// Heartbeat says whether this run still holds its job: to ask before what cannot be undone. Leases are renewed without it.
func (t *TaskRun) Heartbeat(ctx context.Context) (bool, error) {
	return TasksNamed(t.client).Heartbeat(ctx, t.ID, t.Lease)
}

// CloudEvent is an event: its attributes and data.
type CloudEvent struct {
	ID, Source, Type, Subject, Time, DataContentType, DataSchema, SpecVersion string
	// Extensions are all attributes that the specification does not name.
	Extensions map[string]any
	// Data is any JSON, or []byte; nil for none unless HasData.
	Data    any
	HasData bool
}

// Decode puts the data into a Go value.
func (e *CloudEvent) Decode(into any) error { return Convert(e.Data, into) }

// Plain is the event in the JSON format; bytes stay bytes in `data`.
func (e CloudEvent) Plain() any {
	out := map[string]any{}
	for name, value := range e.Extensions {
		out[name] = value
	}
	version := e.SpecVersion
	if version == "" {
		version = "1.0"
	}
	for name, value := range map[string]string{"specversion": version, "id": e.ID, "source": e.Source, "type": e.Type, "subject": e.Subject, "time": e.Time, "datacontenttype": e.DataContentType, "dataschema": e.DataSchema} {
		if value != "" {
			out[name] = value
		}
	}
	if e.Data != nil || e.HasData {
		out["data"] = e.Data
	}
	return out
}

// CloudEventOf is an event from the JSON format.
func CloudEventOf(plain map[string]any) CloudEvent {
	e := CloudEvent{Extensions: map[string]any{}}
	members := map[string]*string{"specversion": &e.SpecVersion, "id": &e.ID, "source": &e.Source, "type": &e.Type, "subject": &e.Subject, "time": &e.Time, "datacontenttype": &e.DataContentType, "dataschema": &e.DataSchema}
	for name, value := range plain {
		if at, ok := members[name]; ok {
			*at, _ = value.(string)
			continue
		}
		switch name {
		case "data":
			e.Data, e.HasData = value, true
		case "data_base64":
			if text, ok := value.(string); ok {
				if data, err := base64.StdEncoding.DecodeString(text); err == nil {
					e.Data, e.HasData = data, true
				}
			}
		default:
			e.Extensions[name] = value
		}
	}
	return e
}

type workKey struct{}

// MessageFrom is the message whose handler this context is; nil for none.
func MessageFrom(ctx context.Context) *Message { m, _ := ctx.Value(workKey{}).(*Message); return m }

// RunFrom is the run whose handler this context is; nil for none.
func RunFrom(ctx context.Context) *TaskRun { r, _ := ctx.Value(workKey{}).(*TaskRun); return r }

// EventFrom is the event whose handler this context is; nil for none.
func EventFrom(ctx context.Context) *CloudEvent { e, _ := ctx.Value(workKey{}).(*CloudEvent); return e }

// ---- handlers

// work is one handler of messages, tasks or events.
type work struct {
	data    map[string]any
	message func(ctx context.Context, m *Message) error
	task    func(ctx context.Context, t *TaskRun) (any, error)
	event   func(ctx context.Context, e *CloudEvent) (*CloudEvent, error)
}

// queue is the worker of a queue, with its tasks by name.
type queue struct {
	client, name string
	options      manifest.Worker
	tasks        map[string]*work
	order        []string
}

func isRaw(t reflect.Type) bool {
	return t.Kind() == reflect.String || t == reflect.TypeFor[[]byte]() || t == reflect.TypeFor[*Message]() || t == reflect.TypeFor[*TaskRun]() || t == reflect.TypeFor[*CloudEvent]() || t == reflect.TypeFor[any]()
}

// Consumer adds a consumer of messages. The payload is []byte or string as it is, *Message, or any other type from JSON, which the core checks against its schema before the
// handler runs: what does not fit goes to the dead letters. Nil is done; Nack, Retry and Fatal say otherwise; any other error comes again after the backoff.
func Consumer[T any](a *App, topic string, fn func(ctx context.Context, payload T) error, options ...manifest.Consumer) {
	var o manifest.Consumer
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	o.Topic = topic
	if o.Name == "" {
		o.Name = topic
		if o.Group != "" {
			o.Name = topic + "." + o.Group
		}
	}
	t := reflect.TypeFor[T]()
	if !isRaw(t) && o.Schema == nil {
		schema, err := plan.Schema(t)
		if err != nil {
			a.note(fmt.Errorf("consumer %s: %w", o.Name, err))
			return
		}
		o.Schema = schema
	}
	plain, err := plainOf(o)
	if err != nil {
		a.note(err)
		return
	}
	a.service("messaging", named([]string{o.Client}), nil)
	a.consumers = append(a.consumers, &work{data: plain.(map[string]any), message: func(ctx context.Context, m *Message) error {
		var payload T
		switch into := any(&payload).(type) {
		case *[]byte:
			*into = m.Payload
		case *string:
			*into = string(m.Payload)
		case **Message:
			*into = m
		default:
			if err := json.Unmarshal(m.Payload, into); err != nil {
				return Fatal(err)
			}
		}
		return fn(ctx, payload)
	}})
}

// TaskOptions are options of a task.
type TaskOptions struct {
	// Queue, `default` when it is empty, and the client of its store.
	Queue, Client string
	// Enqueue is what Enqueue takes beside the arguments, unless it is told otherwise.
	Enqueue TasksEnqueueOptions
}

// Task is a task of the application: Enqueue lets a worker run it.
type Task[In, Out any] struct {
	name    string
	options TaskOptions
	fn      func(ctx context.Context, in In) (Out, error)
}

// NewTask adds a task. What it gets is JSON on the way; what it returns is the job's result. Retry comes again without using up an attempt, Fatal ends it, any other error is tried again.
func NewTask[In, Out any](a *App, name string, fn func(ctx context.Context, in In) (Out, error), options ...TaskOptions) *Task[In, Out] {
	t := &Task[In, Out]{name: name, fn: fn}
	if len(options) > 0 {
		t.options = options[len(options)-1]
	}
	q := a.queueOf(t.options.Client, t.options.Queue)
	if q.tasks[name] != nil {
		a.note(fmt.Errorf("there are two tasks %q in queue %q", name, q.name))
	}
	q.order = append(q.order, name)
	q.tasks[name] = &work{task: func(ctx context.Context, run *TaskRun) (any, error) {
		var in In
		if into, ok := any(&in).(**TaskRun); ok {
			*into = run
		} else if err := run.Decode(&in); err != nil {
			return nil, Fatal(fmt.Errorf("invalid arguments: %w", err))
		}
		out, err := fn(ctx, in)
		if _, none := any(out).(struct{}); none {
			return nil, err
		}
		return out, err
	}}
	return t
}

func (a *App) queueOf(client, name string) *queue {
	client, name = named([]string{client}), named([]string{name})
	for _, q := range a.queues {
		if q.client == client && q.name == name {
			return q
		}
	}
	q := &queue{client: client, name: name, tasks: map[string]*work{}}
	a.queues = append(a.queues, q)
	a.service("tasks", client, nil)
	return q
}

// Worker sets options of the worker of a queue. Each queue that has a task has one.
func (a *App) Worker(options manifest.Worker) {
	a.queueOf(options.Client, options.Queue).options = options
}

// Name of the task.
func (t *Task[In, Out]) Name() string { return t.name }

// Run runs the function here and now.
func (t *Task[In, Out]) Run(ctx context.Context, in In) (Out, error) { return t.fn(ctx, in) }

// Enqueue puts it into its queue.
func (t *Task[In, Out]) Enqueue(ctx context.Context, in In, options ...TasksEnqueueOptions) (TasksEnqueueResult, error) {
	o := t.options.Enqueue
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	if o.Queue == "" {
		o.Queue = named([]string{t.options.Queue})
	}
	o.Args = in
	return TasksNamed(named([]string{t.options.Client})).Enqueue(ctx, t.name, o)
}

// EnqueueIn puts it into its queue when the transaction commits.
func (t *Task[In, Out]) EnqueueIn(ctx context.Context, tx *Transaction, in In) (TasksEnqueueResult, error) {
	o := t.options.Enqueue
	o.Transaction = &tx.number
	return t.Enqueue(ctx, in, o)
}

// Schedule enqueues a task by the clock: spikard.Schedule(app, nightly, manifest.Schedule{Cron: "0 3 * * *", Timezone: "Europe/Berlin"}). Each time makes one job for any number of processes.
func Schedule[In, Out any](a *App, t *Task[In, Out], schedule manifest.Schedule) {
	if schedule.Name == "" {
		schedule.Name = t.name
	}
	schedule.Task, schedule.Queue, schedule.Client = t.name, named([]string{t.options.Queue}), named([]string{t.options.Client})
	plain, err := plainOf(schedule)
	if err != nil {
		a.note(err)
		return
	}
	a.schedules = append(a.schedules, plain.(map[string]any))
}

// endpoint is a path or a topic that events come by.
type endpoint struct {
	key  string
	path bool
	data map[string]any
}

func (a *App) endpointOf(path bool, key string, data map[string]any) *endpoint {
	for _, e := range a.endpoints {
		if e.path == path && e.key == key {
			return e
		}
	}
	e := &endpoint{key, path, data}
	a.endpoints = append(a.endpoints, e)
	return e
}

// EventEndpoint sets options of a path that takes events: allowed origins, rate, inbox and others.
func (a *App) EventEndpoint(options manifest.EventEndpoint) {
	plain, err := plainOf(options)
	if err != nil {
		a.note(err)
		return
	}
	e := a.endpointOf(true, options.Path, map[string]any{"path": options.Path})
	merge(e.data, plain.(map[string]any))
}

// EventConsumer sets options of a topic whose messages are events.
func (a *App) EventConsumer(options manifest.EventConsumer) {
	plain, err := plainOf(options)
	if err != nil {
		a.note(err)
		return
	}
	a.service("messaging", named([]string{options.Consumer.Client}), nil)
	e := a.endpointOf(false, options.Consumer.Topic, map[string]any{})
	merge(e.data, plain.(map[string]any))
}

// EventsAt adds a handler of events that come by HTTP at a path, by type, source and subject of `which` (exact, or with `*`). It may answer with an event; an error is as of a consumer.
func (a *App) EventsAt(path string, which manifest.EventSubscription, fn func(ctx context.Context, e *CloudEvent) (*CloudEvent, error)) {
	a.subscribe(a.endpointOf(true, path, map[string]any{"path": path}), which, fn)
}

// EventsFrom is EventsAt for events that are messages of a topic; EventConsumer says more of it.
func (a *App) EventsFrom(topic string, which manifest.EventSubscription, fn func(ctx context.Context, e *CloudEvent) (*CloudEvent, error)) {
	a.service("messaging", "default", nil)
	a.subscribe(a.endpointOf(false, topic, map[string]any{"consumer": map[string]any{"name": "events." + topic, "topic": topic}}), which, fn)
}

func (a *App) subscribe(e *endpoint, which manifest.EventSubscription, fn func(ctx context.Context, e *CloudEvent) (*CloudEvent, error)) {
	which.Handler = uint32(len(a.events))
	plain, err := plainOf(which)
	if err != nil {
		a.note(err)
		return
	}
	list, _ := e.data["subscriptions"].([]any)
	e.data["subscriptions"] = append(list, plain)
	a.events = append(a.events, &work{event: fn})
}

func (a *App) buildWork(m map[string]any) error {
	services := map[string]any{}
	for group, clients := range a.services {
		if len(clients) > 0 {
			all := map[string]any{}
			for name, config := range clients {
				own := map[string]any{}
				merge(own, config)
				all[name] = own
			}
			services[group] = all
		}
	}
	if len(services) > 0 {
		m["services"] = services
	}
	list := func(key string, one any) { all, _ := m[key].([]any); m[key] = append(all, one) }
	for _, c := range a.consumers {
		list("consumers", c.data)
	}
	for _, q := range a.queues {
		if len(q.order) == 0 {
			return fmt.Errorf("worker: no task is in queue %q of tasks client %q", q.name, q.client)
		}
		o := q.options
		o.Queue, o.Client = q.name, q.client
		if o.Name == "" {
			o.Name = q.name
			if q.client != "default" {
				o.Name = q.client + "." + q.name
			}
		}
		o.Tasks = q.order
		plain, err := plainOf(o)
		if err != nil {
			return err
		}
		list("workers", plain)
	}
	for _, s := range a.schedules {
		list("schedules", s)
	}
	for _, e := range a.endpoints {
		if e.path {
			list("events", e.data)
		} else {
			list("event_consumers", e.data)
		}
	}
	return nil
}

// ---- what runs of it

// byOperation is the `route` of what was started by an operation: its `user` says what it is.
const byOperation = ^uint32(0)

type withWork struct {
	*handling
	subject any
}

func (w withWork) Value(key any) any {
	if key == (workKey{}) {
		return w.subject
	}
	return w.handling.Value(key)
}

func (r *Runtime) work(h *handling, e *raw.Event, record []byte) {
	value, err := r.workOf(h, e, record)
	h.settle(e.Kind, value, err)
}

func (r *Runtime) workOf(h *handling, e *raw.Event, record []byte) (value any, err error) {
	rec, base := recordOf(record)
	nodes := nodesOf(record)
	if e.Kind == raw.EvCloudevent {
		plain, _ := nodes.Member("event").Any().(map[string]any)
		event := CloudEventOf(plain)
		var answer *CloudEvent
		err := protect(func() (err error) {
			answer, err = r.plan.events[e.Route].event(withWork{h, &event}, &event)
			return err
		})
		if answer == nil {
			return nil, err
		}
		return answer, err
	}
	var meta struct {
		Name        string  `json:"name"`
		Key         *string `json:"key"`
		Tries       int     `json:"tries"`
		EnqueuedMs  int64   `json:"enqueued_ms"`
		TraceParent string  `json:"traceparent"`
		ID          string  `json:"id"`
		Queue       string  `json:"queue"`
		Lease       uint64  `json:"lease"`
		ScheduledAt int64   `json:"scheduled_at"`
	}
	if err := nodes.Decode(&meta); err != nil {
		return nil, err
	}
	if h.trace == "" {
		h.trace = meta.TraceParent
	}
	header := map[string]string{}
	for _, line := range pairs(base, rec.Meta) {
		header[line[0]] = line[1]
	}
	if e.Kind == raw.EvMessage {
		w := (*work)(nil)
		if e.Route == byOperation {
			found, _ := r.dynamic.Load(e.User)
			w, _ = found.(*work)
		} else {
			w = r.plan.consumers[e.Route]
		}
		if w == nil {
			return nil, Nack(true)
		}
		m := &Message{Topic: meta.Name, Payload: viewBytes(base, rec.Body), Key: meta.Key, Header: header, DeliveryCount: int(rec.Attempt), Tries: meta.Tries, Published: time.UnixMilli(meta.EnqueuedMs).UTC(), TraceParent: meta.TraceParent}
		return nil, protect(func() error { return w.message(withWork{h, m}, m) })
	}
	var q *queue
	if e.Route == byOperation {
		found, _ := r.dynamic.Load(e.User)
		q, _ = found.(*queue)
	} else {
		q = r.plan.workers[e.Route]
	}
	if q == nil {
		return nil, Nack(true)
	}
	run := &TaskRun{Name: meta.Name, Args: json.RawMessage(viewBytes(base, rec.Body)), Attempt: meta.Tries + 1, ID: meta.ID, Queue: meta.Queue, Header: header, Enqueued: time.UnixMilli(meta.EnqueuedMs).UTC(), Lease: meta.Lease, client: q.client}
	if meta.ScheduledAt != 0 {
		run.ScheduledAt = time.UnixMilli(meta.ScheduledAt).UTC()
	}
	w := q.tasks[run.Name]
	if w == nil {
		w = q.tasks[""]
	}
	if w == nil {
		return nil, Fatal(fmt.Errorf("there is no task %q here", run.Name))
	}
	err = protect(func() (err error) { value, err = w.task(withWork{h, run}, run); return err })
	return value, err
}

// settle says what became of it.
func (h *handling) settle(kind uint16, value any, err error) {
	enc := encodings.Get().(*encoding)
	defer encodings.Put(enc)
	var said *outcome
	var over *fatal
	switch {
	case err == nil:
	case errors.As(err, &said):
		h.final(raw.Cmd{Op: said.op, Flags: said.flags, Arg: said.arg}, nil, nil)
		return
	case errors.As(err, &over):
		h.failWith(enc, err, raw.FFatal)
		return
	case h.cancelled() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		h.final(raw.Cmd{Op: raw.CmdNack, Flags: raw.FRequeue}, nil, nil) // nobody waits for it any more
		return
	default:
		h.failWith(enc, err, 0)
		return
	}
	if kind == raw.EvCloudevent && value != nil {
		enc.builder.Reset()
		if err := plan.Append(&enc.builder, value.(*CloudEvent).Plain()); err != nil {
			h.failWith(enc, err, 0)
			return
		}
		h.final(raw.Cmd{Op: raw.CmdResult}, nil, enc.builder.Finish())
		return
	}
	if kind == raw.EvTask && value != nil {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(value); err != nil {
			h.failWith(enc, err, 0)
			return
		}
		h.final(raw.Cmd{Op: raw.CmdAck}, nil, bytes.TrimRight(b.Bytes(), "\n"))
		return
	}
	h.final(raw.Cmd{Op: raw.CmdAck}, nil, nil)
}

// ---- what operations start

// RunningConsumer is a consumer that Messaging.Consume has started.
type RunningConsumer struct {
	m      Messaging
	r      *Runtime
	number uint64
	user   uint64
}

// Consume starts a consumer beside those of the application; it runs until Stop.
func (m Messaging) Consume(ctx context.Context, name, topic string, fn func(ctx context.Context, m *Message) error, options ...MessagingStartConsumerOptions) (*RunningConsumer, error) {
	p, _, err := where(ctx)
	if err != nil {
		return nil, err
	}
	var o MessagingStartConsumerOptions
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	c := &RunningConsumer{m: m, r: p.r, user: p.r.nextWork.Add(1)}
	p.r.dynamic.Store(c.user, &work{message: fn})
	o.User = c.user
	if c.number, err = m.StartConsumer(ctx, name, topic, o); err != nil {
		p.r.dynamic.Delete(c.user)
		return nil, err
	}
	return c, nil
}

// Stop takes nothing new, waits for its handlers, hands back what is left.
func (c *RunningConsumer) Stop(ctx context.Context, options ...MessagingStopConsumerOptions) (MessagingStopConsumerResult, error) {
	defer c.r.dynamic.Delete(c.user)
	return c.m.StopConsumer(ctx, c.number, options...)
}

// Kill is for tests: as if its process had died.
func (c *RunningConsumer) Kill(ctx context.Context) error { return c.m.KillConsumer(ctx, c.number) }

// RunningWorker is a worker that Tasks.Work has started.
type RunningWorker struct {
	t    Tasks
	r    *Runtime
	name string
	user uint64
}

// Work starts a worker beside those of the application, for all tasks of a queue or (options.Tasks) for some; it runs until Stop.
func (t Tasks) Work(ctx context.Context, name string, fn func(ctx context.Context, run *TaskRun) (any, error), options ...TasksStartWorkerOptions) (*RunningWorker, error) {
	p, _, err := where(ctx)
	if err != nil {
		return nil, err
	}
	var o TasksStartWorkerOptions
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	w := &RunningWorker{t: t, r: p.r, name: name, user: p.r.nextWork.Add(1)}
	p.r.dynamic.Store(w.user, &queue{client: t.client.name, name: named([]string{o.Queue}), tasks: map[string]*work{"": {task: fn}}})
	o.User = w.user
	if err := t.StartWorker(ctx, name, o); err != nil {
		p.r.dynamic.Delete(w.user)
		return nil, err
	}
	return w, nil
}

// Stop takes nothing new, waits for what runs, hands back what is left.
func (w *RunningWorker) Stop(ctx context.Context, options ...TasksStopWorkerOptions) (TasksStopWorkerResult, error) {
	defer w.r.dynamic.Delete(w.user)
	return w.t.StopWorker(ctx, w.name, options...)
}

// Kill is for tests: as if its process had died.
func (w *RunningWorker) Kill(ctx context.Context) error { return w.t.KillWorker(ctx, w.name) }
