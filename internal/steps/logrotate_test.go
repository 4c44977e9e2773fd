// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/logrotate"
)

const shippedRotation = "weekly\nrotate 4\ncreate\ndateext\ninclude /etc/logrotate.d\n"

const logrotateDir = "/etc/logrotate.d"

// Whatever else there is for logrotate, after a run exactly one rule has the log,
// and who rotates it in another way is named.
func TestRotation(t *testing.T) {
	const block = "/var/log/falco.log {\n  size 100M\n  rotate 7\n}\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		set   func(*settings.Settings)
		ours  bool     // the agent's file is there after a run
		has   string   // what is in it besides
		says  []string // in the warning; none if empty
	}{
		{name: "nothing else", ours: true},
		{name: "a name that logrotate skips", files: map[string]string{logrotateDir + "/falco.rpmsave": block, logrotateDir + "/falco.disabled": block, logrotateDir + "/falco~": block}, ours: true},
		{name: "a comment", files: map[string]string{logrotateDir + "/falco": "# " + block + "/var/log/x {\n}\n"}, ours: true},
		{name: "as declared", files: map[string]string{logrotateDir + "/falco": block}},
		{name: "as declared, in other units", files: map[string]string{logrotateDir + "/falco": "/var/log/falco.log {\n  size 102400k\n  rotate 7\n}\n"}},
		{
			name:  "a pattern",
			files: map[string]string{logrotateDir + "/syslog": "# c\n/var/log/messages\n/var/log/*.log\n{\n  rotate 3\n}\n"},
			says:  []string{logrotateDir + "/syslog:2 already rotates /var/log/falco.log", "weekly instead of size 100M", "rotate 3 instead of 7"},
		},
		{
			name:  "the main file",
			files: map[string]string{logrotate.Main: shippedRotation + "/var/log/falco.log {\n  daily\n}\n"},
			says:  []string{logrotate.Main + ":6 already", "daily instead of size 100M"},
		},
		{
			name:  "another directory",
			files: map[string]string{logrotate.Main: shippedRotation + "include /etc/site\n", "/etc/site/all": "/var/log/f*.log {\n  size 1k\n  rotate 7\n  copytruncate\n}\n"},
			says:  []string{"/etc/site/all:1", "size 1k instead", "copytruncate can lose alerts"},
		},
		{
			name:  "a mode",
			files: map[string]string{logrotateDir + "/falco": "/var/log/falco.log {\n  size 100M\n  rotate 7\n  create 0644 root root\n}\n"},
			says:  []string{"mode 0644 instead of 0600"},
		},
		{
			name:  "keep_alive without a signal",
			files: map[string]string{logrotateDir + "/falco": block},
			set:   func(s *settings.Settings) { s.Falco.Config["file_output.keep_alive"] = true },
			says:  []string{"SIGUSR1"},
		},
		{
			name:  "keep_alive that is not declared",
			files: map[string]string{logrotateDir + "/falco": block, falco.ConfigFile: "rules_files: [/etc/falco/falco_rules.yaml]\nfile_output:\n  enabled: true\n  filename: /var/log/falco.log\n  keep_alive: true\n"},
			says:  []string{"SIGUSR1"},
		},
		{
			name:  "keep_alive with a signal",
			files: map[string]string{logrotateDir + "/falco": "/var/log/falco.log {\n  size 100M\n  rotate 7\n  postrotate\n    pkill -USR1 falco\n  endscript\n}\n"},
			set:   func(s *settings.Settings) { s.Falco.Config["file_output.keep_alive"] = true },
		},
		{
			name:  "what the main file has for all",
			files: map[string]string{logrotate.Main: "copytruncate\nolddir /old\nminsize 1G\nmaxage 2\n" + shippedRotation},
			ours:  true, has: "    nocopytruncate\n    noolddir\n    minsize 0\n    maxage 0\n",
		},
		{
			name:  "two other rules",
			files: map[string]string{logrotateDir + "/a": block, logrotateDir + "/b": block},
			says:  []string{logrotateDir + "/a:1 already", logrotateDir + "/b:1 names the log again"},
		},
		{
			name:  "no include",
			files: map[string]string{logrotate.Main: "weekly\n"},
			says:  []string{"nothing rotates /var/log/falco.log", "does not read " + logrotateFile, "no include"},
		},
		{
			name:  "a name that is excluded",
			files: map[string]string{logrotate.Main: "taboopat falco*\n" + shippedRotation},
			says:  []string{"nothing rotates", "taboopat in " + logrotate.Main + ":1"},
		},
		{
			name:  "a pattern that logrotate leaves before it comes to the log",
			files: map[string]string{logrotateDir + "/a": "/var/log/a.log {\n}\n", logrotateDir + "/z": "/var/log/[af]*.log {\n}\n", "/var/log/a.log": "x"},
			ours:  true,
		},
		{
			name:  "as a user who may not rotate it",
			files: map[string]string{"/etc/passwd": "syslog:x:104:110::/:/bin/false\n", "/etc/group": "adm:x:4:\n", logrotateDir + "/falco": strings.Replace(block, "{", "{\n  su syslog adm", 1)},
			says:  []string{"it rotates as syslog adm (su, " + logrotateDir + "/falco:2), who may not rename files in /var/log"},
		},
		{
			name:  "as a user who is not there",
			files: map[string]string{logrotateDir + "/falco": strings.Replace(block, "}", "  create 0600 nobody-here root\n}", 1)},
			says:  []string{"no user nobody-here", "(create, " + logrotateDir + "/falco:4)"},
		},
		{
			name:  "a rule that logrotate skips",
			files: map[string]string{logrotateDir + "/falco": strings.Replace(block, "100M", "100Q", 1)},
			ours:  true, says: []string{logrotateDir + "/falco:2: ", "logrotate fails on that file, which names /var/log/falco.log too"},
		},
		{
			name:  "as a user who may rotate it",
			files: map[string]string{logrotateDir + "/falco": strings.Replace(block, "{", "{\n  su root root", 1)},
		},
		{name: "no logrotate", files: map[string]string{logrotate.Main: ""}, ours: true, says: []string{"nothing rotates", "there is no " + logrotate.Main}},
		{name: "left to others", set: func(s *settings.Settings) { s.Log.Rotate.Keep = 0 }},
	} {
		for _, before := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				n, s := newNode(t, "9.6", rhck9)
				if before {
					converged(t, n, s)
				}
				if tt.set != nil {
					tt.set(&s)
				}
				for range 2 { // the package brings files of its own
					for name, text := range tt.files {
						if n.write(name, text); text == "" {
							delete(n.files, inTree(name))
						}
					}
					converged(t, n, s)
				}
				if got := n.read(logrotateFile); (got != "") != tt.ours || !strings.Contains(got, tt.has) {
					t.Errorf("%s = %q, want one %v with %q", logrotateFile, got, tt.ours, tt.has)
				}
				rotatedOnce(t, n, len(tt.says) == 0 && tt.set == nil)
				r := converge.Plan(t.Context(), n, All(s))
				warning := rotationWarning(r)
				for _, text := range tt.says {
					if !strings.Contains(warning, text) {
						t.Errorf("warning = %q, want %q in it", warning, text)
					}
				}
				if len(tt.says) == 0 && warning != "" {
					t.Errorf("warning = %q, want none", warning)
				}
			})
		}
	}
}

// rotatedOnce checks that logrotate finds nothing wrong, and a rule if there must
// be one.
func rotatedOnce(t *testing.T, n *fakeNode, must bool) {
	t.Helper()
	c, err := logrotate.Load(n.files, logrotate.Main, "3.18.0")
	if err != nil {
		return // logrotate is not installed
	}
	for _, p := range c.Problems() {
		if strings.Contains(p.String(), "falco.log") && n.read(logrotateFile) != "" {
			t.Errorf("logrotate fails: %s", p)
		}
	}
	if _, ok := inforce.Rotating(c.Rules(settings.DefaultLog)); must && !ok {
		t.Error("nothing rotates the log")
	}
}

// rotationWarning returns the warning about rotation.
func rotationWarning(r converge.Result) string {
	for _, s := range r.Steps {
		for _, w := range s.Warnings {
			if w.Drift == node.DriftLogrotate {
				return w.Message
			}
		}
	}
	return ""
}

// In a directory that others may write to, logrotate wants to be told as whom to
// rotate.
func TestRotationInAnOpenDirectory(t *testing.T) {
	for mode, want := range map[fs.FileMode]bool{0o755: false, 0o1777: true, 0o777: true} {
		n, s := newNode(t, "9.6", rhck9)
		n.files["var/log"] = &fstest.MapFile{Mode: fs.ModeDir | mode}
		converged(t, n, s)
		if got := strings.Contains(n.read(logrotateFile), "\n    su root root\n"); got != want {
			t.Errorf("mode %04o: su is there: %v, want %v", mode, got, want)
		}
		inOrder(t, n, s)
	}
}

// A log is named so that logrotate takes each of its characters for itself.
func TestRotationOfAnyName(t *testing.T) {
	for _, log := range []string{"/var/log/a b.log", `/var/log/a"b.log`, "/var/log/a*b.log", "/var/log/[a]?.log", `/var/log/a\b.log`, "/var/log/a'b.log"} {
		t.Run(log, func(t *testing.T) {
			n, s := newNode(t, "9.6", rhck9)
			s.Falco.Config["file_output.filename"] = log
			converged(t, n, s)
			c, err := logrotate.Load(n.files, logrotate.Main, "3.18.0")
			if err != nil {
				t.Fatal(err)
			}
			if r, ok := inforce.Rotating(c.Rules(log)); !ok || r.File != logrotateFile {
				t.Errorf("rules = %+v, problems = %v: %s", c.Rules(log), c.Problems(), n.read(logrotateFile))
			}
		})
	}
}

// A file of the agent's that logrotate does not read because of its mode is made
// anew.
func TestRotationIgnoredForItsMode(t *testing.T) {
	n, s := newNode(t, "9.6", rhck9)
	converged(t, n, s)
	n.files[inTree(logrotateFile)].Mode = 0o664
	converged(t, n, s)
	if got := n.files[inTree(logrotateFile)].Mode; got != fs.FileMode(0o644) {
		t.Errorf("mode = %v, want 0644", got)
	}
	inOrder(t, n, s)
}
