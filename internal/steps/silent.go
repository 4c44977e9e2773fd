// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// shadowRule is the default rule about the file that verify opens, and its tags
// (falcosecurity/rules falco-rules-0.1.0 to 5.1.0).
const shadowRule = "Read sensitive file untrusted"

func shadowTags() []string {
	return []string{"filesystem", "host", "container", "mitre_credential_access", "maturity_stable", "T1555"}
}

// notDeclared names the declared keys that falco.yaml itself says otherwise of:
// the node has drifted, or was never converged.
func notDeclared(config *falcoconf.Config, declared []falcoconf.Setting) []string {
	var out []string
	for _, key := range describeConfig(config, "", declared).Keys {
		if !key.AsDeclared {
			out = append(out, fmt.Sprintf("%s is declared %s and is %s (%s)", key.Path, key.Declared, key.Value, key.Origin))
		}
	}
	return out
}

// silenced names what turns the rule about the sensitive file off: an entry of
// the key rules, or a rules file.
func silenced(tree fs.FS, config *falcoconf.Config) []string {
	var out []string
	if v, ok := config.Get("rules"); ok && disabled(v.Value) {
		out = append(out, fmt.Sprintf("%s disables the rule %q", v.Origin, shadowRule))
	}
	for _, file := range config.Inputs() {
		text, err := readOptional(tree, file)
		if err == nil && turnsOff(string(text)) {
			out = append(out, fmt.Sprintf("%s disables the rule %q", file, shadowRule))
		}
	}
	return out
}

// disabled reports whether the entries of the key rules, which are applied in
// order, leave the rule off (falco 0.44.1 falco.yaml, rules).
func disabled(rules any) bool {
	off := false
	list, _ := rules.([]any)
	for _, entry := range list {
		verbs, _ := entry.(map[string]any)
		for verb, what := range verbs {
			match, _ := what.(map[string]any)
			name, _ := match["rule"].(string)
			tag, _ := match["tag"].(string)
			if hit, _ := path.Match(name, shadowRule); hit || slices.Contains(shadowTags(), tag) {
				off = verb == "disable"
			}
		}
	}
	return off
}

// turnsOff reports whether a rules file has the rule with "enabled: false".
func turnsOff(text string) bool {
	within := false
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case strings.HasPrefix(key, "- "):
			within = strings.TrimSpace(key[2:]) == "rule" && value == shadowRule
		case within && key == "enabled" && value == "false":
			return true
		}
	}
	return false
}

// listener names the program that listens on the port that Falco's web server
// wants; empty if there is none. Two Falcos share the port and do not count
// (SO_REUSEPORT); with any other program there Falco ends.
func listener(view node.View, config *falcoconf.Config) string {
	if on, ok := config.Get("webserver.enabled"); !ok || on.Value != true {
		return ""
	}
	port := 8765
	if v, ok := config.Get("webserver.listen_port"); ok {
		if n, ok := v.Value.(int); ok {
			port = n
		}
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := readOptional(view.Tree(), table)
		if err != nil || !listens(string(text), port) {
			continue
		}
		return fmt.Sprintf("another program listens on port %d", port)
	}
	return ""
}

// listens reads the kernel's table of sockets: the second word is the local
// address and port in hexadecimal digits, the fourth 0A for one that listens.
func listens(table string, port int) bool {
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
			return true
		}
	}
	return false
}
