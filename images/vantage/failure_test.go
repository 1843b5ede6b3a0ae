package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// listener accepts connections and does with each of them what it is told.
func listener(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.Close() })
	go func() {
		for {
			conn, err := open.Accept()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
	return "http://" + open.Addr().String()
}

func request(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) }

func TestErrorClasses(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	cases := []struct{ url, class string }{
		{"http://" + freePort(t), refused},
		{listener(t, func(conn net.Conn) { <-hang; _ = conn.Close() }), timedOut},
		{listener(t, func(conn net.Conn) { request(conn); _ = conn.Close() }), reset},
		{listener(t, func(conn net.Conn) { request(conn); _ = conn.(*net.TCPConn).SetLinger(0); _ = conn.Close() }), reset},
		{listener(t, func(conn net.Conn) {
			request(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
			_ = conn.Close()
		}), reset},
		{listener(t, func(conn net.Conn) { request(conn); _, _ = io.WriteString(conn, "nonsense\r\n\r\n"); _ = conn.Close() }), other},
		{"http://no-such-host.invalid", noName},
	}
	agent := newAgent(t)
	for _, one := range cases {
		order := object{"url": one.url, "count": 2, "timeout_seconds": 0.2}
		got := finish(t, agent, begin(t, agent, order))
		if got.classes()[one.class] != 2 {
			t.Errorf("%s: %v instead of %s", one.url, got.classes(), one.class)
		}
	}
}

func freePort(t *testing.T) string {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	return open.Addr().String()
}

func TestClassesOfTheSystemsErrors(t *testing.T) {
	for cause, class := range map[error]string{
		nil:                  "",
		syscall.EHOSTUNREACH: unreachable,
		syscall.ENETUNREACH:  unreachable,
		syscall.EPIPE:        reset,
		syscall.ETIMEDOUT:    timedOut,
		syscall.EINVAL:       other,
	} {
		err := cause
		if cause != nil {
			err = &net.OpError{Op: "dial", Err: fmt.Errorf("connect: %w", cause)}
		}
		if got := classify(err); got != class {
			t.Errorf("%v: %q instead of %q", cause, got, class)
		}
	}
}

func TestExhaustionOfTheAgentIsNotBlamedOnTheSystem(t *testing.T) {
	if !isOurs(&net.OpError{Op: "dial", Err: syscall.EADDRNOTAVAIL}) || isOurs(syscall.ECONNREFUSED) {
		t.Fatal("wrong side")
	}
}

func TestTimeoutIsKept(t *testing.T) {
	slow := newSystem(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	agent := newAgent(t)
	got := finish(t, agent, begin(t, agent, object{"url": slow.URL, "count": 1, "timeout_seconds": 0.1}))
	took := got.at(0, 2) - got.at(0, 1)
	if got.classes()[timedOut] != 1 || took < 0.1 || took > time.Second.Seconds() {
		t.Fatalf("%v after %.3f s", got.classes(), took)
	}
}
