// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// A dry run names every drift and changes nothing; a run mends it and changes
// nothing else; the next dry run does not find it.
func TestDrift(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("8.10"))
	n.Quirk("delay", "0.2") // detects sooner than the real Falco, which takes 2 s
	n.prove()
	for _, d := range drifts() {
		t.Run(d.name, func(t *testing.T) { n.drift(t, d) })
	}
}

func TestDriftOfTheModule(t *testing.T) {
	t.Parallel()
	setup := OL("8.10").RHCK()
	setup.Config = "falco:\n  driver: kmod\n"
	n := StartConverged(t, setup)
	n.Quirk("delay", "0.2")
	n.prove()
	for _, d := range moduleDrifts() {
		t.Run(d.name, func(t *testing.T) { n.drift(t, d) })
	}
}

// prove runs the agent, which proves this start of Falco. The node is in order
// after that.
func (n *Node) prove() {
	n.t.Helper()
	if r := n.Run(); r.Exit != 0 {
		n.t.Fatalf("proving a converged node: %v", r)
	}
}

// driftScript makes a drift, runs the agent dry, runs it, undoes what people have
// to undo, and runs it dry again. It is one command, since a command in a node costs
// as much as a run. Its output is in named sections. Times and inodes show a change
// as surely as a hash does, and links in /etc show what is enabled.
const driftScript = `
section() { printf '\035%%s\n' "$1"; }
state() {
	section "files $1"
	find / \( %[1]s \) -prune -o -printf '%%p\t%%y %%m %%U:%%G %%s %%i %%T@ %%C@ %%l\n'
	section "units $1"
	systemctl show --no-pager --property Id,ActiveState,SubState,InvocationID,NRestarts 'falco*'
}
run() {
	section "report $1"
	%[2]s "${@:2}" 2>/dev/shm/stderr
	local status=$?
	section "exit $1"
	echo $status
	[ $status -lt 3 ] || cat /dev/shm/stderr >&2
}
set -e
{
%[3]s
} >/dev/null
set +e
/usr/share/node/await-cleanup.sh
state drifted
run dry --dry-run
state looked-at
run mending
state mended
{ :
%[4]s
} >/dev/null
%[5]s
run again --dry-run
exit 0`

// drift takes a node in order through one case, and leaves it in order.
func (n *Node) drift(t *testing.T, d drift) {
	t.Helper()
	var skip []string
	for _, path := range append(ours(), "/run/cloud-init", "/run/falco-standin") { // written by a systemd generator and the stand-ins
		skip = append(skip, "-path "+path)
	}
	agent := strings.Join(n.agentCommand(append([]string{"--output=json"}, d.flags...)), " ")
	afterUndo := ""
	if d.undo != "" {
		afterUndo = "run undone" // what people do may need, say, a restart of Falco
	}
	r := n.pipe(fmt.Appendf(nil, driftScript, strings.Join(skip, " -o "), agent, d.make, d.undo, afterUndo), "bash", "-s")
	if r.Exit != 0 {
		t.Fatalf("making the drift: exit %d: %s", r.Exit, r.Stderr)
	}
	sections := readSections(r.Stdout)
	dry, mending, again := sections.run(t, "dry"), sections.run(t, "mending"), sections.run(t, "again")
	if dry.exit != d.exit || !slices.Contains(dry.report.Drift, string(d.class)) || !strings.Contains(dry.text, d.says) {
		t.Errorf("a dry run says %q (exit %d), want %s (exit %d) and %q:\n%s", dry.report.Drift, dry.exit, d.class, d.exit, d.says, dry.text)
	}
	if diff := sections.state(t, "drifted").Diff(sections.state(t, "looked-at")); len(diff) > 0 {
		t.Errorf("the dry run changed %q", diff)
	}
	want := 0
	if d.onlyPeople() {
		want = d.exit
	}
	if mending.exit != want {
		t.Errorf("a run exits with %d, want %d:\n%s%s", mending.exit, want, mending.text, r.Stderr)
	}
	if rest := d.beside(sections.state(t, "looked-at").Diff(sections.state(t, "mended"))); len(rest) > 0 {
		t.Errorf("the run changed more than the drift: %q", rest)
	}
	if again.exit != 0 {
		t.Errorf("a dry run after the run exits with %d:\n%s", again.exit, again.text)
	}
}

// privateTmp matches what systemd makes for a unit with PrivateTmp=.
var privateTmp = regexp.MustCompile(`^/(var/)?tmp(/systemd-private-.*)?$`)

// beside returns the differences that mending the drift does not explain. It leaves
// out the mended files, the times of their directories, Falco's log, the agent's
// lock, and the directory for sockets that gpg makes for each keyring of dnf's.
func (d drift) beside(diff []string) []string {
	mends := append([]string{"/var/lib/falco-bootstrap", "/run/falco-bootstrap.lock", "/run/user/0"}, d.mends...)
	units := d.others
	if d.restarts {
		mends = append(mends, "/var/log/falco.log")
		units = append([]string{modernUnit, "falco-kmod.service", "falco-kmod-inject.service"}, units...)
	}
	return slices.DeleteFunc(diff, func(line string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(line, "+-~ "), ": ")
		if unit, _, ok := strings.Cut(name, " "); ok || !strings.HasPrefix(name, "/") {
			return slices.Contains(units, unit)
		}
		return slices.ContainsFunc(mends, func(m string) bool {
			return name == m || strings.HasPrefix(name, m+"/") || name == path.Dir(m)
		}) || len(units) > 0 && privateTmp.MatchString(name)
	})
}

// sections holds the sections of the script's output by name.
type sections map[string]string

func readSections(text string) sections {
	s := sections{}
	for part := range strings.SplitSeq(text, "\x1d") {
		name, content, _ := strings.Cut(part, "\n")
		s[name] = content
	}
	return s
}

// state reads the node's state from the section of this name.
func (s sections) state(t *testing.T, name string) Snapshot {
	t.Helper()
	text, ok := s["files "+name]
	if !ok {
		t.Fatalf("the script printed no files of the state %s", name)
	}
	files := map[string]string{}
	for line := range strings.Lines(text) {
		path, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		files[path] += value
	}
	return Snapshot{Files: files, Units: unitStates(s["units "+name])}
}

// An agentRun is a run of the agent in the script.
type agentRun struct {
	exit   int
	text   string
	report report.Report
}

// run reads the agent's run from the section of this name.
func (s sections) run(t *testing.T, name string) agentRun {
	t.Helper()
	r := agentRun{text: s["report "+name]}
	var err error
	if r.exit, err = strconv.Atoi(strings.TrimSpace(s["exit "+name])); err == nil {
		err = json.Unmarshal([]byte(r.text), &r.report)
	}
	if err != nil {
		t.Fatalf("reading the report of the run %s: %v in %q", name, err, r.text)
	}
	return r
}

// The page, the constants and the cases must list the same classes.
func TestDriftPageIsComplete(t *testing.T) {
	var declared []string
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/node/drift.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			class, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, class)
		}
		return true
	})
	page, err := os.ReadFile("../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	exits := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|.*, (\\d) \\|[^|]*\\|$").FindAllStringSubmatch(string(page), -1) {
		described = append(described, row[1])
		exits[row[1]] = row[2]
	}
	if diff := cmp.Diff(declared, described); diff != "" {
		t.Errorf("docs/drift.md against internal/node/drift.go (-want +got):\n%s", diff)
	}
	cases := []string{string(node.DriftAbsent)} // the bare node of TestAudit
	for _, d := range append(drifts(), moduleDrifts()...) {
		cases = append(cases, string(d.class))
		if got := exits[string(d.class)]; got != strconv.Itoa(d.exit) {
			t.Errorf("docs/drift.md says that %s has exit status %s, the case %q says %d", d.class, got, d.name, d.exit)
		}
	}
	slices.Sort(declared)
	slices.Sort(cases)
	if diff := cmp.Diff(declared, slices.Compact(cases)); diff != "" {
		t.Errorf("classes without a case in a node (-want +got):\n%s", diff)
	}
}
