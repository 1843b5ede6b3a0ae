package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// cluster stands for an API server: it answers by what a test puts into it, and keeps what it was asked to change.
type cluster struct {
	server  *httptest.Server
	lease   map[string]any
	log     map[string]string
	answers map[string][]int // statuses of the next requests to a path; the last one stays
	changes []string
	told    map[string]string
	looks   int
	onLook  func(look int)
	silent  bool
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{answers: map[string][]int{}, told: map[string]string{}, log: map[string]string{}, onLook: func(int) {}}
	c.renew("first")
	c.server = httptest.NewTLSServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.server.Close)
	return c
}

func (c *cluster) renew(at string) {
	c.lease = map[string]any{"metadata": map[string]any{}, "spec": map[string]any{"leaseDurationSeconds": 5, "renewTime": at}}
}

func (c *cluster) release() {
	c.lease["metadata"] = map[string]any{"annotations": map[string]string{annotationReleased: "now"}}
}

func (c *cluster) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer the-token" {
		status(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	body, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasSuffix(r.URL.Path, "/leases/run-1"):
		c.serveLease(w, r, body)
	case strings.HasSuffix(r.URL.Path, "/configmaps/run-1"):
		if c.log == nil {
			status(w, http.StatusNotFound, "NotFound")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": c.log})
	default:
		c.change(w, r, body)
	}
}

func (c *cluster) serveLease(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodPatch {
		var patch struct {
			Metadata struct{ Annotations map[string]string }
		}
		_ = json.Unmarshal(body, &patch)
		for name, value := range patch.Metadata.Annotations {
			c.told[name] = value
		}
		_, _ = io.WriteString(w, "{}")
		return
	}
	c.looks++
	c.onLook(c.looks)
	switch {
	case c.silent:
		status(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	case c.lease == nil:
		status(w, http.StatusNotFound, "NotFound")
	default:
		_ = json.NewEncoder(w).Encode(c.lease)
	}
}

func (c *cluster) change(w http.ResponseWriter, r *http.Request, body []byte) {
	c.changes = append(c.changes, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), body))
	answers := c.answers[r.URL.Path]
	if len(answers) == 0 {
		return
	}
	if len(answers) > 1 {
		c.answers[r.URL.Path] = answers[1:]
	}
	reasons := map[int]string{404: "NotFound", 409: "AlreadyExists"}
	status(w, answers[0], reasons[answers[0]])
}

func status(w http.ResponseWriter, code int, reason string) {
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, `{"kind":"Status","reason":%q,"message":"told"}`, reason)
}

// account lays out a service account's folder and the environment of a pod.
func (c *cluster) account(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw})
	for name, text := range map[string]string{"ca.crt": string(authority), "token": "the-token\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address, _ := url.Parse(c.server.URL)
	t.Setenv("KUBERNETES_SERVICE_HOST", address.Hostname())
	t.Setenv("KUBERNETES_SERVICE_PORT", address.Port())
	return folder
}

// man returns a dead man who does not really rest.
func (c *cluster) man(t *testing.T) *deadMan {
	t.Helper()
	api, err := inCluster(c.account(t))
	if err != nil {
		t.Fatal(err)
	}
	man := newDeadMan(api, "seatrial-chaos", "run-1")
	man.pod, man.rest = "run-1-abcde", func(time.Duration) {}
	return man
}

func (c *cluster) outcomes(t *testing.T) []reverted {
	t.Helper()
	var told []reverted
	if err := json.Unmarshal([]byte(c.told[annotationOutcome]), &told); err != nil {
		t.Fatalf("%v in %q", err, c.told[annotationOutcome])
	}
	return told
}

func entry(method, path, body, note string) string {
	return fmt.Sprintf(`{"kind":"api","method":%q,"path":%q,"body":%s,"content_type":"application/json","note":%q}`, method, path, body, note)
}

func TestAReleasedLeaseEndsTheWatchAndNothingIsDone(t *testing.T) {
	c := newCluster(t)
	c.log["1"] = entry("PUT", "/api/v1/x", "{}", "x")
	c.onLook = func(look int) {
		c.renew(fmt.Sprint(look))
		if look == 40 {
			c.release()
		}
	}
	if err := c.man(t).work(); err != nil || len(c.changes) != 0 {
		t.Fatalf("%v, changed %v", err, c.changes)
	}
	if c.told[annotationWatching] != "run-1-abcde" || c.told[annotationOutcome] != "" {
		t.Fatalf("told %v", c.told)
	}
}

func TestALeaseThatIsRenewedNoMoreIsFollowedByTheUndosTheLastFirst(t *testing.T) {
	c := newCluster(t)
	c.log["0001"] = entry("PATCH", "/api/v1/nodes/worker", `{"spec":{"unschedulable":null}}`, "uncordon")
	c.log["0002"] = entry("DELETE", "/api/v1/pods/x?gracePeriodSeconds=0", "null", "delete")
	if err := c.man(t).work(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DELETE /api/v1/pods/x?gracePeriodSeconds=0 application/json ",
		`PATCH /api/v1/nodes/worker application/json {"spec":{"unschedulable":null}}`,
	}
	if !reflect.DeepEqual(c.changes, want) {
		t.Fatal(strings.Join(c.changes, "\n"))
	}
	if got := c.outcomes(t); !reflect.DeepEqual(got, []reverted{{"delete", undoDone, ""}, {"uncordon", undoDone, ""}}) {
		t.Fatal(got)
	}
	if c.looks != 6 { // the first look sees the renewal, five more of a second each make the term
		t.Fatalf("%d looks", c.looks)
	}
}

func TestALeaseThatIsNotThereCountsAsNotRenewed(t *testing.T) {
	c := newCluster(t)
	c.lease = nil
	man := c.man(t)
	if released := man.released(); released || c.looks != 15 {
		t.Fatalf("released %v after %d looks", released, c.looks)
	}
}

func TestTimeWithoutAnswersIsNotTheRunnersEnd(t *testing.T) {
	c := newCluster(t)
	c.onLook = func(look int) {
		c.silent = look > 3 && look < 100
		if look == 101 {
			c.renew("after the outage")
		}
		if look == 104 {
			c.release()
		}
	}
	if err := c.man(t).work(); err != nil || c.looks != 104 || len(c.changes) != 0 {
		t.Fatalf("%v after %d looks, changed %v", err, c.looks, c.changes)
	}
}

func TestAnUndoThatFailsIsTriedAgainWithThoseAfterIt(t *testing.T) {
	c := newCluster(t)
	c.log["1"] = entry("PUT", "/api/v1/last", "{}", "last")
	c.log["2"] = entry("PUT", "/api/v1/middle", "{}", "middle")
	c.log["3"] = entry("PUT", "/api/v1/first", "{}", "first")
	c.answers["/api/v1/middle"] = []int{503, 503, 200}
	if err := c.man(t).work(); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, change := range c.changes {
		order = append(order, strings.TrimPrefix(strings.Fields(change)[1], "/api/v1/"))
	}
	if got := strings.Join(order, " "); got != "first middle last middle last middle last" {
		t.Fatal(got)
	}
	for _, each := range c.outcomes(t) {
		if each.Outcome != undoDone {
			t.Fatal(each)
		}
	}
}

func TestWhatIsGoneNeedsNothingAndWhatFailsForGoodIsTold(t *testing.T) {
	c := newCluster(t)
	c.log["1"] = entry("PUT", "/api/v1/refused", "{}", "refused")
	c.log["2"] = entry("PUT", "/api/v1/gone", "{}", "gone")
	c.log["3"] = entry("POST", "/api/v1/there", "{}", "there")
	c.log["4"] = "{"
	c.log["5"] = entry("GET", "/api/v1/secrets", "null", "read")
	c.log["6"] = entry("PUT", "/healthz", "{}", "elsewhere")
	c.answers["/api/v1/refused"], c.answers["/api/v1/gone"], c.answers["/api/v1/there"] = []int{403}, []int{404}, []int{409}
	if err := c.man(t).work(); err != errUndone {
		t.Fatal(err)
	}
	got := c.outcomes(t)
	want := []string{undoAlready, undoAlready, undoFailed, undoFailed, undoFailed, undoFailed}
	for index, each := range got {
		if each.Outcome != want[index] {
			t.Fatalf("%d: %v", index, each)
		}
	}
	if len(c.changes) != 2+undoTurns {
		t.Fatalf("%d requests", len(c.changes))
	}
	if got[2].Reason != `HTTP 403 {"kind":"Status","reason":"","message":"told"}` {
		t.Fatal(got[2].Reason)
	}
	if got[4].Reason != "no request that undoes something: GET /api/v1/secrets" {
		t.Fatal(got[4].Reason)
	}
}

func TestANotFoundOfAPodBehindTheProxyIsAFailure(t *testing.T) {
	pod := httptest.NewTLSServer(http.NotFoundHandler())
	defer pod.Close()
	c := newCluster(t)
	man := c.man(t)
	man.api.base, man.api.client = pod.URL, pod.Client()
	got := man.api.carryOut(undo{Kind: "api", Method: "PUT", Path: "/api/v1/x", Note: "x"})
	if got.Outcome != undoFailed || got.Reason != "HTTP 404 404 page not found" {
		t.Fatal(got)
	}
}

func TestALogThatIsNotThereIsTold(t *testing.T) {
	c := newCluster(t)
	c.log = nil
	if err := c.man(t).work(); err != errUndone {
		t.Fatal(err)
	}
	if got := c.outcomes(t); len(got) != 1 || !strings.HasPrefix(got[0].Reason, "there is none") {
		t.Fatal(got)
	}
}

func TestTheCommandRefusesWhatItDoesNotKnow(t *testing.T) {
	c := newCluster(t)
	account := c.account(t)
	for _, arguments := range [][]string{
		{}, {"-namespace=x"}, {"-namespace=x", "-name=y", "more"}, {"-namespace=x", "-name=y", "-every=0s"},
		{"-namespace=x", "-name=y", "-account=/nowhere"},
	} {
		if err := deadManMain(arguments); err == nil {
			t.Fatal(arguments)
		}
	}
	c.release()
	if err := deadManMain([]string{"-namespace=x", "-name=run-1", "-account=" + account, "-every=1ms"}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if err := deadManMain([]string{"-namespace=x", "-name=run-1", "-account=" + account}); err == nil {
		t.Fatal("no pod")
	}
}
