package main

import "time"

// work takes the next request that nobody has taken, waits until it is due and sends it; late ones go out at once.
func (r *run) work() {
	prober := newProber(r.targets[0])
	defer prober.drop(true)
	for {
		index := r.next.Add(1) - 1
		if index >= int64(len(r.rows)) {
			return
		}
		due, ok := r.await(index)
		if !ok {
			r.rows[index].start = -1
			return
		}
		r.send(prober, &r.rows[index], due)
	}
}

// await returns when the request was due, after that moment; false when it must not be sent any more.
func (r *run) await(index int64) (time.Time, bool) {
	if r.order.RatePerSecond == 0 {
		now := time.Now()
		over := r.order.Count == 0 && now.Sub(r.began) >= seconds(r.order.DurationSeconds)
		return now, !over && !r.isStopped()
	}
	due := r.began.Add(seconds(float64(index) / r.order.RatePerSecond))
	wait := time.Until(due)
	if wait <= 0 {
		return due, !r.isStopped()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return due, true
	case <-r.stopped:
		return due, false
	}
}

func (r *run) send(prober *prober, into *row, due time.Time) {
	start := time.Now()
	if r.order.RatePerSecond == 0 {
		due = start
	}
	result := prober.probe(start)
	if isOurs(result.err) {
		r.fail("the agent cannot send: %v", result.err)
	}
	replica, ok := r.replicas.index(result.servedBy)
	if !ok {
		r.fail("more than %d different values in header %s", maxReplicas, r.order.IdentityHeader)
	}
	*into = row{
		scheduled: due.Sub(r.began).Microseconds(),
		start:     start.Sub(r.began).Microseconds(),
		end:       time.Since(r.began).Microseconds(),
		failure:   classify(result.err),
		replica:   replica,
		status:    uint16(result.status),
	}
}
