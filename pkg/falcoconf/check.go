// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
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

// isOn reports whether a boolean that is false by default is known to be true.
func (c *Config) isOn(path string) bool {
	on, known := c.Bool(path, false)
	return on && known
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
		text, known := c.Text(path, "")
		switch e := c.entry(path); {
		case !c.isOn(o.block + ".enabled"):
		case e != nil && e.isNull():
			c.warnAt(path, path+" has no value, which Falco reads as the text null", "set "+path)
		case known && text == "":
			c.fatalAt(path, o.block+" is enabled without "+o.needs, "set "+path+" in the same file: a block in a fragment replaces the whole block")
		}
	}
	for _, block := range []string{"file", "http", "program", "stdout", "syslog", "grpc"} {
		on, known := c.Bool(block+"_output.enabled", false)
		if (on || !known) && (block != "grpc" || !atLeast(c.version, fewEnginesSince)) {
			return
		}
	}
	c.fatal(Origin{File: c.main}, "no output is enabled", "enable one, such as file_output")
}

// Engine returns Falco's driver (engine.kind), and what decides it: the zero
// Origin for the default. It is not known for a Falco that has no such key.
func (c *Config) Engine() (kind string, by Origin, known bool) {
	if !atLeast(c.version, engineSince) {
		return "", Origin{}, false
	}
	kind, known = c.Text("engine.kind", "kmod")
	if v, ok := c.Get("engine.kind"); ok {
		by = v.Origin
	}
	return kind, by, known
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
	kind, known := c.Text("engine.kind", "kmod")
	if !known {
		return
	}
	if !slices.Contains(kinds, kind) {
		c.fatalAt("engine.kind", "engine.kind "+quote(kind)+" is not known to Falco "+c.version, "write one of "+strings.Join(kinds, ", "))
		return
	}
	if file, known := c.Text("engine.replay.capture_file", ""); kind == "replay" && known && file == "" {
		c.fatalAt("engine.replay.capture_file", "engine.kind is replay without engine.replay.capture_file", "set the capture file")
	}
	// falco userspace/falco/app/actions/configure_syscall_buffer_size.cpp
	path := "engine." + kind + ".buf_size_preset"
	if n, known := c.Int(path, 4, math.MinInt16, math.MaxInt16); known && (n < 1 || n > 10) {
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
		text, known := c.Text(w.path, w.otherwise)
		if w.anyCase {
			text = strings.ToLower(text)
		}
		if known && atLeast(c.version, w.since) && !slices.Contains(w.words, text) {
			c.fatalAt(w.path, w.path+" "+quote(text)+" is not known to Falco", "write one of "+strings.Join(w.words, ", "))
		}
	}
	text, _ := c.Text("priority", "debug")
	if p := strings.ToLower(text); slices.Contains([]string{"emergency", "alert", "critical", "error"}, p) {
		c.warnAt("priority", "priority "+p+" drops the alerts of most rules, which have a lower priority", "write priority: debug")
	}
}

// checkWebserver finds addresses that Falco fails on (since 0.37), and ports that
// it silently takes modulo 65536.
func (c *Config) checkWebserver() {
	if !c.isOn("webserver.enabled") {
		return
	}
	address, known := c.Text("webserver.listen_address", "0.0.0.0")
	if _, err := netip.ParseAddr(strings.TrimSpace(address)); err != nil && known && atLeast(c.version, engineSince) {
		c.fatalAt("webserver.listen_address", "webserver.listen_address "+quote(address)+" is not an IP address", "write an address such as 127.0.0.1, not a name")
	}
	port, known := c.Int("webserver.listen_port", 8765, 0, math.MaxUint32)
	if known && (port < 1 || port > math.MaxUint16) {
		c.warnAt("webserver.listen_port", "webserver.listen_port is out of range; Falco listens on another port", "write a number from 1 to 65535")
	}
}

func (c *Config) checkDrops() {
	threshold, known := c.float("syscall_event_drops.threshold", .1)
	if known && (threshold < 0 || threshold > 1) {
		c.fatalAt("syscall_event_drops.threshold", "syscall_event_drops.threshold is out of range", "write a number from 0 to 1")
	}
	ignored := false
	for _, e := range c.items("syscall_event_drops.actions") {
		switch {
		case e.unknown:
		case !slices.Contains([]string{"ignore", "log", "alert", "exit"}, e.text):
			c.fatal(e.origin, "syscall_event_drops.actions holds "+quote(e.text), "write ignore, log, alert or exit")
		case ignored && (e.text == "log" || e.text == "alert"):
			c.fatal(e.origin, "syscall_event_drops.actions holds "+e.text+" after ignore", "remove ignore")
		}
		ignored = ignored || e.text == "ignore"
	}
	if n, known := c.Int("syscall_event_timeouts.max_consecutives", 1000, 0, math.MaxUint32); known && n == 0 {
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
			if name.unknown {
				return
			}
		}
	}
	loaded := map[string]Origin{}
	for _, e := range c.items("load_plugins") {
		if e.unknown {
			continue
		}
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
	interval, known := c.Text("metrics.interval", "5000")
	interval = strings.Join(strings.Fields(interval), "")
	if known && (interval == "" || !prometheusInterval.MatchString(interval)) {
		c.fatalAt("metrics.interval", "metrics.interval "+quote(interval)+" has no unit of time", "write an interval such as 15m or 1h")
	}
	rule, knownRule := c.Bool("metrics.output_rule", false)
	file, knownFile := c.Text("metrics.output_file", "")
	web, knownWeb := c.Bool("webserver.prometheus_metrics_enabled", false)
	if knownRule && !rule && knownFile && file == "" && knownWeb && !web {
		c.fatalAt("metrics", "metrics are enabled without an output", "set metrics.output_rule, metrics.output_file or webserver.prometheus_metrics_enabled")
	}
}

// KeepsLogOpen reports whether Falco keeps the file of its file output open
// between alerts: a string, which is on only as "true" (falco 0.44.1
// userspace/falco/outputs_file.cpp).
func (c *Config) KeepsLogOpen() bool {
	text, known := c.Text("file_output.keep_alive", "")
	return text == "true" && known
}

// MetricsFile returns the file that Falco appends its own counters to, or "".
func (c *Config) MetricsFile() string {
	file, _ := c.Text("metrics.output_file", "")
	return file
}

// HasRules reports whether any rules file that is listed is there, or may be.
func (c *Config) HasRules() bool {
	return len(c.rulesFiles()) > 0 || slices.ContainsFunc(c.rulesEntries(), func(e *entry) bool { return e.unknown })
}
