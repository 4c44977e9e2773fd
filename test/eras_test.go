// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// Falco's units in the eras.
const (
	plainUnit  = "falco.service"
	kmodUnit   = "falco-kmod.service"
	modernUnit = "falco-modern-bpf.service"
	followUnit = "falcoctl-artifact-follow.service"
	// libresolv is the drop-in with which Falco 0.42 to 0.44 starts on EL8.
	libresolv = "/etc/systemd/system/falco-modern-bpf.service.d/50-falco-bootstrap.conf"
)

// reportOf reads the report of a run with --output=json.
func reportOf(t *testing.T, r Result) report.Report {
	t.Helper()
	var all report.Report
	if err := json.Unmarshal([]byte(r.Stdout), &all); err != nil {
		t.Fatalf("reading the report: %v in %v", err, r)
	}
	return all
}

// warned lists the warnings of all steps.
func warned(all report.Report) string {
	var text []string
	for _, s := range all.Steps {
		for _, w := range s.Warnings {
			text = append(text, w.Message)
		}
	}
	return strings.Join(text, "\n")
}

// failure is the error of a report, whether of a step or of the run.
func failure(all report.Report) report.Error {
	for _, s := range all.Steps {
		if s.Error != nil {
			return *s.Error
		}
	}
	if all.Error != nil {
		return *all.Error
	}
	return report.Error{}
}

// A stage is one thing that somebody does to a node, and what the next run does
// about it.
type stage struct {
	name  string
	by    string // a line of bash: what somebody does to the node before the run
	flags []string
	// falco and unit are the version and the unit at the end; drift is what the
	// run names.
	falco, unit string
	drift       []string
	also        func(t *testing.T, n *Node, all report.Report)
}

// run takes a node through a stage. The node must be converged and verified after it.
func (s stage) run(t *testing.T, n *Node) {
	n.In(t)
	if s.by != "" {
		n.Must(s.by)
	}
	r := n.Run(append(s.flags, "--output=json")...)
	if r.Exit != 0 {
		t.Fatal(r)
	}
	all := reportOf(t, r)
	for _, d := range s.drift {
		if !slices.Contains(all.Drift, d) {
			t.Errorf("drift = %q, want %s named", all.Drift, d)
		}
	}
	if have := n.Sh("rpm -q --queryformat '%{VERSION} ' falco").Stdout; have != s.falco+" " {
		t.Errorf("falco installed = %q, want only %s", have, s.falco)
	}
	enabled, running := n.activeUnits()
	if diff := cmp.Diff([]string{s.unit}, enabled); diff != "" {
		t.Errorf("enabled units (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{s.unit}, running); diff != "" {
		t.Errorf("running units (-want +got):\n%s", diff)
	}
	if u := n.Unit(followUnit); u.LoadState != "not-found" && (u.UnitFileState != "masked" || u.ActiveState == "active") {
		t.Errorf("%s = %+v, want it masked and not running", followUnit, u)
	}
	if v := n.Run(append(s.flags, "verify")...); v.Exit != 0 {
		t.Errorf("verify: %v", v)
	}
	if s.also != nil {
		s.also(t, n, all)
	}
}

// runStages takes a node through stages, up to the first that fails.
func runStages(t *testing.T, n *Node, stages []stage) {
	t.Helper()
	for _, s := range stages {
		if !t.Run(s.name, func(t *testing.T) { s.run(t, n) }) {
			return
		}
	}
}

// requireModule fails the test unless dkms has built the module of the installed Falco
// for the node's kernel.
func requireModule(t *testing.T, n *Node, _ report.Report) {
	t.Helper()
	version := strings.TrimSpace(n.Must("rpm -q --queryformat '%{VERSION}' falco"))
	if status := n.Must("dkms status"); !strings.Contains(status, "falco/"+version+", "+strings.TrimSuffix(n.Setup.Kernel, ".x86_64")) {
		t.Errorf("dkms status = %q, want falco/%s for %s", status, version, n.Setup.Kernel)
	}
}

func requirePreload(want bool) func(t *testing.T, n *Node, all report.Report) {
	return func(t *testing.T, n *Node, _ report.Report) {
		t.Helper()
		if got := n.Exists(libresolv); got != want {
			t.Errorf("there is a drop-in with LD_PRELOAD: %v, want %v", got, want)
		}
	}
}

func kmod(version string) []string { return []string{"--driver=kmod", "--falco-version=" + version} }
func pin(version string) []string  { return []string{"--falco-version=" + version} }

// Every era is installed over the one before because the pin changes. Both drivers
// work on the kernel.
func TestErasByPin(t *testing.T) {
	t.Parallel()
	d := OL("8.10").RHCK()
	d.Falco, d.EPEL = "all", epelAbsent
	n := Start(t, d)
	runStages(t, n, []stage{
		{name: "0.32 has no unit for modern_ebpf", flags: pin("0.32.2"), falco: "0.32.2", unit: plainUnit, drift: []string{"absent"}, also: requireModule},
		{name: "0.36 by falco-driver-loader", flags: kmod("0.36.2"), falco: "0.36.2", unit: kmodUnit, drift: []string{"falco-version"}, also: requireModule},
		{name: "0.32 reinstalled", by: removal, flags: pin("0.32.2"), falco: "0.32.2", unit: plainUnit, drift: []string{"absent"}, also: requireModule},
		{name: "0.36 by others", by: others("0.36.2"), flags: kmod("0.36.2"), falco: "0.36.2", unit: kmodUnit, drift: []string{"unit-stopped"}, also: requireModule},
		{name: "0.37 takes modern_ebpf by itself", flags: pin("0.37.1"), falco: "0.37.1", unit: modernUnit, drift: []string{"falco-version"}},
		{name: "0.38 by falcoctl", flags: kmod("0.38.2"), falco: "0.38.2", unit: kmodUnit, drift: []string{"falco-version"}, also: requireModule},
		{name: "0.39", flags: pin("0.39.2"), falco: "0.39.2", unit: modernUnit, drift: []string{"falco-version"}},
		{name: "0.44", flags: kmod("0.44.1"), falco: "0.44.1", unit: kmodUnit, drift: []string{"falco-version"}, also: requireModule},
		{name: "0.45 needs no libresolv", flags: pin("0.45.0"), falco: "0.45.0", unit: modernUnit, drift: []string{"falco-version"}, also: requirePreload(false)},
		{name: "nothing is left to do", falco: "0.45.0", unit: modernUnit, also: func(t *testing.T, _ *Node, all report.Report) {
			if all.Result != "ok" {
				t.Errorf("result = %s, want ok", all.Result)
			}
		}},
	})
}

// removal is what somebody does to remove Falco.
const removal = "rpm -e falco 2>&1"

// others returns what somebody does to upgrade Falco by hand, without telling its
// scriptlets which driver to use.
func others(version string) string {
	return "FALCO_FRONTEND=noninteractive rpm -U --nosignature /srv/www/falco/" + version + "/falco-" + version + "-1.*.rpm 2>&1 </dev/null"
}

// The next run corrects what others do to a node: they install each era by hand and
// remove it, and the run installs it again.
func TestErasByOthers(t *testing.T) {
	t.Parallel()
	d := OL("8.10")
	d.Falco = "all"
	n := Start(t, d)
	runStages(t, n, []stage{
		{name: "0.36", flags: pin("0.36.2"), falco: "0.36.2", unit: modernUnit, drift: []string{"absent"}},
		{name: "0.36 reinstalled", by: removal, flags: pin("0.36.2"), falco: "0.36.2", unit: modernUnit, drift: []string{"absent"}},
		{name: "0.37 by others leaves no unit enabled", by: others("0.37.1"), falco: "0.37.1", unit: modernUnit, drift: []string{"unit-disabled", "unit-stopped", "rules-follow"}},
		{name: "0.37 reinstalled, with the toolset of UEK R7", by: removal, flags: kmod("0.37.1"), falco: "0.37.1", unit: kmodUnit, drift: []string{"absent"}, also: func(t *testing.T, n *Node, all report.Report) {
			requireModule(t, n, all)
			if len(n.Installed("gcc-toolset-11")) != 1 {
				t.Error("gcc-toolset-11 is not installed")
			}
		}},
		{name: "0.38 by others", by: "dnf -y --disablerepo='*' --enablerepo=falcosecurity-rpm upgrade falco-0.38.2 2>&1 </dev/null", falco: "0.38.2", unit: modernUnit, drift: []string{"unit-stopped"}},
		{name: "0.38 reinstalled", by: removal, flags: pin("0.38.2"), falco: "0.38.2", unit: modernUnit, drift: []string{"absent"}},
		{name: "0.39 by others", by: others("0.39.2"), falco: "0.39.2", unit: modernUnit, drift: []string{"unit-stopped"}},
		{name: "0.39 reinstalled", by: removal, flags: pin("0.39.2"), falco: "0.39.2", unit: modernUnit, drift: []string{"absent"}},
		{name: "out of 0.40.0", by: others("0.40.0") + " || true", flags: pin("0.44.1"), falco: "0.44.1", unit: modernUnit, drift: []string{"falco-version", "drop-in-missing"}, also: requirePreload(true)},
		{name: "0.44 reinstalled", by: removal, flags: pin("0.44.1"), falco: "0.44.1", unit: modernUnit, drift: []string{"absent"}, also: requirePreload(true)},
		{name: "0.45 by others needs no libresolv", by: others("0.45.0"), falco: "0.45.0", unit: modernUnit, drift: []string{"unit-stopped", "drop-in-stale"}, also: requirePreload(false)},
		{name: "the newest reinstalled", by: removal, falco: "0.45.0", unit: modernUnit, drift: []string{"absent"}},
	})
}

// 0.41 installs on EL9 only; there it comes after 0.39, by a run or by others.
func TestErasOfOL9(t *testing.T) {
	t.Parallel()
	d := OL("9.6").RHCK()
	d.Falco, d.EPEL = "all", epelAbsent
	n := Start(t, d)
	runStages(t, n, []stage{
		{name: "0.39 installed", flags: pin("0.39.2"), falco: "0.39.2", unit: modernUnit, drift: []string{"absent"}},
		{name: "0.41", flags: pin("0.41.3"), falco: "0.41.3", unit: modernUnit, drift: []string{"falco-version"}},
		{name: "0.39 after a removal", by: removal, flags: pin("0.39.2"), falco: "0.39.2", unit: modernUnit, drift: []string{"absent"}},
		{name: "0.41 by others", by: others("0.41.3"), flags: pin("0.41.3"), falco: "0.41.3", unit: modernUnit, drift: []string{"unit-stopped"}},
		{name: "0.41 reinstalled", by: removal, flags: pin("0.41.3"), falco: "0.41.3", unit: modernUnit, drift: []string{"absent"}},
	})
}

// The kernel is too new for earlier eras.
func TestErasOfNewKernels(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.Falco = "all"
	n := Start(t, d)
	runStages(t, n, []stage{
		{name: "0.41 installed", flags: pin("0.41.3"), falco: "0.41.3", unit: modernUnit, drift: []string{"absent"}},
		{
			name: "0.44 by others keeps the edits",
			by:   "sed -i 's/^priority: .*/priority: info/' /etc/falco/falco.yaml && " + others("0.44.1"), falco: "0.44.1", unit: modernUnit,
			drift: []string{"unit-stopped", "config-replaced"},
			also: func(t *testing.T, _ *Node, all report.Report) {
				Lines(t, warned(all), "/etc/falco/falco.yaml.rpmsave", "priority=info")
			},
		},
		{
			name: "0.44 does not go by itself", by: "echo 'no driver to clean up' >/etc/falco-standin/falcoctl-fail",
			flags: pin("0.45.0"), falco: "0.45.0", unit: modernUnit, drift: []string{"falco-version"},
			also: func(t *testing.T, n *Node, all report.Report) {
				text, _ := json.Marshal(all.Steps)
				Lines(t, string(text), "scripts")
				n.Must("rm /etc/falco-standin/falcoctl-fail")
			},
		},
		{name: "0.41 again", by: "rm -f /etc/falco-standin/falcoctl-fail", flags: pin("0.41.3"), falco: "0.41.3", unit: modernUnit, drift: []string{"falco-version"}},
	})
}
