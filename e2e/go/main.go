// The Go harness of the fixture player (e2e/README.md): JSON lines in and out, one application at a time, built through the package's public API.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	spikard "spikard.dev/go"
)

type object = map[string]any

// notBuilt is a key or a kind of the case that this harness, or the product, does not have.
type notBuilt struct{ what string }

func (n *notBuilt) Error() string { return "not built: " + n.what }

func only(value object, known, where string) error {
	words := strings.Fields(known)
next:
	for key := range value {
		for _, word := range words {
			if word == key {
				continue next
			}
		}
		return &notBuilt{where + "." + key}
	}
	return nil
}

func decode(text []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(into)
}

func mustJSON(value any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err)
	}
	return []byte(strings.TrimRight(b.String(), "\n"))
}

func text(value any) string { s, _ := value.(string); return s }

func whole(value any) int64 {
	switch n := value.(type) {
	case json.Number:
		i, _ := n.Int64()
		return i
	case int64:
		return n
	}
	return 0
}

func list(value any) []any     { l, _ := value.([]any); return l }
func members(value any) object { o, _ := value.(object); return o }

type harness struct {
	c       *testCase
	server  *spikard.Server
	toolbox *toolbox
	told    map[string][]any
	env     map[string]*string
}

var dependencyError = regexp.MustCompile(`: ([a-z]+_(?:dependency|mismatch)): `)

func (h *harness) answer(line []byte) (out object) {
	defer func() {
		if value := recover(); value != nil {
			out = object{"ok": false, "error": object{"type": "panic", "message": fmt.Sprint(value)}}
		}
	}()
	var request object
	if err := decode(line, &request); err != nil {
		return object{"ok": false, "error": object{"type": "json", "message": err.Error()}}
	}
	out, err := h.run(request)
	var missing *notBuilt
	var config *spikard.ConfigError
	var operation *spikard.Error
	switch {
	case err == nil:
		if out == nil {
			out = object{}
		}
		out["ok"] = true
		return out
	case errors.As(err, &missing):
		return object{"ok": false, "error": object{"type": "not_built", "message": err.Error()}}
	case errors.As(err, &config):
		kind := "invalid_argument"
		if found := dependencyError.FindStringSubmatch(err.Error()); found != nil {
			kind = found[1]
		}
		return object{"ok": false, "error": object{"type": kind, "message": err.Error()}}
	case errors.As(err, &operation):
		return object{"ok": false, "error": object{"kind": operation.Kind.String(), "detail": operation.Detail, "message": operation.Message}}
	}
	return object{"ok": false, "error": object{"type": fmt.Sprintf("%T", err), "message": err.Error()}}
}

func (h *harness) run(request object) (object, error) {
	ctx := context.Background()
	switch op := text(request["op"]); op {
	case "start":
		if err := only(request, "op app", "start"); err != nil {
			return nil, err
		}
		h.stop()
		h.c = newCase()
		h.told = map[string][]any{}
		spec := members(request["app"])
		h.environment(members(spec["env"]))
		app, err := makeApp(spec, h.c)
		if err != nil {
			return nil, err
		}
		_, configured := spec["env"]
		server, err := app.Start(ctx, spikard.StartOptions{Configured: configured, Manifest: func(m map[string]any) {
			if http, ok := m["http"].(map[string]any); ok {
				http["listeners"] = []any{map[string]any{"address": "127.0.0.1", "port": 0}}
			}
		}})
		if err != nil {
			return nil, err
		}
		h.server = server
		return object{"port": server.Port()}, nil
	case "stop":
		return object{"report": h.stop()}, only(request, "op drain_timeout_ms", "stop")
	case "trace":
		return object{"dependency_trace": h.c.traced()}, nil
	case "events":
		return object{"events": h.c.seen()}, nil
	case "spans", "logs", "metrics":
		told, err := h.telemetry(op)
		return object{op: told}, err
	case "backends":
		d, ok := drivers[text(request["subsystem"])]
		if !ok {
			return nil, &notBuilt{"client " + text(request["subsystem"])}
		}
		return object{"backends": d.backends()}, nil
	case "client":
		h.close()
		h.told = map[string][]any{}
		t, err := openToolbox(members(request["client"]))
		if err != nil {
			return nil, err
		}
		h.toolbox = t
		return object{"capabilities": t.d.capabilities()}, nil
	case "do":
		if h.toolbox == nil {
			return nil, errors.New("there is no client")
		}
		result, err := h.toolbox.do(text(request["do"]), members(request["args"]))
		return object{"result": result}, err
	case "close":
		h.close()
		return nil, nil
	default:
		return nil, &notBuilt{"op " + op}
	}
}

func (h *harness) environment(env object) {
	for name, before := range h.env {
		if before == nil {
			os.Unsetenv(name)
		} else {
			os.Setenv(name, *before)
		}
	}
	h.env = map[string]*string{}
	for name, value := range env {
		if before, ok := os.LookupEnv(name); ok {
			h.env[name] = &before
		} else {
			h.env[name] = nil
		}
		os.Setenv(name, text(value))
	}
}

// telemetry is what there was since the start: the exporter gives each once.
func (h *harness) telemetry(what string) ([]any, error) {
	server := h.server
	if server == nil && h.toolbox != nil {
		server = h.toolbox.server
	}
	if server == nil {
		return nil, errors.New("nothing runs")
	}
	ctx, client := server.Context(context.Background()), spikard.NewTelemetry()
	var v spikard.Value
	var err error
	switch what {
	case "metrics":
		v, err = client.CollectMetrics(ctx)
	case "spans":
		v, err = client.TakeSpans(ctx)
	default:
		v, err = client.TakeLogs(ctx)
	}
	if err != nil {
		return nil, err
	}
	got := list(v.Any())
	if what != "metrics" {
		got = append(h.told[what], got...)
		h.told[what] = got
	}
	if got == nil {
		got = []any{}
	}
	return got, nil
}

func (h *harness) close() {
	if h.toolbox != nil {
		h.toolbox.close()
		h.toolbox = nil
	}
}

func (h *harness) stop() any {
	if h.server == nil {
		return nil
	}
	server := h.server
	h.server = nil
	report, err := server.Stop()
	if err != nil || len(report.Raw) == 0 {
		return nil
	}
	return report.Raw
}

func contentBytes(content object) []byte {
	if value, ok := content["json"]; ok {
		return mustJSON(value)
	}
	if value, ok := content["text"]; ok {
		return []byte(text(value))
	}
	data, err := base64.StdEncoding.DecodeString(text(content["base64"]))
	if err != nil {
		panic(err)
	}
	return data
}

func main() {
	// Standard output is the protocol's alone.
	out := bufio.NewWriter(os.Stdout)
	os.Stdout = os.Stderr
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	h := &harness{c: newCase(), told: map[string][]any{}}
	for {
		line, err := in.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			out.Write(mustJSON(h.answer(line)))
			out.WriteByte('\n')
			out.Flush()
		}
		if err != nil {
			break
		}
	}
	h.close()
	h.stop()
}
