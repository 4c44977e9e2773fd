// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	rhck7  = "3.10.0-1160.el7.x86_64"
	uek6   = "5.4.17-2136.311.6.1.el8uek.x86_64"
	rhck84 = "4.18.0-305.el8_4.x86_64"
	rhck8  = "4.18.0-553.16.1.el8_10.x86_64"
	uek7   = "5.15.0-210.163.7.el8uek.x86_64"
	rhck9  = "5.14.0-570.12.1.el9_6.x86_64"
	uek8   = "6.12.0-202.76.4.1.el9uek.x86_64"
	rhck10 = "6.12.0-55.9.1.el10_0.x86_64"
)

func TestDecide(t *testing.T) {
	bad := []string{"0.40.0"}
	bad8 := []string{"0.40.0", "0.41.3"}
	for _, test := range []struct {
		name             string
		host             Host
		request          Request
		driver, min, max string
		exclude          []string
		warns            []string // IDs of rows
	}{
		{name: "OL 8.10, RHCK, kmod pinned to 0.32.2", host: hostOf(8, 10, rhck8), request: Request{Driver: Kmod, Version: "0.32.2"}, driver: Kmod, min: "0.32.0", exclude: bad8},
		{name: "OL 8.10, RHCK, kmod", host: hostOf(8, 10, rhck8), request: Request{Driver: Kmod}, driver: Kmod, min: "0.32.0", exclude: bad8},
		{name: "OL 8.10, RHCK", host: hostOf(8, 10, rhck8), driver: ModernEBPF, min: "0.34.0", exclude: bad8},
		{name: "OL 8.10, RHCK, pinned to a version without modern_ebpf", host: hostOf(8, 10, rhck8), request: Request{Version: "0.33.1"}, driver: Kmod, min: "0.32.0", exclude: bad8},
		{name: "OL 8.4, RHCK from before the backports", host: hostOf(8, 4, rhck84), driver: Kmod, min: "0.32.0", exclude: bad8},
		{name: "OL 8.10, UEK R7", host: hostOf(8, 10, uek7), driver: ModernEBPF, min: "0.34.0", exclude: bad8},
		{name: "OL 8.10, UEK R7, an older Falco", host: hostOf(8, 10, uek7), request: Request{Version: "0.36.2"}, driver: ModernEBPF, min: "0.34.0", exclude: bad8},
		{name: "OL 8.10, UEK R7, kmod pinned to 0.37.1", host: hostOf(8, 10, uek7), request: Request{Driver: Kmod, Version: "0.37.1"}, driver: Kmod, min: "0.32.0", max: "0.37.1", exclude: []string{"0.34.0", "0.34.1", "0.35.0", "0.35.1", "0.36.0", "0.36.1", "0.36.2"}, warns: []string{"kmod-uek-0.37"}},
		{name: "OL 8.10, UEK R7, kmod pinned to 0.32.2", host: hostOf(8, 10, uek7), request: Request{Driver: Kmod, Version: "0.32.2"}, driver: Kmod, min: "0.32.0", max: "0.37.1", exclude: []string{"0.34.0", "0.34.1", "0.35.0", "0.35.1", "0.36.0", "0.36.1", "0.36.2"}, warns: []string{"kmod-uek-0.32"}},
		{name: "OL 9.6, RHCK", host: hostOf(9, 6, rhck9), driver: ModernEBPF, min: "0.34.0", exclude: bad},
		{name: "OL 9.6, UEK R8", host: hostOf(9, 6, uek8), driver: ModernEBPF, min: "0.41.0"},
		{name: "OL 9.6, where 0.41.3 works", host: hostOf(9, 6, rhck9), request: Request{Version: "0.41.3"}, driver: ModernEBPF, min: "0.34.0", exclude: bad},
		{name: "OL 9.6, a future Falco", host: hostOf(9, 6, rhck9), request: Request{Version: "0.47.0"}, driver: ModernEBPF, min: "0.34.0", exclude: bad},
		{name: "OL 10.1, RHCK, kmod", host: hostOf(10, 1, rhck10), request: Request{Driver: Kmod}, driver: Kmod, min: "0.32.0", exclude: bad},
		{name: "OL 10.1, RHCK", host: hostOf(10, 1, rhck10), driver: ModernEBPF, min: "0.41.0"},
		{name: "OL 10.1, pinned to a version that may hang", host: hostOf(10, 1, rhck10), request: Request{Version: "0.44.1"}, driver: ModernEBPF, min: "0.41.0", warns: []string{"ol10-hang"}},
		{name: "OL 7.9, RHCK", host: hostOf(7, 9, rhck7), driver: Kmod, min: "0.32.0", max: "0.39.2"},
		{name: "OL 7.9, RHCK, pinned", host: hostOf(7, 9, rhck7), request: Request{Driver: Kmod, Version: "0.39.2"}, driver: Kmod, min: "0.32.0", max: "0.39.2"},
		{name: "Linux 6.19", host: hostOf(9, 6, "6.19.2-1.el9.x86_64"), driver: ModernEBPF, min: "0.44.0"},
		{name: "Linux 6.19 under kmod", host: hostOf(9, 6, "6.19.2-1.el9.x86_64"), request: Request{Driver: Kmod, Version: "0.43.1"}, driver: Kmod, min: "0.32.0", exclude: bad},
		{name: "Linux 7.0", host: hostOf(9, 6, "7.0.1-1.el9.x86_64"), driver: ModernEBPF, min: "0.45.0"},
		{name: "the kernel is not known", host: hostOf(8, 10, ""), driver: ModernEBPF, min: "0.34.0", exclude: bad8},
		{name: "OL 7, the kernel is not known", host: hostOf(7, 9, ""), driver: Kmod, min: "0.32.0", max: "0.39.2"},
		{name: "another kernel", host: hostOf(9, 6, "6.1.0-18-amd64"), driver: ModernEBPF, min: "0.34.0", exclude: bad, warns: []string{"kernel-other"}},
	} {
		v, err := Decide(test.host, test.request)
		if err != nil {
			t.Errorf("%s: Decide = %v", test.name, err)
			continue
		}
		var warns []string
		for _, w := range v.Warnings {
			warns = append(warns, rowOf(w))
		}
		got := []any{v.Driver, v.Min, v.Max, v.Exclude, warns}
		want := []any{test.driver, test.min, test.max, test.exclude, test.warns}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: Decide (-want +got):\n%s", test.name, diff)
		}
		if p := test.request.Version; p != "" && !v.Allows(p) {
			t.Errorf("%s: the decision for %s does not allow it", test.name, p)
		}
	}
}

// rowOf returns the ID of the row that a warning was made from, or "".
func rowOf(w Warning) string {
	for _, r := range table() {
		if r.Reason == w.Message {
			return r.ID
		}
	}
	return ""
}

func TestDecideRefuses(t *testing.T) {
	noBTF := hostOf(8, 10, uek7)
	noBTF.NoBTF = true
	for _, test := range []struct {
		name         string
		host         Host
		request      Request
		row, nearest string
		reason, hint string
	}{
		{name: "kmod on UEK", host: hostOf(8, 10, uek7), request: Request{Driver: Kmod}, row: "kmod-uek", reason: "Oracle Linux Server 8.10 with UEK R7 (5.15) cannot run Falco with driver kmod: Falco's own tooling", hint: "--driver modern_ebpf"},
		{name: "kmod on UEK, 0.36", host: hostOf(8, 10, uek7), request: Request{Driver: Kmod, Version: "0.36.2"}, row: "kmod-uek-loader", nearest: "0.37.0", reason: "Falco 0.36.2 cannot run on", hint: "--driver modern_ebpf, or boot the RHCK; the nearest version that works with driver kmod is 0.37.0"},
		{name: "kmod on UEK, newest", host: hostOf(9, 6, uek8), request: Request{Driver: Kmod, Version: "0.44.1"}, row: "kmod-uek-falcoctl", nearest: "0.37.1", reason: "falcoctl skips", hint: "0.37.1"},
		{name: "UEK R6", host: hostOf(8, 6, uek6), row: "uek-r6", reason: "no driver works on UEK R6", hint: "boot UEK R7"},
		{name: "UEK R6, kmod", host: hostOf(8, 6, uek6), request: Request{Driver: Kmod, Version: "0.37.1"}, row: "uek-r6", reason: "no driver works on UEK R6", hint: "boot UEK R7"},
		{name: "UEK R5 on OL7", host: hostOf(7, 9, "4.14.35-2047.522.3.el7uek.x86_64"), row: "uek-r6", reason: "no driver works", hint: "boot UEK R7"},
		{name: "0.40.0", host: hostOf(9, 6, rhck9), request: Request{Version: "0.40.0"}, row: "falco-0.40.0", nearest: "0.41.0", reason: "unexpanded macros", hint: "0.41.0"},
		{name: "0.41.3 on OL8", host: hostOf(8, 10, uek7), request: Request{Version: "0.41.3"}, row: "falco-0.41.3-el8", nearest: "0.42.0", reason: "GLIBCXX_3.4.26", hint: "0.41.2"},
		{name: "OL7, too new", host: hostOf(7, 9, rhck7), request: Request{Version: "0.44.1"}, row: "glibc-2.28", nearest: "0.39.2", reason: "glibc 2.28", hint: "0.39.2"},
		{name: "OL7, modern_ebpf", host: hostOf(7, 9, rhck7), request: Request{Driver: ModernEBPF}, row: "modern-ol7", reason: "no kernel of Oracle Linux 7", hint: "--driver kmod"},
		{name: "modern_ebpf of 0.33", host: hostOf(9, 6, rhck9), request: Request{Driver: ModernEBPF, Version: "0.33.1"}, row: "modern-0.34", nearest: "0.34.0", reason: "from 0.34 on", hint: "0.34.0"},
		{name: "no BTF", host: noBTF, request: Request{Driver: ModernEBPF}, row: "modern-btf", reason: "BTF", hint: "--driver kmod"},
		{name: "no BTF on UEK", host: noBTF, row: "modern-btf", reason: "BTF", hint: "--driver kmod"},
		{name: "6.12, too old", host: hostOf(9, 6, uek8), request: Request{Version: "0.39.2"}, row: "modern-6.12", nearest: "0.41.0", reason: "tail calls", hint: "0.41.0"},
		{name: "6.19, too old", host: hostOf(9, 6, "6.19.2-1.el9.x86_64"), request: Request{Driver: ModernEBPF, Version: "0.43.1"}, row: "modern-6.19", nearest: "0.44.0", reason: "recvmmsg_x", hint: "0.44.0"},
		{name: "7.0, too old", host: hostOf(9, 6, "7.0.1-1.el9.x86_64"), request: Request{Version: "0.44.1"}, row: "kernel-7.0", nearest: "0.45.0", reason: "too new", hint: "0.45.0"},
		{name: "a Falco of 2022", host: hostOf(8, 10, rhck8), request: Request{Driver: Kmod, Version: "0.31.1"}, row: "falco-before-0.32", nearest: "0.32.0", reason: "does not go back", hint: "0.32.0"},
		{name: "OL6", host: hostOf(6, 10, ""), row: "os-old", reason: "Oracle Linux 6", hint: "7 to 10"},
		{name: "OL11", host: hostOf(11, 0, ""), row: "os-new", reason: "nothing is known", hint: "newer falco-bootstrap"},
		{name: "no version", host: hostOf(9, 6, rhck9), request: Request{Version: "0.44"}, reason: `"0.44" is not a version`, hint: "whole version"},
		{name: "latest", host: hostOf(9, 6, rhck9), request: Request{Version: "latest"}, reason: `"latest" is not a version`, hint: "none for the newest"},
		{name: "ebpf", host: hostOf(9, 6, rhck9), request: Request{Driver: "ebpf"}, reason: "dropped it in 0.44", hint: "modern_ebpf"},
		{name: "no driver", host: hostOf(9, 6, rhck9), request: Request{Driver: "bpf"}, reason: `"bpf" is not a Falco driver`, hint: "auto"},
	} {
		v, err := Decide(test.host, test.request)
		var refused *RefusedError
		if !errors.As(err, &refused) || v.Driver != "" {
			t.Errorf("%s: Decide = %+v, %v, want a RefusedError", test.name, v, err)
			continue
		}
		if refused.row.ID != test.row || refused.nearest != test.nearest || !strings.Contains(refused.reason, test.reason) || !strings.Contains(refused.Hint, test.hint) {
			t.Errorf("%s: Decide = row %q, nearest %q\n%s\n%s\nwant %+v", test.name, refused.row.ID, refused.nearest, refused.reason, refused.Hint, test)
		}
		if refused.nearest == "" {
			continue
		}
		again := Request{Driver: test.request.Driver, Version: refused.nearest}
		if _, err := Decide(test.host, again); err != nil {
			t.Errorf("%s: the nearest version %s is refused too: %v", test.name, refused.nearest, err)
		}
	}
}

// A host that only a future version can run on gets a warning.
func TestDecideForVersionsToCome(t *testing.T) {
	rows := []Row{{ID: "later", Kind: refuse, When: condition{falco: span{below: "99.1.0"}}, Reason: "it is too old"}}
	d, err := decide(rows, hostOf(9, 6, rhck9), Request{})
	if err != nil || d.Min != "99.1.0" || d.Max != "" || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].Message, "needs Falco 99.1.0 or later, which was not released") {
		t.Errorf("decide = %+v, %v, want 99.1.0 or later and a warning", d, err)
	}
	_, err = decide(rows, hostOf(9, 6, rhck9), Request{Version: "99.0.0"})
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.nearest != "99.1.0" {
		t.Errorf("decide(99.0.0) = %v, want a refusal that names 99.1.0", err)
	}
}

func TestAllows(t *testing.T) {
	v, err := Decide(hostOf(8, 10, uek7), Request{})
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{
		"0.44.1": true, "0.34.0": true, "0.45.0": true, "1.0.0": true, "0.41.2": true,
		"0.40.0": false, "0.41.3": false, "0.33.1": false, "": false, "0.44": false, "(none)": false,
	} {
		if got := v.Allows(version); got != want {
			t.Errorf("Allows(%q) = %v, want %v", version, got, want)
		}
	}
	if got, want := v.Range(), "Falco 0.34.0 or later, but not 0.40.0, 0.41.3"; got != want {
		t.Errorf("Range() = %q, want %q", got, want)
	}
}

// Decisions are consistent over every host, driver and version.
func TestDecideIsConsistent(t *testing.T) {
	hosts := append(examples(), hostOf(9, 6, "6.19.2-1.el9.x86_64"), hostOf(9, 6, "7.0.1-1.el9.x86_64"), hostOf(8, 4, rhck84), hostOf(8, 10, ""))
	pins := []string{"", "0.31.0", "99.0.0"}
	for _, r := range Releases() {
		pins = append(pins, r.Version)
	}
	for _, h := range hosts {
		for _, driver := range []string{Auto, ModernEBPF, Kmod} {
			for _, pin := range pins {
				v, err := Decide(h, Request{Driver: driver, Version: pin})
				var refused *RefusedError
				switch {
				case errors.As(err, &refused):
					if refused.Hint == "" || refused.row.ID == "" || refused.nearest == pin && pin != "" {
						t.Errorf("%s, %s, %q: refused with %+v", h, driver, pin, refused)
					}
					continue
				case err != nil:
					t.Errorf("%s, %s, %q: %v", h, driver, pin, err)
					continue
				}
				if pin != "" && !v.Allows(pin) || v.Max != "" && !v.Allows(v.Max) || !v.Allows(v.Min) || v.Allows("0.40.0") {
					t.Errorf("%s, %s, %q: the decision %s is not consistent", h, driver, pin, v.Range())
				}
				for _, e := range v.Exclude {
					if v.Allows(e) {
						t.Errorf("%s, %s, %q: %s is excluded and allowed", h, driver, pin, e)
					}
				}
			}
		}
	}
}
