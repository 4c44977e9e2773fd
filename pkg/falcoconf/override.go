// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// override applies -o options (falco userspace/falco/configuration.cpp,
// set_cmdline_option).
func (c *Config) override(options []string) {
	for _, option := range options {
		key, text, ok := strings.Cut(option, "=")
		if !ok {
			c.fatal(CommandLine, 0, "option "+quote(option)+" has no value", "write -o KEY=VALUE in the unit")
			continue
		}
		if err := c.overrideOne(key, text); err != nil {
			c.fatal(CommandLine, 0, "option "+quote(option)+": "+err.Error(), "correct the option in the unit")
		}
	}
}

func (c *Config) overrideOne(key, text string) error {
	steps, err := parsePath(key)
	if err != nil {
		return err
	}
	val := &entry{scalar: text, text: text, origin: Origin{File: CommandLine}}
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		r := reader{file: CommandLine, budget: maxNodes}
		if val, _, err = r.readFile([]byte(text)); err != nil {
			return errors.Unwrap(err)
		}
		val.relocate(Origin{File: CommandLine})
	} else if text != "" {
		val.scalar = decodeScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: text})
	}
	if val.scalar == nil && val.kind == scalarKind {
		val.scalar = text // "null" and "~" are text to Falco's -o
	}
	return c.root.assign(steps, val)
}

// relocate gives e and all below it one origin.
func (e *entry) relocate(o Origin) {
	e.origin = o
	for _, item := range e.items {
		item.relocate(o)
	}
	for _, p := range e.pairs {
		p.val.relocate(o)
	}
}

// assign puts val at steps and makes maps and lists that are missing.
func (e *entry) assign(steps []step, val *entry) error {
	if len(steps) == 0 {
		*e = *val
		return nil
	}
	s := steps[0]
	if e.isNull() {
		*e = entry{kind: mapKind, origin: val.origin}
		if s.isIndex() {
			e.kind = listKind
		}
	}
	switch {
	case s.isIndex() && e.kind == listKind:
		i := s.index
		if i == appendIndex {
			i = len(e.items)
		}
		if i > len(e.items) {
			return fmt.Errorf("list has %d entries", len(e.items))
		}
		if i == len(e.items) {
			e.items = append(e.items, &entry{origin: val.origin})
		}
		e.origin = val.origin
		return e.items[i].assign(steps[1:], val)
	case !s.isIndex() && e.kind == mapKind:
		next := e.get(s.key)
		if next == nil {
			next = &entry{origin: val.origin}
			e.pairs = append(e.pairs, pair{s.key, next})
		}
		return next.assign(steps[1:], val)
	default:
		return fmt.Errorf("%s does not fit the value there", formatPath(steps[:1]))
	}
}
