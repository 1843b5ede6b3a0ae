package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// relayOrder is the body of POST /relays.
type relayOrder struct {
	To              string  `json:"to"`
	DelaySeconds    float64 `json:"delay_seconds"`
	DurationSeconds float64 `json:"duration_seconds"`
}

func (o relayOrder) check() error {
	if host, port, err := net.SplitHostPort(o.To); err != nil || net.ParseIP(host) == nil || port == "" {
		return fmt.Errorf("to: %q is not like 10.0.0.1:80", o.To)
	}
	return first(
		within("delay_seconds", o.DelaySeconds, 0, maxTimeoutSeconds),
		within("duration_seconds", o.DurationSeconds, 0.001, maxDurationSeconds),
	)
}

// relay hands connections on, and what callers say by them, later by a constant time. It ends by itself.
type relay struct {
	order    relayOrder
	listener net.Listener
	ends     time.Time
	room     chan struct{}
}

func newRelay(order relayOrder) (*relay, error) {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return nil, err
	}
	life := seconds(order.DurationSeconds)
	made := &relay{order, listener, time.Now().Add(life), make(chan struct{}, maxConcurrency)}
	time.AfterFunc(life, made.close)
	return made, nil
}

func (r *relay) port() int { return r.listener.Addr().(*net.TCPAddr).Port }

// close takes no more connections; those under way end when their ends do, at the latest with the relay's time.
func (r *relay) close() { _ = r.listener.Close() }

func (r *relay) serve() {
	for {
		caller, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		select {
		case r.room <- struct{}{}:
			go func() { r.carry(caller); <-r.room }()
		default:
			_ = caller.Close() // a caller too many learns it at once
		}
	}
}

func (r *relay) carry(caller net.Conn) {
	defer caller.Close()
	callee, err := (&net.Dialer{Deadline: r.ends}).Dial("tcp", r.order.To)
	if err != nil {
		return
	}
	defer callee.Close()
	_, _ = caller.SetDeadline(r.ends), callee.SetDeadline(r.ends)
	said := make(chan struct{})
	go func() { defer close(said); late(callee, caller, seconds(r.order.DelaySeconds)) }()
	_, _ = io.Copy(caller, callee)
	hangUp(caller)
	<-said
}

// piece is a part of what was said, and when it is due on the other side.
type piece struct {
	due  time.Time
	data []byte
}

// late copies what is said, each piece so long after it came, and its end after the last one.
func late(to, from net.Conn, delay time.Duration) {
	pieces := make(chan piece, 64)
	go func() {
		defer close(pieces)
		for {
			data := make([]byte, 16<<10)
			size, err := from.Read(data)
			if size > 0 {
				pieces <- piece{time.Now().Add(delay), data[:size]}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range pieces {
		time.Sleep(time.Until(next.due))
		if _, err := to.Write(next.data); err != nil {
			_ = from.Close() // so that no more comes; what has come is dropped
			for range pieces {
			}
		}
	}
	hangUp(to)
}

// hangUp says that no more comes; what the other says can still be heard.
func hangUp(conn net.Conn) { _ = conn.(*net.TCPConn).CloseWrite() }

// relays keeps relays until they are closed.
type relays struct {
	lock sync.Mutex
	open []*relay
}

// start begins a relay and returns its port.
func (s *relays) start(order relayOrder) (int, error) {
	if err := order.check(); err != nil {
		return 0, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.open = slices.DeleteFunc(s.open, func(each *relay) bool { return time.Now().After(each.ends) })
	if len(s.open) >= maxRelays {
		return 0, fmt.Errorf("%d relays were opened already: close them with POST /relays/close", maxRelays)
	}
	made, err := newRelay(order)
	if err != nil {
		return 0, err
	}
	s.open = append(s.open, made)
	go made.serve()
	return made.port(), nil
}

// closeAll closes all relays and returns their ports.
func (s *relays) closeAll() []int {
	s.lock.Lock()
	defer s.lock.Unlock()
	ports := []int{}
	for _, each := range s.open {
		each.close()
		ports = append(ports, each.port())
	}
	s.open = nil
	return ports
}
