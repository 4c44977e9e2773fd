// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

const siteDropIn = "/etc/systemd/system/falco-modern-bpf.service.d/90-site.conf"

// A value of the unit that somebody else's file decides is refused before
// anything changes, and that file is named with its line.
func TestUnitIsOverruled(t *testing.T) {
	const alias = "/etc/systemd/system/falco.service.d/override.conf"
	for _, tt := range []struct {
		name, file, content, says string
		make                      func(*fakeNode, *settings.Settings)
	}{
		{name: "UMask", file: siteDropIn, content: "[Service]\n# ours\nUMask=0022\n", says: siteDropIn + ":3"},
		{name: "UMask by its default", file: siteDropIn, content: "[Service]\nUMask=\n", says: siteDropIn + ":2"},
		{name: "UMask of the alias", file: alias, content: "[Service]\nUMask=022\n", says: alias + ":2"},
		{name: "UMask in /run", file: "/run/systemd/system/falco-modern-bpf.service.d/60-x.conf", content: "[Service]\nUMask=0\n", says: "60-x.conf:2"},
		{name: "UMask over a declared mode", file: siteDropIn, content: "[Service]\nUMask=0077\n", says: siteDropIn + ":2", make: func(_ *fakeNode, s *settings.Settings) { s.Log.Mode = "0640" }},
		{name: "Group", file: siteDropIn, content: "[Service]\nGroup=adm\n", says: siteDropIn + ":2 overrules falco-bootstrap's drop-in with Group=adm"},
		{name: "User", file: siteDropIn, content: "[Service]\nUser=falco\n", says: siteDropIn + ":2 overrules falco-bootstrap's drop-in with User=falco"},
		{name: "LD_PRELOAD", file: siteDropIn, content: "[Service]\nEnvironment=A=b \"LD_PRELOAD=/opt/agent.so\"\n", says: siteDropIn + ":2"},
		{name: "an environment that begins anew", file: siteDropIn, content: "[Service]\nEnvironment=\n", says: siteDropIn + ":2"},
		{name: "LD_PRELOAD taken away", file: siteDropIn, content: "[Service]\nUnsetEnvironment=LD_PRELOAD\n", says: siteDropIn + ":2"},
		{name: "LD_PRELOAD in a file", file: siteDropIn, content: "[Service]\nEnvironmentFile=-/etc/sysconfig/falco\n", says: siteDropIn + ":2 overrules falco-bootstrap's drop-in with EnvironmentFile=-/etc/sysconfig/falco, which sets LD_PRELOAD=/opt/agent.so", make: func(n *fakeNode, _ *settings.Settings) {
			n.write("/etc/sysconfig/falco", "LD_PRELOAD=/opt/agent.so\n")
			n.modern().EnvironmentFiles = []string{"/etc/sysconfig/falco"}
		}},
		{name: "in force without a file", says: "systemd has UMask=0022 in force", make: func(n *fakeNode, _ *settings.Settings) { n.modern().UMask = 0o022 }},
		{name: "another main file", file: siteDropIn, content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco -c /etc/site.yaml\n", says: siteDropIn + ":3 has Falco read /etc/site.yaml (-c) and not /etc/falco/falco.yaml", make: func(n *fakeNode, _ *settings.Settings) {
			n.modern().ExecStart = []string{"/usr/bin/falco", "-c", "/etc/site.yaml"}
		}},
		{name: "a main file by a variable", file: siteDropIn, content: "[Service]\nEnvironment=OPTS=\nExecStart=\nExecStart=/usr/bin/nice /usr/bin/falco $OPTS\n", says: siteDropIn + ":4 has Falco read /etc/site.yaml", make: func(n *fakeNode, _ *settings.Settings) {
			n.write(siteDropIn, strings.Replace(n.read(siteDropIn), "OPTS=", "OPTS=-c/etc/site.yaml \"LD_PRELOAD="+falco.PreloadLibrary+"\"", 1))
			n.modern().Environment = []string{"OPTS=-c/etc/site.yaml"}
			n.modern().ExecStart = []string{"/usr/bin/nice", "/usr/bin/falco", "$OPTS"}
		}},
		{name: "an option over a declared key", file: siteDropIn, content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco --option=file_output.enabled=false\n", says: "(" + siteDropIn + ":3)", make: func(n *fakeNode, _ *settings.Settings) {
			n.modern().ExecStart = []string{"/usr/bin/falco", "--option=file_output.enabled=false"}
		}},
		{name: "User, with a group of its own", file: siteDropIn, content: "[Service]\nUser=falco\n", says: siteDropIn + ":2 overrules falco-bootstrap's drop-in with User=falco: Falco could not write the alert log", make: func(_ *fakeNode, s *settings.Settings) {
			s.Log.Group, s.Log.Mode = "falco", "0640"
		}},
		{name: "another driver", file: siteDropIn, content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco -o engine.kind=kmod\n", says: siteDropIn + ":3 has Falco use the driver kmod (engine.kind) and not modern_ebpf", make: func(n *fakeNode, _ *settings.Settings) {
			n.modern().ExecStart = []string{"/usr/bin/falco", "-o", "engine.kind=kmod"}
		}},
		{name: "another driver, and systemd has not read it", file: siteDropIn, content: "[Service]\nExecStart=\nExecStart=-/usr/bin/falco -o engine.kind=nodriver\n", says: siteDropIn + ":3 has Falco use the driver nodriver"},
		{name: "another driver in a file", file: "/etc/falco/site.yaml", content: "engine:\n  kind: kmod\n", says: "/etc/falco/site.yaml:2 has Falco use the driver kmod", make: func(n *fakeNode, _ *settings.Settings) {
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/site.yaml]\n")
			n.modern().ExecStart = []string{"/usr/bin/falco"}
		}},
		{name: "another main file, and systemd has not read it", file: siteDropIn, content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco -c /etc/site.yaml\n", says: siteDropIn + ":3 has Falco read /etc/site.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.clock = n.clock.Add(time.Minute)
			if tt.file != "" {
				n.write(tt.file, tt.content)
			}
			if tt.make != nil {
				tt.make(n, &s)
			}
			before := len(n.changes)
			for _, err := range []error{converge.Plan(t.Context(), n, All(s)).Err, converge.Converge(t.Context(), n, All(s), quiet).Err} {
				if err == nil {
					t.Fatal("no error")
				}
				if node.CodeOf(err) != node.CodeConfig || node.DriftOf(err) != node.DriftConfigOverruled || !strings.Contains(err.Error(), tt.says) || node.HintOf(err) == "" {
					t.Errorf("error = %v (exit status %d, %s), want one that says %q", err, node.CodeOf(err), node.DriftOf(err), tt.says)
				}
			}
			if len(n.changes) > before {
				t.Errorf("the run did %q", n.changes[before:])
			}
		})
	}
}

// A unit that starts another program is named.
func TestOtherProgramIsNamed(t *testing.T) {
	for program, named := range map[string]bool{"/usr/bin/falco": false, "/opt/falco/bin/falco": true, "/usr/local/bin/wrapper": true} {
		n, s := newNode(t, "8.10", uek7)
		converged(t, n, s)
		n.modern().ExecStart = []string{program}
		n.write("/etc/systemd/system/falco-modern-bpf.service.d/10-site.conf", "[Service]\nExecStart=\nExecStart="+program+"\n")
		got := stepOf(t, converge.Plan(t.Context(), n, All(s)), idConfig).Warnings
		if len(got) > 0 != named || named && !strings.Contains(got[0].Message, "10-site.conf:3 has the unit start "+program) {
			t.Errorf("%s: warnings %+v, want it named: %v", program, got, named)
		}
	}
}

// What somebody else's files say does no harm where it is the same, or where the
// agent's drop-in wins.
func TestUnitIsNotOverruled(t *testing.T) {
	const early = "/etc/systemd/system/falco-modern-bpf.service.d/10-site.conf"
	for _, tt := range []struct {
		name, file, content string
		ours                string // a line of the agent's drop-in
	}{
		{"the same UMask", siteDropIn, "[Service]\nUMask=77\n", ""},
		{"a UMask that systemd ignores", siteDropIn, "[Service]\nUMask=abc\n", ""},
		{"a UMask of another section", siteDropIn, "[Unit]\nUMask=0022\n", ""},
		{"an earlier UMask", early, "[Service]\nUMask=0022\n", "UMask=0066"},
		{"an earlier group", early, "[Service]\nGroup=adm\n", "Group=root"},
		{"an earlier library", early, "[Service]\nEnvironment=LD_PRELOAD=/opt/agent.so\n", "Environment=LD_PRELOAD=" + falco.PreloadLibrary + ":/opt/agent.so"},
		{"both libraries", siteDropIn, "[Service]\nEnvironment=\"LD_PRELOAD=/opt/agent.so " + falco.PreloadLibrary + "\"\n", ""},
		{"other variables", siteDropIn, "[Service]\nEnvironment=A=b\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.clock = n.clock.Add(time.Minute)
			n.write(tt.file, tt.content)
			converged(t, n, s)
			inOrder(t, n, s)
			if !strings.Contains(n.read(dropIn), tt.ours) {
				t.Errorf("the drop-in is %q, want %q in it", n.read(dropIn), tt.ours)
			}
		})
	}
}

// A log that the unit hides from the node is refused before anything changes.
func TestHiddenLogIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, log, says string
		make            func(*fakeNode)
	}{
		{"a bare node", "/tmp/falco.log", "falco-modern-bpf.service cannot write the alert log /tmp/falco.log: it has PrivateTmp", func(n *fakeNode) {
			bare, _ := newNode(t, "8.10", uek7)
			*n = *bare
		}},
		{"/var/tmp", "/var/tmp/falco.log", "PrivateTmp", nil},
		{"/root", "/root/falco.log", "ProtectHome=read-only", nil},
		{"/home", "/home/x/falco.log", "ProtectHome=read-only", nil},
		{"/usr", "/usr/local/falco.log", "ProtectSystem=full", nil},
		{"a drop-in of the site", "/srv/falco.log", "ReadOnlyPaths=/srv (" + siteDropIn + ":2)", func(n *fakeNode) {
			n.write(siteDropIn, "[Service]\nReadOnlyPaths=/srv\n")
			n.modern().Sandbox.ReadOnly = []string{"/srv"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			if tt.make != nil {
				tt.make(n)
			}
			n.changes = nil
			s.Falco.Config["file_output.filename"] = tt.log
			for _, err := range []error{converge.Plan(t.Context(), n, All(s)).Err, converge.Converge(t.Context(), n, All(s), quiet).Err} {
				if node.CodeOf(err) != node.CodeConfig || err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error = %v (exit status %d), want one that says %q", err, node.CodeOf(err), tt.says)
				}
			}
			if n.changes != nil {
				t.Errorf("the run did %q", n.changes)
			}
		})
	}
}
