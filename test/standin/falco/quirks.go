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

// quirks is the directory whose files make the program misbehave:
//
//	crash            it panics while it opens its driver
//	hang, no-alert   it runs, answers /healthz and never detects
//	ignore-sigterm   only SIGKILL ends it
//	delay            seconds from its start until it detects, instead of 2
type quirks string

func (q quirks) has(name string) bool {
	_, err := os.Stat(filepath.Join(string(q), name))
	return err == nil
}

// blind reports whether the program never detects.
func (q quirks) blind() bool { return q.has("hang") || q.has("no-alert") }

func (q quirks) delay() time.Duration {
	text, _ := os.ReadFile(filepath.Join(string(q), "delay"))
	n, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return 2 * time.Second
	}
	return time.Duration(n * float64(time.Second))
}
