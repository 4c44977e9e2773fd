// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requireRefused fails the test unless a run exited with this status, an error that
// contains all of want, and a hint.
func requireRefused(t *testing.T, r Result, exit int, want ...string) {
	t.Helper()
	if r.Exit != exit {
		t.Errorf("exit %d, want %d: %v", r.Exit, exit, r)
	}
	_, after, ok := strings.Cut(r.Stdout+r.Stderr, "error: ")
	for _, w := range append(want, "hint: ") {
		if !ok || !strings.Contains(after, w) {
			t.Errorf("no %q in the error of the run: %v", w, r)
		}
	}
}

// makeStateDir makes the state directory, so that a run which only leaves its report
// there does not change the directory above it.
func (n *Node) makeStateDir() {
	n.t.Helper()
	n.Must("mkdir -p -m 700 " + stateDir)
}

// A host that cannot run what is asked for is not changed.
func TestRefuseHost(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("8.10"))
	n.makeStateDir()
	debian := "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"
	rocky := "NAME=\"Rocky Linux\"\nVERSION=\"9.4 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n"
	for _, test := range []struct {
		name string
		// oracle and other are the contents of /etc/oracle-release and
		// /etc/os-release. A file is missing if its content is empty; if both are
		// empty, the node keeps its own.
		oracle, other string
		flags         []string
		want          string
	}{
		{name: "UEK and a kernel module", flags: []string{"--driver", "kmod", "--falco-version", "0.36.2", "--repository-baseurl", www + "/falco/0.36.2"}, want: "kmod"},
		{name: "Debian", other: debian, want: "Debian"},
		{name: "Rocky", other: rocky, want: "Rocky"},
		{name: "an oracle-release without a version", oracle: "Oracle Linux Server release .\n", want: "oracle-release"},
		{name: "an oracle-release cut short", oracle: "Oracle Linux Ser", want: "oracle-release"},
		{name: "an empty oracle-release on Rocky", oracle: "\n", other: rocky, want: "oracle-release"},
		{name: "a future release", oracle: "Oracle Linux Server release 11.0\n", want: "11"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			if test.oracle+test.other != "" {
				n.Must("rm -f /etc/oracle-release /etc/os-release /etc/system-release /etc/redhat-release")
			}
			if test.oracle != "" {
				n.WriteFile("/etc/oracle-release", test.oracle)
			}
			if test.other != "" {
				n.WriteFile("/etc/os-release", test.other)
			}
			before := n.Snapshot()
			requireRefused(t, n.Run(test.flags...), 3, test.want)
			requireRefused(t, n.Run(append([]string{"--dry-run"}, test.flags...)...), 3, test.want)
			if diff := before.Diff(n.Snapshot(), stateDir); len(diff) > 0 {
				t.Errorf("the refused run changed %q", diff)
			}
		})
	}
}

// A package that is not signed by a pinned key is not installed, and no other key is
// trusted.
func TestRefuseTrust(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.makeStateDir()
	packages := n.Installed("*")
	for _, test := range []struct {
		name string
		key  string // instead of the right one, at its URL
		repo string // instead of a good one
		pin  string // the key that is pinned
		want string
	}{
		{name: "another key at the URL", key: "other.asc", want: "fingerprint"},
		{name: "no key at the URL", key: "falco.fpr", want: "key"},
		{name: "a pinned key that has expired", key: "expired.asc", pin: "expired", want: "expired"},
		{name: "a pinned key that is revoked", key: "revoked.asc", pin: "revoked", want: "revoked"},
		{name: "packages signed by another key", repo: "othersigned", want: "sign"},
		{name: "packages signed by an expired key", repo: "expiredsigned", want: "sign"},
		{name: "packages signed by a revoked key", repo: "revokedsigned", want: "sign"},
		{name: "packages that are not signed", repo: "unsigned", want: "sign"},
		{name: "metadata with a bad signature", repo: "badmetadata", want: "metadata"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			flags := []string{"--timeout", "3m"}
			if test.key != "" {
				flags = append(flags, "--repository-gpgkey", www+"/keys/"+test.key)
			}
			if test.pin != "" {
				flags = append(flags, "--fingerprint", n.Fingerprint(test.pin))
			}
			if test.repo != "" {
				flags = append(flags, "--repository-baseurl", www+"/falco/"+test.repo)
			}
			before := n.Snapshot()
			requireRefused(t, n.Run(flags...), 4, test.want)
			n.requireUntouched(t, packages, test.repo != "")
			if diff := before.Diff(n.Snapshot(), stateDir, "/run"); test.repo == "" && len(diff) > 0 {
				t.Errorf("the refused run changed %q", diff)
			}
		})
	}
}

// requireUntouched fails the test unless the node has the packages it had, no new key
// except the pinned one, if that was to be imported, and no transaction.
func (n *Node) requireUntouched(t *testing.T, packages []string, pinned bool) {
	t.Helper()
	isKey := func(p string) bool { return strings.HasPrefix(p, "gpg-pubkey-") }
	got := n.Installed("*")
	keys := slices.DeleteFunc(slices.Clone(got), func(p string) bool { return !isKey(p) || slices.Contains(packages, p) })
	if diff := cmp.Diff(packages, slices.DeleteFunc(got, func(p string) bool { return slices.Contains(keys, p) })); diff != "" {
		t.Errorf("packages (-before +after):\n%s", diff)
	}
	id := strings.ToLower(n.Fingerprint("falco"))
	switch {
	case !pinned && len(keys) == 0:
	case pinned && len(keys) == 1 && strings.HasPrefix(keys[0], "gpg-pubkey-"+id[len(id)-8:]+"-"):
	default:
		t.Errorf("new keys: %q; want the pinned one: %v", keys, pinned)
	}
	if got := n.DnfHistory(); got != 0 {
		t.Errorf("%d transactions of dnf, want none", got)
	}
	if n.Exists("/usr/bin/falco") || n.Exists(falcoYAML) {
		t.Error("files of Falco exist")
	}
}
