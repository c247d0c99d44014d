package spikard

import (
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"spikard.dev/go/internal/raw"
)

const (
	keptMemory  = 1 << 20
	longestHold = 200 * time.Microsecond // a slow handler must not hold the answers before it
	ownSteps    = 4                      // what a goroutine that has answered does for others
)

// batch is commands on their way. Their bodies lie in memory of C's; until they are submitted they are offsets into it.
type batch struct {
	commands []raw.Cmd
	memory   raw.Memory
}

// port is one poller's part of a running application. Whoever has something to submit does it himself when nobody else is at it; the goroutine that waits
// on the descriptor does it when events come. One at a time, whatever the thread.
type port struct {
	r      *Runtime
	core   *raw.Port
	file   *os.File
	active atomic.Bool // somebody steps, or is about to look again
	again  atomic.Bool // the descriptor was readable meanwhile
	done   chan struct{}

	pending   sync.Mutex // of what follows
	out       *batch
	firstAt   int64
	nextUsers uint64

	core1  sync.Mutex // of the core's port and of what follows
	spare  *batch
	owed   map[uint64]*handling
	job    chan struct{} // the latest background task has begun
	closed bool

	waiting sync.Mutex // of what follows
	waiters map[uint64]*waiter
}

func openPort(r *Runtime) (*port, error) {
	core, err := r.app.OpenPort(r.traced)
	if err != nil {
		return nil, coreError(err)
	}
	fd, err := syscall.Dup(core.FD())
	if err != nil {
		core.Close()
		return nil, err
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		core.Close()
		return nil, err
	}
	return &port{r: r, core: core, file: os.NewFile(uintptr(fd), "spikard-port"), out: &batch{}, spare: &batch{}, owed: map[uint64]*handling{}, waiters: map[uint64]*waiter{}, done: make(chan struct{})}, nil
}

// serve waits on the descriptor in Go's netpoller.
func (p *port) serve() {
	defer close(p.done)
	connection, err := p.file.SyscallConn()
	if err == nil {
		err = connection.Read(func(uintptr) bool {
			p.again.Store(true)
			if p.active.CompareAndSwap(false, true) {
				p.pump(-1)
			}
			return p.r.stopped.Load()
		})
	}
	if err != nil && !p.r.stopped.Load() {
		p.r.fail(err)
	}
}

// pump steps until nothing is left to do; at most `limit` times, -1 for no limit.
func (p *port) pump(limit int) {
	for {
		p.again.Store(false)
		n := p.step()
		if n > 0 {
			runtime.Gosched() // what came is handled first; its answers go together
		} else if p.empty() {
			p.active.Store(false)
			if !p.again.Load() && p.empty() || !p.active.CompareAndSwap(false, true) {
				return
			}
			continue
		}
		if limit > 0 {
			if limit--; limit == 0 {
				// The rest is for the goroutine that waits: this one has work of its own.
				go p.pump(-1)
				return
			}
		}
	}
}

func (p *port) empty() bool {
	p.pending.Lock()
	defer p.pending.Unlock()
	return len(p.out.commands) == 0
}

// step submits what is pending, polls and hands out what came.
func (p *port) step() int {
	p.core1.Lock()
	defer p.core1.Unlock()
	if p.closed { // nobody takes commands any more: a handler that ends now is not waited for
		p.pending.Lock()
		p.out.commands = p.out.commands[:0]
		p.out.memory.Free()
		p.pending.Unlock()
		return 0
	}
	p.pending.Lock()
	b := p.out
	p.out = p.spare
	p.pending.Unlock()
	for i := range b.commands {
		c := &b.commands[i]
		if c.Body.Len > 0 {
			c.Body.Ptr = b.memory.Address(int(c.Body.Ptr))
		}
		if c.Head.Len > 0 {
			c.Head.Ptr = b.memory.Address(int(c.Head.Ptr))
		}
		switch c.Op {
		case raw.CmdReply, raw.CmdEnd, raw.CmdAbort, raw.CmdAck, raw.CmdNack, raw.CmdRetry, raw.CmdResult, raw.CmdFail:
			delete(p.owed, c.ID)
		}
	}
	events, refused, err := p.core.Step(b.commands)
	b.commands = b.commands[:0]
	b.memory.Reset(keptMemory)
	p.spare = b
	if refused != nil {
		p.r.log().Error("a command was refused", slog.Any("error", refused))
	}
	if err != nil {
		p.r.fail(err)
		return 0
	}
	for i := range events {
		p.event(&events[i], i)
	}
	return len(events)
}

// add puts a command into the batch.
func (p *port) add(c raw.Cmd, head, body []byte) {
	p.pending.Lock()
	p.put(c, head, body)
	p.pending.Unlock()
}

// addAll puts a command into the batch, and others right after it.
func (p *port) addAll(c raw.Cmd, head, body []byte, after []raw.Cmd) {
	p.pending.Lock()
	p.put(c, head, body)
	for _, one := range after {
		p.put(one, nil, nil)
	}
	p.pending.Unlock()
}

func (p *port) put(c raw.Cmd, head, body []byte) {
	if len(p.out.commands) == 0 {
		p.firstAt = nanotime()
	}
	if len(head) > 0 {
		c.Head = raw.Span{Ptr: uintptr(p.out.memory.Append(head)), Len: uint64(len(head))}
	}
	if len(body) > 0 {
		c.Body = raw.Span{Ptr: uintptr(p.out.memory.Append(body)), Len: uint64(len(body))}
	}
	p.out.commands = append(p.out.commands, c)
}

// send puts a command into the batch and sees that it goes.
func (p *port) send(c raw.Cmd, head, body []byte) {
	p.add(c, head, body)
	p.flush()
}

func (p *port) flush() {
	if p.active.CompareAndSwap(false, true) {
		p.pump(ownSteps)
		return
	}
	p.pending.Lock()
	late := len(p.out.commands) > 0 && nanotime()-p.firstAt > int64(longestHold)
	p.pending.Unlock()
	if late && p.core1.TryLock() {
		p.core1.Unlock()
		p.step()
		p.again.Store(true)
	}
}

func nanotime() int64 { return int64(time.Since(epoch)) }

var epoch = time.Now()

// user is a number for a CALL or TIMER of this port.
func (p *port) user() uint64 {
	p.pending.Lock()
	defer p.pending.Unlock()
	p.nextUsers++
	return p.nextUsers
}

func (p *port) close() {
	p.core1.Lock()
	defer p.core1.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.core.Close()
	p.file.Close()
	p.pending.Lock()
	p.out.memory.Free()
	p.spare.memory.Free()
	p.pending.Unlock()
	for _, h := range p.owed {
		h.cancel(ErrShutdown)
	}
	p.waiting.Lock()
	waiters := p.waiters
	p.waiters = map[uint64]*waiter{}
	p.waiting.Unlock()
	for _, w := range waiters {
		w.end(nil, ErrNotRunning)
	}
}

// event hands one out. The port's lock is held.
func (p *port) event(e *raw.Event, i int) {
	switch e.Kind {
	case raw.EvRequest, raw.EvHook, raw.EvMessage, raw.EvCloudevent, raw.EvTask, raw.EvFactory, raw.EvDispose:
		h := &handling{p: p, id: e.ID, trace: p.core.Trace(i)}
		switch e.Kind {
		case raw.EvRequest, raw.EvHook:
			h.request = newRequest(h, e)
			h.deadline(time.Duration((*raw.Request)(e.Pointer()).DeadlineMs) * time.Millisecond)
		}
		if h.id != 0 {
			p.owed[h.id] = h
		}
		event := *e
		var record []byte
		if e.Kind != raw.EvRequest && e.Kind != raw.EvHook && e.Rec != 0 {
			record = raw.Copy(e.Pointer())
		}
		if e.Kind == raw.EvHook && e.User != 0 {
			record = raw.Copy(e.UserPointer())
		}
		if e.Kind == raw.EvTask && record == nil {
			h.after, h.began = p.job, make(chan struct{})
			p.job = h.began
		}
		p.r.begin(func() { p.r.handle(h, &event, record) }, e.Kind)
	case raw.EvChunk:
		record := (*raw.Record)(e.Pointer())
		data := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Add(e.Pointer(), record.Body.Off)), int(record.Body.Len))...)
		if h := p.owed[e.ID]; h != nil && h.request != nil {
			h.request.body().put(data, e.Flags&raw.FLast != 0)
		} else if s := p.stream(e.User); s != nil {
			s.chunk(e.ID, data)
		}
	case raw.EvCancel:
		if h := p.owed[e.ID]; h != nil {
			h.cancel(cancelReason(e.Arg))
		}
	case raw.EvCredit:
		if h := p.owed[e.ID]; h != nil {
			h.credit.add(int64(e.Arg))
		} else if s := p.stream(e.User); s != nil {
			s.credited(e.ID, int64(e.Arg))
		}
	case raw.EvDone:
		var record []byte
		if e.Rec != 0 {
			record = raw.Copy(e.Pointer())
			p.add(raw.Cmd{Op: raw.CmdRelease, ID: e.ID}, nil, nil)
		}
		p.waiting.Lock()
		w := p.waiters[e.User]
		delete(p.waiters, e.User)
		p.waiting.Unlock()
		if w != nil {
			w.end(record, nil)
		}
	case raw.EvState:
		p.r.state(p, e.Arg)
	}
}

func (p *port) stream(user uint64) *streamCall {
	p.waiting.Lock()
	defer p.waiting.Unlock()
	if w := p.waiters[user]; w != nil {
		return w.stream
	}
	return nil
}

func cancelReason(arg uint64) error {
	switch arg {
	case raw.CancelDeadline:
		return ErrDeadline
	case raw.CancelClientGone:
		return ErrClientGone
	case raw.CancelShutdown:
		return ErrShutdown
	}
	return ErrRequested
}
