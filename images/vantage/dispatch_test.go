package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSlowAnswersDelayNoOtherRequest(t *testing.T) {
	slow := func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) }
	system, agent := newSystem(t, slow), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 200, "count": 60, "concurrency": 64, "fresh": false}
	got := finish(t, agent, begin(t, agent, order))
	for index := range got.Rows {
		if late := got.at(index, 1) - got.at(index, 0); late < 0 || late > 0.05 {
			t.Fatalf("request %d is %.3f s late", index, late)
		}
	}
	if made := system.connections.Load(); made < 10 || made > 40 {
		t.Fatalf("%d connections for about 20 requests at the same time", made)
	}
}

func TestRequestsThatFindNoConnectionAreLate(t *testing.T) {
	slow := func(http.ResponseWriter, *http.Request) { time.Sleep(50 * time.Millisecond) }
	system, agent := newSystem(t, slow), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 100, "count": 20, "concurrency": 2, "fresh": false}
	got := finish(t, agent, begin(t, agent, order))
	if late := got.at(19, 1) - got.at(19, 0); late < 0.2 || system.connections.Load() != 2 {
		t.Fatalf("%.3f s late, %d connections", late, system.connections.Load())
	}
}

func TestOpenedConnectionsShareTheWork(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 100, "count": 24, "concurrency": 12, "fresh": false, "connections": 6}
	got := finish(t, agent, begin(t, agent, order))
	if got.classes()[""] != 24 || system.connections.Load() < 6 {
		t.Fatalf("%v over %d connections", got.classes(), system.connections.Load())
	}
}

func TestConnectionsThatCannotBeOpenedAreToldByTheirRequests(t *testing.T) {
	agent := newAgent(t)
	order := object{"url": "http://" + freePort(t), "rate_per_second": 100, "count": 5, "concurrency": 4, "fresh": false, "connections": 4}
	if got := finish(t, agent, begin(t, agent, order)); got.classes()[refused] != 5 {
		t.Fatalf("%v", got.classes())
	}
}

func TestTurnsAreTakenAsOrdered(t *testing.T) {
	named := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Served-By", name+r.Header.Get("X-Way"))
		}
	}
	first, other, agent := newSystem(t, named("first")), newSystem(t, named("other")), newAgent(t)
	way := object{"url": other.URL, "headers": object{"X-Way": "-2"}}
	order := object{"url": first.URL, "other": way, "turns": "0110", "turn_requests": 3, "count": 12, "rate_per_second": 200,
		"fresh": false, "concurrency": 4, "identity_header": "X-Served-By"}
	got := finish(t, agent, begin(t, agent, order))
	var answered []string
	for index := range got.Rows {
		answered = append(answered, got.Replicas[int(got.at(index, 4))])
	}
	block := func(name string) string { return strings.Repeat(name+" ", 3) }
	want := block("first") + block("other-2") + block("other-2") + block("first")
	if joined := strings.Join(answered, " ") + " "; joined != want {
		t.Fatal(joined)
	}
	if first.connections.Load() > 4 || other.connections.Load() > 4 {
		t.Fatalf("%d and %d connections", first.connections.Load(), other.connections.Load())
	}
}

func TestStopEndsADispatchAndKeepsWhatWasSent(t *testing.T) {
	var asked atomic.Int64
	system := newSystem(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	agent := newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 100, "duration_seconds": 600, "concurrency": 4, "fresh": false}
	id := begin(t, agent, order)
	for asked.Load() < 5 {
		time.Sleep(time.Millisecond)
	}
	ask200[object](t, agent, "POST", "/runs/"+id+"/stop", nil)
	got := finish(t, agent, id)
	if len(got.Rows) < 5 || int64(len(got.Rows)) != asked.Load() || got.classes()[""] != len(got.Rows) {
		t.Fatalf("%d rows, %d asked, %v", len(got.Rows), asked.Load(), got.classes())
	}
}
