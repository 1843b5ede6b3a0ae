package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// way is where requests go, and what they carry there.
type way struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	// ServerName is who is asked, whatever the address: for TLS, and as Host; the host of the URL when it is left out.
	ServerName string `json:"server_name"`
	// Authority is whom the server must be certified by, in PEM; when it is left out, whoever this machine trusts.
	Authority string `json:"authority"`
}

func (w way) request(method, body string) (*http.Request, error) {
	request, err := buildRequest(method, w.URL, w.Headers, body)
	if err != nil || w.ServerName == "" {
		return request, err
	}
	// by the parser of addresses, so that what is no host cannot become a part of the request
	if named, err := url.Parse("//" + w.ServerName); err != nil || named.Host != w.ServerName || named.Port() != "" {
		return nil, errors.New("server_name: is not like example.test")
	}
	request.Host = w.ServerName
	return request, nil
}

// security returns how a connection is secured, nil for a plain one.
func (w way) security(address *url.URL) (*tls.Config, error) {
	if address.Scheme != "https" {
		return nil, nil
	}
	name := w.ServerName
	if name == "" {
		name = strings.TrimSuffix(address.Hostname(), ".")
	}
	config := &tls.Config{ServerName: name, NextProtos: []string{"http/1.1"}}
	if w.Authority != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(w.Authority)) {
			return nil, errors.New("authority: holds no certificate in PEM")
		}
	}
	return config, nil
}
