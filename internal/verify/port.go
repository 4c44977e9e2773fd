// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// Listener says that a program other than a Falco listens on the port of the web
// server of a unit's Falco, or returns "". Falco exits then.
func Listener(view node.View, falcoVersion string, u systemd.Unit) string {
	config, err := falcoconf.Load(view.Tree(), falco.MainFile(u, view.Tree()), falco.ConfigStart(falcoVersion, u, view.Tree()))
	if err != nil {
		return ""
	}
	return listener(view, config)
}

// listener is Listener for a configuration. A second Falco does not keep the
// first from listening: they share the port (SO_REUSEPORT).
func listener(view node.View, config *falcoconf.Config) string {
	on, known := config.Bool("webserver.enabled", false)
	n, knownPort := config.Int("webserver.listen_port", falco.DefaultWebserverPort, 0, math.MaxUint32)
	if !on || !known || !knownPort {
		return ""
	}
	port := uint16(n) // Falco takes it modulo 65536
	for _, table := range []string{"proc/net/tcp", "proc/net/tcp6"} {
		text, err := fs.ReadFile(view.Tree(), table)
		if err != nil {
			continue
		}
		inode, listens := listening(string(text), port)
		if !listens {
			continue
		}
		text = nil
		pid := socketOwner(view, inode)
		if pid != "" {
			text, _ = fs.ReadFile(view.Tree(), "proc/"+pid+"/comm")
		}
		switch name := strings.TrimSpace(string(text)); name {
		case "":
			return fmt.Sprintf("another program listens on port %d", port)
		case path.Base(falco.Program):
		default:
			return fmt.Sprintf("another program listens on port %d (%s, process %s)", port, name, pid)
		}
	}
	return ""
}

// listening reads the kernel's table of sockets (proc_net(5)): the second field
// is the local address and port in hexadecimal digits, the fourth is 0A for a
// socket that listens, the tenth is its inode.
func listening(table string, port uint16) (inode string, ok bool) {
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
			if len(f) > 9 {
				inode = f[9]
			}
			return inode, true
		}
	}
	return "", false
}

// socketOwner returns the number of a process that has a socket open, or "".
func socketOwner(view node.View, inode string) string {
	open, _ := fs.Glob(view.Tree(), "proc/[0-9]*/fd/*")
	for _, name := range open {
		if f, err := view.Stat("/" + name); err == nil && f.Target == "socket:["+inode+"]" {
			return strings.Split(name, "/")[1]
		}
	}
	return ""
}
