// Package spikard is a service framework and toolbox: HTTP, messages, tasks, schedules, events, caches, databases and object stores. Its core does the work;
// this package builds the application from Go's types and calls its handlers. See docs/guide/go.md.
package spikard

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"strings"

	"spikard.dev/go/internal/plan"
	"spikard.dev/go/internal/raw"
	"spikard.dev/go/manifest"
)

// App is an application. Nothing is opened until it runs. Register everything before; what is wrong with it is said by Run, Manifest or a test's start.
type App struct {
	name         string
	config       map[string]any
	logger       *slog.Logger
	ports        int
	routes       []*route
	hooks        [5][]hook
	dependencies []*dependency
	ids          uint32
	services     map[string]map[string]map[string]any
	consumers    []*work
	queues       []*queue
	schedules    []map[string]any
	events       []*work
	endpoints    []*endpoint
	onStart      []func(context.Context) error
	onStop       []func(context.Context) error
	wrong        []error
}

// AppOption is an option of New.
type AppOption func(*App)

// WithConfig lays parts of the manifest over the application: limits, time-outs, request ids, shutdown, telemetry, log (docs/reference/manifest.md).
func WithConfig(config manifest.Manifest) AppOption {
	return func(a *App) {
		plain, err := plainOf(config)
		if err != nil {
			a.note(err)
			return
		}
		merge(a.config, plain.(map[string]any))
	}
}

// WithConfigJSON is WithConfig from JSON text.
func WithConfigJSON(text []byte) AppOption {
	return func(a *App) {
		var plain map[string]any
		if err := decodeJSON(text, &plain); err != nil {
			a.note(fmt.Errorf("config: %w", err))
			return
		}
		merge(a.config, plain)
	}
}

// WithLogger sends failures of handlers to this logger, and silences the core's own log.
func WithLogger(logger *slog.Logger) AppOption { return func(a *App) { a.logger = logger } }

// WithPorts is how many pollers of the core's run, each with listeners and connections of its own. 1 when it is not given: handlers run on all processors all the same.
func WithPorts(n int) AppOption { return func(a *App) { a.ports = n } }

// New is an application without anything in it.
func New(name string, options ...AppOption) *App {
	a := &App{name: name, config: map[string]any{}, services: map[string]map[string]map[string]any{}, ports: 1}
	for _, option := range options {
		option(a)
	}
	return a
}

func (a *App) note(err error) { a.wrong = append(a.wrong, err) }

// OnStart runs before the first request, message or task. An error ends the start.
func (a *App) OnStart(fn func(ctx context.Context) error) { a.onStart = append(a.onStart, fn) }

// OnStop runs after the last of them.
func (a *App) OnStop(fn func(ctx context.Context) error) { a.onStop = append(a.onStop, fn) }

// ---- routes

type parameter struct{ in, name string }

type route struct {
	data         map[string]any
	path         string
	status       int
	parameters   []parameter
	dependencies []*dependency
	handle       func(h *handling, r *Request) (any, error)
}

// Handler answers a request: with a *Response, or a plain value as JSON. An error that is a *Problem is answered as it says, any other is a 500 that says nothing.
type Handler func(ctx context.Context, r *Request) (any, error)

// RouteOption is an option of a route.
type RouteOption func(*route)

// Status of plain values; 200 when it is not given, 204 for none.
func Status(status int) RouteOption { return func(r *route) { r.status = status } }

// Name in logs, telemetry and OpenAPI.
func Name(name string) RouteOption { return func(r *route) { r.data["name"] = name } }

// TimeoutMs is the longest a request of this route may take, in milliseconds.
func TimeoutMs(ms uint32) RouteOption { return func(r *route) { r.data["timeout_ms"] = ms } }

// MaxBodyBytes is the largest body that this route takes.
func MaxBodyBytes(n uint64) RouteOption {
	return func(r *route) {
		if body, ok := r.data["body"].(map[string]any); ok {
			body["max_bytes"] = n
		}
	}
}

// Inject names the dependencies that the handler asks for (Request.Dependencies), in order.
func Inject(names ...string) RouteOption { return func(r *route) { r.data["inject"] = names } }

// AddRoute adds a route as data (a route of the manifest); the handler reads what was declared from the Request.
func (a *App) AddRoute(data manifest.Route, handler Handler, options ...RouteOption) {
	plain, err := plainOf(data)
	if err != nil {
		a.note(err)
		return
	}
	a.addRoute(plain.(map[string]any), handler, options)
}

// AddRouteJSON is AddRoute from JSON text.
func (a *App) AddRouteJSON(text []byte, handler Handler, options ...RouteOption) {
	var plain map[string]any
	if err := decodeJSON(text, &plain); err != nil {
		a.note(err)
		return
	}
	a.addRoute(plain, handler, options)
}

func (a *App) addRoute(data map[string]any, handler Handler, options []RouteOption) *route {
	path, _ := data["path"].(string)
	r := &route{data: data, path: path, status: 200, handle: func(h *handling, r *Request) (any, error) { return handler(h, r) }}
	declared, _ := data["parameters"].([]any)
	for _, one := range declared {
		p, _ := one.(map[string]any)
		in, _ := p["in"].(string)
		name, _ := p["name"].(string)
		if in == "header" {
			name = strings.ToLower(name)
		}
		r.parameters = append(r.parameters, parameter{in, name})
	}
	r.pathParameters()
	for _, option := range options {
		option(r)
	}
	a.routes = append(a.routes, r)
	return r
}

var segment = regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*)(?::[^{}]+)?\}`)

// pathParameters adds what only the path names, after those that are declared.
func (r *route) pathParameters() {
	for _, match := range segment.FindAllStringSubmatch(r.path, -1) {
		p := parameter{"path", match[1]}
		known := false
		for _, other := range r.parameters {
			known = known || other == p
		}
		if !known {
			r.parameters = append(r.parameters, p)
		}
	}
}

// Handle adds a raw handler: app.Handle("GET", "/users/{id:int}", handler). A body, if there is one, is taken as it comes (Request.Body).
func (a *App) Handle(method, path string, handler Handler, options ...RouteOption) {
	data := map[string]any{"method": method, "path": path}
	if method == "POST" || method == "PUT" || method == "PATCH" {
		data["body"] = map[string]any{"mode": "stream", "required": false, "content_types": []any{"*/*"}, "as": "raw"}
	}
	a.addRoute(data, handler, options)
}

// ---- hooks

// HookPhase is when a hook runs.
type HookPhase string

// The phases of a request.
const (
	// OnRequest: after routing and authentication, before the body is read.
	OnRequest HookPhase = "on_request"
	// PreValidation: after the body was read, before it is validated.
	PreValidation HookPhase = "pre_validation"
	// PreHandler: after validation, before the handler.
	PreHandler HookPhase = "pre_handler"
	// OnResponse: after the handler has answered.
	OnResponse HookPhase = "on_response"
	// OnError: instead of OnResponse after an error that is no Problem; it is Request.Err.
	OnError HookPhase = "on_error"
)

var phases = [...]HookPhase{OnRequest, PreValidation, PreHandler, OnResponse, OnError}

type hook struct {
	name string
	run  func(ctx context.Context, draft *Draft) (any, error)
}

// Draft is a request in a hook, and the answer as it is so far.
type Draft struct {
	*Request
	// Status of the answer; 0 before there is one.
	Status int
	// ResponseHeader are the header lines of the answer so far, names in lower case.
	ResponseHeader [][2]string

	set, append [][2]string
	changed     map[string]any
}

// Set keeps a value of JSON for what comes after: Request.Context.
func (d *Draft) Set(name string, value any) {
	d.mu.Lock()
	if d.values == nil {
		d.values = map[string]any{}
	}
	d.values[name] = value
	d.mu.Unlock()
	if d.changed == nil {
		d.changed = map[string]any{}
	}
	d.changed[name] = value
}

// SetHeader sets a header of whatever is answered.
func (d *Draft) SetHeader(name, value string) { d.set = append(d.set, [2]string{name, value}) }

// AppendHeader adds to a header of whatever is answered.
func (d *Draft) AppendHeader(name, value string) { d.append = append(d.append, [2]string{name, value}) }

// Hook adds a hook. What it returns beside nil is the answer; a *Problem is answered, any other error is a 500.
func (a *App) Hook(phase HookPhase, fn func(ctx context.Context, draft *Draft) (any, error)) {
	for i, known := range phases {
		if known == phase {
			a.hooks[i] = append(a.hooks[i], hook{fmt.Sprintf("%s%d", phase, len(a.hooks[i])), fn})
			return
		}
	}
	a.note(fmt.Errorf("%q is no phase of a request", phase))
}

// ---- dependencies

// Cleanup ends what a factory has made, after the answer, in reverse order of making.
type Cleanup func(ctx context.Context) error

// Factory makes a dependency from those it depends on, in their order. The clean-up may be nil.
type Factory func(ctx context.Context, depends []any) (any, Cleanup, error)

type dependency struct {
	data  map[string]any
	id    uint32
	token uint64
	value any
	make  Factory
}

// Scope is how long a dependency is kept.
type Scope = manifest.DependencyScope

// The scopes.
const (
	// Singleton: for the life of the application.
	Singleton = manifest.DependencyScopeSingleton
	// PerRequest: for one request. The default.
	PerRequest = manifest.DependencyScopeRequest
	// Transient: for one use.
	Transient = manifest.DependencyScopeTransient
)

// Value provides something that is there already.
func (a *App) Value(name string, value any) {
	a.dependencies = append(a.dependencies, a.valueOf(name, value))
}

func (a *App) valueOf(name string, value any) *dependency {
	a.ids++
	return &dependency{data: map[string]any{"name": name, "kind": "value"}, id: a.ids - 1, token: uint64(a.ids), value: value}
}

// Provide provides what a factory makes when it is first needed.
func (a *App) Provide(name string, scope Scope, dependsOn []string, factory Factory) {
	a.dependencies = append(a.dependencies, a.factoryOf(name, scope, dependsOn, factory))
}

func (a *App) factoryOf(name string, scope Scope, dependsOn []string, factory Factory) *dependency {
	a.ids++
	data := map[string]any{"name": name, "kind": "factory", "cleanup": true, "depends_on": append([]string{}, dependsOn...)}
	if scope != "" {
		data["scope"] = string(scope)
	}
	return &dependency{data: data, id: a.ids - 1, make: factory}
}

// RouteValue is a value for one route alone, in place of the application's of that name.
func (a *App) RouteValue(name string, value any) RouteOption {
	return func(r *route) { r.dependencies = append(r.dependencies, a.valueOf(name, value)) }
}

// RouteProvide is a factory for one route alone.
func (a *App) RouteProvide(name string, scope Scope, dependsOn []string, factory Factory) RouteOption {
	return func(r *route) { r.dependencies = append(r.dependencies, a.factoryOf(name, scope, dependsOn, factory)) }
}

// Provide is App.Provide by types: In has fields with `inject:"name"` for what the factory depends on.
func Provide[In, Out any](a *App, name string, scope Scope, factory func(ctx context.Context, in In) (Out, Cleanup, error)) {
	in := reflect.TypeFor[In]()
	var names []string
	var fields [][]int
	if in.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(in) {
			if from, ok := f.Tag.Lookup("inject"); ok {
				names = append(names, from)
				fields = append(fields, f.Index)
			}
		}
	}
	a.Provide(name, scope, names, func(ctx context.Context, depends []any) (any, Cleanup, error) {
		var input In
		v := reflect.ValueOf(&input).Elem()
		for i, index := range fields {
			if err := assign(v.FieldByIndex(index), depends[i], names[i]); err != nil {
				return nil, nil, err
			}
		}
		return factory(ctx, input)
	})
}

func assign(field reflect.Value, value any, name string) error {
	if value == nil {
		return nil
	}
	v := reflect.ValueOf(value)
	if !v.Type().AssignableTo(field.Type()) {
		return fmt.Errorf("dependency %q is a %s, not a %s", name, v.Type(), field.Type())
	}
	field.Set(v)
	return nil
}

// jsonType of a dependency's value; empty for what is not JSON's.
func jsonType(value any) string {
	if value == nil {
		return "null"
	}
	switch reflect.TypeOf(value).Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.String:
		if _, number := value.(json.Number); number {
			return "number"
		}
		return "string"
	case reflect.Slice:
		return "array"
	case reflect.Map:
		return "object"
	}
	return ""
}

// ---- what it becomes

// built is what an App has become: the manifest and, by its numbers, the code behind it.
type built struct {
	manifest  map[string]any
	routes    []*route
	hooks     [5][]hook
	factories map[uint32]Factory
	values    map[uint64]any
	consumers []*work
	workers   []*queue
	events    []*work
	onStart   []func(context.Context) error
	onStop    []func(context.Context) error
	logger    *slog.Logger
	ports     int
}

func (b *built) hooksOf(phase int) int { return len(b.hooks[phase]) }

// Manifest is the whole application as JSON.
func (a *App) Manifest() ([]byte, error) {
	b, err := a.build()
	if err != nil {
		return nil, err
	}
	return json.Marshal(b.manifest)
}

func (a *App) build() (*built, error) {
	if len(a.wrong) > 0 {
		return nil, &ConfigError{a.wrong[0].Error()}
	}
	b := &built{routes: a.routes, hooks: a.hooks, factories: map[uint32]Factory{}, values: map[uint64]any{}, consumers: a.consumers, workers: a.queues, events: a.events,
		onStart: a.onStart, onStop: a.onStop, logger: a.logger, ports: a.ports}
	dependencies := func(list []*dependency) []any {
		out := []any{}
		for _, d := range list {
			data := maps.Clone(d.data)
			data["id"] = d.id
			if d.make == nil {
				data["token"] = d.token
				if kind := jsonType(d.value); kind != "" {
					data["type"] = kind
				}
				b.values[d.token] = d.value
			} else {
				b.factories[d.id] = d.make
			}
			out = append(out, data)
		}
		return out
	}
	routes := []any{}
	for _, r := range a.routes {
		data := maps.Clone(r.data)
		if len(r.dependencies) > 0 {
			data["dependencies"] = dependencies(r.dependencies)
		}
		routes = append(routes, data)
	}
	hooks := map[string]any{}
	for i, phase := range phases {
		names := []any{}
		for _, h := range a.hooks[i] {
			names = append(names, h.name)
		}
		hooks[string(phase)] = names
	}
	m := map[string]any{"name": a.name, "handle_signals": false}
	_, configured := a.config["http"]
	if len(routes) > 0 || len(a.endpoints) > 0 || configured || len(a.consumers)+len(a.queues)+len(a.events) == 0 {
		m["http"] = map[string]any{"listeners": []any{}, "routes": routes, "hooks": hooks, "dependencies": dependencies(a.dependencies)}
	}
	if a.logger != nil {
		m["log"] = map[string]any{"level": "off"}
	}
	if err := a.buildWork(m); err != nil {
		return nil, &ConfigError{err.Error()}
	}
	merge(m, a.config)
	b.manifest = m
	return b, nil
}

func merge(into, more map[string]any) {
	for key, value := range more {
		if inner, ok := value.(map[string]any); ok {
			if own, ok := into[key].(map[string]any); ok {
				merge(own, inner)
				continue
			}
			own := map[string]any{}
			merge(own, inner)
			into[key] = own
			continue
		}
		into[key] = value
	}
}

// plainOf is a value as plain data: what encoding/json makes of it.
func plainOf(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var out any
	return out, decodeJSON(text, &out)
}

func decodeJSON(text []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(into)
}

// ---- what runs of it

func (r *Runtime) runHook(h *handling, e *raw.Event, record []byte) {
	draft := &Draft{Request: h.request}
	if record != nil {
		draft.Status, draft.ResponseHeader = answerSoFar(record)
	}
	phase := int(e.Arg)
	if phase == raw.HookOnError {
		key := failureKey{h.p, uint32(h.id)}
		if failed, ok := r.failures.Load(key); ok && failed.(failureOf).id == h.id {
			draft.failed = failed.(failureOf).err
		}
		if int(e.Route) == len(r.plan.hooks[phase])-1 { // the others look at it as well
			r.failures.Delete(key)
		}
	}
	var answer any
	err := protect(func() (err error) { answer, err = r.plan.hooks[phase][e.Route].run(h, draft); return err })
	enc := encodings.Get().(*encoding)
	defer encodings.Put(enc)
	if problem, ok := err.(*Problem); ok {
		answer, err = problem.response(r.problemBase), nil
	}
	if err != nil {
		h.failWith(enc, err, 0)
		return
	}
	body, err := draft.result(enc, answer)
	if err != nil {
		h.failWith(enc, err, 0)
		return
	}
	h.final(raw.Cmd{Op: raw.CmdResult}, nil, body)
}

// result is what a hook has made of the request, as nodes.
func (d *Draft) result(e *encoding, answer any) ([]byte, error) {
	b := &e.builder
	b.Reset()
	at, n := b.Begin(raw.Obj), 0
	if len(d.changed) > 0 {
		b.Text("context")
		n++
		if err := plan.Append(b, d.changed); err != nil {
			return nil, err
		}
	}
	lines := func(name string, list [][2]string) {
		if len(list) == 0 {
			return
		}
		b.Text(name)
		n++
		all := b.Begin(raw.Arr)
		for _, line := range list {
			one := b.Begin(raw.Arr)
			b.Text(line[0])
			b.Text(line[1])
			b.End(one, 2)
		}
		b.End(all, len(list))
	}
	lines("set", d.set)
	lines("append", d.append)
	if answer != nil {
		response, ok := answer.(*Response)
		if !ok {
			response = &Response{Status: d.Status, Body: answer}
		}
		status := response.Status
		if status == 0 {
			status = 200
		}
		header := response.Header
		if response.MediaType != "" {
			header = append(append([][2]string{}, header...), [2]string{"content-type", response.MediaType})
		}
		format, text := raw.BodyRaw, []byte(nil)
		switch body := response.Body.(type) {
		case nil:
		case []byte:
			text = body
		case string:
			format, text = raw.BodyText, []byte(body)
		default:
			var inner raw.Builder
			if err := writeNodes(&inner, body); err != nil {
				return nil, err
			}
			var err error
			if text, err = jsonOf(&inner); err != nil {
				return nil, err
			}
			format = raw.BodyJSON
		}
		b.Text("answer")
		n++
		object := b.Begin(raw.Obj)
		b.Text("status")
		b.Int(int64(status))
		b.Text("format")
		b.Int(int64(format))
		b.Text("headers")
		all := b.Begin(raw.Arr)
		for _, line := range header {
			one := b.Begin(raw.Arr)
			b.Text(line[0])
			b.Text(line[1])
			b.End(one, 2)
		}
		b.End(all, len(header))
		b.Text("body")
		b.Bytes(text)
		b.End(object, 4)
	}
	b.End(at, n)
	if n == 0 {
		return nil, nil
	}
	return b.Finish(), nil
}

func (r *Runtime) make(h *handling, e *raw.Event, record []byte) {
	var depends []any
	for _, token := range tokensOf(record) {
		depends = append(depends, r.value(token))
	}
	var value any
	var cleanup Cleanup
	err := protect(func() (err error) { value, cleanup, err = r.plan.factories[e.Route](h, depends); return err })
	enc := encodings.Get().(*encoding)
	defer encodings.Put(enc)
	if err != nil {
		h.failWith(enc, err, 0)
		return
	}
	token := r.nextToken.Add(1)
	r.values.Store(token, value)
	if cleanup != nil {
		r.cleanups.Store(token, cleanup)
	}
	var body []byte
	if kind := jsonType(value); kind != "" {
		enc.builder.Reset()
		enc.builder.Text(kind)
		body = enc.builder.Finish()
	}
	h.final(raw.Cmd{Op: raw.CmdResult, Arg: token}, nil, body)
}

func (r *Runtime) dispose(h *handling, e *raw.Event) {
	r.values.Delete(e.Arg)
	c := raw.Cmd{Op: raw.CmdResult}
	if h.id == 0 {
		c.Arg = e.Arg
	}
	cleanup, ok := r.cleanups.LoadAndDelete(e.Arg)
	if ok {
		if err := protect(func() error { return cleanup.(Cleanup)(h) }); err != nil {
			enc := encodings.Get().(*encoding)
			defer encodings.Put(enc)
			if h.id != 0 {
				h.failWith(enc, err, 0)
				return
			}
			r.log().Error("a clean-up failed", "error", err)
		}
	}
	h.final(c, nil, nil)
}
