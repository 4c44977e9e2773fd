// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oldest is the systemd of Oracle Linux 8, the oldest that OKE nodes have.
const oldest = 239

// since maps a directive to the version of systemd that introduced it, from its NEWS
// and manual pages; 0 is earlier than any that matters.
var since = map[string]int{
	"Description": 0, "Documentation": 0, "Wants": 0, "After": 0,
	"ConditionPathExists": 0, "AssertFileIsExecutable": 218,
	"Type": 0, "Environment": 0, "EnvironmentFile": 0, "ExecStart": 0, "SuccessExitStatus": 0,
	"Restart": 0, "RestartSec": 0, "RestartPreventExitStatus": 0,
	"TimeoutStartSec": 0, "TimeoutStopSec": 0, "RuntimeMaxSec": 229,
	"UMask": 0, "Nice": 0, "IOSchedulingClass": 0, "OOMScoreAdjust": 0,
	"OnBootSec": 0, "OnCalendar": 0, "AccuracySec": 0, "RandomizedDelaySec": 229,
	"WantedBy": 0,
}

// unit returns the values of each directive of a unit file, in order.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	directives := map[string][]string{}
	for line := range strings.Lines(read(t, filepath.Join("systemd", name))) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			directives[key] = append(directives[key], value)
		}
	}
	return directives
}

func unitNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("systemd/*.[st][ei][rm]*")
	if err != nil || len(paths) != 3 {
		t.Fatalf("Glob = %v, %v, want three units", paths, err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}
	return paths
}

func TestUnitsAreForTheOldestSystemd(t *testing.T) {
	for _, name := range unitNames(t) {
		for key := range unit(t, name) {
			if version, known := since[key]; !known || version > oldest {
				t.Errorf("%s: %s= came with systemd %d (known: %t), want %d or earlier", name, key, version, known, oldest)
			}
		}
	}
}

// cloud-init 24.4 moved cloud-final.service after multi-user.target. A unit that
// multi-user.target wants and that is ordered after cloud-init makes a cycle
// (aws-samples/amazon-eks-ami-rhel#20), and one that multi-user.target waits for
// delays the script that joins the node.
func TestUnitsKeepClearOfCloudInit(t *testing.T) {
	for _, name := range unitNames(t) {
		u := unit(t, name)
		for _, key := range []string{"After", "Before", "Wants", "Requires"} {
			if value := strings.Join(u[key], " "); strings.Contains(value, "cloud-") {
				t.Errorf("%s: %s=%s, want no reference to cloud-init", name, key, value)
			}
		}
		if slices.Contains(u["WantedBy"], "multi-user.target") && !slices.Equal(u["Type"], []string{"simple"}) {
			t.Errorf("%s: Type=%v, want simple: multi-user.target would wait for it", name, u["Type"])
		}
		if slices.Equal(u["Type"], []string{"oneshot"}) && u["Restart"] != nil {
			t.Errorf("%s: systemd before 244 refuses Restart= with Type=oneshot", name)
		}
	}
}

func TestUnitsAreBounded(t *testing.T) {
	if u := unit(t, "falco-bootstrap.service"); u["TimeoutStartSec"] == nil || u["TimeoutStopSec"] == nil {
		t.Error("falco-bootstrap.service may hang: a oneshot has no default time limit")
	}
	if u := unit(t, "falco-bootstrap-firstboot.service"); u["RuntimeMaxSec"] == nil {
		t.Error("falco-bootstrap-firstboot.service may hang")
	}
}

// The random delay comes on top of OnBootSec=, so the first run after a boot is as late
// as both together.
func TestTimerIsAsDocumented(t *testing.T) {
	u := unit(t, "falco-bootstrap.timer")
	if got := [2]string{u["OnBootSec"][0], u["RandomizedDelaySec"][0]}; got != [2]string{"5min", "25min"} {
		t.Errorf("OnBootSec and RandomizedDelaySec = %v; change the file's comment and docs/oke.md too", got)
	}
	for _, path := range []string{"systemd/falco-bootstrap.timer", "../docs/oke.md"} {
		if !strings.Contains(strings.Join(strings.Fields(read(t, path)), " "), "5 to 30 minutes after each boot") {
			t.Errorf("%s does not say 5 to 30 minutes after each boot", path)
		}
	}
}

func TestSystemdAnalyzeVerify(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	dir := t.TempDir()
	// verify requires that the commands exist.
	stub := filepath.Join(dir, "stub")
	write(t, stub, "#!/bin/sh\n", 0o755)
	args := []string{"verify", "--man=no"}
	for _, name := range unitNames(t) {
		text := read(t, filepath.Join("systemd", name))
		for _, path := range []string{"/usr/bin/falco-bootstrap ", "/usr/local/libexec/falco-bootstrap/firstboot\n"} {
			text = strings.ReplaceAll(text, "ExecStart="+path, "ExecStart="+stub+path[len(path)-1:])
		}
		path := filepath.Join(dir, name)
		write(t, path, text, 0o644)
		args = append(args, path)
	}
	if status, out := command(t, nil, analyze, args...); status != 0 || out != "" {
		t.Errorf("systemd-analyze %v = %d, want 0 and no output\n%s", args, status, out)
	}
}
