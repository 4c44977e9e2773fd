// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
)

// foreign is a section of Falco's repository that leads to packages which another
// key has signed, and checks nothing.
const foreign = "name=x\nbaseurl=" + www + "/falco/othersigned\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=0\n"

// otherKey imports a key that is not pinned into rpm's database, as a site does with
// its own.
const otherKey = "rpm --import /srv/www/keys/other.asc; "

// signers returns the key IDs that signed the installed Falco, in upper case.
func (n *Node) signers() string {
	n.t.Helper()
	return strings.ToUpper(n.Sh("rpm -q falco --queryformat '%{RSAHEADER:pgpsig}'").Stdout)
}

// requireOurs fails the test if a Falco is installed that the pinned key has not
// signed.
func (n *Node) requireOurs(t *testing.T) {
	t.Helper()
	fingerprint := n.Fingerprint("falco")
	if len(n.Installed("falco")) > 0 && !strings.Contains(n.signers(), fingerprint[len(fingerprint)-16:]) {
		t.Errorf("the Falco that is installed has the signature %s, not one of %s", n.signers(), fingerprint)
	}
}

// TestForeignRepository puts a section of the repository's id where dnf reads it and
// the agent does not, or in a form that the two read differently. The declared
// repository has nothing, so that no Falco may be installed.
func TestForeignRepository(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.Must(otherKey + "mkdir -p /srv/nothing; createrepo_c -q /srv/nothing; cp -r /etc/yum.repos.d /srv/repos.d; cp /etc/dnf/dnf.conf /srv/dnf.conf")
	file := func(path, content string) string {
		return "mkdir -p $(dirname " + path + "); printf '" + strings.ReplaceAll(content, "\n", `\n`) + "' >" + path + "; "
	}
	section := "[falcosecurity-rpm]\n" + foreign
	tricks := []struct{ name, prepare string }{
		{"in dnf.conf", "printf '" + strings.ReplaceAll(section, "\n", `\n`) + "' >>/etc/dnf/dnf.conf; "},
		{"in /etc/distro.repos.d", file("/etc/distro.repos.d/a.repo", section)},
		{"in /etc/yum/repos.d", file("/etc/yum/repos.d/a.repo", section)},
		{"in another reposdir", "echo 'reposdir=/etc/yum.repos.d /srv/more' >>/etc/dnf/dnf.conf; " + file("/srv/more/a.repo", section)},
		{"by a variable", "echo security >/etc/dnf/vars/fs; " + file("/etc/yum.repos.d/a.repo", "[falco$fs-rpm]\n"+foreign)},
		{"in a file with a NUL", file("/etc/yum.repos.d/a.repo", "#\\0\n"+section)},
		{"in a file with a lone CR", file("/etc/yum.repos.d/a.repo", "#\\r#\n"+section)},
		{"with text behind the bracket", file("/etc/yum.repos.d/a.repo", "[falcosecurity-rpm]x\n"+foreign)},
	}
	undo := "rm -rf /etc/yum.repos.d /etc/distro.repos.d /etc/yum/repos.d /srv/more /etc/dnf/vars/fs /var/cache/dnf; cp -r /srv/repos.d /etc/yum.repos.d; cp /srv/dnf.conf /etc/dnf/dnf.conf; "
	var all string
	for _, trick := range tricks {
		all += strings.Replace(trick.prepare, "a.repo", "a"+strings.Repeat("b", len(all)%7)+".repo", 1)
		t.Run(trick.name, func(t *testing.T) {
			n.In(t)
			n.Must(undo + trick.prepare)
			if r := n.Run("--repository-baseurl=file:///srv/nothing", "--repo-gpgcheck=false"); r.Exit == 0 {
				t.Errorf("a repository without a package, and exit 0: %v", r)
			}
			if got := n.Installed("falco"); len(got) > 0 {
				t.Errorf("%q is installed: %s", got, n.signers())
				n.Sh("rpm -e falco")
			}
		})
	}
	t.Run("all of them, and the right one is installed", func(t *testing.T) {
		n.In(t)
		n.Must(undo + all)
		if r := n.Run(); r.Exit != 0 {
			t.Error(r)
		}
		n.requireOurs(t)
	})
}

// clearsChecks is a plugin of dnf that turns off every check of signatures.
const clearsChecks = `import dnf
class Clears(dnf.Plugin):
    name = "clears"
    def config(self):
        self.base.conf.localpkg_gpgcheck = False
        for repo in self.base.repos.iter_enabled():
            repo.gpgcheck = repo.repo_gpgcheck = False
`

// TestForeignSigner lets dnf accept what no pinned key has signed. The run ends with
// exit status 4, or with the package of the declared repository.
func TestForeignSigner(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6").RHCK())
	n.Quirk("delay", "0.2")
	n.Must(otherKey + `set -e
		mkdir -p /srv/www/third; cp /srv/www/falco/othersigned/*.rpm /srv/www/third; createrepo_c -q /srv/www/third
		cp -r /srv/www/oracle/ol9/appstream /srv/www/mixed; cp /srv/www/falco/othersigned/*.rpm /srv/www/mixed; rm -rf /srv/www/mixed/repodata; createrepo_c -q /srv/www/mixed
		cp -r /etc/yum.repos.d /srv/repos.d; mkdir -p /srv/local; chmod 777 /srv/local`)
	old := []string{"--falco-version=0.44.1"}
	swapped := `cp /srv/www/falco/0.44.1/*.rpm /srv/local/falco.rpm
		systemd-run --quiet --unit=swapper bash -c 'until pgrep -x dnf; do :; done; cp /srv/www/falco/othersigned/*.rpm /srv/local/falco.rpm'; `
	for _, test := range []struct {
		name    string
		prepare string
		flags   []string
		exit    int
		want    string
	}{
		{
			name: "a key of rpm's database that is not pinned", exit: 4, want: "not pinned",
			flags: []string{"--repository-baseurl=" + www + "/falco/othersigned"},
		},
		{
			name: "a plugin clears the checks", exit: 4, want: "not signed", flags: []string{"--repository-baseurl=" + www + "/falco/unsigned"},
			prepare: "cat >$(dirname $(find /usr/lib/python3* -name versionlock.py))/clears.py <<'E'\n" + clearsChecks + "E\n",
		},
		{name: "a third party has a falco too", flags: append(old, "--driver=kmod"), prepare: "printf '[third]\\nname=x\\nbaseurl=" + www + "/third\\ngpgcheck=0\\npriority=1\\n' >/etc/yum.repos.d/a.repo; sed -i 's/^.ol9_/[mirror_/' /etc/yum.repos.d/*ol9.repo; "},
		{name: "the appstream has a falco too", flags: append(old, "--driver=kmod"), prepare: "sed -i '/^.ol9_appstream/,/^.ol9_[^a]/s,^baseurl=.*,baseurl=" + www + "/mixed,' /etc/yum.repos.d/oracle-linux-ol9.repo; sed -i 's/^gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/oracle-linux-ol9.repo; "},
		{name: "a local package is swapped meanwhile", flags: []string{"--falco-rpm=/srv/local/falco.rpm"}, prepare: swapped},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			n.Must("rpm -e falco 2>/dev/null; rpm -e dkms kernel-devel gcc-toolset-14 2>/dev/null; rm -rf /etc/yum.repos.d /var/cache/dnf /etc/falco; cp -r /srv/repos.d /etc/yum.repos.d; find /usr/lib/python3* -name clears.py -delete; " + test.prepare)
			r := n.Run(test.flags...)
			if test.exit != 0 {
				requireRefused(t, r, test.exit, test.want)
			} else if r.Exit != 0 || len(n.Installed("falco")) != 1 {
				t.Errorf("installed %q: %v", n.Installed("falco"), r)
			}
			if test.exit != 0 && len(n.Installed("falco")) > 0 {
				t.Errorf("%q is installed: %s", n.Installed("falco"), n.signers())
			}
			n.requireOurs(t)
			if n.Exists(stateDir + "/packages") {
				t.Error("the stage is still there")
			}
		})
	}
}

// What a killed run has left in the stage, the next run sweeps, and a dry run does
// not.
func TestStageIsSwept(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	left := stateDir + "/packages/files/falco.rpm"
	n.Must("mkdir -p " + stateDir + "/packages/files; touch " + left)
	if r := n.Run("--dry-run"); r.Exit != 0 || !n.Exists(left) {
		t.Errorf("a dry run swept it: %v", r)
	}
	if r := n.Run(); r.Exit != 0 || n.Exists(stateDir+"/packages") {
		t.Errorf("a run left it: %v", r)
	}
}
