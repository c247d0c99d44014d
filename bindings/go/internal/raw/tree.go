package raw

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"unsafe"
)

// Builder writes nodes: first all of them, then their text.
type Builder struct {
	nodes []Node
	text  []byte
	out   []byte
}

// Reset begins anew.
func (b *Builder) Reset() { b.nodes, b.text = b.nodes[:0], b.text[:0] }

// Null writes null.
func (b *Builder) Null() { b.nodes = append(b.nodes, Node{Type: Null}) }

// Bool writes a boolean.
func (b *Builder) Bool(v bool) {
	n := Node{Type: Bool}
	if v {
		n.U = 1
	}
	b.nodes = append(b.nodes, n)
}

// Int writes an integer.
func (b *Builder) Int(v int64) { b.nodes = append(b.nodes, Node{Type: Int, U: uint64(v)}) }

// Uint writes an integer that has no sign.
func (b *Builder) Uint(v uint64) {
	if v > math.MaxInt64 {
		b.nodes = append(b.nodes, Node{Type: Uint, U: v})
		return
	}
	b.Int(int64(v))
}

// Float writes a finite number.
func (b *Builder) Float(v float64) {
	b.nodes = append(b.nodes, Node{Type: F64, U: math.Float64bits(v)})
}

func (b *Builder) put(kind uint32, v string) {
	b.nodes = append(b.nodes, Node{Type: kind, Len: uint32(len(v)), U: uint64(len(b.text))})
	b.text = append(b.text, v...)
}

// Text writes text.
func (b *Builder) Text(v string) { b.put(Str, v) }

// Bytes writes bytes.
func (b *Builder) Bytes(v []byte) { b.put(Bytes, unsafe.String(unsafe.SliceData(v), len(v))) }

// Number writes a number by its text.
func (b *Builder) Number(v string) { b.put(Numtext, v) }

// Begin opens an array or object; End closes it with its number of elements or members.
func (b *Builder) Begin(kind uint32) int {
	b.nodes = append(b.nodes, Node{Type: kind})
	return len(b.nodes) - 1
}

// End closes what Begin has opened.
func (b *Builder) End(at, count int) {
	b.nodes[at].Len = uint32(count)
	b.nodes[at].U = uint64(len(b.nodes) - at - 1)
}

// Finish is all of it in one piece, until the next Reset.
func (b *Builder) Finish() []byte {
	base := uint64(len(b.nodes)) * uint64(unsafe.Sizeof(Node{}))
	for i := range b.nodes {
		switch b.nodes[i].Type {
		case Str, Bytes, Numtext:
			b.nodes[i].U += base
		}
	}
	b.out = append(b.out[:0], unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b.nodes))), base)...)
	b.out = append(b.out, b.text...)
	return b.out
}

// Tree is nodes in a record. With Own their text lies in memory of Go's that lives as long as anything points to it; else it is copied.
type Tree struct {
	Nodes []Node
	Base  unsafe.Pointer
	Own   bool
}

// TreeAt is the tree of a view of a record.
func TreeAt(base unsafe.Pointer, at View, own bool) Tree {
	return Tree{unsafe.Slice((*Node)(unsafe.Add(base, at.Off)), int(at.Len)), base, own}
}

// TextAt is the text of a view of a record, by the rules of Tree.
func TextAt(base unsafe.Pointer, at View, own bool) string {
	return Tree{Base: base, Own: own}.text(uint64(at.Off), at.Len)
}

func (t Tree) text(off uint64, length uint32) string {
	if length == 0 {
		return ""
	}
	view := unsafe.String((*byte)(unsafe.Add(t.Base, off)), int(length))
	if t.Own {
		return view
	}
	return string(append([]byte(nil), view...))
}

// Text of node i.
func (t Tree) Text(i int) string { return t.text(t.Nodes[i].U, t.Nodes[i].Len) }

// View is the text of node i where it lies: for a look, not to keep.
func (t Tree) View(i int) string {
	n := &t.Nodes[i]
	if n.Len == 0 {
		return ""
	}
	return unsafe.String((*byte)(unsafe.Add(t.Base, n.U)), int(n.Len))
}

// Data of node i as bytes.
func (t Tree) Data(i int) []byte {
	n := &t.Nodes[i]
	if n.Len == 0 {
		return []byte{}
	}
	view := unsafe.Slice((*byte)(unsafe.Add(t.Base, n.U)), int(n.Len))
	if t.Own {
		return view[:len(view):len(view)]
	}
	return append([]byte(nil), view...)
}

// Next is the index of what follows node i and all below it.
func (t Tree) Next(i int) int {
	if n := &t.Nodes[i]; n.Type == Arr || n.Type == Obj {
		return i + 1 + int(n.U)
	}
	return i + 1
}

// Member is the index of the value of a member of object i, -1 where there is none.
func (t Tree) Member(i int, name string) int {
	if len(t.Nodes) == 0 || t.Nodes[i].Type != Obj {
		return -1
	}
	at := i + 1
	for n := t.Nodes[i].Len; n > 0; n-- {
		if t.View(at) == name {
			return at + 1
		}
		at = t.Next(at + 1)
	}
	return -1
}

// Any is node i as Go's own values: nil, bool, int64, uint64, float64, json.Number (exact text), string, []byte, []any, map[string]any.
func (t Tree) Any(i int) any {
	n := &t.Nodes[i]
	switch n.Type {
	case Bool:
		return n.U != 0
	case Int:
		return int64(n.U)
	case Uint:
		return n.U
	case F64:
		return math.Float64frombits(n.U)
	case Str:
		return t.Text(i)
	case Bytes:
		return t.Data(i)
	case Numtext:
		return json.Number(t.Text(i))
	case Arr:
		out := make([]any, 0, n.Len)
		for at, left := i+1, n.Len; left > 0; left-- {
			out = append(out, t.Any(at))
			at = t.Next(at)
		}
		return out
	case Obj:
		out := make(map[string]any, n.Len)
		for at, left := i+1, n.Len; left > 0; left-- {
			out[t.Text(at)] = t.Any(at + 1)
			at = t.Next(at + 1)
		}
		return out
	}
	return nil
}

// AppendJSON writes node i as JSON text.
func (t Tree) AppendJSON(out []byte, i int) []byte {
	n := &t.Nodes[i]
	switch n.Type {
	case Bool:
		return strconv.AppendBool(out, n.U != 0)
	case Int:
		return strconv.AppendInt(out, int64(n.U), 10)
	case Uint:
		return strconv.AppendUint(out, n.U, 10)
	case F64:
		text, _ := json.Marshal(math.Float64frombits(n.U))
		return append(out, text...)
	case Str:
		text, _ := json.Marshal(t.View(i))
		return append(out, text...)
	case Numtext:
		return append(out, t.View(i)...)
	case Bytes:
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, t.Data(i))
		return append(out, '"')
	case Arr:
		out = append(out, '[')
		for at, k := i+1, uint32(0); k < n.Len; k++ {
			if k > 0 {
				out = append(out, ',')
			}
			out = t.AppendJSON(out, at)
			at = t.Next(at)
		}
		return append(out, ']')
	case Obj:
		out = append(out, '{')
		for at, k := i+1, uint32(0); k < n.Len; k++ {
			if k > 0 {
				out = append(out, ',')
			}
			out = t.AppendJSON(out, at)
			out = append(out, ':')
			out = t.AppendJSON(out, at+1)
			at = t.Next(at + 1)
		}
		return append(out, '}')
	}
	return append(out, "null"...)
}
