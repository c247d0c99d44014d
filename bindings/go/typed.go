package spikard

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unsafe"

	"spikard.dev/go/internal/plan"
	"spikard.dev/go/internal/raw"
)

// Body is the body of a request as JSON, as the input of a handler or a field of it.
type Body[T any] struct{ Value T }

func (Body[T]) spikardBody() {}

// Form is the body of a request as an urlencoded form.
type Form[T any] struct{ Value T }

func (Form[T]) spikardForm() {}

// None is an input, or an output, of nothing.
type None = struct{}

// The typed handlers. In is a struct whose fields are tagged `path:"id"`, `query:"limit" default:"20" validate:"min=1,max=100"`, `header:"x-trace"`, `cookie:"session"`,
// `inject:"db"`, `context:"user"`, or are a Body[T], a Form[T], a *Request, or `body:"stream"` (an io.Reader) or `body:"raw"` ([]byte); or it is a Body[T] itself, or None.
// What they return is the answer, as of a Handler.

// Get adds a typed handler for GET; HEAD comes with it.
func Get[In, Out any](a *App, path string, fn func(ctx context.Context, in In) (Out, error), options ...RouteOption) {
	Route(a, "GET", path, fn, options...)
}

// Post adds a typed handler for POST.
func Post[In, Out any](a *App, path string, fn func(ctx context.Context, in In) (Out, error), options ...RouteOption) {
	Route(a, "POST", path, fn, options...)
}

// Put adds a typed handler for PUT.
func Put[In, Out any](a *App, path string, fn func(ctx context.Context, in In) (Out, error), options ...RouteOption) {
	Route(a, "PUT", path, fn, options...)
}

// Patch adds a typed handler for PATCH.
func Patch[In, Out any](a *App, path string, fn func(ctx context.Context, in In) (Out, error), options ...RouteOption) {
	Route(a, "PATCH", path, fn, options...)
}

// Delete adds a typed handler for DELETE.
func Delete[In, Out any](a *App, path string, fn func(ctx context.Context, in In) (Out, error), options ...RouteOption) {
	Route(a, "DELETE", path, fn, options...)
}

// Route adds a typed handler for any method.
func Route[In, Out any](a *App, method, path string, fn func(ctx context.Context, in In) (Out, error), options ...RouteOption) {
	data := map[string]any{"method": strings.ToUpper(method), "path": path}
	input, err := inputOf(reflect.TypeFor[In](), path, data)
	if err != nil {
		a.note(fmt.Errorf("%s %s: %w", method, path, err))
		return
	}
	r := a.addRoute(data, nil, options)
	nothing := reflect.TypeFor[Out]() == reflect.TypeFor[None]()
	r.handle = func(h *handling, request *Request) (any, error) {
		var in In
		if err := input.read(h, request, reflect.ValueOf(&in).Elem()); err != nil {
			return nil, err
		}
		out, err := fn(h, in)
		if err != nil || nothing {
			return nil, err
		}
		return any(out), nil
	}
}

// input is how the fields of a handler's input are filled.
type input struct {
	params  []func(t raw.Tree, at int, v reflect.Value) error // of each declared parameter
	others  []func(h *handling, r *Request, v reflect.Value) error
	inject  []injected
	isParam bool
}

type injected struct {
	name  string
	index []int
}

var (
	requestType = reflect.TypeFor[*Request]()
	readerType  = reflect.TypeFor[io.Reader]()
)

func inputOf(t reflect.Type, path string, data map[string]any) (*input, error) {
	in := &input{}
	var parameters, inject []any
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the input of a handler is a struct, not %s", t)
	}
	if marked, err := in.body(t, nil, "", data); marked || err != nil {
		return in, err
	}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() {
			continue
		}
		index := f.Index
		if f.Type == requestType {
			in.others = append(in.others, func(_ *handling, r *Request, v reflect.Value) error {
				v.FieldByIndex(index).Set(reflect.ValueOf(r))
				return nil
			})
			continue
		}
		if name, ok := f.Tag.Lookup("inject"); ok {
			inject = append(inject, name)
			in.inject = append(in.inject, injected{name, index})
			continue
		}
		if name, ok := f.Tag.Lookup("context"); ok {
			in.others = append(in.others, func(_ *handling, r *Request, v reflect.Value) error {
				_, err := r.ContextValue(name, v.FieldByIndex(index).Addr().Interface())
				return err
			})
			continue
		}
		if kind, ok := f.Tag.Lookup("body"); ok || f.Type.Kind() == reflect.Struct {
			if marked, err := in.body(f.Type, index, kind, data); err != nil {
				return nil, err
			} else if marked {
				continue
			}
		}
		declared, err := in.parameter(f, path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if declared != nil {
			parameters = append(parameters, declared)
		} else if !f.Anonymous {
			return nil, fmt.Errorf("%s: expected a tag path, query, header, cookie, inject, context or body", f.Name)
		}
	}
	if parameters != nil {
		data["parameters"] = parameters
	}
	if inject != nil {
		data["inject"] = inject
	}
	return in, nil
}

func (in *input) parameter(f reflect.StructField, path string) (map[string]any, error) {
	for _, place := range []string{"path", "query", "header", "cookie"} {
		name, ok := f.Tag.Lookup(place)
		if !ok {
			continue
		}
		if place == "path" && !strings.Contains(path, "{"+name) {
			return nil, fmt.Errorf("%q is no parameter of the path %q", name, path)
		}
		t := f.Type
		pointer := t.Kind() == reflect.Pointer
		if pointer { // text is never null
			t = t.Elem()
		}
		schema, needed, err := plan.Member(t, f.Tag)
		if err != nil {
			return nil, err
		}
		declared := map[string]any{"in": place, "name": name, "required": place == "path" || needed && !pointer, "schema": schema}
		if style := f.Tag.Get("style"); style != "" {
			declared["style"] = style
		}
		if explode := f.Tag.Get("explode"); explode != "" {
			declared["explode"] = explode == "true"
		}
		decode, index := plan.DecoderOf(f.Type), f.Index
		in.params = append(in.params, func(t raw.Tree, at int, v reflect.Value) error {
			if t.Nodes[at].Type == raw.Null {
				return nil
			}
			return decode(t, at, v.FieldByIndex(index))
		})
		return declared, nil
	}
	return nil, nil
}

// body is the body of a request, where the field is one.
func (in *input) body(t reflect.Type, index []int, kind string, data map[string]any) (bool, error) {
	field := func(v reflect.Value) reflect.Value {
		if index == nil {
			return v
		}
		return v.FieldByIndex(index)
	}
	_, isBody := reflect.Zero(t).Interface().(interface{ spikardBody() })
	_, isForm := reflect.Zero(t).Interface().(interface{ spikardForm() })
	taken := func() error {
		if data["body"] != nil {
			return fmt.Errorf("a request has one body")
		}
		return nil
	}
	switch {
	case isBody || isForm:
		if err := taken(); err != nil {
			return true, err
		}
		inner := t.Field(0).Type
		schema, err := plan.Schema(inner)
		if err != nil {
			return true, err
		}
		types := []any{"application/json"}
		if isForm {
			types = []any{"application/x-www-form-urlencoded"}
		}
		data["body"] = map[string]any{"content_types": types, "required": inner.Kind() != reflect.Pointer, "schema": schema, "as": "nodes"}
		decode := plan.DecoderOf(inner)
		in.others = append(in.others, func(_ *handling, r *Request, v reflect.Value) error {
			record := (*raw.Request)(r.record)
			if record.JSON.Len == 0 {
				return nil
			}
			return decode(raw.TreeAt(r.record, record.JSON, false), 0, field(v).Field(0))
		})
		return true, nil
	case kind == "stream" && t == readerType:
		if err := taken(); err != nil {
			return true, err
		}
		data["body"] = map[string]any{"mode": "stream", "required": false, "content_types": []any{"*/*"}, "as": "raw"}
		in.others = append(in.others, func(_ *handling, r *Request, v reflect.Value) error {
			field(v).Set(reflect.ValueOf(r.Body()))
			return nil
		})
		return true, nil
	case kind == "raw" && t == reflect.TypeFor[[]byte]():
		if err := taken(); err != nil {
			return true, err
		}
		data["body"] = map[string]any{"required": false, "content_types": []any{"*/*"}, "as": "raw"}
		in.others = append(in.others, func(_ *handling, r *Request, v reflect.Value) error {
			record := (*raw.Request)(r.record)
			field(v).SetBytes([]byte(raw.TextAt(r.record, record.Body, false)))
			return nil
		})
		return true, nil
	case kind != "":
		return true, fmt.Errorf("body:%q of a %s; expected `body:\"stream\"` of an io.Reader, `body:\"raw\"` of a []byte, Body[T] or Form[T]", kind, t)
	}
	return false, nil
}

// read fills the input, straight from the core's memory: it is the handler's until the answer.
func (in *input) read(h *handling, r *Request, v reflect.Value) error {
	record := (*raw.Request)(r.record)
	if len(in.params) > 0 {
		tree := raw.TreeAt(r.record, record.Params, false)
		for i, at := 0, 0; i < len(in.params) && at < len(tree.Nodes); i++ {
			if err := in.params[i](tree, at, v); err != nil {
				return err
			}
			at = tree.Next(at)
		}
	}
	for _, fill := range in.others {
		if err := fill(h, r, v); err != nil {
			return err
		}
	}
	if len(in.inject) > 0 {
		tokens := unsafe.Slice((*uint64)(unsafe.Add(r.record, record.Deps.Off)), int(record.Deps.Len))
		for i, one := range in.inject {
			if i < len(tokens) {
				if err := assign(v.FieldByIndex(one.index), h.p.r.value(tokens[i]), one.name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
