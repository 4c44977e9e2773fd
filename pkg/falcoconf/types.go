// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"math"
	"strconv"
	"strings"
)

// checkTypes finds values that Falco cannot convert. Keys that the other checks
// know to be fatal are left to them.
func (c *Config) checkTypes() {
	for _, path := range booleans() {
		if e := c.entry(path); e != nil && !isBoolean(e) {
			c.mistyped(path, "a boolean", e)
		}
	}
	for _, n := range integers() {
		if e := c.entry(n.path); e != nil && !isInteger(e, n.min, n.max) {
			c.mistyped(n.path, "a whole number from "+strconv.FormatInt(n.min, 10)+" to "+strconv.FormatUint(n.max, 10), e)
		}
	}
	for _, path := range []string{"syscall_event_drops.threshold", "syscall_event_drops.rate", "syscall_event_drops.max_burst"} {
		if e := c.entry(path); e != nil && !isFloat(e) {
			c.mistyped(path, "a number", e)
		}
	}
	c.checkBlocks()
}

// mistyped reports a value that cannot be converted: up to 0.36 Falco dies of
// it, since 0.37 it takes its default instead, with at most a warning of its
// schema, and numbers that are out of range do not even get that (get_scalar in
// falco 0.36.2 and 0.37.1 userspace/falco/yaml_helper.h).
func (c *Config) mistyped(path, want string, e *entry) {
	if strings.Contains(e.text, "${") {
		return // a variable of Falco's environment
	}
	message := path + " is not " + want + ": " + describe(e)
	if atLeast(c.version, engineSince) {
		c.warnAt(path, message, "write "+want+"; Falco takes its default instead")
		return
	}
	c.fatalAt(path, message, "write "+want)
}

func (c *Config) checkBlocks() {
	for _, key := range blocks() {
		switch e := c.root.get(key); {
		case e == nil || e.kind == mapKind:
		case e.isNull():
			c.warnAt(key, key+" has no value; Falco takes the defaults of the whole block", "remove the key, or write the block")
		case e.kind == listKind:
			c.warnAt(key, key+" is a list, not a block; Falco takes the defaults of the whole block", "write the block as KEY: VALUE")
		default: // yaml-cpp: operator[] call on a scalar
			c.fatalAt(key, key+" is "+quote(e.text)+", not a block", "write the block as KEY: VALUE")
		}
	}
}

func describe(e *entry) string {
	if e.kind == scalarKind && !e.isNull() {
		return quote(e.text)
	}
	return kindOf(e.value())
}

func isBoolean(e *entry) bool {
	_, ok := wordBool(e.text)
	return e.kind == scalarKind && ok
}

// isInteger reads a number as yaml-cpp does, with the prefixes 0 and 0x.
func isInteger(e *entry, low int64, high uint64) bool {
	if e.kind != scalarKind || strings.Contains(e.text, "_") {
		return false
	}
	if n, err := strconv.ParseInt(e.text, 0, 64); err == nil {
		return n >= low && (n < 0 || uint64(n) <= high)
	}
	n, err := strconv.ParseUint(e.text, 0, 64)
	return err == nil && n <= high
}

func isFloat(e *entry) bool {
	_, err := strconv.ParseFloat(e.text, 64)
	return e.kind == scalarKind && err == nil
}

// blocks returns the top-level keys whose value is a map in falco 0.44.1.
func blocks() []string {
	return []string{
		"base_syscalls", "capture", "engine", "falco_libs", "file_output",
		"http_output", "libs_logger", "metrics", "outputs_queue",
		"program_output", "stdout_output", "syscall_event_drops", "syscall_event_timeouts",
		"syslog_output", "webserver",
	}
}

// booleans returns the keys that Falco reads as a boolean.
func booleans() []string {
	paths := []string{
		"buffer_format_base64", "buffered_outputs", "json_include_message_property",
		"json_include_output_fields_property", "json_include_output_property",
		"json_include_tags_property", "json_output", "log_stderr", "log_syslog",
		"plugins_hostinfo", "time_format_iso_8601", "watch_config_files",
	}
	for _, group := range []struct{ block, keys string }{
		{"base_syscalls", "all repair"},
		{"capture", "enabled"},
		{"engine.kmod", "drop_failed_exit"},
		{"engine.modern_ebpf", "drop_failed_exit disable_iterators"},
		{"file_output", "enabled keep_alive"},
		{"grpc", "enabled"},
		{"grpc_output", "enabled"},
		{"http_output", "enabled insecure mtls echo compress_uploads keep_alive"},
		{"libs_logger", "enabled"},
		{"metrics", "enabled output_rule rules_counters_enabled resource_utilization_enabled state_counters_enabled " +
			"kernel_event_counters_enabled kernel_event_counters_per_cpu_enabled libbpf_stats_enabled plugins_metrics_enabled " +
			"kernel_iter_event_counters_enabled jemalloc_stats_enabled convert_memory_to_mb include_empty_values"},
		{"program_output", "enabled keep_alive"},
		{"stdout_output", "enabled"},
		{"syscall_event_drops", "simulate_drops"},
		{"syslog_output", "enabled"},
		{"webserver", "enabled prometheus_metrics_enabled ssl_enabled"},
	} {
		for key := range strings.FieldsSeq(group.keys) {
			paths = append(paths, group.block+"."+key)
		}
	}
	return paths
}

// An integerKey is a key that Falco reads as a whole number of a given width.
type integerKey struct {
	path string
	min  int64
	max  uint64
}

// integers returns the keys that Falco reads as a whole number.
func integers() []integerKey {
	return []integerKey{
		{"capture.default_duration", 0, math.MaxUint32},
		{"capture.max_file_size_mb", 0, math.MaxUint64},
		{"engine.kmod.buf_size_preset", math.MinInt16, math.MaxInt16},
		{"engine.modern_ebpf.buf_size_preset", math.MinInt16, math.MaxInt16},
		{"engine.modern_ebpf.cpus_for_each_buffer", 0, math.MaxUint16},
		{"falco_libs.snaplen", 0, math.MaxUint64},
		{"falco_libs.thread_table_size", 0, math.MaxUint32},
		{"falco_libs.thread_table_auto_purging_interval_s", 0, math.MaxUint32},
		{"falco_libs.thread_table_auto_purging_thread_timeout_s", 0, math.MaxUint32},
		{"http_output.max_consecutive_timeouts", 0, math.MaxUint8},
		{"output_timeout", 0, math.MaxUint32},
		{"outputs_queue.capacity", 0, math.MaxUint64},
		{"syscall_event_timeouts.max_consecutives", 0, math.MaxUint32},
		{"webserver.listen_port", 0, math.MaxUint32},
		{"webserver.threadiness", 0, math.MaxUint32},
	}
}
