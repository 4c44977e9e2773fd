// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check finds what is wrong with the merged configuration. The conditions are
// those of falco 0.44.1 userspace/falco/configuration.cpp unless a comment says
// otherwise.
func (c *Config) check() {
	c.checkRules()
	c.checkOutputs()
	c.checkEngine()
	c.checkWords()
	c.checkWebserver()
	c.checkDrops()
	c.checkPlugins()
	c.checkMetrics()
	c.checkTypes()
}

func (c *Config) entry(path string) *entry {
	steps, err := parsePath(path)
	if err != nil {
		return nil
	}
	return c.root.at(steps)
}

// text returns the scalar at path as Falco reads a string.
func (c *Config) text(path, otherwise string) string {
	e := c.entry(path)
	if e == nil || e.kind != scalarKind || e.isNull() {
		return otherwise
	}
	return e.text
}

// isOn returns the scalar at path as Falco reads a boolean: quotes do not
// matter, and what is no boolean is the default.
func (c *Config) isOn(path string, otherwise bool) bool {
	if e := c.entry(path); e != nil && e.kind == scalarKind {
		if b, ok := wordBool(e.text); ok {
			return b
		}
	}
	return otherwise
}

// where returns the origin of the deepest key along path that is there.
func (c *Config) where(path string) Origin {
	steps, _ := parsePath(path)
	for i := len(steps); i > 0; i-- {
		if e := c.root.at(steps[:i]); e != nil {
			return e.origin
		}
	}
	return Origin{File: c.main}
}

func (c *Config) fatalAt(path, message, hint string) {
	o := c.where(path)
	c.fatal(o.File, o.Line, message, hint)
}

func (c *Config) warnAt(path, message, hint string) {
	o := c.where(path)
	c.warn(o.File, o.Line, message, hint)
}

// checkOutputs finds outputs that miss what they need, and that there is none
// (falco userspace/falco/app/actions/init_outputs.cpp).
func (c *Config) checkOutputs() {
	for _, o := range []struct{ block, needs string }{
		{"file_output", "filename"}, {"http_output", "url"}, {"program_output", "program"},
	} {
		path := o.block + "." + o.needs
		if c.isOn(o.block+".enabled", false) && c.text(path, "") == "" {
			if e := c.entry(path); e != nil && e.isNull() {
				c.warnAt(path, path+" has no value", "set "+path)
				continue
			}
			c.fatalAt(path, o.block+" is enabled without "+o.needs, "set "+path+" in the same file: a block in a fragment replaces the whole block")
		}
	}
	for _, block := range []string{"file", "http", "program", "stdout", "syslog", "grpc"} {
		if c.isOn(block+"_output.enabled", false) && (block != "grpc" || !atLeast(c.version, fewEnginesSince)) {
			return
		}
	}
	c.fatal(c.main, 0, "no output is enabled", "enable one, such as file_output")
}

// checkEngine holds engine.kind against the engines of the version.
func (c *Config) checkEngine() {
	if !atLeast(c.version, engineSince) {
		return
	}
	kinds := []string{"kmod", "modern_ebpf", "replay", "nodriver"}
	if !atLeast(c.version, fewEnginesSince) {
		kinds = append(kinds, "ebpf", "gvisor")
	}
	kind := c.text("engine.kind", "kmod")
	if !slices.Contains(kinds, kind) {
		c.fatalAt("engine.kind", "engine.kind "+quote(kind)+" is not known to Falco "+c.version, "write one of "+strings.Join(kinds, ", "))
		return
	}
	if kind == "replay" && c.text("engine.replay.capture_file", "") == "" {
		c.fatalAt("engine.replay.capture_file", "engine.kind is replay without engine.replay.capture_file", "set the capture file")
	}
	// falco userspace/falco/app/actions/configure_syscall_buffer_size.cpp
	path := "engine." + kind + ".buf_size_preset"
	if n, err := strconv.ParseInt(c.text(path, "4"), 0, 16); err == nil && (n < 1 || n > 10) {
		c.fatalAt(path, path+" is out of range", "write a number from 1 to 10")
	}
}

// checkWords holds keys with a fixed vocabulary against it.
func (c *Config) checkWords() {
	for _, w := range []struct {
		path, otherwise, since string
		anyCase                bool
		words                  []string
	}{
		// falco userspace/engine/falco_common.cpp
		{"priority", "debug", "", true, []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "info", "debug"}},
		// falco userspace/engine/logger.cpp
		{"log_level", "info", "", false, []string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}},
		{"rule_matching", "first", "0.36.0", true, []string{"first", "all"}},
		{"capture.mode", "rules", captureSince, false, []string{"rules", "all_rules"}},
	} {
		text := c.text(w.path, w.otherwise)
		if w.anyCase {
			text = strings.ToLower(text)
		}
		if atLeast(c.version, w.since) && !slices.Contains(w.words, text) {
			c.fatalAt(w.path, w.path+" "+quote(text)+" is not known to Falco", "write one of "+strings.Join(w.words, ", "))
		}
	}
	if p := strings.ToLower(c.text("priority", "debug")); slices.Contains([]string{"emergency", "alert", "critical", "error"}, p) {
		c.warnAt("priority", "priority "+p+" drops the alerts of rules of lower priority, which are most", "write priority: debug")
	}
}

// checkWebserver finds addresses that Falco dies of (since 0.37) and ports that
// it takes modulo 65536 without a word.
func (c *Config) checkWebserver() {
	if !c.isOn("webserver.enabled", false) {
		return
	}
	address := c.text("webserver.listen_address", "0.0.0.0")
	if _, err := netip.ParseAddr(strings.TrimSpace(address)); err != nil && atLeast(c.version, engineSince) {
		c.fatalAt("webserver.listen_address", "webserver.listen_address "+quote(address)+" is not an IP address", "write an address such as 127.0.0.1, not a name")
	}
	port, err := strconv.ParseInt(c.text("webserver.listen_port", "8765"), 0, 64)
	if err == nil && (port < 1 || port > math.MaxUint16) {
		c.warnAt("webserver.listen_port", "webserver.listen_port is out of range; Falco listens elsewhere", "write a number from 1 to 65535")
	}
}

func (c *Config) checkDrops() {
	threshold, err := strconv.ParseFloat(c.text("syscall_event_drops.threshold", ".1"), 64)
	if err == nil && (threshold < 0 || threshold > 1) {
		c.fatalAt("syscall_event_drops.threshold", "syscall_event_drops.threshold is out of range", "write a number from 0 to 1")
	}
	ignored := false
	if actions := c.entry("syscall_event_drops.actions"); actions != nil {
		for _, e := range actions.items {
			switch {
			case !slices.Contains([]string{"ignore", "log", "alert", "exit"}, e.text):
				c.fatal(e.origin.File, e.origin.Line, "syscall_event_drops.actions holds "+quote(e.text), "write ignore, log, alert or exit")
			case ignored && (e.text == "log" || e.text == "alert"):
				c.fatal(e.origin.File, e.origin.Line, "syscall_event_drops.actions holds "+e.text+" after ignore", "remove ignore")
			}
			ignored = ignored || e.text == "ignore"
		}
	}
	if n, err := strconv.ParseUint(c.text("syscall_event_timeouts.max_consecutives", "1000"), 0, 32); err == nil && n == 0 {
		c.fatalAt("syscall_event_timeouts.max_consecutives", "syscall_event_timeouts.max_consecutives is 0", "write a number above 0")
	}
}

// checkPlugins finds plugins that are to be loaded and are not described, or
// are loaded twice: lists in fragments append since 0.41.
func (c *Config) checkPlugins() {
	load := c.entry("load_plugins")
	if load == nil || load.kind != listKind {
		return
	}
	known := map[string]bool{}
	if plugins := c.entry("plugins"); plugins != nil {
		for _, p := range plugins.items {
			if name := p.get("name"); name != nil {
				known[name.text] = true
			}
		}
	}
	loaded := map[string]Origin{}
	for _, e := range load.items {
		if !known[e.text] {
			c.fatal(e.origin.File, e.origin.Line, "load_plugins names "+quote(e.text)+", which plugins does not describe", "add an entry to plugins, or remove the name")
		}
		if first, twice := loaded[e.text]; twice {
			c.fatal(e.origin.File, e.origin.Line, "load_plugins names "+quote(e.text)+" twice, first in "+first.String(), "remove one of the two")
		}
		loaded[e.text] = e.origin
	}
}

var prometheusInterval = regexp.MustCompile(`^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`)

// checkMetrics finds metrics without a unit of time or without a place to go
// (falco userspace/falco/app/actions/process_events.cpp).
func (c *Config) checkMetrics() {
	if !c.isOn("metrics.enabled", false) {
		return
	}
	interval := strings.Join(strings.Fields(c.text("metrics.interval", "5000")), "")
	if interval == "" || !prometheusInterval.MatchString(interval) {
		c.fatalAt("metrics.interval", "metrics.interval "+quote(interval)+" has no unit of time", "write an interval such as 15m or 1h")
	}
	if !c.isOn("metrics.output_rule", false) && c.text("metrics.output_file", "") == "" && !c.isOn("webserver.prometheus_metrics_enabled", false) {
		c.fatalAt("metrics", "metrics are enabled and go nowhere", "set metrics.output_rule, metrics.output_file or webserver.prometheus_metrics_enabled")
	}
}
