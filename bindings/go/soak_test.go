//go:build soak

package spikard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	spikard "spikard.dev/go"
	"spikard.dev/go/manifest"
	"spikard.dev/go/spikardtest"
)

var resident = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB`)

func residentMB(t *testing.T) float64 {
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	kB, _ := strconv.Atoi(string(resident.FindSubmatch(status)[1]))
	return float64(kB) / 1024
}

func number(name string, other int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return other
}

// TestMemoryStaysFlat: 200,000 requests and 100,000 operations; at the end at most 5 % and 4 MB more than when a fifth was done, and no goroutine more.
// go test -tags soak -run TestMemoryStaysFlat -v .   SOAK_REQUESTS, SOAK_OPERATIONS
func TestMemoryStaysFlat(t *testing.T) {
	app := spikard.New("soak", quiet())
	app.Cache(manifest.CacheConfig{URL: "memory:"})
	app.Storage(manifest.StorageConfig{URL: "memory:"})
	app.Database(manifest.DbConfig{URL: "sqlite::memory:"})
	app.Messaging(manifest.MessagingConfig{URL: "memory:", RetentionMs: spikard.Ptr[uint64](1000)})
	spikard.Post(app, "/sum", func(ctx context.Context, in spikard.Body[struct {
		Items []int `json:"items"`
	}]) (map[string]int, error) {
		sum := 0
		for _, n := range in.Value.Items {
			sum += n
		}
		return map[string]int{"sum": sum}, spikard.Background(ctx, func(context.Context) error { return nil })
	})
	spikard.Get(app, "/fail", func(context.Context, spikard.None) (string, error) { return "", errors.New("as asked") })
	app.Hook(spikard.OnError, func(context.Context, *spikard.Draft) (any, error) { return nil, nil })
	var handled atomic.Int64
	spikard.Consumer(app, "in", func(context.Context, string) error { handled.Add(1); return nil })
	test := spikardtest.Serve(t, app)

	flat := func(what string, total int, part func(n int)) {
		first, goroutines := 0.0, 0
		for i := range 5 {
			part(total / 5)
			now, running := residentMB(t), runtime.NumGoroutine()
			if i == 0 {
				first, goroutines = now, running
			}
			t.Logf("%s: %d of %d, %.1f MB, %d goroutines", what, (i+1)*total/5, total, now, running)
			if i == 4 && (now > first*1.05 || now > first+4 || running > goroutines+40) {
				t.Errorf("not flat: %.1f MB and %d goroutines, then %.1f MB and %d", first, goroutines, now, running)
			}
		}
	}
	each := func(n int, fn func(i int)) {
		var group sync.WaitGroup
		for worker := range 16 {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := worker; i < n; i += 16 {
					fn(i)
				}
			}()
		}
		group.Wait()
	}
	flat("requests", number("SOAK_REQUESTS", 200_000), func(n int) {
		each(n, func(i int) {
			if i%10 == 0 {
				test.Get("/fail").Status(500)
				return
			}
			test.Post("/sum", `{"items":[1,2,3]}`, "content-type", "application/json").Status(200)
		})
	})
	ctx := test.Context(context.Background())
	cache, files, db, messages := spikard.CacheNamed("default"), spikard.StorageNamed("default"), spikard.DatabaseNamed("default"), spikard.MessagingNamed("default")
	flat("operations", number("SOAK_OPERATIONS", 100_000), func(n int) {
		each(n/8, func(i int) {
			key := fmt.Sprintf("k%d", i%1000)
			fail := func(err error) {
				if err != nil {
					t.Error(err)
				}
			}
			fail(cache.Set(ctx, key, []byte(strings.Repeat("v", 100))))
			_, err := cache.Get(ctx, key)
			fail(err)
			_, err = cache.GetOrLoad(ctx, "l"+key, func(context.Context) ([]byte, error) { return []byte("v"), nil })
			fail(err)
			_, err = files.Write(ctx, key, make([]byte, 1000))
			fail(err)
			_, err = files.ReadAll(ctx, key)
			fail(err)
			_, err = db.Query(ctx, "SELECT ? AS a", i)
			fail(err)
			if _, err := files.Stat(ctx, "none"); !errors.Is(err, spikard.ErrNotFound) {
				t.Error(err)
			}
			_, err = messages.Send(ctx, "in", key)
			fail(err)
		})
	})
	t.Logf("%d messages were handled", handled.Load())
}
