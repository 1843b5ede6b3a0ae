package main

import (
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
	return other
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
