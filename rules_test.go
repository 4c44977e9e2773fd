// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package rules holds no code: its tests hold the repository to its house
// rules, so that a laptop without a linter knows of them too.
package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFileLines     = 400
	maxFunctionLines = 80
)

// A source is one Go file of the repository.
type source struct {
	path  string
	text  string
	lines int
	file  *ast.File
	fset  *token.FileSet
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// in reports whether the file lies in one of the folders.
func (s source) in(folders ...string) bool {
	for _, f := range folders {
		if strings.HasPrefix(s.path, f+"/") {
			return true
		}
	}
	return false
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		all = append(all, source{filepath.ToSlash(path), string(text), strings.Count(string(text), "\n"), file, fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found", len(all))
	}
	return all
}

func TestEveryFileHasTheLicenceHeader(t *testing.T) {
	const header = "// Copyright The falco-bootstrap Authors\n// SPDX-License-Identifier: Apache-2.0\n"
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.text, header) {
			t.Errorf("%s: no licence header", s.path)
		}
	}
}

func TestEveryPackageHasOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	for _, s := range sources(t) {
		if s.test() && s.file.Name.Name != "rules" {
			continue
		}
		folder := filepath.Dir(s.path)
		if s.file.Doc != nil {
			comments[folder]++
		} else {
			comments[folder] += 0
		}
	}
	for folder, n := range comments {
		if n != 1 {
			t.Errorf("%s: %d package comments, want 1", folder, n)
		}
	}
}

func TestNothingIsTooLong(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || s.in("test") {
			continue
		}
		if s.lines > maxFileLines {
			t.Errorf("%s: %d lines, want at most %d", s.path, s.lines, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line; n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, want at most %d", s.path, f.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// Who may import what is the architecture.
func TestImportsKeepTheLayers(t *testing.T) {
	const module = "github.com/falco-bootstrap/falco-bootstrap/"
	for _, rule := range []struct {
		folders []string
		barred  []string
		why     string
	}{
		{[]string{"pkg/osrelease", "pkg/yumrepo", "pkg/yamledit", "pkg/falcoconf", "internal/falco", "internal/trust", "internal/settings", "internal/report", "internal/fleet", "internal/redact"}, []string{"os", "os/exec", "net/http"}, "takes bytes and returns bytes"},
		{[]string{"internal/converge", "internal/steps", "internal/verify"}, []string{"os", "os/exec", "net/http", module + "internal/host"}, "sees the node through a View only"},
		{[]string{"pkg", "internal"}, []string{"go.uber.org/zap"}, "returns errors; the command logs"},
		{[]string{"pkg"}, []string{module + "internal"}, "is of use without the agent"},
	} {
		for _, s := range sources(t) {
			if s.test() || !s.in(rule.folders...) {
				continue
			}
			for _, imported := range s.file.Imports {
				path, _ := strconv.Unquote(imported.Path.Value)
				if s.in("internal/redact") && strings.HasPrefix(path, "go.uber.org/zap") {
					continue // it wraps the command's logger
				}
				for _, barred := range rule.barred {
					if path == barred || strings.HasPrefix(path, barred+"/") && strings.Contains(barred, ".") {
						t.Errorf("%s imports %s: that package %s", s.path, path, rule.why)
					}
				}
			}
		}
	}
}

// One place changes files and runs programs, one exits.
func TestCallsKeepToTheirPlace(t *testing.T) {
	writers := "os.WriteFile os.Create os.CreateTemp os.OpenFile os.Rename os.Remove os.RemoveAll os.Mkdir os.MkdirAll os.Chmod os.Chown os.Symlink os.Link os.Truncate exec.Command exec.CommandContext"
	for _, s := range sources(t) {
		if s.test() || s.in("test") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			call := pkg.Name + "." + sel.Sel.Name
			at := s.fset.Position(n.Pos())
			switch {
			case strings.Contains(" "+writers+" ", " "+call+" ") && !s.in("internal/host", "internal/files", "internal/program", "internal/alert", "internal/pkgmgr"):
				t.Errorf("%s: %s: only internal/host and its rooms change files and run programs", at, call)
			case (call == "os.Exit" || call == "context.Background" || call == "context.TODO") && s.path != "cmd/falco-bootstrap/main.go":
				t.Errorf("%s: %s: only main does", at, call)
			}
			return true
		})
	}
}
