// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tests of this file and the next hold the stand-ins themselves to what is
// known of Falco's packages: falcosecurity/falco scripts/rpm at each tag.

// byHand returns a node with Falco's repository switched on, as somebody would
// have done by hand. EPEL is on as well, since packages before 0.40 need dkms.
func byHand(t *testing.T, d Dress, folder string) *Node {
	t.Helper()
	t.Parallel()
	d.Settings, d.EPEL = "-", epelEnabled
	d.Files = map[string]string{"/etc/yum.repos.d/falcosecurity.repo": falcoRepository(folder)}
	return Start(t, d)
}

// falcoRepository is a repository file for the node's own packages.
func falcoRepository(folder string) string {
	return "[falcosecurity-rpm]\nname=falcosecurity-rpm\nbaseurl=" + www + "/falco/" + folder +
		"\ngpgcheck=1\ngpgkey=" + www + "/keys/falcosecurity-packages.asc\nrepo_gpgcheck=1\nenabled=1\n"
}

// dnf runs dnf with Falco's scriptlets told not to ask. What needs no packages of
// Oracle's is spared their repositories.
func (n *Node) dnf(environment, words string) Result {
	n.t.Helper()
	if !strings.Contains(words, "kernel-devel") {
		words = "--disablerepo='ol*' " + words
	}
	return n.Sh("FALCO_FRONTEND=noninteractive " + environment + " LC_ALL=C dnf -y --setopt=install_weak_deps=False " + words + " </dev/null")
}

// rpm installs a version of Falco, and what it requires, without dnf: scriptlets
// do not care, and it takes a tenth of the time.
func (n *Node) rpm(environment, version string) Result {
	n.t.Helper()
	files := "/srv/www/falco/" + version + "/*.rpm"
	if strings.HasPrefix(version, "0.3") {
		files += " /srv/www/oracle/ol8/epel/dkms-*.rpm /srv/www/oracle/ol8/baseos/kernel-devel-" + n.Dress.Kernel + ".rpm"
	}
	return n.Sh("FALCO_FRONTEND=noninteractive " + environment + " rpm -U --nosignature " + files)
}

// on returns the Falco units that are enabled, and those that are running.
func (n *Node) on() (enabled, running []string) {
	n.t.Helper()
	units := n.FalcoUnits()
	for _, name := range slices.Sorted(maps.Keys(units)) {
		if units[name] == "enabled" {
			enabled = append(enabled, name)
		}
	}
	for name := range strings.FieldsSeq(n.Must("systemctl list-units --plain --no-legend --no-pager --state running 'falco*.service' | awk '{print $1}'")) {
		if name != "falcoctl-artifact-follow.service" {
			running = append(running, name)
		}
	}
	return enabled, running
}

func TestStandinInstall(t *testing.T) {
	const modern = "falco-modern-bpf.service"
	for _, tt := range []struct {
		name, version, environment string
		dress                      Dress
		enabled                    []string
	}{
		{name: "0.32 builds a module and starts nothing", version: "0.32.2", dress: OL("8.10").RHCK()},
		{name: "0.36 starts nothing", version: "0.36.2", dress: OL("8.10").RHCK()},
		{name: "0.37 starts nothing", version: "0.37.1", dress: OL("8.10").RHCK()},
		{name: "0.37 starts what it is told", version: "0.37.1", environment: "FALCO_DRIVER_CHOICE=modern_ebpf", dress: OL("8.10").RHCK(), enabled: []string{modern}},
		{name: "0.38 starts the driver it finds", version: "0.38.2", dress: OL("8.10").RHCK(), enabled: []string{modern}},
		{name: "0.39 starts nothing when told so", version: "0.39.2", environment: "FALCO_DRIVER_CHOICE=none", dress: OL("8.10").RHCK()},
		{name: "0.40 cannot finish its scriptlet", version: "0.40.0", dress: OL("9.6")},
		{name: "0.41 starts the driver it finds", version: "0.41.3", dress: OL("9.6"), enabled: []string{modern}},
		{name: "0.44 starts the driver it finds", version: "0.44.1", dress: OL("9.6"), enabled: []string{modern}},
		{name: "0.44 finds no driver on UEK R6", version: "0.44.1", dress: uek6()},
		{name: "0.44 takes an unknown choice for auto", version: "0.44.1", environment: "FALCO_DRIVER_CHOICE=ebpf", dress: OL("9.6"), enabled: []string{modern}},
		{name: "0.45 starts nothing when told so", version: "0.45.0", environment: "FALCO_DRIVER_CHOICE=none", dress: OL("8.10")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := byHand(t, tt.dress, tt.version)
			if r := n.rpm(tt.environment, tt.version); r.Exit != 0 {
				t.Fatalf("rpm: %v", r)
			}
			enabled, running := n.on()
			if diff := cmp.Diff(tt.enabled, enabled); diff != "" {
				t.Errorf("enabled units (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.enabled, running); diff != "" {
				t.Errorf("running units (-want +got):\n%s", diff)
			}
			built := n.Exec("dkms", "status").Stdout
			if want := tt.version == "0.32.2"; strings.Contains(built, "installed") != want {
				t.Errorf("dkms status = %q, installed wanted: %v", built, want)
			}
		})
	}
}

// uek6 is a node whose kernel no driver of Falco 0.44 works on.
func uek6() Dress {
	d := OL("8.10")
	d.Kernel = "5.4.17-2136.311.6.1.el8uek.x86_64"
	return d
}

func TestStandinPackageThatCannotGo(t *testing.T) {
	for _, tt := range []struct {
		name, version string
		dress         Dress
		want          string
	}{
		{name: "0.40 has macros that nobody expanded", version: "0.40.0", dress: OL("9.6"), want: "fg: no job control"},
		{name: "0.44 finds no driver to clean up", version: "0.44.1", dress: uek6(), want: "no supported driver found for distro: ol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := byHand(t, tt.dress, tt.version)
			n.dnf("", "install falco")
			r := n.dnf("", "remove falco")
			if !strings.Contains(r.Stdout+r.Stderr, tt.want) || len(n.Installed("falco")) != 1 {
				t.Errorf("dnf remove falco: %v\ninstalled: %v", r, n.Installed("falco"))
			}
		})
	}
}

func TestStandinUpgradeStopsFalcoAndMovesEdits(t *testing.T) {
	n := byHand(t, OL("9.6"), "all")
	if r := n.dnf("", "install falco-0.41.3"); r.Exit != 0 {
		t.Fatalf("installing 0.41.3: %v", r)
	}
	n.Must("echo '# mine' >>/etc/falco/falco.yaml")
	if r := n.dnf("", "upgrade falco"); r.Exit != 0 {
		t.Fatalf("upgrading: %v", r)
	}
	u := n.Unit("falco-modern-bpf.service")
	if u.UnitFileState != "enabled" || u.ActiveState != "inactive" {
		t.Errorf("unit after an upgrade = %+v, want enabled and inactive", u)
	}
	if old := n.ReadFile("/etc/falco/falco.yaml.rpmsave"); !strings.Contains(old, "# mine") {
		t.Errorf("falco.yaml.rpmsave does not hold the edit")
	}
	if now := n.ReadFile("/etc/falco/falco.yaml"); strings.Contains(now, "# mine") {
		t.Errorf("falco.yaml still holds the edit")
	}
}

func TestStandinAliases(t *testing.T) {
	n := byHand(t, OL("9.6"), "0.44.1")
	n.dnf("FALCO_DRIVER_CHOICE=none", "install falco")
	if r := n.Exec("systemctl", "enable", "falco"); r.Exit == 0 || !strings.Contains(r.Stderr, "does not exist") {
		t.Errorf("systemctl enable falco, before: %v", r)
	}
	n.Must("systemctl enable falco-modern-bpf")
	if r := n.Exec("systemctl", "enable", "falco"); r.Exit == 0 || !strings.Contains(r.Stderr, "linked unit file") {
		t.Errorf("systemctl enable falco, after: %v", r)
	}
}

func TestStandinRefusedPackages(t *testing.T) {
	for _, tt := range []struct{ folder, want string }{
		{"othersigned", "GPG check FAILED"},
		{"unsigned", "is not signed"},
		{"badmetadata", "repomd.xml GPG signature verification error"},
	} {
		t.Run(tt.folder, func(t *testing.T) {
			n := byHand(t, OL("9.6"), tt.folder)
			r := n.dnf("", "install falco")
			if r.Exit == 0 || !strings.Contains(r.Stdout+r.Stderr, tt.want) || len(n.Installed("falco")) > 0 {
				t.Errorf("installing from %s: %v", tt.folder, r)
			}
		})
	}
}

func TestStandinDependencyThatNothingHas(t *testing.T) {
	n := byHand(t, OL("8.10"), "0.41.3")
	if r := n.dnf("", "install falco"); r.Exit == 0 || !strings.Contains(r.Stderr, "GLIBCXX_3.4.26") {
		t.Errorf("installing 0.41.3 on EL8: %v", r)
	}
}
