package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	mergePatch       = "application/merge-patch+json"
	apiAnswerSeconds = 5
	maxAnswerBytes   = 4 << 20
)

// apiServer is the API server as a pod's service account reaches it.
type apiServer struct {
	base      string
	tokenFile string // read anew for each request: the kubelet exchanges the token
	client    *http.Client
}

// apiReply is what the API server, or a pod behind its proxy, answered.
type apiReply struct {
	status int
	body   []byte
}

func (r apiReply) ok() bool { return r.status >= 200 && r.status < 300 }

// reason is the API server's own word; empty when a pod behind its proxy answered.
func (r apiReply) reason() string {
	var status struct{ Kind, Reason string }
	if json.Unmarshal(r.body, &status) != nil || status.Kind != "Status" {
		return ""
	}
	return status.Reason
}

func (r apiReply) String() string {
	return fmt.Sprintf("HTTP %d %.200s", r.status, strings.Join(strings.Fields(string(r.body)), " "))
}

// inCluster finds the API server by what the kubelet gives every pod that has a service account's token.
func inCluster(account string) (*apiServer, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod")
	}
	authority, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s: no certificate", filepath.Join(account, "ca.crt"))
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	return &apiServer{
		base:      "https://" + net.JoinHostPort(host, port),
		tokenFile: filepath.Join(account, "token"),
		client:    &http.Client{Transport: transport, Timeout: apiAnswerSeconds * time.Second},
	}, nil
}

func (a *apiServer) send(method, path, contentType string, body []byte) (apiReply, error) {
	request, err := http.NewRequest(method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return apiReply{}, err
	}
	token, err := os.ReadFile(a.tokenFile)
	if err != nil {
		return apiReply{}, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return apiReply{}, err
	}
	defer response.Body.Close()
	answered, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	return apiReply{response.StatusCode, answered}, err
}

// read gets an object; false when there is none.
func (a *apiServer) read(path string, into any) (bool, error) {
	answered, err := a.send(http.MethodGet, path, "", nil)
	switch {
	case err != nil:
		return false, err
	case answered.status == http.StatusNotFound && answered.reason() == "NotFound":
		return false, nil
	case !answered.ok():
		return false, fmt.Errorf("%s cannot be read: %v", path, answered)
	}
	return true, json.Unmarshal(answered.body, into)
}

// annotate writes one annotation of an object.
func (a *apiServer) annotate(path, name, value string) error {
	annotations := map[string]map[string]map[string]string{"metadata": {"annotations": {name: value}}}
	body, err := json.Marshal(annotations)
	if err != nil {
		return err
	}
	answered, err := a.send(http.MethodPatch, path, mergePatch, body)
	if err == nil && !answered.ok() {
		err = fmt.Errorf("%s cannot be annotated: %v", path, answered)
	}
	return err
}
