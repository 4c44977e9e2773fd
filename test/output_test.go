// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"strings"
	"testing"
)

// Under systemd a failed run says why at the priority of errors, and `systemctl status`
// shows that. Its JSON is one line.
func TestOutputInTheJournal(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	command := strings.Join(n.agentCommand([]string{"--falco-version=0.43.1"}), " ")
	for _, format := range []string{"text", "json"} {
		unit := "out-" + format
		r := n.Sh("systemd-run --quiet --wait --unit " + unit + " " + command + " --output " + format + "; journalctl --sync")
		const reason = "0.43.1"
		errs := n.Must("journalctl -p err -o cat --no-pager -u " + unit)
		Lines(t, errs, "error: ", reason, "hint: ")
		if strings.Contains(errs, "<3>") {
			t.Errorf("the priority is shown: %s", errs)
		}
		if status := n.Sh("systemctl status --no-pager " + unit).Stdout; !strings.Contains(status, "hint: ") {
			t.Errorf("systemctl status does not show the reason: %s (%v)", status, r)
		}
		objects := 0
		for line := range strings.Lines(n.Must("journalctl -o cat --no-pager -u " + unit)) {
			if strings.HasPrefix(line, "{") && json.Valid([]byte(line)) {
				objects++
			}
		}
		if want := strings.Count(format, "json"); objects != want {
			t.Errorf("%s: %d objects in the journal, want %d", format, objects, want)
		}
	}
}

// On a terminal of 80 columns a run shows one line of what it does, which is gone at the
// end, and then a report that fits.
func TestOutputOnATerminal(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	r := n.Sh("export TERM=xterm; script -qec 'stty cols 80; " + strings.Join(n.agentCommand(nil), " ") + "' /dev/null")
	if r.Exit != 0 || !strings.Contains(r.Stdout, "\r\x1b[K") || !strings.Contains(r.Stdout, "absent → 0.44.1") {
		t.Fatal(r)
	}
	parts := strings.Split(r.Stdout, "\r\x1b[K")
	rest := parts[len(parts)-1]
	if strings.Contains(rest, " info ") || !strings.Contains(rest, "6 changed") {
		t.Errorf("the screen shows\n%s", rest)
	}
	if lines := strings.Count(rest, "\n"); lines > 45 {
		t.Errorf("the report has %d lines:\n%s", lines, rest)
	}
}
