// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	considering = regexp.MustCompile(`(?m)^considering log (.*)$`)
	duplicated  = regexp.MustCompile(`(?m)^error: .*?:\d+ duplicate log entry for (.*)$`)
	knownLog    = regexp.MustCompile(`/(log/(a\.log|b\.log|c\.txt|\.h\.log)|other/a\.log)$`)
	versionLine = regexp.MustCompile(`logrotate (\d+\.\d+\.\d+)`)
)

// TestReal compares the package with this machine's logrotate on random
// configurations: which logs it considers, how often, and which are duplicates.
func TestReal(t *testing.T) {
	program, err := exec.LookPath("logrotate")
	if err != nil {
		t.Skip("there is no logrotate on this machine")
	}
	if os.Geteuid() != 0 {
		t.Skip("logrotate checks modes and owners only as root")
	}
	out, _ := exec.Command(program, "--version").CombinedOutput()
	m := versionLine.FindSubmatch(out)
	if m == nil {
		t.Skipf("logrotate --version says %q", out)
	}
	for seed := range uint64(100) {
		dir := t.TempDir()
		g := generator{rand.New(rand.NewPCG(seed, 11)), dir}
		g.write(t)
		compare(t, program, string(m[1]), dir, seed)
		if t.Failed() {
			return
		}
	}
}

// A generator writes logs and configurations into a directory.
type generator struct {
	*rand.Rand
	dir string
}

func (g generator) pick(all ...string) string { return all[g.IntN(len(all))] }

func (g generator) write(t *testing.T) {
	t.Helper()
	for _, name := range []string{"log/a.log", "log/b.log", "log/c.txt", "log/.h.log", "other/a.log", "conf/file", "top"} {
		path := filepath.Join(g.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "B", "c.rpmsave", "d.conf", "e~", "f.off", ".g", "h.bak"} {
		if g.IntN(2) == 0 {
			mode := map[bool]os.FileMode{true: 0o664, false: 0o644}[g.IntN(12) == 0]
			path := filepath.Join(g.dir, "conf", name)
			if err := errors.Join(os.WriteFile(path, []byte(g.text(3, "")), mode), os.Chmod(path, mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	main := g.pick("", "tabooext + .off\n", "taboopat B\n", "tabooext .conf, .off\n", "tabooext = + .bak,\n") +
		g.text(1, "}\n") + "include " + g.dir + g.pick("/conf", "/conf", "/conf/a", "/none") + "\n" + g.text(2, "}\n")
	if err := errors.Join(os.WriteFile(filepath.Join(g.dir, "main"), []byte(main), 0o644), os.Remove(filepath.Join(g.dir, "conf/file"))); err != nil {
		t.Fatal(err)
	}
}

// text makes up to n blocks; some end with last. It puts no include inside a
// block, because logrotate 3.21 then reads uninitialised memory.
func (g generator) text(n int, last string) string {
	var b strings.Builder
	for range g.IntN(n + 1) {
		b.WriteString(g.pick("", "", "compress\n", "# c\n", "bogus x\n", "\n", "daily rotate 3\n", " \tweekly\n", "rotate x\n"))
		b.WriteString(g.name())
		for range g.IntN(3) {
			b.WriteString(g.pick(" ", "\n", " \n# c {\n", "\t") + g.name())
		}
		b.WriteString(g.pick(" {\n", "{\n", "\n{\n", " { ", " {\n", ""))
		for range g.IntN(4) {
			b.WriteString(g.pick("\tdaily\n", "rotate 4\n", "  missingok compress\n", "postrotate\n/x {\n endscript\n", "bogus {\n", "# }\n",
				"ignoreduplicates\n", "size 1X\n", "rotate\n", "size=4k\n", "create 0600 root root\n", "weekly 9\n", "tabooext + x\n", "olddir /none\n",
				"prerotate\nendscript\n", "su root root\n", "start 1 \n", "notifempty\n", "\"/q\" {\n", "%\n", "daily=\n", "mail a b\n"))
		}
		b.WriteString(g.pick("}\n", "}\n", "}\n", "}\n", " }\n", "} x\n", last))
	}
	return b.String()
}

func (g generator) name() string {
	name := g.dir + g.pick("/log/a.log", "/log/*.log", "/log/b.log", "/*/a.log", "//log/a.log", "/log/none.log", "/log/[!a].log", "/log/?.txt", "/log", "/log/.*.log")
	switch g.IntN(6) {
	case 0:
		return `"` + name + `"`
	case 1:
		return "'" + name + "'"
	}
	return name
}

func compare(t *testing.T, program, version, dir string, seed uint64) {
	t.Helper()
	cmd := exec.Command(program, "-d", "-s", filepath.Join(dir, "state"), filepath.Join(dir, "main"))
	cmd.Env, cmd.Dir = []string{"LC_ALL=C", "HOME=/root"}, "/"
	out, _ := cmd.CombinedOutput()
	c, err := Load(os.DirFS("/"), filepath.Join(dir, "main"), version)
	if err != nil {
		t.Fatal(err)
	}
	var logs, twice []string
	for _, sub := range []string{"log/a.log", "log/b.log", "log/c.txt", "log/.h.log", "other/a.log"} {
		path := filepath.Join(dir, sub)
		for _, r := range c.Rules(path) {
			if as, _ := expand(r.Name, path); r.Effective {
				logs = append(logs, as)
			}
		}
	}
	for _, p := range c.duplicates() {
		if log := strings.TrimPrefix(p.Text, "duplicate log entry for "); knownLog.MatchString(log) {
			twice = append(twice, log)
		}
	}
	got := fmt.Sprint(sorted(logs), sorted(twice))
	want := fmt.Sprint(sorted(found(considering, out)), sorted(found(duplicated, out)))
	if len(c.problems) > 0 { // logrotate names the duplicates of a block that it drops, too
		got, want = fmt.Sprint(sorted(logs)), fmt.Sprint(sorted(found(considering, out)))
	}
	if got != want {
		main, _ := os.ReadFile(filepath.Join(dir, "main"))
		t.Errorf("seed %d:\n got %s\nwant %s\nproblems %v\nmain:\n%s\nlogrotate:\n%s", seed, got, want, c.Problems(), main, out)
		files, _ := filepath.Glob(filepath.Join(dir, "conf", "*"))
		for _, f := range files {
			b, _ := os.ReadFile(f)
			t.Errorf("%s:\n%s", f, b)
		}
	}
}

func found(re *regexp.Regexp, out []byte) []string {
	var all []string
	for _, m := range re.FindAllSubmatch(out, -1) {
		if log := string(m[1]); knownLog.MatchString(log) { // others come from broken files
			all = append(all, log)
		}
	}
	return all
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }
