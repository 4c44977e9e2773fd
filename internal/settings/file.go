// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse lays a settings file over the defaults. A key that is unknown, written
// twice or of the wrong type is an error that begins with name:line. An empty
// file declares nothing.
func Parse(name string, src []byte) (Settings, error) {
	s := Default()
	s.Falco.Config = nil
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Settings{}, explain(name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Settings{}, fmt.Errorf("%s: contains more than one YAML document", name)
	}
	locateRules(name, src, s.Falco.Rules)
	declared := s.Declared()
	s.Falco.Config = Default().Falco.Config
	for _, d := range declared {
		s.Declare(d)
	}
	return s, nil
}

// The errors of yaml.v3 have no fields for the line and the key.
var (
	unknownKey = regexp.MustCompile(`line (\d+): field (\S+) not found in type \S+`)
	wrongType  = regexp.MustCompile("line (\\d+): cannot unmarshal (\\S+) (`[^`]*`)? ?into (\\S+)")
	anyLine    = regexp.MustCompile(`line (\d+): `)
)

// explain rewrites an error of yaml.v3 as name:line and plain words.
func explain(name string, err error) error {
	text := err.Error()
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		text = typed.Errors[0]
	}
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: unknown key %q", name, m[1], m[2])
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: %s is not a %s", name, m[1], strings.TrimSpace(kind(m[2])+" "+m[3]), strings.Replace(m[4], "time.Duration", "duration such as 24h", 1))
	}
	if m := anyLine.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: %s", name, m[1], strings.TrimPrefix(strings.Replace(text, m[0], "", 1), "yaml: "))
	}
	return fmt.Errorf("%s: %s", name, strings.TrimPrefix(text, "yaml: "))
}

// kind names a YAML tag in plain words.
func kind(tag string) string {
	switch tag {
	case "!!seq":
		return "a list"
	case "!!map":
		return "a map"
	default:
		return "the value"
	}
}
