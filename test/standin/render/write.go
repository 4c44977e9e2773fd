// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// write renders the era's spec file and tree below out/falco/VERSION.
func (e era) write(templates, out string) error {
	base := filepath.Join(out, "falco", e.Version)
	list := append(e.files(), file{"falco.spec.tmpl", "../falco.spec", e, 0o644})
	for _, f := range list {
		to := filepath.Join(base, "root", f.path)
		if err := expand(filepath.Join(templates, "falco", f.template), to, f.data, os.FileMode(f.mode)); err != nil {
			return err
		}
	}
	dirs := []string{"etc/falco/rules.d"}
	if e.Minor >= 38 {
		dirs = append(dirs, "etc/falco/config.d")
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(base, "root", dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// expand writes the file at from to the path to. If its name ends in .tmpl, it is
// a template and is given data; any other file is copied.
func expand(from, to string, data any, mode os.FileMode) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if strings.HasSuffix(from, ".tmpl") {
		t, err := template.New(filepath.Base(from)).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return fmt.Errorf("parsing %s: %w", from, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return fmt.Errorf("expanding %s: %w", from, err)
		}
		text = b.Bytes()
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, mode)
}
