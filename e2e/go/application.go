package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
)

// testCase is what the handlers, hooks and factories of one case share.
type testCase struct {
	mu       sync.Mutex
	trace    []string
	counters map[string]int
	lists    map[string][]any
	events   []object
}

func newCase() *testCase {
	return &testCase{trace: []string{}, counters: map[string]int{}, lists: map[string][]any{}, events: []object{}}
}

func (c *testCase) traced() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.trace...)
}
func (c *testCase) seen() []object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]object{}, c.events...)
}
func (c *testCase) note(text string) { c.mu.Lock(); c.trace = append(c.trace, text); c.mu.Unlock() }

// ---- what a handler can do (fixtures/README.md section 1)

func headerLines(headers any) (out [][2]string) {
	for name, value := range members(headers) {
		if several, ok := value.([]any); ok {
			for _, one := range several {
				out = append(out, [2]string{name, text(one)})
			}
		} else {
			out = append(out, [2]string{name, text(value)})
		}
	}
	return out
}

func statusOf(spec object, other int) int {
	if n := whole(spec["status"]); n != 0 {
		return int(n)
	}
	return other
}

func responseOf(spec object) *spikard.Response {
	r := &spikard.Response{Status: statusOf(spec, 200), Header: headerLines(spec["headers"])}
	if body, ok := spec["body"].(object); ok {
		r.MediaType = text(body["media_type"])
		if value, isJSON := body["json"]; isJSON {
			r.Body = value
			switch value.(type) {
			case nil, string: // nil would be no body, text would be text
				r.Body = contentBytes(body)
				if r.MediaType == "" {
					r.MediaType = "application/json"
				}
			}
		} else if value, isText := body["text"]; isText {
			r.Body = text(value)
		} else {
			r.Body = contentBytes(body)
		}
	}
	for _, one := range list(spec["cookies"]) {
		r.AddHeader("set-cookie", cookieOf(members(one)))
	}
	return r
}

func cookieOf(c object) string {
	cookie := http.Cookie{Name: text(c["name"]), Value: text(c["value"]), Domain: text(c["domain"]), Path: text(c["path"])}
	if c["max_age"] != nil {
		if cookie.MaxAge = int(whole(c["max_age"])); cookie.MaxAge == 0 {
			cookie.MaxAge = -1
		}
	}
	cookie.Secure, _ = c["secure"].(bool)
	cookie.HttpOnly, _ = c["http_only"].(bool)
	switch strings.ToLower(text(c["same_site"])) {
	case "lax":
		cookie.SameSite = http.SameSiteLaxMode
	case "strict":
		cookie.SameSite = http.SameSiteStrictMode
	case "none":
		cookie.SameSite = http.SameSiteNoneMode
	}
	return cookie.String()
}

// shown has uploaded files as an echo has them: text where the bytes are UTF-8, else base64.
func shown(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = shown(v[i])
		}
	case object:
		if content, ok := v["content"].([]byte); ok {
			delete(v, "content")
			if utf8.Valid(content) {
				v["text"] = string(content)
			} else {
				v["base64"] = base64.StdEncoding.EncodeToString(content)
			}
			return v
		}
		for key := range v {
			v[key] = shown(v[key])
		}
	}
	return value
}

func echo(route object, r *spikard.Request, spec object) (any, error) {
	out := object{}
	for _, part := range list(spec["parts"]) {
		switch part := text(part); part {
		case "path", "query":
			out[part] = r.Params(part)
		case "headers":
			out[part] = r.Params("header")
		case "cookies":
			out[part] = r.Params("cookie")
		case "body":
			out[part] = shown(r.JSON().Any())
		case "auth":
			out[part] = r.Auth().Any()
		case "context":
			out[part] = r.Context()
		case "dependencies":
			values := r.Dependencies()
			all := []any{}
			for i, name := range list(route["inject"]) {
				all = append(all, object{"name": name, "value": values[i]})
			}
			out[part] = all
		default:
			return nil, &notBuilt{"echo of " + part}
		}
	}
	return &spikard.Response{Status: statusOf(spec, 200), Body: out}, nil
}

var levels = map[string]slog.Level{"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

var handlerKeys = map[string]string{
	"respond": "kind status headers cookies body", "echo": "kind status parts", "problem": "kind problem", "fail": "kind message", "sleep": "kind ms then",
	"stream": "kind media_type chunks delay_ms fail_after", "background": "kind list field", "background_list": "kind list",
	"publish": "kind topic payload", "log": "kind level message attributes then",
}

func handlerOf(c *testCase, route, spec object) (spikard.Handler, error) {
	kind := text(spec["kind"])
	keys, ok := handlerKeys[kind]
	if !ok {
		return nil, &notBuilt{"handler " + kind}
	}
	if err := only(spec, keys, "handler"); err != nil {
		return nil, err
	}
	var then spikard.Handler
	if next, ok := spec["then"].(object); ok {
		var err error
		if then, err = handlerOf(c, route, next); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, r *spikard.Request) (any, error) {
		switch kind {
		case "respond":
			return responseOf(spec), nil
		case "echo":
			return echo(route, r, spec)
		case "problem":
			document := members(spec["problem"])
			return nil, &spikard.Problem{Status: statusOf(document, 500), Exact: document}
		case "sleep":
			if err := spikard.Sleep(ctx, time.Duration(whole(spec["ms"]))*time.Millisecond); err != nil {
				return nil, err
			}
			return then(ctx, r)
		case "stream":
			return &spikard.Response{MediaType: text(spec["media_type"]), Body: streamOf(spec)}, nil
		case "background":
			field := r.JSON().Member(text(spec["field"])).Any()
			r.Background(func(context.Context) error {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.lists[text(spec["list"])] = append(c.lists[text(spec["list"])], field)
				return nil
			})
			return &spikard.Response{Status: 202, Body: object{"queued": true}}, nil
		case "background_list":
			c.mu.Lock()
			defer c.mu.Unlock()
			return object{text(spec["list"]): append([]any{}, c.lists[text(spec["list"])]...)}, nil
		case "publish":
			payload := spec["payload"]
			if form, ok := payload.(object); ok && len(form) == 1 {
				if t, ok := form["$text"]; ok {
					payload = text(t)
				} else if b, ok := form["$bytes"]; ok {
					payload, _ = base64.StdEncoding.DecodeString(text(b))
				}
			}
			if _, err := spikard.MessagingNamed("default").Send(ctx, text(spec["topic"]), payload); err != nil {
				return nil, err
			}
			return &spikard.Response{Status: 202}, nil
		case "log":
			var attributes []any
			for name, value := range members(spec["attributes"]) {
				attributes = append(attributes, name, plainNumber(value))
			}
			slog.New(spikard.NewLogHandler(slog.Default().Handler())).Log(ctx, levels[text(spec["level"])], text(spec["message"]), attributes...)
			return then(ctx, r)
		}
		message := "fail"
		if m, ok := spec["message"]; ok {
			message = text(m)
		}
		return nil, errors.New(message)
	}, nil
}

func streamOf(spec object) func(*spikard.StreamWriter) error {
	return func(w *spikard.StreamWriter) error {
		chunks := list(spec["chunks"])
		failAfter := len(chunks) + 1
		if spec["fail_after"] != nil {
			failAfter = int(whole(spec["fail_after"]))
		}
		for i, chunk := range chunks {
			if i == failAfter {
				break
			}
			if delay := whole(spec["delay_ms"]); i > 0 && delay > 0 {
				if err := spikard.Sleep(w.Context(), time.Duration(delay)*time.Millisecond); err != nil {
					return err
				}
			}
			if _, err := w.Write(contentBytes(members(chunk))); err != nil {
				return err
			}
		}
		if failAfter <= len(chunks) {
			return errors.New("the stream fails, as the case says")
		}
		return nil
	}
}

func without(from object, names ...string) object {
	out := object{}
next:
	for key, value := range from {
		for _, name := range names {
			if key == name {
				continue next
			}
		}
		out[key] = value
	}
	return out
}

func addRoute(app *spikard.App, c *testCase, spec object) error {
	if err := only(spec, "method path parameters body inject inject_types dependencies handler", "route"); err != nil {
		return err
	}
	route := without(spec, "handler", "dependencies")
	handler, err := handlerOf(c, route, members(spec["handler"]))
	if err != nil {
		return err
	}
	var options []spikard.RouteOption
	for _, one := range list(spec["dependencies"]) {
		d, err := dependencyOf(c, members(one))
		if err != nil {
			return err
		}
		options = append(options, d.onRoute(app))
	}
	app.AddRouteJSON(mustJSON(route), handler, options...)
	return nil
}

// ---- hooks

func unauthorized(token bool) *spikard.Problem {
	challenge := "Bearer"
	if token {
		challenge = `Bearer error="invalid_token"`
	}
	return &spikard.Problem{Status: 401, Header: [][2]string{{"www-authenticate", challenge}}}
}

var hookKeys = map[string]string{
	"set_context": "kind key value", "append_context": "kind key value", "set_response_header": "kind name value", "append_response_header": "kind name value",
	"respond": "kind status headers body", "fail": "kind message", "require_bearer": "kind tokens", "require_context": "kind key equals", "limit_calls": "kind max retry_after",
}

func addHook(app *spikard.App, phase string, spec object) error {
	kind := text(spec["kind"])
	keys, ok := hookKeys[kind]
	if !ok {
		return &notBuilt{"hook " + kind}
	}
	if err := only(spec, keys, "hook"); err != nil {
		return err
	}
	var mu sync.Mutex
	var calls int64
	app.Hook(spikard.HookPhase(phase), func(_ context.Context, d *spikard.Draft) (any, error) {
		switch kind {
		case "set_context":
			d.Set(text(spec["key"]), spec["value"])
		case "append_context":
			before, there := d.Context()[text(spec["key"])]
			several, isList := before.([]any)
			if there && !isList {
				several = []any{before}
			}
			d.Set(text(spec["key"]), append(append([]any{}, several...), spec["value"]))
		case "set_response_header":
			d.SetHeader(text(spec["name"]), text(spec["value"]))
		case "append_response_header":
			d.AppendHeader(text(spec["name"]), text(spec["value"]))
		case "respond":
			return responseOf(spec), nil
		case "fail":
			return nil, errors.New("fail: " + text(spec["message"]))
		case "require_bearer":
			header, _ := d.Header("authorization")
			scheme, token, _ := strings.Cut(header, " ")
			if !strings.EqualFold(scheme, "bearer") || token == "" {
				return nil, unauthorized(false)
			}
			values, known := members(spec["tokens"])[token]
			if !known {
				return nil, unauthorized(true)
			}
			for key, value := range members(values) {
				d.Set(key, value)
			}
		case "require_context":
			value, there := d.Context()[text(spec["key"])]
			if !there || !reflect.DeepEqual(plainNumber(value), plainNumber(spec["equals"])) {
				return nil, &spikard.Problem{Status: 403}
			}
		case "limit_calls":
			mu.Lock()
			calls++
			over := calls > whole(spec["max"])
			mu.Unlock()
			if over {
				after := whole(spec["retry_after"])
				if after == 0 {
					after = 1
				}
				return nil, &spikard.Problem{Status: 429, Header: [][2]string{{"retry-after", fmt.Sprint(after)}}}
			}
		}
		return nil, nil
	})
	return nil
}

func plainNumber(value any) any {
	if n, ok := value.(interface{ Int64() (int64, error) }); ok {
		if i, err := n.Int64(); err == nil {
			return i
		}
		if f, ok := value.(interface{ Float64() (float64, error) }); ok {
			v, _ := f.Float64()
			return v
		}
	}
	return value
}

// ---- dependencies

type dependencySpec struct {
	name    string
	scope   spikard.Scope
	depends []string
	value   any
	factory spikard.Factory
}

func (d dependencySpec) onApp(app *spikard.App) {
	if d.factory == nil {
		app.Value(d.name, d.value)
	} else {
		app.Provide(d.name, d.scope, d.depends, d.factory)
	}
}

func (d dependencySpec) onRoute(app *spikard.App) spikard.RouteOption {
	if d.factory == nil {
		return app.RouteValue(d.name, d.value)
	}
	return app.RouteProvide(d.name, d.scope, d.depends, d.factory)
}

func dependencyOf(c *testCase, spec object) (dependencySpec, error) {
	d := dependencySpec{name: text(spec["name"]), scope: spikard.Scope(text(spec["scope"])), value: plainNumber(spec["value"])}
	if err := only(spec, "name kind value async depends_on scope produces cleanup", "dependency"); err != nil {
		return d, err
	}
	for _, one := range list(spec["depends_on"]) {
		d.depends = append(d.depends, text(one))
	}
	if text(spec["kind"]) == "value" {
		return d, nil
	}
	d.factory = func(context.Context, []any) (any, spikard.Cleanup, error) {
		c.note("open:" + d.name)
		var cleanup spikard.Cleanup
		if clean, _ := spec["cleanup"].(bool); clean {
			cleanup = func(context.Context) error { c.note("close:" + d.name); return nil }
		}
		switch produces := spec["produces"].(type) {
		case object:
			return produces["object"], cleanup, only(produces, "object", "produces")
		case nil:
			return nil, cleanup, nil
		case string:
			switch produces {
			case "uuid":
				b := make([]byte, 16)
				rand.Read(b)
				b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
				return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), cleanup, nil
			case "counter":
				c.mu.Lock()
				defer c.mu.Unlock()
				c.counters[d.name]++
				return object{"instance": c.counters[d.name]}, cleanup, nil
			}
		}
		return nil, nil, &notBuilt{fmt.Sprint("produces ", spec["produces"])}
	}
	return d, nil
}

// ---- the application

func addEvents(app *spikard.App, c *testCase, spec object) error {
	if err := only(spec, "path handler dispatch allowed_origins allowed_rate", "cloudevents"); err != nil {
		return err
	}
	handler := members(spec["handler"])
	if err := only(handler, "kind event message", "cloudevents.handler"); err != nil {
		return err
	}
	kind, path := text(handler["kind"]), text(spec["path"])
	if kind != "echo_event" && kind != "reply_event" && kind != "fail" {
		return &notBuilt{"handler " + kind}
	}
	options := manifest.EventEndpoint{Path: path}
	for _, one := range list(spec["allowed_origins"]) {
		options.AllowedOrigins = append(options.AllowedOrigins, text(one))
	}
	if spec["allowed_rate"] != nil {
		options.AllowedRate = manifest.Ptr(uint32(whole(spec["allowed_rate"])))
	}
	app.EventEndpoint(options)
	add := func(pattern, name string) {
		app.EventsAt(path, manifest.EventSubscription{Type: pattern}, func(_ context.Context, e *spikard.CloudEvent) (*spikard.CloudEvent, error) {
			c.mu.Lock()
			c.events = append(c.events, object{"event": jsonEvent(*e), "handler": name})
			c.mu.Unlock()
			switch kind {
			case "fail":
				return nil, errors.New("fail: " + text(handler["message"]))
			case "reply_event":
				reply := spikard.CloudEventOf(members(handler["event"]))
				return &reply, nil
			}
			return nil, nil
		})
	}
	dispatch := members(spec["dispatch"])
	for pattern, name := range dispatch {
		add(pattern, text(name))
	}
	if _, all := dispatch["*"]; !all {
		add("*", "default")
	}
	return nil
}

func jsonEvent(e spikard.CloudEvent) object {
	out := members(e.Plain())
	if data, ok := out["data"].([]byte); ok {
		delete(out, "data")
		out["data_base64"] = base64.StdEncoding.EncodeToString(data)
	}
	return out
}

func makeApp(spec object, c *testCase) (*spikard.App, error) {
	if err := only(spec, "config hooks dependencies routes cloudevents consumers env", "app"); err != nil {
		return nil, err
	}
	config := members(spec["config"])
	if err := only(config, "request_id timeout limits telemetry auth cors compression static_files rate_limit", "config"); err != nil {
		return nil, err
	}
	m := object{"log": object{"level": "warn"}, "shutdown": object{"timeout_ms": 2000}}
	if t, ok := config["telemetry"]; ok {
		m["telemetry"] = t
	}
	messaging := spec["consumers"] != nil
	for _, route := range list(spec["routes"]) {
		messaging = messaging || text(members(members(route)["handler"])["kind"]) == "publish"
	}
	if messaging {
		m["services"] = object{"messaging": object{"default": object{"url": "memory:"}}}
	}
	// A case has the routes it names, and no others: no health routes.
	http := without(config, "telemetry")
	http["health"] = object{"enabled": false}
	m["http"] = http
	app := spikard.New("case", spikard.WithConfigJSON(mustJSON(m)))
	if events, ok := spec["cloudevents"].(object); ok {
		if err := addEvents(app, c, events); err != nil {
			return nil, err
		}
	}
	for _, one := range list(spec["consumers"]) {
		consumer := members(one)
		if err := only(consumer, "topic group handler", "consumers"); err != nil {
			return nil, err
		}
		s, err := newScript(members(consumer["handler"]))
		if err != nil {
			return nil, err
		}
		done := &handled{}
		spikard.Consumer(app, text(consumer["topic"]), func(ctx context.Context, m *spikard.Message) error {
			_, err := done.run(ctx, s.next(string(m.Payload)), object{"payload": m.Payload})
			return err
		}, manifest.Consumer{Group: text(consumer["group"])})
	}
	for _, one := range list(spec["dependencies"]) {
		d, err := dependencyOf(c, members(one))
		if err != nil {
			return nil, err
		}
		d.onApp(app)
	}
	hooks := members(spec["hooks"])
	if err := only(hooks, "on_request pre_validation pre_handler on_response on_error", "hooks"); err != nil {
		return nil, err
	}
	for phase, several := range hooks {
		for _, one := range list(several) {
			if err := addHook(app, phase, members(one)); err != nil {
				return nil, err
			}
		}
	}
	for _, one := range list(spec["routes"]) {
		if err := addRoute(app, c, members(one)); err != nil {
			return nil, err
		}
	}
	return app, nil
}
