// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// A handler serves files, except where a fault applies to the path.
type handler struct {
	files       http.Handler
	faults, log string // paths
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	switch f := h.fault(r.URL.Path); f.action {
	case "":
		h.files.ServeHTTP(w, r)
	case "hang":
		select { // until the client gives up or an hour has passed
		case <-r.Context().Done():
		case <-time.After(time.Hour):
		}
	case "slow":
		time.Sleep(5 * time.Second)
		h.files.ServeHTTP(w, r)
	case "truncate":
		// The client sees a body that is shorter than announced.
		w.Header().Set("Content-Length", "100000")
		fmt.Fprintln(w, "truncated")
	default:
		status, err := strconv.Atoi(f.action)
		if err != nil {
			status = http.StatusInternalServerError
		}
		http.Error(w, http.StatusText(status), status)
	}
}

// record appends "METHOD PATH" to the log. It ignores errors.
func (h handler) record(r *http.Request) {
	f, err := os.OpenFile(h.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	fmt.Fprintf(f, "%s %s\n", r.Method, r.URL.Path)
}

// A fault is what happens to requests under a prefix: a status such as 503,
// hang, slow or truncate.
type fault struct{ prefix, action string }

// fault returns the first fault in the file whose prefix matches path. Every line of
// the file is a fault, "PREFIX ACTION". The file is read at every request, so that a
// test can change it while the server runs.
func (h handler) fault(path string) fault {
	text, err := os.ReadFile(h.faults)
	if err != nil {
		return fault{}
	}
	for line := range strings.Lines(string(text)) {
		prefix, action, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && strings.HasPrefix(path, prefix) {
			return fault{prefix, action}
		}
	}
	return fault{}
}
