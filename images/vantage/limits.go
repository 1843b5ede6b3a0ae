package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Bounds of what one agent does for anybody; they keep it inside its memory and from being a weapon.
const (
	maxCount           = 200_000
	maxDurationSeconds = 900
	maxRatePerSecond   = 5000
	maxConcurrency     = 512
	maxTimeoutSeconds  = 30
	maxRuns            = 32
	maxRelays          = 8
	maxWaitSeconds     = 25
	maxOrderBytes      = 1 << 20
	maxBodyBytes       = 1 << 20
	// maxRows bounds the rows of all kept runs together: at 32 bytes each, 32 MB.
	maxRows = 1_000_000
	// maxReplicas bounds the distinct values of the identity header in one run.
	maxReplicas = 4096
	// maxIdentityBytes is the longest name that a pod can have.
	maxIdentityBytes = 253
)

// runOrder is the body of POST /runs.
type runOrder struct {
	way
	Method          string  `json:"method"`
	Body            string  `json:"body"`
	Count           int     `json:"count"`
	DurationSeconds float64 `json:"duration_seconds"`
	RatePerSecond   float64 `json:"rate_per_second"`
	Concurrency     int     `json:"concurrency"`
	Fresh           bool    `json:"fresh"`
	TimeoutSeconds  float64 `json:"timeout_seconds"`
	IdentityHeader  string  `json:"identity_header"`

	// Connections is how many kept connections are opened before the first request is due.
	Connections int `json:"connections"`
	// Other is a second way, for a comparison; each digit of Turns says whether the next TurnRequests requests take the
	// first way (0) or the other one (1).
	Other        *way   `json:"other"`
	Turns        string `json:"turns"`
	TurnRequests int    `json:"turn_requests"`
}

// ways returns the ways of a run: one, or two that are compared.
func (o runOrder) ways() []way {
	if o.Other == nil {
		return []way{o.way}
	}
	return []way{o.way, *o.Other}
}

// steady tells a run that sends at a rate over kept connections: it has a pool of them.
func (o runOrder) steady() bool { return o.RatePerSecond > 0 && !o.Fresh }

// rows returns how many requests the order can lead to: exactly, or at most when no rate bounds a duration.
func (o runOrder) rows() int {
	switch {
	case o.Count > 0:
		return o.Count
	case o.RatePerSecond > 0:
		return int(math.Ceil(o.RatePerSecond * o.DurationSeconds))
	}
	return maxCount
}

func (o runOrder) check() error {
	if (o.Count > 0) == (o.DurationSeconds > 0) {
		return errors.New("give either count or duration_seconds, greater than 0")
	}
	return first(
		within("count", float64(o.Count), 0, maxCount),
		within("duration_seconds", o.DurationSeconds, 0, maxDurationSeconds),
		within("rate_per_second", o.RatePerSecond, 0, maxRatePerSecond),
		within("concurrency", float64(o.Concurrency), 1, maxConcurrency),
		checkTimeout(o.TimeoutSeconds),
		within("rate_per_second times duration_seconds", float64(o.rows()), 1, maxCount),
		within("connections", float64(o.Connections), 0, float64(o.Concurrency)),
		o.checkTurns(),
	)
}

var turns = regexp.MustCompile("^[01]+$")

func (o runOrder) checkTurns() error {
	switch {
	case !o.steady() && (o.Other != nil || o.Connections > 0):
		return errors.New("other and connections: only with rate_per_second, and fresh false")
	case o.Other == nil && (o.Turns != "" || o.TurnRequests != 0):
		return errors.New("turns and turn_requests: only with other")
	case o.Other == nil:
		return nil
	case !turns.MatchString(o.Turns):
		return fmt.Errorf("turns: %q is not like 0110", o.Turns)
	case o.Count != len(o.Turns)*o.TurnRequests:
		return fmt.Errorf("count: %d is not turn_requests for each of %d turns", o.Count, len(o.Turns))
	}
	return nil
}

func checkTimeout(value float64) error {
	return within("timeout_seconds", value, 0.001, maxTimeoutSeconds)
}

func within(field string, value, least, most float64) error {
	if value >= least && value <= most {
		return nil
	}
	return fmt.Errorf("%s: %v is outside %v to %v", field, plain(value), plain(least), plain(most))
}

// plain writes a number without an exponent.
func plain(value float64) string {
	return strconv.FormatFloat(value, 'f', -1, 64)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// buildRequest makes a request of an order's parts, or says which part is wrong.
func buildRequest(method, address string, headers map[string]string, body string) (*http.Request, error) {
	target, err := url.Parse(address)
	if err != nil || (target.Scheme != "http" && target.Scheme != "https") || target.Hostname() == "" {
		return nil, fmt.Errorf("url: %q is not like http://host:port/path", address)
	}
	if !token.MatchString(method) {
		return nil, fmt.Errorf("method: %q is not an HTTP method", method)
	}
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	// the dot that makes a name absolute is for the resolver, not for the server
	request.Host = strings.Replace(strings.TrimSuffix(target.Host, "."), ".:", ":", 1)
	request.Header.Set("User-Agent", "seatrial-vantage")
	for name, value := range headers {
		if !token.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("headers: %q is not a header that can be sent", name)
		}
		request.Header.Set(name, value)
		if strings.EqualFold(name, "Host") {
			request.Host = value
		}
	}
	return request, nil
}
