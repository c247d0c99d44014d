// go-redis as its users write it: one client, N goroutines, GET and SET; CPU time of this process and of the server in µs an operation, as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const keys = 1000

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}

var used = regexp.MustCompile(`used_cpu_(?:sys|user):([0-9.]+)`)

func serverCPU(ctx context.Context, client *redis.Client) float64 {
	sum := 0.0
	for _, m := range used.FindAllStringSubmatch(client.Info(ctx, "cpu").Val(), -1) {
		v, _ := strconv.ParseFloat(m[1], 64)
		sum += v
	}
	return sum * 1e6
}

func main() {
	options, err := redis.ParseURL(os.Args[1])
	if err != nil {
		panic(err)
	}
	client := redis.NewClient(options)
	ctx := context.Background()
	value := string(make([]byte, 64))
	out := map[string]float64{}
	measure := func(name string, workers, operations int, do func(n int) error) {
		server, before := serverCPU(ctx, client), cpu()
		var all sync.WaitGroup
		for w := 0; w < workers; w++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for n := 0; n < operations/workers; n++ {
					if err := do((w*7919 + n*31) % keys); err != nil {
						panic(err)
					}
				}
			}()
		}
		all.Wait()
		out[name] = (cpu() - before) / float64(operations)
		out[name+" server"] = (serverCPU(ctx, client) - server) / float64(operations)
	}
	for _, workers := range []int{1, 64} {
		operations := 20000
		if workers > 1 {
			operations = 128000
		}
		suffix := " " + strconv.Itoa(workers)
		measure("set"+suffix, workers, operations, func(n int) error {
			return client.Set(ctx, "key:"+strconv.Itoa(n), value, 10*time.Minute).Err()
		})
		measure("get"+suffix, workers, operations, func(n int) error { return client.Get(ctx, "key:"+strconv.Itoa(n)).Err() })
	}
	text, _ := json.Marshal(out)
	fmt.Println(string(text))
}
