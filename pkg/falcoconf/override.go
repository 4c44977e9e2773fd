// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// override applies -o options, if there are any, as one layer (falco
// userspace/falco/configuration.cpp, set_cmdline_option).
func (c *Config) override(options []string) {
	if len(options) == 0 {
		return
	}
	c.layers = append(c.layers, Layer{File: CommandLine, Strategy: "command line"})
	for _, option := range options {
		key, text, ok := strings.Cut(option, "=")
		if !ok {
			c.fatal(Origin{File: CommandLine}, "option "+quote(option)+" has no value", "write -o KEY=VALUE in the unit")
		} else if err := c.overrideKey(key, text); err != nil {
			c.fatal(Origin{File: CommandLine}, "option "+quote(option)+": "+err.Error(), "correct the option in the unit")
		}
	}
}

func (c *Config) overrideKey(key, text string) error {
	path, err := yamledit.ParsePath(key)
	if err != nil {
		return err
	}
	val := &entry{scalar: text, text: text, origin: Origin{File: CommandLine}}
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		if val, _, err = c.start.parse(CommandLine, []byte(text)); err != nil {
			return errors.Unwrap(err)
		}
	} else if text != "" {
		val.scalar = yamledit.Scalar(&yaml.Node{Kind: yaml.ScalarNode, Value: text})
	}
	if val.isNull() {
		val.scalar = text // "null" and "~" are text to Falco's -o
	}
	return c.root.assign(path, val)
}

// assign puts val at path and creates missing maps and lists on the way.
func (e *entry) assign(path yamledit.Path, val *entry) error {
	if len(path) == 0 {
		*e = *val
		return nil
	}
	s := path[0]
	if e.isNull() {
		*e = entry{kind: mapKind, origin: val.origin}
		if s.IsIndex() {
			e.kind = listKind
		}
	}
	switch {
	case s.IsIndex() && e.kind == listKind:
		i := s.Index
		if i == yamledit.Append {
			i = len(e.items)
		}
		if i > len(e.items) {
			return fmt.Errorf("list has %d entries", len(e.items))
		}
		if i == len(e.items) {
			e.items = append(e.items, &entry{origin: val.origin})
		}
		e.origin = val.origin
		return e.items[i].assign(path[1:], val)
	case !s.IsIndex() && e.kind == mapKind:
		next := e.get(s.Key)
		if next == nil {
			next = &entry{origin: val.origin}
			e.set(s.Key, next)
		}
		return next.assign(path[1:], val)
	default:
		return fmt.Errorf("%v does not fit the value there", path[:1])
	}
}
