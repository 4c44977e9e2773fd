// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

func priorities() []string {
	return []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}
}

// priority returns a level's rank, 0 being the gravest, or -1.
func priority(name string) int {
	name = strings.ToLower(name)
	if name == "info" {
		name = "informational"
	}
	return slices.Index(priorities(), name)
}

// checkValues returns the error of the first value that Falco dies of while it
// reads its configuration.
func (st *state) checkValues(minor int) error {
	wrap := func(format string, args ...any) error {
		return says("Error reading config file (%s): %s", st.file, fmt.Sprintf(format, args...))
	}
	if level := st.text("log_level", "info"); priority(level) < 0 {
		return says("Unknown log level %s", level)
	}
	if p := st.text("priority", "debug"); priority(p) < 0 {
		return says("Unknown priority \"%s\"--must be one of emergency, alert, critical, error, warning, notice, informational, debug", p)
	}
	if err := st.checkRulesKeys(minor); err != nil {
		return wrap("%v", err)
	}
	if kind := st.text("engine.kind", "modern_ebpf"); minor >= 37 && !slices.Contains(kinds(minor), kind) {
		return wrap("engine.kind '%s' is not a valid kind.", kind)
	}
	for _, o := range [][3]string{
		{"file", "filename", "filename"}, {"program", "program", "program"}, {"http", "url", "url"},
	} {
		if st.flag(o[0]+"_output.enabled", false) && st.text(o[0]+"_output."+o[1], "") == "" {
			return wrap("%s output enabled but no %s in configuration block", o[0], o[2])
		}
	}
	address := st.text("webserver.listen_address", "0.0.0.0")
	if minor >= 37 && net.ParseIP(address) == nil {
		return wrap("webserver listen address \"%s\" is not a valid IP address", address)
	}
	return st.checkNumbers(wrap)
}

func (st *state) checkNumbers(wrap func(string, ...any) error) error {
	if t, err := strconv.ParseFloat(st.text("syscall_event_drops.threshold", "0.1"), 64); err == nil && (t < 0 || t > 1) {
		return wrap("syscall event drops threshold must be a double in the range [0, 1]")
	}
	kind := st.text("engine.kind", "modern_ebpf")
	if n := st.number("engine."+kind+".buf_size_preset", 4); n < 1 || n > 10 {
		return says("The buffer preset ('%d') is out of range. The allowed range is [1-10]", n)
	}
	if st.flag("metrics.enabled", false) && !strings.ContainsAny(st.text("metrics.interval", "5000"), "msh") {
		return wrap("Metrics interval must have a unit: ms, s, m or h")
	}
	return nil
}

// checkRulesKeys knows that rules_file became rules_files in 0.38.
func (st *state) checkRulesKeys(minor int) error {
	_, old := st.get("rules_file")
	_, now := st.get("rules_files")
	if minor >= 38 && old && now {
		return says("both 'rules_files' and 'rules_file' keys set")
	}
	return nil
}

// kinds lists the engines a release knows. The legacy probe went in 0.44.
func kinds(minor int) []string {
	all := []string{"kmod", "modern_ebpf", "replay", "nodriver"}
	if minor < 44 {
		all = append(all, "ebpf", "gvisor", "none")
	}
	return all
}

// checkOutputs returns the errors that only show when outputs are set up, which
// -V never reaches.
func (st *state) checkOutputs(minor int) error {
	outputs := []string{"stdout", "syslog", "file", "program", "http"}
	if minor < 44 {
		outputs = append(outputs, "grpc")
	}
	for _, name := range outputs {
		if st.flag(name+"_output.enabled", false) {
			return nil
		}
	}
	return says("No output configured, please make sure at least one output is configured and enabled.")
}
