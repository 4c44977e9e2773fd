// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package messages makes a catalogue of the errors that the agent can produce, from
// its source.
package messages

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Message is a place in the source that makes an error with an exit status.
type Message struct {
	File string
	Func string
	Code string // the expression, such as node.CodeTrust
	// Hint and Format are texts in which … stands for what is known only later.
	Hint, Format string
}

// unknown stands for what a text has from a variable or a call.
const unknown = "…"

// A maker is a function that makes an error of a hint and a text, which are its
// arguments with these numbers. -1 stands for none.
// text is the text itself if it is none of them.
type maker struct {
	code, hint, format int
	text               string
}

// A reader reads the source of one package.
type reader struct {
	texts  map[string]ast.Expr // constants and variables by name
	makers map[string]maker
	file   string
	in     *ast.FuncDecl
	found  []Message
}

// All lists the messages of the agent whose source is in root.
func All(root string) ([]Message, error) {
	var all []Message
	err := eachPackage(root, func(files map[string]*ast.File) {
		r := &reader{texts: map[string]ast.Expr{}, makers: map[string]maker{
			"node.Errorf": {0, 1, 2, ""}, "node.ConfigError": {-1, 1, 0, ""},
		}}
		for _, f := range files {
			r.declared(f)
		}
		// A maker may call another.
		for known := -1; known != len(r.makers); {
			known, r.found = len(r.makers), nil
			for name, f := range files {
				r.read(name, f)
			}
		}
		all = append(all, r.found...)
	})
	slices.SortStableFunc(all, func(a, b Message) int { return strings.Compare(a.String(), b.String()) })
	return all, err
}

func (r *reader) read(name string, f *ast.File) {
	r.file = name
	for _, d := range f.Decls {
		r.in, _ = d.(*ast.FuncDecl)
		ast.Inspect(d, r.visit)
	}
}

// eachPackage parses the packages of the agent, without their tests.
func eachPackage(root string, read func(map[string]*ast.File)) error {
	packages := map[string]map[string]*ast.File{}
	for _, top := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			dir := filepath.Dir(name)
			if packages[dir] == nil {
				packages[dir] = map[string]*ast.File{}
			}
			short, err := filepath.Rel(root, name)
			packages[dir][filepath.ToSlash(short)] = file
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, files := range packages {
		read(files)
	}
	return nil
}

// declared notes the constants and variables of a file that are one text.
func (r *reader) declared(f *ast.File) {
	for _, d := range f.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range general.Specs {
			if v, ok := s.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
				for i, name := range v.Names {
					r.texts[name.Name] = v.Values[i]
				}
			}
		}
	}
}

// visit notes the calls and literals that make an error.
func (r *reader) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := nameOf(n.Fun)
		m, known := r.makers[name]
		if !known {
			m, known = r.makers[name[strings.LastIndex(name, ".")+1:]]
		}
		arg := func(i int) ast.Expr {
			if i < 0 || i >= len(n.Args) {
				return nil
			}
			return n.Args[i]
		}
		if known && arg(m.hint) != nil {
			r.add(arg(m.code), arg(m.hint), arg(m.format), m.text)
		}
	case *ast.CompositeLit:
		if name := nameOf(n.Type); slices.Contains([]string{"node.Error", "Error", "KeyError", "Problem"}, name) {
			r.literal(name, n)
		}
	}
	return true
}

// literal notes a composite literal that has a hint, or one that must have one.
func (r *reader) literal(name string, lit *ast.CompositeLit) {
	fields := map[string]ast.Expr{}
	for _, e := range lit.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			fields[nameOf(pair.Key)] = pair.Value
		}
	}
	text := fields["Err"]
	for _, name := range []string{"Reason", "Message"} {
		if fields[name] != nil {
			text = fields[name]
		}
	}
	if fields["Hint"] != nil || name == "node.Error" && text != nil {
		r.add(fields["Code"], fields["Hint"], text, "")
	}
}

// add notes a message, or that the function makes one of its arguments.
func (r *reader) add(code, hint, format ast.Expr, text string) {
	if format != nil {
		text = r.text(format, 0)
	}
	if i := r.parameter(hint); i >= 0 {
		r.makers[r.in.Name.Name] = maker{r.parameter(code), i, r.parameter(format), text}
		return
	}
	m := Message{File: r.file, Code: nameOf(code), Hint: r.text(hint, 0), Format: text}
	if r.in != nil {
		m.Func = r.in.Name.Name
	}
	r.found = append(r.found, m)
}

// parameter returns which parameter of the function an expression is, or -1.
func (r *reader) parameter(e ast.Expr) int {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) > 0 && slices.Contains(wrappers, nameOf(call.Fun)) {
		e = call.Args[0]
	}
	name, ok := e.(*ast.Ident)
	if !ok || r.in == nil {
		return -1
	}
	i := 0
	for _, field := range r.in.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name.Name {
				return i
			}
			i++
		}
	}
	return -1
}

// wrappers are the calls that make an error or a text of their first argument.
var wrappers = []string{"fmt.Errorf", "errors.New", "fmt.Sprintf"}

// text returns an expression as far as it is known.
func (r *reader) text(e ast.Expr, depth int) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			return unknown
		}
		return text
	case *ast.BinaryExpr:
		return r.text(e.X, depth) + r.text(e.Y, depth)
	case *ast.Ident:
		if known := r.texts[e.Name]; known != nil && depth < 5 {
			return r.text(known, depth+1)
		}
	case *ast.CallExpr:
		if len(e.Args) > 0 && slices.Contains(wrappers, nameOf(e.Fun)) {
			return r.text(e.Args[0], depth)
		}
	}
	return unknown
}

// nameOf returns a name as it is written, such as node.Errorf.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	default:
		return ""
	}
}

// command matches a command in a text: in back quotes, in parentheses, or the agent's
// own.
var command = regexp.MustCompile("`([a-z][^`]+)`" +
	`|\(((?:ausearch|df|dmesg|dnf|findmnt|ls|lsattr|lslocks|namei|rpm|yum)(?:,? [^)]+)?)\)` +
	`|(?:^|[ :;(])(falco-bootstrap(?: (?:bundle DIR|config check|config show|explain|report|verify|version))(?: --[a-z-]+)?)`)

// Commands lists the commands that the texts of the agent name, each once.
func Commands(root string) ([]string, error) {
	var all []string
	err := eachPackage(root, func(files map[string]*ast.File) {
		r := &reader{texts: map[string]ast.Expr{}}
		for _, f := range files {
			r.declared(f)
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				_, sum := e.(*ast.BinaryExpr)
				_, one := e.(*ast.BasicLit)
				if !sum && !one {
					return true
				}
				for _, m := range command.FindAllStringSubmatch(r.text(e, 0), -1) {
					all = append(all, m[1]+m[2]+m[3])
				}
				return !sum
			})
		}
	})
	slices.Sort(all)
	return slices.Compact(all), err
}

// String formats a message for a failure.
func (m Message) String() string {
	return fmt.Sprintf("%s, %s: %q (%s), hint %q", m.File, m.Func, m.Format, m.Code, m.Hint)
}
