// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcorules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A mapping is one item of a rules file.
type mapping struct{ *yaml.Node }

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// get returns the value of a key, or nil. Of two equal keys yaml-cpp finds the
// first.
func (m mapping) get(key string) *yaml.Node {
	if m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return follow(m.Content[i+1])
		}
	}
	return nil
}

// text returns the scalar of a key, or "".
func (m mapping) text(key string) string {
	if n := m.get(key); n != nil && n.Kind == yaml.ScalarNode && !isNull(n) {
		return n.Value
	}
	return ""
}

// texts returns the scalars of a list, each once.
func (m mapping) texts(key string) []string {
	n := m.get(key)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var all []string
	for _, child := range n.Content {
		if child = follow(child); child.Kind == yaml.ScalarNode && !slices.Contains(all, child.Value) {
			all = append(all, child.Value)
		}
	}
	return all
}

func (m mapping) isTrue(key string) bool {
	on, _ := parseBool(m.text(key))
	return on
}

// parseBool reads a boolean as yaml-cpp does: src/convert.cpp. It knows lower case,
// upper case and a capital first letter.
func parseBool(text string) (on, ok bool) {
	lower := strings.ToLower(text)
	if text != lower && text != strings.ToUpper(text) && text != strings.ToUpper(lower[:1])+lower[1:] {
		return false, false
	}
	switch lower {
	case "y", "yes", "true", "on":
		return true, true
	case "n", "no", "false", "off":
		return false, true
	}
	return false, false
}

var threeNumbers = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)

func isVersion(text string) bool { return threeNumbers.MatchString(text) }

// atLeast reports whether version is since or newer. The empty version is the
// newest.
func atLeast(version, since string) bool {
	return version == "" || slices.Compare(numbers(version), numbers(since)) >= 0
}

// Less reports whether one version of an engine or a plugin is older than another.
func Less(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) < 0 }

func numbers(version string) []int {
	n := make([]int, 3)
	for i, part := range strings.SplitN(version, ".", 3) {
		_, _ = fmt.Sscanf(part, "%d", &n[i]) // 0 if part is not a number
	}
	return n
}
