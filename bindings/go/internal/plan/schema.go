package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Schemer is a type that says its own JSON Schema.
type Schemer interface{ JSONSchema() map[string]any }

var schemerType = reflect.TypeFor[Schemer]()

// Schema is the JSON Schema 2020-12 of a type: structs by their `json` and `validate` tags (docs/guide/go.md), named structs in $defs.
func Schema(t reflect.Type) (map[string]any, error) {
	s := &schemas{names: map[reflect.Type]string{}, definitions: map[string]any{}}
	schema, err := s.of(t)
	if err != nil {
		return nil, err
	}
	if len(s.definitions) > 0 {
		if len(s.definitions) == 1 && schema["$ref"] != nil && !s.recursive {
			for _, only := range s.definitions {
				return only.(map[string]any), nil
			}
		}
		out := map[string]any{"$defs": s.definitions}
		for key, value := range schema {
			out[key] = value
		}
		return out, nil
	}
	return schema, nil
}

type schemas struct {
	names       map[reflect.Type]string
	definitions map[string]any
	open        []reflect.Type
	recursive   bool
}

func (s *schemas) of(t reflect.Type) (map[string]any, error) {
	pointer := reflect.PointerTo(t)
	switch {
	case t.Implements(schemerType) && t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface:
		return reflect.Zero(t).Interface().(Schemer).JSONSchema(), nil
	case t.Kind() != reflect.Pointer && pointer.Implements(schemerType):
		return reflect.New(t).Interface().(Schemer).JSONSchema(), nil
	case t == timeType:
		return map[string]any{"type": "string", "format": "date-time"}, nil
	case t == rawType:
		return map[string]any{}, nil
	case t == numberType:
		return map[string]any{"type": "number"}, nil
	case t == bigIntType:
		return map[string]any{"type": "integer"}, nil
	case pointer.Implements(optionalTargetType):
		return s.of(optionalElement(t))
	case t.Kind() == reflect.Pointer:
		inner, err := s.of(t.Elem())
		if err != nil {
			return nil, err
		}
		return nullable(inner), nil
	case isLeaf(t) && pointer.Implements(textUnmarshalerType):
		if strings.EqualFold(t.Name(), "uuid") {
			return map[string]any{"type": "string", "format": "uuid"}, nil
		}
		return map[string]any{"type": "string"}, nil
	case isLeaf(t):
		return map[string]any{}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case reflect.Int8, reflect.Int16, reflect.Int32:
		bits := t.Bits() - 1
		return map[string]any{"type": "integer", "minimum": -(int64(1) << bits), "maximum": int64(1)<<bits - 1}, nil
	case reflect.Uint, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}, nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": int64(1)<<t.Bits() - 1}, nil
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}, nil
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Interface:
		return map[string]any{}, nil
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string", "contentEncoding": "base64"}, nil
		}
		items, err := s.of(t.Elem())
		if err != nil {
			return nil, err
		}
		schema := map[string]any{"type": "array", "items": items}
		if t.Kind() == reflect.Array {
			schema["minItems"], schema["maxItems"] = t.Len(), t.Len()
		}
		return schema, nil
	case reflect.Map:
		values, err := s.of(t.Elem())
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": "object", "additionalProperties": values}, nil
	case reflect.Struct:
		if t.Name() == "" {
			return s.structure(t)
		}
		return s.named(t)
	}
	return nil, fmt.Errorf("%s has no form in JSON", t)
}

func nullable(schema map[string]any) map[string]any {
	if kind, ok := schema["type"].(string); ok && schema["enum"] == nil {
		out := make(map[string]any, len(schema))
		for key, value := range schema {
			out[key] = value
		}
		out["type"] = []any{kind, "null"}
		return out
	}
	if len(schema) == 0 {
		return schema
	}
	return map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
}

// named puts a struct into $defs, once.
func (s *schemas) named(t reflect.Type) (map[string]any, error) {
	name, known := s.names[t]
	if !known {
		name = strings.Map(func(r rune) rune {
			if r == '[' || r == ']' || r == '/' || r == '.' || r == ',' || r == '*' || r == ' ' {
				return '_'
			}
			return r
		}, t.Name())
		for base, n := name, 2; s.definitions[name] != nil; n++ {
			name = base + strconv.Itoa(n)
		}
		s.names[t] = name
		s.definitions[name] = true // taken
		s.open = append(s.open, t)
		schema, err := s.structure(t)
		s.open = s.open[:len(s.open)-1]
		if err != nil {
			return nil, err
		}
		s.definitions[name] = schema
	} else {
		for _, open := range s.open {
			s.recursive = s.recursive || open == t
		}
	}
	return map[string]any{"$ref": "#/$defs/" + name}, nil
}

func (s *schemas) structure(t reflect.Type) (map[string]any, error) {
	properties := map[string]any{}
	var required []any
	for _, f := range Fields(t) {
		schema, needed, err := s.member(f.Type, f.Tag)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		if f.OmitEmpty || f.OmitZero {
			needed = needed && hasRule(f.Tag, "required")
		}
		properties[f.Name] = schema
		if needed {
			required = append(required, f.Name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	if mark, ok := t.FieldByName("_"); ok && mark.Tag.Get("additional") == "false" {
		out["additionalProperties"] = false
	}
	return out, nil
}

// Member is the schema of a field with its tags, and whether it must be there: pointers, Optional and what has a default need not.
func Member(t reflect.Type, tag reflect.StructTag) (map[string]any, bool, error) {
	s := &schemas{names: map[reflect.Type]string{}, definitions: map[string]any{}}
	schema, needed, err := s.member(t, tag)
	if err == nil && len(s.definitions) > 0 {
		out := map[string]any{"$defs": s.definitions}
		for key, value := range schema {
			out[key] = value
		}
		schema = out
	}
	return schema, needed, err
}

func hasRule(tag reflect.StructTag, name string) bool {
	for _, rule := range strings.Split(tag.Get("validate"), ",") {
		if rule == name {
			return true
		}
	}
	return false
}

func (s *schemas) member(t reflect.Type, tag reflect.StructTag) (map[string]any, bool, error) {
	needed := t.Kind() != reflect.Pointer && !reflect.PointerTo(t).Implements(optionalTargetType) || hasRule(tag, "required")
	inner := t
	if reflect.PointerTo(t).Implements(optionalTargetType) {
		inner = optionalElement(t)
	}
	null := inner.Kind() == reflect.Pointer
	if null {
		inner = inner.Elem()
	}
	schema, err := s.of(inner)
	if err != nil {
		return nil, false, err
	}
	extra, err := rules(inner, tag)
	if err != nil {
		return nil, false, err
	}
	if len(extra) > 0 {
		merged := make(map[string]any, len(schema)+len(extra))
		for key, value := range schema {
			merged[key] = value
		}
		for key, value := range extra {
			if key == "items" {
				if items, ok := merged["items"].(map[string]any); ok {
					whole := map[string]any{}
					for k, v := range items {
						whole[k] = v
					}
					for k, v := range value.(map[string]any) {
						whole[k] = v
					}
					value = whole
				}
			}
			merged[key] = value
		}
		schema = merged
	}
	if null {
		if values, ok := schema["enum"].([]any); ok {
			schema["enum"] = append(append([]any(nil), values...), nil)
			if kind, ok := schema["type"].(string); ok {
				schema["type"] = []any{kind, "null"}
			}
		} else {
			schema = nullable(schema)
		}
	}
	if text, ok := tag.Lookup("default"); ok {
		value, err := literal(inner, text)
		if err != nil {
			return nil, false, err
		}
		schema["default"] = value
		needed = false
	}
	if text := tag.Get("doc"); text != "" {
		schema["description"] = text
	}
	return schema, needed, nil
}

// literal is the text of a tag as a value of the type: as it stands for text, else as JSON.
func literal(t reflect.Type, text string) (any, error) {
	if t.Kind() == reflect.String || t == timeType || reflect.PointerTo(t).Implements(textUnmarshalerType) && t != bigIntType {
		return text, nil
	}
	var value any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("default %q is no %s", text, t)
	}
	return value, nil
}

var formats = map[string]string{
	"email": "email", "uuid": "uuid", "url": "uri", "uri": "uri", "ipv4": "ipv4", "ipv6": "ipv6", "hostname": "hostname",
	"datetime": "date-time", "date": "date", "time": "time", "duration": "duration",
}

// rules are the constraints of `validate`, in the terms of github.com/go-playground/validator, and of `pattern` and `format`.
func rules(t reflect.Type, tag reflect.StructTag) (map[string]any, error) {
	out := map[string]any{}
	if pattern, ok := tag.Lookup("pattern"); ok {
		out["pattern"] = pattern
	}
	if format, ok := tag.Lookup("format"); ok {
		out["format"] = format
	}
	text := tag.Get("validate")
	if text == "" {
		return out, nil
	}
	whole, items, dive := strings.Cut(text, "dive")
	if dive && t.Kind() == reflect.Slice {
		inner, err := rules(t.Elem(), reflect.StructTag(`validate:`+strconv.Quote(strings.Trim(items, ","))))
		if err != nil {
			return nil, err
		}
		if len(inner) > 0 {
			out["items"] = inner
		}
	}
	low, high, size := "minimum", "maximum", ""
	switch t.Kind() {
	case reflect.String:
		low, high, size = "minLength", "maxLength", "Length"
	case reflect.Slice, reflect.Array:
		low, high, size = "minItems", "maxItems", "Items"
	case reflect.Map:
		low, high, size = "minProperties", "maxProperties", "Properties"
	}
	for _, rule := range strings.Split(strings.Trim(whole, ","), ",") {
		name, value, _ := strings.Cut(rule, "=")
		if format, ok := formats[name]; ok && value == "" {
			out["format"] = format
			continue
		}
		switch name {
		case "", "required", "omitempty":
			continue
		case "unique":
			out["uniqueItems"] = true
			continue
		case "oneof":
			var values []any
			for _, one := range strings.Fields(value) {
				one, err := literal(t, strings.Trim(one, "'"))
				if err != nil {
					return nil, err
				}
				values = append(values, one)
			}
			out["enum"] = values
			continue
		}
		number := json.Number(value)
		if _, err := number.Float64(); err != nil {
			return nil, fmt.Errorf("validate: %q; expected required, min, max, gte, lte, gt, lt, len, multipleof, oneof, unique, dive or a format", rule)
		}
		switch name {
		case "min", "gte":
			out[low] = number
		case "max", "lte":
			out[high] = number
		case "gt", "lt":
			if size != "" {
				whole, err := number.Int64()
				if err != nil {
					return nil, fmt.Errorf("validate: %q: expected a whole number", rule)
				}
				if name == "gt" {
					out[low] = whole + 1
				} else {
					out[high] = whole - 1
				}
			} else {
				out[map[string]string{"gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}[name]] = number
			}
		case "len":
			if size == "" {
				out["const"] = number
			} else {
				out["min"+size], out["max"+size] = number, number
			}
		case "multipleof":
			out["multipleOf"] = number
		default:
			return nil, fmt.Errorf("validate: %q; expected required, min, max, gte, lte, gt, lt, len, multipleof, oneof, unique, dive or a format", rule)
		}
	}
	return out, nil
}
