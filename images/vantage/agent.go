package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// place says where this agent stands.
type place struct {
	Node string `json:"node"`
	Pod  string `json:"pod"`
	IP   string `json:"ip"`
}

// agent is the HTTP interface; its state is the runs and the relays.
type agent struct {
	runs       *runs
	relays     relays
	resolvConf string
	place      place
}

func (a *agent) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("POST /resolve", a.resolve)
	mux.HandleFunc("POST /call", a.call)
	mux.HandleFunc("POST /runs", a.start)
	mux.HandleFunc("GET /runs/{id}", a.read)
	mux.HandleFunc("POST /runs/{id}/stop", a.stop)
	mux.HandleFunc("DELETE /runs/{id}", a.forget)
	mux.HandleFunc("POST /relays", a.openRelay)
	mux.HandleFunc("POST /relays/close", a.closeRelays)
	return mux
}

func (a *agent) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, struct {
		place
		Now float64 `json:"now"`
	}{a.place, unixSeconds(time.Now())})
}

func (a *agent) resolve(w http.ResponseWriter, r *http.Request) {
	order := question{Type: "A", TimeoutSeconds: 5}
	if !decode(w, r, &order) {
		return
	}
	found, err := resolve(r.Context(), a.resolvConf, order)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer(w, found)
}

func (a *agent) call(w http.ResponseWriter, r *http.Request) {
	order := callOrder{Method: http.MethodGet, TimeoutSeconds: 5}
	if !decode(w, r, &order) {
		return
	}
	result, err := order.send(r.Context())
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer(w, result)
}

func (a *agent) start(w http.ResponseWriter, r *http.Request) {
	order := runOrder{Method: http.MethodGet, Concurrency: 1, Fresh: true, TimeoutSeconds: 5}
	if !decode(w, r, &order) {
		return
	}
	id, err := a.runs.start(order)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer(w, map[string]string{"id": id})
}

func (a *agent) read(w http.ResponseWriter, r *http.Request) {
	found := a.find(w, r)
	if found == nil {
		return
	}
	wait, err := waitSeconds(r.URL.Query().Get("wait_seconds"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	select {
	case <-found.done:
	case <-time.After(wait):
	case <-r.Context().Done():
	}
	writeRun(w, r, found)
}

func waitSeconds(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0 && value <= maxWaitSeconds) {
		return 0, fmt.Errorf("wait_seconds: %q is not a number from 0 to %d", text, maxWaitSeconds)
	}
	return seconds(value), nil
}

// stop leaves nothing to do when the run is not known: two who share a run may both end it.
func (a *agent) stop(w http.ResponseWriter, r *http.Request) {
	if found := a.runs.get(r.PathValue("id")); found != nil {
		found.stop()
	}
	answer(w, map[string]string{})
}

func (a *agent) forget(w http.ResponseWriter, r *http.Request) {
	if found := a.find(w, r); found != nil {
		found.stop()
		a.runs.forget(r.PathValue("id"))
		answer(w, map[string]string{})
	}
}

func (a *agent) openRelay(w http.ResponseWriter, r *http.Request) {
	var order relayOrder
	if !decode(w, r, &order) {
		return
	}
	port, err := a.relays.start(order)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer(w, map[string]int{"port": port})
}

// closeRelays closes all of them: experiments come one after the other, and one that was killed tells nobody its own.
func (a *agent) closeRelays(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string][]int{"closed": a.relays.closeAll()})
}

func (a *agent) find(w http.ResponseWriter, r *http.Request) *run {
	found := a.runs.get(r.PathValue("id"))
	if found == nil {
		refuse(w, http.StatusNotFound, fmt.Errorf("run %q is not known here", r.PathValue("id")))
	}
	return found
}
