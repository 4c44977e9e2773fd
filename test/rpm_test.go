// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// agentRPMs builds the agent's RPM for this machine, once for each version, and copies
// them to /srv/rpms of the node. Without what builds them the test is skipped.
func (n *Node) agentRPMs(versions ...string) {
	n.t.Helper()
	if out, err := exec.Command("go", "run", "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2", "--version").CombinedOutput(); err != nil {
		n.t.Skipf("nfpm cannot be had here: %v\n%s", err, out)
	}
	n.Must("mkdir -p /srv/rpms")
	for _, version := range versions {
		dist := n.t.TempDir()
		cmd := exec.Command("../packaging/release.sh", dist, "packages")
		cmd.Env = append(os.Environ(), "VERSION="+version, "COMMIT=0123456789abcdef", "SOURCE_DATE_EPOCH=1700000000", "ARCHES="+runtime.GOARCH)
		if out, err := cmd.CombinedOutput(); err != nil {
			n.t.Fatalf("release.sh: %v\n%s", err, out)
		}
		paths, err := filepath.Glob(dist + "/*.rpm")
		if err != nil || len(paths) != 1 {
			n.t.Fatalf("Glob = %q, %v, want one package", paths, err)
		}
		content, err := os.ReadFile(paths[0])
		if err != nil {
			n.t.Fatal(err)
		}
		if r := n.pipe(content, "bash", "-c", "cat >/srv/rpms/"+filepath.Base(paths[0])); r.Exit != 0 {
			n.t.Fatal(r)
		}
	}
}

// publish makes a signed repository of a version of the agent, as a site does.
func (n *Node) publish(version string) {
	n.t.Helper()
	recipe, err := os.ReadFile("../packaging/repo.sh")
	if err != nil {
		n.t.Fatal(err)
	}
	n.WriteFile("/srv/repo.sh", string(recipe))
	n.Must("GNUPGHOME=/srv/gnupg bash /srv/repo.sh /srv/www/agent " + n.Fingerprint("other") + " " + www + "/agent /srv/rpms/falco-bootstrap-" + version + "-1.*.rpm 2>&1")
}

// leftovers lists what is named after the agent, apart from what the test put there.
func (n *Node) leftovers() []string {
	n.t.Helper()
	found := n.Must(`find / -xdev \( -path /proc -o -path /srv -o -path /usr/share/node -o -path /var/cache/dnf -o -path /var/lib/dnf \) -prune -o -name '*falco-bootstrap*' -print`)
	return slices.DeleteFunc(strings.Fields(found), func(path string) bool { return path == "/etc/yum.repos.d/falco-bootstrap.repo" })
}

// readme runs the commands with which the README installs the agent. The server of the
// node has no TLS, and a timer that is started does nothing yet.
func (n *Node) readme(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(with string) string {
		t.Helper()
		for _, m := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			if strings.Contains(m[1], with) {
				return m[1]
			}
		}
		t.Fatalf("no block of the README has %q", with)
		return ""
	}
	kernel := OL("9.6").Kernel
	start := "set -e; sudo() { \"$@\"; }; dnf() { command dnf -y \"$@\"; }; export FALCO_BOOTSTRAP_KERNEL_RELEASE=" + kernel + "; cd /srv/readme\n"
	n.Must("mkdir /srv/readme; cd /srv/readme; cp /srv/rpms/falco-bootstrap-0.1.0-*.rpm .; sha256sum * >SHA256SUMS")
	n.Must(start + block("dnf install ./falco-bootstrap"))
	n.WriteFile("/etc/falco-bootstrap.yaml", strings.ReplaceAll(OL("9.6").settings(), "@FPR@", n.Fingerprint("falco")))
	n.Must(start + strings.Replace(block("systemctl start falco-bootstrap.timer"), "--dry-run\n", "--dry-run || [ $? = 2 ]\n", 1))
	n.Must("systemctl stop falco-bootstrap.timer; cp /usr/bin/falco-bootstrap /srv/www/; dnf -y remove falco-bootstrap; rm -f /etc/falco-bootstrap.yaml*")
	fetch := strings.Replace(block("curl --fail"), "--proto '=https' --tlsv1.2", "--silent", 1)
	n.Must("export URL=" + www + "/falco-bootstrap SHA256=$(sha256sum /srv/www/falco-bootstrap | cut -d' ' -f1); " + start + fetch + "falco-bootstrap version; rm -rf /usr/bin/falco-bootstrap /srv/readme")
}

// The agent from a site's own repository: installed, started by its timer, upgraded and
// removed.
func TestRPM(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.Settings = "-"
	n := Start(t, d)
	n.Must("rm -f " + agent)
	n.agentRPMs("v0.1.0", "v0.2.0")
	n.publish("0.1.0")
	n.Must("cp /srv/www/agent/falco-bootstrap.repo /etc/yum.repos.d/")

	t.Run("as the README says", func(t *testing.T) {
		n.In(t)
		n.readme(t)
	})
	t.Run("install and remove", func(t *testing.T) {
		n.In(t)
		before := n.Snapshot()
		n.Must("dnf install -y falco-bootstrap 2>&1 && rpm -V falco-bootstrap")
		if got := n.Must("systemctl is-enabled falco-bootstrap.timer; systemctl is-active falco-bootstrap.timer || :"); got != "enabled\ninactive\n" {
			t.Errorf("the timer is %q, want it enabled and not yet started", got)
		}
		Lines(t, n.Must("falco-bootstrap version"), "falco-bootstrap v0.1.0", "commit: 0123456789abcdef", "date: 2023-11-14T22:13:20Z")
		n.Must("dnf remove -y falco-bootstrap 2>&1")
		// Oracle Linux's filesystem package, which the stand-in lacks, owns these.
		filesystem := regexp.MustCompile(`^\+ /(etc/sysconfig|usr/share/licenses|usr/share/man(/man1)?): `)
		for _, line := range before.Diff(n.Snapshot(), "/var/lib/rpm", "/var/lib/dnf", "/var/cache", "/var/log", "/run/user") {
			if !strings.HasPrefix(line, "~ /") && !filesystem.MatchString(line) {
				t.Errorf("after dnf remove: %s", line)
			}
		}
		if left := n.leftovers(); len(left) > 0 {
			t.Errorf("dnf remove leaves %q", left)
		}
	})
	t.Run("timer converges", func(t *testing.T) {
		n.In(t)
		n.Must("dnf install -y falco-bootstrap 2>&1")
		n.WriteFile("/etc/falco-bootstrap.yaml", strings.ReplaceAll(OL("9.6").settings(), "@FPR@", n.Fingerprint("falco")))
		// The stand-ins believe in another kernel than the one that runs.
		n.WriteFile("/etc/systemd/system/falco-bootstrap.service.d/test.conf", "[Service]\nEnvironment=FALCO_BOOTSTRAP_KERNEL_RELEASE="+d.Kernel+"\n")
		n.WriteFile("/etc/systemd/system/falco-bootstrap.timer.d/test.conf",
			"[Timer]\nOnBootSec=\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n")
		n.Must("systemctl daemon-reload && systemctl start falco-bootstrap.timer")
		n.Wait(4*time.Minute, "grep '\"result\":\"changed\"' /var/log/falco-bootstrap-report.json")
		if u := n.Unit("falco-modern-bpf.service"); !u.Running() || !n.Alert("/var/log/falco.log", 30*time.Second) {
			t.Errorf("Falco is %+v, or writes no alert", u)
		}
	})
	t.Run("upgrade", func(t *testing.T) {
		n.In(t)
		settings := n.Must("sha256sum /etc/falco-bootstrap.yaml")
		n.Must("systemctl disable --now falco-bootstrap.timer 2>&1")
		n.publish("0.2.0")
		n.Must("dnf upgrade --refresh -y falco-bootstrap 2>&1")
		Lines(t, n.Must("falco-bootstrap version"), "falco-bootstrap v0.2.0")
		if got := n.Must("sha256sum /etc/falco-bootstrap.yaml"); got != settings {
			t.Error("the upgrade changed the edited settings")
		}
		if got := n.Sh("systemctl is-enabled falco-bootstrap.timer").Stdout; got != "disabled\n" {
			t.Errorf("the timer is %q after an upgrade, want it disabled as before", got)
		}
	})
	t.Run("remove", func(t *testing.T) {
		n.In(t)
		n.Must("systemctl enable --now falco-bootstrap.timer 2>&1; rm -r /etc/systemd/system/falco-bootstrap.*.d")
		n.Wait(4*time.Minute, "! systemctl is-active --quiet falco-bootstrap.service")
		n.Must("systemctl start --no-block falco-bootstrap.service; dnf remove -y falco-bootstrap 2>&1")
		// The operator's settings, and what Falco needs while it runs.
		want := []string{"/etc/falco-bootstrap.yaml.rpmsave", "/etc/logrotate.d/falco-bootstrap"}
		left := slices.DeleteFunc(n.leftovers(), func(path string) bool { return strings.HasSuffix(path, ".service.d/50-falco-bootstrap.conf") })
		if slices.Sort(left); !slices.Equal(left, want) {
			t.Errorf("dnf remove leaves %q, want %q", left, want)
		}
		if u := n.Unit("falco-modern-bpf.service"); !u.Running() {
			t.Errorf("Falco is %+v, want it running", u)
		}
		if got := n.Must("systemctl list-units --all --no-legend 'falco-bootstrap*'"); got != "" {
			t.Errorf("systemd still knows %q", got)
		}
	})
}
