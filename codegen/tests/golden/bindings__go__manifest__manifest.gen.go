// Code generated from spec/services by codegen. DO NOT EDIT.

// Package manifest is the application as plain data: what crosses to the core once. Applications write parts of it as configuration; the core checks all of it.
package manifest

// Colour: a colour.
type Colour string

const (
	// ColourRed: like fire.
	ColourRed Colour = "red"
	// ColourNull: see the type.
	ColourNull Colour = "null"
)

// Wheel: a wheel.
type Wheel struct {
	// Its size, in inches.
	In uint16 `json:"in"`
	// Spokes; -1: not counted.
	Spokes *int32 `json:"spokes,omitzero"`
}

// Shop: a shop of bikes.
type Shop struct {
	// Its name.
	Name string `json:"name,omitzero"`
	// It is open.
	Open *bool `json:"open,omitzero"`
	// Of the door.
	Colour Colour `json:"colour,omitzero"`
	// Of the bikes.
	Colours []Colour `json:"colours,omitzero"`
	// Words.
	Tags Optional[[]string] `json:"tags,omitzero"`
	// In store.
	Wheels []Wheel `json:"wheels,omitzero"`
	// The best one.
	Best *Wheel `json:"best,omitzero"`
	// Named ones.
	ByName map[string]Wheel `json:"by_name,omitzero"`
	// Anything.
	Any any `json:"any,omitzero"`
	// How many; null: any number.
	Limit Optional[*uint64] `json:"limit,omitzero"`
}
