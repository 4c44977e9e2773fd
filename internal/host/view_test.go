// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A View of a tree asks this machine nothing.
func TestViewOfTree(t *testing.T) {
	root := t.TempDir()
	v, err := OpenView(t.Context(), Options{Root: root, Kernel: "5.15.0-1.el8uek.aarch64"})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	_, packages := v.Packages(t.Context())
	_, altered := v.Altered(t.Context())
	_, units := v.Units(t.Context(), "falco.service")
	_, falcos := v.Falcos(t.Context())
	for _, err := range []error{packages, altered, units, falcos} {
		if !errors.Is(err, node.ErrNotAsked) {
			t.Errorf("got %v, want %v", err, node.ErrNotAsked)
		}
	}
	want := node.Host{Kernel: "5.15.0-1.el8uek.aarch64", KernelGiven: true, Arch: "aarch64", Root: os.Geteuid() == 0, Tree: true}
	if d := cmp.Diff(want, v.Host()); d != "" {
		t.Errorf("Host (-want +got):\n%s", d)
	}
	m := openMachine(t, root)
	if err := m.Apply(t.Context(), node.Install{}); !errors.Is(err, node.ErrNotAsked) {
		t.Errorf("Install into a tree = %v, want %v", err, node.ErrNotAsked)
	}
}

// Two callers see the same node, and rpm is asked once.
func TestViewAsksOnce(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	openUp(t, filepath.Dir(count))
	if err := os.WriteFile(count, nil, 0o666); err != nil || os.Chmod(count, 0o666) != nil {
		t.Fatal(err)
	}
	tools := testTools(t)
	rpm := script(t, "rpm", `echo x >>`+count+`; echo "package falco is not installed"; exit 1`)
	openUp(t, filepath.Dir(rpm))
	tools.rpm = []string{rpm}
	v, err := OpenView(t.Context(), Options{tools: &tools})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for range 3 {
		if _, err := v.Packages(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Altered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(count); strings.Count(string(got), "x") != 2 {
		t.Errorf("rpm ran %d times, want twice: -q and -V", strings.Count(string(got), "x"))
	}
}

func TestFindModule(t *testing.T) {
	const kernel = "4.18.0-553.16.1.el8_10.x86_64"
	tests := []struct {
		file  string
		built bool
	}{
		{"var/lib/dkms/falco/7.0.0+driver/" + kernel + "/x86_64/module/falco.ko.xz", false}, // its package is gone
		{"lib/modules/" + kernel + "/extra/falco.ko.xz", true},
		{"lib/modules/" + kernel + "/updates/dkms/falco.ko", true},
		{"lib/modules/" + kernel + "/weak-updates/falco.ko.zst", true},
		{"var/lib/dkms/falco/8.1.0+driver/" + kernel + "/x86_64/module/falco.ko.xz", true},
		{"var/lib/dkms/falco/8.1.0+driver/5.14.0/x86_64/module/falco.ko.xz", false},
		{"lib/modules/5.14.0/extra/falco.ko", false},
		{"lib/modules/" + kernel + "/extra/falco.ko.bak", false},
		{"lib/modules/" + kernel + "/extra/other.ko", false},
	}
	for _, tt := range tests {
		root := t.TempDir()
		put(t, root, tt.file, "")
		put(t, root, "usr/src/falco-8.1.0+driver/dkms.conf", "")
		got, err := findModule(newTree(t, root), kernel)
		if err != nil || got.Built != tt.built || tt.built && got.Where != "/"+tt.file {
			t.Errorf("findModule with %s = %+v, %v; want built: %v", tt.file, got, err, tt.built)
		}
	}
	// What dkms installed is as old as what it built.
	root := t.TempDir()
	put(t, root, "var/lib/dkms/falco/7.0.0+driver/"+kernel+"/x86_64/module/falco.ko.xz", "")
	put(t, root, "lib/modules/"+kernel+"/extra/falco.ko.xz", "")
	if got, err := findModule(newTree(t, root), kernel); err != nil || got.Built {
		t.Errorf("findModule with the module of a Falco before = %+v, %v; want built: false", got, err)
	}
	if _, err := findModule(newTree(t, t.TempDir()), "../../etc"); err == nil {
		t.Error("findModule accepts a path as a kernel release")
	}
}

func TestFindFalcos(t *testing.T) {
	proc := t.TempDir()
	put(t, proc, "1/comm", "systemd\n")
	process := func(pid, comm, exe, cmdline, cgroup string) {
		put(t, proc, pid+"/comm", comm+"\n")
		put(t, proc, pid+"/cmdline", strings.ReplaceAll(cmdline, " ", "\x00"))
		put(t, proc, pid+"/cgroup", cgroup+"\n")
		if exe != "" {
			if err := os.Symlink(exe, filepath.Join(proc, pid, "exe")); err != nil {
				t.Fatal(err)
			}
		}
	}
	process("20", "falco", "/usr/bin/falco", "/usr/bin/falco", "0::/system.slice/falco-modern-bpf.service")
	process("30", "falco", "", "falco -c /x", "12:pids:/kubepods/burstable/podx/abc\n1:name=systemd:/kubepods.slice/kubepods-pod1.slice/crio-abc.scope")
	process("40", "falcoctl", "/usr/bin/falcoctl", "falcoctl artifact follow", "0::/x")
	process("50", "falco", "/usr/bin/falco (deleted)", "falco", "0::/system.slice/cks-falco.service")
	process("60", "watcher", "/opt/falco", "watcher", "0::/user.slice/user-0.slice/session-3.scope")
	process("70", "falco", "/usr/bin/falco", "falco -c /etc/falco/falco.yaml --dry-run", "0::/x")
	process("80", "falco", "", "", "0::/")
	process("self", "falco", "", "falco", "0::/")
	got, err := findFalcos(proc)
	want := []node.Process{
		{PID: 20, Exe: "/usr/bin/falco", Cgroup: "/system.slice/falco-modern-bpf.service", Unit: "falco-modern-bpf.service"},
		{PID: 30, Cgroup: "/kubepods.slice/kubepods-pod1.slice/crio-abc.scope", Container: true, Unit: "crio-abc.scope"},
		{PID: 50, Exe: "/usr/bin/falco", Cgroup: "/system.slice/cks-falco.service", Unit: "cks-falco.service"},
		{PID: 60, Exe: "/opt/falco", Cgroup: "/user.slice/user-0.slice/session-3.scope", Unit: "session-3.scope"},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("findFalcos: %v (-want +got):\n%s", err, d)
	}
}

func TestInContainer(t *testing.T) {
	for _, tt := range []struct {
		cgroup, unit string
		container    bool
	}{
		{"/system.slice/falco-modern-bpf.service", "falco-modern-bpf.service", false},
		{"/system.slice/falco.service", "falco.service", false},
		{"/system.slice/docker.service", "docker.service", false},
		{"/security.slice/my-docker.service", "my-docker.service", false},
		{"/system.slice/crond.service", "crond.service", false},
		{"/user.slice/user-0.slice/session-1.scope", "session-1.scope", false},
		{"/user.slice/user-1.slice/user@1.service/app.slice/falco.service", "user@1.service", false},
		{"/", "", false},
		{"", "", false},
		{"/kubepods.slice/kubepods-besteffort.slice/kubepods-pod1.slice/crio-a.scope", "crio-a.scope", true},
		{"/kubepods.slice/kubepods-pod1.slice/a.service", "a.service", true},
		{"/kubepods/besteffort/pod1/abc", "", true},
		{"/system.slice/docker-0123456789abcdef.scope", "docker-0123456789abcdef.scope", true},
		{"/system.slice/docker-0123456789abcdef.scope/system.slice/falco.service", "docker-0123456789abcdef.scope", true},
		{"/docker/0123456789abcdef", "", true},
		{"/machine.slice/libpod-0123456789abcdef.scope/container", "libpod-0123456789abcdef.scope", true},
		{"/user.slice/user-1.slice/user@1.service/user.slice/libpod-0123.scope", "user@1.service", true},
		{"/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:", "containerd.service", true},
	} {
		if got := inContainer(tt.cgroup); got != tt.container {
			t.Errorf("inContainer(%q) = %v, want %v", tt.cgroup, got, tt.container)
		}
		if got := unitOf(tt.cgroup); got != tt.unit {
			t.Errorf("unitOf(%q) = %q, want %q", tt.cgroup, got, tt.unit)
		}
	}
}

func TestRunningHost(t *testing.T) {
	tools := Options{}.programs()
	got := readHost(tools, newTree(t, "/"), "")
	if got.Kernel == "" || got.Arch == "" || got.BootID == "" || got.Booted.IsZero() || got.KernelGiven || got.Tree {
		t.Errorf("readHost = %+v, want the machine's own facts", got)
	}
}

// openUp lets the user nobody reach a directory.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
