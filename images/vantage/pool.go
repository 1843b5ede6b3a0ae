package main

import (
	"sync"
	"time"
)

// pool keeps the connections to one target. The one that has rested longest goes next, so that all of them share the
// work; another one is opened when none is idle, so that a slow answer delays no other request.
type pool struct {
	target *target
	idle   chan *prober
	made   int
}

func newPool(target *target, most int) *pool {
	return &pool{target: target, idle: make(chan *prober, most)}
}

// open makes connections before they are needed; one that fails is tried again, and told, by the request that needs it.
func (p *pool) open(count int) {
	var opening sync.WaitGroup
	for range count {
		p.made++
		opening.Go(func() {
			one := newProber(p.target)
			_ = one.connect(time.Now().Add(p.target.timeout))
			p.idle <- one
		})
	}
	opening.Wait()
}

// take blocks only while as many requests are under way as may be at all. Not for several callers at the same time.
func (p *pool) take() *prober {
	select {
	case one := <-p.idle:
		return one
	default:
	}
	if p.made < cap(p.idle) {
		p.made++
		return newProber(p.target)
	}
	return <-p.idle
}

func (p *pool) put(one *prober) { p.idle <- one }

// drop ends all connections; none of them may be under way.
func (p *pool) drop() {
	for range p.made {
		one := <-p.idle
		one.drop(true)
	}
}
