package main

import "testing"

// A name that ends with a dot is absolute for the resolver; the server must not see the dot.
func TestAbsoluteNameIsPlainInTheHostHeader(t *testing.T) {
	for given, wanted := range map[string]string{
		"http://leads.shop.svc.cluster.local.:80/whoami": "leads.shop.svc.cluster.local:80",
		"http://leads.shop./whoami":                      "leads.shop",
		"http://leads:8080/":                             "leads:8080",
		"http://127.0.0.1:8080/":                         "127.0.0.1:8080",
	} {
		request, err := buildRequest("GET", given, nil, "")
		if err != nil || request.Host != wanted {
			t.Errorf("%s: Host %q, %v; wanted %q", given, request.Host, err, wanted)
		}
	}
}
