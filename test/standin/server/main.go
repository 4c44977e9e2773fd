// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command server is the web server of the test node: it serves packages and keys
// from a directory over plain HTTP, and can be told to fail. It is for tests only: it
// has no limits, no cache and no TLS.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8089", "address to serve on")
	root := flag.String("root", "/srv/www", "directory to serve")
	faults := flag.String("faults", "/etc/falco-standin/http", "file that lists the faults")
	log := flag.String("log", "/run/node-server.log", "file to log each request to")
	flag.Parse()
	server := http.Server{
		Addr:              *listen,
		Handler:           handler{files: http.FileServer(http.Dir(*root)), faults: *faults, log: *log},
		ReadHeaderTimeout: 10 * time.Second,
	}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}
