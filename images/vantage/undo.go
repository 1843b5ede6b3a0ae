package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// undo is one request that puts one thing back; sent twice, it does no more than once.
type undo struct {
	Kind        string          `json:"kind"`
	Method      string          `json:"method"`
	Path        string          `json:"path"`
	Body        json.RawMessage `json:"body"`
	ContentType string          `json:"content_type"`
	Note        string          `json:"note"`
}

// reverted is what became of one undo.
type reverted struct {
	What    string `json:"what"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
}

const (
	undoDone    = "done"
	undoAlready = "was already so"
	undoFailed  = "failed"
)

var (
	undoPath    = regexp.MustCompile(`^/apis?/[A-Za-z0-9/._:~=&?,%-]+$`)
	undoMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
)

func (u undo) check() error {
	if u.Kind != "api" || !slices.Contains(undoMethods, u.Method) || !undoPath.MatchString(u.Path) || strings.Contains(u.Path, "..") {
		return fmt.Errorf("no request that undoes something: %s %s", u.Method, u.Path)
	}
	return nil
}

// parseLog returns the undos of a log, the last first, and what cannot be read of it, as failures.
func parseLog(log map[string]string) ([]undo, []reverted) {
	var undos []undo
	var unread []reverted
	keys := slices.Sorted(maps.Keys(log)) // they begin with the time
	slices.Reverse(keys)
	for _, key := range keys {
		var one undo
		err := json.Unmarshal([]byte(log[key]), &one)
		if err == nil {
			err = one.check()
		}
		if err != nil {
			unread = append(unread, reverted{"entry " + key, undoFailed, err.Error()})
			continue
		}
		undos = append(undos, one)
	}
	return undos, unread
}

// carryOut sends the request and tells what came of it: an object that is gone needs nothing.
func (a *apiServer) carryOut(one undo) reverted {
	body := one.Body
	if string(body) == "null" {
		body = nil
	}
	answered, err := a.send(one.Method, one.Path, one.ContentType, body)
	switch {
	case err != nil:
		return reverted{one.Note, undoFailed, err.Error()}
	case answered.ok():
		return reverted{one.Note, undoDone, ""}
	case answered.status == http.StatusNotFound && answered.reason() == "NotFound",
		one.Method == http.MethodPost && answered.status == http.StatusConflict && answered.reason() == "AlreadyExists":
		return reverted{one.Note, undoAlready, ""}
	}
	return reverted{one.Note, undoFailed, answered.String()}
}

// carryOutAll carries undos out in order, again from the first that failed on, at most so many times; pause is waited in
// between. Also those after a failed one are done again: two may concern the same thing, and the last one has to win.
func (a *apiServer) carryOutAll(undos []undo, times int, pause func()) []reverted {
	results := make([]reverted, len(undos))
	open := func() int {
		return slices.IndexFunc(results, func(each reverted) bool { return each.Outcome == "" || each.Outcome == undoFailed })
	}
	for turn := 0; turn < times && open() >= 0; turn++ {
		if turn > 0 {
			pause()
		}
		for index := open(); index < len(undos); index++ {
			latest := a.carryOut(undos[index])
			if before := results[index].Outcome; before == "" || before == undoFailed {
				results[index] = latest
			}
		}
	}
	return results
}
