package main

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// serveDNS answers on UDP and TCP of one port of an address until the test ends.
func serveDNS(t *testing.T, address string, handle dns.HandlerFunc) (port string) {
	t.Helper()
	stream, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", stream.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{Listener: stream, Handler: handle}, {PacketConn: packets, Handler: handle}} {
		go func() { _ = server.ActivateAndServe() }()
	}
	t.Cleanup(func() { _ = stream.Close(); _ = packets.Close() })
	_, port, _ = net.SplitHostPort(stream.Addr().String())
	return port
}

// A headless Service of many replicas does not fit into 512 bytes.
func TestAnswerThatDoesNotFitIsAskedForOverTCP(t *testing.T) {
	port := serveDNS(t, "127.0.0.1:0", func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		for number := range 100 {
			address, _ := dns.NewRR(fmt.Sprintf("%s 30 IN A 10.0.0.%d", query.Question[0].Name, number))
			answer.Answer = append(answer.Answer, address)
		}
		if w.RemoteAddr().Network() == "udp" {
			answer.Truncate(dns.MinMsgSize)
		}
		_ = w.WriteMsg(answer)
	})
	config := &dns.ClientConfig{Servers: []string{"127.0.0.1"}, Port: port, Timeout: 1, Attempts: 1}
	if found := search(context.Background(), config, "headless.", dns.TypeA); len(found.Records) != 100 {
		t.Fatalf("%s with %d records", found.Rcode, len(found.Records))
	}
}

func TestNextServerIsAskedAfterAFailure(t *testing.T) {
	failing := func(w dns.ResponseWriter, query *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(query, dns.RcodeServerFailure))
	}
	good := func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		address, _ := dns.NewRR(query.Question[0].Name + " 30 IN A 10.96.0.7")
		answer.Answer = append(answer.Answer, address)
		_ = w.WriteMsg(answer)
	}
	port := serveDNS(t, "127.0.0.1:0", failing)
	serveDNS(t, "127.0.0.2:"+port, good)
	config := &dns.ClientConfig{Servers: []string{"127.0.0.1", "127.0.0.2"}, Port: port, Timeout: 1, Attempts: 1}
	if found := search(context.Background(), config, "auth.", dns.TypeA); len(found.Records) != 1 {
		t.Fatalf("%s without records", found.Rcode)
	}
}

func TestNoServerAtAllIsNotAnAnswer(t *testing.T) {
	_, port, _ := net.SplitHostPort(freePort(t))
	config := &dns.ClientConfig{Servers: []string{"127.0.0.1"}, Port: port, Timeout: 1, Attempts: 1}
	if found := search(context.Background(), config, "auth.", dns.TypeA); found.Rcode != unreachableRcode {
		t.Fatal(found.Rcode)
	}
}
