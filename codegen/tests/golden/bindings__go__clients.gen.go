// Code generated from spec/operations by codegen. DO NOT EDIT.

package spikard

import (
	"context"
	"io"
	"time"
)

var (
	_ io.Reader
	_ time.Duration
)

// ShopBuyOptions are what shop.buy takes beside its arguments; the zero value is the default of each.
type ShopBuyOptions struct {
	// Where.
	In []string
	// Notes.
	ByName map[string][]byte
	// How long. Null: as long as it takes.
	Wait time.Duration
	// How long it is held.
	Hold time.Duration
	// Wrapped.
	Gift *bool
	// A note.
	Note []byte
}

// ShopBuyResult is what shop.buy gives.
type ShopBuyResult struct {
	// Its number.
	ID uint64
	// How long.
	Takes *time.Duration
	// When.
	BoughtAt int64
	// Its parts; null for what is missing.
	Parts [][]byte
}

// ShopWriteOptions are what shop.write takes beside its arguments; the zero value is the default of each.
type ShopWriteOptions struct {
	// Any.
	Kind any
}

// ShopClient has one method for each operation of shop; Shop builds on it.
type ShopClient struct {
	client
}

// Buy: buys.
//
// In full: "a\b".
//
// Errors: not_found.
func (c ShopClient) Buy(ctx context.Context, what string, options ...ShopBuyOptions) (ShopBuyResult, error) {
	a := newArguments()
	a.Text("what", what)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.In != nil {
			a.Texts("in", o.In)
		}
		if o.ByName != nil {
			a.BytesMap("by_name", o.ByName)
		}
		if o.Wait != 0 {
			a.Span("wait_ms", o.Wait)
		}
		if o.Hold != 0 {
			a.Span("hold_ms", o.Hold)
		}
		if o.Gift != nil {
			a.Bool("gift", *o.Gift)
		}
		if o.Note != nil {
			a.Bytes("note", o.Note)
		}
	}
	r, err := c.call(ctx, 40, a)
	if err != nil {
		return ShopBuyResult{}, err
	}
	return ShopBuyResult{
		ID:       number[uint64](r, "id"),
		Takes:    r.SpanOrNil("takes_ms"),
		BoughtAt: number[int64](r, "bought_at"),
		Parts:    r.BytesList("parts"),
	}, nil
}

// Read: reads.
func (c ShopClient) Read(ctx context.Context, what string) *Stream[uint64] {
	a := newArguments()
	a.Text("what", what)
	return newStream(ctx, c.client, 41, a, func(r *result) uint64 {
		return number[uint64](r, "size")
	})
}

// Write: writes.
func (c ShopClient) Write(ctx context.Context, what string, chunks io.Reader, options ...ShopWriteOptions) error {
	a := newArguments()
	a.Text("what", what)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Kind != nil {
			a.Any("kind", o.Kind)
		}
	}
	_, err := c.send(ctx, 42, a, chunks)
	return err
}
