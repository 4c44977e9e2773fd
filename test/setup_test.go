// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// www is the root of the web server in every node. It serves the directory /srv/www,
// so file:///srv/www/... names the same files.
const www = "http://127.0.0.1:8089"

// States of EPEL's repository file.
const (
	epelDisabled = "disabled"
	epelEnabled  = "enabled"
	epelAbsent   = "absent"
)

// A Setup is the state of a node before a case begins.
type Setup struct {
	// Release is the release of Oracle Linux, such as "8.10". If it is empty, the
	// node stays as the image is: Debian, for the stand-in base.
	Release string
	// Kernel is a kernel release such as "5.15.0-210.163.7.el8uek.x86_64". The
	// stand-ins use it, and Run passes it to the agent.
	Kernel string
	// EPEL is the state of EPEL's repository file; disabled if empty.
	EPEL string
	// Falco is the directory below www/falco that the settings name: a version,
	// "all", or one that the agent must refuse, such as "othersigned".
	Falco string
	// Key is the file below www/keys that the settings name as the key.
	Key string
	// Config is YAML that is appended to the settings file.
	Config string
	// Settings replaces the settings file; "-" means that there is none.
	Settings string
	// Files are written last; they are contents by path, and have mode 0644.
	Files map[string]string
}

// OL returns the setup of a release of Oracle Linux: its usual kernel, a repository
// file of EPEL that is disabled, Falco 0.44.1 in the repository.
func OL(release string) Setup {
	kernels := map[string]string{
		"7":  "5.4.17-2136.320.7.el7uek.x86_64",
		"8":  "5.15.0-210.163.7.el8uek.x86_64",
		"9":  "6.12.0-202.76.4.1.el9uek.x86_64",
		"10": "6.12.0-202.76.4.1.el10uek.x86_64",
	}
	major, _, _ := strings.Cut(release, ".")
	return Setup{Release: release, Kernel: kernels[major], EPEL: epelDisabled, Falco: "0.44.1", Key: "falcosecurity-packages.asc"}
}

// RHCK returns the setup with the Red Hat compatible kernel of its release.
func (d Setup) RHCK() Setup {
	kernels := map[string]string{
		"7":  "3.10.0-1160.el7.x86_64",
		"8":  "4.18.0-553.16.1.el8_10.x86_64",
		"9":  "5.14.0-570.12.1.el9_6.x86_64",
		"10": "6.12.0-55.9.1.el10_0.x86_64",
	}
	major, _, _ := strings.Cut(d.Release, ".")
	d.Kernel = kernels[major]
	return d
}

// settings returns the settings file: the node's own repository and key, over
// plain HTTP, which the fingerprint makes safe. @FPR@ stands for the fingerprint.
func (d Setup) settings() string {
	if d.Settings != "" {
		return d.Settings
	}
	return fmt.Sprintf(`repository:
  baseurl: %s/falco/%s
  gpgkey: %s/keys/%s
  fingerprints: ["@FPR@"]
  insecure: true
%s`, www, d.Falco, www, d.Key, d.Config)
}

// setUp applies the node's setup, all in one command.
func (n *Node) setUp() {
	n.t.Helper()
	d := n.Setup
	var script strings.Builder
	fmt.Fprintf(&script, "set -e\nRELEASE=%s EPEL=%s KERNEL=%s /usr/share/node/setup.sh\n",
		quote(d.Release), quote(d.EPEL), quote(d.Kernel))
	files := map[string]string{}
	if d.Settings != "-" {
		files["/etc/falco-bootstrap.yaml"] = d.settings()
	}
	maps.Copy(files, d.Files)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&script, "mkdir -p \"$(dirname %[1]s)\"\nprintf %%s %[2]s >%[1]s\nchmod 644 %[1]s\n", quote(path), quote(files[path]))
	}
	if d.Settings != "-" {
		script.WriteString("sed -i \"s/@FPR@/$(cat /srv/www/keys/falco.fpr)/\" /etc/falco-bootstrap.yaml\n")
	}
	if r := n.pipe([]byte(script.String()), "bash", "-s"); r.Exit != 0 {
		n.t.Fatalf("setting the node up as %+v: %v", d, r)
	}
}

// quote returns s as one word of a shell command.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Repo makes a repository of these versions of Falco, signed like the others, and
// returns its URL.
func (n *Node) Repo(name string, versions ...string) string {
	n.t.Helper()
	dir := "/srv/www/falco/" + name
	line := "set -e; mkdir -p " + dir + "; cd " + dir + "; rm -rf repodata"
	for _, v := range versions {
		line += fmt.Sprintf("; ln -f ../%[1]s/falco-%[1]s-1.*.rpm .", v)
	}
	line += "; createrepo_c --quiet ."
	line += "; gpg --homedir /srv/gnupg --batch --yes --local-user falco@falco.test --armor --detach-sign repodata/repomd.xml 2>&1"
	n.Must(line)
	return www + "/falco/" + name
}

// Fingerprint returns the fingerprint of a key of the node: falco, oracle,
// other, expired or revoked.
func (n *Node) Fingerprint(key string) string {
	n.t.Helper()
	return strings.TrimSpace(n.ReadFile("/srv/www/keys/" + key + ".fpr"))
}
