package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestOrdersBeyondTheLimitsAreRefusedWithOneClearText(t *testing.T) {
	agent := newAgent(t)
	good := object{"url": "http://127.0.0.1:1/", "count": 1}
	for text, change := range map[string]object{
		"count: 200001 is outside 0 to 200000":                {"count": 200_001},
		"duration_seconds: 901 is outside 0 to 900":           {"count": 0, "duration_seconds": 901},
		"rate_per_second: 5001 is outside 0 to 5000":          {"rate_per_second": 5001},
		"concurrency: 513 is outside 1 to 512":                {"concurrency": 513},
		"concurrency: 0 is outside 1 to 512":                  {"concurrency": 0},
		"timeout_seconds: 30.5 is outside 0.001 to 30":        {"timeout_seconds": 30.5},
		"rate_per_second times duration_seconds: 4500000":     {"count": 0, "duration_seconds": 900, "rate_per_second": 5000},
		"give either count or duration_seconds":               {"duration_seconds": 1},
		`url: \"ftp://x/\" is not like http://host:port/path`: {"url": "ftp://x/"},
		"connections: 2 is outside 0 to 1":                    {"fresh": false, "rate_per_second": 1, "connections": 2},
		"other and connections: only with rate_per_second":    {"connections": 1},
		"turns and turn_requests: only with other":            {"turns": "01"},
		`turns: \"012\" is not like 0110`:                     compared("012", 1),
		"count: 1 is not turn_requests for each of 2 turns":   compared("01", 1),
		"server_name: is not like example.test":               {"server_name": "a/b"},
		"authority: holds no certificate in PEM":              {"url": "https://x/", "authority": "nobody"},
		`method: \"G T\" is not an HTTP method`:               {"method": "G T"},
		`headers: \"a b\" is not a header that can be sent`:   {"headers": object{"a b": "1"}},
		`body of /runs: json: unknown field \"colour\"`:       {"colour": "red"},
	} {
		order := object{}
		for _, part := range []object{good, change} {
			for name, value := range part {
				order[name] = value
			}
		}
		status, got := send(t, agent, "POST", "/runs", order)
		if status != http.StatusBadRequest || !strings.Contains(string(got), text) {
			t.Errorf("%v: HTTP %d %s, expected %s", change, status, got, text)
		}
	}
}

func compared(turns string, requests int) object {
	return object{"fresh": false, "rate_per_second": 1, "other": object{"url": "http://127.0.0.1:2/"}, "turns": turns,
		"turn_requests": requests}
}

func TestOneCallIsNotSecured(t *testing.T) {
	status, got := send(t, newAgent(t), "POST", "/call", object{"url": "https://x/"})
	if status != http.StatusBadRequest || !strings.Contains(string(got), "is not like http://host:port/path") {
		t.Fatalf("HTTP %d %s", status, got)
	}
}

func TestNoMoreRunsThanAreAllowed(t *testing.T) {
	agent := newAgent(t)
	order := object{"url": "http://127.0.0.1:1/", "count": 1}
	var id string
	for range maxRuns {
		id = begin(t, agent, order)
	}
	status, text := send(t, agent, "POST", "/runs", order)
	if status != http.StatusBadRequest || !strings.Contains(string(text), "32 runs are kept already") {
		t.Fatalf("HTTP %d %s", status, text)
	}
	ask200[object](t, agent, "DELETE", "/runs/"+id, nil)
	begin(t, agent, order)
}

func TestRowsOfAllRunsAreBounded(t *testing.T) {
	state := newRuns()
	for number := range maxRows / maxCount {
		state.kept[fmt.Sprint(number)] = &run{order: runOrder{Count: maxCount}, done: make(chan struct{})}
	}
	err := state.room(runOrder{Count: 1})
	if err == nil || !strings.Contains(err.Error(), "would keep 1000001 requests") {
		t.Fatal(err)
	}
}

func TestWaitIsBounded(t *testing.T) {
	for _, text := range []string{"26", "-1", "NaN", "soon"} {
		if _, err := waitSeconds(text); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
