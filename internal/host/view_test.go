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
	put(t, proc, "20/comm", "falco\n")
	put(t, proc, "20/cgroup", "0::/system.slice/falco-modern-bpf.service\n")
	put(t, proc, "30/comm", "falco\n")
	put(t, proc, "30/cgroup", "12:pids:/kubepods/burstable/podx/abc\n1:name=systemd:/kubepods.slice/kubepods-pod1.slice/crio-abc.scope\n")
	put(t, proc, "40/comm", "falcoctl\n")
	put(t, proc, "self/comm", "falco\n")
	if err := os.Symlink("/usr/bin/falco", filepath.Join(proc, "20/exe")); err != nil {
		t.Fatal(err)
	}
	got, err := findFalcos(proc)
	want := []node.Process{
		{PID: 20, Exe: "/usr/bin/falco", Cgroup: "/system.slice/falco-modern-bpf.service"},
		{PID: 30, Cgroup: "/kubepods.slice/kubepods-pod1.slice/crio-abc.scope", Container: true},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("findFalcos: %v (-want +got):\n%s", err, d)
	}
}

func TestInContainer(t *testing.T) {
	for cgroup, want := range map[string]bool{
		"/system.slice/falco-modern-bpf.service":   false,
		"/system.slice/falco.service":              false,
		"/system.slice/docker.service":             false,
		"/user.slice/user-0.slice/session-1.scope": false,
		"/": false,
		"":  false,
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-pod1.slice/crio-a.scope":     true,
		"/kubepods/besteffort/pod1/abc":                                                  true,
		"/system.slice/docker-0123456789abcdef.scope":                                    true,
		"/docker/0123456789abcdef":                                                       true,
		"/machine.slice/libpod-0123456789abcdef.scope/container":                         true,
		"/user.slice/user-1.slice/user@1.service/user.slice/libpod-0123.scope":           true,
		"/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:": true,
	} {
		if got := inContainer(cgroup); got != want {
			t.Errorf("inContainer(%q) = %v, want %v", cgroup, got, want)
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
