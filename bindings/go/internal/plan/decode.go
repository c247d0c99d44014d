package plan

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"sync"
	"time"

	"spikard.dev/go/internal/raw"
)

// Decode puts node i into v, which can be set.
type Decode func(t raw.Tree, i int, v reflect.Value) error

var decoders sync.Map // reflect.Type -> Decode

// DecoderOf is how nodes become values of a type.
func DecoderOf(t reflect.Type) Decode {
	if known, ok := decoders.Load(t); ok {
		return known.(Decode)
	}
	var once sync.Once
	var made Decode
	decoders.Store(t, Decode(func(tree raw.Tree, i int, v reflect.Value) error {
		once.Do(func() { made = makeDecoder(t) })
		return made(tree, i, v)
	}))
	final := makeDecoder(t)
	decoders.Store(t, final)
	return final
}

// Into decodes node i into what `target` points to.
func Into(t raw.Tree, i int, target any) error {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("%T is no pointer to decode into", target)
	}
	return DecoderOf(v.Type().Elem())(t, i, v.Elem())
}

var kinds = [...]string{"null", "a boolean", "an integer", "a number", "text", "bytes", "an array", "an object", "an integer", "a number"}

func mismatch(t raw.Tree, i int, v reflect.Value) error {
	kind := "nothing"
	if n := t.Nodes[i].Type; int(n) < len(kinds) {
		kind = kinds[n]
	}
	return fmt.Errorf("%s is no %s", kind, v.Type())
}

func makeDecoder(t reflect.Type) Decode {
	switch {
	case t == timeType:
		return decodeTime
	case t == rawType:
		return func(t raw.Tree, i int, v reflect.Value) error { v.SetBytes(t.AppendJSON(nil, i)); return nil }
	case t == numberType:
		return func(t raw.Tree, i int, v reflect.Value) error {
			text, ok := numberText(t, i)
			if !ok {
				return mismatch(t, i, v)
			}
			v.SetString(text)
			return nil
		}
	case reflect.PointerTo(t).Implements(optionalTargetType):
		inner := DecoderOf(optionalElement(t))
		return func(t raw.Tree, i int, v reflect.Value) error {
			return inner(t, i, reflect.ValueOf(v.Addr().Interface().(optionalTarget).OptionalTarget()).Elem())
		}
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(jsonUnmarshalerType) && t != bigIntType:
		return func(t raw.Tree, i int, v reflect.Value) error {
			return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(t.AppendJSON(nil, i))
		}
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(textUnmarshalerType):
		return func(t raw.Tree, i int, v reflect.Value) error {
			var text string
			switch t.Nodes[i].Type {
			case raw.Null:
				return nil
			case raw.Str:
				text = t.Text(i)
			default:
				number, ok := numberText(t, i)
				if !ok {
					return mismatch(t, i, v)
				}
				text = number
			}
			return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(t raw.Tree, i int, v reflect.Value) error {
			switch n := &t.Nodes[i]; n.Type {
			case raw.Bool, raw.Int: // SQLite's are integers
				v.SetBool(n.U != 0)
			case raw.Null:
				v.SetBool(false)
			default:
				return mismatch(t, i, v)
			}
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return func(t raw.Tree, i int, v reflect.Value) error {
			switch n := &t.Nodes[i]; n.Type {
			case raw.F64:
				v.SetFloat(math.Float64frombits(n.U))
			case raw.Int:
				v.SetFloat(float64(int64(n.U)))
			case raw.Uint:
				v.SetFloat(float64(n.U))
			case raw.Numtext:
				f, err := strconv.ParseFloat(t.View(i), 64)
				if err != nil {
					return fmt.Errorf("%s is no %s", t.Text(i), v.Type())
				}
				v.SetFloat(f)
			case raw.Null:
				v.SetFloat(0)
			default:
				return mismatch(t, i, v)
			}
			return nil
		}
	case reflect.String:
		return func(t raw.Tree, i int, v reflect.Value) error {
			switch t.Nodes[i].Type {
			case raw.Str, raw.Bytes, raw.Numtext:
				v.SetString(t.Text(i))
			case raw.Null:
				v.SetString("")
			default:
				return mismatch(t, i, v)
			}
			return nil
		}
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return func(t raw.Tree, i int, v reflect.Value) error {
				value := t.Any(i)
				if value == nil {
					v.SetZero()
				} else {
					v.Set(reflect.ValueOf(value))
				}
				return nil
			}
		}
	case reflect.Pointer:
		inner := DecoderOf(t.Elem())
		return func(tree raw.Tree, i int, v reflect.Value) error {
			if tree.Nodes[i].Type == raw.Null {
				v.SetZero()
				return nil
			}
			made := reflect.New(t.Elem())
			if err := inner(tree, i, made.Elem()); err != nil {
				return err
			}
			v.Set(made)
			return nil
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return decodeBytes
		}
		return sliceDecoder(t)
	case reflect.Array:
		inner := DecoderOf(t.Elem())
		return func(t raw.Tree, i int, v reflect.Value) error {
			if t.Nodes[i].Type != raw.Arr || int(t.Nodes[i].Len) != v.Len() {
				return mismatch(t, i, v)
			}
			for k, at := 0, i+1; k < v.Len(); k++ {
				if err := inner(t, at, v.Index(k)); err != nil {
					return fmt.Errorf("[%d]: %w", k, err)
				}
				at = t.Next(at)
			}
			return nil
		}
	case reflect.Map:
		return mapDecoder(t)
	case reflect.Struct:
		return structDecoder(t)
	}
	return func(raw.Tree, int, reflect.Value) error { return fmt.Errorf("%s cannot be read from JSON", t) }
}

func optionalElement(t reflect.Type) reflect.Type {
	f, _ := t.FieldByName("Value")
	return f.Type
}

func numberText(t raw.Tree, i int) (string, bool) {
	switch t.Nodes[i].Type {
	case raw.Numtext:
		return t.Text(i), true
	case raw.Int, raw.Uint, raw.F64:
		return string(t.AppendJSON(nil, i)), true
	}
	return "", false
}

var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly, "15:04:05.999999999Z07:00", "15:04:05.999999999"}

func decodeTime(t raw.Tree, i int, v reflect.Value) error {
	switch t.Nodes[i].Type {
	case raw.Null:
		v.SetZero()
		return nil
	case raw.Str:
		for _, layout := range layouts {
			if when, err := time.Parse(layout, t.View(i)); err == nil {
				v.Set(reflect.ValueOf(when))
				return nil
			}
		}
		return fmt.Errorf("%q is no time", t.Text(i))
	}
	return mismatch(t, i, v)
}

// integral is the whole number of a node that has one.
func integral(t raw.Tree, i int) (int64, bool) {
	n := &t.Nodes[i]
	switch n.Type {
	case raw.Int, raw.Bool:
		return int64(n.U), true
	case raw.Null:
		return 0, true
	case raw.F64:
		f := math.Float64frombits(n.U)
		return int64(f), f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63
	case raw.Numtext:
		whole, err := strconv.ParseInt(t.View(i), 10, 64)
		return whole, err == nil
	}
	return 0, false
}

func decodeInt(t raw.Tree, i int, v reflect.Value) error {
	whole, ok := integral(t, i)
	if !ok || t.Nodes[i].Type == raw.Bool {
		return mismatch(t, i, v)
	}
	if v.OverflowInt(whole) {
		return fmt.Errorf("%d does not fit %s", whole, v.Type())
	}
	v.SetInt(whole)
	return nil
}

func decodeUint(t raw.Tree, i int, v reflect.Value) error {
	if n := &t.Nodes[i]; n.Type == raw.Uint {
		if v.OverflowUint(n.U) {
			return fmt.Errorf("%d does not fit %s", n.U, v.Type())
		}
		v.SetUint(n.U)
		return nil
	}
	whole, ok := integral(t, i)
	if !ok || t.Nodes[i].Type == raw.Bool {
		return mismatch(t, i, v)
	}
	if whole < 0 || v.OverflowUint(uint64(whole)) {
		return fmt.Errorf("%d does not fit %s", whole, v.Type())
	}
	v.SetUint(uint64(whole))
	return nil
}

func decodeBytes(t raw.Tree, i int, v reflect.Value) error {
	switch t.Nodes[i].Type {
	case raw.Null:
		v.SetZero()
	case raw.Bytes:
		v.SetBytes(t.Data(i))
	case raw.Str: // JSON has no bytes: base64, as encoding/json
		data, err := base64.StdEncoding.DecodeString(t.View(i))
		if err != nil {
			return fmt.Errorf("no base64: %w", err)
		}
		v.SetBytes(data)
	default:
		return mismatch(t, i, v)
	}
	return nil
}

func sliceDecoder(t reflect.Type) Decode {
	inner := DecoderOf(t.Elem())
	return func(tree raw.Tree, i int, v reflect.Value) error {
		n := &tree.Nodes[i]
		if n.Type == raw.Null {
			v.SetZero()
			return nil
		}
		if n.Type != raw.Arr {
			return mismatch(tree, i, v)
		}
		made := reflect.MakeSlice(t, int(n.Len), int(n.Len))
		for k, at := 0, i+1; k < int(n.Len); k++ {
			if err := inner(tree, at, made.Index(k)); err != nil {
				return fmt.Errorf("[%d]: %w", k, err)
			}
			at = tree.Next(at)
		}
		v.Set(made)
		return nil
	}
}

func mapDecoder(t reflect.Type) Decode {
	inner, key := DecoderOf(t.Elem()), DecoderOf(t.Key())
	whole := t.Key().Kind() >= reflect.Int && t.Key().Kind() <= reflect.Uint64
	return func(tree raw.Tree, i int, v reflect.Value) error {
		n := &tree.Nodes[i]
		if n.Type == raw.Null {
			v.SetZero()
			return nil
		}
		if n.Type != raw.Obj {
			return mismatch(tree, i, v)
		}
		made := reflect.MakeMapWithSize(t, int(n.Len))
		for k, at := uint32(0), i+1; k < n.Len; k++ {
			name := reflect.New(t.Key()).Elem()
			if whole {
				number, err := strconv.ParseInt(tree.View(at), 10, 64)
				if err != nil {
					return fmt.Errorf("%q is no %s", tree.Text(at), t.Key())
				}
				name.Set(reflect.ValueOf(number).Convert(t.Key()))
			} else if err := key(tree, at, name); err != nil {
				return err
			}
			value := reflect.New(t.Elem()).Elem()
			if err := inner(tree, at+1, value); err != nil {
				return fmt.Errorf("%s: %w", tree.Text(at), err)
			}
			made.SetMapIndex(name, value)
			at = tree.Next(at + 1)
		}
		v.Set(made)
		return nil
	}
}

func structDecoder(t reflect.Type) Decode {
	type member struct {
		name   string
		index  []int
		decode Decode
	}
	fields := Fields(t)
	members := make([]member, len(fields))
	byName := make(map[string]int, len(fields))
	for i, f := range fields {
		members[i] = member{f.Name, f.Index, DecoderOf(f.Type)}
		byName[f.Name] = i
	}
	return func(tree raw.Tree, i int, v reflect.Value) error {
		n := &tree.Nodes[i]
		if n.Type == raw.Null {
			return nil
		}
		if n.Type != raw.Obj {
			return mismatch(tree, i, v)
		}
		expected := 0 // members mostly come in the order of the fields
		for k, at := uint32(0), i+1; k < n.Len; k++ {
			name := tree.View(at)
			found := -1
			if expected < len(members) && members[expected].name == name {
				found = expected
			} else if known, ok := byName[name]; ok {
				found = known
			}
			if found >= 0 {
				m := &members[found]
				expected = found + 1
				var field reflect.Value
				if len(m.index) == 1 {
					field = v.Field(m.index[0])
				} else {
					field = v.FieldByIndex(m.index)
				}
				if err := m.decode(tree, at+1, field); err != nil {
					return fmt.Errorf("%s: %w", m.name, err)
				}
			}
			at = tree.Next(at + 1)
		}
		return nil
	}
}
