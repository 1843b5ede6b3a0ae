package main

import "sync"

// replicas numbers the names of those who answered; number 0 is the empty name.
type replicas struct {
	lock    sync.Mutex
	names   []string
	numbers map[string]int32
}

func (d *replicas) index(name string) (int32, bool) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.numbers == nil {
		d.names, d.numbers = []string{""}, map[string]int32{"": 0}
	}
	name = name[:min(len(name), maxIdentityBytes)]
	number, known := d.numbers[name]
	if known {
		return number, true
	}
	if len(d.names) > maxReplicas {
		return 0, false
	}
	number = int32(len(d.names))
	d.names, d.numbers[name] = append(d.names, name), number
	return number, true
}
