// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package osrelease

import (
	"strings"
	"testing"
)

var develTests = []struct {
	release, variant string
	flavour          Flavour
	want             string
}{
	{"4.18.0-553.16.1.el8_10.x86_64", "", RHCK, "kernel-devel-4.18.0-553.16.1.el8_10.x86_64"},
	{"4.18.0-553.el8_10.x86_64+debug", "debug", RHCK, "kernel-debug-devel-4.18.0-553.el8_10.x86_64"},
	{"5.14.0-570.12.1.el9_6.aarch64+64k", "64k", RHCK, "kernel-64k-devel-5.14.0-570.12.1.el9_6.aarch64"},
	{"5.14.0-570.12.1.el9_6.aarch64+64k-debug", "64k-debug", RHCK, "kernel-64k-debug-devel-5.14.0-570.12.1.el9_6.aarch64"},
	{"5.14.0-570.12.1.el9_6.x86_64+rt", "rt", RHCK, "kernel-rt-devel-5.14.0-570.12.1.el9_6.x86_64"},
	{"6.12.0-55.9.1.el10_0.x86_64+rt-debug", "rt-debug", RHCK, "kernel-rt-debug-devel-6.12.0-55.9.1.el10_0.x86_64"},
	{"6.12.0-55.9.1.el10_0.aarch64+rt-64k", "rt-64k", RHCK, "kernel-rt-64k-devel-6.12.0-55.9.1.el10_0.aarch64"},
	{"4.18.0-553.rt7.342.el8_10.x86_64", "rt", RHCK, "kernel-rt-devel-4.18.0-553.rt7.342.el8_10.x86_64"},
	{"4.18.0-553.rt7.342.el8_10.x86_64+debug", "rt-debug", RHCK, "kernel-rt-debug-devel-4.18.0-553.rt7.342.el8_10.x86_64"},
	{"3.10.0-1160.rt56.1131.el7.x86_64", "rt", RHCK, "kernel-rt-devel-3.10.0-1160.rt56.1131.el7.x86_64"},
	{"3.10.0-1160.el7.x86_64.debug", "debug", RHCK, "kernel-debug-devel-3.10.0-1160.el7.x86_64"},
	{"5.15.0-210.163.7.el8uek.x86_64", "", UEK, "kernel-uek-devel-5.15.0-210.163.7.el8uek.x86_64"},
	{"5.15.0-106.131.4.el8uek.x86_64.debug", "debug", UEK, "kernel-uek-debug-devel-5.15.0-106.131.4.el8uek.x86_64"},
	{"5.15.0-210.163.7.el9uek.aarch64.64k", "64k", UEK, "kernel-uek64k-devel-5.15.0-210.163.7.el9uek.aarch64"},
	{"6.12.0-202.76.4.1.el10uek.aarch64.64kdebug", "64kdebug", UEK, "kernel-uek64kdebug-devel-6.12.0-202.76.4.1.el10uek.aarch64"},
	{"6.12.0-202.76.4.1.el9uek.aarch64", "", UEK, "kernel-uek-devel-6.12.0-202.76.4.1.el9uek.aarch64"},
	{"6.10.0-2.el9ueknext.x86_64", "", UEKNext, "kernel-ueknext-devel-6.10.0-2.el9ueknext.x86_64"},
	{"6.10.0-2.el9ueknext.aarch64.64k", "64k", UEKNext, "kernel-ueknext64k-devel-6.10.0-2.el9ueknext.aarch64"},
	{"6.10.0-2.el9ueknext.x86_64.debug", "debug", UEKNext, "kernel-ueknext-debug-devel-6.10.0-2.el9ueknext.x86_64"},
	{"6.1.0-18-amd64", "", Other, "kernel-devel-6.1.0-18-amd64"},
	{"6.1.0-18.fc40.x86_64+debug", "debug", Other, "kernel-devel-6.1.0-18.fc40.x86_64"},
}

func TestDevelPackage(t *testing.T) {
	for _, test := range develTests {
		k, err := ParseKernel(test.release)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Variant(); got != test.variant || k.Flavour != test.flavour {
			t.Errorf("%s: Variant() = %q of %s, want %q of %s", test.release, got, k.Flavour, test.variant, test.flavour)
		}
		if got := k.DevelPackage(); got != test.want {
			t.Errorf("%s: DevelPackage() = %q, want %q", test.release, got, test.want)
		}
	}
}

func TestDevelProvides(t *testing.T) {
	for _, test := range []struct{ release, name, want string }{
		{"5.15.0-210.163.7.el8uek.x86_64", "kernel-uek-devel", "kernel-uek-devel = 5.15.0-210.163.7.el8uek"},
		{"4.18.0-553.el8_10.x86_64+debug", "kernel-debug-devel", "kernel-debug-devel = 4.18.0-553.el8_10"},
		{"6.12.0-202.76.4.1.el9uek.aarch64.64k", "kernel-uek64k-devel", "kernel-uek64k-devel = 6.12.0-202.76.4.1.el9uek"},
		{"6.1.0-18-amd64", "kernel-devel", ""},
	} {
		k, err := ParseKernel(test.release)
		if err != nil {
			t.Fatal(err)
		}
		got := k.DevelProvides()
		if test.want == "" {
			if got != nil {
				t.Errorf("%s: DevelProvides() = %q, want none", test.release, got)
			}
			continue
		}
		if len(got) != 4 || got[0] != test.want || got[1] != "kernel-devel-uname-r = "+test.release || k.DevelName() != test.name {
			t.Errorf("%s: DevelProvides() = %q of %s, want %q first", test.release, got, k.DevelName(), test.want)
		}
	}
}

// A devel package's name consists of the kernel's flavour and variant, and its
// version is the start of the kernel's release.
func FuzzDevelPackage(f *testing.F) {
	for _, test := range develTests {
		f.Add(test.release)
	}
	f.Fuzz(func(t *testing.T, in string) {
		k, err := ParseKernel(in)
		if err != nil {
			return
		}
		version, ok := strings.CutPrefix(k.DevelPackage(), k.DevelName()+"-")
		if !ok || !strings.HasPrefix(k.Release, version) || len(k.Release) > len(version) && !strings.HasSuffix(k.Release, k.Variant()) && !strings.HasPrefix(k.Variant(), "rt-") {
			t.Fatalf("%s: %q has the version %q, variant %q", k.Release, k.DevelPackage(), version, k.Variant())
		}
	})
}
