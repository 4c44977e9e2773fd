// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"cmp"
	"fmt"
)

// A Warning is something an operator should know although the run succeeds.
type Warning struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Drift   Drift  `json:"drift,omitempty"`
}

// SecondFalcos warns of every Falco besides those of expected units: two on one
// node report every event twice, and the agent does not manage that one.
func SecondFalcos(running []Process, expected func(unit string) bool) []Warning {
	var found []Warning
	for _, p := range running {
		w := Warning{Drift: DriftSecondFalco}
		switch {
		case p.Container:
			w.Message = fmt.Sprintf("another Falco runs in a container on this node (process %d, %s)", p.PID, p.Cgroup)
			w.Hint = "keep either the Falco of the host or the DaemonSet; a nodeSelector or taint can leave these nodes out"
		case p.Unit != "" && expected(p.Unit):
			continue
		default:
			w.Message = fmt.Sprintf("another Falco runs on this node (process %d, %s, of %s)", p.PID,
				cmp.Or(p.Exe, "falco"), cmp.Or(p.Unit, p.Cgroup, "no unit"))
			w.Hint = fmt.Sprintf("keep one of the two; `systemctl status %d` shows what started this one", p.PID)
		}
		w.Message += ": every event is reported twice"
		found = append(found, w)
	}
	return found
}
