// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

//go:embed keys.txt
var keysText string

// newestKnown is the first release whose keys are not known.
const newestKnown = "0.45.0"

// A key is one key of falco.yaml, by its path with [] for the items of a list.
type key struct {
	path, kind   string
	since, below string // releases; "" is open
}

// in reports whether a release reads the key. The empty version is any.
func (k key) in(version string) bool {
	return version == "" || (k.since == "" || atLeast(version, k.since)) && (k.below == "" || !atLeast(version, k.below))
}

// releases names the releases that read the key.
func (k key) releases() string {
	switch {
	case k.since == "":
		return "Falco before " + k.below
	case k.below == "":
		return "Falco from " + k.since + " on"
	}
	return "Falco from " + k.since + " on and before " + k.below
}

// keys returns every key by its path.
func keys() map[string]key {
	all := map[string]key{}
	for line := range strings.Lines(keysText) {
		f := append(strings.Fields(line), "", "")
		if strings.HasPrefix(line, "#") {
			continue
		}
		all[f[0]] = key{f[0], f[1], strings.TrimPrefix(f[2], "-"), f[3]}
	}
	return all
}

// Keys returns the paths of the keys that a release reads, sorted; [] stands for the
// items of a list. They are those of every release if version is empty.
func Keys(version string) []string {
	all := keys()
	maps.DeleteFunc(all, func(_ string, k key) bool { return !k.in(version) })
	return slices.Sorted(maps.Keys(all))
}

// KnowsKeys reports whether the keys of a release are known.
func KnowsKeys(version string) bool { return version != "" && !atLeast(version, newestKnown) }

// A Flaw is what is wrong with a declared setting, whatever else Falco reads.
type Flaw struct {
	Setting Setting
	// Path is the key at fault: that of the setting, or one above or below it.
	Path string
	// Unknown says that no release reads the key.
	Unknown bool
	// Ignored says that only other releases read it.
	Ignored bool
	// Reason follows the path in a sentence, such as "is not a boolean". It quotes
	// no value.
	Reason string
}

// CheckDeclared finds declared settings that a release of Falco would ignore, or
// would read as its default because their value has another type. If the keys of the
// release are not known, a key of any other is fine.
func CheckDeclared(version string, declared []Setting) []Flaw {
	c := checker{all: keys(), version: version}
	if !KnowsKeys(version) {
		c.version = ""
	}
	for _, s := range declared {
		path, err := yamledit.ParsePath(s.Path)
		if err != nil {
			c.flaws = append(c.flaws, Flaw{Setting: s, Path: s.Path, Reason: "is not a path: " + err.Error()})
			continue
		}
		c.setting = s
		c.walk("", nil, path, s.Value)
	}
	return c.flaws
}

// A checker follows one setting after the other into the keys.
type checker struct {
	all     map[string]key
	version string
	setting Setting
	flaws   []Flaw
}

// walk follows path from the key at, whose own path is done.
func (c *checker) walk(at string, done, path yamledit.Path, value any) {
	if len(path) == 0 {
		c.value(at, done, value)
		return
	}
	step := path[0]
	done = append(slices.Clip(done), step)
	switch {
	case step.IsIndex():
		at += "[]"
	case at != "":
		at += "." + step.Key
	default:
		at = step.Key
	}
	k, known := c.all[at]
	switch {
	case !known && step.IsIndex() && c.all[strings.TrimSuffix(at, "[]")].kind == "texts":
	case !known:
		c.add(done, Flaw{Unknown: true, Reason: "is not a key of falco.yaml"})
		return
	case !k.in(c.version):
		c.add(done, Flaw{Ignored: true, Reason: "is a key of " + k.releases() + "; Falco " + c.version + " ignores it"})
		return
	case k.kind == "any":
		return
	}
	c.walk(at, done, path[1:], value)
}

func (c *checker) add(at yamledit.Path, f Flaw) {
	f.Setting, f.Path = c.setting, at.String()
	c.flaws = append(c.flaws, f)
}

// value checks a value of the key at, which is known.
func (c *checker) value(at string, done yamledit.Path, value any) {
	kind := c.all[at].kind
	if value == nil || kind == "any" || kind == "" {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		if kind != "map" {
			c.add(done, Flaw{Reason: "is not " + kinds(kind) + " but a map"})
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			c.walk(at, done, yamledit.Path{{Key: name}}, v[name])
		}
	case []any:
		if kind != "list" && kind != "texts" {
			c.add(done, Flaw{Reason: "is not " + kinds(kind) + " but a list"})
			return
		}
		for i, item := range v {
			c.walk(at, done, yamledit.Path{{Index: i}}, item)
		}
	default:
		text := AsText(value)
		if !strings.Contains(text, "${") && !reads(kind, text) {
			c.add(done, Flaw{Reason: "is not " + kinds(kind)})
		}
	}
}

// ranges are the bounds of the kinds that are whole numbers.
func ranges() map[string]struct {
	min int64
	max uint64
} {
	type bounds = struct {
		min int64
		max uint64
	}
	return map[string]bounds{
		"int16": {-1 << 15, 1<<15 - 1}, "uint8": {0, 1<<8 - 1}, "uint16": {0, 1<<16 - 1}, "uint32": {0, 1<<32 - 1},
		"uint64": {0, 1<<64 - 1}, "port": {1, 1<<16 - 1},
	}
}

// kinds names a kind for people.
func kinds(kind string) string {
	if r, ok := ranges()[kind]; ok {
		return fmt.Sprintf("a whole number from %d to %d", r.min, r.max)
	}
	return map[string]string{
		"map": "a block of keys", "list": "a list", "texts": "a list", "text": "a text", "boolean": "a boolean", "truth": "true or false", "number": "a number",
	}[kind]
}

// reads reports whether Falco converts a scalar to a kind. A scalar in the place of a
// list is its only item.
func reads(kind, text string) bool {
	switch kind {
	case "map", "list":
		return false
	case "boolean":
		_, ok := yamledit.ParseBool(text)
		return ok
	case "truth": // a string, which is on if it is "true": falco 0.44.1 userspace/falco/outputs_file.cpp
		return text == "true" || text == "false"
	case "number":
		_, ok := parseFloat(text)
		return ok
	}
	if r, ok := ranges()[kind]; ok {
		return isInteger(text, r.min, r.max)
	}
	return true
}
