package main

import (
	"io"
	"net/http"
	"testing"
)

func TestCallReturnsTheWholeAnswer(t *testing.T) {
	system := newSystem(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Called", "auth=auth-1")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Method+" "+r.Host+" "+r.Header.Get("Authorization")+" "+string(body))
	})
	order := object{"method": "PUT", "url": system.URL + "/x", "body": "{}", "headers": object{"Authorization": "Bearer t", "Host": "leads"}}
	got := ask200[callResult](t, newAgent(t), "POST", "/call", order)
	if got.Status != 418 || got.Headers["x-called"] != "auth=auth-1" || got.Body != "PUT leads Bearer t {}" || got.Error != "" {
		t.Fatalf("%+v", got)
	}
}

func TestCallThatFailsIsAResult(t *testing.T) {
	order := object{"url": "http://" + freePort(t), "timeout_seconds": 1}
	got := ask200[callResult](t, newAgent(t), "POST", "/call", order)
	if got.Status != 0 || got.Error != refused {
		t.Fatalf("%+v", got)
	}
}
