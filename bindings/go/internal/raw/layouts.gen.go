// Code generated from spec/abi by codegen. DO NOT EDIT.

package raw

import "unsafe"

// View: a part of a record, relative to the first byte of the record that holds it.
type View struct {
	// Offset.
	Off uint32
	// Bytes, or a count where it says so.
	Len uint32
}

// The sizes are those of the header.
var _ [8]byte = [unsafe.Sizeof(View{})]byte{}

// Span: host memory, read only during the call.
type Span struct {
	// NULL only with len 0.
	Ptr uintptr
	// Bytes.
	Len uint64
}

// The sizes are those of the header.
var _ [16]byte = [unsafe.Sizeof(Span{})]byte{}

// Pair: a header (name in lower case), a metadata pair.
type Pair struct {
	// name
	Name View
	// value
	Value View
}

// The sizes are those of the header.
var _ [16]byte = [unsafe.Sizeof(Pair{})]byte{}

// Node: one value of a document in preorder: typed parameters, JSON bodies, rows, arguments, results.
type Node struct {
	// SPK_NULL to SPK_NUMTEXT.
	Type uint32
	// Bytes of text, elements or members.
	Len uint32
	// i, f or off, by type.
	U uint64
}

// The sizes are those of the header.
var _ [16]byte = [unsafe.Sizeof(Node{})]byte{}

// Request: a request: contiguous, self-contained (memcpy of `size` bytes moves it), 8-aligned, read-only.
type Request struct {
	// Bytes of the whole record.
	Size uint32
	// Index of the route in the manifest.
	Route uint32
	// Names it in commands.
	ID uint64
	// SPK_METHOD_*.
	Method uint8
	// 10 or 11 (HTTP/1).
	Version uint8
	// SPK_F_STREAM.
	Flags uint16
	// The time-out, 0 for none.
	DeadlineMs uint32
	// As sent, without the query.
	Path View
	// As sent, without `?`.
	Query View
	// Address of the client.
	Peer View
	// Raw bytes, when buffered.
	Body View
	// len = number of spk_pair; names in lower case.
	Headers View
	// len = number of spk_node: the declared parameters in the order of the manifest.
	Params View
	// Nodes: who it is.
	Auth View
	// Nodes of one object: what hooks have set.
	Context View
	// len = number of uint64_t: tokens, in the order of inject.
	Deps View
	// len = number of spk_node: the validated body, 0 when there is none.
	JSON View
}

// The sizes are those of the header.
var _ [104]byte = [unsafe.Sizeof(Request{})]byte{}

// Record: what comes with other events: contiguous, self-contained, 8-aligned, read-only.
type Record struct {
	// Bytes of the whole record.
	Size uint32
	// Subscription, task or kind of call.
	Source uint32
	// Names it in commands.
	ID uint64
	// Error kind or 0; status of an answer.
	Status uint32
	// Delivery count.
	Attempt uint32
	// Bytes.
	Key View
	// Bytes.
	Body View
	// len = number of spk_pair.
	Meta View
	// len = number of spk_node.
	Nodes View
}

// The sizes are those of the header.
var _ [56]byte = [unsafe.Sizeof(Record{})]byte{}

// Event: from the core. Only `rec` is a pointer, valid in this process.
type Event struct {
	// SPK_EV_*.
	Kind uint16
	// SPK_F_*.
	Flags uint16
	// Route, hook or dependency.
	Route uint32
	// id
	ID uint64
	// spk_request or spk_record, by kind; NULL for CANCEL, CREDIT, STATE.
	Rec uintptr
	// Value given with the command that caused it.
	User uint64
	// By kind.
	Arg uint64
}

// The sizes are those of the header.
var _ [40]byte = [unsafe.Sizeof(Event{})]byte{}

// Cmd: to the core.
type Cmd struct {
	// SPK_CMD_*.
	Op uint16
	// SPK_F_*.
	Flags uint16
	// HTTP status.
	Status uint16
	// SPK_BODY_*.
	Format uint16
	// Number of spk_pair at head.ptr.
	Nhead uint32
	// CALL: number of the client, its place in `clients` of spk_info; else 0.
	Client uint32
	// id
	ID uint64
	// Given back with what it causes.
	User uint64
	// By op.
	Arg uint64
	// Pairs, then their text; views are relative to head.ptr.
	Head Span
	// In `format`.
	Body Span
}

// The sizes are those of the header.
var _ [72]byte = [unsafe.Sizeof(Cmd{})]byte{}
