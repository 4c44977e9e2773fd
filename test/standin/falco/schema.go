// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// A kind is what the schema wants a value to be.
type kind int

const (
	anything kind = iota
	boolean
	integer
	text
	sequence
	mapping
)

// A key is one entry of the schema, with the releases that know it; until 0 is
// for good.
type key struct {
	kind         kind
	since, until int
}

// schema lists the keys of falco.yaml by dotted path. A block whose children are
// not listed is open. Source: falcosecurity/falco userspace/falco/config_json_schema.h.
func schema() map[string]key {
	m := map[string]key{}
	add := func(k key, paths string) {
		for path := range strings.FieldsSeq(paths) {
			m[path] = k
		}
	}
	add(key{kind: boolean}, `watch_config_files plugins_hostinfo time_format_iso_8601 buffer_format_base64 json_output
		json_include_output_property json_include_message_property json_include_output_fields_property
		json_include_tags_property buffered_outputs log_stderr log_syslog stdout_output.enabled syslog_output.enabled
		file_output.enabled file_output.keep_alive http_output.enabled http_output.insecure http_output.mtls
		http_output.echo http_output.compress_uploads http_output.keep_alive program_output.enabled
		program_output.keep_alive webserver.enabled webserver.prometheus_metrics_enabled webserver.ssl_enabled`)
	add(key{kind: integer}, `webserver.threadiness webserver.listen_port output_timeout
		http_output.max_consecutive_timeouts`)
	add(key{kind: text}, `priority rule_matching log_level file_output.filename http_output.url
		http_output.user_agent http_output.ca_cert http_output.ca_bundle http_output.ca_path http_output.client_cert
		http_output.client_key program_output.program webserver.listen_address webserver.k8s_healthz_endpoint
		webserver.ssl_certificate`)
	add(key{kind: sequence}, "config_files rules_files rules plugins append_output")
	add(key{}, "load_plugins") // a null is allowed
	add(key{kind: mapping}, `engine capture outputs_queue stdout_output syslog_output file_output http_output
		program_output webserver libs_logger syscall_event_timeouts syscall_event_drops metrics base_syscalls falco_libs`)
	add(key{kind: mapping, until: 43}, "grpc grpc_output")
	add(key{kind: mapping, since: 39, until: 40}, "container_engines")
	return m
}

// verdict returns the line that Falco prints after a file's name, from 0.39 on:
// it names the first key that fails, and is never more than a warning.
func (a *app) verdict(d document) string {
	if !d.isMap {
		return "schema validation: failed for <root>: Value type not permitted by 'type' constraint."
	}
	if d.twice {
		return failure("", "")
	}
	if bad := a.misfit(schema(), "", d.tree); bad != "" {
		return bad
	}
	return "schema validation: ok"
}

// misfit returns the verdict on the first key below block that does not fit.
func (a *app) misfit(keys map[string]key, block string, m map[string]any) string {
	prefix := block
	if prefix != "" {
		prefix += "."
	}
	for name, value := range m {
		k, ok := keys[prefix+name]
		if !ok && block != "" && !closed(keys, block) {
			continue
		}
		if !ok || a.sys.minor < k.since || k.until > 0 && a.sys.minor > k.until {
			return failure(block, name)
		}
		if !fits(k.kind, value) {
			return fmt.Sprintf("schema validation: failed for <root>[%s]: Value type not permitted by 'type' constraint.",
				strings.ReplaceAll(prefix+name, ".", "]["))
		}
		if child, ok := value.(map[string]any); ok {
			if bad := a.misfit(keys, prefix+name, child); bad != "" {
				return bad
			}
		}
	}
	return ""
}

// closed reports whether the schema lists the children of block.
func closed(keys map[string]key, block string) bool {
	for path := range keys {
		if strings.HasPrefix(path, block+".") {
			return true
		}
	}
	return false
}

func failure(block, name string) string {
	where := "<root>"
	if block != "" {
		where += "[" + block + "]"
	}
	return fmt.Sprintf("schema validation: failed for %s: Object contains a property that could not be validated "+
		"using 'properties' or 'additionalProperties' constraints: '%s'.", where, name)
}

func fits(k kind, value any) bool {
	if value == nil {
		return k == anything || k == sequence || k == mapping
	}
	s, scalar := value.(string)
	t := tree{"v": value}
	switch k {
	case boolean:
		return scalar && t.flag("v", true) == t.flag("v", false)
	case integer:
		return scalar && t.number("v", 0) == t.number("v", 1)
	case text:
		return scalar || s != ""
	case sequence:
		_, ok := value.([]any)
		return ok
	case mapping:
		_, ok := value.(map[string]any)
		return ok
	}
	return true
}
