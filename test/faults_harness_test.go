// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// faultsEnv selects the long campaign: "all", or names of families with commas
// between them. Without it the short form runs.
const faultsEnv = "FALCO_BOOTSTRAP_FAULTS"

const layers = "/usr/share/node/layers.sh "

// A scenario is a run on which faults are put.
type scenario struct {
	name  string
	setup func(*testing.T) Setup
	// base are the flags of the run that makes the node, or nil for a bare node.
	base []string
	// change is bash that makes what the run has to mend.
	change string
	flags  []string
	// packages says that the run has transactions.
	packages bool
}

func scenarios() []scenario {
	ol9 := func(*testing.T) Setup { return OL("9.6") }
	all := func(*testing.T) Setup {
		d := OL("9.6")
		d.Falco = "all"
		return d
	}
	return []scenario{
		{name: "first run", setup: ol9, packages: true},
		{
			name: "drift", setup: ol9, base: []string{},
			change: "sed -i 's/^file_output:/file_output: #/; s,filename: /var/log/falco.log,filename: ./events.txt,' " + falcoYAML +
				"; rm -f /etc/logrotate.d/falco-bootstrap; sed -i s/enabled=1/enabled=0/ /etc/yum.repos.d/falcosecurity.repo; systemctl --quiet disable " + modernUnit,
		},
		{name: "version", setup: all, base: []string{"--falco-version=0.43.1"}, flags: []string{"--falco-version=0.44.1"}, packages: true},
		{
			name: "remove", setup: ol9, base: []string{}, flags: []string{"remove", "--purge"}, packages: true,
		},
		{
			name: "rules", setup: ol9, base: []string{"--rules-file=old=/srv/old.yaml"}, flags: []string{"--rules-file=site=/srv/site.yaml", "--rules-file=more=/srv/old.yaml"},
		},
	}
}

// A field is a node on which a scenario is run again and again, each time in a new
// layer over /etc, /usr and /var.
type field struct {
	*Node
	scenario
	// before and after are what the layer holds before a run, and after one that
	// nothing disturbed.
	before, after map[string]string
	// shippedSum is the SHA-256 of falco.yaml as the package has it that a run installs.
	shippedSum string
	// running says that Falco runs before the run.
	running bool
	// now is the single fault that is tried.
	now  fault
	rows []*row
}

// A row of the table.
type row struct {
	family, fault string
	runs          int
	exits         map[int]int
	seen          map[string]int
	lost          []string
	message       string
}

// newField starts a node for a scenario and runs it undisturbed.
func newField(t *testing.T, s scenario) *field {
	t.Helper()
	f := &field{Node: Start(t, s.setup(t)), scenario: s}
	f.Quirk("delay", "0")
	f.WriteFile("/srv/old.yaml", "- list: old_binaries\n  items: [a]\n")
	f.WriteFile("/srv/site.yaml", "- list: site_binaries\n  items: [b]\n")
	if s.base != nil {
		if r := f.Run(s.base...); r.Exit != 0 {
			t.Fatalf("the run that makes the node: %v", r)
		}
		f.running = true
	}
	f.shippedSum = sumOf(f.shipped("0.44.1"))
	f.begin()
	f.before = f.listing()
	if r := f.Run(s.flags...); r.Exit != 0 {
		t.Fatalf("a run that nothing disturbs: %v", r)
	}
	f.after = f.listing()
	if maps.Equal(f.before, f.after) {
		t.Fatal("the run has nothing to do")
	}
	if left := f.Must(layers + "left"); left != "" {
		t.Fatalf("a run that nothing disturbs leaves %s", left)
	}
	return f
}

// begin puts the node back to where the scenario begins.
func (f *field) begin() {
	f.t.Helper()
	line := layers + "new"
	if f.running {
		line += "; systemctl start " + modernUnit
	}
	if f.change != "" {
		line += "; " + f.change
	}
	f.Must(line)
}

// listing returns the lines of layers.sh by the path, package or unit that begins
// them.
func (f *field) listing() map[string]string {
	f.t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(f.Must(layers + "list")) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.Contains(line, "etc/upper/falco-standin") {
			continue
		}
		key := words[0]
		if key == "unit" || key == "package" {
			key += " " + words[1]
		}
		found[key] = strings.Join(words, " ")
	}
	return found
}

// row returns a new row of the table.
func (f *field) row(family, fault string) *row {
	r := &row{family: family, fault: fault, exits: map[int]int{}, seen: map[string]int{}}
	f.rows = append(f.rows, r)
	return r
}

// disturbed runs the agent with a prefix before its command, which disturbs it.
func (f *field) disturbed(prefix string, flags ...string) Result {
	f.t.Helper()
	words := f.agentCommand(slices.Concat(f.flags, flags))
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return f.Sh(prefix + " " + strings.Join(quoted, " "))
}

// judge notes the exit and the message of a run that was disturbed, and what it has
// lost.
func (f *field) judge(r *row, got Result) {
	f.t.Helper()
	r.runs++
	r.exits[got.Exit]++
	_, message, _ := strings.Cut(got.Stdout+got.Stderr, "error: ")
	message, hint, _ := strings.Cut(message, "hint: ")
	message, _, _ = strings.Cut(message, "\n")
	if r.message == "" || strings.HasPrefix(r.message, "(none") {
		r.message = strings.TrimSpace(message)
	}
	unasked := got.Exit != 0 && got.Exit != killed && got.Exit < 100 && !f.now.mute
	switch {
	case unasked && message == "":
		r.lose("exit %d without a message: %v", got.Exit, got)
	case unasked && strings.TrimSpace(hint) == "":
		r.lose("exit %d without a hint: %s", got.Exit, message)
	case strings.Contains(got.Stderr, "goroutine "):
		r.lose("a crash: %.400s", got.Stderr)
	}
	f.judgeFiles(r)
	if !f.running {
		return
	}
	switch up := f.runs(); {
	case up:
		r.seen["Falco runs"]++
	case f.packages:
		r.seen["Falco stopped by its package"]++
	case f.now.stops:
		r.seen["Falco cannot start"]++
	default:
		r.lose("Falco does not run after exit %d", got.Exit)
	}
}

// runs reports whether Falco runs. A restart that a killed run has asked systemd for goes
// on without it.
func (f *field) runs() bool {
	f.t.Helper()
	if f.Unit(modernUnit).Running() {
		return true
	}
	f.Wait(time.Minute, "[[ -z $(systemctl list-jobs --no-legend "+modernUnit+") ]]")
	return f.Unit(modernUnit).Running()
}

// judgeFiles wants every file as it was or as it is to be. Packages are unpacked file
// by file; what rpm has not finished shows when the next run ends.
func (f *field) judgeFiles(r *row) {
	f.t.Helper()
	whole, odd := 0, 0
	for key, line := range f.listing() {
		path, inLayer := strings.CutPrefix(key, "etc/upper/")
		switch {
		case !inLayer || line == f.before[key] || line == f.after[key]:
			whole++
		case f.packages && strings.HasSuffix(line, " character special file 0 0:0"):
			odd++ // removed, as the layer has it
		case f.packages && (path != "falco/falco.yaml" || strings.HasSuffix(line, f.shippedSum)):
			odd++
		case strings.Contains(path, "falco-bootstrap-") && !f.loaded("/etc/"+path):
			odd++ // a temporary file, which the next run removes
		default:
			r.lose("/etc/%s is neither old nor new", path)
		}
	}
	if odd > 0 {
		r.seen["unfinished"]++
	}
}

// loaded reports whether Falco, logrotate, dnf or systemd would read a file.
func (f *field) loaded(path string) bool {
	return strings.HasSuffix(path, ".repo") || strings.HasSuffix(path, ".conf") ||
		strings.HasPrefix(path, "/etc/falco/config.d/") || strings.HasPrefix(path, "/etc/falco/rules.d/") || strings.HasPrefix(path, "/etc/logrotate.d/")
}

// again wants the next run to end as if nothing had happened.
func (f *field) again(r *row) {
	f.t.Helper()
	got := f.Run(f.flags...)
	if got.Exit != 0 {
		r.lose("the next run: %v", got)
		return
	}
	now := f.listing()
	for _, key := range slices.Sorted(maps.Keys(f.after)) {
		if now[key] != f.after[key] {
			r.lose("after the next run %s is %q, want %q", key, now[key], f.after[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		// A name that was removed and was never there leaves no mark that matters.
		if _, known := f.after[key]; !known && now[key] != f.before[key] {
			r.lose("after the next run there is %q", now[key])
		}
	}
	if left := f.Must(layers + "left"); left != "" {
		r.lose("left behind: %s", left)
	}
}

func (r *row) lose(format string, args ...any) {
	r.lost = append(r.lost, fmt.Sprintf(format, args...))
}

// report logs the table, and fails the test for everything that was lost.
func (f *field) report(t *testing.T) {
	t.Helper()
	var table strings.Builder
	fmt.Fprintf(&table, "%s\n| family | fault | runs | seen | lost | exit | message |\n|---|---|---|---|---|---|---|\n", f.name)
	total := 0
	for _, r := range f.rows {
		total += r.runs
		fmt.Fprintf(&table, "| %s | %s | %d | %s | %d | %s | %s |\n", r.family, r.fault, r.runs, counts(r.seen), len(r.lost), counts(r.exits), r.message)
		for _, lost := range r.lost {
			t.Errorf("%s: %s, %s: %s", f.name, r.family, r.fault, lost)
		}
		if r.runs == 0 {
			t.Errorf("%s: %s, %s: no run was disturbed", f.name, r.family, r.fault)
		}
	}
	t.Logf("%s%d runs", table.String(), total)
}

// counts formats how often each was seen.
func counts[K int | string](seen map[K]int) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		words = append(words, fmt.Sprintf("%v (%d)", k, seen[k]))
	}
	return strings.Join(words, ", ")
}

// asked reports whether the long form of a family is to run.
func asked(family string) bool {
	words := strings.Split(os.Getenv(faultsEnv), ",")
	return slices.Contains(words, "all") || slices.Contains(words, family)
}
