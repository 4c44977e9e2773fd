// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
)

func TestNote(t *testing.T) {
	own := []byte("# " + ruleset.Header + "\nx\n")
	falco := node.Target{Name: "falco", Spec: "falco"}
	headers := node.Target{Name: "kernel-devel", Spec: "kernel-devel-4.18.0-1.el8.x86_64", Provides: []string{"x"}}
	for _, tt := range []struct {
		name    string
		changes []node.Change
		want    Ledger
		news    int // how many of the changes say something new
	}{
		{"its own file says so itself", []node.Change{node.WriteFile{Path: "/etc/a", New: own}}, Ledger{}, 0},
		{"an empty log", []node.Change{node.WriteFile{Path: "/var/log/falco.log", New: []byte{}}}, Ledger{}, 0},
		{"what a file held at first", []node.Change{
			node.WriteFile{Path: "/etc/a", Old: []byte("1"), New: []byte("2")}, node.WriteFile{Path: "/etc/a", Old: []byte("2"), New: []byte("3")}, node.WriteFile{Path: "/etc/a", Old: []byte("2"), New: []byte("3")},
		}, Ledger{Edited: map[string]Edit{"/etc/a": {Before: []byte("1"), SHA256: sum([]byte("3"))}}}, 2},
		{"a file that was not there", []node.Change{node.WriteFile{Path: "/etc/a", New: []byte("2")}}, Ledger{Edited: map[string]Edit{"/etc/a": {SHA256: sum([]byte("2"))}}}, 1},
		{"packages that are new", []node.Change{
			node.Install{Action: "install", Targets: []node.Target{falco, headers, {Name: "dkms", Old: "3.0"}}}, node.Install{Action: "install", Targets: []node.Target{falco}}, node.Install{Action: "reinstall", Targets: []node.Target{{Name: "x"}}},
		}, Ledger{Packages: []Package{{Name: "falco"}, {Name: "kernel-devel", NEVRA: headers.Spec}}, Found: []string{"/etc/falco/theirs"}}, 1},
		{"the configuration of its own Falco", []node.Change{
			node.Install{Action: "install", Targets: []node.Target{falco}}, node.WriteFile{Path: "/etc/falco/falco.yaml", Old: []byte("1"), New: []byte("2")},
		}, Ledger{Packages: []Package{{Name: "falco"}}, Found: []string{"/etc/falco/theirs"}}, 1},
		{"keys that rpm did not have", []node.Change{node.ImportKey{Fingerprints: []string{"A", "B"}, Absent: []string{"B"}}, node.ImportKey{}, node.RemoveKey{Fingerprint: "C"}}, Ledger{Keys: []string{"B"}}, 1},
		{"masks", []node.Change{
			node.ChangeUnit{Unit: "a", Action: node.Mask}, node.ChangeUnit{Unit: "b", Action: node.Mask}, node.ChangeUnit{Unit: "a", Action: node.Unmask}, node.ChangeUnit{Unit: "a", Action: node.Start},
		}, Ledger{Masked: []string{"b"}}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse(nil)
			if err != nil {
				t.Fatal(err)
			}
			news := 0
			for _, c := range tt.changes {
				next, is := l.Note(c, func() []string { return []string{"/etc/falco/theirs"} })
				if is {
					news++
				}
				content, err := next.Format()
				if err == nil {
					l, err = Parse(content)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			tt.want.SchemaVersion = schemaVersion
			got, err := l.Format()
			want, _ := tt.want.Format()
			if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil || news != tt.news {
				t.Errorf("%d news, want %d; %v; ledger (-want +got):\n%s", news, tt.news, err, diff)
			}
		})
	}
}

func TestRetract(t *testing.T) {
	falco := node.Target{Name: "falco", Spec: "falco"}
	headers := node.Target{Name: "kernel-devel", Spec: "kernel-devel-4.18.0-1.x86_64", Provides: []string{"x"}}
	noted, _ := Ledger{Packages: []Package{{Name: "dkms"}}}.Note(node.Install{Action: "install", Targets: []node.Target{falco, headers}}, func() []string { return []string{"/etc/falco/theirs"} })
	has := func(names ...string) node.Packages {
		p := node.Packages{Installed: map[string][]node.Package{}}
		for _, name := range names {
			p.Installed[name] = []node.Package{{Name: name, Version: "4.18.0", Release: "1", Arch: "x86_64"}}
		}
		return p
	}
	other := has("kernel-devel")
	other.Installed["kernel-devel"][0].Release = "2"
	for _, tt := range []struct {
		name     string
		action   string
		packages node.Packages
		want     []Package
		found    int
	}{
		{"nothing was installed", "install", has(), []Package{{Name: "dkms"}}, 0},
		{"the headers were", "install", has("kernel-devel"), []Package{{Name: "dkms"}, {Name: "kernel-devel", NEVRA: headers.Spec}}, 0},
		{"headers of another kernel were", "install", other, []Package{{Name: "dkms"}}, 0},
		{"Falco was", "install", has("falco"), noted.Packages, 1},
		{"a removal", "remove", has(), noted.Packages, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, news := noted.Retract(node.Install{Action: tt.action, Targets: []node.Target{falco, headers}}, tt.packages)
			if diff := cmp.Diff(tt.want, got.Packages); diff != "" || len(got.Found) != tt.found || news != (len(tt.want) < len(noted.Packages)) {
				t.Errorf("news %t, found %q; packages (-want +got):\n%s", news, got.Found, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{"{": "unexpected end of JSON input", `{"schema_version": 99}`: "a newer falco-bootstrap has written it"} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %q", text, err, want)
		}
	}
}
