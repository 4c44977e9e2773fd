// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// A Problem is something that is wrong with a settings file.
type Problem struct {
	Line    int // 0 if it has none
	Message string
	Hint    string
}

// maxProblems bounds what is found in one file.
const maxProblems = 100

// Examine finds everything that is wrong with a settings file, where [Parse] and
// [Settings.Check] stop at the first. What is wrong has its default in the settings
// that it returns.
func Examine(src []byte) (Settings, []Problem) {
	s := Default()
	var found []Problem
	var typed *yaml.TypeError
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	s.Falco.Config = nil
	switch err := dec.Decode(&s); {
	case errors.As(err, &typed):
		for _, text := range typed.Errors {
			found = append(found, problemOf(explain("", &yaml.TypeError{Errors: []string{text}})))
		}
	case err != nil && !errors.Is(err, io.EOF):
		return Default(), []Problem{problemOf(explain("", err))}
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		found = append(found, Problem{Message: "contains more than one YAML document"})
	}
	declared := s.Declared()
	s.Falco.Config = Default().Falco.Config
	for _, d := range declared {
		s.Declare(d)
	}
	for range maxProblems {
		var key *KeyError
		if !errors.As(s.Check(), &key) {
			break
		}
		found = append(found, Problem{Line: Line(src, strings.Replace(key.Key, ": ", ".", 1)), Message: key.Error(), Hint: key.Hint})
		if !s.reset(key.Key) {
			break
		}
	}
	slices.SortStableFunc(found, func(a, b Problem) int { return a.Line - b.Line })
	return s, found
}

// problemOf reads an error of [explain] for a file without a name.
func problemOf(err error) Problem {
	text := strings.TrimPrefix(err.Error(), ":")
	if at, rest, ok := strings.Cut(text, ": "); ok {
		if line, err := strconv.Atoi(at); err == nil {
			return Problem{Line: line, Message: rest}
		}
	}
	return Problem{Message: strings.TrimPrefix(text, " ")}
}

var keyIndex = regexp.MustCompile(`^(falco\.rules|repository\.fingerprints)\[(\d+)\]`)

// reset gives the setting of a KeyError its default, so that the next one is found.
func (s *Settings) reset(key string) bool {
	if m := keyIndex.FindStringSubmatch(key); m != nil {
		i, _ := strconv.Atoi(m[2])
		if m[1] == "falco.rules" {
			s.Falco.Rules[i] = RulesFile{Name: fmt.Sprintf("entry-%d", i), Content: "[]"}
		} else {
			s.Repository.Fingerprints[i] = Default().Repository.Fingerprints[0]
		}
		return true
	}
	if name, path, ok := strings.Cut(key, ": "); ok && name == "falco.config" {
		s.Declare(falcoconf.Setting{Path: path, Value: DefaultLog})
		return true
	}
	if key == "falco.config" {
		for path := range s.Falco.Config {
			if !configKey.MatchString(path) {
				delete(s.Falco.Config, path)
			}
		}
		return true
	}
	standard := Default()
	for _, row := range Rows() {
		if row.Key == key {
			reflect.ValueOf(row.field(s)).Elem().Set(reflect.ValueOf(row.field(&standard)).Elem())
			return true
		}
	}
	return false
}

// Line returns the line of a key in a settings file, such as falco.rules[1].name, or
// of the nearest key above it that the file has; 0 if it has none of them.
func Line(src []byte, key string) int {
	var doc yaml.Node
	if yaml.Unmarshal(src, &doc) != nil || len(doc.Content) == 0 {
		return 0
	}
	line := 0
	for at := doc.Content[0]; key != ""; {
		var next *yaml.Node
		next, key, line = descend(at, strings.TrimPrefix(key, "."), line)
		if next == nil {
			break
		}
		at = next
	}
	return line
}

// descend follows the first step of a path, which may be a dotted key of the file.
func descend(at *yaml.Node, path string, line int) (next *yaml.Node, rest string, to int) {
	if at.Kind == yaml.AliasNode {
		at = at.Alias
	}
	if index, after, ok := strings.Cut(strings.TrimPrefix(path, "["), "]"); ok && strings.HasPrefix(path, "[") {
		if i, err := strconv.Atoi(index); err == nil && at.Kind == yaml.SequenceNode && i < len(at.Content) {
			return at.Content[i], after, at.Content[i].Line
		}
		return nil, "", line
	}
	if at.Kind != yaml.MappingNode {
		return nil, "", line
	}
	for i := 0; i+1 < len(at.Content); i += 2 {
		rest, ok := strings.CutPrefix(path, at.Content[i].Value)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return at.Content[i+1], rest, at.Content[i].Line
		}
	}
	return nil, "", line
}
