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

// The tests of this file and of standin_falco_test.go compare the stand-ins with
// Falco's packages: falcosecurity/falco scripts/rpm at each tag.

// byHand returns a node on which somebody has enabled Falco's repository by hand.
// EPEL is enabled too, since packages before 0.40 need dkms.
func byHand(t *testing.T, d Setup, repository string) *Node {
	t.Helper()
	t.Parallel()
	d.Settings, d.EPEL = "-", epelEnabled
	d.Files = map[string]string{"/etc/yum.repos.d/falcosecurity.repo": falcoRepository(repository)}
	return Start(t, d)
}

// falcoRepository is a repository file for packages of the node's web server.
func falcoRepository(name string) string {
	return "[falcosecurity-rpm]\nname=falcosecurity-rpm\nbaseurl=" + www + "/falco/" + name +
		"\ngpgcheck=1\ngpgkey=" + www + "/keys/falcosecurity-packages.asc\nrepo_gpgcheck=1\nenabled=1\n"
}

// dnf runs dnf so that Falco's scriptlets ask no questions. It leaves out the
// repositories of Oracle Linux unless one of their packages is named.
func (n *Node) dnf(environment, words string) Result {
	n.t.Helper()
	if !strings.Contains(words, "kernel-devel") {
		words = "--disablerepo='ol*' " + words
	}
	return n.Sh("FALCO_FRONTEND=noninteractive " + environment + " LC_ALL=C dnf -y --setopt=install_weak_deps=False " + words + " </dev/null")
}

// rpm installs a version of Falco, and what it requires, without dnf. That makes no
// difference to scriptlets and takes a tenth of the time.
func (n *Node) rpm(environment, version string) Result {
	n.t.Helper()
	files := "/srv/www/falco/" + version + "/*.rpm"
	if strings.HasPrefix(version, "0.3") {
		files += " /srv/www/oracle/ol8/epel/dkms-*.rpm /srv/www/oracle/ol8/baseos/kernel-devel-" + n.Setup.Kernel + ".rpm"
	}
	return n.Sh("FALCO_FRONTEND=noninteractive " + environment + " rpm -U --nosignature " + files)
}

// activeUnits returns the Falco units that are enabled, and those that are running.
func (n *Node) activeUnits() (enabled, running []string) {
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

// An installation is a version installed by hand, and the units that are enabled and
// running after that.
type installation struct {
	name, version, environment string
	enabled                    []string
	// stays is the error of a package that cannot be erased.
	stays string
}

func TestStandinInstall(t *testing.T) {
	modern := []string{modernUnit}
	for _, tt := range []struct {
		name  string
		setup Setup
		cases []installation
	}{
		{name: "OL 8 with RHCK", setup: OL("8.10").RHCK(), cases: []installation{
			{name: "0.32 builds a module and starts nothing", version: "0.32.2"},
			{name: "0.36 starts nothing", version: "0.36.2"},
			{name: "0.37 starts nothing", version: "0.37.1"},
			{name: "0.37 starts the unit it is asked for", version: "0.37.1", environment: "FALCO_DRIVER_CHOICE=modern_ebpf", enabled: modern},
			{name: "0.38 starts the driver it finds", version: "0.38.2", enabled: modern},
			{name: "0.39 starts nothing when asked to", version: "0.39.2", environment: "FALCO_DRIVER_CHOICE=none"},
		}},
		{name: "OL 9", setup: OL("9.6"), cases: []installation{
			{name: "0.40 cannot finish its scriptlets", version: "0.40.0", stays: "fg: no job control"},
			{name: "0.41 starts the driver it finds", version: "0.41.3", enabled: modern},
			{name: "0.44 starts the driver it finds", version: "0.44.1", enabled: modern},
			{name: "0.44 treats an unknown choice as auto", version: "0.44.1", environment: "FALCO_DRIVER_CHOICE=ebpf", enabled: modern},
			{name: "0.45 starts nothing when asked to", version: "0.45.0", environment: "FALCO_DRIVER_CHOICE=none"},
		}},
		{name: "UEK R6", setup: uek6(), cases: []installation{
			{name: "0.44 finds no driver", version: "0.44.1", stays: "no supported driver found for distro: ol"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := byHand(t, tt.setup, "all")
			for _, c := range tt.cases {
				t.Run(c.name, func(t *testing.T) { c.check(t, n) })
			}
		})
	}
}

// check installs Falco on a node without it, checks the node, and removes Falco with
// everything that it leaves behind.
func (c installation) check(t *testing.T, n *Node) {
	n.In(t)
	if r := n.rpm(c.environment, c.version); r.Exit != 0 {
		t.Fatalf("rpm: %v", r)
	}
	enabled, running := n.activeUnits()
	if diff := cmp.Diff(c.enabled, enabled); diff != "" {
		t.Errorf("enabled units (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.enabled, running); diff != "" {
		t.Errorf("running units (-want +got):\n%s", diff)
	}
	built := n.Exec("dkms", "status").Stdout
	if want := c.version == "0.32.2"; strings.Contains(built, "installed") != want {
		t.Errorf("dkms status = %q, want installed: %v", built, want)
	}
	if c.stays != "" {
		if r := n.dnf("", "remove falco"); !strings.Contains(r.Stdout+r.Stderr, c.stays) || len(n.Installed("falco")) != 1 {
			t.Errorf("dnf remove falco: %v\ninstalled: %v", r, n.Installed("falco"))
		}
	}
	n.removeFalco()
}

// removeFalco removes Falco with everything that it installed or left behind.
func (n *Node) removeFalco() {
	n.t.Helper()
	n.Must(`systemctl stop 'falco*'
		rpm -e --noscripts $(rpm -qa falco dkms 'kernel*-devel')
		find /etc/systemd/system -name 'falco*' -delete
		rm -rf /etc/falco /etc/falcoctl /usr/share/falco /usr/src/falco-* /var/lib/dkms /var/log/falco.log
		systemctl daemon-reload`)
}

// uek6 returns the setup of a node on whose kernel no driver of Falco 0.44 works.
func uek6() Setup {
	d := OL("8.10")
	d.Kernel = "5.4.17-2136.311.6.1.el8uek.x86_64"
	return d
}

// TestStandinPackages does what people do with the packages by hand, on one node.
func TestStandinPackages(t *testing.T) {
	n := byHand(t, OL("9.6"), "all")
	n.runSubtests(t, []subtest{
		{"an upgrade stops Falco and moves edits aside", upgrade},
		{"units by their aliases", aliases},
		{"packages to refuse", refusedPackages},
	})
}

func upgrade(t *testing.T, n *Node) {
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
		t.Errorf("falco.yaml.rpmsave does not have the edit")
	}
	if now := n.ReadFile("/etc/falco/falco.yaml"); strings.Contains(now, "# mine") {
		t.Errorf("falco.yaml still has the edit")
	}
	n.removeFalco()
}

func aliases(t *testing.T, n *Node) {
	n.rpm("FALCO_DRIVER_CHOICE=none", "0.44.1")
	if r := n.Exec("systemctl", "enable", "falco"); r.Exit == 0 || !strings.Contains(r.Stderr, "does not exist") {
		t.Errorf("systemctl enable falco, before: %v", r)
	}
	n.Must("systemctl enable falco-modern-bpf")
	if r := n.Exec("systemctl", "enable", "falco"); r.Exit == 0 || !strings.Contains(r.Stderr, "linked unit file") {
		t.Errorf("systemctl enable falco, after: %v", r)
	}
	n.removeFalco()
}

func refusedPackages(t *testing.T, n *Node) {
	for _, tt := range []struct{ repository, want string }{
		{repository: "othersigned", want: "GPG check FAILED"},
		{repository: "unsigned", want: "is not signed"},
		{repository: "badmetadata", want: "repomd.xml GPG signature verification error"},
	} {
		n.WriteFile("/etc/yum.repos.d/falcosecurity.repo", falcoRepository(tt.repository))
		r := n.dnf("", "install falco")
		if r.Exit == 0 || !strings.Contains(r.Stdout+r.Stderr, tt.want) || len(n.Installed("falco")) > 0 {
			t.Errorf("installing from %s: %v", tt.repository, r)
		}
	}
}

// Falco 0.41.3 does not install on EL8, and 0.44 finds its C library too old.
func TestStandinOldLibraries(t *testing.T) {
	n := byHand(t, OL("8.10"), "0.41.3")
	if r := n.dnf("", "install falco"); r.Exit == 0 || !strings.Contains(r.Stderr, "GLIBCXX_3.4.26") {
		t.Errorf("installing 0.41.3 on EL8: %v", r)
	}
	n.rpm("FALCO_DRIVER_CHOICE=none", "0.44.1")
	r := n.Exec("falco", "--dry-run")
	if r.Exit != 1 || !strings.Contains(r.Stderr, "undefined symbol: __res_search. Exiting.") || r.Stdout != "" {
		t.Errorf("falco --dry-run on EL8: %v", r)
	}
	if r := n.Sh("LD_PRELOAD=/lib64/libresolv.so.2 falco --dry-run"); r.Exit != 0 || r.Stdout != "" {
		t.Errorf("falco --dry-run on EL8 with libresolv: %v", r)
	}
}
