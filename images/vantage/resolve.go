package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// question is the body of POST /resolve.
type question struct {
	Name           string  `json:"name"`
	Type           string  `json:"type"`
	TimeoutSeconds float64 `json:"timeout_seconds"`
}

// resolution is what the resolver said.
type resolution struct {
	Resolved string   `json:"resolved"`
	Rcode    string   `json:"rcode"`
	Records  []record `json:"records"`
	Seconds  float64  `json:"seconds"`
}

type record struct {
	Name string `json:"name"`
	Type string `json:"type"`
	TTL  uint32 `json:"ttl_seconds"`
	Data string `json:"data"`
	Port uint16 `json:"port"`
}

var types = map[string]uint16{"A": dns.TypeA, "AAAA": dns.TypeAAAA, "SRV": dns.TypeSRV, "CNAME": dns.TypeCNAME}

// resolve asks as a libc does: names of the search list in turn, until one has records of the type.
func resolve(ctx context.Context, resolvConf string, order question) (resolution, error) {
	kind, known := types[order.Type]
	if !known {
		return resolution{}, fmt.Errorf("type: %q is not one of A, AAAA, SRV, CNAME", order.Type)
	}
	if _, valid := dns.IsDomainName(order.Name); !valid || order.Name == "" {
		return resolution{}, fmt.Errorf("name: %q is not a DNS name", order.Name)
	}
	if err := checkTimeout(order.TimeoutSeconds); err != nil {
		return resolution{}, err
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return resolution{}, fmt.Errorf("resolver configuration: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, seconds(order.TimeoutSeconds))
	defer cancel()
	start := time.Now()
	found := search(ctx, config, order.Name, kind)
	found.Seconds = time.Since(start).Seconds()
	return found, nil
}

// search follows the search list. Where no name has records, the best reason is told: a name that exists without such
// records (NOERROR) before a server's failure, and that before NXDOMAIN of the name that was tried last.
func search(ctx context.Context, config *dns.ClientConfig, name string, kind uint16) resolution {
	var best resolution
	for _, candidate := range config.NameList(name) {
		found := ask(ctx, config, candidate, kind)
		if len(found.Records) > 0 || !asked(found.Rcode) {
			return found
		}
		if rank(found.Rcode) >= rank(best.Rcode) {
			best = found
		}
	}
	return best
}

// asked is false when no server answered: the search list is not followed further then.
func asked(rcode string) bool { return rcode != timeoutRcode && rcode != unreachableRcode }

func rank(rcode string) int {
	switch rcode {
	case "":
		return 0
	case dns.RcodeToString[dns.RcodeNameError]:
		return 1
	case dns.RcodeToString[dns.RcodeSuccess]:
		return 3
	}
	return 2
}

// ask puts one question and reads its answer; records of no use to the question's type make it an empty answer.
func ask(ctx context.Context, config *dns.ClientConfig, name string, kind uint16) resolution {
	message, failure := exchange(ctx, config, new(dns.Msg).SetQuestion(dns.Fqdn(name), kind))
	found := resolution{Resolved: plainName(name), Rcode: failure, Records: []record{}}
	if message == nil {
		return found
	}
	found.Rcode = dns.RcodeToString[message.Rcode]
	for _, one := range message.Answer {
		if one.Header().Rrtype == kind {
			found.Records = records(message.Answer)
			break
		}
	}
	return found
}

func records(answer []dns.RR) []record {
	made := []record{}
	for _, one := range answer {
		if data, port, ok := content(one); ok {
			head := one.Header()
			made = append(made, record{plainName(head.Name), dns.TypeToString[head.Rrtype], head.Ttl, data, port})
		}
	}
	return made
}

func content(one dns.RR) (data string, port uint16, ok bool) {
	switch rr := one.(type) {
	case *dns.A:
		return rr.A.String(), 0, true
	case *dns.AAAA:
		return rr.AAAA.String(), 0, true
	case *dns.CNAME:
		return plainName(rr.Target), 0, true
	case *dns.SRV:
		return plainName(rr.Target), rr.Port, true
	}
	return "", 0, false
}

func plainName(name string) string { return strings.TrimSuffix(name, ".") }
