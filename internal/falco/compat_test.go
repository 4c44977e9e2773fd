// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"errors"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/compatibility.md")

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
		name    string
		host    Host
		request Request
		driver  string
		min     string
		max     string
		exclude []string
		warns   []string
	}{
		{"OL 8.10, RHCK, kmod pinned to 0.32.2", hostOf(8, 10, rhck8), Request{Kmod, "0.32.2"}, Kmod, "0.32.0", "", bad8, nil},
		{"OL 8.10, RHCK, kmod", hostOf(8, 10, rhck8), Request{Kmod, ""}, Kmod, "0.32.0", "", bad8, nil},
		{"OL 8.10, RHCK", hostOf(8, 10, rhck8), Request{}, ModernEBPF, "0.34.0", "", bad8, nil},
		{"OL 8.10, RHCK pinned to what has no modern_ebpf", hostOf(8, 10, rhck8), Request{Auto, "0.33.1"}, Kmod, "0.32.0", "", bad8, nil},
		{"OL 8.4, RHCK of before the backports", hostOf(8, 4, rhck84), Request{}, Kmod, "0.32.0", "", bad8, nil},
		{"OL 8.10, UEK R7", hostOf(8, 10, uek7), Request{Auto, ""}, ModernEBPF, "0.34.0", "", bad8, nil},
		{"OL 8.10, UEK R7, an older Falco", hostOf(8, 10, uek7), Request{Auto, "0.36.2"}, ModernEBPF, "0.34.0", "", bad8, nil},
		{"OL 8.10, UEK R7, kmod pinned to 0.37.1", hostOf(8, 10, uek7), Request{Kmod, "0.37.1"}, Kmod, "0.32.0", "0.37.1", []string{"0.34.0", "0.34.1", "0.35.0", "0.35.1", "0.36.0", "0.36.1", "0.36.2"}, []string{"kmod-uek-0.37"}},
		{"OL 8.10, UEK R7, kmod pinned to 0.32.2", hostOf(8, 10, uek7), Request{Kmod, "0.32.2"}, Kmod, "0.32.0", "0.37.1", []string{"0.34.0", "0.34.1", "0.35.0", "0.35.1", "0.36.0", "0.36.1", "0.36.2"}, []string{"kmod-uek-0.32"}},
		{"OL 9.6, RHCK", hostOf(9, 6, rhck9), Request{}, ModernEBPF, "0.34.0", "", bad, nil},
		{"OL 9.6, UEK R8", hostOf(9, 6, uek8), Request{}, ModernEBPF, "0.41.0", "", nil, nil},
		{"OL 9.6, 0.41.3 is no trouble there", hostOf(9, 6, rhck9), Request{Auto, "0.41.3"}, ModernEBPF, "0.34.0", "", bad, nil},
		{"OL 9.6, a Falco still to come", hostOf(9, 6, rhck9), Request{Auto, "0.47.0"}, ModernEBPF, "0.34.0", "", bad, nil},
		{"OL 10.1, RHCK, kmod", hostOf(10, 1, rhck10), Request{Kmod, ""}, Kmod, "0.32.0", "", bad, nil},
		{"OL 10.1, RHCK", hostOf(10, 1, rhck10), Request{}, ModernEBPF, "0.41.0", "", nil, nil},
		{"OL 10.1, pinned to what hangs", hostOf(10, 1, rhck10), Request{Auto, "0.44.1"}, ModernEBPF, "0.41.0", "", nil, []string{"ol10-hang"}},
		{"OL 7.9, RHCK", hostOf(7, 9, rhck7), Request{}, Kmod, "0.32.0", "0.39.2", nil, nil},
		{"OL 7.9, RHCK, pinned", hostOf(7, 9, rhck7), Request{Kmod, "0.39.2"}, Kmod, "0.32.0", "0.39.2", nil, nil},
		{"Linux 6.19", hostOf(9, 6, "6.19.2-1.el9.x86_64"), Request{}, ModernEBPF, "0.44.0", "", nil, nil},
		{"Linux 6.19 under kmod", hostOf(9, 6, "6.19.2-1.el9.x86_64"), Request{Kmod, "0.43.1"}, Kmod, "0.32.0", "", bad, nil},
		{"Linux 7.0", hostOf(9, 6, "7.0.1-1.el9.x86_64"), Request{}, ModernEBPF, "0.45.0", "", nil, []string{""}},
		{"the kernel is not known", hostOf(8, 10, ""), Request{}, ModernEBPF, "0.34.0", "", bad8, nil},
		{"OL 7, the kernel is not known", hostOf(7, 9, ""), Request{}, Kmod, "0.32.0", "0.39.2", nil, nil},
		{"another kernel", hostOf(9, 6, "6.1.0-18-amd64"), Request{}, ModernEBPF, "0.34.0", "", bad, []string{"kernel-other"}},
	} {
		v, err := Decide(test.host, test.request)
		if err != nil {
			t.Errorf("%s: Decide = %v", test.name, err)
			continue
		}
		var warns []string
		for _, w := range v.Warnings {
			warns = append(warns, w.Row)
		}
		got := []any{v.Driver, v.Min, v.Max, v.Exclude, warns}
		want := []any{test.driver, test.min, test.max, test.exclude, test.warns}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: Decide (-want +got):\n%s", test.name, diff)
		}
		if p := test.request.Version; p != "" && !v.Allows(p) {
			t.Errorf("%s: the verdict for %s does not allow it", test.name, p)
		}
	}
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
		{
			"kmod on UEK", hostOf(8, 10, uek7),
			Request{Kmod, ""},
			"kmod-uek", "",
			"Oracle Linux Server 8.10 with UEK R7 (5.15) cannot run Falco with driver kmod: Falco's own tooling", "--driver modern_ebpf",
		},
		{
			"kmod on UEK, 0.36", hostOf(8, 10, uek7),
			Request{Kmod, "0.36.2"},
			"kmod-uek-loader", "0.37.0",
			"Falco 0.36.2 cannot run on", "--driver modern_ebpf, or boot the RHCK; the nearest version that works with driver kmod is 0.37.0",
		},
		{"kmod on UEK, newest", hostOf(9, 6, uek8), Request{Kmod, "0.44.1"}, "kmod-uek-falcoctl", "0.37.1", "falcoctl skips", "0.37.1"},
		{"UEK R6", hostOf(8, 6, uek6), Request{}, "uek-r6", "", "no driver works on UEK R6", "boot UEK R7"},
		{"UEK R6, kmod", hostOf(8, 6, uek6), Request{Kmod, "0.37.1"}, "uek-r6", "", "no driver works on UEK R6", "boot UEK R7"},
		{"UEK R5 on OL7", hostOf(7, 9, "4.14.35-2047.522.3.el7uek.x86_64"), Request{}, "uek-r6", "", "no driver works", "boot UEK R7"},
		{"0.40.0", hostOf(9, 6, rhck9), Request{Auto, "0.40.0"}, "falco-0.40.0", "0.41.0", "unexpanded macros", "0.41.0"},
		{"0.41.3 on OL8", hostOf(8, 10, uek7), Request{Auto, "0.41.3"}, "falco-0.41.3-el8", "0.42.0", "GLIBCXX_3.4.26", "0.41.2"},
		{"OL7, too new", hostOf(7, 9, rhck7), Request{Auto, "0.44.1"}, "glibc-2.28", "0.39.2", "glibc 2.28", "0.39.2"},
		{"OL7, modern_ebpf", hostOf(7, 9, rhck7), Request{ModernEBPF, ""}, "modern-ol7", "", "no kernel of Oracle Linux 7", "--driver kmod"},
		{"modern_ebpf of 0.33", hostOf(9, 6, rhck9), Request{ModernEBPF, "0.33.1"}, "modern-0.34", "0.34.0", "from 0.34 on", "0.34.0"},
		{"no BTF", noBTF, Request{ModernEBPF, ""}, "modern-btf", "", "BTF", "--driver kmod"},
		{"no BTF on UEK", noBTF, Request{}, "modern-btf", "", "BTF", "--driver kmod"},
		{"6.12, too old", hostOf(9, 6, uek8), Request{Auto, "0.39.2"}, "modern-6.12", "0.41.0", "tail calls", "0.41.0"},
		{"6.19, too old", hostOf(9, 6, "6.19.2-1.el9.x86_64"), Request{ModernEBPF, "0.43.1"}, "modern-6.19", "0.44.0", "recvmmsg_x", "0.44.0"},
		{"7.0, too old", hostOf(9, 6, "7.0.1-1.el9.x86_64"), Request{Auto, "0.44.1"}, "kernel-7.0", "0.45.0", "too new", "0.45.0"},
		{"a Falco of 2022", hostOf(8, 10, rhck8), Request{Kmod, "0.31.1"}, "falco-before-0.32", "0.32.0", "does not go back", "0.32.0"},
		{"OL6", hostOf(6, 10, ""), Request{}, "os-old", "", "Oracle Linux 6", "7 to 10"},
		{"OL11", hostOf(11, 0, ""), Request{}, "os-new", "", "nothing is known", "newer falco-bootstrap"},
		{"no version", hostOf(9, 6, rhck9), Request{Auto, "0.44"}, "", "", `"0.44" is not a version`, "whole version"},
		{"latest", hostOf(9, 6, rhck9), Request{Auto, "latest"}, "", "", `"latest" is not a version`, "none for the newest"},
		{"ebpf", hostOf(9, 6, rhck9), Request{"ebpf", ""}, "", "", "dropped it in 0.44", "modern_ebpf"},
		{"no driver", hostOf(9, 6, rhck9), Request{"bpf", ""}, "", "", `"bpf" is not a driver`, "auto"},
	} {
		v, err := Decide(test.host, test.request)
		var refused *RefusedError
		if !errors.As(err, &refused) || v.Driver != "" {
			t.Errorf("%s: Decide = %+v, %v, want a RefusedError", test.name, v, err)
			continue
		}
		if refused.Row.ID != test.row || refused.Nearest != test.nearest || !strings.Contains(refused.Reason, test.reason) || !strings.Contains(refused.Hint, test.hint) {
			t.Errorf("%s: Decide = row %q, nearest %q\n%s\n%s\nwant %+v", test.name, refused.Row.ID, refused.Nearest, refused.Reason, refused.Hint, test)
		}
		if refused.Nearest == "" {
			continue
		}
		again := Request{Driver: test.request.Driver, Version: refused.Nearest}
		if _, err := Decide(test.host, again); err != nil {
			t.Errorf("%s: the nearest version %s is refused too: %v", test.name, refused.Nearest, err)
		}
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

// Every row must matter: there is a case whose outcome is another one without
// it. A row that a stronger one hides, or that no host meets, has none.
func TestEveryRowMatters(t *testing.T) {
	arm := hostOf(9, 6, "6.12.0-202.76.4.1.el9uek.aarch64")
	ppc := hostOf(9, 6, rhck9)
	ppc.Arch = "ppc64le"
	noBTF := hostOf(9, 6, rhck9)
	noBTF.NoBTF = true
	cases := map[string]struct {
		host    Host
		request Request
	}{
		"os-old":            {hostOf(6, 10, ""), Request{}},
		"os-new":            {hostOf(11, 0, ""), Request{}},
		"arch":              {ppc, Request{}},
		"uek-r6":            {hostOf(8, 6, uek6), Request{}},
		"kernel-7.0":        {hostOf(9, 6, "7.0.1-1.el9.x86_64"), Request{}},
		"falco-before-0.32": {hostOf(8, 10, rhck8), Request{Kmod, "0.31.1"}},
		"falco-0.40.0":      {hostOf(9, 6, rhck9), Request{}},
		"falco-0.41.3-el8":  {hostOf(8, 10, rhck8), Request{}},
		"glibc-2.28":        {hostOf(7, 9, rhck7), Request{}},
		"libresolv":         {hostOf(8, 10, uek7), Request{}},
		"modern-0.34":       {hostOf(9, 6, rhck9), Request{}},
		"modern-ol7":        {hostOf(7, 9, rhck7), Request{}},
		"modern-kernel-5.8": {hostOf(9, 6, "5.4.0-150-generic"), Request{}},
		"modern-rhck-8.5":   {hostOf(8, 4, rhck84), Request{}},
		"modern-rhck-8.6":   {hostOf(8, 10, rhck8), Request{}},
		"modern-btf":        {noBTF, Request{}},
		"modern-6.12":       {arm, Request{}},
		"modern-6.19":       {hostOf(9, 6, "6.19.2-1.el9.x86_64"), Request{}},
		"kmod-uek":          {hostOf(8, 10, uek7), Request{Kmod, ""}},
		"kmod-uek-loader":   {hostOf(8, 10, uek7), Request{Kmod, "0.36.2"}},
		"kmod-uek-falcoctl": {hostOf(8, 10, uek7), Request{Kmod, "0.44.1"}},
		"kmod-uek-0.37":     {hostOf(8, 10, uek7), Request{Kmod, "0.37.1"}},
		"kmod-uek-0.32":     {hostOf(8, 10, uek7), Request{Kmod, "0.33.1"}},
		"toolset-11":        {hostOf(8, 10, uek7), Request{Kmod, "0.37.1"}},
		"toolset-14":        {hostOf(9, 6, uek8), Request{Kmod, "0.37.1"}},
		"kmod-packages":     {hostOf(8, 10, rhck8), Request{Kmod, ""}},
		"requires-dkms":     {hostOf(9, 6, rhck9), Request{Auto, "0.39.2"}},
		"kmod-rhel-9.4":     {hostOf(9, 6, rhck9), Request{Kmod, "0.37.1"}},
		"kmod-6.12":         {hostOf(10, 1, rhck10), Request{Kmod, "0.39.2"}},
		"kmod-secure-boot":  {hostOf(8, 10, rhck8), Request{Kmod, ""}},
		"kernel-other":      {hostOf(9, 6, "6.1.0-18-amd64"), Request{}},
		"ol10-hang":         {hostOf(10, 1, rhck10), Request{Auto, "0.44.1"}},
	}
	for i, row := range Table() {
		c, ok := cases[row.ID]
		if !ok {
			t.Errorf("row %s has no case", row.ID)
			continue
		}
		delete(cases, row.ID)
		without := slices.Delete(Table(), i, i+1)
		if with, less := outcome(Table(), c.host, c.request), outcome(without, c.host, c.request); with == less {
			t.Errorf("row %s makes no difference to its case: %s", row.ID, with)
		}
	}
	for id := range cases {
		t.Errorf("there is a case for row %s, and no such row", id)
	}
}

func outcome(table []Row, h Host, r Request) string {
	v, err := decide(table, h, r)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(v.Driver + " " + v.Range())
	for _, row := range v.Rows {
		b.WriteString(" " + row.ID)
	}
	return b.String()
}

func TestTableIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	id := regexp.MustCompile(`^[a-z0-9]+([-.][a-z0-9]+)*$`)
	for _, r := range Table() {
		if !id.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("row %q: the ID is not in form, or there twice", r.ID)
		}
		seen[r.ID] = true
		for what, s := range map[string]string{"reason": r.Reason, "remedy": r.Remedy, "source": r.Source} {
			if s == "" || strings.HasSuffix(s, ".") || strings.TrimSpace(s) != s {
				t.Errorf("row %s: %s %q is empty or ends with a full stop", r.ID, what, s)
			}
		}
		for _, v := range []string{r.When.FalcoMin, r.When.FalcoBelow} {
			if _, err := parseVersion(v); v != "" && err != nil {
				t.Errorf("row %s: %v", r.ID, err)
			}
		}
		if r.When.FalcoMin != "" && r.When.FalcoBelow != "" && !mustVersion(r.When.FalcoMin).less(mustVersion(r.When.FalcoBelow)) {
			t.Errorf("row %s: the range of Falco versions is empty", r.ID)
		}
	}
	last := version{}
	if n := len(Releases()); n != 31 {
		t.Errorf("there are %d releases, want 31", n)
	}
	for _, r := range Releases() {
		v, err := parseVersion(r.Version)
		if err != nil || !last.less(v) || v.String() != r.Version || len(r.Date) != len("2006-01-02") {
			t.Errorf("release %+v is not in form or not in order", r)
		}
		last = v
	}
}

// Over every host, driver and version: what is decided holds together.
func TestDecideIsConsistent(t *testing.T) {
	hosts := append(examples(), hostOf(9, 6, "6.19.2-1.el9.x86_64"), hostOf(9, 6, "7.0.1-1.el9.x86_64"), hostOf(8, 4, rhck84), hostOf(8, 10, ""))
	pins := []string{"", "0.31.0", "0.45.0"}
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
					if refused.Hint == "" || refused.Row.ID == "" || refused.Nearest == pin && pin != "" {
						t.Errorf("%s, %s, %q: refused with %+v", h, driver, pin, refused)
					}
					continue
				case err != nil:
					t.Errorf("%s, %s, %q: %v", h, driver, pin, err)
					continue
				}
				if pin != "" && !v.Allows(pin) || v.Max != "" && !v.Allows(v.Max) || !v.Allows(v.Min) || v.Allows("0.40.0") {
					t.Errorf("%s, %s, %q: the verdict %s does not hold", h, driver, pin, v.Range())
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

func TestMarkdown(t *testing.T) {
	const file = "../../docs/compatibility.md"
	if *update {
		if err := os.WriteFile(file, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Markdown(), string(b)); diff != "" {
		t.Errorf("docs/compatibility.md is not current; run go generate ./internal/falco (-want +got):\n%s", diff)
	}
}
