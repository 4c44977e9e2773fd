// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSandboxHides(t *testing.T) {
	shipped := Sandbox{PrivateTmp: true, ProtectHome: "read-only", ProtectSystem: "full"}
	tests := []struct {
		name    string
		sandbox Sandbox
		file    string
		want    string
	}{
		{"no sandbox", Sandbox{}, "/tmp/falco.log", ""},
		{"the usual log", shipped, "/var/log/falco.log", ""},
		{"/tmp", shipped, "/tmp/falco.log", "PrivateTmp"},
		{"/var/tmp", shipped, "/var/tmp/a/falco.log", "PrivateTmp"},
		{"not quite /tmp", shipped, "/tmpfiles/falco.log", ""},
		{"a way around", shipped, "/var/log/../tmp/falco.log", "PrivateTmp"},
		{"/root", shipped, "/root/falco.log", "ProtectHome=read-only"},
		{"/etc", shipped, "/etc/falco/falco.log", "ProtectSystem=full"},
		{"/etc where only /usr is protected", Sandbox{ProtectSystem: "yes"}, "/etc/falco.log", ""},
		{"closed homes", Sandbox{ProtectHome: "yes", ReadWrite: []string{"/home/logs"}}, "/home/logs/falco.log", "ProtectHome=yes"},
		{"an opened home", Sandbox{ProtectHome: "read-only", ReadWrite: []string{"-/home/logs"}}, "/home/logs/falco.log", ""},
		{"a bound home", Sandbox{ProtectHome: "tmpfs", Bind: []string{"/home/logs"}}, "/home/logs/falco.log", ""},
		{"a bound /tmp", Sandbox{PrivateTmp: true, Bind: []string{"/tmp"}}, "/tmp/falco.log", ""},
		{"strict", Sandbox{ProtectSystem: "strict"}, "/var/log/falco.log", "ProtectSystem=strict"},
		{"strict, but for the log's directory", Sandbox{ProtectSystem: "strict", ReadWrite: []string{"/var/log"}}, "/var/log/falco.log", ""},
		{"strict spares homes", Sandbox{ProtectSystem: "strict", ProtectHome: "no"}, "/root/falco.log", ""},
		{"a read-only directory", Sandbox{ReadOnly: []string{"/var/log"}}, "/var/log/falco.log", "ReadOnlyPaths=/var/log"},
		{"read-only and writable", Sandbox{ReadOnly: []string{"/var/log"}, ReadWrite: []string{"/var/log"}}, "/var/log/falco.log", "ReadOnlyPaths=/var/log"},
		{"writable within read-only", Sandbox{ReadOnly: []string{"/"}, ReadWrite: []string{"/var/log"}}, "/var/log/falco.log", ""},
		{"inaccessible", Sandbox{Inaccessible: []string{"-/data"}}, "/data/falco.log", "InaccessiblePaths=-/data"},
		{"a file system of its own", Sandbox{Temporary: []string{"/var/log"}}, "/var/log/falco.log", "TemporaryFileSystem=/var/log"},
		{"another root", Sandbox{Root: "/srv/falco"}, "/var/log/falco.log", "RootDirectory=/srv/falco"},
	}
	for _, tt := range tests {
		if got := tt.sandbox.Hides(tt.file); got != tt.want {
			t.Errorf("%s: Hides(%q) = %q, want %q", tt.name, tt.file, got, tt.want)
		}
	}
}

func TestSandboxProperties(t *testing.T) {
	got := sandbox(map[string]any{
		"PrivateTmp": true, "ProtectHome": "read-only", "ProtectSystem": "strict", "RootDirectory": "/",
		"ReadWriteDirectories": []string{"/a"}, "ReadOnlyPaths": []string{"/b"}, "InaccessiblePaths": []string{},
		"TemporaryFileSystem": [][]any{{"/c", "ro"}},
		"BindPaths":           [][]any{{"/d", "/d", false, uint64(0)}, {"/e", "/f", false, uint64(0)}},
		"BindReadOnlyPaths":   [][]any{{"/g", "/h", true, uint64(0)}},
		"LogsDirectory":       []string{"falco"},
	})
	want := Sandbox{
		PrivateTmp: true, ProtectHome: "read-only", ProtectSystem: "strict", ReadWrite: []string{"/a", "/var/log/falco"}, ReadOnly: []string{"/b"},
		Temporary: []string{"/c"}, Bind: []string{"/d"}, BindRO: []string{"/h"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sandbox (-want +got):\n%s", d)
	}
}
