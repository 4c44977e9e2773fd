// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import "testing"

// Trouble of the machine or the network is told as what it is: not as an attack, not in
// the words of a library, and with what helps.
func TestTroubleAsItIs(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	const spare = "/srv/www/falco/0.44.1"
	tiny := func(dir, size string) (on, off string) {
		return "mkdir -p " + dir + "; mount -t tmpfs -o size=" + size + " none " + dir, "umount " + dir
	}
	fullState, emptyState := tiny(stateDir, "64k")
	fullHistory, emptyHistory := tiny("/var/lib/dnf", "4k")
	freeze, thaw := "kill -STOP $(pidof dbus-daemon)", "kill -CONT $(pidof dbus-daemon)"
	for _, test := range []struct {
		name, fault string
		on, off     string
		flags       []string
		exit        int
		says, hint  string
	}{
		{name: "a portal's page", fault: "/falco/ html", exit: 5, says: "sends as the signature of its metadata is none", hint: "asks for a login"},
		{name: "a page with an old signature", on: "echo '<html>Please log in</html>' >" + spare + "/repodata/repomd.xml", off: "cp /srv/repomd.xml " + spare + "/repodata/", exit: 5, says: "is not a repository", hint: "curl -i"},
		{name: "an empty repomd.xml", on: ": >" + spare + "/repodata/repomd.xml", off: "cp /srv/repomd.xml " + spare + "/repodata/", exit: 5, says: "sends an empty repomd.xml", hint: "curl -i"},
		{name: "a repomd.xml without end", fault: "/falco/0.44.1/repodata/repomd.xml endless", exit: 5, says: "does not end", hint: "curl -i"},
		{name: "a mirror that hangs", fault: "/falco/ hang", flags: []string{"--timeout=15s"}, exit: 5, says: "the time was over", hint: "--timeout"},
		{name: "no room for dnf's history", on: fullHistory, off: emptyHistory, exit: 5, says: "cannot write its history", hint: "make room"},
		{name: "no room for packages", on: fullState, off: emptyState, exit: 5, says: "cannot be written to disk", hint: "df -h"},
		{name: "a bus that is stopped", on: freeze, off: thaw, flags: []string{"--timeout=20s"}, exit: 1, says: "connecting to systemd", hint: "kill -CONT"},
		{name: "a history that is half made", on: "echo half >/var/lib/dnf/history.sqlite", exit: 5, says: "history.sqlite is damaged", hint: "mv /var/lib/dnf/history.sqlite /var/lib/dnf/history.sqlite.damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			n.Must("cp " + spare + "/repodata/repomd.xml /srv/")
			if test.fault != "" {
				n.Faults(test.fault)
			}
			if test.on != "" {
				n.Must(test.on)
			}
			r := n.Run(test.flags...)
			n.Faults()
			if test.off != "" {
				n.Must(test.off)
			}
			requireRefused(t, r, test.exit, test.says, test.hint)
		})
	}
	n.Must("mv /var/lib/dnf/history.sqlite /var/lib/dnf/history.sqlite.damaged") // as the hint says
	if r := n.Run(); r.Exit != 0 {
		t.Errorf("a run after all that: %v", r)
	}
}
