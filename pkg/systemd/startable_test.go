// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"testing"
	"testing/fstest"
)

func TestFindObstacle(t *testing.T) {
	tree := fstest.MapFS{
		"etc/passwd":        {Data: []byte("root\n")},
		"etc/empty":         {},
		"opt/agent/pre.sh":  {Data: []byte("#!"), Mode: 0o755},
		"var/log/site/x":    {},
		"etc/sysconfig/now": {},
	}
	for _, tt := range []struct {
		name, text string
		line       int // of the obstacle; 0 if there is none
		missing    string
	}{
		{name: "nothing", text: "[Service]\nExecStart=/usr/bin/falco\n"},
		{name: "a condition", text: "[Unit]\nConditionPathExists=/etc/ready\n", line: 2},
		{name: "one that is met", text: "[Unit]\nConditionPathExists=/etc/passwd\nConditionPathExists=!/run/ostree-booted\n"},
		{name: "a negated one", text: "[Unit]\nConditionPathExists=!/etc/passwd\n", line: 2},
		{name: "an assertion", text: "[Unit]\nAssertFileNotEmpty=/etc/empty\n", line: 2},
		{name: "a pattern", text: "[Unit]\nConditionPathExistsGlob=/etc/*.ready\n", line: 2},
		{name: "an executable", text: "[Unit]\nConditionFileIsExecutable=/opt/agent/pre.sh\nConditionFileIsExecutable=/etc/passwd\n", line: 3},
		{name: "directories", text: "[Unit]\nConditionPathIsDirectory=/opt/agent\nConditionDirectoryNotEmpty=/var/log/site\nConditionDirectoryNotEmpty=/var/none\n", line: 4},
		{name: "a list that begins anew", text: "[Unit]\nConditionPathExists=/etc/ready\nConditionPathIsDirectory=\n"},
		{name: "one of several", text: "[Unit]\nConditionPathExists=|/etc/ready\nConditionPathExists=|/etc/passwd\n"},
		{name: "none of several", text: "[Unit]\nConditionPathExists=|/etc/ready\nConditionPathExists=|!/etc/passwd\n", line: 3},
		{name: "one of several that is not judged", text: "[Unit]\nConditionPathExists=|/etc/ready\nConditionVirtualization=|vm\n"},
		{name: "a specifier", text: "[Unit]\nConditionPathExists=/etc/%p\n[Service]\nReadWritePaths=/opt/%n\n"},
		{name: "a sandbox", text: "[Service]\nReadWritePaths=-/opt/a /opt/agent \"/opt/b\"\n", line: 2, missing: "/opt/b"},
		{name: "a sandbox of its root", text: "[Service]\nReadOnlyPaths=+/opt/b\n", line: 2, missing: "/opt/b"},
		{name: "an old name", text: "[Service]\nReadWriteDirectories=/opt/b\n", line: 2, missing: "/opt/b"},
		{name: "taken back", text: "[Service]\nReadWritePaths=/opt/b\nReadWritePaths=\n"},
		{name: "made by systemd", text: "[Service]\nLogsDirectory=falco other\nReadWritePaths=/var/log/falco/a\n"},
		{name: "bound", text: "[Service]\nBindPaths=/var/log/site:/opt/b\nReadWritePaths=/opt/b\n"},
		{name: "bound from nothing", text: "[Service]\nBindReadOnlyPaths=/opt/b:/etc/falco\n", line: 2, missing: "/opt/b"},
		{name: "an environment", text: "[Service]\nEnvironmentFile=-/etc/sysconfig/none\nEnvironmentFile=/etc/sysconfig/now\nEnvironmentFile=/etc/sysconfig/falco\n", line: 4, missing: "/etc/sysconfig/falco"},
		{name: "a directory", text: "[Service]\nWorkingDirectory=/srv/a\nWorkingDirectory=-/srv/b\n"},
		{name: "another directory", text: "[Service]\nWorkingDirectory=/srv/a\n", line: 2, missing: "/srv/a"},
		{name: "a command before", text: "[Service]\nExecStartPre=+/opt/none.sh --wait\n", line: 2, missing: "/opt/none.sh"},
		{name: "one that may fail", text: "[Service]\nExecStartPre=-/opt/none.sh\n"},
		{name: "one that may make it", text: "[Service]\nExecStartPre=/opt/agent/pre.sh\nReadWritePaths=/opt/b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, found := FindObstacle([]UnitFile{{"/f", []byte(tt.text)}}, tree)
			if found != (tt.line != 0) || o.Line != tt.line || o.Missing != tt.missing {
				t.Errorf("FindObstacle() = %+v, %v, want line %d and %q", o, found, tt.line, tt.missing)
			}
		})
	}
}
