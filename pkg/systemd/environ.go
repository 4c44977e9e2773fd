// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"io/fs"
	"slices"
	"strings"
)

// Env returns the environment that the unit's files give its processes, as
// KEY=VALUE: Environment, and over it what the EnvironmentFiles in tree hold,
// which is the machine's files with names of io/fs. A file that cannot be read
// counts as empty.
func (u Unit) Env(tree fs.FS) []string {
	env := slices.Clone(u.Environment)
	for _, pattern := range u.EnvironmentFiles {
		names, _ := fs.Glob(tree, strings.TrimPrefix(pattern, "/"))
		for _, name := range names {
			text, err := fs.ReadFile(tree, name)
			if err == nil {
				env = append(env, assignments(string(text))...)
			}
		}
	}
	return env
}

// assignments reads an environment file as systemd does (systemd.exec(5),
// EnvironmentFile=): one KEY=VALUE a line, comments with # or ;, values in quotes
// or not, and a backslash at the end of a line joins the next one.
func assignments(text string) []string {
	var out []string
	text = strings.ReplaceAll(text, "\\\n", "")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		out = append(out, strings.TrimSpace(key)+"="+unquote(strings.TrimSpace(value)))
	}
	return out
}

// unquote removes the quotes around a value, and the backslashes in it.
func unquote(value string) string {
	var out strings.Builder
	quote := byte(0)
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && quote != '\'' && i+1 < len(value):
			i++
			out.WriteByte(value[i])
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
