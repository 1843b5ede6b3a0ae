package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"time"
)

const (
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

	annotationWatching = "seatrial.dev/watching"
	annotationOutcome  = "seatrial.dev/outcome"
	annotationReleased = "seatrial.dev/released"

	// undoTurns bounds how often what fails is tried again: with undoPause, for a minute.
	undoTurns = 20
	undoPause = 3 * time.Second
	// wordTurns bounds how often it is tried to tell what was done.
	wordTurns = 10
)

var errUndone = errors.New("not everything could be put back")

// lease is what matters of the object of that name.
type lease struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		LeaseDurationSeconds int    `json:"leaseDurationSeconds"`
		RenewTime            string `json:"renewTime"`
	} `json:"spec"`
}

// deadMan watches a lease, and puts back what its log names when nobody renews it any more.
type deadMan struct {
	api       *apiServer
	leasePath string
	logPath   string
	pod       string
	every     time.Duration
	rest      func(time.Duration)

	seen  string        // renewTime at the last look
	quiet time.Duration // for how long it did not change, as far as the API server answered
	term  time.Duration // how long that may be
}

func deadManMain(arguments []string) error {
	flags := flag.NewFlagSet("deadman", flag.ContinueOnError)
	namespace := flags.String("namespace", "", "namespace of lease and log")
	name := flags.String("name", "", "name of both")
	account := flags.String("account", serviceAccount, "folder with the service account's token and ca.crt")
	every := flags.Duration("every", time.Second, "time between two looks at the lease")
	term := flags.Duration("term", 15*time.Second, "after which a lease that says nothing of its own counts as expired")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *namespace == "" || *name == "" || flags.NArg() > 0 || *every <= 0 || *term <= 0 {
		return errors.New("usage: vantage deadman -namespace NAMESPACE -name NAME [-every 1s] [-term 15s]")
	}
	api, err := inCluster(*account)
	if err != nil {
		return err
	}
	man := newDeadMan(api, *namespace, *name)
	man.pod, man.every, man.term = os.Getenv("POD_NAME"), *every, *term
	return man.work()
}

func newDeadMan(api *apiServer, namespace, name string) *deadMan {
	return &deadMan{
		api:       api,
		leasePath: fmt.Sprintf("/apis/coordination.k8s.io/v1/namespaces/%s/leases/%s", namespace, name),
		logPath:   fmt.Sprintf("/api/v1/namespaces/%s/configmaps/%s", namespace, name),
		every:     time.Second,
		term:      15 * time.Second,
		rest:      time.Sleep,
	}
}

// work ends when the lease is released, or when everything was put back after its end.
func (d *deadMan) work() error {
	d.tell(annotationWatching, d.pod)
	if d.released() {
		log.Print("released: nothing is to be done")
		return nil
	}
	log.Print("the lease has expired")
	told := d.putBack()
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	log.Printf("%s", text)
	d.tell(annotationOutcome, string(text))
	if slices.ContainsFunc(told, func(each reverted) bool { return each.Outcome == undoFailed }) {
		return errUndone
	}
	return nil
}

// released waits until the lease is released, or until it has expired: false.
func (d *deadMan) released() bool {
	for {
		var found lease
		there, err := d.api.read(d.leasePath, &found)
		if err != nil {
			// neither can the runner renew a lease while nobody answers: this time does not count
			log.Print(err)
		} else if over, released := d.look(there, found); over {
			return released
		}
		d.rest(d.every)
	}
}

// look takes one look at the lease into account: whether the watch is over, and how. Time is counted in looks that were
// answered, not by a clock: neither a silent API server nor a paused node is the runner's end. A lease that is not
// there is one that nobody renews.
func (d *deadMan) look(there bool, found lease) (over, released bool) {
	if _, told := found.Metadata.Annotations[annotationReleased]; told {
		return true, true
	}
	if there && found.Spec.LeaseDurationSeconds > 0 {
		d.term = time.Duration(found.Spec.LeaseDurationSeconds) * time.Second
	}
	if found.Spec.RenewTime != d.seen {
		d.seen, d.quiet = found.Spec.RenewTime, 0
		return false, false
	}
	d.quiet += d.every
	return d.quiet >= d.term, false
}

// putBack carries out the log, the last undo first.
func (d *deadMan) putBack() []reverted {
	var found struct {
		Data map[string]string `json:"data"`
	}
	for turn := 1; ; turn++ {
		there, err := d.api.read(d.logPath, &found)
		if err == nil && there {
			break
		}
		if turn == undoTurns || err == nil {
			return []reverted{{"read the log", undoFailed, fmt.Sprintf("there is none, or it cannot be read: %v", err)}}
		}
		d.rest(undoPause)
	}
	undos, unread := parseLog(found.Data)
	return append(d.api.carryOutAll(undos, undoTurns, func() { d.rest(undoPause) }), unread...)
}

// tell writes a word onto the lease; that nobody can be told is no reason not to act.
func (d *deadMan) tell(annotation, value string) {
	for range wordTurns {
		err := d.api.annotate(d.leasePath, annotation, value)
		if err == nil {
			return
		}
		log.Print(err)
		d.rest(d.every)
	}
}
