package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

const zone = `
auth.shop.svc.cluster.local. 30 IN A 10.96.0.7
_http._tcp.auth.shop.svc.cluster.local. 30 IN SRV 0 100 80 auth.shop.svc.cluster.local.
alias.shop.svc.cluster.local. 5 IN CNAME auth.shop.svc.cluster.local.
www.example.org. 60 IN A 192.0.2.1
`

// diary is what a name server was asked.
type diary struct {
	lock  sync.Mutex
	names []string
}

func (l *diary) add(name string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.names = append(l.names, name)
}

// take returns what was asked since it was last called.
func (l *diary) take() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	taken := strings.Join(l.names, " ")
	l.names = nil
	return taken
}

// nameServer serves the zone and writes down what it is asked.
func nameServer(t *testing.T, asked *diary) *dns.ClientConfig {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		asked.add(query.Question[0].Name)
		_ = w.WriteMsg(reply(query))
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	text := "nameserver 127.0.0.1\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5 timeout:1 attempts:1\n"
	config, err := dns.ClientConfigFromReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	config.Port = port
	return config
}

func reply(query *dns.Msg) *dns.Msg {
	answer, name := new(dns.Msg).SetReply(query), query.Question[0].Name
	answer.Rcode = dns.RcodeNameError
	if strings.HasPrefix(name, "broken.") {
		answer.Rcode = dns.RcodeServerFailure
	}
	parser := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		if rr.Header().Name != name {
			continue
		}
		answer.Rcode = dns.RcodeSuccess
		if kind := rr.Header().Rrtype; kind == query.Question[0].Qtype || kind == dns.TypeCNAME {
			answer.Answer = append(answer.Answer, rr)
		}
		if alias, ok := rr.(*dns.CNAME); ok && query.Question[0].Qtype == dns.TypeA {
			address, _ := dns.NewRR(alias.Target + " 30 IN A 10.96.0.7")
			answer.Answer = append(answer.Answer, address)
		}
	}
	return answer
}

func TestSearchAsALibcDoes(t *testing.T) {
	var asked diary
	config := nameServer(t, &asked)
	for _, one := range []struct{ name, kind, want, tried string }{
		{"auth", "A", "auth.shop.svc.cluster.local NOERROR [{auth.shop.svc.cluster.local A 30 10.96.0.7 0}]", "auth.shop.svc.cluster.local."},
		{"auth.shop", "A", "auth.shop.svc.cluster.local NOERROR [{auth.shop.svc.cluster.local A 30 10.96.0.7 0}]",
			"auth.shop.shop.svc.cluster.local. auth.shop.svc.cluster.local."},
		{"auth.shop.svc.cluster.local.", "A", "auth.shop.svc.cluster.local NOERROR [{auth.shop.svc.cluster.local A 30 10.96.0.7 0}]",
			"auth.shop.svc.cluster.local."},
		{"www.example.org", "A", "www.example.org NOERROR [{www.example.org A 60 192.0.2.1 0}]",
			"www.example.org.shop.svc.cluster.local. www.example.org.svc.cluster.local. www.example.org."},
		{"auth.", "A", "auth NXDOMAIN []", "auth."},
		{"auth", "AAAA", "auth.shop.svc.cluster.local NOERROR []", "auth.shop.svc.cluster.local. auth.svc.cluster.local. auth."},
		{"none", "A", "none NXDOMAIN []", "none.shop.svc.cluster.local. none.svc.cluster.local. none."},
		{"broken.", "A", "broken SERVFAIL []", "broken."},
		{"_http._tcp.auth", "SRV", "_http._tcp.auth.shop.svc.cluster.local NOERROR " +
			"[{_http._tcp.auth.shop.svc.cluster.local SRV 30 auth.shop.svc.cluster.local 80}]", "_http._tcp.auth.shop.svc.cluster.local."},
		{"alias", "A", "alias.shop.svc.cluster.local NOERROR [{alias.shop.svc.cluster.local CNAME 5 auth.shop.svc.cluster.local 0} " +
			"{auth.shop.svc.cluster.local A 30 10.96.0.7 0}]", "alias.shop.svc.cluster.local."},
	} {
		found := search(context.Background(), config, one.name, types[one.kind])
		if got := fmt.Sprint(found.Resolved, " ", found.Rcode, " ", found.Records); got != one.want {
			t.Errorf("%s %s:\n %s\nnot\n %s", one.name, one.kind, got, one.want)
		}
		if got := asked.take(); got != one.tried {
			t.Errorf("%s %s: tried %s, not %s", one.name, one.kind, got, one.tried)
		}
	}
}

func TestSilentServerIsATimeoutWithinTheBound(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	config := &dns.ClientConfig{Servers: []string{"127.0.0.1"}, Port: port, Timeout: 1, Attempts: 2}
	ctx, cancel := context.WithTimeout(context.Background(), seconds(0.1))
	defer cancel()
	if found := search(ctx, config, "auth.", dns.TypeA); found.Rcode != timeoutRcode {
		t.Fatal(found.Rcode)
	}
}

func TestQuestionsThatCannotBeAskedAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, order := range map[string]question{
		`type: "MX" is not one of`:       {"auth", "MX", 1},
		`name: "a..b" is not a DNS name`: {"a..b", "A", 1},
		"timeout_seconds: 31 is outside": {"auth", "A", 31},
	} {
		if _, err := resolve(context.Background(), file, order); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v instead of %s", err, text)
		}
	}
}
