// The same with nats.go: PublishMsgAsync with its default of 4,000 pending, then Fetch(500) and Ack.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
)

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
	count, _ := strconv.Atoi(os.Args[2])
	stream := os.Args[3]
	nc, err := nats.Connect(os.Args[1])
	check(err)
	js, err := nc.JetStream(nats.PublishAsyncMaxPending(4000))
	check(err)
	_, err = js.AddStream(&nats.StreamConfig{Name: stream, Subjects: []string{stream + ".>"}, AllowDirect: true, MaxAge: 7 * 24 * time.Hour, Storage: storage()})
	check(err)
	payload := []byte("0123456789012345678901234567890123456789012345678901234567890123")
	before, begun := cpu(), time.Now()
	for i := 0; i < count; i++ {
		_, err = js.PublishAsync(stream+".bench", payload, nats.MsgId("id-0123456789abcdef-"+strconv.Itoa(i)))
		check(err)
	}
	<-js.PublishAsyncComplete()
	publish, rate := (cpu()-before)*1e6/float64(count), float64(count)/time.Since(begun).Seconds()
	sub, err := js.PullSubscribe(stream+".bench", "bench", nats.MaxAckPending(-1))
	check(err)
	before, begun = cpu(), time.Now()
	for handled := 0; handled < count; {
		messages, err := sub.Fetch(500, nats.MaxWait(5*time.Second))
		check(err)
		for _, one := range messages {
			check(one.Ack())
		}
		handled += len(messages)
	}
	check(nc.Flush())
	pull, pulled := (cpu()-before)*1e6/float64(count), float64(count)/time.Since(begun).Seconds()
	fmt.Printf("{\"publish\": %.2f, \"pull + ack\": %.2f, \"publish/s\": %.0f, \"pull/s\": %.0f}\n", publish, pull, rate, pulled)
}

func storage() nats.StorageType {
	if os.Getenv("BENCH_STORAGE") == "memory" {
		return nats.MemoryStorage
	}
	return nats.FileStorage
}
