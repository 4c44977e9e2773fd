// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"math"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// The top-level keys whose value is a map in falco 0.44.1.
const blocks = `
base_syscalls capture engine falco_libs file_output http_output libs_logger metrics outputs_queue program_output
stdout_output syscall_event_drops syscall_event_timeouts syslog_output webserver`

// The keys that Falco reads as a boolean.
const booleans = `
buffer_format_base64 buffered_outputs json_include_message_property json_include_output_fields_property
json_include_output_property json_include_tags_property json_output log_stderr log_syslog plugins_hostinfo
time_format_iso_8601 watch_config_files
base_syscalls.all base_syscalls.repair capture.enabled
engine.kmod.drop_failed_exit engine.modern_ebpf.drop_failed_exit engine.modern_ebpf.disable_iterators
file_output.enabled file_output.keep_alive grpc.enabled grpc_output.enabled
http_output.enabled http_output.insecure http_output.mtls http_output.echo http_output.compress_uploads
http_output.keep_alive libs_logger.enabled
metrics.enabled metrics.output_rule metrics.rules_counters_enabled metrics.resource_utilization_enabled
metrics.state_counters_enabled metrics.kernel_event_counters_enabled metrics.kernel_event_counters_per_cpu_enabled
metrics.libbpf_stats_enabled metrics.plugins_metrics_enabled metrics.kernel_iter_event_counters_enabled
metrics.jemalloc_stats_enabled metrics.convert_memory_to_mb metrics.include_empty_values
program_output.enabled program_output.keep_alive stdout_output.enabled syscall_event_drops.simulate_drops
syslog_output.enabled webserver.enabled webserver.prometheus_metrics_enabled webserver.ssl_enabled`

// The keys that Falco reads as a whole number of 32 bits.
const uint32s = `
capture.default_duration falco_libs.thread_table_size falco_libs.thread_table_auto_purging_interval_s
falco_libs.thread_table_auto_purging_thread_timeout_s output_timeout syscall_event_timeouts.max_consecutives
webserver.listen_port webserver.threadiness`

// The keys that Falco reads as a floating-point number.
const floats = "syscall_event_drops.threshold syscall_event_drops.rate syscall_event_drops.max_burst"

// checkTypes finds values that Falco cannot convert. It leaves out keys that
// another check reports as fatal.
func (c *Config) checkTypes() {
	for path := range strings.FieldsSeq(booleans) {
		c.checkScalar(path, "a boolean", func(text string) bool {
			_, ok := yamledit.ParseBool(text)
			return ok
		})
	}
	for _, n := range []struct {
		min   int64
		max   uint64
		paths string
	}{
		{math.MinInt16, math.MaxInt16, "engine.kmod.buf_size_preset engine.modern_ebpf.buf_size_preset"},
		{0, math.MaxUint8, "http_output.max_consecutive_timeouts"},
		{0, math.MaxUint16, "engine.modern_ebpf.cpus_for_each_buffer"},
		{0, math.MaxUint32, uint32s},
		{0, math.MaxUint64, "capture.max_file_size_mb falco_libs.snaplen outputs_queue.capacity"},
	} {
		for path := range strings.FieldsSeq(n.paths) {
			c.checkScalar(path, fmt.Sprintf("a whole number from %d to %d", n.min, n.max), func(text string) bool {
				return isInteger(text, n.min, n.max)
			})
		}
	}
	for path := range strings.FieldsSeq(floats) {
		c.checkScalar(path, "a number", func(text string) bool {
			_, ok := parseFloat(text)
			return ok
		})
	}
	for key := range strings.FieldsSeq(blocks) {
		c.checkBlock(key)
	}
}

// checkScalar checks that a key, if it exists, is a scalar that fine accepts. Up
// to 0.36 Falco fails on any other value. Since 0.37 it uses its default instead,
// with at most a schema warning, and with none if a number is out of range
// (get_scalar in falco 0.36.2 and 0.37.1 userspace/falco/yaml_helper.h).
func (c *Config) checkScalar(path, want string, fine func(text string) bool) {
	e := c.entry(path)
	if e == nil || e.kind == scalarKind && fine(e.text) || e.unknown {
		return
	}
	message := path + " is not " + want + ": " + describe(e)
	if atLeast(c.version, engineSince) {
		c.warnAt(path, message, "write "+want+"; Falco uses its default instead")
		return
	}
	c.fatalAt(path, message, "write "+want)
}

func describe(e *entry) string {
	switch {
	case e.kind == listKind:
		return "a list"
	case e.kind == mapKind:
		return "a map"
	case e.isNull():
		return "null"
	default:
		return quote(e.text)
	}
}

func (c *Config) checkBlock(key string) {
	switch e := c.root.get(key); {
	case e == nil || e.kind == mapKind:
	case e.unknown:
	case e.isNull():
		c.warnAt(key, key+" has no value; Falco uses the defaults of the whole block", "remove the key, or write the block")
	case e.kind == listKind:
		c.warnAt(key, key+" is a list, not a block; Falco uses the defaults of the whole block", "write the block as KEY: VALUE")
	default: // yaml-cpp: operator[] call on a scalar
		c.fatalAt(key, key+" is "+quote(e.text)+", not a block", "write the block as KEY: VALUE")
	}
}
