// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A golden is one run with the name of its golden files.
type golden struct {
	name   string
	meta   report.Meta
	result converge.Result
}

func meta(mode string) report.Meta {
	return report.Meta{
		Tool: report.Tool{Name: "falco-bootstrap", Version: "1.2.3", Commit: "0123abc"},
		Host: report.Host{
			Hostname: "oke-c7xyz-n1-0", OS: "Oracle Linux", OSVersion: "8.10", OSMajor: 8,
			Kernel: "5.15.0-206.153.7.1.el8uek.x86_64", Flavour: "uek", Arch: "x86_64", Glibc: "2.28",
			BootID: "5f0c9cf8-3c5a-4a5e-9d0e-6f7a6a1f2b3c",
		},
		Mode:    mode,
		Root:    "/",
		Started: time.Date(2026, 3, 1, 3, 0, 0, 123456789, time.UTC),
		Took:    41*time.Millisecond + 678901*time.Nanosecond,
	}
}

func falco(m report.Meta) report.Meta {
	m.Falco = &report.Falco{Version: "0.44.1", Driver: "modern_ebpf", Unit: "falco-modern-bpf.service"}
	return m
}

func step(id string, status converge.Status, reason string, changes ...node.Change) converge.StepResult {
	return converge.StepResult{ID: id, Status: status, Reason: reason, Changes: changes, Took: 312 * time.Microsecond}
}

func inOrder() []converge.StepResult {
	return []converge.StepResult{
		step("preflight", converge.StatusOK, "Oracle Linux 8.10, UEK, modern_ebpf works"),
		step("key", converge.StatusOK, "65106822B35B1B1F is imported, ends 2031-01-14"),
		step("repository", converge.StatusOK, "/etc/yum.repos.d/falcosecurity.repo is as declared"),
		step("packages", converge.StatusOK, "falco 0.44.1, its files unaltered"),
		step("epel", converge.StatusOK, "no EPEL section is enabled"),
		step("module", converge.StatusSkipped, "modern_ebpf needs none"),
		step("drop-ins", converge.StatusOK, "libresolv drop-in, logrotate file and log are as declared"),
		step("config", converge.StatusOK, "2 declared keys are in effect"),
		step("unit", converge.StatusOK, "falco-modern-bpf.service is enabled and running"),
		step("proof", converge.StatusOK, "seen an alert since it started"),
	}
}

func goldens() []golden {
	return []golden{
		{name: "bare", meta: meta(report.ModeDryRun), result: bare()},
		{name: "drifted", meta: falco(meta(report.ModeDryRun)), result: drifted()},
		{name: "converged", meta: falco(meta(report.ModeDryRun)), result: converge.Result{Steps: inOrder()}},
		{name: "changed", meta: falco(meta(report.ModeConverge)), result: changed()},
		{name: "failed", meta: meta(report.ModeConverge), result: failed()},
		{name: "refused", meta: refusedMeta(), result: refused()},
		{name: "not-root", meta: meta(report.ModeDryRun), result: notRoot()},
		{name: "usage", meta: usage()},
		{name: "panic", meta: panicked(), result: converge.Result{Steps: inOrder()[:2]}},
	}
}

const shippedLog = `# Falco's alerts.
file_output:
  enabled: false
  keep_alive: false
  filename: ./events.txt
http_output:
  url: "https://falco:hunter2@collector.example/in?token=abcdef0123"
  client_key: "/etc/ssl/certs/client.key"
`

const wantedLog = `# Falco's alerts.
file_output:
  enabled: true
  keep_alive: false
  filename: /var/log/falco.log
http_output:
  url: "https://falco:hunter2@collector.example/in?token=abcdef0123"
  client_key: "/etc/ssl/certs/client.key"
`

const repoFile = `[falcosecurity-rpm]
name=Falcosecurity
baseurl=https://download.falco.org/packages/rpm
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity
`

func bare() converge.Result {
	steps := []converge.StepResult{
		inOrder()[0],
		step("key", converge.StatusPending, "the pinned key is not in rpm's database", node.ImportKey{
			URL:          "https://falco.org/repo/falcosecurity-packages.asc",
			Fingerprints: []string{"478B2FBBC75F4237B731DA4365106822B35B1B1F"},
			Path:         "/etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity",
			Cause:        node.Because(node.DriftAbsent, "packages must be signed by it"),
		}),
		step("repository", converge.StatusPending, "there is no repository file", node.WriteFile{
			Path: "/etc/yum.repos.d/falcosecurity.repo", New: []byte(repoFile), Mode: 0o644, Cause: node.Because(node.DriftAbsent, ""),
		}),
		step("packages", converge.StatusPending, "two packages are missing", node.Install{
			Action: "install", Cause: node.Because(node.DriftAbsent, ""),
			Targets: []node.Target{
				{Name: "falco", Spec: "falco-0.44.1", New: "0.44.1"},
				{Name: "kernel-uek-devel", Spec: "kernel-uek-devel"},
			},
		}),
		step("epel", converge.StatusOK, "no EPEL section is enabled"),
		step("module", converge.StatusSkipped, "modern_ebpf needs none"),
		step("config", converge.StatusWaiting, "falco.yaml is not there yet"),
		step("unit", converge.StatusWaiting, ""),
		step("proof", converge.StatusWaiting, ""),
	}
	for i := 6; i < len(steps); i++ {
		steps[i].Waiting = "packages"
	}
	return converge.Result{Steps: steps}
}

func drifted() converge.Result {
	steps := inOrder()
	steps[1].Warnings = []node.Warning{{
		Message: "the pinned key ends in 20 days", Hint: "add the next key's fingerprint to repository.fingerprints",
		Drift: node.DriftKeyExpiring,
	}}
	steps[3] = step("packages", converge.StatusPending, "falco is not the declared version", node.Install{
		Action: "downgrade", Cause: node.Because(node.DriftVersion, ""),
		Targets: []node.Target{{Name: "falco", Spec: "falco-0.44.1", Old: "0.45.0", New: "0.44.1"}},
	})
	steps[6] = step("drop-ins", converge.StatusPending, "one is no longer needed",
		node.RemoveFile{
			Path: "/etc/systemd/system/falco-modern-bpf.service.d/50-libresolv.conf",
			Old:  []byte("[Service]\nEnvironment=LD_PRELOAD=/lib64/libresolv.so.2\n"), Cause: node.Because(node.DriftPreloadStale, ""),
		},
		node.Chmod{Path: "/var/log/falco.log", Old: 0o644, New: 0o600, Cause: node.Because(node.DriftLogMode, "")},
	)
	steps[7] = step("config", converge.StatusPending, "2 of 2 declared keys are not in effect", node.WriteFile{
		Path: "/etc/falco/falco.yaml", Old: []byte(shippedLog), New: []byte(wantedLog), Cause: node.Because(node.DriftConfigEdited, ""),
	})
	steps[8] = step("unit", converge.StatusPending, "falco-modern-bpf.service is disabled",
		node.ChangeUnit{Unit: "falco-kmod.service", Action: node.ReloadManager, Cause: node.Because(node.DriftUnitReload, "")},
		node.ChangeUnit{Unit: "falco-kmod.service", Action: node.Disable, From: "enabled", To: "disabled", Cause: node.Because(node.DriftUnitExtra, "")},
		node.ChangeUnit{Unit: "falco-modern-bpf.service", Action: node.Enable, From: "disabled", To: "enabled", Cause: node.Because(node.DriftUnitDisabled, "")},
		node.ChangeUnit{Unit: "falco-modern-bpf.service", Action: node.Start, From: "inactive", To: "running", Cause: node.Because(node.DriftUnitStopped, "")},
	)
	steps[9] = step("proof", converge.StatusWaiting, "", node.Prove{Subject: node.Subject{Unit: "falco-modern-bpf.service", Log: "/var/log/falco.log"}})
	steps[9].Waiting = "unit"
	return converge.Result{Steps: steps}
}

func changed() converge.Result {
	steps := inOrder()
	steps[8] = step("unit", converge.StatusChanged, "falco-modern-bpf.service is running",
		node.ChangeUnit{Unit: "falco-modern-bpf.service", Action: node.Restart, From: "running", To: "restarted", Cause: node.Because(node.DriftConfigStale, "")})
	steps[9] = step("proof", converge.StatusOK, "no alert was seen", node.Prove{Subject: node.Subject{Unit: "falco-modern-bpf.service", Log: "/var/log/falco.log"}})
	steps[9].Warnings = []node.Warning{{
		Message: "no alert appeared within 10s, although the process is running", Hint: "run falco-bootstrap verify", Drift: node.DriftUnproven,
	}}
	return converge.Result{Steps: steps}
}

func failed() converge.Result {
	err := fmt.Errorf("packages: %w", &node.Error{
		Code: node.CodePackages,
		Err:  errors.New("running dnf: Curl error (7) for https://u:hunter2@mirror.example/repodata/repomd.xml\nFailed to connect to mirror.example port 443"),
		Hint: "look at the proxy, and run it again",
	})
	steps := bare().Steps
	steps[1].Status, steps[2].Status = converge.StatusChanged, converge.StatusChanged
	steps[3].Status, steps[3].Err = converge.StatusFailed, err
	for i := 4; i < len(steps); i++ {
		steps[i] = step(steps[i].ID, converge.StatusSkipped, "not reached")
	}
	return converge.Result{Steps: steps, Err: err}
}

func refusedMeta() report.Meta {
	m := meta(report.ModeConverge)
	m.Host.OS, m.Host.OSVersion, m.Host.OSMajor, m.Host.Flavour = "Rocky Linux", "9.4", 9, ""
	return m
}

func refused() converge.Result {
	err := &node.Error{
		Code: node.CodePreflight, Err: errors.New("Rocky Linux 9.4 is not Oracle Linux"),
		Hint: "falco-bootstrap works on Oracle Linux 7 to 10",
	}
	first := step("preflight", converge.StatusFailed, "")
	first.Err = err
	steps := []converge.StepResult{first}
	for _, s := range inOrder()[1:] {
		steps = append(steps, step(s.ID, converge.StatusSkipped, "not reached"))
	}
	return converge.Result{Steps: steps, Err: err}
}

func notRoot() converge.Result {
	steps := inOrder()
	steps[7] = step("config", converge.StatusUnknown, "")
	steps[7].Unknown = []string{"/etc/falco/falco.yaml: permission denied", "/etc/falco/config.d: permission denied"}
	return converge.Result{Steps: steps}
}

func usage() report.Meta {
	m := meta(report.ModeDryRun)
	m.Host = report.Host{}
	m.Err = &node.Error{Code: node.CodeUsage, Err: errors.New("--driver: \"ebpf\" is none of auto, modern_ebpf, kmod"), Hint: "see --help"}
	return m
}

func panicked() report.Meta {
	m := meta(report.ModeConverge)
	m.Err = errors.New("panic: runtime error: index out of range [3] with length 3")
	return m
}

func TestGolden(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) {
			r := report.New(g.meta, g.result)
			for _, out := range []struct {
				file  string
				write func(io.Writer) error
			}{
				{g.name + ".txt", func(w io.Writer) error { return r.Text(w, report.TextOptions{}) }},
				{g.name + ".verbose.txt", func(w io.Writer) error { return r.Text(w, report.TextOptions{Verbose: true}) }},
				{g.name + ".json", r.JSON},
				{g.name + ".prom", func(w io.Writer) error { return r.Metrics(w, nil) }},
			} {
				var buf bytes.Buffer
				if err := out.write(&buf); err != nil {
					t.Fatal(err)
				}
				compareGolden(t, out.file, buf.Bytes())
			}
		})
	}
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs; run go test -update if that is intended (-want +got):\n%s", name, d)
	}
}
