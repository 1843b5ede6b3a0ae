package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const delay = 0.2

func openRelay(t *testing.T, agent, to string, seconds float64) string {
	t.Helper()
	body := fmt.Sprintf(`{"to": %q, "delay_seconds": %g, "duration_seconds": 20}`, to, seconds)
	answer, err := http.Post(agent+"/relays", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var port int
	if _, err := fmt.Sscanf(string(text), `{"port":%d}`, &port); err != nil {
		t.Fatalf("HTTP %d: %s", answer.StatusCode, text)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func TestWhatIsSaidThroughARelayArrivesLater(t *testing.T) {
	system := newSystem(t, whoami)
	way := openRelay(t, newAgent(t).URL, system.Listener.Addr().String(), delay)
	began := time.Now()
	answer, err := http.Get("http://" + way)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", answer, err)
	}
	answer.Body.Close()
	if took := time.Since(began).Seconds(); took < delay || took > 5*delay {
		t.Errorf("the answer took %.3f s", took)
	}
}

func TestARelayIsSlowAndNotNarrow(t *testing.T) {
	said := bytes.Repeat([]byte("a request that is long "), 100_000)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	heard := make(chan []byte)
	go func() {
		conn, _ := listener.Accept()
		all, _ := io.ReadAll(conn) // ends because the caller's end is handed on, too
		conn.Close()
		heard <- all
	}()
	conn, err := net.Dial("tcp", openRelay(t, newAgent(t).URL, listener.Addr().String(), delay))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, _ = conn.Write(said)
	_ = conn.(*net.TCPConn).CloseWrite()
	if !bytes.Equal(<-heard, said) {
		t.Error("something else was heard")
	}
	if took := time.Since(began).Seconds(); took > 10*delay {
		t.Errorf("%d bytes took %.1f s", len(said), took)
	}
}

func TestAClosedRelayTakesNobody(t *testing.T) {
	agent := newAgent(t)
	way := openRelay(t, agent.URL, "127.0.0.1:9", 0)
	type closed struct {
		Closed []int `json:"closed"`
	}
	if found := ask200[closed](t, agent, "POST", "/relays/close", struct{}{}); len(found.Closed) != 1 {
		t.Errorf("closed: %v", found.Closed)
	}
	if found := ask200[closed](t, agent, "POST", "/relays/close", struct{}{}); len(found.Closed) != 0 {
		t.Errorf("closed again: %v", found.Closed)
	}
	if conn, err := net.Dial("tcp", way); err == nil {
		conn.Close()
		t.Error("it still takes connections")
	}
}

func TestARelayEndsByItself(t *testing.T) {
	made, err := newRelay(relayOrder{To: "127.0.0.1:9", DurationSeconds: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { made.serve(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}

func TestARelayOrderThatIsWrongIsTold(t *testing.T) {
	agent := newAgent(t)
	for body, told := range map[string]string{
		`{"to": "leads:80", "duration_seconds": 1}`:                           `to: \"leads:80\" is not like 10.0.0.1:80`,
		`{"to": "10.0.0.1:80", "duration_seconds": 0}`:                        `duration_seconds: 0 is outside 0.001 to 900`,
		`{"to": "10.0.0.1:80", "duration_seconds": 1, "delay_seconds": 60}`:   `delay_seconds: 60 is outside 0 to 30`,
		`{"to": "10.0.0.1:80", "duration_seconds": 1, "delay_seconds": true}`: `body of /relays: json: cannot unmarshal`,
	} {
		answer, err := http.Post(agent.URL+"/relays", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), told) {
			t.Errorf("%s: HTTP %d %s", body, answer.StatusCode, text)
		}
	}
}

func TestRelaysAreFew(t *testing.T) {
	kept := &relays{}
	defer kept.closeAll()
	for range maxRelays {
		if _, err := kept.start(relayOrder{To: "127.0.0.1:9", DurationSeconds: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kept.start(relayOrder{To: "127.0.0.1:9", DurationSeconds: 1}); err == nil {
		t.Error("one more was opened")
	}
	kept.open[0].ends = time.Now().Add(-time.Second)
	if _, err := kept.start(relayOrder{To: "127.0.0.1:9", DurationSeconds: 1}); err != nil {
		t.Errorf("one that has ended still counts: %v", err)
	}
}
