package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// maxLife ends a run whose late requests would otherwise keep it going: the longest duration and some timeouts.
const maxLife = maxDurationSeconds*time.Second + 2*maxTimeoutSeconds*time.Second

// row is one request; times are microseconds since the start of the run, start is negative when it was never sent.
type row struct {
	scheduled, start, end int64
	failure               string
	replica               int32
	status                uint16
}

// run sends the requests of one order. Its rows may be read once done is closed.
type run struct {
	order    runOrder
	targets  []*target // one, or two that are compared
	began    time.Time
	next     atomic.Int64
	rows     []row
	replicas replicas

	stopped chan struct{}
	stop    func()
	done    chan struct{}
	ended   time.Time

	lock    sync.Mutex
	problem string // why the rows are not what was ordered; never the fault of the system that was asked
}

func newRun(order runOrder) (*run, error) {
	if err := order.check(); err != nil {
		return nil, err
	}
	r := &run{order: order, stopped: make(chan struct{}), done: make(chan struct{})}
	for _, way := range order.ways() {
		target, err := newTarget(order, way)
		if err != nil {
			return nil, err
		}
		r.targets = append(r.targets, target)
	}
	r.stop = sync.OnceFunc(func() { close(r.stopped) })
	r.rows = make([]row, order.rows())
	return r, nil
}

// execute blocks until the last answer.
func (r *run) execute() {
	for _, target := range r.targets {
		target.where.ask()
		go target.where.follow(r.done)
	}
	send := r.work
	if r.order.steady() {
		pools := r.openPools()
		send = func() { r.dispatch(pools) }
	}
	r.began = time.Now()
	life := time.AfterFunc(maxLife, func() { r.fail("not ended within %v: requests are served too slowly", maxLife) })
	defer life.Stop()
	var workers sync.WaitGroup
	for range r.workers() {
		workers.Go(send)
	}
	workers.Wait()
	r.finish()
}

// workers is how many send at the same time, each over a connection of its own; one is enough where a pool has them.
func (r *run) workers() int {
	if r.order.steady() {
		return 1
	}
	return min(r.order.Concurrency, len(r.rows))
}

func (r *run) finish() {
	claimed := min(int(r.next.Load()), len(r.rows))
	if r.order.Count == 0 && r.order.RatePerSecond == 0 && claimed == maxCount && !r.isStopped() {
		r.fail("ended at %d requests, before its duration", maxCount)
	}
	sent := make([]row, 0, claimed)
	for _, one := range r.rows[:claimed] {
		if one.start >= 0 {
			sent = append(sent, one)
		}
	}
	r.rows = sent
	r.ended = time.Now()
	close(r.done)
}

func (r *run) fail(format string, values ...any) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.problem == "" {
		r.problem = fmt.Sprintf(format, values...)
	}
	r.stop()
}

func (r *run) why() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.problem
}

func (r *run) isStopped() bool { return isClosed(r.stopped) }

func (r *run) isDone() bool { return isClosed(r.done) }

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}
