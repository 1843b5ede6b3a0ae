package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// callOrder is the body of POST /call.
type callOrder struct {
	Method         string            `json:"method"`
	URL            string            `json:"url"`
	Headers        map[string]string `json:"headers"`
	Body           string            `json:"body"`
	TimeoutSeconds float64           `json:"timeout_seconds"`
}

// callResult is the answer to one request: a status, or an error class.
type callResult struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Error   string            `json:"error"`
}

// direct sends as it is told: no proxy, no redirect, no kept connection, nothing unpacked.
var direct = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send makes the request; an error means that the order is wrong, failed requests are results.
func (o callOrder) send(ctx context.Context) (callResult, error) {
	if err := checkTimeout(o.TimeoutSeconds); err != nil {
		return callResult{}, err
	}
	request, err := buildRequest(o.Method, o.URL, o.Headers, o.Body)
	if err != nil {
		return callResult{}, err
	}
	if request.URL.Scheme != "http" {
		return callResult{}, fmt.Errorf("url: %q is not like http://host:port/path", o.URL)
	}
	ctx, cancel := context.WithTimeout(ctx, seconds(o.TimeoutSeconds))
	defer cancel()
	response, err := direct.Do(request.WithContext(ctx))
	if err != nil {
		return callResult{Headers: map[string]string{}, Error: classify(err)}, nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBodyBytes))
	return callResult{response.StatusCode, lowered(response.Header), text(body), classify(err)}, nil
}

func lowered(headers http.Header) map[string]string {
	lower := make(map[string]string, len(headers))
	for name, values := range headers {
		lower[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return lower
}

func text(body []byte) string { return strings.ToValidUTF8(string(body), "\uFFFD") }
