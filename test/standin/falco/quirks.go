// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// quirks is the folder whose files make the program misbehave:
//
//	crash            it aborts as it opens its driver
//	crash-after      it aborts that many seconds after its start
//	hang             it runs, answers /healthz and never detects
//	no-alert         as hang; for cases that mean a rule, not the driver
//	ignore-sigterm   only SIGKILL ends it
//	delay            seconds until it detects, instead of 2
//	kernel-release   the kernel it believes in
//	no-modern-ebpf   the modern eBPF probe is not supported
type quirks string

func (q quirks) has(name string) bool {
	_, err := os.Stat(filepath.Join(string(q), name))
	return err == nil
}

func (q quirks) text(name string) string {
	text, err := os.ReadFile(filepath.Join(string(q), name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// seconds returns the duration in the file of that name, or def.
func (q quirks) seconds(name string, def time.Duration) time.Duration {
	n, err := strconv.ParseFloat(q.text(name), 64)
	if err != nil {
		return def
	}
	return time.Duration(n * float64(time.Second))
}

// oldKernel reports whether the kernel the quirks name is one on which the
// modern probe is known not to work: UEK R6 and older (falcosecurity/falco#2792).
func (q quirks) oldKernel() bool {
	release := q.text("kernel-release")
	if release == "" {
		return false
	}
	parts := strings.SplitN(release, ".", 3)
	major, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 2 {
		return false
	}
	minor, _ := strconv.Atoi(parts[1])
	if strings.HasPrefix(release, "4.18.0-") && strings.Contains(release, ".el8") {
		return false // Red Hat's 4.18 carries what the probe needs
	}
	return major < 5 || major == 5 && minor < 8
}
