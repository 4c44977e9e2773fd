// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

func TestVerdict(t *testing.T) {
	const log = "/var/log/falco.log"
	up := func(i Inspection) Inspection {
		i.Running, i.subject, i.unit = true, node.Subject{Unit: unit, Log: log}, systemd.Unit{Name: unit}
		return i
	}
	down := func(i Inspection, state, sub string) Inspection {
		i.subject = node.Subject{Unit: unit, Log: log}
		i.unit = systemd.Unit{Name: unit, LoadState: "loaded", ActiveState: state, SubState: sub, Result: "exit-code", ExecStatus: 1, NRestarts: 5}
		return i
	}
	fatal := []falcoconf.Problem{{Origin: falcoconf.Origin{File: "/x", Line: 1}, Message: "bad", Hint: "its own", Fatal: true}}
	tests := []struct {
		name       string
		inspection Inspection
		seen       node.Seen
		complaint  string
		reason     string
		err        string
		hint       string // part of it
		warnings   int
	}{
		{name: "detects", inspection: up(Inspection{}), seen: node.Seen{Opens: 2, Alerts: 1, First: 12345 * time.Microsecond}, reason: "an alert reached /var/log/falco.log after 12ms"},
		{name: "detects twice", inspection: up(Inspection{}), seen: node.Seen{Opens: 2, Alerts: 3, First: time.Second}, reason: "an alert reached /var/log/falco.log after 1s", warnings: 1},
		{name: "a log that cannot be written", inspection: up(Inspection{log: errors.New("it is a pipe")}), err: "no alert can reach the log: it is a pipe", hint: "run falco-bootstrap"},
		{name: "a full disk", inspection: up(Inspection{vitals: node.Vitals{Full: true}}), err: "no alert can reach the log: the file system of /var/log/falco.log is full, and Falco does not report that", hint: "systemctl restart falco.service"},
		{name: "a read-only log", inspection: up(Inspection{vitals: node.Vitals{ReadOnly: true}}), err: "no alert can reach the log: the file system of /var/log/falco.log is read-only, and Falco does not report that", hint: "dmesg"},
		{name: "stopped by a signal", inspection: up(Inspection{vitals: node.Vitals{State: "T"}}), err: "falco.service is active, but its process 0 is stopped by a signal", hint: "systemctl restart falco.service"},
		{name: "a log that was moved", inspection: up(Inspection{astray: "/var/log/falco.log.1"}), err: "falco writes to /var/log/falco.log.1, which is not /var/log/falco.log any more", hint: "systemctl restart falco.service"},
		{name: "in the journal alone", inspection: up(Inspection{}), seen: node.Seen{Journal: 1}, err: "falco detects, and its alert is in the journal but not in /var/log/falco.log", hint: "systemctl restart falco.service"},
		{name: "in the journal, since another log is set", inspection: up(Inspection{silenced: []silence{{text: "a"}}}), seen: node.Seen{Journal: 1}, err: "falco detects, and its alert is in the journal but not in /var/log/falco.log: a", hint: "run falco-bootstrap"},
		{name: "blind", inspection: up(Inspection{}), err: "falco.service is running but wrote no alert to /var/log/falco.log", hint: "systemctl restart falco.service"},
		{name: "silenced", inspection: up(Inspection{silenced: []silence{{text: "a"}, {text: "b", chosen: true}}}), err: "falco.service is running but wrote no alert to /var/log/falco.log: a; b", hint: "enable a disabled rule"},
		{name: "blind with a problem", inspection: up(Inspection{problems: fatal}), err: "falco.service is running but wrote no alert to /var/log/falco.log: /x:1: bad", hint: "its own"},
		{name: "no unit", inspection: Inspection{unit: systemd.Unit{Name: unit, LoadState: "not-found"}}, err: "falco.service does not exist", hint: "run falco-bootstrap"},
		{name: "stopped", inspection: down(Inspection{}, "inactive", "dead"), err: "falco.service is inactive (dead), not running", hint: "run falco-bootstrap"},
		{name: "a fatal problem", inspection: down(Inspection{problems: fatal, port: "p"}, "failed", "failed"), complaint: "c", err: "falco.service is failed (failed), not running: /x:1: bad", hint: "its own"},
		{name: "a complaint", inspection: down(Inspection{port: "p"}, "failed", "failed"), complaint: "c", err: "falco.service is failed (failed), not running: Falco says: c", hint: "journalctl -u falco.service"},
		{name: "a port that is taken", inspection: down(Inspection{port: "p"}, "failed", "failed"), err: "falco.service is failed (failed), not running: p, and Falco exits if its web server cannot", hint: "webserver.listen_port"},
		{
			name: "a crash loop", inspection: down(Inspection{}, "activating", "auto-restart"), hint: "journalctl -u falco.service",
			err: "falco.service is activating (auto-restart), not running: Falco has no complaint about its configuration; systemd says: exit-code, status 1, 5 restarts",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reason, warnings, err := tt.inspection.Verdict(tt.seen, tt.complaint)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if reason != tt.reason || text != tt.err || len(warnings) != tt.warnings {
				t.Errorf("Verdict = %q, %q, %d warnings; want %q, %q, %d", reason, text, len(warnings), tt.reason, tt.err, tt.warnings)
			}
			if err != nil && (node.CodeOf(err) != node.CodeNotRunning || !strings.Contains(node.HintOf(err), tt.hint)) {
				t.Errorf("Verdict has code %v and hint %q; want %v and %q", node.CodeOf(err), node.HintOf(err), node.CodeNotRunning, tt.hint)
			}
		})
	}
}
