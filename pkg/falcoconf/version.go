// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"strconv"
	"strings"
)

// The releases at which Falco began to read its configuration differently.
const (
	engineSince     = "0.37.0" // engine block, listen_address
	fragmentsSince  = "0.38.0" // config_files, rules_files
	strategiesSince = "0.41.0" // append, override, add-only; -o after the fragments; rules folders read *.yaml and *.yml only
	captureSince    = "0.42.0" // capture block
	fewEnginesSince = "0.44.0" // no ebpf, no gvisor
)

// atLeast reports whether the version is since or newer. The empty version is
// the newest. What follows the three numbers (-rc1) is not looked at.
func atLeast(version, since string) bool {
	if version == "" {
		return true
	}
	a, b := numbers(version), numbers(since)
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return true
}

func numbers(version string) (out [3]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		digits := 0
		for digits < len(part) && part[digits] >= '0' && part[digits] <= '9' {
			digits++
		}
		out[i], _ = strconv.Atoi(part[:digits])
	}
	return out
}
