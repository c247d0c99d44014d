package plan

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"spikard.dev/go/internal/raw"
)

type encode func(b *raw.Builder, v reflect.Value) error

var encoders sync.Map // reflect.Type -> encode

// Append writes a value as nodes.
func Append(b *raw.Builder, value any) error {
	switch v := value.(type) {
	case nil:
		b.Null()
	case bool:
		b.Bool(v)
	case string:
		b.Text(v)
	case int:
		b.Int(int64(v))
	case int64:
		b.Int(v)
	case float64:
		return float(b, v)
	case []byte:
		b.Bytes(v)
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		at := b.Begin(raw.Obj)
		for _, key := range keys {
			b.Text(key)
			if err := Append(b, v[key]); err != nil {
				return err
			}
		}
		b.End(at, len(v))
	case []any:
		at := b.Begin(raw.Arr)
		for _, one := range v {
			if err := Append(b, one); err != nil {
				return err
			}
		}
		b.End(at, len(v))
	default:
		r := reflect.ValueOf(value)
		return encoderOf(r.Type())(b, r)
	}
	return nil
}

func float(b *raw.Builder, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%v has no form in JSON", v)
	}
	b.Float(v)
	return nil
}

func encoderOf(t reflect.Type) encode {
	if known, ok := encoders.Load(t); ok {
		return known.(encode)
	}
	// A type that has itself as a part finds this one meanwhile.
	var once sync.Once
	var made encode
	encoders.Store(t, encode(func(b *raw.Builder, v reflect.Value) error {
		once.Do(func() { made = makeEncoder(t) })
		return made(b, v)
	}))
	made2 := makeEncoder(t)
	encoders.Store(t, made2)
	return made2
}

func makeEncoder(t reflect.Type) encode {
	switch {
	case t.Implements(plainType) && t.Kind() != reflect.Interface:
		return func(b *raw.Builder, v reflect.Value) error {
			if v.Kind() == reflect.Pointer && v.IsNil() {
				b.Null()
				return nil
			}
			return Append(b, v.Interface().(interface{ Plain() any }).Plain())
		}
	case t == timeType:
		return func(b *raw.Builder, v reflect.Value) error {
			b.Text(v.Interface().(time.Time).Format(time.RFC3339Nano))
			return nil
		}
	case t == numberType:
		return func(b *raw.Builder, v reflect.Value) error { return number(b, v.String()) }
	case t == bigIntType || t == reflect.PointerTo(bigIntType):
		return func(b *raw.Builder, v reflect.Value) error {
			var n *big.Int
			if v.Kind() == reflect.Pointer {
				n = v.Interface().(*big.Int)
			} else {
				copied := v.Interface().(big.Int)
				n = &copied
			}
			if n == nil {
				b.Null()
				return nil
			}
			return number(b, n.String())
		}
	case t.Implements(optionalType):
		return func(b *raw.Builder, v reflect.Value) error {
			value, set := v.Interface().(optional).OptionalValue()
			if !set {
				b.Null()
				return nil
			}
			return Append(b, value)
		}
	case t.Implements(jsonMarshalerType) && t.Kind() != reflect.Interface:
		return func(b *raw.Builder, v reflect.Value) error {
			if v.Kind() == reflect.Pointer && v.IsNil() {
				b.Null()
				return nil
			}
			text, err := v.Interface().(json.Marshaler).MarshalJSON()
			if err != nil {
				return err
			}
			return appendText(b, text)
		}
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(jsonMarshalerType):
		return func(b *raw.Builder, v reflect.Value) error {
			p := reflect.New(t)
			p.Elem().Set(v)
			text, err := p.Interface().(json.Marshaler).MarshalJSON()
			if err != nil {
				return err
			}
			return appendText(b, text)
		}
	case t.Implements(textMarshalerType) && t.Kind() != reflect.Interface:
		return func(b *raw.Builder, v reflect.Value) error {
			if v.Kind() == reflect.Pointer && v.IsNil() {
				b.Null()
				return nil
			}
			text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			b.Text(string(text))
			return err
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(b *raw.Builder, v reflect.Value) error { b.Bool(v.Bool()); return nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(b *raw.Builder, v reflect.Value) error { b.Int(v.Int()); return nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(b *raw.Builder, v reflect.Value) error { b.Uint(v.Uint()); return nil }
	case reflect.Float32:
		return func(b *raw.Builder, v reflect.Value) error {
			// The shortest text of a float32, as encoding/json writes it.
			f, _ := strconv.ParseFloat(strconv.FormatFloat(v.Float(), 'g', -1, 32), 64)
			return float(b, f)
		}
	case reflect.Float64:
		return func(b *raw.Builder, v reflect.Value) error { return float(b, v.Float()) }
	case reflect.String:
		return func(b *raw.Builder, v reflect.Value) error { b.Text(v.String()); return nil }
	case reflect.Interface:
		return func(b *raw.Builder, v reflect.Value) error {
			if v.IsNil() {
				b.Null()
				return nil
			}
			return Append(b, v.Elem().Interface())
		}
	case reflect.Pointer:
		inner := encoderOf(t.Elem())
		return func(b *raw.Builder, v reflect.Value) error {
			if v.IsNil() {
				b.Null()
				return nil
			}
			return inner(b, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return func(b *raw.Builder, v reflect.Value) error { b.Bytes(v.Bytes()); return nil }
		}
		inner := encoderOf(t.Elem())
		nilable := t.Kind() == reflect.Slice
		return func(b *raw.Builder, v reflect.Value) error {
			if nilable && v.IsNil() {
				b.Null()
				return nil
			}
			at := b.Begin(raw.Arr)
			for i := range v.Len() {
				if err := inner(b, v.Index(i)); err != nil {
					return err
				}
			}
			b.End(at, v.Len())
			return nil
		}
	case reflect.Map:
		inner := encoderOf(t.Elem())
		return func(b *raw.Builder, v reflect.Value) error {
			if v.IsNil() {
				b.Null()
				return nil
			}
			type pair struct {
				key   string
				value reflect.Value
			}
			pairs := make([]pair, 0, v.Len())
			for it := v.MapRange(); it.Next(); {
				key, err := keyText(it.Key())
				if err != nil {
					return err
				}
				pairs = append(pairs, pair{key, it.Value()})
			}
			slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
			at := b.Begin(raw.Obj)
			for _, p := range pairs {
				b.Text(p.key)
				if err := inner(b, p.value); err != nil {
					return err
				}
			}
			b.End(at, len(pairs))
			return nil
		}
	case reflect.Struct:
		return structEncoder(t)
	}
	return func(*raw.Builder, reflect.Value) error { return fmt.Errorf("%s has no form in JSON", t) }
}

func keyText(v reflect.Value) (string, error) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	return "", fmt.Errorf("%s is no key in JSON", v.Type())
}

func structEncoder(t reflect.Type) encode {
	type member struct {
		name   string
		index  []int
		encode encode
		omit   func(reflect.Value) bool
	}
	var members []member
	for _, f := range Fields(t) {
		m := member{name: f.Name, index: f.Index, encode: encoderOf(f.Type)}
		switch {
		case f.OmitZero && f.Type.Implements(zeroType), f.Type.Implements(optionalType):
			m.omit = func(v reflect.Value) bool {
				return (v.Kind() == reflect.Pointer && v.IsNil()) || v.Interface().(interface{ IsZero() bool }).IsZero()
			}
		case f.OmitZero:
			m.omit = reflect.Value.IsZero
		case f.OmitEmpty:
			m.omit = isEmpty
		}
		members = append(members, m)
	}
	return func(b *raw.Builder, v reflect.Value) error {
		at, n := b.Begin(raw.Obj), 0
		for i := range members {
			m := &members[i]
			var value reflect.Value
			if len(m.index) == 1 {
				value = v.Field(m.index[0])
			} else {
				value = v.FieldByIndex(m.index)
			}
			if m.omit != nil && m.omit(value) {
				continue
			}
			b.Text(m.name)
			if err := m.encode(b, value); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			n++
		}
		b.End(at, n)
		return nil
	}
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func number(b *raw.Builder, text string) error {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		b.Int(i)
		return nil
	}
	if !json.Valid([]byte(text)) || text == "" || (text[0] != '-' && (text[0] < '0' || text[0] > '9')) {
		return fmt.Errorf("%q is no number", text)
	}
	b.Number(text)
	return nil
}

// appendText writes JSON text as nodes.
func appendText(b *raw.Builder, text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return err
	}
	return Append(b, value)
}
