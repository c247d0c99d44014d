// Code generated from spec/abi by codegen. DO NOT EDIT.

package raw

import "unsafe"

// View: a view.
type View struct {
	// Offset.
	Off uint32
	// Length.
	Len uint32
}

// The sizes are those of the header.
var _ [8]byte = [unsafe.Sizeof(View{})]byte{}

// Thing: a thing.
type Thing struct {
	// Its id.
	ID uint64
	// Its name.
	Name View
	// Memory.
	Ptr uintptr
}

// The sizes are those of the header.
var _ [24]byte = [unsafe.Sizeof(Thing{})]byte{}
