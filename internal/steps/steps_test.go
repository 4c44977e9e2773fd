// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

const (
	uek7  = "5.15.0-210.163.7.el8uek.x86_64"
	uek6  = "5.4.17-2136.311.6.1.el8uek.x86_64"
	rhck8 = "4.18.0-553.16.1.el8_10.x86_64"
	rhck9 = "5.14.0-570.12.1.el9_6.x86_64"
)

func quiet(converge.Event) {}

func converged(t *testing.T, n *fakeNode, s settings.Settings) {
	t.Helper()
	if r := converge.Converge(t.Context(), n, All(s), quiet); r.Err != nil {
		t.Fatalf("Converge = %v, after %q", r.Err, n.changes)
	}
}

// inOrder fails the test if there is anything left to change.
func inOrder(t *testing.T, n *fakeNode, s settings.Settings) {
	t.Helper()
	r := converge.Plan(t.Context(), n, All(s))
	for _, c := range changes(r) {
		t.Errorf("still to change: %s (%s)", c, c.Class())
	}
	if r.Err != nil || r.Pending() {
		t.Errorf("Plan = %v, pending %v, want nothing", r.Err, r.Pending())
	}
}

// bare are nodes without Falco, and what distinguishes them once they have it.
var bare = []struct {
	name, release, kernel, driver, offer, pin string

	unit     string
	packages []string
	dropIn   bool
}{
	{
		name: "UEK 7", release: "8.10", kernel: uek7, driver: "auto", offer: "0.44.1",
		unit: "falco-modern-bpf.service", packages: []string{"falco"}, dropIn: true,
	},
	{
		name: "UEK 7 and a Falco without the flaw", release: "8.10", kernel: uek7, driver: "auto", offer: "0.45.0",
		unit: "falco-modern-bpf.service", packages: []string{"falco"},
	},
	{
		name: "RHCK with the module", release: "8.10", kernel: rhck8, driver: "kmod", offer: "0.44.1",
		unit: "falco-kmod.service", packages: []string{"dkms", "falco", "kernel-devel"}, dropIn: true,
	},
	{
		name: "RHCK, the first era", release: "8.10", kernel: rhck8, driver: "kmod", offer: "0.32.2", pin: "0.32.2",
		unit: "falco.service", packages: []string{"dkms", "falco", "kernel-devel"},
	},
	{
		name: "OL9", release: "9.6", kernel: rhck9, driver: "auto", offer: "0.44.1",
		unit: "falco-modern-bpf.service", packages: []string{"falco"},
	},
}

func TestConvergeBareNodes(t *testing.T) {
	for _, tt := range bare {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, tt.release, tt.kernel)
			n.offer, s.Falco.Driver, s.Falco.Version = tt.offer, tt.driver, tt.pin
			n.write(repoDir+"/epel.repo", "[ol8_developer_EPEL]\nenabled=1\n")
			converged(t, n, s)
			inOrder(t, n, s)
			u := n.units[tt.unit]
			if u == nil || !u.Running() || !u.Enabled() {
				t.Errorf("%s = %+v, want enabled and running", tt.unit, u)
			}
			var names []string
			for _, p := range n.packages {
				names = append(names, p.Name)
			}
			slices.Sort(names)
			if diff := cmp.Diff(tt.packages, names); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
			want := strings.NewReplacer("enabled: false", "enabled: true", "./events.txt", settings.DefaultLog).Replace(falcoYAML)
			if tt.unit == falco.AliasUnit {
				want = strings.Replace(want, "rules_files", "rules_file", 1)
			}
			if diff := cmp.Diff(want, n.read(falco.ConfigFile)); diff != "" {
				t.Errorf("falco.yaml (-want +got):\n%s", diff)
			}
			if got := strings.Contains(n.read("/etc/systemd/system/"+tt.unit+".d/"+dropInName), falco.PreloadLibrary); got != tt.dropIn {
				t.Errorf("drop-in there: %v, want %v", got, tt.dropIn)
			}
			if got := n.read(repoDir + "/epel.repo"); got != "[ol8_developer_EPEL]\nenabled=0\n" {
				t.Errorf("epel.repo = %q, want it disabled", got)
			}
		})
	}
}

// After a power loss at any change, the next run ends as if nothing had happened.
func TestPowerLossAfterAnyChange(t *testing.T) {
	for _, tt := range bare {
		t.Run(tt.name, func(t *testing.T) {
			prepare := func() (*fakeNode, settings.Settings) {
				n, s := newNode(t, tt.release, tt.kernel)
				n.offer, s.Falco.Driver, s.Falco.Version = tt.offer, tt.driver, tt.pin
				n.write(repoDir+"/epel.repo", "[ol8_developer_EPEL]\nenabled=1\n")
				return n, s
			}
			whole, s := prepare()
			converged(t, whole, s)
			total := len(whole.changes)
			for limit := 1; limit < total; limit++ {
				n, _ := prepare()
				n.served, n.limit = whole.served, limit
				if r := converge.Converge(t.Context(), n, All(s), quiet); !errors.Is(r.Err, errPower) {
					t.Fatalf("with power for %d changes: %v, want %v", limit, r.Err, errPower)
				}
				n.limit = 0
				converged(t, n, s)
				inOrder(t, n, s)
				if diff := cmp.Diff(whole.state(), n.state()); diff != "" {
					t.Errorf("after power loss at change %d (-want +got):\n%s", limit, diff)
				}
			}
		})
	}
}

func TestEPELComesFirstWhereItIsMissing(t *testing.T) {
	n, s := newNode(t, "10.1", "6.12.0-55.9.1.el10_0.x86_64")
	s.Falco.Driver = "kmod"
	n.write(repoDir+"/oracle-linux.repo", "[ol10_baseos_latest]\nenabled=1\n")
	r := converge.Plan(t.Context(), n, All(s))
	var installs []string
	for _, c := range changes(r) {
		if i, ok := c.(node.Install); ok {
			installs = append(installs, i.String()+" from "+strings.Join(i.Repositories, " "))
		}
	}
	want := []string{
		"install oracle-epel-release-el10 from ol10_baseos_latest",
		"install falco >= 0.32.0, dkms, kernel-devel-6.12.0-55.9.1.el10_0.x86_64 from falcosecurity-rpm ol10_baseos_latest ol10*_developer_EPEL",
	}
	if diff := cmp.Diff(want, installs); diff != "" {
		t.Errorf("installs (-want +got):\n%s", diff)
	}
	converged(t, n, s)
	if got := n.read(repoDir + "/oracle-epel.repo"); !strings.Contains(got, "enabled=0") {
		t.Errorf("oracle-epel.repo = %q, want it disabled", got)
	}
	inOrder(t, n, s)
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*fakeNode, *settings.Settings)
		code node.Code
		want string
	}{
		{"Debian", func(n *fakeNode, _ *settings.Settings) {
			delete(n.files, "etc/oracle-release")
			n.write("/etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n")
		}, node.CodePreflight, "not Oracle Linux but Debian"},
		{"OL6", func(n *fakeNode, _ *settings.Settings) {
			n.write("/etc/oracle-release", "Oracle Linux Server release 6.10\n")
		}, node.CodePreflight, "not supported"},
		{"broken release file", func(n *fakeNode, _ *settings.Settings) { n.write("/etc/oracle-release", "8.10\n") }, node.CodePreflight, "8.10"},
		{"UEK 6", func(n *fakeNode, _ *settings.Settings) { n.host.Kernel = uek6 }, node.CodePreflight, "UEK"},
		{"module on UEK", func(_ *fakeNode, s *settings.Settings) { s.Falco.Driver, s.Falco.Version = "kmod", "0.36.2" }, node.CodePreflight, "UEK"},
		{"the version that cannot be erased", func(_ *fakeNode, s *settings.Settings) { s.Falco.Version = "0.40.0" }, node.CodePreflight, "0.40.0"},
		{"no systemd", func(n *fakeNode, _ *settings.Settings) { n.host.Systemd = false }, node.CodePreflight, "systemd is not running"},
		{"log is a directory", func(n *fakeNode, _ *settings.Settings) { n.write("/var/log/falco.log/x", "") }, node.CodeConfig, "is a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			tt.edit(n, &s)
			before := n.state()
			r := converge.Plan(t.Context(), n, All(s))
			if node.CodeOf(r.Err) != tt.code || !strings.Contains(r.Err.Error(), tt.want) {
				t.Errorf("Plan = %v (%s), want %q (%s)", r.Err, node.CodeOf(r.Err), tt.want, tt.code)
			}
			if node.HintOf(r.Err) == "" {
				t.Errorf("%v has no hint", r.Err)
			}
			if diff := cmp.Diff(before, n.state()); diff != "" {
				t.Errorf("the plan changed something:\n%s", diff)
			}
		})
	}
}

func TestOverruledIsRefusedByName(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/config.d]\n")
	converged(t, n, s)
	n.write("/etc/falco/config.d/50-site.yaml", "# ours\nfile_output:\n  enabled: false\n  filename: /x\n")
	before := n.state()
	r := converge.Converge(t.Context(), n, All(s), quiet)
	if node.CodeOf(r.Err) != node.CodeConfig || !strings.Contains(r.Err.Error(), "/etc/falco/config.d/50-site.yaml:3") {
		t.Errorf("Converge = %v, want a refusal that names the line", r.Err)
	}
	if diff := cmp.Diff(before, n.state()); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
}

func TestWarningsDoNotFail(t *testing.T) {
	for _, tt := range []struct {
		name string
		want node.Drift
		make func(*fakeNode, *settings.Settings)
	}{
		{"second Falco", node.DriftSecondFalco, func(n *fakeNode, _ *settings.Settings) {
			n.processes = []node.Process{{PID: 7, Cgroup: "/kubepods/x", Container: true}}
		}},
		{"second Falco under a unit of its own", node.DriftSecondFalco, func(n *fakeNode, _ *settings.Settings) {
			n.processes = []node.Process{{PID: 7, Cgroup: "/system.slice/cks-falco.service", Unit: "cks-falco.service"}}
		}},
		{"a unit file where the alias belongs", node.DriftUnitAlias, func(n *fakeNode, _ *settings.Settings) {
			n.write("/etc/systemd/system/falco.service", "[Service]\n")
		}},
		{"a unit file where the mask belongs", node.DriftFollow, func(n *fakeNode, _ *settings.Settings) {
			n.units[falco.FollowUnit].UnitFileState, n.units[falco.FollowUnit].LoadState = "enabled", "loaded"
			n.write("/etc/systemd/system/"+falco.FollowUnit, "[Service]\n")
		}},
		{"second Falco under no unit", node.DriftSecondFalco, func(n *fakeNode, _ *settings.Settings) {
			n.processes = []node.Process{{PID: 7, Cgroup: "/"}}
		}},
		{"leftover in config.d", node.DriftConfigStray, func(n *fakeNode, _ *settings.Settings) {
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/config.d]\n")
			n.write("/etc/falco/config.d/a.yaml.bak", "priority: debug\n")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			tt.make(n, &s)
			r := converge.Plan(t.Context(), n, All(s))
			var got []node.Drift
			for _, step := range r.Steps {
				for _, w := range step.Warnings {
					got = append(got, w.Drift)
				}
			}
			if r.Err != nil || !slices.Contains(got, tt.want) {
				t.Errorf("Plan = %v, warnings of %q, want %s", r.Err, got, tt.want)
			}
		})
	}
}

func TestTreeIsConvergedByFilesAlone(t *testing.T) {
	n, s := newNode(t, "8.10", "")
	n.host = node.Host{Tree: true}
	n.write(falco.ConfigFile, falcoYAML)
	n.write(repoDir+"/epel.repo", "[ol8_developer_EPEL]\nenabled=1\n")
	converged(t, n, s)
	if !strings.Contains(n.read(falco.ConfigFile), settings.DefaultLog) || !strings.Contains(n.read(repoDir+"/epel.repo"), "enabled=0") {
		t.Errorf("falco.yaml = %q, epel.repo = %q", n.read(falco.ConfigFile), n.read(repoDir+"/epel.repo"))
	}
	for _, c := range n.changes {
		if strings.HasPrefix(c, "install") || strings.HasPrefix(c, "enable") || strings.HasPrefix(c, "import") {
			t.Errorf("planned for a tree: %s", c)
		}
	}
}

func TestOtherLogrotateFileIsLeftToItself(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	n.write(logrotateDir+"/falco", "/var/log/falco.log {\n  daily\n}\n")
	converged(t, n, s)
	if n.read(logrotateFile) != "" {
		t.Error("the log is named in two files of logrotate's, which it refuses")
	}
}

func TestDeclaredModeReachesTheUnit(t *testing.T) {
	n, s := newNode(t, "9.6", rhck9)
	s.Log.Mode = "0640"
	converged(t, n, s)
	if got := n.read(dropIn); !strings.Contains(got, "\nUMask=0026\n") && !strings.Contains(got, "\nUMask=0027\n") {
		t.Errorf("drop-in = %q, want a UMask for 0640", got)
	}
	if got := n.files["var/log/falco.log"].Mode; got != 0o640 {
		t.Errorf("log's mode = %v", got)
	}
	inOrder(t, n, s)
}

func TestDeclaredGroupReachesTheUnitAndTheLog(t *testing.T) {
	n, s := newNode(t, "9.6", rhck9)
	s.Log.Mode, s.Log.Group = "0640", "loggers"
	if r := converge.Plan(t.Context(), n, All(s)); node.CodeOf(r.Err) != node.CodeConfig || !strings.Contains(node.HintOf(r.Err), "groupadd") {
		t.Errorf("Plan without the group = %v, want a refusal that says how to make it", r.Err)
	}
	n.write("/etc/group", "root:x:0:\nloggers:x:990:fluentd\n")
	converged(t, n, s)
	if got := n.groups[settings.DefaultLog]; got != 990 {
		t.Errorf("log's group = %d, want 990", got)
	}
	if got := n.read(dropIn); !strings.Contains(got, "\nGroup=loggers\n") {
		t.Errorf("drop-in = %q, want the group in it", got)
	}
	inOrder(t, n, s)
}

func TestUnknownIsNotInOrder(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	r := converge.Plan(t.Context(), denied{n}, All(s))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for _, step := range r.Steps {
		if step.ID == "config" && step.Status != converge.StatusUnknown {
			t.Errorf("config is %s (%s), want unknown", step.Status, step.Reason)
		}
	}
}

// denied is a node whose falco.yaml this user may not read.
type denied struct{ *fakeNode }

func (d denied) Tree() fs.FS { return deniedTree{d.files} }

type deniedTree struct{ fs.FS }

func (d deniedTree) Open(name string) (fs.File, error) {
	if name == inTree(falco.ConfigFile) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func TestDeclareOverridesDefault(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	s.Declare(falcoconf.Setting{Path: "json_output", Value: true})
	converged(t, n, s)
	if !strings.Contains(n.read(falco.ConfigFile), "json_output: true") {
		t.Errorf("falco.yaml = %q", n.read(falco.ConfigFile))
	}
}

func TestFIPSIsTold(t *testing.T) {
	n, s := newNode(t, "9.6", rhck9)
	n.host.FIPS = true
	converged(t, n, s)
	if got := stepOf(t, converge.Plan(t.Context(), n, All(s)), "preflight").Reason; !strings.Contains(got, "FIPS mode") {
		t.Errorf("preflight says %q, want FIPS mode in it", got)
	}
}

// The packages of the first eras build their module when they are installed. If
// that failed, a run that changes nothing must not succeed.
func TestModuleThatThePackageDidNotBuild(t *testing.T) {
	n, s := newNode(t, "8.10", rhck8)
	n.brokenBuild, s.Falco.Driver, s.Falco.Version = true, "kmod", "0.32.2"
	n.write(repoDir+"/epel.repo", "[ol8_developer_EPEL]\nenabled=0\n")
	r := converge.Converge(t.Context(), n, All(s), quiet)
	if node.CodeOf(r.Err) != node.CodeFailed || !strings.Contains(r.Err.Error(), "there is none for "+rhck8) || node.HintOf(r.Err) == "" {
		t.Errorf("Converge = %v, want an error that says so, with a hint", r.Err)
	}
}
