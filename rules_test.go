// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package rules has no code. Its tests hold the repository to its house rules:
// who may import and call what, and how long things may be. They also make the
// files that follow from a table of the code.
package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFunctionLines = 80
	maxFileLines     = 400
	maxPackageFiles  = 15
	maxPackageLines  = 2500
)

// A source is one Go file of the repository.
type source struct {
	path  string
	text  string
	lines int
	file  *ast.File
	fset  *token.FileSet
}

// imports returns the import paths by their names in the file.
func (s source) imports() map[string]string {
	all := map[string]string{}
	for _, imported := range s.file.Imports {
		name, _ := strconv.Unquote(imported.Path.Value)
		if imported.Name != nil {
			all[imported.Name.Name] = name
		} else {
			all[path.Base(name)] = name
		}
	}
	return all
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// in reports whether the file is below dir.
func (s source) in(dir string) bool { return strings.HasPrefix(s.path, dir+"/") }

// outside reports whether the file is of a program that is not the agent: those of the
// test node and of the release.
func (s source) outside() bool { return s.in("test") || s.in("packaging") }

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		all = append(all, source{filepath.ToSlash(name), string(text), strings.Count(string(text), "\n"), file, fset})
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

// licensed are the names of files that are sources of ours and not Go.
var licensed = regexp.MustCompile(`(?:\.(?:sh|sh\.in|tf|hcl|ya?ml|service|timer|sysconfig|preset|conf|spec)|/Makefile|/Dockerfile[^/]*|/\.ci/[^/]*|ignore|test/packages/tools/[^/]*)$`)

// TestEveryFileHasTheLicenceHeader leaves out what stands in for a file of others, and
// what a test compares byte by byte.
func TestEveryFileHasTheLicenceHeader(t *testing.T) {
	const header = "// Copyright The falco-bootstrap Authors\n// SPDX-License-Identifier: Apache-2.0\n"
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.text, header) {
			t.Errorf("%s: no licence header", s.path)
		}
	}
	found := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if slices.Contains([]string{".git", ".terraform", "bin", "dist", "testdata"}, d.Name()) || name == "test/packages/falco" {
				return filepath.SkipDir
			}
			return nil
		case !licensed.MatchString("/" + filepath.ToSlash(name)):
			return nil
		}
		found++
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text := string(content)
		if strings.HasPrefix(text, "#!") {
			_, text, _ = strings.Cut(text, "\n")
		}
		if !strings.HasPrefix(text, strings.ReplaceAll(header, "//", "#")) {
			t.Errorf("%s: no licence header", name)
		}
		return nil
	})
	if err != nil || found < 60 {
		t.Errorf("only %d sources besides Go found (%v)", found, err)
	}
}

func TestEveryPackageHasOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	for _, s := range sources(t) {
		if s.test() && s.file.Name.Name != "rules" {
			continue
		}
		comments[path.Dir(s.path)] += 0
		if s.file.Doc != nil {
			comments[path.Dir(s.path)]++
		}
	}
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("%s: %d package comments, want 1", dir, n)
		}
	}
}

func TestNothingIsTooLong(t *testing.T) {
	files, lines := map[string]int{}, map[string]int{}
	for _, s := range sources(t) {
		if s.test() || s.outside() {
			continue
		}
		files[path.Dir(s.path)]++
		lines[path.Dir(s.path)] += s.lines
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
	for dir, n := range files {
		if n > maxPackageFiles || lines[dir] > maxPackageLines {
			t.Errorf("%s: %d files and %d lines, want at most %d and %d", dir, n, lines[dir], maxPackageFiles, maxPackageLines)
		}
	}
}

const module = "github.com/falco-bootstrap/falco-bootstrap/"

// layers lists every package of the agent and the packages that it may import: arrows
// only point down. Every package of internal may import any of pkg.
// docs/architecture.md has the picture.
func layers() map[string]string {
	return map[string]string{
		"cmd/falco-bootstrap": "alert converge falco files fleet host node pkgmgr redact removal report ruleset settings spelling steps support verify vocabulary",
		"internal/steps":      "converge falco inforce node redact repos ruleset settings trust vocabulary",
		"internal/vocabulary": "node redact spelling",
		"internal/removal":    "converge falco inforce ledger node repos settings trust",
		"internal/ledger":     "falco node ruleset",
		"internal/ruleset":    "falco node settings",
		"internal/fleet":      "node redact report",
		"internal/report":     "converge node redact",
		"internal/converge":   "node",
		"internal/host":       "alert falco files inforce ledger node pkgmgr program redact verify",
		"internal/alert":      "falco files node program",
		"internal/pkgmgr":     "falco files node program redact trust",
		"internal/files":      "falco node",
		"internal/program":    "",
		"internal/verify":     "falco node redact",
		"internal/inforce":    "falco node",
		"internal/support":    "falco node program redact settings",
		"internal/settings":   "trust",
		"internal/node":       "",
		"internal/falco":      "",
		"internal/trust":      "",
		"internal/redact":     "",
		"internal/repos":      "node",
		"internal/spelling":   "",
		"pkg/dnfconf":         "yumrepo",
		"pkg/falcoconf":       "yamledit",
		"pkg/falcorules":      "",
		"pkg/logrotate":       "",
		"pkg/osrelease":       "",
		"pkg/systemd":         "",
		"pkg/yamledit":        "",
		"pkg/yumrepo":         "",
	}
}

// owners lists the packages that only a few may import, and their importers.
func owners() map[string]string {
	return map[string]string{
		// Formats are bytes to bytes; planning sees the node through a View.
		"os":                    "cmd/falco-bootstrap internal/alert internal/files internal/host internal/pkgmgr internal/program pkg/systemd",
		"os/exec":               "internal/alert internal/program",
		"net/http":              "internal/pkgmgr internal/support",
		"golang.org/x/sys/unix": "internal/alert internal/files internal/host internal/program",
		// Packages return errors; the command logs.
		"go.uber.org/zap":         "cmd/falco-bootstrap internal/redact",
		"go.uber.org/zap/zapcore": "cmd/falco-bootstrap internal/redact",
	}
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || s.outside() {
			continue
		}
		from := path.Dir(s.path)
		below, known := layers()[from]
		if !known {
			t.Errorf("%s: add the package to layers, with what it may import", s.path)
		}
		for _, imported := range s.imports() {
			to, ours := strings.CutPrefix(imported, module)
			free := strings.HasPrefix(to, "pkg/") && !s.in("pkg")
			if ours && !free && !slices.Contains(strings.Fields(below), path.Base(to)) {
				t.Errorf("%s imports %s: no arrow of layers leads there", s.path, to)
			}
			for owned, by := range owners() {
				if imported == owned && !slices.Contains(strings.Fields(by), from) {
					t.Errorf("%s imports %s: only %s may", s.path, imported, by)
				}
			}
		}
	}
}

func TestArchitectureNamesEveryPackage(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range layers() {
		if !strings.Contains(string(page), path.Base(name)) {
			t.Errorf("docs/architecture.md does not name %s", name)
		}
	}
}

// callers lists the functions that only a few packages or files may call, and their
// callers.
func callers() map[string]string {
	all := map[string]string{
		"os.Exit":            "cmd/falco-bootstrap/main.go",
		"context.Background": "cmd/falco-bootstrap/main.go",
		"context.TODO":       "",
		"fmt.Print":          "",
		"fmt.Printf":         "",
		"fmt.Println":        "",
	}
	// Besides internal/files: the lock, the file that Falco checks, the prober's
	// name, the alert log, and the directory of a bundle.
	writers := "internal/files internal/host/machine.go internal/host/falcocheck.go internal/host/rules.go internal/alert/prober.go internal/alert/follow.go internal/pkgmgr/bundle.go"
	for f := range strings.FieldsSeq("WriteFile Create CreateTemp OpenFile Rename Remove RemoveAll Mkdir MkdirAll MkdirTemp Chmod Chown Chtimes Symlink Link Truncate") {
		all["os."+f] = writers
	}
	return all
}

func TestCalls(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || s.outside() {
			continue
		}
		names := s.imports()
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			call := names[name.Name] + "." + sel.Sel.Name
			by, owned := callers()[call]
			if who := strings.Fields(by); owned && !slices.Contains(who, s.path) && !slices.Contains(who, path.Dir(s.path)) {
				t.Errorf("%s: %s: only %v may call it", s.fset.Position(n.Pos()), call, who)
			}
			return true
		})
	}
}
