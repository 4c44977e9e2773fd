// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// A Rule is a rule that somebody waits for, as Falco loads it.
type Rule struct {
	Name, Origin string
	Enabled      bool
	By           string // what decides Enabled
	Silent       string // why it raises no alert although it is defined, or ""
	Source       string
	Condition    string
	Output       string
}

// Unraisable is the error of a rule that can raise no alert now, or nil. loaded is
// false if Falco loads no rule of that name.
func (r Rule) Unraisable(loaded bool) error {
	switch {
	case !loaded:
		hint := "`falco-bootstrap config show --rules` lists the rules that are loaded; names are spelled exactly"
		if r.Name == falco.PackageManagementRule {
			hint = "it is in Falco's incubating rules, which its packages do not have: declare them in falco.rules (docs/rules.md)"
		}
		return notRunning(hint, "falco loads no rule %q", r.Name)
	case r.Silent != "":
		return notRunning("change that, and run falco-bootstrap", "the rule %q (%s) raises no alert: %s", r.Name, r.Origin, r.Silent)
	case !r.Enabled:
		return notRunning("enable it there, or in the key rules of falco.config", "the rule %q (%s) is disabled by %s", r.Name, r.Origin, r.By)
	}
	return nil
}

// Missed is the error of a rule that raised no alert although it could.
func (r Rule) Missed(log string, within time.Duration) error {
	var needs []string
	if terminal.MatchString(r.Condition) {
		needs = append(needs, "its condition needs a process with a terminal, as `kubectl exec -it` gives it")
	}
	if container.MatchString(r.Condition) {
		needs = append(needs, "its condition needs a process in a container")
	}
	if r.pattern() == nil {
		needs = append(needs, "its output has no fixed words, by which a line could be told from others: declare json_output: true")
	}
	if r.Source != "" && r.Source != "syscall" {
		needs = append(needs, "its events come from the plugin of source "+r.Source)
	}
	err := fmt.Errorf("no alert of the rule %q (%s) appeared in %s within %s", r.Name, r.Origin, log, within)
	if len(needs) > 0 {
		err = fmt.Errorf("%w: %s", err, strings.Join(needs, "; "))
	}
	return notRunning("cause it on this node while verify waits; an exception of the rule may match what you did: `falco-bootstrap config show --rules` names every file that changes it", "%w", err)
}

// What a condition asks of a process: conditions and macros of falcosecurity/rules.
var (
	terminal  = regexp.MustCompile(`\bproc\.tty\s*!=\s*0\b`)
	container = regexp.MustCompile(`(^|[\s(])(container([\s)]|$)|container\.id\s*!=\s*host\b)`)
)

// field matches a field in the output of a rule, also with a transformer around it.
var field = regexp.MustCompile(`%[a-zA-Z_]+\([^)]*\)|%[a-zA-Z][a-zA-Z0-9_.]*(\[[^\]]*\])?`)

// pattern matches a text line about the rule by the fixed words of its output. It is
// nil if the output has none.
func (r Rule) pattern() *regexp.Regexp {
	fixed := field.Split(r.Output, -1)
	if !strings.ContainsFunc(strings.Join(fixed, ""), func(c rune) bool { return c >= 'A' && c <= 'z' }) {
		return nil
	}
	var parts []string
	for _, text := range fixed {
		words := strings.Fields(text)
		for i := range words {
			words[i] = regexp.QuoteMeta(words[i])
		}
		parts = append(parts, strings.Join(words, `\s+`))
	}
	return regexp.MustCompile(`: [A-Z][a-z]+ ` + strings.Join(parts, `.*?`))
}

// An Alert is an alert of a rule, with what it says about where it was raised.
type Alert struct {
	Node, Container, Namespace, Pod string
}

// Match returns the alert that a line of Falco's log is, if it is one of the rule.
func (r Rule) Match(line []byte) (Alert, bool) {
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		return r.matchJSON(line)
	}
	p := r.pattern()
	if p == nil || !p.Match(line) {
		return Alert{}, false
	}
	fields := map[string]string{}
	for word := range strings.FieldsSeq(string(line)) {
		if name, value, ok := strings.Cut(strings.Trim(word, "(),|"), "="); ok {
			fields[name] = known(value)
		}
	}
	get := func(names ...string) (value string) {
		for _, name := range names {
			value = cmp.Or(value, fields[name])
		}
		return value
	}
	return Alert{
		Container: get("container_name", "container", "container_id"),
		Namespace: get("k8s_ns_name", "k8s.ns"), Pod: get("k8s_pod_name", "k8s.pod"),
	}, true
}

func (r Rule) matchJSON(line []byte) (Alert, bool) {
	var a struct {
		Rule     string         `json:"rule"`
		Hostname string         `json:"hostname"`
		Fields   map[string]any `json:"output_fields"`
	}
	if json.Unmarshal(line, &a) != nil || a.Rule != r.Name {
		return Alert{}, false
	}
	get := func(names ...string) (value string) {
		for _, name := range names {
			text, _ := a.Fields[name].(string)
			value = cmp.Or(value, known(text))
		}
		return value
	}
	return Alert{Node: a.Hostname, Container: get("container.name", "container.id"), Namespace: get("k8s.ns.name"), Pod: get("k8s.pod.name")}, true
}

// known returns a value unless it stands for none.
func known(value string) string {
	if value == "<NA>" || value == "null" {
		return ""
	}
	return value
}

// String says where the alert was raised.
func (a Alert) String() string {
	text := "on node " + a.Node + ", in container " + a.Container
	if a.Container == "host" || a.Container == "" {
		text = "on node " + a.Node + ", on the host itself"
	}
	if a.Pod != "" {
		pod := a.Pod
		if a.Namespace != "" {
			pod = a.Namespace + "/" + pod
		}
		text += ", pod " + pod
	}
	return text
}
