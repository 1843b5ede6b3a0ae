package main

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

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

// A trial counts only where 99 of 100 requests go out within 5 ms after they are due, at 500 a second. That is judged in
// the cluster; here a busy machine gets more time, so that only a sender that waits for answers is found.
func TestFiveHundredRequestsASecondAreSentInTime(t *testing.T) {
	slow := func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) }
	system, agent := newSystem(t, slow), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 500, "count": 500, "concurrency": 512, "fresh": false, "connections": 16}
	got := finish(t, agent, begin(t, agent, order))
	late := make([]float64, len(got.Rows))
	for index := range got.Rows {
		late[index] = got.at(index, 1) - got.at(index, 0)
	}
	slices.Sort(late)
	t.Logf("send lag p50 %.2f ms, p99 %.2f ms", late[250]*1e3, late[495]*1e3)
	if late[250] > 0.02 || got.classes()[""] != 500 {
		t.Fatalf("p50 of the send lag is %.1f ms, %v", late[250]*1e3, got.classes())
	}
}
