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

// Every drift is named by a dry run that changes nothing, mended by a run that
// changes nothing else, and gone.
func TestDrift(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("8.10"))
	n.Quirk("delay", "0.2") // Falco detects sooner than the real one, which takes 2 s
	n.proven()
	for _, d := range drifts() {
		t.Run(d.name, func(t *testing.T) { n.drift(t, d) })
	}
}

func TestDriftOfTheModule(t *testing.T) {
	t.Parallel()
	dress := OL("8.10").RHCK()
	dress.Config = "falco:\n  driver: kmod\n"
	n := StartConverged(t, dress)
	n.Quirk("delay", "0.2")
	n.proven()
	for _, d := range moduleDrifts() {
		t.Run(d.name, func(t *testing.T) { n.drift(t, d) })
	}
}

// proven has this start of Falco proven, after which the node is in order.
func (n *Node) proven() {
	n.t.Helper()
	if r := n.Run(); r.Exit != 0 {
		n.t.Fatalf("proving a converged node: %v", r)
	}
}

// driftScript makes a drift, looks, runs dry, looks, runs, looks and runs dry
// again, all in one command, since a command in a node costs as much as a run.
// Times and inodes tell of a change as surely as a hash does, and links in /etc of
// what is enabled.
const driftScript = `
look() {
	find / \( %[1]s \) -prune -o -printf '%%p\t%%y %%m %%U:%%G %%s %%i %%T@ %%C@ %%l\n'
	printf '\036'
	systemctl show --no-pager --property Id,ActiveState,SubState,InvocationID,NRestarts 'falco*' |
		awk -v RS= '{match($0, /(^|\n)Id=[^\n]*/); id = substr($0, RSTART, RLENGTH); sub(/\n?Id=/, "", id); gsub(/\n/, " "); print id " is\t" $0}'
}
run() { %[2]s "$@" 2>/dev/shm/stderr; local status=$?; printf '\036%%s' $status; [ $status -lt 3 ] || cat /dev/shm/stderr >&2; }
part() { printf '\035'; }
set -e
{
%[3]s
} >/dev/null
set +e
/usr/share/node/settle.sh; look; part; run --dry-run; part; look; part; run; part; look
{ :
%[4]s
} >/dev/null
part; %[5]s
part; run --dry-run
exit 0`

// drift carries one case through on a node that is in order, and leaves it so.
func (n *Node) drift(t *testing.T, d drift) {
	t.Helper()
	var skip []string
	for _, path := range append(ours(), "/run/cloud-init", "/run/falco-standin") { // a generator of systemd's, and stand-ins, write there
		skip = append(skip, "-path "+path)
	}
	agent := strings.Join(n.agentCommand(append([]string{"--output=json"}, d.flags...)), " ")
	settle := "true"
	if d.undo != "" {
		settle = "run" // what people do may need a restart of Falco, for one
	}
	r := n.pipe(fmt.Appendf(nil, driftScript, strings.Join(skip, " -o "), agent, d.make, d.undo, settle), "bash", "-s")
	parts := strings.Split(r.Stdout, "\x1d")
	if r.Exit != 0 || len(parts) != 7 {
		t.Fatalf("making the drift: exit %d, %d parts: %s", r.Exit, len(parts), r.Stderr)
	}
	made, looked, run := newLook(t, parts[0]), newLook(t, parts[2]), newLook(t, parts[4])
	dry, mended, again := newVerdict(t, parts[1]), newVerdict(t, parts[3]), newVerdict(t, parts[6])
	if dry.exit != d.exit || !slices.Contains(dry.report.Drift, string(d.class)) || !strings.Contains(dry.text, d.says) {
		t.Errorf("a dry run says %q (exit %d), want %s (exit %d) and %q:\n%s", dry.report.Drift, dry.exit, d.class, d.exit, d.says, dry.text)
	}
	if diff := made.Diff(looked); len(diff) > 0 {
		t.Errorf("the dry run changed %q", diff)
	}
	want := 0
	if d.onlyPeople() {
		want = d.exit
	}
	if mended.exit != want {
		t.Errorf("a run ends with %d, want %d:\n%s%s", mended.exit, want, mended.text, r.Stderr)
	}
	if rest := d.beside(looked.Diff(run)); len(rest) > 0 {
		t.Errorf("the run changed more than the drift: %q", rest)
	}
	if again.exit != 0 {
		t.Errorf("afterwards a dry run ends with %d:\n%s", again.exit, again.text)
	}
}

// privateTmp matches what systemd makes for a unit with PrivateTmp=.
var privateTmp = regexp.MustCompile(`^/(var/)?tmp(/systemd-private-.*)?$`)

// beside leaves out the differences that mending the drift explains: the files
// themselves, the times of the folders they are in, Falco's own log and lock.
func (d drift) beside(diff []string) []string {
	mends := append([]string{"/var/lib/falco-bootstrap", "/run/falco-bootstrap.lock"}, d.mends...)
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

// newLook reads what the script's look printed.
func newLook(t *testing.T, text string) Snapshot {
	t.Helper()
	files, units, ok := strings.Cut(text, "\x1e")
	if !ok {
		t.Fatalf("a look of %d bytes: %.300q", len(text), text)
	}
	s := Snapshot{Files: map[string]string{}, Units: map[string]string{}}
	for _, part := range []struct {
		text string
		into map[string]string
	}{{files, s.Files}, {units, s.Units}} {
		for line := range strings.Lines(part.text) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			part.into[name] += value
		}
	}
	return s
}

// A verdict is what a run of the agent in the script ended with.
type verdict struct {
	exit   int
	text   string
	report report.Report
}

func newVerdict(t *testing.T, text string) verdict {
	t.Helper()
	text, status, _ := strings.Cut(text, "\x1e")
	exit, err := strconv.Atoi(status)
	v := verdict{exit: exit, text: text}
	if err == nil {
		err = json.Unmarshal([]byte(text), &v.report)
	}
	if err != nil {
		t.Fatalf("reading a report: %v in %q", err, text)
	}
	return v
}

// The page, the constants, the schema and the cases above are one list.
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
			t.Errorf("docs/drift.md says that %s is exit status %s, the case %q that it is %d", d.class, got, d.name, d.exit)
		}
	}
	slices.Sort(declared)
	slices.Sort(cases)
	if diff := cmp.Diff(declared, slices.Compact(cases)); diff != "" {
		t.Errorf("classes without a case in the node (-want +got):\n%s", diff)
	}
}
