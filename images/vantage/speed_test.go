package main

import "testing"

// The trial opens 1,000 fresh connections in at most 3 s; this is what the agent itself may take of that.
func TestThousandFreshConnectionsAreFast(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	got := finish(t, agent, begin(t, agent, object{"url": system.URL, "count": 1000, "concurrency": 16}))
	took := got.at(999, 2) - got.at(0, 1)
	t.Logf("1000 fresh connections in %.3f s", took)
	if took > 3 || got.classes()[""] != 1000 {
		t.Fatalf("%.3f s, %v", took, got.classes())
	}
}
