// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// rec is one record of the query, with "|" between its fields.
func rec(fields string) string {
	return recordStart + strings.ReplaceAll(fields, "|", fieldEnd) + recordEnd
}

const rsa = "RSA/SHA256, Wed Jan 14 10:02:51 2026, Key ID 65106822b35b1b1f"

type queryCase struct {
	name, out string
	want      map[string][]node.Package
	keys      []string
	missing   []string
	fails     string
}

func queryCases() []queryCase {
	falco := node.Package{Name: "falco", Version: "0.44.1", Release: "1", Arch: "x86_64", SignerID: "65106822b35b1b1f", Installed: time.Unix(1768900000, 0)}
	dsa, six, epoch, none := falco, falco, falco, falco
	dsa.SignerID, none.SignerID, epoch.Epoch = "9f76b25b3672ba8f", "", "2"
	return []queryCase{
		{name: "nothing asked"},
		{
			name: "rpm 4.18, one package, one key", missing: []string{"dkms"}, keys: []string{"gpg-pubkey-b35b1b1f-693adef9"},
			out:  rec("falco|(none)|0.44.1|1|x86_64|1768900000|"+rsa+"|(none)|(none)|(none)|text\nof two lines") + "package dkms is not installed\n" + rec("gpg-pubkey|(none)|b35b1b1f|693adef9|(none)|1795499098|(none)|(none)|(none)|(none)|-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n"),
			want: map[string][]node.Package{"falco": {falco}},
		},
		{
			name: "rpm 4.11, signature over header and payload, DSA",
			out:  rec("falco|(none)|0.44.1|1|x86_64|1768900000|(none)|(none)|(none)|DSA/SHA1, Tue 25 Feb 2020 03:00:00 PM UTC, Key ID 9f76b25b3672ba8f|d"),
			want: map[string][]node.Package{"falco": {dsa}},
		},
		{
			name: "rpm 6 names the fingerprint",
			out:  rec("falco|(none)|0.44.1|1|x86_64|1768900000|RSA/SHA512, Wed Jan 14 10:02:51 2026, Key Fingerprint 478b2fbbc75f4237b731da4365106822b35b1b1f|(none)|(none)|(none)|d"),
			want: map[string][]node.Package{"falco": {six}},
		},
		{
			name: "unsigned, and a second version with an epoch",
			out:  rec("falco|(none)|0.44.1|1|x86_64|1768900000|(none)|(none)|(none)|(none)|d") + rec("falco|2|0.44.1|1|x86_64|1768900000|"+rsa+"|(none)|(none)|(none)|d"),
			want: map[string][]node.Package{"falco": {none, epoch}},
		},
		{name: "all missing, no record", out: "package falco is not installed\npackage gpg-pubkey is not installed\n", missing: []string{"falco", "gpg-pubkey"}},
		{name: "cut short", out: recordStart + "falco" + fieldEnd, fails: "cut short"},
		{name: "too few fields", out: rec("falco|1"), fails: "2 fields"},
		{name: "the install time is not a number", out: rec("falco|(none)|1|1|noarch|soon|(none)|(none)|(none)|(none)|d"), fails: "install time"},
		{name: "another language", out: "Paket falco ist nicht installiert\n", fails: "unknown line"},
	}
}

func TestParseQuery(t *testing.T) {
	for _, tt := range queryCases() {
		t.Run(tt.name, func(t *testing.T) {
			got, missing, err := parseQuery([]byte(tt.out))
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Fatalf("parseQuery(%q) = %v, want an error with %q", tt.out, err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatalf("parseQuery(%q): %v", tt.out, err)
			}
			if tt.want == nil {
				tt.want = map[string][]node.Package{}
			}
			var keys []string
			for _, k := range got.Keys {
				keys = append(keys, k.Package)
			}
			if d := cmp.Diff(tt.want, got.Installed); d != "" {
				t.Errorf("packages (-want +got):\n%s", d)
			}
			if d := cmp.Diff([][]string{tt.keys, tt.missing}, [][]string{keys, missing}); d != "" {
				t.Errorf("keys, missing (-want +got):\n%s", d)
			}
		})
	}
}

// FuzzParseQuery checks that every package has a name, and that a refused answer
// yields none.
func FuzzParseQuery(f *testing.F) {
	for _, tt := range queryCases() {
		f.Add([]byte(tt.out))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		got, _, err := parseQuery(out)
		if err != nil && len(got.Installed)+len(got.Keys) > 0 {
			t.Fatalf("parseQuery(%q) = %v and %v", out, got, err)
		}
		for name, all := range got.Installed {
			for _, p := range all {
				if name == "" || p.Name != name || len(p.SignerID) != 0 && len(p.SignerID) != 16 {
					t.Fatalf("parseQuery(%q) has %+v under %q", out, p, name)
				}
			}
		}
	})
}

func TestDatabaseError(t *testing.T) {
	tests := []struct {
		name, stderr     string
		wantErr, wantPer bool
	}{
		{name: "nothing said"},
		{name: "a warning", stderr: "warning: Found bdb database while attempting sqlite backend\n"},
		{name: "bdb, rpm 4.11", stderr: "error: cannot open Packages index using db5 - No such file or directory (2)\n", wantErr: true},
		{name: "no permission, rpm 4.14", stderr: "error: db5 error(13) from dbenv->open: Permission denied\nerror: cannot open Packages database in /var/lib/rpm\n", wantErr: true, wantPer: true},
		{name: "no permission, rpm 4.18", stderr: "error: Unable to open sqlite database /var/lib/rpm/rpmdb.sqlite: unable to open database file\nerror: cannot open Packages index using sqlite - Operation not permitted (1)\nerror: cannot open Packages database in /var/lib/rpm\n", wantErr: true, wantPer: true},
		{name: "no database, rpm 4.18", stderr: "error: sqlite failure: CREATE TABLE: file is not a database\nerror: cannot open Packages index using sqlite - No such file or directory (2)\n", wantErr: true},
		{name: "sqlite, rpm 4.16", stderr: "error: cannot open Packages database in /var/lib/rpm\n", wantErr: true},
		{name: "rpm 4.19", stderr: "error: Unable to open sqlite database /var/lib/rpm/rpmdb.sqlite: unable to open database file\nerror: cannot open Packages database in /var/lib/rpm\n", wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := databaseError([]byte(tt.stderr))
			if errors.Is(err, errDatabase) != tt.wantErr || errors.Is(err, fs.ErrPermission) != tt.wantPer {
				t.Errorf("databaseError(%q) = %v, want an error: %v, about permission: %v", tt.stderr, err, tt.wantErr, tt.wantPer)
			}
		})
	}
}

func TestParseVerify(t *testing.T) {
	missing := func(path string) node.AlteredFile {
		return node.AlteredFile{Path: path, Missing: true, What: "missing"}
	}
	tests := []struct {
		name, out string
		want      []node.AlteredFile
		absent    bool
	}{
		{name: "as installed"},
		{name: "configuration edited and missing", out: "S.5....T.  c /etc/falco/falco.yaml\nmissing   c /etc/falco/falco_rules.local.yaml\nS.5....T.  c /usr/share/falco/plugins/libcontainer.so\n", want: []node.AlteredFile{missing("/etc/falco/falco_rules.local.yaml")}},
		{name: "a ghost and a touched file", out: ".M.......  g /var/log/falco\n.......T.    /usr/bin/falco\n"},
		{name: "missing", out: "missing     /usr/bin/falco\nmissing   d /usr/share/doc/falco/a b\n", want: []node.AlteredFile{missing("/usr/bin/falco"), missing("/usr/share/doc/falco/a b")}},
		{name: "unreadable", out: "missing   c /root/x (Permission denied)\n..?......    /usr/bin/falco\n", want: []node.AlteredFile{{Path: "/root/x", Missing: true, Unseen: true, What: "missing"}}},
		{name: "altered", out: "S.5....T.    /usr/bin/falcoctl\n", want: []node.AlteredFile{{Path: "/usr/bin/falcoctl", What: "S.5....T."}}},
		{name: "rpm 4.11's mode and owner", out: ".M...UG..    /usr/bin/falco\n", want: []node.AlteredFile{{Path: "/usr/bin/falco", What: ".M...UG.."}}},
		{name: "capabilities", out: "........P    /usr/bin/falco\n", want: []node.AlteredFile{{Path: "/usr/bin/falco", What: "........P"}}},
		{name: "not installed", out: "package falco is not installed\n", absent: true},
		{name: "other messages", out: "Unsatisfied dependencies for falco-0.40.0-1.x86_64:\n\tdkms is needed by (installed) falco-0.40.0-1.x86_64\nshort\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, installed := parseVerify(tt.out)
			if d := cmp.Diff(tt.want, got); d != "" || installed == tt.absent {
				t.Errorf("parseVerify(%q): installed %v; (-want +got):\n%s", tt.out, installed, d)
			}
		})
	}
}

// FuzzParseVerify checks that every reported file is an absolute path in one
// line, and Missing agrees with What.
func FuzzParseVerify(f *testing.F) {
	f.Add("S.5....T.  c /etc/falco/falco.yaml\nmissing     /usr/bin/falco\n.......T.    /x\n")
	f.Fuzz(func(t *testing.T, out string) {
		got, _ := parseVerify(out)
		for _, file := range got {
			if !strings.HasPrefix(file.Path, "/") || strings.Contains(file.Path, "\n") || file.Missing != (file.What == "missing") {
				t.Fatalf("parseVerify(%q) = %+v", out, file)
			}
		}
	})
}

// realRPM makes a database with the machine's rpm and installs a package called
// falco in it.
func realRPM(t *testing.T) (m *Manager, top string) {
	t.Helper()
	for _, program := range []string{"/usr/bin/rpm", "/usr/bin/rpmbuild"} {
		if !exists(program) {
			t.Skipf("%s is not on this machine", program)
		}
	}
	top = t.TempDir()
	openUp(t, top)
	spec := put(t, top, "falco.spec", `Name: falco
Version: 0.44.1
Release: 1
Summary: t
License: x
BuildArch: noarch
%description
two
lines
%install
mkdir -p %{buildroot}`+top+`/root
echo a > %{buildroot}`+top+`/root/a
echo b > "%{buildroot}`+top+`/root/b c"
echo c > %{buildroot}`+top+`/root/c.conf
%files
`+top+`/root/a
"`+top+`/root/b c"
%config `+top+`/root/c.conf
`)
	sh := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	sh("/usr/bin/rpmbuild", "-bb", "--define", "_topdir "+top+"/build", spec)
	sh("/usr/bin/rpm", "--dbpath", top+"/db", "-i", "--nodeps", top+"/build/RPMS/noarch/falco-0.44.1-1.noarch.rpm")
	sh("/bin/chmod", "-R", "a+rX", top)
	m, _ = newManager(t)
	m.RPM = []string{"/usr/bin/rpm", "--dbpath", top + "/db"}
	return m, top
}

func TestRealRPM(t *testing.T) {
	m, top := realRPM(t)
	got, err := m.Packages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, ok := got.Newest("falco")
	if !ok || p.NEVRA() != "falco-0.44.1-1.noarch" || time.Since(p.Installed) > time.Hour || p.SignerID != "" {
		t.Errorf("Packages has %+v, want falco-0.44.1-1.noarch, unsigned", p)
	}
	if altered, err := m.Altered(t.Context()); err != nil || len(altered) > 0 {
		t.Errorf("Altered = %v, %v; want nothing altered", altered, err)
	}
	put(t, top, "root/c.conf", "edited")
	put(t, top, "root/b c", "altered")
	// rpm compares whole seconds, and the package may be younger than one.
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(filepath.Join(top, "root/b c"), later, later); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(top, "root/a")); err != nil {
		t.Fatal(err)
	}
	altered, err := m.Altered(t.Context())
	want := []node.AlteredFile{
		{Path: top + "/root/a", Missing: true, What: "missing"},
		{Path: top + "/root/b c", What: "S.5....T."},
	}
	if d := cmp.Diff(want, altered); err != nil || d != "" {
		t.Errorf("Altered: %v (-want +got):\n%s", err, d)
	}
}

// A database that cannot be opened is not an empty one, though rpm says "not
// installed" of every package in it.
func TestRealRPMWithoutDatabase(t *testing.T) {
	m, _ := realRPM(t)
	m.RPM[2] = "/proc/nowhere"
	if got, err := m.Packages(t.Context()); !errors.Is(err, errDatabase) {
		t.Errorf("Packages = %v, %v; want %v", got, err, errDatabase)
	}
	if got, err := m.Altered(t.Context()); !errors.Is(err, errDatabase) {
		t.Errorf("Altered = %v, %v; want %v", got, err, errDatabase)
	}
	m.RPM = []string{"/nowhere/rpm"}
	if _, err := m.Packages(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Packages without rpm = %v, want %v", err, fs.ErrNotExist)
	}
}
