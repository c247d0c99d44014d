package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"os"
	"time"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
)

// What follows from an order, after the answer.
func (s *service) work() {
	dead := spikard.Ptr("orders.dead")
	spikard.Consumer(s.app, "orders.created", s.countCustomer, manifest.Consumer{Name: "count_customer", Group: "customers", StartFrom: manifest.StartFromEarliest, DeadLetter: dead})
	s.invoice = spikard.NewTask(s.app, "invoice", s.makeInvoice)
	report := spikard.NewTask(s.app, "report", s.report)
	spikard.Schedule(s.app, report, manifest.Schedule{Name: "nightly", Cron: "0 3 * * *"})
	// `orders.confirmed` goes to whoever listens there, as a CloudEvent.
	if url := os.Getenv("ORDERS_EVENTS_URL"); url != "" {
		events := s.app.CloudEvents(manifest.EventSender{URL: url, Source: "/orders"})
		spikard.Consumer(s.app, "orders.confirmed", func(ctx context.Context, o order) error {
			event := spikard.CloudEvent{Type: "com.example.order.confirmed", Source: "/orders", ID: fmt.Sprintf("order-%d-confirmed", o.ID), Subject: fmt.Sprintf("orders/%d", o.ID), Data: o}
			_, err := events.Send(ctx, event.Plain())
			return err
		}, manifest.Consumer{Name: "tell_others", Group: "events", DeadLetter: dead})
	}
}

// Who has ordered what. The inbox makes it once, however often the message comes.
func (s *service) countCustomer(ctx context.Context, o order) error {
	return s.db.InTransaction(ctx, func(tx *spikard.Transaction) error {
		fresh, err := tx.Inbox(ctx, "customers", fmt.Sprint(o.ID))
		if err != nil || !fresh {
			return err
		}
		_, err = tx.Execute(ctx, "INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE SET orders = customers.orders + 1, spent = customers.spent + excluded.spent",
			o.Customer, o.Total)
		return err
	})
}

func invoiceKey(id int64) string { return fmt.Sprintf("invoices/%d.html", id) }

var sheet = template.Must(template.New("invoice").Parse(`<!doctype html><meta charset="utf-8"><title>Invoice {{.ID}}</title>
<h1>Invoice {{.ID}}</h1>
<p>{{.Customer}}</p>
<table>
{{range .Items}}<tr><td>{{.SKU}}</td><td>{{.Quantity}}</td><td>{{printf "%.2f" .Price}}</td></tr>
{{end}}</table>
<p>Total: {{printf "%.2f" .Total}}</p>
`))

// Renders the invoice, then confirms the order. Run twice it does the same again.
func (s *service) makeInvoice(ctx context.Context, id int64) (string, error) {
	o, err := s.cached(ctx, id)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := sheet.Execute(&text, o); err != nil {
		return "", err
	}
	key := invoiceKey(id)
	if _, err := s.files.Write(ctx, key, text.Bytes(), spikard.StorageWriteOptions{ContentType: spikard.Ptr("text/html; charset=utf-8"), CacheControl: spikard.Ptr("private, max-age=3600")}); err != nil {
		return "", err
	}
	confirmed, err := s.change(ctx, id, "confirmed", func(o *order) (bool, error) {
		if o.Status != "new" {
			return false, nil
		}
		o.Status = "confirmed"
		return true, nil
	})
	if err == nil && confirmed != nil {
		slog.New(spikard.NewLogHandler(slog.Default().Handler())).InfoContext(ctx, "the invoice was rendered", "order.id", id, "order.invoice", key)
	}
	return key, err
}

// Every night: what was sold, by customer, as an object of its own.
func (s *service) report(ctx context.Context, run *spikard.TaskRun) (string, error) {
	rows, err := spikard.Query[customer](ctx, s.db, "SELECT name, orders, spent FROM customers ORDER BY spent DESC, name")
	if err != nil {
		return "", err
	}
	at := run.ScheduledAt
	if at.IsZero() {
		at = time.Now()
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return "", err
	}
	key := "reports/" + at.UTC().Format(time.DateOnly) + ".json"
	_, err = s.files.Write(ctx, key, text, spikard.StorageWriteOptions{ContentType: spikard.Ptr("application/json")})
	return key, err
}

func (s *service) shipped(ctx context.Context, e *spikard.CloudEvent) (*spikard.CloudEvent, error) {
	var sent struct {
		Order *int64 `json:"order"`
	}
	if err := e.Decode(&sent); err != nil || sent.Order == nil {
		return nil, spikard.Nack(false) // expected {"order": id}: it comes to nothing, however often it is sent
	}
	_, err := s.change(ctx, *sent.Order, "updated", func(o *order) (bool, error) {
		if o.Status == "shipped" {
			return false, nil
		}
		o.Status = "shipped"
		return true, nil
	})
	var unknown *spikard.Problem
	if errors.As(err, &unknown) { // of an order that is not here nothing is to do
		err = nil
	}
	return nil, err
}
