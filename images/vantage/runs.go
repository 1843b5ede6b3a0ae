package main

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// abandoned is how long a finished run waits to be read before it may make room for another.
const abandoned = 10 * time.Minute

// runs keeps runs until they are forgotten.
type runs struct {
	lock sync.Mutex
	kept map[string]*run
}

func newRuns() *runs { return &runs{kept: map[string]*run{}} }

// start begins a run in the background and returns its id; an error tells which limit it would exceed.
func (s *runs) start(order runOrder) (string, error) {
	if err := order.check(); err != nil {
		return "", err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if err := s.room(order); err != nil {
		return "", err
	}
	begun, err := newRun(order)
	if err != nil {
		return "", err
	}
	id := rand.Text()
	s.kept[id] = begun
	go begun.execute()
	return id, nil
}

func (s *runs) room(order runOrder) error {
	rows := order.rows()
	for id, kept := range s.kept {
		if kept.isDone() && time.Since(kept.ended) > abandoned {
			delete(s.kept, id)
			continue
		}
		rows += kept.order.rows()
	}
	if len(s.kept) >= maxRuns {
		return fmt.Errorf("%d runs are kept already: forget some with DELETE /runs/{id}", maxRuns)
	}
	if rows > maxRows {
		return fmt.Errorf("all runs together would keep %d requests, more than %d: forget some", rows, maxRows)
	}
	return nil
}

func (s *runs) get(id string) *run {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.kept[id]
}

func (s *runs) forget(id string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.kept, id)
}

func (s *runs) stopAll() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, kept := range s.kept {
		kept.stop()
	}
}
