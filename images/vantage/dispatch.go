package main

import "sync"

// dispatch sends each request when it is due, over kept connections, whatever became of the ones before it.
func (r *run) dispatch(pools []*pool) {
	var underWay sync.WaitGroup
	for index := range int64(len(r.rows)) {
		due, ok := r.await(index)
		if !ok {
			break
		}
		r.next.Store(index + 1)
		pool := pools[r.order.turn(index)]
		prober := pool.take()
		underWay.Go(func() {
			r.send(prober, &r.rows[index], due)
			pool.put(prober)
		})
	}
	underWay.Wait()
	for _, pool := range pools {
		pool.drop()
	}
}

// turn returns which way a request takes.
func (o runOrder) turn(index int64) int {
	if o.Other == nil {
		return 0
	}
	return int(o.Turns[index/int64(o.TurnRequests)] - '0')
}

// openPools returns the kept connections of each way, as many as were ordered already open.
func (r *run) openPools() []*pool {
	pools := make([]*pool, len(r.targets))
	for number, target := range r.targets {
		pools[number] = newPool(target, r.order.Concurrency)
		pools[number].open(r.order.Connections)
	}
	return pools
}
