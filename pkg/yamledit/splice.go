// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"slices"
	"strings"
)

// A splice replaces the bytes [from, to) by text.
type splice struct {
	from, to int
	text     string
}

// An editor plans the splices that turn the tree of a document into another.
type editor struct {
	d       *document
	in      indentation
	splices []splice
}

// rewrite returns the bytes of d changed so that they read as want.
func (d *document) rewrite(want any) ([]byte, error) {
	if equal(d.tree, want) {
		return d.src, nil
	}
	e := &editor{d: d, in: d.indentation()}
	if err := e.root(want.(map[string]any)); err != nil {
		return nil, err
	}
	out, err := e.apply()
	if err == nil {
		err = prove(out, want)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// prove refuses an edit whose bytes do not read as want.
func prove(out []byte, want any) error {
	const hint = "edit the file by hand, or write the surroundings of the key in plain block style"
	d, err := parse(out)
	if err != nil {
		return unsupported(0, "", "edit would not leave valid YAML ("+err.Error()+")", hint)
	}
	if !equal(d.tree, want) {
		return unsupported(0, "", "edit would change more than was asked", hint)
	}
	return nil
}

// apply returns the document with the splices applied. Splices at one offset keep
// the order in which they were planned. Deletions may overlap.
func (e *editor) apply() ([]byte, error) {
	slices.SortStableFunc(e.splices, func(a, b splice) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, s := range e.splices {
		if s.text == "" && s.from < at {
			s.from = min(at, s.to)
		}
		if s.from < at || s.to < s.from || s.to > len(e.d.src) {
			return nil, unsupported(0, "", "edits overlap", "set fewer keys at once, or edit the file by hand")
		}
		out.Write(e.d.src[at:s.from])
		out.WriteString(s.text)
		at = s.to
	}
	out.Write(e.d.src[at:])
	return out.Bytes(), nil
}

func (e *editor) splice(from, to int, text string) {
	e.splices = append(e.splices, splice{from, to, text})
}

func (e *editor) insert(at int, text string) { e.splice(at, at, text) }

// insertLines inserts lines, each with the line end eol, at the start of a line.
func (e *editor) insertLines(at int, lines []string, eol string) {
	e.insert(at, strings.Join(lines, eol)+eol)
}

// insertAfterLine inserts lines below the line that contains at. If that is the
// last line and has no line end, the file still ends without one.
func (e *editor) insertAfterLine(at int, lines []string) {
	d := e.d
	eol := d.eol(at)
	next := d.nextLine(at)
	if next == len(d.src) && !d.atLineStart(next) {
		e.insert(next, eol+strings.Join(lines, eol))
		return
	}
	e.insertLines(next, lines, eol)
}

// deleteLines deletes the line that contains from, the one that contains to, and
// those between.
func (e *editor) deleteLines(from, to int) {
	d := e.d
	start, next := d.lineStart(from), d.nextLine(to)
	if next == len(d.src) && !d.atLineStart(next) && start > d.lines[0] {
		start -= len(d.eol(start - 1)) // the file still ends without a line end
	}
	e.splice(start, next, "")
}
