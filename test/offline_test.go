// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// copyDirTo copies a directory from one node to another.
func (n *Node) copyDirTo(to *Node, dir string) {
	n.t.Helper()
	r := n.Exec("tar", "-C", "/", "-cf", "-", strings.TrimPrefix(dir, "/"))
	if r.Exit != 0 {
		n.t.Fatalf("reading %s: %v", dir, r.Stderr)
	}
	if r := to.pipe([]byte(r.Stdout), "tar", "-C", "/", "-xf", "-"); r.Exit != 0 {
		n.t.Fatalf("copying %s: %v", dir, r)
	}
}

// otherByte changes the hundredth byte of $1 from its end.
const otherByte = `at=$(($(stat -c %s $1) - 100)) byte=X; [ "$(tail -c 100 $1 | head -c 1 | tr -d '\0')" != X ] || byte=Y
	printf $byte | dd of=$1 bs=1 seek=$at conv=notrunc status=none`

// bucketOCI does with a directory what the oci command does with a bucket.
const bucketOCI = `#!/bin/bash
set -eu
case "$1 $2 $3 $4 $5" in
"os object bulk-upload --bucket-name falco") [ "$6 $7 $8" = "--src-dir falco --object-prefix" ]; mkdir -p /srv/www/bucket; cp -r falco "/srv/www/bucket/$9" ;;
"os preauth-request create --bucket-name falco") [ "$8 $9" = "--access-type AnyObjectRead" ]; [ "${10}" = --time-expires ]; date -d "${11}" >/dev/null ;;
*) exit 2 ;;
esac
`

// guideBlock returns the block of commands in docs/oke.md that contains a text.
func guideBlock(t *testing.T, with string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/oke.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(page), "\n```") {
		if i%2 == 1 && strings.Contains(block, with) {
			return block + "\n"
		}
	}
	t.Fatalf("docs/oke.md has no block with %q", with)
	return ""
}

// A bundle made on a connected node is all that a node without a network needs.
// A package that is not signed by a pinned key does not even reach dnf.
func TestOffline(t *testing.T) {
	t.Parallel()
	const bundle = "/srv/bundle"
	connected := StartConverged(t, OL("9.6"))
	if r := connected.Run("bundle", bundle); r.Exit != 0 {
		t.Fatal(r)
	}
	var manifest struct {
		Files []struct{ Name, SHA256, NEVRA string }
	}
	if err := json.Unmarshal([]byte(connected.ReadFile(bundle+"/manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	var sums strings.Builder
	for _, f := range manifest.Files {
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Name)
	}
	connected.WriteFile("/tmp/sums", sums.String())
	connected.Must("cd " + bundle + " && sha256sum --quiet --strict -c /tmp/sums")
	if got := connected.Must("ls " + bundle); got != "RPM-GPG-KEY-falcosecurity\nfalco-0.44.1-1.x86_64.rpm\nfalco-bootstrap\nfalco-bootstrap.yaml\nmanifest.json\n" || len(manifest.Files) != 4 {
		t.Errorf("the bundle is %q, its manifest %+v", got, manifest.Files)
	}

	d := OL("9.6")
	d.Settings = "-"
	n := Start(t, d)
	connected.copyDirTo(n, bundle)
	n.Must("systemctl stop node-server; rm " + agent)
	run := func(rpm string) Result { // by a relative path too
		return n.Exec("sh", "-c", `cd /srv && exec "$@"`, "-", bundle+"/falco-bootstrap", "--falco-rpm", rpm, "--repository-gpgkey", bundle+"/RPM-GPG-KEY-falcosecurity",
			"--config", bundle+"/falco-bootstrap.yaml", "--kernel-release", d.Kernel, "--output=json")
	}
	for _, tt := range []struct {
		name string
		make string // a line of bash that puts the package at $1
		from string // what is installed; $1 if empty
		exit int
		says string
	}{
		{name: "a bundle with a file that differs", make: "cp -r " + bundle + " /srv/b1; echo >>/srv/b1/RPM-GPG-KEY-falcosecurity", from: "b1", exit: 4, says: "/srv/b1/RPM-GPG-KEY-falcosecurity is not the file that was bundled"},
		{name: "a bundle without a file", make: "cp -r " + bundle + " /srv/b2; rm /srv/b2/falco-*.rpm", from: "b2", exit: 5, says: "/srv/b2/falco-0.44.1-1.x86_64.rpm"},
		{name: "signed by another key", make: "cp /srv/www/falco/othersigned/falco-0.44.1-1.*.rpm $1", exit: 4, says: "checking /tmp/falco.rpm"},
		{name: "not signed", make: "cp /srv/www/falco/unsigned/falco-0.44.1-1.*.rpm $1", exit: 4, says: "not signed"},
		{name: "one byte changed", make: "cp " + bundle + "/falco-*.rpm $1; " + otherByte, exit: 4, says: "checking /tmp/falco.rpm"},
		{name: "cut short", make: "head -c 200000 " + bundle + "/falco-*.rpm >$1", exit: 4, says: "checking /tmp/falco.rpm"},
		{name: "not a package", make: "echo hello >$1", exit: 5, says: "reading /tmp/falco.rpm"},
		{name: "missing", make: "rm -f $1", exit: 64, says: "there is no /tmp/falco.rpm"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.In(t)
			n.Must("set -- /tmp/falco.rpm; " + tt.make)
			all := reportOf(t, run(cmp.Or(tt.from, "/tmp/falco.rpm")))
			if all.Exit.Code != tt.exit || !strings.Contains(failure(all).Message, tt.says) {
				t.Errorf("exit %d: %+v, want %d and %q", all.Exit.Code, failure(all), tt.exit, tt.says)
			}
			if n.Exists("/var/log/dnf.log") || len(n.Installed("falco")) > 0 {
				t.Error("dnf was started")
			}
		})
	}
	t.Run("a mirror as docs/oke.md makes it", func(t *testing.T) {
		connected.Must("mkdir /srv/mirror; ln -s " + agent + " /usr/local/bin/falco-bootstrap")
		connected.WriteFile("/usr/local/bin/oci", bucketOCI)
		connected.Must("chmod 755 /usr/local/bin/oci; cd /srv/mirror; export FALCO_BOOTSTRAP_KERNEL_RELEASE=" + d.Kernel + "; set -e\n" + guideBlock(t, "falco-bootstrap bundle falco"))
		connected.copyDirTo(n, "/srv/www/bucket")
		n.In(t)
		n.Must("systemctl start node-server")
		mirror := www + "/bucket/falco"
		if r := n.Exec(bundle+"/falco-bootstrap", "--repository-baseurl", mirror, "--repository-gpgkey", mirror+"/RPM-GPG-KEY-falcosecurity", "--repo-gpgcheck=false", "--insecure",
			"--config", bundle+"/falco-bootstrap.yaml", "--kernel-release", d.Kernel); r.Exit != 0 {
			t.Errorf("from the mirror: %v", r)
		}
	})
	t.Run("the bundle", func(t *testing.T) {
		n.In(t)
		if r := run("bundle"); r.Exit != 0 {
			t.Fatal(r)
		}
		if got := n.Must("dnf -q repolist --enabled"); strings.Contains(got, "falcosecurity") {
			t.Errorf("every later dnf asks a repository that is out of reach: %s", got)
		}
		if again := reportOf(t, run(bundle)); again.Result != "ok" {
			t.Errorf("a second run: %s", again.Result)
		}
		if r := n.Exec(bundle+"/falco-bootstrap", "verify", "--kernel-release", d.Kernel); r.Exit != 0 {
			t.Errorf("verify: %v", r)
		}
		online := n.Exec(bundle+"/falco-bootstrap", "--config", bundle+"/falco-bootstrap.yaml", "--kernel-release", d.Kernel, "--output=json")
		if all := reportOf(t, online); all.Exit.Code != 0 || !slices.Contains(all.Drift, "repository-edited") || !strings.Contains(n.Must("dnf -q repolist --enabled"), "falcosecurity") {
			t.Errorf("online again: exit %d, drift %q", all.Exit.Code, all.Drift)
		}
	})
}
