package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"time"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
)

// ---- the types: the core checks what their tags say

type item struct {
	_        struct{} `additional:"false"`
	SKU      string   `json:"sku" pattern:"^[A-Z]{3}-[0-9]{4}$"`
	Quantity int      `json:"quantity" validate:"min=1,max=1000"`
	Price    float64  `json:"price" validate:"gte=0"`
}

type newOrder struct {
	_        struct{} `additional:"false"`
	Customer string   `json:"customer" validate:"min=1,max=100"`
	Items    []item   `json:"items" validate:"min=1,max=50"`
	Note     *string  `json:"note" validate:"max=500"`
}

type orderPatch struct {
	_      struct{}                  `additional:"false"`
	Status spikard.Optional[status]  `json:"status"`
	Note   spikard.Optional[*string] `json:"note" validate:"max=500"`
}

type status string

// JSONSchema lists what there is.
func (status) JSONSchema() map[string]any {
	return map[string]any{"enum": []string{"new", "confirmed", "shipped", "cancelled"}}
}

type attachment struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

type order struct {
	ID         int64       `json:"id"`
	Customer   string      `json:"customer"`
	Status     status      `json:"status"`
	Items      []item      `json:"items"`
	Note       *string     `json:"note"`
	Total      float64     `json:"total"`
	Attachment *attachment `json:"attachment"`
}

type customer struct {
	Name   string  `json:"name"`
	Orders int64   `json:"orders"`
	Spent  float64 `json:"spent"`
}

// byID is the path of one order.
type byID struct {
	ID int64 `path:"id"`
}

type service struct {
	app      *spikard.App
	db       spikard.Database
	messages spikard.Messaging
	files    spikard.Storage
	cache    spikard.Cache
	feed     *feed
	invoice  *spikard.Task[int64, string]
}

// ---- the orders in SQL

const columns = "id, customer, status, items, note, total, attachment"

func none(id int64) error { return spikard.Problemf(404, "No order %d", id) }

func find(ctx context.Context, on spikard.Querier, id int64) (*order, error) {
	found, err := spikard.First[order](ctx, on, "SELECT "+columns+" FROM orders WHERE id = ?", id)
	if err == nil && found == nil {
		err = none(id)
	}
	return found, err
}

// cached is by the cache: of many who ask at once one loads.
func (s *service) cached(ctx context.Context, id int64) (*order, error) {
	text, err := s.cache.GetOrLoad(ctx, key(id), func(ctx context.Context) ([]byte, error) {
		found, err := spikard.First[order](ctx, s.db, "SELECT "+columns+" FROM orders WHERE id = ?", id)
		if err != nil || found == nil {
			return nil, err
		}
		return json.Marshal(found)
	}, spikard.CacheGetOrBeginLoadOptions{TTL: 10 * time.Minute})
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, none(id)
	}
	found := &order{}
	return found, json.Unmarshal(text, found)
}

func key(id int64) string { return fmt.Sprintf("order:%d", id) }

// save is what every change does, in its transaction: the row, a message that says so, and the order out of the cache.
func (s *service) save(ctx context.Context, tx *spikard.Transaction, change string, o *order) error {
	if _, err := tx.Execute(ctx, "UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ?", o.Status, o.Note, o.Attachment, o.ID); err != nil {
		return err
	}
	topic := change
	if change == "attached" {
		topic = "updated"
	}
	if err := tx.Publish(ctx, s.messages, "orders."+topic, o, spikard.MessagingPublishOptions{Key: spikard.Ptr(fmt.Sprint(o.ID))}); err != nil {
		return err
	}
	return tx.Invalidate(ctx, s.cache, key(o.ID))
}

// change looks an order up and saves what `edit` makes of it, in one transaction. Nothing happens when edit returns false.
func (s *service) change(ctx context.Context, id int64, change string, edit func(o *order) (bool, error)) (changed *order, err error) {
	err = s.db.InTransaction(ctx, func(tx *spikard.Transaction) error {
		o, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		if ok, err := edit(o); err != nil || !ok {
			return err
		}
		changed = o
		return s.save(ctx, tx, change, o)
	})
	if err != nil {
		return nil, err
	}
	if changed != nil {
		s.feed.tell(change, changed)
	}
	return changed, nil
}

// ---- HTTP

func (s *service) routes() {
	spikard.Post(s.app, "/orders", s.create)
	spikard.Get(s.app, "/orders", s.list)
	spikard.Get(s.app, "/orders/{id:int}", func(ctx context.Context, in byID) (*order, error) { return s.cached(ctx, in.ID) })
	spikard.Patch(s.app, "/orders/{id:int}", s.patch)
	spikard.Put(s.app, "/orders/{id:int}/attachment", s.attach)
	spikard.Get(s.app, "/orders/{id:int}/invoice", s.link)
	spikard.Get(s.app, "/customers/{name}", func(ctx context.Context, in struct {
		Name string `path:"name"`
	}) (*customer, error) {
		found, err := spikard.First[customer](ctx, s.db, "SELECT name, orders, spent FROM customers WHERE name = ?", in.Name)
		if err == nil && found == nil {
			err = spikard.Problemf(404, "No customer %s", in.Name)
		}
		return found, err
	})
	spikard.Get(s.app, "/orders/feed", s.follow)
	s.app.EventsAt("/events", manifest.EventSubscription{Type: "com.example.shipment.sent"}, s.shipped)
}

// The row, the message and the task are one transaction: all of them, or none.
func (s *service) create(ctx context.Context, in spikard.Body[newOrder]) (*spikard.Response, error) {
	total := 0.0
	for _, one := range in.Value.Items {
		total += float64(one.Quantity) * one.Price
	}
	total = math.Floor(total*100+0.5) / 100
	var made *order
	err := s.db.InTransaction(ctx, func(tx *spikard.Transaction) (err error) {
		made, err = spikard.First[order](ctx, tx, "INSERT INTO orders (customer, items, note, total, placed_at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING "+columns,
			in.Value.Customer, in.Value.Items, in.Value.Note, total)
		if err != nil {
			return err
		}
		if err := tx.Publish(ctx, s.messages, "orders.created", made, spikard.MessagingPublishOptions{Key: spikard.Ptr(fmt.Sprint(made.ID))}); err != nil {
			return err
		}
		_, err = s.invoice.EnqueueIn(ctx, tx, made.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.feed.tell("created", made)
	return (&spikard.Response{Status: 201, Body: made}).SetHeader("location", fmt.Sprintf("/orders/%d", made.ID)), nil
}

type page struct {
	Orders []order `json:"orders"`
	Total  int64   `json:"total"`
}

func (s *service) list(ctx context.Context, in struct {
	Status *status `query:"status"`
	Limit  int     `query:"limit" default:"20" validate:"min=1,max=100"`
	Offset int     `query:"offset" default:"0" validate:"min=0"`
}) (out page, err error) {
	out.Orders, err = spikard.Query[order](ctx, s.db, "SELECT "+columns+" FROM orders WHERE ($1 IS NULL OR status = $1) ORDER BY id LIMIT $2 OFFSET $3", in.Status, in.Limit, in.Offset)
	if err != nil {
		return out, err
	}
	total, err := spikard.Scalar[int64](ctx, s.db, "SELECT count(*) FROM orders WHERE ($1 IS NULL OR status = $1)", in.Status)
	if err == nil {
		out.Total = *total
	}
	return out, err
}

func (s *service) patch(ctx context.Context, in struct {
	byID
	Body spikard.Body[orderPatch]
}) (*order, error) {
	return s.change(ctx, in.ID, "updated", func(o *order) (bool, error) {
		if o.Status == "shipped" || o.Status == "cancelled" {
			return false, spikard.Problemf(409, "Order %d is %s", o.ID, o.Status)
		}
		o.Status = in.Body.Value.Status.Or(o.Status)
		if in.Body.Value.Note.Set {
			o.Note = in.Body.Value.Note.Value
		}
		return true, nil
	})
}

// counted is a body on its way into the store.
type counted struct {
	io.Reader
	digest hash.Hash
	size   int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.digest.Write(p[:n])
	c.size += int64(n)
	return n, err
}

// Streamed into the store; nothing of it is seen before all of it is there.
func (s *service) attach(ctx context.Context, in struct {
	byID
	Body io.Reader `body:"stream"`
}) (map[string]any, error) {
	if _, err := s.cached(ctx, in.ID); err != nil {
		return nil, err
	}
	body := &counted{Reader: in.Body, digest: sha256.New()}
	if _, err := s.files.WriteStream(ctx, fmt.Sprintf("attachments/%d", in.ID), body); err != nil {
		return nil, err
	}
	made := &attachment{body.size, hex.EncodeToString(body.digest.Sum(nil))}
	if _, err := s.change(ctx, in.ID, "attached", func(o *order) (bool, error) { o.Attachment = made; return true, nil }); err != nil {
		return nil, err
	}
	return map[string]any{"order": in.ID, "size": made.Size, "sha256": made.SHA256}, nil
}

// A link that works for fifteen minutes without any credentials.
func (s *service) link(ctx context.Context, in byID) (map[string]string, error) {
	there, err := s.files.Exists(ctx, invoiceKey(in.ID))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, spikard.Problemf(404, "No invoice for order %d yet", in.ID)
	}
	signed, err := s.files.Presign(ctx, "GET", invoiceKey(in.ID), spikard.StoragePresignOptions{ExpiresS: spikard.Ptr[uint32](900)})
	return map[string]string{"url": signed.URL}, err
}
