// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"regexp"
	"strings"
	"testing"
)

// A budget is what a run may use of what does not vary with the machine. A run that
// needs more must show in docs/performance.md why.
type budget struct{ programs, opened, synced, requests int }

// used counts what a run uses: programs that it starts, files that it opens itself,
// fsyncs of its own, and requests to the node's server.
func (n *Node) used(t *testing.T, flags ...string) (budget, string) {
	t.Helper()
	n.Must("rm -f /tmp/trace; : >/run/node-server.log")
	r := n.Sh("strace -f -qq -e trace=execve,openat,fsync,fdatasync -o /tmp/trace " + strings.Join(n.agentCommand(flags), " "))
	if r.Exit != 0 {
		t.Fatal(r)
	}
	var used budget
	var programs []string
	child := map[string]bool{}
	trace := n.ReadFile("/tmp/trace")
	for _, m := range regexp.MustCompile(`(?m)^(\d+) +(\w+)\((?:"([^"]*)")?[^\n]*$`).FindAllStringSubmatch(trace, -1) {
		pid, call, path := m[1], m[2], m[3]
		switch {
		case call == "execve" && path != agent:
			child[pid] = true
			if strings.HasSuffix(m[0], "= 0") || strings.Contains(m[0], "unfinished") {
				programs = append(programs, path)
			}
		case child[pid]:
		case call == "openat":
			used.opened++
		case strings.HasSuffix(call, "sync"):
			used.synced++
		}
	}
	used.programs = len(programs)
	used.requests = strings.Count(n.ReadFile("/run/node-server.log"), "GET ")
	return used, strings.Join(programs, " ")
}

// A run with nothing to do asks rpm twice and fetches nothing.
func TestBudget(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.Quirk("delay", "0")
	want := func(name string, got budget, programs string, most budget) {
		t.Helper()
		if got.opened == 0 || got.programs == 0 {
			t.Errorf("%s uses %+v: the trace cannot be read", name, got)
		}
		if got.programs > most.programs || got.opened > most.opened || got.synced > most.synced || got.requests > most.requests {
			t.Errorf("%s uses %+v, its budget is %+v; it runs %s", name, got, most, programs)
		}
		t.Logf("%s uses %+v", name, got)
	}
	first, programs := n.used(t)
	// Two of dnf, with its gpg and the scriptlets' programs; the key, the metadata with
	// its signature in four files, and the package. The ledger is written four times, each
	// with two calls.
	want("a first run", first, programs, budget{programs: 65, opened: 900, synced: 26, requests: 9})
	if n := strings.Count(programs, "/usr/bin/dnf"); n > 2 {
		t.Errorf("a first run starts dnf %d times", n)
	}
	if n.Run().Exit != 0 {
		t.Fatal("no run that proves it")
	}
	again, programs := n.used(t)
	want("a run with nothing to do", again, programs, budget{programs: 2, opened: 220, synced: 2})
	dry, programs := n.used(t, "--dry-run")
	want("a dry run", dry, programs, budget{programs: 2, opened: 200})
}
