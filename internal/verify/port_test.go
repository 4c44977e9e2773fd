// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

func TestListening(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	tests := []struct {
		name, table, inode string
		want               bool
	}{
		{name: "nobody", table: head},
		{name: "all addresses", table: head + "   0: 00000000:223D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 42 1\n", inode: "42", want: true},
		{name: "IPv6", table: head + "   0: 00000000000000000000000000000000:223D 00000000000000000000000000000000:0000 0A 00000000:00000000\n", want: true},
		{name: "another port", table: head + "   0: 00000000:1F99 00000000:0000 0A 00000000:00000000\n"},
		{name: "a connection", table: head + "   0: 0100007F:223D 0100007F:A1B2 01 00000000:00000000\n"},
		{name: "to that port", table: head + "   0: 0100007F:A1B2 0100007F:223D 0A 00000000:00000000\n"},
	}
	for _, tt := range tests {
		if inode, got := listening(tt.table, 8765); got != tt.want || inode != tt.inode {
			t.Errorf("%s: listening(%q, 8765) = %q, %v, want %q, %v", tt.name, tt.table, inode, got, tt.inode, tt.want)
		}
	}
}

// A treeView sees files and links only.
type treeView struct {
	node.View
	files fstest.MapFS
}

func (v treeView) Tree() fs.FS { return v.files }

func (v treeView) Stat(path string) (node.File, error) {
	f, ok := v.files[path[1:]]
	if !ok {
		return node.File{}, fs.ErrNotExist
	}
	return node.File{Mode: f.Mode, Target: string(f.Data)}, nil
}

// Who has a port is named, and a port that Falco does not use blames nobody,
// however the port is written.
func TestListener(t *testing.T) {
	const others, squatters = "another program listens on port 8765 (python3, process 7)", "another program listens on port 8766 (python3, process 7)"
	tests := []struct {
		name, web string // the keys of webserver
		env       []string
		port      string // hexadecimal, where python3 listens
		comm      string // python3 if empty
		want      string
	}{
		{name: "the default", web: "enabled: true", port: "223D", want: others},
		{name: "its own port", web: "enabled: true, listen_port: 8766", port: "223E", want: squatters},
		{name: "somebody's 8765", web: "enabled: true, listen_port: 8766", port: "223D"},
		{name: "a port in quotes", web: "enabled: yes, listen_port: '8766'", port: "223E", want: squatters},
		{name: "a hexadecimal port", web: "enabled: y, listen_port: 0x223E", port: "223E", want: squatters},
		{name: "an octal port", web: "enabled: 'On', listen_port: 021076", port: "223E", want: squatters},
		{name: "a port modulo 65536", web: "enabled: true, listen_port: 74302", port: "223E", want: squatters},
		{name: "a port that is none", web: "enabled: true, listen_port: 0o21076", port: "223D", want: others},
		{name: "a port from the environment", web: "enabled: true, listen_port: '${PORT}'", env: []string{"PORT=8766"}, port: "223E", want: squatters},
		{name: "a port that is not known", web: "enabled: true, listen_port: '${PORT}'", port: "223D"},
		{name: "no web server", web: "enabled: 'off'", port: "223D"},
		{name: "another Falco", web: "enabled: true", port: "223D", comm: "falco"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.comm == "" {
				tt.comm = "python3"
			}
			view := treeView{files: fstest.MapFS{
				falco.ConfigFile[1:]: {Data: []byte("webserver: {" + tt.web + "}\n")},
				"proc/net/tcp":       {Data: []byte("   0: 00000000:" + tt.port + " 00000000:0000 0A 0:0 0:0 0     0        0 42 1\n")},
				"proc/7/comm":        {Data: []byte(tt.comm + "\n")},
				"proc/7/fd/3":        {Data: []byte("socket:[42]"), Mode: fs.ModeSymlink},
			}}
			if got := Listener(view, "0.44.1", systemd.Unit{Environment: tt.env}); got != tt.want {
				t.Errorf("Listener = %q, want %q", got, tt.want)
			}
		})
	}
	if got := Listener(treeView{files: fstest.MapFS{}}, "", systemd.Unit{}); strings.TrimSpace(got) != "" {
		t.Errorf("Listener without a configuration = %q, want nothing", got)
	}
}
