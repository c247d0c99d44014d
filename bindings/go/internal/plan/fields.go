// Package plan turns Go values into nodes and back, and Go types into JSON Schema. A type is looked at once.
package plan

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Field is one member of a struct as JSON.
type Field struct {
	Name      string
	Index     []int
	Type      reflect.Type
	Tag       reflect.StructTag
	OmitEmpty bool
	OmitZero  bool
}

var (
	timeType            = reflect.TypeFor[time.Time]()
	rawType             = reflect.TypeFor[json.RawMessage]()
	numberType          = reflect.TypeFor[json.Number]()
	bigIntType          = reflect.TypeFor[big.Int]()
	jsonMarshalerType   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	optionalType        = reflect.TypeFor[optional]()
	optionalTargetType  = reflect.TypeFor[optionalTarget]()
	zeroType            = reflect.TypeFor[interface{ IsZero() bool }]()
	plainType           = reflect.TypeFor[interface{ Plain() any }]()
)

type optional interface{ OptionalValue() (any, bool) }
type optionalTarget interface{ OptionalTarget() any }

var fieldCache sync.Map // reflect.Type -> []Field

// Fields of a struct by the rules of encoding/json: `json` tags, embedded structs are flattened, "-" is left out.
func Fields(t reflect.Type) []Field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]Field)
	}
	var out []Field
	depth := map[string]int{}
	var walk func(t reflect.Type, index []int)
	walk = func(t reflect.Type, index []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			tag := f.Tag.Get("json")
			if tag == "-" || f.Name == "_" {
				continue
			}
			name, options, _ := strings.Cut(tag, ",")
			at := append(append([]int(nil), index...), i)
			if f.Anonymous && name == "" {
				inner := f.Type
				if inner.Kind() == reflect.Pointer {
					inner = inner.Elem()
				}
				if inner.Kind() == reflect.Struct && !isLeaf(f.Type) {
					if f.Type.Kind() == reflect.Struct {
						walk(inner, at)
					}
					continue
				}
			}
			if !f.IsExported() {
				continue
			}
			if name == "" {
				name = f.Name
			}
			field := Field{Name: name, Index: at, Type: f.Type, Tag: f.Tag}
			for _, option := range strings.Split(options, ",") {
				field.OmitEmpty = field.OmitEmpty || option == "omitempty"
				field.OmitZero = field.OmitZero || option == "omitzero"
			}
			if known, there := depth[name]; there {
				if known <= len(at) {
					continue // the outer one wins
				}
				for k := range out {
					if out[k].Name == name {
						out = append(out[:k], out[k+1:]...)
						break
					}
				}
			}
			depth[name] = len(at)
			out = append(out, field)
		}
	}
	walk(t, nil)
	fieldCache.Store(t, out)
	return out
}

// isLeaf tells what is written by methods of its own.
func isLeaf(t reflect.Type) bool {
	if t == timeType || t == bigIntType {
		return true
	}
	pointer := t
	if t.Kind() != reflect.Pointer {
		pointer = reflect.PointerTo(t)
	}
	for _, kind := range []reflect.Type{jsonMarshalerType, textMarshalerType, jsonUnmarshalerType, textUnmarshalerType} {
		if pointer.Implements(kind) {
			return true
		}
	}
	return false
}
