package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFreshRunOpensOneConnectionPerRequest(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	order := object{"url": system.URL, "count": 200, "concurrency": 8, "identity_header": "x-served-by"}
	got := finish(t, agent, begin(t, agent, order))
	if len(got.Rows) != 200 || system.connections.Load() != 200 || got.Error != "" {
		t.Fatalf("%d rows, %d connections, error %q", len(got.Rows), system.connections.Load(), got.Error)
	}
	for index, row := range got.Rows {
		if row[3].(float64) != 200 || got.Replicas[int(got.at(index, 4))] != "auth-1" || row[5] != "" {
			t.Fatalf("row %v", row)
		}
		if got.at(index, 0) != got.at(index, 1) || got.at(index, 2) < got.at(index, 1) {
			t.Fatalf("times of row %v", row)
		}
	}
}

func TestKeptRunUsesOneConnectionPerWorker(t *testing.T) {
	for _, concurrency := range []int64{1, 4} {
		system, agent := newSystem(t, whoami), newAgent(t)
		order := object{"url": system.URL, "count": 100, "concurrency": concurrency, "fresh": false}
		got := finish(t, agent, begin(t, agent, order))
		if got.classes()[""] != 100 || system.connections.Load() > concurrency {
			t.Fatalf("%v over %d connections", got.classes(), system.connections.Load())
		}
	}
}

func TestKeptConnectionThatThePeerClosesIsOpenedAgain(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 50, "duration_seconds": 0.6, "fresh": false}
	id := begin(t, agent, order)
	system.Config.SetKeepAlivesEnabled(false) // the server ends the idle connection, and each one after an answer
	got := finish(t, agent, id)
	if got.classes()[""] != 30 || system.connections.Load() < 2 {
		t.Fatalf("%v over %d connections", got.classes(), system.connections.Load())
	}
}

func TestScheduleIsFixedInAdvanceAndLateRequestsAreSent(t *testing.T) {
	slow := func(http.ResponseWriter, *http.Request) { time.Sleep(50 * time.Millisecond) }
	system, agent := newSystem(t, slow), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 100, "duration_seconds": 0.2, "concurrency": 2}
	got := finish(t, agent, begin(t, agent, order))
	if len(got.Rows) != 20 {
		t.Fatalf("%d rows", len(got.Rows))
	}
	for index := range got.Rows {
		if due := got.at(0, 0) + float64(index)*0.01; got.at(index, 0)-due > 2e-5 || due-got.at(index, 0) > 2e-5 {
			t.Fatalf("request %d was scheduled %.6f s off", index, got.at(index, 0)-due)
		}
	}
	// 20 requests of 50 ms over two connections take 500 ms, although they were due within 200 ms
	if late := got.at(19, 1) - got.at(19, 0); late < 0.2 {
		t.Fatalf("the last request is only %.3f s late", late)
	}
}

func TestRequestsAreNeverEarly(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	order := object{"url": system.URL, "rate_per_second": 200, "duration_seconds": 0.3, "concurrency": 16}
	got := finish(t, agent, begin(t, agent, order))
	for index, row := range got.Rows {
		if got.at(index, 1) < got.at(index, 0) {
			t.Fatalf("row %v started before it was due", row)
		}
	}
}

func TestStopEndsEarlyAndKeepsWhatWasSent(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	id := begin(t, agent, object{"url": system.URL, "rate_per_second": 100, "duration_seconds": 600, "concurrency": 4})
	for system.connections.Load() < 5 {
		time.Sleep(time.Millisecond)
	}
	if still := ask200[report](t, agent, "GET", "/runs/"+id, nil); still.Done || still.Rows != nil || still.Now == 0 {
		t.Fatalf("before the stop: %+v", still)
	}
	ask200[object](t, agent, "POST", "/runs/"+id+"/stop", nil)
	got := finish(t, agent, id)
	if len(got.Rows) < 5 || len(got.Rows) > 1000 || got.classes()[""] != len(got.Rows) {
		t.Fatalf("%d rows, %v", len(got.Rows), got.classes())
	}
	ask200[object](t, agent, "DELETE", "/runs/"+id, nil)
	if status, text := send(t, agent, "GET", "/runs/"+id, nil); status != 404 || !strings.Contains(string(text), id) {
		t.Fatalf("HTTP %d %s", status, text)
	}
}

func TestDurationWithoutRateEndsInTime(t *testing.T) {
	system, agent := newSystem(t, whoami), newAgent(t)
	got := finish(t, agent, begin(t, agent, object{"url": system.URL, "duration_seconds": 0.2, "fresh": false}))
	last := len(got.Rows) - 1
	if last < 10 || got.at(last, 1)-got.at(0, 1) > 0.2 {
		t.Fatalf("%d rows over %.3f s", last+1, got.at(last, 1)-got.at(0, 1))
	}
}

func TestRedirectIsAnAnswer(t *testing.T) {
	system, agent := newSystem(t, http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP), newAgent(t)
	got := finish(t, agent, begin(t, agent, object{"url": system.URL, "count": 1}))
	if got.at(0, 3) != 302 || system.connections.Load() != 1 {
		t.Fatalf("%v", got.Rows)
	}
}
