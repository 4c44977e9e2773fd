// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import "fmt"

// A Warning is something an operator should know although the run succeeds.
type Warning struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Drift   Drift  `json:"drift,omitempty"`
}

// SecondFalcos warns of every Falco that runs in a container: two on one node
// report every event twice, and the agent does not manage that one.
func SecondFalcos(running []Process) []Warning {
	var found []Warning
	for _, p := range running {
		if p.Container {
			found = append(found, Warning{
				Message: fmt.Sprintf("another Falco runs in a container on this node (process %d, %s): every event is reported twice", p.PID, p.Cgroup),
				Hint:    "keep either the Falco of the host or the DaemonSet; a nodeSelector or taint can leave these nodes out",
				Drift:   DriftSecondFalco,
			})
		}
	}
	return found
}
