package main

import (
	"context"
	"net"
	"time"

	"github.com/miekg/dns"
)

// Codes that stand where no server gave one.
const (
	timeoutRcode     = "TIMEOUT"
	unreachableRcode = "UNREACHABLE"
)

// exchange asks the servers in turn, as often as the configuration says; without an answer it returns a code.
func exchange(ctx context.Context, config *dns.ClientConfig, query *dns.Msg) (*dns.Msg, string) {
	failure, last := unreachableRcode, (*dns.Msg)(nil)
	for range max(1, config.Attempts) {
		for _, server := range config.Servers {
			message, err := askServer(ctx, config, net.JoinHostPort(server, config.Port), query)
			switch {
			case ctx.Err() != nil:
				return nil, timeoutRcode
			case err != nil && classify(err) == timedOut:
				failure = timeoutRcode
			case err == nil && !passes(message.Rcode):
				return message, ""
			case err == nil:
				last = message
			}
		}
	}
	return last, failure
}

// passes tells the codes after which a libc asks the next server.
func passes(rcode int) bool {
	return rcode == dns.RcodeServerFailure || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeRefused
}

// askServer asks over UDP, and over TCP when the answer does not fit.
func askServer(ctx context.Context, config *dns.ClientConfig, server string, query *dns.Msg) (*dns.Msg, error) {
	patience := time.Duration(max(1, config.Timeout)) * time.Second
	message, _, err := (&dns.Client{Timeout: patience}).ExchangeContext(ctx, query, server)
	if err == nil && message.Truncated {
		message, _, err = (&dns.Client{Net: "tcp", Timeout: patience}).ExchangeContext(ctx, query, server)
	}
	return message, err
}
