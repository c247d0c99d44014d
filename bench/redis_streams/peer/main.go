// The same with go-redis: XADD one by one from 64 goroutines, then in pipelines of 500, then XREADGROUP COUNT 500 and one XACK for each.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const together = 500

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	s := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return s(u.Utime) + s(u.Stime)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	options, err := redis.ParseURL(os.Args[1])
	check(err)
	count, _ := strconv.Atoi(os.Args[2])
	stream := os.Args[3]
	client := redis.NewClient(options)
	check(client.XGroupCreateMkStream(ctx, stream, "bench", "0").Err())
	payload := "0123456789012345678901234567890123456789012345678901234567890123"
	before, begun := cpu(), time.Now()
	var done sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(count))
	for lane := 0; lane < 64; lane++ {
		done.Add(1)
		go func() {
			defer done.Done()
			for left.Add(-1) >= 0 {
				check(client.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{"payload", payload}}).Err())
			}
		}()
	}
	done.Wait()
	publish, rate := (cpu()-before)*1e6/float64(count), float64(count)/time.Since(begun).Seconds()
	before = cpu()
	for i := 0; i < count; i += together {
		_, err = client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for j := i; j < count && j < i+together; j++ {
				pipe.XAdd(ctx, &redis.XAddArgs{Stream: stream + ".batch", Values: []string{"payload", payload}})
			}
			return nil
		})
		check(err)
	}
	batched := (cpu() - before) * 1e6 / float64(count)
	before, begun = cpu(), time.Now()
	for handled := 0; handled < count; {
		streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "bench", Consumer: "c", Streams: []string{stream, ">"}, Count: together, Block: 5 * time.Second}).Result()
		check(err)
		ids := make([]string, 0, together)
		for _, one := range streams[0].Messages {
			ids = append(ids, one.ID)
		}
		check(client.XAck(ctx, stream, "bench", ids...).Err())
		handled += len(ids)
	}
	pull, pulled := (cpu()-before)*1e6/float64(count), float64(count)/time.Since(begun).Seconds()
	fmt.Printf("{\"publish\": %.2f, \"publish 500\": %.2f, \"read + ack\": %.2f, \"publish/s\": %.0f, \"read/s\": %.0f}\n", publish, batched, pull, rate, pulled)
}
