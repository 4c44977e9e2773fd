// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/test/messages"
)

// hinted are the commands that the agent's hints name, and how each is run here: with
// what the hint leaves open filled in, and so that it asks nothing. A command without a
// line is for another machine or another base.
var hinted = map[string]string{
	"ausearch -m avc -ts recent": "", // of the package audit, where SELinux is
	"cat -A":                     "cat -A " + falcoYAML,
	"curl -sL URL | sha256sum":   "curl -sL " + www + "/keys/falco.asc | sha256sum",
	"df -h, df -i":               "df -h; df -i",

	"df -h /var/lib/falco-bootstrap /var/cache/dnf": "df -h /var/lib/falco-bootstrap /var/cache/dnf",

	"dmesg":                                "dmesg || command -v dmesg",
	"dnf --showduplicates list falco":      "dnf --showduplicates list falco",
	"dnf -v says which are loaded":         "dnf -v repolist",
	"dnf install logrotate":                "dnf install --help",
	"dnf remove …":                         "dnf remove --help",
	"dnf reinstall falco":                  "dnf -y reinstall falco && systemctl start " + modernUnit,
	"dnf repolist --all":                   "dnf repolist --all",
	"dnf repolist -v $repo":                "dnf repolist -v falcosecurity-rpm",
	"dnf versionlock list":                 "dnf versionlock list",
	"falco-bootstrap bundle DIR":           "falco-bootstrap bundle --help",
	"falco-bootstrap config show --rules":  "falco-bootstrap config show --rules",
	"falco-bootstrap config check":         "falco-bootstrap config check",
	"falco-bootstrap config check --set":   "falco-bootstrap config check --set file_output.enabled=true",
	"falco-bootstrap config show":          "falco-bootstrap config show",
	"falco-bootstrap config show --origin": "falco-bootstrap config show --origin",
	"falco-bootstrap explain --driver":     "falco-bootstrap explain --driver modern_ebpf --falco-version 0.44.1",
	"falco-bootstrap verify --rule":        "falco-bootstrap verify --help",
	"falco-bootstrap verify --within":      "falco-bootstrap verify --within 1m --output json",
	"falco-bootstrap explain":              "falco-bootstrap explain",
	"falco-bootstrap explain --os":         "falco-bootstrap explain --os 9.6",
	"falco-bootstrap report":               "falco-bootstrap report /var/lib/falco-bootstrap/last-run.json",
	"falco-bootstrap report --max-age":     "falco-bootstrap report --max-age 1h /var/lib/falco-bootstrap/last-run.json",
	"falco-bootstrap verify":               "falco-bootstrap verify",
	"findmnt":                              "findmnt",
	"ps -fp %d":                            "ps -fp 1",
	"groupadd --system …":                  "groupadd --system watchers",
	"journalctl -u …":                      "journalctl --no-pager -u " + modernUnit,
	"kubectl exec -it":                     "", // on the machine of who has the cluster
	"kill -CONT PID":                       "kill -CONT 1",
	"logrotate -d …":                       "logrotate -d /etc/logrotate.d/falco-bootstrap",
	"lsattr":                               "lsattr /etc/falco || command -v lsattr", // not every file system has flags
	"lslocks":                              "lslocks",
	"mv … ….aside":                         "touch /tmp/log && mv /tmp/log /tmp/log.aside",
	"mv $detail $detail.damaged":           "touch /tmp/history && mv /tmp/history /tmp/history.damaged",
	"namei -l …":                           "namei -l " + falcoYAML,
	"pgrep -a falco":                       "pgrep -a falco",

	"ps -C dbus-daemon,dbus-broker -o pid,stat,args": "ps -C dbus-daemon,dbus-broker -o pid,stat,args",

	"rpm -K":                  "rpm -K --nosignature /srv/www/falco/0.44.1/falco-0.44.1-1.*.rpm",
	"rpm -V falco":            "rpm -V falco || [ $? = 1 ]", // 1 if it names files
	"rpm -e …":                "rpm -e --test falco",
	"rpm -qf $detail":         "rpm -qf /usr/bin/falco",
	"systemctl cat …":         "systemctl cat " + modernUnit,
	"systemctl daemon-reload": "systemctl daemon-reload",
	"systemctl disable --now falco-bootstrap.timer": "systemctl disable --now falco-bootstrap.timer || [ $? = 1 ]", // it is there with the RPM

	"systemctl list-dependencies …": "systemctl list-dependencies " + modernUnit,
	"systemctl list-jobs":           "systemctl list-jobs",
	"systemctl restart …":           "systemctl restart " + modernUnit,
	"systemctl status %d":           "systemctl status $(systemctl show --value -p MainPID " + modernUnit + ")",
	"systemctl status …":            "systemctl status " + modernUnit,
	"systemd-analyze verify …":      "systemd-analyze verify /usr/lib/systemd/system/" + modernUnit,
	"ulimit -f unlimited":           "ulimit -f unlimited",
	"ulimit -n 1024":                "ulimit -n 1024",
	"uname -r":                      "uname -r",
	"yum on Oracle Linux 7":         "command -v yum", // not a command
}

// Every command that a hint names is there and does what it is named for.
func TestHintedCommandsWork(t *testing.T) {
	t.Parallel()
	all, err := messages.Commands("..")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, c := range all {
		named[c] = true
		if _, known := hinted[c]; !known {
			t.Errorf("a hint names %q, and no line here runs it", c)
		}
	}
	for c := range hinted {
		if !named[c] {
			t.Errorf("no hint names %q", c)
		}
	}
	n := StartConverged(t, OL("9.6"))
	n.Must("systemctl start " + modernUnit)
	for _, c := range all {
		line := hinted[c]
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "falco-bootstrap") && n.Setup.Kernel != "" && !strings.Contains(line, "--help") && !strings.Contains(line, "report") {
			line += " --kernel-release " + n.Setup.Kernel
		}
		if r := n.Sh("export SYSTEMD_PAGER=; " + line); r.Exit != 0 {
			t.Errorf("%s: %v", line, r)
		}
	}
}
