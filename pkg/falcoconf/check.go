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

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
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

// entry returns the value at path, or nil.
func (c *Config) entry(path string) *entry {
	p, err := yamledit.ParsePath(path)
	if err != nil {
		return nil
	}
	return c.root.at(p)
}

// text returns the scalar at path as Falco reads a string.
func (c *Config) text(path, otherwise string) string {
	e := c.entry(path)
	if e == nil || e.kind != scalarKind || e.isNull() {
		return otherwise
	}
	return e.text
}

// isOn reads the scalar at path as Falco reads a boolean that is false by
// default. Quotes do not matter.
func (c *Config) isOn(path string) bool {
	on, ok := yamledit.ParseBool(c.text(path, ""))
	return ok && on
}

// where returns the origin of the deepest key along path that exists.
func (c *Config) where(path string) Origin {
	p, _ := yamledit.ParsePath(path)
	for i := len(p); i > 0; i-- {
		if e := c.root.at(p[:i]); e != nil {
			return e.origin
		}
	}
	return Origin{File: c.main}
}

func (c *Config) fatalAt(path, message, hint string) { c.fatal(c.where(path), message, hint) }
func (c *Config) warnAt(path, message, hint string)  { c.warn(c.where(path), message, hint) }

// checkOutputs finds enabled outputs that lack a required key, and reports if no
// output is enabled (falco userspace/falco/app/actions/init_outputs.cpp).
func (c *Config) checkOutputs() {
	for _, o := range []struct{ block, needs string }{
		{"file_output", "filename"}, {"http_output", "url"}, {"program_output", "program"},
	} {
		path := o.block + "." + o.needs
		switch e := c.entry(path); {
		case !c.isOn(o.block+".enabled") || c.text(path, "") != "":
		case e != nil && e.isNull():
			c.warnAt(path, path+" has no value", "set "+path)
		default:
			c.fatalAt(path, o.block+" is enabled without "+o.needs, "set "+path+" in the same file: a block in a fragment replaces the whole block")
		}
	}
	for _, block := range []string{"file", "http", "program", "stdout", "syslog", "grpc"} {
		if c.isOn(block+"_output.enabled") && (block != "grpc" || !atLeast(c.version, fewEnginesSince)) {
			return
		}
	}
	c.fatal(Origin{File: c.main}, "no output is enabled", "enable one, such as file_output")
}

// checkEngine checks engine.kind against the engines of the version.
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

// checkWords checks the keys that take one of a few words.
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
		c.warnAt("priority", "priority "+p+" drops the alerts of most rules, which have a lower priority", "write priority: debug")
	}
}

// checkWebserver finds addresses that Falco fails on (since 0.37), and ports that
// it silently takes modulo 65536.
func (c *Config) checkWebserver() {
	if !c.isOn("webserver.enabled") {
		return
	}
	address := c.text("webserver.listen_address", "0.0.0.0")
	if _, err := netip.ParseAddr(strings.TrimSpace(address)); err != nil && atLeast(c.version, engineSince) {
		c.fatalAt("webserver.listen_address", "webserver.listen_address "+quote(address)+" is not an IP address", "write an address such as 127.0.0.1, not a name")
	}
	port, err := strconv.ParseInt(c.text("webserver.listen_port", "8765"), 0, 64)
	if err == nil && (port < 1 || port > math.MaxUint16) {
		c.warnAt("webserver.listen_port", "webserver.listen_port is out of range; Falco listens on another port", "write a number from 1 to 65535")
	}
}

func (c *Config) checkDrops() {
	threshold, err := strconv.ParseFloat(c.text("syscall_event_drops.threshold", ".1"), 64)
	if err == nil && (threshold < 0 || threshold > 1) {
		c.fatalAt("syscall_event_drops.threshold", "syscall_event_drops.threshold is out of range", "write a number from 0 to 1")
	}
	ignored := false
	for _, e := range c.items("syscall_event_drops.actions") {
		switch {
		case !slices.Contains([]string{"ignore", "log", "alert", "exit"}, e.text):
			c.fatal(e.origin, "syscall_event_drops.actions holds "+quote(e.text), "write ignore, log, alert or exit")
		case ignored && (e.text == "log" || e.text == "alert"):
			c.fatal(e.origin, "syscall_event_drops.actions holds "+e.text+" after ignore", "remove ignore")
		}
		ignored = ignored || e.text == "ignore"
	}
	if n, err := strconv.ParseUint(c.text("syscall_event_timeouts.max_consecutives", "1000"), 0, 32); err == nil && n == 0 {
		c.fatalAt("syscall_event_timeouts.max_consecutives", "syscall_event_timeouts.max_consecutives is 0", "write a number above 0")
	}
}

// items returns the entries of the list at path.
func (c *Config) items(path string) []*entry {
	if e := c.entry(path); e != nil {
		return e.items
	}
	return nil
}

// checkPlugins finds plugins that are loaded but not defined, or loaded twice:
// lists in fragments append since 0.41.
func (c *Config) checkPlugins() {
	known := map[string]bool{}
	for _, p := range c.items("plugins") {
		if name := p.get("name"); name != nil {
			known[name.text] = true
		}
	}
	loaded := map[string]Origin{}
	for _, e := range c.items("load_plugins") {
		if !known[e.text] {
			c.fatal(e.origin, "load_plugins names "+quote(e.text)+", which plugins does not define", "add an entry to plugins, or remove the name")
		}
		if first, twice := loaded[e.text]; twice {
			c.fatal(e.origin, "load_plugins names "+quote(e.text)+" twice, first in "+first.String(), "remove one of the two")
		}
		loaded[e.text] = e.origin
	}
}

var prometheusInterval = regexp.MustCompile(`^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`)

// checkMetrics finds metrics without a unit of time or without an output (falco
// userspace/falco/app/actions/process_events.cpp).
func (c *Config) checkMetrics() {
	if !c.isOn("metrics.enabled") {
		return
	}
	interval := strings.Join(strings.Fields(c.text("metrics.interval", "5000")), "")
	if interval == "" || !prometheusInterval.MatchString(interval) {
		c.fatalAt("metrics.interval", "metrics.interval "+quote(interval)+" has no unit of time", "write an interval such as 15m or 1h")
	}
	if !c.isOn("metrics.output_rule") && c.text("metrics.output_file", "") == "" && !c.isOn("webserver.prometheus_metrics_enabled") {
		c.fatalAt("metrics", "metrics are enabled without an output", "set metrics.output_rule, metrics.output_file or webserver.prometheus_metrics_enabled")
	}
}

// KeepsLogOpen reports whether Falco keeps the file of its file output open
// between alerts.
func (c *Config) KeepsLogOpen() bool { return c.isOn("file_output.keep_alive") }

// MetricsFile returns the file that Falco appends its own counters to, or "".
func (c *Config) MetricsFile() string { return c.text("metrics.output_file", "") }

// HasRules reports whether any rules file that is listed is there.
func (c *Config) HasRules() bool { return len(c.rulesFiles()) > 0 }
