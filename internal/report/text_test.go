// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

func textOf(t *testing.T, r report.Report, opt report.TextOptions) string {
	t.Helper()
	var buf bytes.Buffer
	if err := r.Text(&buf, opt); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// oneStep returns the text of a single pending step, without the lines around
// it.
func oneStep(t *testing.T, changes ...node.Change) string {
	t.Helper()
	r := report.New(report.Meta{Mode: report.ModeConverge}, converge.Result{Steps: []converge.StepResult{
		step("x", converge.StatusPending, "", changes...),
	}})
	text, found := strings.CutPrefix(textOf(t, r, report.TextOptions{}), "x  pending\n")
	text, ends := strings.CutSuffix(text, "\n1 to change\n")
	if !found || !ends {
		t.Fatalf("unexpected frame of %q", text)
	}
	return text
}

func TestTextOfChanges(t *testing.T) {
	unit := func(name string, action node.UnitAction, from, to string) node.Change {
		return node.ChangeUnit{Unit: name, Action: action, From: from, To: to}
	}
	for _, tt := range []struct {
		name    string
		changes []node.Change
		want    string
	}{
		{
			name: "changes of a unit are one line, even with others between them",
			changes: []node.Change{
				unit("a.service", node.Unmask, "masked", "disabled"), unit("b.service", node.Stop, "running", "stopped"),
				unit("a.service", node.Enable, "disabled", "enabled"), unit("a.service", node.Start, "inactive", "running"),
			},
			want: "    a.service: masked → disabled, enabled, running\n    b.service: running → stopped\n",
		},
		{name: "a unit without states", changes: []node.Change{unit("a.service", node.Restart, "", "")}, want: "    a.service: restarted\n"},
		{name: "reload of the manager", changes: []node.Change{unit("a.service", node.ReloadManager, "", "")}, want: "    systemd: stale → unit files read again\n"},
		{
			name:    "packages are aligned",
			changes: []node.Change{node.Install{Action: "install", Targets: []node.Target{{Name: "falco", Old: "0.9", New: "0.44.1"}, {Name: "dkms"}}}},
			want:    "    falco  0.9    → 0.44.1\n    dkms   absent → newest\n",
		},
		{
			name:    "a package is removed",
			changes: []node.Change{node.Install{Action: "remove", Targets: []node.Target{{Name: "falco", Old: "0.44.1"}}}},
			want:    "    falco  0.44.1 → removed\n",
		},
		{
			name:    "a package is reinstalled",
			changes: []node.Change{node.Install{Action: "reinstall", Targets: []node.Target{{Name: "falco", Old: "0.44.1", New: "0.44.1"}}}},
			want:    "    falco  0.44.1 → 0.44.1, reinstalled\n",
		},
		{name: "a key is removed", changes: []node.Change{node.RemoveKey{Package: "gpg-pubkey-3676-5d8a"}}, want: "    key gpg-pubkey-3676-5d8a  present → removed\n"},
		{name: "a module", changes: []node.Change{node.BuildModule{Kernel: "5.14"}}, want: "    kernel module  absent → built for 5.14\n"},
		{name: "a mode", changes: []node.Change{node.Chmod{Path: "/a", Old: 0o4755, New: 0o600}}, want: "    /a  mode 0755 → 0600\n"},
		{name: "a group", changes: []node.Change{node.Chgrp{Path: "/a", Old: "0", New: "adm", GID: 4}}, want: "    /a  group 0 → adm\n"},
		{name: "a file of unknown content", changes: []node.Change{node.RemoveFile{Path: "/a"}}, want: "    remove /a\n"},
		{name: "an empty file", changes: []node.Change{node.WriteFile{Path: "/a", Mode: 0o600}}, want: "    write /a\n"},
		{
			name:    "line endings are shown",
			changes: []node.Change{node.WriteFile{Path: "/a", Old: []byte("a\n"), New: []byte("a\r\n")}},
			want:    "    --- /a\n    +++ /a\n    @@ -1,1 +1,1 @@\n    -a\n    +a\\r\n",
		},
		{
			name:    "a changed secret shows two lines and no value",
			changes: []node.Change{node.WriteFile{Path: "/a", Old: []byte("token: a\n"), New: []byte("token: b")}},
			want:    "    --- /a\n    +++ /a\n    @@ -1,1 +1,1 @@\n    -token: [redacted]\n    +token: [redacted]\n    \\ No newline at end of file\n",
		},
		{
			name:    "a line that looks like the end of a hunk",
			changes: []node.Change{node.WriteFile{Path: "/a", Old: []byte("-- x\n@@ -9,9 +9,9 @@\n"), New: []byte("++ y\n@@ -9,9 +9,9 @@\n")}},
			want:    "    --- /a\n    +++ /a\n    @@ -1,2 +1,2 @@\n    --- x\n    +++ y\n     @@ -9,9 +9,9 @@\n",
		},
		{
			name:    "binary",
			changes: []node.Change{node.WriteFile{Path: "/a", Old: []byte("a\x00b"), New: []byte("text")}},
			want:    "    /a: binary, 3 bytes → 4 bytes\n",
		},
		{
			name:    "a new file too large to show",
			changes: []node.Change{node.WriteFile{Path: "/a", New: bytes.Repeat([]byte("x\n"), 1<<20)}},
			want:    "    /a: too large to show, absent → 2097152 bytes\n",
		},
		{
			name:    "a long line",
			changes: []node.Change{node.WriteFile{Path: "/a", New: []byte(strings.Repeat("é", 1000) + "\n")}},
			want:    "    --- /dev/null\n    +++ /a\n    @@ -0,0 +1,1 @@\n    +" + strings.Repeat("é", 199) + "… (1602 more bytes)\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, oneStep(t, tt.changes...)); d != "" {
				t.Errorf("Text (-want +got):\n%s", d)
			}
		})
	}
}

func TestDiffIsBounded(t *testing.T) {
	var content strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&content, "line %d\n", i)
	}
	text := oneStep(t, node.WriteFile{Path: "/a", New: []byte(content.String())})
	// The diff has 1000 lines and three of headers.
	if n := strings.Count(text, "\n"); n != 201 || !strings.HasSuffix(text, "    … 803 more lines\n") {
		t.Errorf("Text has %d lines and ends in %q, want 201 and the number of omitted lines", n, text[len(text)-40:])
	}
}

// A run that has written a new file names it; a dry run shows what is in it. Lines are
// broken between words, and what failed comes last.
func TestTextOfARun(t *testing.T) {
	result := converge.Result{Steps: []converge.StepResult{
		{ID: "a", Status: converge.StatusChanged, Reason: "a reason of several words that is long", Changes: []node.Change{
			node.WriteFile{Path: "/new", New: []byte("x\n")},
			node.RemoveFile{Path: "/old", Old: []byte("++ /dev/null\n")},
			node.WriteFile{Path: "/b", Old: []byte("x\n"), New: []byte("++ /dev/null\n")},
			node.Install{Action: "install", Targets: []node.Target{{Name: "falco"}, {Name: "dkms"}}},
		}},
		{ID: "b", Status: converge.StatusFailed, Err: node.Errorf(node.CodePackages, "do this", "the words of an error, /a/path/which/cannot/be/broken/anywhere")},
		{ID: "c", Status: converge.StatusSkipped, Reason: "not reached: b failed"},
		{ID: "d", Status: converge.StatusSkipped, Reason: "not reached: b failed"},
	}}
	result.Err = result.Steps[1].Err
	r := report.New(report.Meta{Mode: report.ModeConverge, Falco: &report.Falco{Version: "0.44.1"}}, result)
	var b strings.Builder
	if err := r.Text(&b, report.TextOptions{Width: 32}); err != nil {
		t.Fatal(err)
	}
	const want = `a  changed  a reason of several
    words that is long
    write /new
    remove /old
    --- /b
    +++ /b
    @@ -1,1 +1,1 @@
    -x
    +++ /dev/null
    falco  absent → 0.44.1
    dkms   absent → newest
b  failed
not reached: c, d

1 changed, 2 skipped, 1 failed, exit 5 (packages)

error: the words of an error,
       /a/path/which/cannot/be/broken/anywhere
hint:  do this
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("Text (-want +got):\n%s", diff)
	}
}

// In a journal what is wrong has a priority.
func TestJournal(t *testing.T) {
	result := converge.Result{Steps: []converge.StepResult{
		{ID: "a", Status: converge.StatusOK, Warnings: []node.Warning{{Message: "two\nlines", Hint: "h"}}},
		{ID: "b", Status: converge.StatusFailed, Err: node.Errorf(node.CodePackages, "do this", "no")},
	}}
	result.Err = result.Steps[1].Err
	var b strings.Builder
	if err := report.New(report.Meta{}, result).Journal(&b); err != nil {
		t.Fatal(err)
	}
	const want = "<4>a: warning: two lines\n<4>a: hint: h\n<6>1 in order, 1 failed, exit 5 (packages)\n<3>error: no\n<3>hint: do this\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("Journal (-want +got):\n%s", diff)
	}
}

// Color adds only colours, and no control character from the node reaches the
// terminal.
func TestTextColor(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]+m")
	for _, g := range goldens() {
		r := report.New(g.meta, g.result)
		plain, colored := textOf(t, r, report.TextOptions{}), textOf(t, r, report.TextOptions{Color: true})
		if !escape.MatchString(colored) || strings.Contains(plain, "\x1b") {
			t.Errorf("%s: colour in %q and none in %q, want the reverse", g.name, plain, colored)
		}
		if d := cmp.Diff(plain, escape.ReplaceAllString(colored, "")); d != "" {
			t.Errorf("%s: text without its colours (-want +got):\n%s", g.name, d)
		}
	}
}

func TestTextShowsControlCharacters(t *testing.T) {
	evil := "\x1b[2J\x07\u202ebad\rgone"
	s := step("x", converge.StatusFailed, evil, node.WriteFile{Path: "/a", Old: []byte(evil), New: []byte("b\n")}, node.ChangeUnit{Unit: evil, Action: node.Stop})
	s.Err = &node.Error{Code: node.CodeFailed, Err: errors.New(evil), Hint: evil}
	s.Unknown, s.Warnings = []string{evil}, []node.Warning{{Message: evil}}
	m := meta(report.ModeDryRun)
	m.Host.Hostname, m.Root = evil, evil
	text := textOf(t, report.New(m, converge.Result{Steps: []converge.StepResult{s}, Err: s.Err}), report.TextOptions{})
	if i := strings.IndexAny(text, "\x1b\x07\u202e\r"); i >= 0 {
		t.Errorf("Text sends %q to the terminal", text[i:i+1])
	}
	if !strings.Contains(text, `\x1b[2J\a\u202ebad\rgone`) {
		t.Errorf("Text = %q, want control characters as escapes", text)
	}
}

func TestTally(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		statuses   []converge.Status
		err        error
	}{
		{name: "dry run", statuses: []converge.Status{"pending", "pending", "pending", "ok", "ok", "ok", "ok", "ok", "waiting"}, want: "3 to change, 5 in order, 1 waiting"},
		{name: "run", statuses: []converge.Status{"changed", "changed", "changed", "ok", "ok", "ok", "ok", "ok"}, want: "3 changed, 5 in order"},
		{name: "again", statuses: []converge.Status{"ok", "ok"}, want: "nothing to change, 2 in order"},
		{name: "not root", statuses: []converge.Status{"ok", "unknown"}, want: "1 in order, 1 unknown"},
		{name: "failed", statuses: []converge.Status{"ok", "failed"}, err: errors.New("x"), want: "1 in order, 1 failed, exit 1 (failed)"},
		{name: "nothing", want: "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result := converge.Result{Err: tt.err}
			for i, s := range tt.statuses {
				result.Steps = append(result.Steps, converge.StepResult{ID: fmt.Sprint(i), Status: s})
			}
			if s := result.Steps; tt.err != nil {
				s[len(s)-1].Err = tt.err
			}
			text, _, _ := strings.Cut(textOf(t, report.New(report.Meta{}, result), report.TextOptions{}), "\n\nerror: ")
			lines := strings.Split(strings.TrimSpace(text), "\n")
			if got := lines[len(lines)-1]; got != tt.want {
				t.Errorf("last line = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewResult(t *testing.T) {
	trust := &node.Error{Code: node.CodeTrust, Err: errors.New("wrong key"), Hint: "look"}
	for _, tt := range []struct {
		name     string
		statuses []converge.Status
		stepErr  error
		err      error
		meta     report.Meta
		result   string
		code     int
		outside  bool
	}{
		{name: "nothing", result: "ok"},
		{name: "in order", statuses: []converge.Status{"ok", "skipped"}, result: "ok"},
		{name: "changed", statuses: []converge.Status{"changed", "ok"}, result: "changed"},
		{name: "pending", statuses: []converge.Status{"pending", "ok"}, result: "pending", code: 2},
		{name: "only waiting", statuses: []converge.Status{"waiting"}, result: "pending", code: 2},
		{name: "unknown is not in order", statuses: []converge.Status{"ok", "unknown"}, result: "unknown", code: 1},
		{name: "unknown, and pending by the caller's choice", statuses: []converge.Status{"ok", "unknown"}, meta: report.Meta{Exit: node.CodePending}, result: "unknown", code: 2},
		{name: "unknown and pending", statuses: []converge.Status{"pending", "unknown"}, result: "pending", code: 2},
		{name: "a failed step", statuses: []converge.Status{"failed"}, stepErr: trust, err: trust, result: "failed", code: 4},
		{name: "the same failure twice", statuses: []converge.Status{"failed"}, stepErr: trust, err: trust, meta: report.Meta{Err: trust}, result: "failed", code: 4},
		{name: "another failure too", statuses: []converge.Status{"failed"}, stepErr: trust, err: trust, meta: report.Meta{Err: errors.New("disk full")}, result: "failed", code: 4, outside: true},
		{name: "did not converge", statuses: []converge.Status{"changed"}, err: errors.New("did not converge"), result: "failed", code: 1, outside: true},
		{name: "no step reached", meta: report.Meta{Err: &node.Error{Code: node.CodeLocked, Err: errors.New("locked")}}, result: "failed", code: 8, outside: true},
		{name: "the caller's choice", statuses: []converge.Status{"ok"}, meta: report.Meta{Exit: node.CodeNotRunning}, result: "failed", code: 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := converge.Result{Err: tt.err}
			for _, s := range tt.statuses {
				in.Steps = append(in.Steps, converge.StepResult{ID: "x", Status: s, Err: tt.stepErr})
			}
			got := report.New(tt.meta, in)
			if got.Result != tt.result || got.Exit.Code != tt.code || got.Exit.Name != node.Code(tt.code).String() || (got.Error != nil) != tt.outside {
				t.Errorf("New(%s) = %s, %+v, error %v, want %s, %d, error %t", tt.name, got.Result, got.Exit, got.Error, tt.result, tt.code, tt.outside)
			}
		})
	}
}

func TestNewTimes(t *testing.T) {
	m := meta(report.ModeDryRun)
	m.Started = m.Started.In(time.FixedZone("", 3600))
	got := report.New(m, converge.Result{})
	if s := got.Started.Format(time.RFC3339Nano); s != "2026-03-01T03:00:00.123Z" || got.DurationMS != 41.679 {
		t.Errorf("New: started %s, %v ms, want UTC to the millisecond and the duration to the microsecond", s, got.DurationMS)
	}
}
