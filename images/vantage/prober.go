package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// target is what every request of a run has in common.
type target struct {
	request  *http.Request
	wire     []byte // the request as it is sent
	fresh    bool
	timeout  time.Duration
	identity string
	where    *addresses
	security *tls.Config // nil for plain connections
}

func newTarget(order runOrder, way way) (*target, error) {
	request, err := way.request(order.Method, order.Body)
	if err != nil {
		return nil, err
	}
	security, err := way.security(request.URL)
	if err != nil {
		return nil, err
	}
	request.Close = order.Fresh
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return nil, err
	}
	port := request.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[request.URL.Scheme]
	}
	timeout := seconds(order.TimeoutSeconds)
	return &target{
		request:  request,
		wire:     wire.Bytes(),
		fresh:    order.Fresh,
		timeout:  timeout,
		identity: http.CanonicalHeaderKey(order.IdentityHeader),
		where:    &addresses{host: request.URL.Hostname(), port: port},
		security: security,
	}, nil
}

// outcome is what one request came to.
type outcome struct {
	status   int
	servedBy string
	err      error
}

// prober sends one request after another; it owns at most one connection.
type prober struct {
	target   *target
	conn     net.Conn
	reader   *bufio.Reader
	answered bool // the connection has carried an answer
}

func newProber(target *target) *prober {
	return &prober{target: target, reader: bufio.NewReader(nil)}
}

// probe sends one request and reads its whole answer. There is no second try.
func (p *prober) probe(start time.Time) outcome {
	deadline := start.Add(p.target.timeout)
	if err := p.connect(deadline); err != nil {
		return outcome{err: err}
	}
	result, reusable := p.exchange(deadline)
	if result.err != nil || !reusable || p.target.fresh {
		p.drop(result.err == nil)
	}
	return result
}

func (p *prober) connect(deadline time.Time) error {
	if p.conn != nil && p.isIdle() {
		return nil
	}
	p.drop(false)
	address, err := p.target.where.pick()
	if err != nil {
		return err
	}
	conn, err := p.target.dial(&net.Dialer{Deadline: deadline, KeepAlive: -1}, address)
	if err != nil {
		return err
	}
	p.conn, p.answered = conn, false
	p.reader.Reset(p.conn)
	return nil
}

// dial opens a connection, and secures it where the target asks for that.
func (t *target) dial(dialer *net.Dialer, address string) (net.Conn, error) {
	if t.security == nil {
		return dialer.Dial("tcp", address)
	}
	secured, err := tls.DialWithDialer(dialer, "tcp", address, t.security)
	if err != nil {
		return nil, err // and no connection: not a nil one of the type for TLS
	}
	return secured, nil
}

func (p *prober) exchange(deadline time.Time) (result outcome, reusable bool) {
	if result.err = p.conn.SetDeadline(deadline); result.err != nil {
		return result, false
	}
	// a peer may answer and close before it has read everything: its answer counts more than the failed write
	_, failed := p.conn.Write(p.target.wire)
	response, err := http.ReadResponse(p.reader, p.target.request)
	if err != nil {
		if failed != nil {
			err = failed
		}
		return outcome{err: err}, false
	}
	defer response.Body.Close()
	result = outcome{status: response.StatusCode, servedBy: response.Header.Get(p.target.identity)}
	read, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxBodyBytes))
	result.err, p.answered = err, true
	return result, read < maxBodyBytes && !response.Close
}

// drop ends the connection, if there is one.
func (p *prober) drop(complete bool) {
	if p.conn == nil {
		return
	}
	if tcp, ok := underlying(p.conn).(*net.TCPConn); ok && complete {
		// everything was read: reset instead of TIME_WAIT, which would use up the local ports at a high rate
		_ = tcp.SetLinger(0)
	}
	_ = p.conn.Close()
	p.conn = nil
}

// underlying returns what carries a connection that may be secured.
func underlying(conn net.Conn) net.Conn {
	if secured, ok := conn.(*tls.Conn); ok {
		return secured.NetConn()
	}
	return conn
}

// isIdle tells whether the kept connection can take a request; false after the peer closed it in the meantime, which
// any client with a pool notices and does not report as an error.
func (p *prober) isIdle() bool {
	raw, err := underlying(p.conn).(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	// a server that speaks TLS 1.3 sends session tickets after the greeting; they are read with the first answer
	mayHoldTickets := p.target.security != nil && !p.answered
	idle := false
	err = raw.Control(func(descriptor uintptr) {
		waiting, _, failed := syscall.Recvfrom(int(descriptor), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		idle = failed == syscall.EAGAIN || (mayHoldTickets && failed == nil && waiting > 0)
	})
	return err == nil && idle
}
