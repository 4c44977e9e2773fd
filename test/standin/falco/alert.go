// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// A message is one alert that goes to the outputs.
type message struct {
	time     time.Time
	priority string
	rule     string
	source   string
	text     string // without time and priority
	tags     []string
	fields   map[string]any
}

// shadowMessage returns the alert of the default rule in the release's words.
// output is what somebody has put in the place of the rule's output, or "".
func shadowMessage(now time.Time, p *process, minor int, output string) message {
	m := message{
		time: now, priority: "Warning", rule: falco.SensitiveFileRule, source: "syscall",
		text: falco.SensitiveFileOutput + " by non-trusted program " + p.describe(minor),
		tags: slices.Sorted(slices.Values(falco.SensitiveFileRuleTags())),
		fields: map[string]any{
			"container.id": p.container, "container.image.repository": nil, "container.image.tag": nil,
			"container.name": nil, "evt.time": now.UnixNano(), "evt.type": "openat", "fd.name": shadow,
			"k8s.ns.name": nil, "k8s.pod.name": nil, "proc.aname[2]": p.ancestor(1), "proc.aname[3]": p.ancestor(2),
			"proc.aname[4]": p.ancestor(3), "proc.cmdline": p.command, "proc.exepath": p.exe, "proc.name": p.name,
			"proc.pname": p.ancestor(0), "proc.tty": p.tty, "user.loginuid": p.loginuid, "user.name": p.user,
			"user.uid": p.uid,
		},
	}
	if output != "" {
		m.text, m.fields = strings.NewReplacer("%proc.name", p.name, "%proc.cmdline", p.command, "%user.name", p.user).Replace(output), map[string]any{}
	}
	return m
}

// describe formats the fields as the rulesets of three eras do
// (falcosecurity/rules, tags falco-rules-0.1.0 to 5.1.0).
func (p *process) describe(minor int) string {
	ancestors := fmt.Sprintf("gparent=%s ggparent=%s gggparent=%s", p.ancestor(1), p.ancestor(2), p.ancestor(3))
	if minor < 36 {
		return fmt.Sprintf("(user=%s user_loginuid=%d program=%s command=%s file=%s parent=%s %s container_id=%s image=<NA>)",
			p.user, p.loginuid, p.name, p.command, shadow, p.ancestor(0), ancestors, p.container)
	}
	body := fmt.Sprintf("file=%s %s evt_type=openat user=%s user_uid=%d user_loginuid=%d process=%s proc_exepath=%s "+
		"parent=%s command=%s terminal=%d", shadow, ancestors, p.user, p.uid, p.loginuid, p.name, p.exe,
		p.ancestor(0), p.command, p.tty)
	if minor < 41 {
		return fmt.Sprintf("(%s container_id=%s container_name=%s)", body, p.container, p.container)
	}
	return fmt.Sprintf("| %s container_id=%s container_name=<NA> container_image_repository=<NA> "+
		"container_image_tag=<NA> k8s_pod_name=<NA> k8s_ns_name=<NA>", body, p.container)
}

// line returns the text of an alert: the time of day without a date, the priority,
// and the rule's output. It does not name the rule.
func (m message) line() string {
	return m.time.Local().Format("15:04:05.000000000") + ": " + m.priority + " " + m.text
}

// json returns the alert as one object, with its keys in Falco's order.
func (m message) json(t tree) string {
	object := struct {
		Hostname string         `json:"hostname"`
		Output   string         `json:"output,omitempty"`
		Fields   map[string]any `json:"output_fields,omitempty"`
		Priority string         `json:"priority"`
		Rule     string         `json:"rule"`
		Source   string         `json:"source"`
		Tags     []string       `json:"tags,omitempty"`
		Time     string         `json:"time"`
	}{
		Priority: m.priority, Rule: m.rule, Source: m.source, Tags: m.tags,
		Time: m.time.UTC().Format("2006-01-02T15:04:05.000000000Z"),
	}
	object.Hostname, _ = os.Hostname()
	if t.flag("json_include_output_property", true) {
		object.Output = m.line()
	}
	if t.flag("json_include_output_fields_property", true) {
		object.Fields = m.fields
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(object) // maps of strings and numbers always encode
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}
