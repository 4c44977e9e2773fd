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
	case "html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintln(w, "<html><body>Please log in to this network.</body></html>")
	case "empty":
		w.WriteHeader(http.StatusOK)
	case "loop":
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	case "drip", "endless":
		pour(w, r, f.action == "drip")
	case "reset":
		panic(http.ErrAbortHandler)
	default:
		status, err := strconv.Atoi(f.action)
		if err != nil {
			status = http.StatusInternalServerError
		}
		http.Error(w, http.StatusText(status), status)
	}
}

// pour answers without end, or a byte each second.
func pour(w http.ResponseWriter, r *http.Request, slowly bool) {
	text := []byte(strings.Repeat(" ", 1<<16))
	for r.Context().Err() == nil {
		if slowly {
			time.Sleep(time.Second)
			text = text[:1]
		}
		if _, err := w.Write(text); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
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
// hang, slow, truncate, html, empty, loop, drip, endless or reset.
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
