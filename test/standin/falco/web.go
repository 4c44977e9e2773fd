// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A web is the server of the health page.
type web struct{ server *http.Server }

// listen starts it. Two of them share a port, as Falco's do; a port that another
// program holds is an error. A port beyond 65535 wraps around.
func listen(st *state, sys system) (*web, error) {
	port := st.number("webserver.listen_port", 8765) % 65536
	address := "0.0.0.0"
	if sys.minor >= 37 {
		address = st.text("webserver.listen_address", address)
	}
	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err != nil {
			return err
		}
		return failed
	}}
	l, err := share.Listen(context.Background(), "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	w := &web{server: &http.Server{Handler: pages(st, sys), ReadHeaderTimeout: 5 * time.Second}}
	go func() { _ = w.server.Serve(l) }() // it ends when the server is closed
	return w, nil
}

func pages(st *state, sys system) http.Handler {
	mux := http.NewServeMux()
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, "%s", body)
		}
	}
	mux.HandleFunc(st.text("webserver.k8s_healthz_endpoint", "/healthz"), answer(`{"status": "ok"}`))
	if sys.minor >= 34 {
		mux.HandleFunc("/versions", answer(fmt.Sprintf(`{"falco_version":"%s"}`, sys.version)))
	}
	return mux
}

func (w *web) close() { _ = w.server.Close() }
