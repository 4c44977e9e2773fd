// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

const (
	maxDiffLines = 200     // of one file; the rest is counted
	maxDiffLine  = 400     // bytes of one line
	maxDiffFile  = 1 << 20 // bytes of a file; a larger one is not compared
)

// fileDiff returns the unified diff of a file, redacted and bounded, and how
// many lines are left out at its end. Nil before or after means no file.
func fileDiff(path string, before, after []byte) (text string, omitted int) {
	path = redact.Text(path)
	if say := incomparable(path, before, after); say != "" {
		return say, 0
	}
	from, to := path, path
	if before == nil {
		from = "/dev/null"
	}
	if after == nil {
		to = "/dev/null"
	}
	// The files are compared unredacted, so that a changed secret is a changed
	// line. The lines shown come from the redacted files, because a hunk alone
	// does not show which key a value belongs to.
	raw := strings.TrimSuffix(string(diff.Diff("", before, "", after)), "\n")
	if raw == "" {
		return "", 0
	}
	shown := func(file []byte) []string { return strings.Split(redact.Text(string(file)), "\n") }
	lines := []string{clip("--- " + from), clip("+++ " + to)}
	lines = append(lines, hideLines(strings.Split(raw, "\n")[3:], shown(before), shown(after))...)
	if len(lines) > maxDiffLines {
		omitted = len(lines) - maxDiffLines
		lines = lines[:maxDiffLines]
	}
	return strings.Join(lines, "\n") + "\n", omitted
}

// incomparable returns a sentence if there can be no diff, or "".
func incomparable(path string, before, after []byte) string {
	var what string
	switch {
	case len(before) > maxDiffFile || len(after) > maxDiffFile:
		what = "too large to show"
	case bytes.IndexByte(before, 0) >= 0 || bytes.IndexByte(after, 0) >= 0:
		what = "binary"
	default:
		return ""
	}
	size := func(b []byte) string {
		if b == nil {
			return "absent"
		}
		return fmt.Sprintf("%d bytes", len(b))
	}
	return fmt.Sprintf("%s: %s, %s → %s\n", path, what, size(before), size(after))
}

// hideLines returns the hunks of a diff with the lines of the redacted files in
// place of the originals.
func hideLines(hunks, before, after []string) []string {
	var out []string
	var i, j int // the next lines of the files
	for _, line := range hunks {
		switch line[0] {
		case '@':
			var n int
			_, _ = fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &i, &n, &j, &n)
			i, j = max(i-1, 0), max(j-1, 0)
		case '-':
			line = "-" + at(before, i)
			i++
		case '+':
			line = "+" + at(after, j)
			j++
		case ' ':
			line = " " + at(after, j)
			i, j = i+1, j+1
		}
		out = append(out, clip(line))
	}
	return out
}

// at returns a line. If it does not exist, redaction has lost a line, and nothing
// may be shown.
func at(lines []string, i int) string {
	if i >= len(lines) {
		return redact.Mask
	}
	return lines[i]
}

// clip bounds a line and makes it valid UTF-8.
func clip(line string) string {
	if len(line) > maxDiffLine {
		cut := maxDiffLine
		for cut > 0 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		line = fmt.Sprintf("%s… (%d more bytes)", line[:cut], len(line)-cut)
	}
	return strings.ToValidUTF8(line, "\uFFFD")
}
