package main

import (
	"bufio"
	"bytes"
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
}

func newTarget(order runOrder) (*target, error) {
	request, err := buildRequest(order.Method, order.URL, order.Headers, order.Body)
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
		port = "80"
	}
	timeout := seconds(order.TimeoutSeconds)
	return &target{
		request:  request,
		wire:     wire.Bytes(),
		fresh:    order.Fresh,
		timeout:  timeout,
		identity: http.CanonicalHeaderKey(order.IdentityHeader),
		where:    &addresses{host: request.URL.Hostname(), port: port},
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
	target *target
	conn   net.Conn
	reader *bufio.Reader
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
	if p.conn != nil && isIdle(p.conn) {
		return nil
	}
	p.drop(false)
	address, err := p.target.where.pick()
	if err != nil {
		return err
	}
	dialer := net.Dialer{Deadline: deadline, KeepAlive: -1}
	p.conn, err = dialer.Dial("tcp", address)
	if err != nil {
		p.conn = nil
		return err
	}
	p.reader.Reset(p.conn)
	return nil
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
	result.err = err
	return result, read < maxBodyBytes && !response.Close
}

// drop ends the connection, if there is one.
func (p *prober) drop(complete bool) {
	if p.conn == nil {
		return
	}
	if tcp, ok := p.conn.(*net.TCPConn); ok && complete {
		// everything was read: reset instead of TIME_WAIT, which would use up the local ports at a high rate
		_ = tcp.SetLinger(0)
	}
	_ = p.conn.Close()
	p.conn = nil
}

// isIdle tells whether a kept connection can take a request; false after the peer closed it in the meantime, which
// any client with a pool notices and does not report as an error.
func isIdle(conn net.Conn) bool {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	idle := false
	err = raw.Control(func(descriptor uintptr) {
		_, _, failed := syscall.Recvfrom(int(descriptor), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		idle = failed == syscall.EAGAIN
	})
	return err == nil && idle
}
