package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

func secured(system *system, more object) object {
	order := object{"url": system.URL, "authority": system.authority(), "count": 20, "fresh": false}
	for name, value := range more {
		order[name] = value
	}
	return order
}

func TestKeptConnectionsAreSecured(t *testing.T) {
	system, agent := newSecureSystem(t, whoami), newAgent(t)
	got := finish(t, agent, begin(t, agent, secured(system, object{"identity_header": "X-Served-By"})))
	if got.classes()[""] != 20 || system.connections.Load() != 1 || got.Replicas[1] != "auth-1" {
		t.Fatalf("%v over %d connections, %v", got.classes(), system.connections.Load(), got.Replicas)
	}
}

func TestFreshConnectionsAreSecured(t *testing.T) {
	system, agent := newSecureSystem(t, whoami), newAgent(t)
	got := finish(t, agent, begin(t, agent, secured(system, object{"fresh": true})))
	if got.classes()[""] != 20 || system.connections.Load() != 20 {
		t.Fatalf("%v over %d connections", got.classes(), system.connections.Load())
	}
}

func TestSecuredConnectionsThatWereOpenedBeforeAreUsed(t *testing.T) {
	system, agent := newSecureSystem(t, whoami), newAgent(t)
	// as many at the same time as there are connections: whatever the speed of this machine, no other one may be opened
	more := object{"rate_per_second": 200, "concurrency": 4, "connections": 4}
	got := finish(t, agent, begin(t, agent, secured(system, more)))
	if got.classes()[""] != 20 || system.connections.Load() != 4 {
		t.Fatalf("%v over %d connections", got.classes(), system.connections.Load())
	}
}

func TestSecuredConnectionThatThePeerClosesIsOpenedAgain(t *testing.T) {
	system, agent := newSecureSystem(t, whoami), newAgent(t)
	id := begin(t, agent, secured(system, object{"rate_per_second": 50, "count": 30}))
	system.Config.SetKeepAlivesEnabled(false)
	got := finish(t, agent, id)
	if got.classes()[""] != 30 || system.connections.Load() < 2 {
		t.Fatalf("%v over %d connections", got.classes(), system.connections.Load())
	}
}

func TestServerIsNamedWhateverItsAddress(t *testing.T) {
	system := newSecureSystem(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Served-By", r.Host+" "+r.TLS.ServerName+" "+r.Proto)
	})
	agent := newAgent(t)
	more := object{"server_name": "example.com", "identity_header": "X-Served-By"}
	got := finish(t, agent, begin(t, agent, secured(system, more)))
	if len(got.Replicas) != 2 || got.Replicas[1] != "example.com example.com HTTP/1.1" {
		t.Fatalf("%v %v", got.Replicas, got.classes())
	}
}

func TestServerThatDoesNotProveItsNameIsNotAsked(t *testing.T) {
	asked := false
	system := newSecureSystem(t, func(http.ResponseWriter, *http.Request) { asked = true })
	plain := newSystem(t, whoami)
	agent := newAgent(t)
	for name, order := range map[string]object{
		"another name":      secured(system, object{"server_name": "elsewhere.test"}),
		"another authority": {"url": system.URL, "count": 20},
		"no TLS":            {"url": strings.Replace(plain.URL, "http:", "https:", 1), "count": 20},
	} {
		if got := finish(t, agent, begin(t, agent, order)); got.classes()[insecure] != 20 {
			t.Errorf("%s: %v", name, got.classes())
		}
	}
	if asked {
		t.Error("a request was sent all the same")
	}
}

func TestServerThatRefusesTheGreetingIsTold(t *testing.T) {
	// a fatal alert: handshake_failure
	address := listener(t, func(conn net.Conn) {
		request(conn)
		_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 40})
		_ = conn.Close()
	})
	agent := newAgent(t)
	order := object{"url": strings.Replace(address, "http:", "https:", 1), "count": 2}
	if got := finish(t, agent, begin(t, agent, order)); got.classes()[insecure] != 2 {
		t.Fatalf("%v", got.classes())
	}
}

func TestGreetingThatDoesNotEndIsATimeout(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	address := listener(t, func(conn net.Conn) { <-hang; _ = conn.Close() })
	agent := newAgent(t)
	order := object{"url": strings.Replace(address, "http:", "https:", 1), "count": 2, "timeout_seconds": 0.2}
	if got := finish(t, agent, begin(t, agent, order)); got.classes()[timedOut] != 2 {
		t.Fatalf("%v", got.classes())
	}
}
