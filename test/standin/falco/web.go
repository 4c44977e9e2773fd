// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// serve starts the health page. Two Falcos can share a port; a port that another
// program has is an error.
func (d *daemon) serve() error {
	st := d.state.Load()
	if !st.flag("webserver.enabled", true) {
		return nil
	}
	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, failed)
	}}
	l, err := share.Listen(context.Background(), "tcp", fmt.Sprintf("0.0.0.0:%d", st.number("webserver.listen_port", falco.DefaultWebserverPort)))
	if err != nil {
		return runtimeError("an error occurred while starting webserver")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status": "ok"}`)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	d.server = server
	go func() { _ = server.Serve(l) }() // it returns when the server is closed
	return nil
}

func (d *daemon) stopServing() {
	if d.server != nil {
		_ = d.server.Close()
		d.server = nil
	}
}
