package spikard

import (
	"unsafe"

	"spikard.dev/go/internal/raw"
)

// What is read from records that lie in Go's memory.

func recordOf(record []byte) (*raw.Record, unsafe.Pointer) {
	base := unsafe.Pointer(unsafe.SliceData(record))
	return (*raw.Record)(base), base
}

func viewBytes(base unsafe.Pointer, at raw.View) []byte {
	if at.Len == 0 {
		return []byte{}
	}
	view := unsafe.Slice((*byte)(unsafe.Add(base, at.Off)), int(at.Len))
	return view[:len(view):len(view)]
}

func nodesOf(record []byte) Value {
	if record == nil {
		return Value{}
	}
	r, base := recordOf(record)
	if r.Nodes.Len == 0 {
		return Value{}
	}
	return Value{raw.TreeAt(base, r.Nodes, true), 0}
}

// errorOf is the error of a DONE, nil for none.
func errorOf(record []byte) error {
	if record == nil {
		return nil
	}
	r, base := recordOf(record)
	if r.Status == 0 {
		return nil
	}
	return &Error{Kind: Kind(r.Status), Detail: raw.TextAt(base, r.Key, true), Retry: RetryClass(r.Attempt), Message: raw.TextAt(base, r.Body, true)}
}

func answerSoFar(record []byte) (int, [][2]string) {
	r, base := recordOf(record)
	return int(r.Status), pairs(base, r.Meta)
}

func tokensOf(record []byte) []uint64 {
	var out []uint64
	if list, ok := nodesOf(record).Any().([]any); ok {
		for _, one := range list {
			switch n := one.(type) {
			case int64:
				out = append(out, uint64(n))
			case uint64:
				out = append(out, n)
			}
		}
	}
	return out
}

// jsonOf is JSON text of nodes.
func jsonOf(b *raw.Builder) ([]byte, error) {
	text := b.Finish()
	aligned := make([]uint64, (len(text)+7)/8)
	base := unsafe.Pointer(unsafe.SliceData(aligned))
	copy(unsafe.Slice((*byte)(base), len(text)), text)
	count := len(text) / int(unsafe.Sizeof(raw.Node{}))
	return raw.TreeAt(base, raw.View{Len: uint32(count)}, true).AppendJSON(nil, 0), nil
}
