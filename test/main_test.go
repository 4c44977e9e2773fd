// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(imageEnv) != "" {
		sweep()
	}
	code := m.Run()
	if os.Getenv(imageEnv) != "" {
		removeConverged()
	}
	os.Exit(code)
}

// sweep removes the containers that test runs left behind when they were killed.
// The label of a container names the process that created it.
func sweep() {
	out, err := exec.Command("docker", "ps", "-a", "--filter", "label="+label, "--format", `{{.ID}} {{.Label "`+label+`"}}`).Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "test: no docker daemon answers:", err)
		os.Exit(1)
	}
	for line := range strings.Lines(string(out)) {
		id, pid, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := os.Stat("/proc/" + pid); err == nil && pid != "" {
			continue
		}
		if err := exec.Command("docker", "rm", "-f", "-v", id).Run(); err != nil {
			fmt.Fprintln(os.Stderr, "test: removing a leftover node:", err)
		}
	}
}
