// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package vocabulary judges the declared keys of falco.yaml: whether Falco reads
// them, whether it takes their values, which key was meant, and which keys are no
// longer declared. Falco itself only warns of them, if at all, and goes on with its
// defaults.
//
// The package reads no file of the node and runs no program.
package vocabulary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/spelling"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// A Finding is a declared key that Falco would not take as it is declared.
type Finding struct {
	Declared string // the path in falco.config
	Message  string // begins with the path of the key
	Hint     string
	// Refused says that the key is not set; otherwise it is a warning.
	Refused bool
}

// Findings is what [Check] finds.
type Findings []Finding

// Check judges declared keys for a version of Falco; "" if it is not known. schema
// returns what the installed Falco prints with --config-schema; it is nil if there is
// no Falco to ask, and is called only about keys that this program does not know.
//
// A key that no release has is refused. A newer Falco than this program knows may have
// it: then it is refused if the Falco that is installed does not know it either, or if
// it looks like a misspelt one.
func Check(version string, declared []falcoconf.Setting, schema func() ([]byte, error)) Findings {
	var found Findings
	known, asked := falcoconf.KnowsKeys(version), (*falcoconf.Schema)(nil)
	for _, f := range falcoconf.CheckDeclared(version, declared) {
		out := Finding{Declared: f.Setting.Path, Message: f.Path + " " + f.Reason, Refused: !f.Ignored}
		if f.Unknown {
			if asked == nil && schema != nil {
				asked, schema = ask(schema), nil
			}
			if asked != nil && asked.Has(f.Path) {
				continue
			}
			near := nearest(version, f.Path)
			out.Refused = known || asked != nil || near != ""
			out.Message, out.Hint = unknown(f, near, out.Refused)
		} else if !f.Ignored && f.Path == f.Setting.Path && scalar(f.Setting.Value) {
			out.Message += ": " + redact.Value(f.Path, f.Setting.Value)
			out.Hint = "correct falco.config in the settings; Falco would use another value and not say so"
		}
		found = append(found, out)
	}
	return append(found, words(version, declared)...)
}

// words finds values of the right type that Falco fails on wherever they are set, such
// as a priority that it does not have.
func words(version string, declared []falcoconf.Setting) Findings {
	var found Findings
	for _, d := range declared {
		top, _, _ := strings.Cut(d.Path, ".")
		if slices.Contains([]string{"load_plugins", "plugins", "rules_files", "rules_file", "config_files"}, top) || d.Value == nil {
			continue // need what else is in falco.yaml
		}
		src, err := falcoconf.Set(nil, d)
		if err != nil {
			continue
		}
		enabled := falcoconf.Setting{Path: top + ".enabled", Value: true}
		if top == "webserver" || top == "metrics" {
			if src, err = falcoconf.Set(src, enabled); err != nil {
				continue
			}
		}
		config, err := falcoconf.LoadCandidate(nothing{}, "falco.config", src, falcoconf.Start{Version: version})
		if err != nil {
			continue
		}
		v, _ := config.Get(d.Path)
		for _, p := range config.Problems() {
			if p.Fatal && p.Line > 0 && p.Origin == v.Origin && strings.Contains(p.Message, d.Path) {
				found = append(found, Finding{Declared: d.Path, Message: p.Message, Hint: p.Hint, Refused: true})
			}
		}
	}
	return found
}

// nothing is a file tree without files.
type nothing struct{}

func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func ask(schema func() ([]byte, error)) *falcoconf.Schema {
	src, err := schema()
	if err != nil {
		return nil
	}
	parsed, err := falcoconf.ParseSchema(src)
	if err != nil {
		return nil
	}
	return &parsed
}

func scalar(value any) bool {
	switch value.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

// unknown says of a key that it is not known, and what to do about it.
func unknown(f falcoconf.Flaw, near string, refused bool) (message, hint string) {
	message = f.Path + " " + f.Reason
	if near != "" {
		message += "; did you mean " + near + "?"
	}
	if !refused {
		return message + ", as far as falco-bootstrap knows", "Falco is asked once it is installed"
	}
	return message, "correct falco.config in the settings; Falco would ignore the key. What only a build of your own reads goes into a file of /etc/falco/config.d"
}

// nearest returns the known key that is most like path, with the indexes of path, or
// "".
func nearest(version, path string) string {
	var shown []string
	for _, key := range falcoconf.Keys(version) {
		for _, index := range indexes(path) {
			key = strings.Replace(key, "[]", index, 1)
		}
		if !strings.Contains(key, "[]") {
			shown = append(shown, key)
		}
	}
	return spelling.Nearest(path, shown)
}

// indexes returns the indexes in a path, such as "[0]".
func indexes(path string) []string {
	var all []string
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, "[")
		if !ok {
			return all
		}
		index, more, _ := strings.Cut(after, "]")
		all, rest = append(all, "["+index+"]"), more
	}
}

// Err is the error of what is refused, with [node.CodeConfig], or nil.
func (f Findings) Err() error {
	var texts []string
	hint := ""
	for _, one := range f {
		if one.Refused {
			texts = append(texts, one.Message)
			hint = one.Hint
		}
	}
	if texts == nil {
		return nil
	}
	return node.ConfigError(errors.New("falco.config: "+strings.Join(texts, "; ")), hint)
}

// Warnings are about what is set all the same.
func (f Findings) Warnings() []node.Warning {
	var all []node.Warning
	for _, one := range f {
		if !one.Refused {
			all = append(all, node.Warning{Message: "falco.config: " + one.Message, Hint: one.Hint})
		}
	}
	return all
}

// LastRun is where the last report is, in which declared lists the keys of falco.yaml
// that were declared.
const LastRun = "/var/lib/falco-bootstrap/last-run.json"

// Undeclared warns of keys that the last run was told to set and that are no longer
// declared, while the main file still sets them. lastRun is the last report, or nil.
func Undeclared(lastRun []byte, declared []falcoconf.Setting, main string, config *falcoconf.Config) []node.Warning {
	var last struct {
		Declared []string `json:"declared"`
	}
	if json.Unmarshal(lastRun, &last) != nil {
		return nil
	}
	var left []string
	for _, path := range last.Declared {
		isIt := func(s falcoconf.Setting) bool { return s.Path == path || strings.HasPrefix(s.Path, path+".") }
		v, set := config.Get(path)
		if set && v.Origin.File == main && !slices.ContainsFunc(declared, isIt) {
			left = append(left, fmt.Sprintf("%s (%s: %s)", path, v.Origin, redact.Value(path, v.Value)))
		}
	}
	if left == nil {
		return nil
	}
	return []node.Warning{{
		Message: "no longer declared in falco.config, and left as it was set: " + strings.Join(left, ", "),
		Hint:    "change it there by hand; or move " + main + " away and run falco-bootstrap, which puts Falco's own file back and sets what is declared",
	}}
}
