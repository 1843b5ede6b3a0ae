package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Error classes, as the trial knows them.
const (
	refused     = "refused"
	timedOut    = "timeout"
	reset       = "reset"
	noName      = "dns"
	unreachable = "unreachable"
	insecure    = "tls"
	other       = "other"
)

var classes = []struct {
	name   string
	causes []error
}{
	{refused, []error{syscall.ECONNREFUSED}},
	{timedOut, []error{os.ErrDeadlineExceeded, syscall.ETIMEDOUT}},
	{reset, []error{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, io.EOF, io.ErrUnexpectedEOF}},
	{unreachable, []error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN}},
}

// classify names the class of an error; empty for none.
func classify(err error) string {
	if err == nil {
		return ""
	}
	var name *net.DNSError
	if errors.As(err, &name) {
		return noName
	}
	for _, class := range classes {
		for _, cause := range class.causes {
			if errors.Is(err, cause) {
				return class.name
			}
		}
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return timedOut
	}
	if isInsecure(err) {
		return insecure
	}
	return other
}

// isInsecure tells errors of the greeting: the server is not who it should be, speaks no TLS, or refuses to.
func isInsecure(err error) bool {
	var unproven *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	if errors.As(err, &unproven) || errors.As(err, &noTLS) {
		return true
	}
	var alert *net.OpError // how a refusal by the other side is told
	return errors.As(err, &alert) && alert.Op == "remote error"
}

// isOurs tells errors that say something about this agent, and nothing about the system that it asks.
func isOurs(err error) bool {
	for _, cause := range []error{syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
