// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package osrelease

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKernel(t *testing.T) {
	for _, test := range []struct {
		in    string
		want  Kernel // without Release
		devel string
		name  string
	}{
		{"3.10.0-1160.el7.x86_64", Kernel{Flavour: RHCK, Version: [3]int{3, 10, 0}, Arch: "x86_64"}, "kernel-devel-", "RHCK (3.10)"},
		{"4.14.35-2047.522.3.el7uek.x86_64", Kernel{Flavour: UEK, Version: [3]int{4, 14, 35}, Arch: "x86_64"}, "kernel-uek-devel-", "UEK (4.14)"},
		{"5.4.17-2136.320.7.el7uek.x86_64", Kernel{Flavour: UEK, Version: [3]int{5, 4, 17}, Arch: "x86_64"}, "kernel-uek-devel-", "UEK R6 (5.4)"},
		{"4.18.0-553.16.1.el8_10.x86_64", Kernel{Flavour: RHCK, Version: [3]int{4, 18, 0}, Arch: "x86_64"}, "kernel-devel-", "RHCK (4.18)"},
		{"5.4.17-2136.311.6.1.el8uek.x86_64", Kernel{Flavour: UEK, Version: [3]int{5, 4, 17}, Arch: "x86_64"}, "kernel-uek-devel-", "UEK R6 (5.4)"},
		{"5.15.0-210.163.7.el8uek.x86_64", Kernel{Flavour: UEK, Version: [3]int{5, 15, 0}, Arch: "x86_64"}, "kernel-uek-devel-", "UEK R7 (5.15)"},
		{"5.14.0-570.12.1.el9_6.x86_64", Kernel{Flavour: RHCK, Version: [3]int{5, 14, 0}, Arch: "x86_64"}, "kernel-devel-", "RHCK (5.14)"},
		{"6.12.0-202.76.4.1.el9uek.aarch64", Kernel{Flavour: UEK, Version: [3]int{6, 12, 0}, Arch: "aarch64"}, "kernel-uek-devel-", "UEK R8 (6.12)"},
		{"6.12.0-55.9.1.el10_0.x86_64", Kernel{Flavour: RHCK, Version: [3]int{6, 12, 0}, Arch: "x86_64"}, "kernel-devel-", "RHCK (6.12)"},
		{"6.12.0-202.76.4.1.el10uek.x86_64", Kernel{Flavour: UEK, Version: [3]int{6, 12, 0}, Arch: "x86_64"}, "kernel-uek-devel-", "UEK R8 (6.12)"},
		{"6.10.0-2.el9ueknext.x86_64", Kernel{Flavour: UEKNext, Version: [3]int{6, 10, 0}, Arch: "x86_64"}, "kernel-ueknext-devel-", "UEK-next (6.10)"},
		{"6.1.0-18-amd64", Kernel{Flavour: Other, Version: [3]int{6, 1, 0}}, "kernel-devel-", "kernel 6.1.0-18-amd64"},
		{"6.18.5", Kernel{Flavour: Other, Version: [3]int{6, 18, 5}}, "kernel-devel-", "kernel 6.18.5"},
		{"6.12", Kernel{Flavour: Other, Version: [3]int{6, 12, 0}}, "kernel-devel-", "kernel 6.12"},
	} {
		test.want.Release = test.in
		got, err := ParseKernel(" " + test.in + "\n")
		if err != nil {
			t.Errorf("ParseKernel(%q) = %v", test.in, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("ParseKernel(%q) (-want +got):\n%s", test.in, diff)
		}
		if d := got.DevelPackage(); d != test.devel+test.in {
			t.Errorf("ParseKernel(%q).DevelPackage() = %q, want %q", test.in, d, test.devel+test.in)
		}
		if s := got.String(); s != test.name {
			t.Errorf("ParseKernel(%q).String() = %q, want %q", test.in, s, test.name)
		}
	}
}

func TestParseKernelRefuses(t *testing.T) {
	for _, in := range []string{
		"", "uek", "5", "5.", "v5.15.0", "5.15.0-1.el8uek.x86_64 ; reboot", "5.15.0-1\n5.15.0-2", "5.15.0/../x",
		"5.15.0-..", "-5.15.0", "5.15.0-" + strings.Repeat("1", 80), "99999.1.1", "5.15.0-a\x00b",
	} {
		got, err := ParseKernel(in)
		if err == nil || !strings.HasSuffix(err.Error(), " is not a kernel release as uname -r prints it") || got != (Kernel{}) {
			t.Errorf("ParseKernel(%q) = %+v, %v, want an error", in, got, err)
		}
	}
}

func TestToolset(t *testing.T) {
	for _, test := range []struct {
		kernel string
		major  int
		want   string
	}{
		{"5.15.0-210.163.7.el8uek.x86_64", 8, "gcc-toolset-11"},
		{"5.15.0-210.163.7.el9uek.x86_64", 9, ""},
		{"6.12.0-202.76.4.1.el9uek.x86_64", 9, "gcc-toolset-14"},
		{"6.12.0-202.76.4.1.el10uek.x86_64", 10, ""},
		{"6.12.0-55.9.1.el10_0.x86_64", 10, ""},
		{"4.18.0-553.16.1.el8_10.x86_64", 8, ""},
		{"5.4.17-2136.311.6.1.el8uek.x86_64", 8, ""},
	} {
		k, err := ParseKernel(test.kernel)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Toolset(test.major); got != test.want {
			t.Errorf("%s: Toolset(%d) = %q, want %q", test.kernel, test.major, got, test.want)
		}
	}
}

// An accepted kernel is safe in a package name and a path: it contains only the
// characters of a kernel release, and it equals the input.
func FuzzParseKernel(f *testing.F) {
	for _, s := range []string{"5.15.0-210.163.7.el8uek.x86_64", "4.18.0-553.el8_10.x86_64+debug", "6.12", "6.10.0-2.el9ueknext.x86_64"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		k, err := ParseKernel(in)
		if err != nil {
			if k != (Kernel{}) {
				t.Fatalf("ParseKernel(%q) = %+v, %v, want no kernel with an error", in, k, err)
			}
			return
		}
		if k.Release != strings.TrimSpace(in) || len(k.Release) > 64 || strings.Contains(k.Release, "..") {
			t.Fatalf("ParseKernel(%q).Release = %q", in, k.Release)
		}
		if i := strings.IndexFunc(k.Release, func(r rune) bool {
			return !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+~_-", r)
		}); i >= 0 {
			t.Fatalf("ParseKernel(%q) accepts %q", in, k.Release[i:])
		}
	})
}
