// The orders service: ../orders/API.md is its interface, docs/guide/orders.md its story. Run it with `go run .`.
package main

import (
	"os"
	"path/filepath"
	"runtime"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
)

// One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects.
const file = "sqlite:data/orders.db"

// migrations are those of ../orders, beside this source.
func migrations() string {
	if folder := os.Getenv("ORDERS_MIGRATIONS"); folder != "" {
		return folder
	}
	_, source, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(source), "../orders/migrations")
}

func newApp() *spikard.App {
	app := spikard.New("orders", spikard.WithConfig(manifest.Manifest{HTTP: &manifest.HttpConfig{Limits: manifest.Limits{BodyBytes: spikard.Ptr[uint64](100 << 20)}}}))
	s := &service{
		app:      app,
		db:       app.Database(manifest.DbConfig{URL: file, Migrations: migrations(), MigrateOnStart: true}),
		messages: app.Messaging(manifest.MessagingConfig{URL: file}),
		files:    app.Storage(manifest.StorageConfig{URL: "file:data/objects"}),
		cache:    app.Cache(manifest.CacheConfig{}),
		feed:     newFeed(),
	}
	app.Tasks(manifest.TasksConfig{URL: file})
	s.work()
	s.routes()
	return app
}

func main() { os.Exit(newApp().Run()) }
