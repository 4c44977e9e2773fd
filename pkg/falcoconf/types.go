// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"maps"
	"slices"
	"strings"
)

// checkTypes finds values that Falco cannot convert. It leaves out keys that
// another check reports as fatal, and ports, which Falco takes modulo 65536.
func (c *Config) checkTypes() {
	all := keys()
	for _, path := range slices.Sorted(maps.Keys(all)) {
		k := all[path]
		switch {
		case !k.in(c.version) || strings.Contains(path, "[]"):
		case k.kind == "map" && !strings.Contains(path, "."):
			c.checkBlock(path)
		case k.kind == "port":
			c.checkScalar(path, "uint32")
		case k.kind != "map" && k.kind != "list" && k.kind != "texts" && k.kind != "text" && k.kind != "any":
			c.checkScalar(path, k.kind)
		}
	}
}

// checkScalar checks that a key, if it exists, is a scalar of a kind. Up
// to 0.36 Falco fails on any other value. Since 0.37 it uses its default instead,
// with at most a schema warning, and with none if a number is out of range
// (get_scalar in falco 0.36.2 and 0.37.1 userspace/falco/yaml_helper.h).
func (c *Config) checkScalar(path, kind string) {
	e, want := c.entry(path), kinds(kind)
	if e == nil || e.kind == scalarKind && reads(kind, e.text) || e.unknown {
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
