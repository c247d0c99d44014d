package manifest

import "encoding/json"

// Optional is a member that may be absent. With a pointer type it tells null from absent: Optional[*int]{} is absent, Some[*int](nil) is null.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Some is a member that is there.
func Some[T any](value T) Optional[T] { return Optional[T]{Value: value, Set: true} }

// IsZero makes `omitzero` leave an absent member out.
func (o Optional[T]) IsZero() bool { return !o.Set }

// Or is the value, or another one where it is absent.
func (o Optional[T]) Or(other T) T {
	if o.Set {
		return o.Value
	}
	return other
}

// MarshalJSON writes the value.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.Value) }

// UnmarshalJSON is called only for a member that is there.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	o.Set = true
	return json.Unmarshal(data, &o.Value)
}

// OptionalTarget is where a decoder puts the value; it is there from then on.
func (o *Optional[T]) OptionalTarget() any {
	o.Set = true
	return &o.Value
}

// OptionalValue is the value and whether it is there.
func (o Optional[T]) OptionalValue() (any, bool) { return o.Value, o.Set }

// Ptr is a pointer to a copy, for members whose nil is the default: manifest.Ptr(false).
func Ptr[T any](value T) *T { return &value }
