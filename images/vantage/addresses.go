package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// refresh is how often a run asks again for the address of its host: often enough to follow a change, too seldom to
// measure the name server instead of the service.
const refresh = time.Second

// patience is how long an answer is waited for, as long as a libc waits (resolv.conf(5)); until it comes, the answer
// before stays in use. A shorter one would take a busy moment for a broken name.
const patience = 5 * time.Second

// addresses is the current answer to "where is this host".
type addresses struct {
	host, port string
	current    atomic.Pointer[lookup]
}

type lookup struct {
	found []netip.Addr
	err   error
}

// ask resolves the host; an address is its own answer.
func (a *addresses) ask() {
	if literal, err := netip.ParseAddr(a.host); err == nil {
		a.current.Store(&lookup{found: []netip.Addr{literal}})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.host)
	a.current.Store(&lookup{found, err})
}

// follow asks again each second until done.
func (a *addresses) follow(done <-chan struct{}) {
	if _, err := netip.ParseAddr(a.host); err == nil {
		return
	}
	ticks := time.NewTicker(refresh)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticks.C:
			a.ask()
		}
	}
}

// pick returns one of the addresses at random, as a client gets it from a name server that shuffles.
func (a *addresses) pick() (string, error) {
	now := a.current.Load()
	if now.err != nil {
		return "", now.err
	}
	chosen := now.found[rand.IntN(len(now.found))]
	return net.JoinHostPort(chosen.Unmap().String(), a.port), nil
}
