package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// system is a stand-in for a service: it counts the connections that it accepts.
type system struct {
	*httptest.Server
	connections atomic.Int64
}

func newSystem(t *testing.T, handler http.HandlerFunc) *system {
	t.Helper()
	s := unstarted(t, handler)
	s.Start()
	return s
}

// newSecureSystem speaks TLS; its certificate is for example.com and for the loopback address.
func newSecureSystem(t *testing.T, handler http.HandlerFunc) *system {
	t.Helper()
	s := unstarted(t, handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	return s
}

func unstarted(t *testing.T, handler http.HandlerFunc) *system {
	s := &system{Server: httptest.NewUnstartedServer(handler)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	t.Cleanup(s.Close)
	return s
}

func (s *system) authority() string {
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	return string(pem.EncodeToMemory(block))
}

func whoami(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Served-By", "auth-1")
	_, _ = io.WriteString(w, "hello")
}

func newAgent(t *testing.T) *httptest.Server {
	t.Helper()
	state := &agent{runs: newRuns(), resolvConf: "/etc/resolv.conf", place: place{Node: "node-a"}}
	server := httptest.NewServer(state.routes())
	t.Cleanup(func() { state.runs.stopAll(); server.Close() })
	return server
}

// ask sends one request to the agent and decodes its answer.
func ask200[T any](t *testing.T, agent *httptest.Server, method, path string, body any) T {
	t.Helper()
	var decoded T
	status, text := send(t, agent, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: HTTP %d %s", method, path, status, text)
	}
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return decoded
}

func send(t *testing.T, agent *httptest.Server, method, path string, body any) (int, []byte) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, agent.URL+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request) // accepts gzip and unpacks it
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, text
}

type object map[string]any

type report struct {
	Done     bool
	Now      float64
	Error    string
	Replicas []string
	Rows     [][6]any
}

func (r report) at(row, column int) float64 { return r.Rows[row][column].(float64) }

func (r report) classes() map[string]int {
	counted := map[string]int{}
	for _, row := range r.Rows {
		counted[row[5].(string)]++
	}
	return counted
}

func begin(t *testing.T, agent *httptest.Server, order object) string {
	t.Helper()
	return ask200[map[string]string](t, agent, "POST", "/runs", order)["id"]
}

func finish(t *testing.T, agent *httptest.Server, id string) report {
	t.Helper()
	done := ask200[report](t, agent, "GET", "/runs/"+id+"?wait_seconds=25", nil)
	if !done.Done {
		t.Fatal("the run does not end")
	}
	return done
}
