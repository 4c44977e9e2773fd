// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const log = "/var/log/falco.log"

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

func load(t *testing.T, fsys fs.FS, version string) *Config {
	t.Helper()
	c, err := Load(fsys, Main, version)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// said writes rules as "file:line name", with a ! for a duplicate and a - for
// one that has no effect.
func said(rules []Rule) string {
	var all []string
	for _, r := range rules {
		mark := ""
		switch {
		case r.Duplicate:
			mark = "!"
		case !r.Effective:
			mark = "-"
		}
		if r.DroppedFor != "" {
			mark += r.DroppedFor + " "
		}
		all = append(all, fmt.Sprintf("%s%s:%d %s", mark, r.File, r.Line, r.Name))
	}
	return strings.Join(all, ", ")
}

var ruleTests = []struct {
	name, text, want string
	problems         string
}{
	{name: "a block", text: "/var/log/falco.log {\n\tdaily\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "none", text: "/var/log/other.log {\n}\n"},
	{name: "an empty configuration", text: "# nothing\n"},
	{name: "a pattern", text: "# c\n\n/var/log/*.log {\n}\n", want: "/etc/logrotate.conf:3 /var/log/*.log"},
	{name: "a star is not a slash", text: "/var/*.log {\n}\n"},
	{name: "a pattern for a directory", text: "/var/*/f?lco.[a-l]og {\n}\n", want: "/etc/logrotate.conf:1 /var/*/f?lco.[a-l]og"},
	{name: "a negated set", text: "/var/log/[!a-e]alco.log {}\n", want: "/etc/logrotate.conf:1 /var/log/[!a-e]alco.log"},
	{name: "braces are not expanded", text: "\"/var/log/{falco,x}.log\" {\n}\n", problems: "1: text follows falco, 1: the line begins neither with a directive nor with a file name"},
	{name: "several names", text: "/var/log/a.log /var/log/falco.log\n/var/log/c.log\n{\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "quotes", text: "\"/var/log/falco.log\" '/var/log/b c.log' {\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "a quote that is not closed", text: "\"/var/log/falco.log{\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "an escape", text: "/var/log/falco\\.log {\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "a comment among the names", text: "/var/log/a.log\n# /var/log/falco.log }\n/var/log/falco.log {\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{
		name: "twice", text: "/var/log/falco.log {\n}\n/var/log/*.log {\n}\n",
		want:     "/etc/logrotate.conf:1 /var/log/falco.log, !/etc/logrotate.conf:3 /var/log/*.log",
		problems: "3: duplicate log entry for /var/log/falco.log",
	},
	{
		name: "twice in one block", text: "/var/log/falco.log /var/log/f*.log {\n}\n",
		want:     "/etc/logrotate.conf:1 /var/log/falco.log, !/etc/logrotate.conf:1 /var/log/f*.log",
		problems: "1: duplicate log entry for /var/log/falco.log",
	},
	{
		name: "duplicates ignored", text: "/var/log/falco.log {\n\tignoreduplicates\n}\n/var/log/*.log {\n}\n",
		want: "/etc/logrotate.conf:1 /var/log/falco.log, -/etc/logrotate.conf:4 /var/log/*.log",
	},
	{
		name: "ignoreduplicates in the second block does not help", text: "/var/log/falco.log {\n}\n/var/log/*.log {\n\tignoreduplicates\n}\n",
		want:     "/etc/logrotate.conf:1 /var/log/falco.log, !/etc/logrotate.conf:3 /var/log/*.log",
		problems: "3: duplicate log entry for /var/log/falco.log",
	},
	{
		name: "another spelling is another log", text: "/var/log/falco.log {\n}\n/var//log/falco.log {\n}\n",
		want: "/etc/logrotate.conf:1 /var/log/falco.log, /etc/logrotate.conf:3 /var//log/falco.log",
	},
	{
		name: "another duplicate drops it", text: "/etc/logrotate.conf {\n}\n/*/*o* {\n}\n/var/log/fal* {\n}\n",
		want:     "/etc/logrotate.conf:5 /var/log/fal*",
		problems: "3: duplicate log entry for /etc/logrotate.conf",
	},
	{
		name: "another duplicate drops it from the pattern", text: "/etc/logrotate.conf {\n}\n/*/lo* /[ev]*/lo* {\n}\n/etc/l* {\n}\n",
		problems: "3: duplicate log entry for /etc/logrotate.conf, 3: duplicate log entry for /etc/logrotate.conf, 5: duplicate log entry for /etc/logrotate.conf",
	},
	{name: "a block in a script", text: "/var/log/a.log {\npostrotate\n/var/log/falco.log {\n}\n  endscript\n}\n/var/log/falco.log {\n}\n", want: "/etc/logrotate.conf:7 /var/log/falco.log"},
	{name: "all on one line", text: "/var/log/falco.log { daily compress }\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "an unknown directive", text: "/var/log/falco.log {\n\tfrobnicate 1 }\n\tdaily\n}\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "a bad value drops the block", text: "/var/log/falco.log {\nrotate many\n}\n/var/log/*.log {\n}\n", want: "/etc/logrotate.conf:4 /var/log/*.log", problems: `2: rotate has the value "many"`},
	{name: "a bad value outside drops the rest", text: "rotate many\n/var/log/falco.log {\n}\n", problems: `1: rotate has the value "many"`},
	{name: "a value is missing", text: "/var/log/falco.log {\nrotate\n}\n/var/log/b {\n}\n", problems: "2: a value is missing after rotate"},
	{name: "the brace is missing", text: "/var/log/falco.log\n\tdaily\n", problems: "1: the { after the file names is missing"},
	{name: "a brace too many", text: "}\n/var/log/falco.log {\n}\n", problems: "1: unexpected }"},
	{name: "a file name inside", text: "/var/log/falco.log {\n\tdaily\n/var/log/b.log {\n}\n", problems: "3: a file name inside of a block"},
	{name: "no endscript", text: "/var/log/falco.log {\npostrotate\n}\n", problems: "2: postrotate without endscript"},
	{name: "text after the brace", text: "/var/log/falco.log {\n} x\n", want: "/etc/logrotate.conf:1 /var/log/falco.log", problems: "2: text follows the }"},
	{name: "no closing brace", text: "/var/log/falco.log {\n\tdaily\n", want: "/etc/logrotate.conf:1 /var/log/falco.log"},
	{name: "an olddir that is missing", text: "/etc/falco.log {\nolddir old\n}\n/var/log/falco.log {\n}\n", problems: "3: olddir /etc/old: file does not exist"},
	{name: "an include that is missing", text: "include /etc/none\n/var/log/falco.log {\n}\n", want: "/etc/logrotate.conf:2 /var/log/falco.log", problems: "/etc/none: cannot be read: file does not exist"},
	{name: "an include of itself", text: "include /etc/logrotate.conf\n", problems: "1: the includes are nested too deep"},
}

func TestRules(t *testing.T) {
	for _, test := range ruleTests {
		c := load(t, tree(map[string]string{Main: test.text, log: "x"}), "")
		if got := said(c.Rules(log)); got != test.want {
			t.Errorf("%s: Rules = %q, want %q (%v)", test.name, got, test.want, c.Problems())
		}
		var problems []string
		for _, p := range c.Problems() {
			problems = append(problems, strings.TrimPrefix(p.String(), Main+":"))
		}
		if got := strings.Join(problems, ", "); got != test.problems {
			t.Errorf("%s: Problems = %q, want %q", test.name, got, test.problems)
		}
	}
}

// logrotate stops expanding a pattern at its first duplicate and drops the logs
// that sort after it.
func TestDropped(t *testing.T) {
	c := load(t, tree(map[string]string{
		Main:                 "/var/log/audit.log {\n}\n/var/log/*.log {\n}\n",
		"/var/log/audit.log": "x",
	}), "")
	r := c.Rules(log)
	if len(r) != 1 || r[0].Effective || r[0].Duplicate || r[0].DroppedFor != "/var/log/audit.log" {
		t.Errorf("Rules = %+v, want one that is dropped for /var/log/audit.log", r)
	}
	if got := c.Rules("/var/log/aide.log"); len(got) != 1 || !got[0].Effective {
		t.Errorf("Rules of a log before it = %+v, want one in effect", got)
	}
}

func TestInclude(t *testing.T) {
	c := load(t, tree(map[string]string{
		Main:                         "weekly\nrotate 4\ntabooext + .off\ninclude /etc/logrotate.d\ninclude extra.conf\n",
		"/etc/logrotate.d/b":         log + " {\n\trotate 2\n\tcompress\n\tpostrotate\n\t\tkill -USR1 1\n\tendscript\n}\n",
		"/etc/logrotate.d/a":         "compress\nnocreate\n/var/log/x {\n}\n",
		"/etc/logrotate.d/c.rpmsave": log + " {\n}\n",
		"/etc/logrotate.d/d.off":     log + " {\n}\n",
		"/etc/logrotate.d/empty":     "",
		"/etc/logrotate.d/dir/e":     log + " {\n}\n",
		"/extra.conf":                "/var/log/*.log {\n}\n",
	}), "3.21.0")
	if got, want := said(c.Rules(log)), "/etc/logrotate.d/b:1 /var/log/falco.log, !/extra.conf:1 /var/log/*.log"; got != want {
		t.Errorf("Rules = %q, want %q", got, want)
	}
	r := c.Rules(log)[0]
	want := []Directive{
		{"weekly", "", Main, 1},
		{"rotate", "4", Main, 2},
		{"compress", "", "/etc/logrotate.d/a", 1},
		{"nocreate", "", "/etc/logrotate.d/a", 2},
		{"rotate", "2", "/etc/logrotate.d/b", 2},
		{"compress", "", "/etc/logrotate.d/b", 3},
		{"postrotate", "\t\tkill -USR1 1\n", "/etc/logrotate.d/b", 4},
	}
	if diff := cmp.Diff(want, r.Directives); diff != "" {
		t.Errorf("Directives (-want +got):\n%s", diff)
	}
	if d, ok := r.Get("rotate"); !ok || d != want[4] {
		t.Errorf(`Get("rotate") = %v, %v, want %v`, d, ok, want[4])
	}
	for name, on := range map[string]bool{"compress": true, "create": false, "ifempty": true, "copytruncate": false} {
		if got := r.On(name); got != on {
			t.Errorf("On(%q) = %v, want %v", name, got, on)
		}
	}
	ignored := []Ignored{
		{File: "/etc/logrotate.d/c.rpmsave", Cause: "its name ends in .rpmsave, which logrotate ignores"},
		{File: "/etc/logrotate.d/d.off", Cause: "its name ends in .off, which tabooext in /etc/logrotate.conf:3 excludes"},
		{File: "/etc/logrotate.d/dir", Cause: "it is not a regular file"},
		{File: "/etc/logrotate.d/empty", Cause: "it is empty"},
	}
	if diff := cmp.Diff(ignored, c.Ignored()); diff != "" {
		t.Errorf("Ignored (-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{
		"/etc/logrotate.d/falco":          "",
		"/etc/logrotate.d/falco.disabled": "its name ends in .disabled, which logrotate ignores",
		"/etc/logrotate.d/falco.off":      "its name ends in .off, which tabooext in /etc/logrotate.conf:3 excludes",
		"/etc/logrotate2.d/falco":         "no include of logrotate's configuration leads to it",
		"/extra.conf":                     "",
	} {
		if got, ok := c.Reads(path); got != want || ok != (want == "") {
			t.Errorf("Reads(%q) = %q, %v, want %q", path, got, ok, want)
		}
	}
}

func TestTaboo(t *testing.T) {
	for _, test := range []struct{ name, version, set, file, want string }{
		{"as on Oracle Linux 7", "3.8.6", "", "f.dpkg-tmp", ""},
		{"as on Oracle Linux 8", "3.14.0", "", "f.bak", ""},
		{"as on Oracle Linux 9", "3.18.0", "", "f.bak", "ends in .bak"},
		{"as on Oracle Linux 9, which does not exclude .old yet", "3.18.0", "", "f.old", ""},
		{"as on Oracle Linux 10", "3.22.0", "", "f.orig", "ends in .orig"},
		{"a backup", "3.18.0", "", "f~", "ends in ~"},
		{"a pattern in the list", "3.18.0", "", "f.rhn-cfg-tmp-12", "matches *.rhn-cfg-tmp-*"},
		{"a hidden file is read", "3.18.0", "", ".f.swp", ""},
		{"replaced", "3.18.0", "tabooext .x, .y .z", "f.rpmsave", ""},
		{"replaced by these", "3.18.0", "tabooext .x, .y .z", "f.y", "ends in .y"},
		{"added", "3.18.0", "tabooext + .x", "f.rpmsave", "ends in .rpmsave"},
		{"a pattern", "3.18.0", "taboopat + fal*,x", "falco", "matches fal*"},
		{"only a pattern", "3.18.0", "taboopat = fal*", "f.rpmsave", ""},
		{"only the last list counts", "3.18.0", "tabooext .x\ntabooext .y", "f.x", ""},
		{"empty ones exclude nothing", "3.18.0", "tabooext ,,", "f", ""},
	} {
		c := load(t, tree(map[string]string{Main: test.set + "\ninclude /etc/logrotate.d\n", "/etc/logrotate.d/a": "#"}), test.version)
		got, ok := c.Reads("/etc/logrotate.d/" + test.file)
		if ok != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: Reads(%q) = %q, %v, want %q", test.name, test.file, got, ok, test.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, test := range []struct {
		name, version string
		mode          fs.FileMode
		uid           uint32
		want          string
		wrong         bool
	}{
		{"owned by root, mode 0600", "3.8.6", 0o600, 0, "", false},
		{"executable, version 3.8", "3.8.6", 0o755, 0, "its mode is -rwxr-xr-x, and this logrotate wants it not executable and writable by root alone", false},
		{"executable", "3.14.0", 0o755, 0, "", false},
		{"writable by the group", "3.18.0", 0o664, 0, "it is writable by its group or by others", false},
		{"writable by the group, version 3.22", "3.22.0", 0o664, 0, "it is writable by its group or by others", true},
		{"owned by another user", "3.18.0", 0o644, 12, "it does not belong to root", false},
	} {
		fsys := tree(map[string]string{Main: "include /etc/logrotate.d\n", "/etc/logrotate.d/falco": log + " {\n}\n"})
		fsys["etc/logrotate.d/falco"].Mode = test.mode
		fsys["etc/logrotate.d/falco"].Sys = &syscall.Stat_t{Uid: test.uid}
		c := load(t, fsys, test.version)
		var want []Ignored
		if test.want != "" {
			want = []Ignored{{"/etc/logrotate.d/falco", test.want, test.wrong}}
		}
		if diff := cmp.Diff(want, c.Ignored()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if n := len(c.Rules(log)); n != map[bool]int{true: 1, false: 0}[test.want == ""] {
			t.Errorf("%s: %d rules", test.name, n)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	if c, err := Load(fstest.MapFS{}, Main, ""); c != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load without a main file = %v, %v, want %v", c, err, fs.ErrNotExist)
	}
}

func TestFnmatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", ".x", false},
		{".*", ".x", true},
		{"[.]x", ".x", false},
		{"?x", ".x", false},
		{"a*b*c", "a1b2b3c", true},
		{"a*b*c", "a1b2b3", false},
		{"[]]", "]", true},
		{"[!]]", "a", true},
		{"[a-]", "-", true},
		{"[^a]", "b", true},
		{"[", "[", true},
		{"[ab", "[ab", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`[\]]`, "]", true},
		{"[[:digit:]]", "7", true},
		{"[[:digit:]x]", "x", true},
		{"[[:alpha:]]", "7", false},
		{"{a,b}", "a", false},
		{"ü?", "üß", true},
	} {
		if got := fnmatch(test.pattern, test.name); got != test.want {
			t.Errorf("fnmatch(%q, %q) = %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

// Each spelling of a log is rotated by at most one rule, the first; every rule's
// place is in a file that was read.
func FuzzLoad(f *testing.F) {
	for _, test := range ruleTests {
		f.Add(test.text, "/var/log/falco.log {\n}\n", "3.18.0")
	}
	f.Add("tabooext + .x\ninclude /etc/logrotate.d\n", "/var/log/f*.log {\n}\n", "")
	f.Fuzz(func(t *testing.T, main, other, version string) {
		c, err := Load(tree(map[string]string{Main: main, "/etc/logrotate.d/x": other}), Main, version)
		if err != nil {
			t.Fatal(err)
		}
		rules := c.Rules(log)
		spelled := map[string]bool{}
		for i, r := range rules {
			as, ok := expand(r.Name, log)
			if !ok || clean(as) != clean(log) && !strings.HasPrefix(r.Name, "~") {
				t.Fatalf("the name %q matches as %q", r.Name, as)
			}
			if r.Effective && spelled[as] || r.Duplicate && (r.Effective || !spelled[as]) || i == 0 && !r.Effective && r.DroppedFor == "" {
				t.Fatalf("rule %d of %s", i, said(rules))
			}
			spelled[as] = spelled[as] || r.Effective
			lines := 1 + strings.Count(map[bool]string{true: main, false: other}[r.File == Main], "\n")
			if _, ok := c.Reads(r.File); !ok || r.Line < 1 || r.Line > lines {
				t.Fatalf("a rule at %s:%d", r.File, r.Line)
			}
		}
	})
}
