package spikard_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
	"spikard.dev/go/spikardtest"
)

// toolbox is an application with one client of each kind, for a test's own function.
func toolbox(t *testing.T, fn func(ctx context.Context) error, more ...func(app *spikard.App)) *spikardtest.App {
	t.Helper()
	app := spikard.New("toolbox", quiet())
	app.Cache(manifest.CacheConfig{})
	app.Storage(manifest.StorageConfig{})
	app.Database(manifest.DbConfig{URL: "sqlite::memory:"})
	app.Messaging(manifest.MessagingConfig{URL: "sqlite::memory:"})
	app.Tasks(manifest.TasksConfig{URL: "sqlite::memory:"})
	for _, add := range more {
		add(app)
	}
	test := spikardtest.Start(t, app)
	test.Do(fn)
	return test
}

func TestOneOfManyLoads(t *testing.T) {
	toolbox(t, func(ctx context.Context) error {
		cache := spikard.CacheNamed("default")
		var loads atomic.Int64
		group := spikard.NewGroup(ctx)
		for range 20 {
			group.Go(func() {
				value, err := cache.GetOrLoad(ctx, "k", func(ctx context.Context) ([]byte, error) {
					loads.Add(1)
					return []byte("v"), spikard.Sleep(ctx, time.Second)
				})
				if string(value) != "v" || err != nil {
					t.Error(string(value), err)
				}
			})
		}
		group.Wait()
		if n := loads.Load(); n != 1 {
			t.Error(n, "loads")
		}
		_, err := cache.GetOrLoad(ctx, "broken", func(context.Context) ([]byte, error) { panic("a loader") })
		if err == nil || !strings.Contains(err.Error(), "a loader") {
			t.Error(err)
		}
		return nil
	})
}

type failing struct{ after int }

var errReader = errors.New("the reader broke")

func (f *failing) Read(p []byte) (int, error) {
	if f.after <= 0 {
		return 0, errReader
	}
	n := min(len(p), f.after)
	f.after -= n
	return n, nil
}

func TestObjectsAreStreamedBothWays(t *testing.T) {
	toolbox(t, func(ctx context.Context) error {
		files := spikard.StorageNamed("default")
		data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // through many credits
		if _, err := files.WriteStream(ctx, "big", bytes.NewReader(data)); err != nil {
			return err
		}
		stream := files.ReadStream(ctx, "big")
		back, err := io.ReadAll(stream)
		if err != nil || !bytes.Equal(back, data) {
			t.Error(len(back), err)
		}
		stream.Close()
		early := files.ReadStream(ctx, "big") // given up after a part
		if _, err := io.ReadFull(early, make([]byte, 10)); err != nil {
			return err
		}
		early.Close()
		if _, err := files.WriteStream(ctx, "none", &failing{100_000}); !errors.Is(err, errReader) {
			t.Error(err)
		}
		if there, err := files.Exists(ctx, "none"); there || err != nil {
			t.Error(there, err)
		}
		if _, err := files.Stat(ctx, "none"); !errors.Is(err, spikard.ErrNotFound) {
			t.Error(err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := files.ReadAll(ended, "big"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return nil
	})
}

func TestATransactionHoldsRowsMessagesAndTasksOrNoneOfThem(t *testing.T) {
	got, ran := make(chan string, 8), make(chan int, 8)
	var double *spikard.Task[int, int]
	db, messages := spikard.DatabaseNamed("default"), spikard.MessagingNamed("default")
	failed := errors.New("rolled back")
	test := toolbox(t, func(ctx context.Context) error {
		if _, err := db.Execute(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"); err != nil {
			return err
		}
		write := func(name string, end error) error {
			return db.InTransaction(ctx, func(tx *spikard.Transaction) error {
				if _, err := tx.Execute(ctx, "INSERT INTO t (name) VALUES (?)", name); err != nil {
					return err
				}
				if err := tx.Publish(ctx, messages, "told", name); err != nil {
					return err
				}
				if _, err := double.EnqueueIn(ctx, tx, len(name)); err != nil {
					return err
				}
				// A savepoint of its own is undone alone.
				if err := tx.Savepoint(ctx, func(tx *spikard.Transaction) error {
					if _, err := tx.Execute(ctx, "INSERT INTO t (name) VALUES ('inner')"); err != nil {
						return err
					}
					return failed
				}); !errors.Is(err, failed) {
					t.Error(err)
				}
				return end
			})
		}
		if err := write("kept", nil); err != nil {
			return err
		}
		if err := write("undone", failed); !errors.Is(err, failed) {
			t.Error(err)
		}
		names, err := spikard.Query[struct {
			Name string `json:"name"`
		}](ctx, db, "SELECT name FROM t ORDER BY id")
		if len(names) != 1 || names[0].Name != "kept" {
			t.Error(names)
		}
		none, missing := spikard.First[struct{}](ctx, db, "SELECT name FROM t WHERE id = ?", 99)
		if none != nil || missing != nil {
			t.Error(none, missing)
		}
		return err
	}, func(app *spikard.App) {
		spikard.Consumer(app, "told", func(_ context.Context, text string) error { got <- text; return nil })
		double = spikard.NewTask(app, "double", func(_ context.Context, n int) (int, error) { ran <- n; return 2 * n, nil })
	})
	test.Settle()
	test.Stop()
	if len(got) != 1 || <-got != "kept" || len(ran) != 1 || <-ran != 4 {
		t.Error(len(got), len(ran))
	}
}

func TestOutcomesOfMessagesAndTasks(t *testing.T) {
	var mu sync.Mutex
	seen := map[string][]string{}
	note := func(name, text string) { mu.Lock(); seen[name] = append(seen[name], text); mu.Unlock() }
	var flaky, never *spikard.Task[string, string]
	test := toolbox(t, func(ctx context.Context) error {
		if _, err := spikard.MessagingNamed("default").Send(ctx, "in", "x"); err != nil {
			return err
		}
		if _, err := flaky.Enqueue(ctx, "a"); err != nil {
			return err
		}
		_, err := never.Enqueue(ctx, "b")
		return err
	}, func(app *spikard.App) {
		spikard.Consumer(app, "in", func(ctx context.Context, text string) error {
			m := spikard.MessageFrom(ctx)
			note("consumer", text)
			switch m.DeliveryCount {
			case 1:
				return spikard.Retry(time.Minute)
			case 2:
				panic("the third is the last")
			}
			return spikard.Nack(false)
		}, manifest.Consumer{DeadLetter: spikard.Ptr("dead"), MaxRetries: spikard.Ptr[uint32](5)})
		flaky = spikard.NewTask(app, "flaky", func(ctx context.Context, in string) (string, error) {
			run := spikard.RunFrom(ctx)
			note("flaky", in)
			if run.Attempt == 1 {
				return "", errors.New("again")
			}
			return in, nil
		})
		never = spikard.NewTask(app, "never", func(_ context.Context, in string) (string, error) {
			note("never", in)
			return "", spikard.Fatal(errors.New("for good"))
		})
	})
	test.Advance(24 * time.Hour)
	test.Do(func(ctx context.Context) error {
		dead, err := spikard.MessagingNamed("default").ListDeadLetters(ctx, "dead")
		if list, _ := dead.Messages.Any().([]any); len(list) != 1 {
			t.Error(dead.Messages.Any())
		}
		return err
	})
	test.Stop()
	mu.Lock()
	defer mu.Unlock()
	for name, want := range map[string]int{"consumer": 3, "flaky": 2, "never": 1} {
		if len(seen[name]) != want {
			t.Error(name, seen[name])
		}
	}
}

// What a handler waits for ends with it.
func TestAnOperationEndsWithItsHandler(t *testing.T) {
	app := spikard.New("ends", quiet())
	cause := make(chan error, 1)
	spikard.Get(app, "/", func(ctx context.Context, _ spikard.None) (string, error) {
		err := spikard.Sleep(ctx, time.Hour)
		cause <- err
		return "", err
	}, spikard.TimeoutMs(50))
	test := spikardtest.Serve(t, app)
	test.Get("/").Status(408)
	if err := <-cause; !errors.Is(err, spikard.ErrDeadline) {
		t.Error(err)
	}
}
