// Command vantage is the trial's observer inside the cluster: it resolves names, sends requests and dates the answers.
// As "vantage deadman" it is the one that puts back what an experiment did, when the experiment's runner has vanished.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// memoryBytes makes the collector work harder before the pod's limit of 256 MiB is near.
const memoryBytes = 200 << 20

// goodbye is how long answers under way may take after SIGTERM; the pod's grace period is 2 s.
const goodbye = time.Second

// headerTime is how long a connection may wait for its first request. The API server opens some ahead of need, and keeps
// one for 90 s. Whoever is asked must not be first to close: where a node is cut off nobody hears of it, and the request
// that takes the connection when the node is back is lost.
const headerTime = 2 * time.Minute

func main() {
	if len(os.Args) > 1 && os.Args[1] == "deadman" {
		if err := deadManMain(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	address := flag.String("listen", ":9090", "address to listen on")
	resolver := flag.String("resolv-conf", "/etc/resolv.conf", "resolver configuration that /resolve obeys")
	flag.Parse()
	debug.SetMemoryLimit(memoryBytes)
	hurry()
	agent := &agent{runs: newRuns(), resolvConf: *resolver, place: placeFromEnvironment()}
	if err := serve(*address, agent); err != nil {
		log.Fatal(err)
	}
}

func placeFromEnvironment() place {
	return place{Node: os.Getenv("NODE_NAME"), Pod: os.Getenv("POD_NAME"), IP: os.Getenv("POD_IP")}
}

func serve(address string, agent *agent) error {
	terminated, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()
	server := &http.Server{Addr: address, Handler: agent.routes(), ReadHeaderTimeout: headerTime}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-terminated.Done()
		agent.runs.stopAll()
		finish, cancel := context.WithTimeout(context.Background(), goodbye)
		defer cancel()
		_ = server.Shutdown(finish) // whoever still waits for an answer then loses it
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}
