package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	spikard "spikard.dev/go"
	"spikard.dev/go/spikardtest"
)

// By the interface of ../orders/API.md: everything in memory, on a virtual clock.

var ada = map[string]any{"customer": "Ada", "items": []any{map[string]any{"sku": "ABC-0001", "quantity": 2, "price": 9.5}}}

func same(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s\nexpected %s", got, want)
	}
}

func TestCreateReadListPatch(t *testing.T) {
	test := spikardtest.Start(t, newApp())
	made := test.Post("/orders", ada).Status(201)
	same(t, made.Header.Get("location"), "/orders/1")
	same(t, made.Text, `{"id":1,"customer":"Ada","status":"new","items":[{"sku":"ABC-0001","quantity":2,"price":9.5}],"note":null,"total":19.0,"attachment":null}`)
	test.Settle()
	var read order
	test.Get("/orders/1").Status(200).Decode(&read)
	same(t, string(read.Status), "confirmed")
	test.Post("/orders", ada).Status(201)
	test.Settle()
	var listed page
	test.Get("/orders?limit=1").Status(200).Decode(&listed)
	if listed.Total != 2 || len(listed.Orders) != 1 || listed.Orders[0].ID != 1 {
		t.Error(listed)
	}
	test.Get("/orders?offset=1").Status(200).Decode(&listed)
	if len(listed.Orders) != 1 || listed.Orders[0].ID != 2 {
		t.Error(listed)
	}
	same(t, test.Get("/orders?status=shipped").Text, `{"orders":[],"total":0}`)
	test.Get("/orders?status=lost").Status(422)
	test.Patch("/orders/2", map[string]any{"note": "ring twice"}).Status(200).Decode(&read)
	same(t, *read.Note, "ring twice")
	test.Patch("/orders/2", map[string]any{"status": "shipped"}).Status(200).Decode(&read)
	same(t, string(read.Status)+" "+*read.Note, "shipped ring twice")
	same(t, test.Patch("/orders/2", map[string]any{"note": nil}).Status(409).Text, `{"type":"https://spikard.dev/problems/conflict","title":"Conflict","status":409,"detail":"Order 2 is shipped"}`)
	test.Patch("/orders/1", map[string]any{"note": "x"}).Status(200)
	var after order
	test.Patch("/orders/1", map[string]any{"note": nil}).Status(200).Decode(&after)
	if after.Note != nil {
		t.Error(*after.Note)
	}
	same(t, test.Get("/orders/7").Status(404).Text, `{"type":"https://spikard.dev/problems/not-found","title":"Not Found","status":404,"detail":"No order 7"}`)
	test.Patch("/orders/7", map[string]any{}).Status(404)
	test.Patch("/orders/1", map[string]any{"status": nil}).Status(422)
	test.Post("/orders", map[string]any{"customer": "Ada", "items": ada["items"], "extra": 1}).Status(422)
}

func TestAnOrderIsCountedAndInvoicedAfterTheAnswer(t *testing.T) {
	test := spikardtest.Start(t, newApp())
	test.Get("/orders/1/invoice").Status(404)
	test.Post("/orders", ada)
	test.Post("/orders", ada)
	test.Settle()
	same(t, test.Get("/customers/Ada").Status(200).Text, `{"name":"Ada","orders":2,"spent":38.0}`)
	test.Get("/customers/Bob").Status(404)
	var signed struct {
		URL string `json:"url"`
	}
	test.Get("/orders/1/invoice").Status(200).Decode(&signed)
	invoice := test.Get(signed.URL).Status(200)
	same(t, invoice.Header.Get("content-type"), "text/html; charset=utf-8")
	if !strings.Contains(invoice.Text, "<p>Total: 19.00</p>") {
		t.Error(invoice.Text)
	}
	test.Get(signed.URL + "0").Status(403)
	test.Advance(16 * time.Minute)
	test.Get(signed.URL).Status(403)
}

func TestAnAttachmentIsStreamedIntoTheStore(t *testing.T) {
	app := newApp()
	test := spikardtest.Start(t, app)
	data := strings.Repeat("attachment", 100_000)
	digest := sha256.Sum256([]byte(data))
	test.Put("/orders/1/attachment", data).Status(404)
	test.Post("/orders", ada).Status(201)
	same(t, test.Put("/orders/1/attachment", data).Status(200).Text, `{"order":1,"sha256":"`+hex.EncodeToString(digest[:])+`","size":1000000}`)
	test.Do(func(ctx context.Context) error {
		stored, err := spikard.StorageNamed("default").ReadAll(ctx, "attachments/1")
		if string(stored) != data {
			t.Errorf("%d bytes are stored", len(stored))
		}
		return err
	})
}

func TestShipmentsAndTheNightlyReport(t *testing.T) {
	test := spikardtest.Start(t, newApp())
	test.Post("/orders", ada)
	test.Settle()
	event := func(id string, data any) *spikardtest.Response {
		return test.Post("/events", data, "ce-specversion", "1.0", "ce-type", "com.example.shipment.sent", "ce-source", "/warehouse", "ce-id", id, "content-type", "application/json")
	}
	event("s-1", map[string]any{"order": 1}).Status(204)
	var read order
	test.Get("/orders/1").Decode(&read)
	same(t, string(read.Status), "shipped")
	for _, wrong := range []any{map[string]any{"order": "x"}, map[string]any{}, "null"} {
		event("s-2", wrong).Status(400)
	}
	event("s-3", map[string]any{"order": 7}).Status(204)
	test.Advance(24 * time.Hour)
	test.Do(func(ctx context.Context) error {
		report, err := spikard.StorageNamed("default").ReadAll(ctx, "reports/2026-01-01.json")
		same(t, string(report), `[{"name":"Ada","orders":1,"spent":19}]`)
		return err
	})
}

func TestTheFeedTellsEveryChangeAndEndsWithTheApplication(t *testing.T) {
	test := spikardtest.Start(t, newApp())
	response := test.Stream("GET", "/orders/feed", nil)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	until := func(part string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return
			}
		}
		t.Fatalf("%s did not come: %v", part, lines.Err())
	}
	until(": connected")
	test.Post("/orders", ada)
	until(`"change":"created"`)
	until(`"change":"confirmed"`)
	if err := test.Drain(); err != nil {
		t.Fatal(err)
	}
	until("retry: 1000")
	if report := test.Stop(); report.ExitCode != 0 {
		t.Error(string(report.Raw))
	}
}
