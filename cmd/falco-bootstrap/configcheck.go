// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
	"github.com/falco-bootstrap/falco-bootstrap/internal/vocabulary"
)

// A checkedFile is the result of `config check` for one settings file.
type checkedFile struct {
	File string `json:"file"`
	// Exit is the exit status that a run with the file would have because of it.
	Exit     int       `json:"exit"`
	Problems []problem `json:"problems"`
	// Node says what was asked of the node, or why nothing was.
	Node string `json:"node"`
}

// A problem is one line of `config check`.
type problem struct {
	Line    int    `json:"line,omitempty"`
	Warning bool   `json:"warning,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE...]",
		Short: "Say what is wrong with settings files, all of it, with its lines",
		Long: `check reads settings files, or standard input if a name is -, and says everything
that is wrong with them. Without a name it reads the file that a run would read.
Flags and variables of the environment win over each file, as in a run.

Where Falco is installed, it also says what Falco would make of its configuration
and rules with these settings. It changes nothing and needs no root, though only
root can ask Falco itself.

It exits with 64 if a settings file is wrong, else with 6 if Falco would ignore or
refuse a declared key, else with 0.`,
		Example: `  falco-bootstrap config check
  falco-bootstrap config check nodes/*.yaml
  sudo falco-bootstrap config check --set file_output.enabled=true`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.configCheck(cmd, args) },
	}
}

func (a *app) configCheck(cmd *cobra.Command, names []string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), a.options.timeout)
	defer cancel()
	if len(names) == 0 {
		names = []string{a.options.config}
	}
	all := []checkedFile{}
	for _, name := range names {
		file, err := a.checkFile(ctx, name)
		if err != nil {
			return err
		}
		all = append(all, file)
		if code := node.Code(file.Exit); a.code != node.CodeUsage && code != node.CodeOK {
			a.code = code
		}
	}
	if a.options.output == "json" {
		return a.json(map[string]any{"files": all})
	}
	for _, file := range all {
		file.print(a.stdout)
	}
	return nil
}

// checkFile checks one settings file: "" is the one that a run would read, if it
// exists, and "-" is standard input.
func (a *app) checkFile(ctx context.Context, name string) (checkedFile, error) {
	src, err := a.settingsOf(name)
	if err != nil {
		return checkedFile{}, usage(fmt.Errorf("reading the settings: %w", err), "name a settings file, or - for standard input")
	}
	out := checkedFile{File: name, Problems: []problem{}}
	switch name {
	case "":
		out.File = settings.Path
	case "-":
		out.File = "standard input"
	}
	s, found := settings.Examine(src)
	for _, p := range found {
		out.add(node.CodeUsage, problem{Line: p.Line, Message: p.Message, Hint: p.Hint})
	}
	over, err := a.flags.Over(s)
	if err == nil {
		s = over
		err = s.Check()
	}
	if err != nil { // of a flag: what is wrong with the file is gone
		out.add(node.CodeUsage, problem{Message: err.Error()})
	}
	for _, f := range vocabulary.Check(s.Falco.Version, s.Declared(), nil) {
		p := problem{Line: settings.Line(src, "falco.config."+f.Declared), Message: "falco.config: " + f.Message, Hint: f.Hint, Warning: !f.Refused}
		out.add(node.CodeConfig, p)
	}
	for i, f := range s.Falco.Rules {
		for _, p := range ruleset.Malformed(f.Content, s.Falco.Version) {
			line := settings.Line(src, fmt.Sprintf("falco.rules[%d].content", i))
			if isBlock(src, line) {
				line += p.Line
			}
			out.add(node.CodeConfig, problem{Line: line, Message: "falco.rules " + f.Name + ": " + p.Text()})
		}
	}
	if out.Exit == 0 {
		a.checkNode(ctx, s, &out)
	} else {
		out.Node = "not looked at: the settings come first"
	}
	return out, nil
}

// isBlock reports whether a line of src begins a block of text, as content: | does.
func isBlock(src []byte, line int) bool {
	lines := strings.Split(string(src), "\n")
	return line > 0 && line <= len(lines) && strings.HasSuffix(strings.TrimRight(lines[line-1], " \r+-"), "|")
}

// settingsOf returns the content of a settings file.
func (a *app) settingsOf(name string) ([]byte, error) {
	switch name {
	case "-":
		src, err := io.ReadAll(io.LimitReader(a.stdin, maxSettings+1))
		if err == nil && len(src) > maxSettings {
			err = fmt.Errorf("standard input is larger than %d bytes", maxSettings)
		}
		return src, err
	case "":
		src, err := a.readFile(settings.Path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return src, err
	}
	return a.readFile(name)
}

// add adds a problem. A wrong settings file wins over what Falco says.
func (f *checkedFile) add(code node.Code, p problem) {
	p.Message, p.Hint = redact.Text(p.Message), redact.Text(p.Hint)
	f.Problems = append(f.Problems, p)
	if !p.Warning && f.Exit != int(node.CodeUsage) {
		f.Exit = int(code)
	}
}

// checkNode says what the Falco of this node would make of the settings.
func (a *app) checkNode(ctx context.Context, s settings.Settings, out *checkedFile) {
	v, err := a.view(ctx, a.hostOptions())
	if err != nil {
		out.Node = "not looked at: " + redact.Text(err.Error())
		return
	}
	defer v.Close()
	if _, err := v.Stat(falco.ConfigFile); err != nil {
		out.Node = "not looked at: there is no " + falco.ConfigFile
		return
	}
	out.Node = "Falco's configuration and rules were looked at"
	for _, step := range converge.Plan(ctx, v, steps.Configuration(s)).Steps {
		for _, w := range step.Warnings {
			out.add(node.CodeOK, problem{Warning: true, Message: w.Message, Hint: w.Hint})
		}
		for _, text := range step.Unknown {
			out.add(node.CodeOK, problem{Warning: true, Message: text})
		}
		switch code := node.CodeOf(step.Err); code {
		case node.CodeOK:
		case node.CodePreflight:
			out.Node = "not looked at: " + redact.Text(step.Err.Error())
			return
		default:
			out.add(code, problem{Message: step.Err.Error(), Hint: node.HintOf(step.Err)})
		}
	}
}

// print writes a line for each problem, with its hint below it.
func (f checkedFile) print(w io.Writer) {
	for _, p := range f.Problems {
		at := f.File
		if p.Line > 0 {
			at += fmt.Sprintf(":%d", p.Line)
		}
		word := "error"
		if p.Warning {
			word = "warning"
		}
		fmt.Fprintf(w, "%s: %s: %s\n", at, word, strings.TrimSpace(p.Message))
		if p.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", p.Hint)
		}
	}
	if f.Exit == 0 {
		fmt.Fprintf(w, "%s: ok\n", f.File)
	}
	fmt.Fprintf(w, "%s: node: %s\n", f.File, f.Node)
}
