// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// ReadFile returns a file of the node. If the file is missing, the test ends.
func (n *Node) ReadFile(path string) string {
	n.t.Helper()
	r := n.Exec("cat", "--", path)
	if r.Exit != 0 {
		n.t.Fatalf("reading %s in the node: %v", path, r)
	}
	return r.Stdout
}

// Exists reports whether a path exists, even if it is a dangling link.
func (n *Node) Exists(path string) bool {
	n.t.Helper()
	return n.Sh("[ -e "+quote(path)+" ] || [ -L "+quote(path)+" ]").Exit == 0
}

// WriteFile writes a file in place and creates its directory. A new file has mode
// 0644.
func (n *Node) WriteFile(path, content string) {
	n.t.Helper()
	line := fmt.Sprintf("mkdir -p \"$(dirname %[1]s)\" && cat >%[1]s", quote(path))
	if r := n.pipe([]byte(content), "bash", "-c", line); r.Exit != 0 {
		n.t.Fatalf("writing %s in the node: %v", path, r)
	}
}

// Quirk makes the stand-ins misbehave; test/README.md lists the names.
func (n *Node) Quirk(name, content string) {
	n.t.Helper()
	n.WriteFile("/etc/falco-standin/"+name, content)
}

// Requests returns the requests to the node's web server, such as "GET /path".
func (n *Node) Requests() []string {
	n.t.Helper()
	return strings.Split(strings.TrimSpace(n.Sh("cat /run/node-server.log 2>/dev/null").Stdout), "\n")
}

// Faults makes the web server fail from now on. Every line has a path prefix and what
// happens to requests below it; test/README.md lists what can.
func (n *Node) Faults(lines ...string) {
	n.t.Helper()
	n.WriteFile("/etc/falco-standin/http", strings.Join(lines, "\n")+"\n")
}

// Alert opens /etc/shadow until an alert about that appears in the log or the time
// is up, and reports whether it appeared.
func (n *Node) Alert(log string, within time.Duration) bool {
	n.t.Helper()
	line := fmt.Sprintf(`for ((i = 0; i < %d; i++)); do cat /etc/shadow >/dev/null; sleep 0.1
		grep -s 'Sensitive file opened for reading.*file=/etc/shadow ' %s | grep -qE '(program|process)=cat ' && exit 0; done; exit 1`,
		within/(100*time.Millisecond), quote(log))
	return n.Sh(line).Exit == 0
}

// Lines fails the test unless text contains all of want, in that order.
func Lines(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := text
	for _, w := range want {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Fatalf("no %q, or not in this order, in:\n%s", w, text)
		}
		rest = after
	}
}
