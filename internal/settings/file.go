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

// Parse lays a settings file over the defaults. Keys that are not known,
// written twice, or of the wrong type are errors that say name:line. An empty
// file declares nothing and is fine.
func Parse(name string, src []byte) (Settings, error) {
	s := Default()
	defaults := s.Falco.Config
	s.Falco.Config = nil
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Settings{}, explain(name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Settings{}, fmt.Errorf("%s: holds more than one YAML document", name)
	}
	declared := s.Falco.Config
	s.Falco.Config = defaults
	s.merge(declared)
	return s, nil
}

// yaml.v3 says where and what in one line of text only.
var (
	unknownKey = regexp.MustCompile(`line (\d+): field (\S+) not found in type \S+`)
	wrongType  = regexp.MustCompile("line (\\d+): cannot unmarshal (\\S+) (`[^`]*`)? ?into (\\S+)")
	anyLine    = regexp.MustCompile(`line (\d+): `)
)

// explain turns an error of yaml.v3 into name:line and plain words.
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
		return fmt.Errorf("%s:%s: %s is not a %s", name, m[1], strings.TrimSpace(kind(m[2])+" "+m[3]), m[4])
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
