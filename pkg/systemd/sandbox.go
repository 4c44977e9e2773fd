// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"path"
	"strings"
)

// A Sandbox is what a unit's processes see of the file system: systemd.exec(5).
type Sandbox struct {
	PrivateTmp    bool   // a /tmp and a /var/tmp of its own
	ProtectHome   string // no, yes, read-only, tmpfs
	ProtectSystem string // no, yes, full, strict
	ReadWrite     []string
	ReadOnly      []string
	Inaccessible  []string
	Temporary     []string // TemporaryFileSystem
	BindRO        []string // destinations of BindReadOnlyPaths
	Bind          []string // destinations of BindPaths that are the same path on the node
	Root          string   // RootDirectory or RootImage
}

// sandbox reads the properties of a service. Those of lists of paths had other
// names before systemd 231.
func sandbox(service map[string]any) Sandbox {
	list := func(names ...string) []string {
		for _, name := range names {
			if all := value[[]string](service, name); len(all) > 0 {
				return all
			}
		}
		return nil
	}
	s := Sandbox{
		PrivateTmp:    value[bool](service, "PrivateTmp"),
		ProtectHome:   value[string](service, "ProtectHome"),
		ProtectSystem: value[string](service, "ProtectSystem"),
		ReadWrite:     list("ReadWritePaths", "ReadWriteDirectories"),
		ReadOnly:      list("ReadOnlyPaths", "ReadOnlyDirectories"),
		Inaccessible:  list("InaccessiblePaths", "InaccessibleDirectories"),
		Root:          value[string](service, "RootDirectory") + value[string](service, "RootImage"),
	}
	if s.Root == "/" {
		s.Root = ""
	}
	for _, t := range value[[][]any](service, "TemporaryFileSystem") { // a(ss): path, options
		s.Temporary = append(s.Temporary, text(t, 0))
	}
	for _, b := range value[[][]any](service, "BindPaths") { // a(ssbt): source, destination, ...
		if text(b, 0) == text(b, 1) {
			s.Bind = append(s.Bind, text(b, 1))
		}
	}
	for _, b := range value[[][]any](service, "BindReadOnlyPaths") {
		s.BindRO = append(s.BindRO, text(b, 1))
	}
	for _, kind := range []struct{ property, dir string }{{"LogsDirectory", "/var/log"}, {"StateDirectory", "/var/lib"}, {"CacheDirectory", "/var/cache"}, {"RuntimeDirectory", "/run"}} {
		for _, name := range value[[]string](service, kind.property) {
			s.ReadWrite = append(s.ReadWrite, path.Join(kind.dir, name))
		}
	}
	return s
}

// text returns a string of a D-Bus structure.
func text(fields []any, i int) string {
	if i >= len(fields) {
		return ""
	}
	s, _ := fields[i].(string)
	return s
}

// Hides returns the property, such as "PrivateTmp" or "ProtectHome=read-only",
// that keeps the unit's processes from writing a file that the node has at this
// absolute path; "" if none does. Of several the one that names the path most
// closely counts (systemd src/core/namespace.c).
func (s Sandbox) Hides(file string) string {
	if s.Root != "" {
		return "RootDirectory=" + s.Root
	}
	c := cover{file: path.Clean(file)}
	homes := []string{"/home", "/root", "/run/user"}
	c.each("InaccessiblePaths", s.Inaccessible)
	c.each("TemporaryFileSystem", s.Temporary)
	if s.PrivateTmp {
		c.by("PrivateTmp", "/tmp", "/var/tmp")
	}
	if s.ProtectHome == "yes" || s.ProtectHome == "tmpfs" {
		c.by("ProtectHome="+s.ProtectHome, homes...)
	}
	if c.property != "" { // no file of the node is there, but for what is bound
		c.longest--
		c.by("", s.Bind...)
		return c.property
	}
	c.by("", s.Bind...)
	c.each("BindReadOnlyPaths", s.BindRO)
	c.each("ReadOnlyPaths", s.ReadOnly)
	if s.ProtectHome == "read-only" {
		c.by("ProtectHome=read-only", homes...)
	}
	switch s.ProtectSystem {
	case "yes":
		c.by("ProtectSystem=yes", "/usr", "/boot", "/efi")
	case "full":
		c.by("ProtectSystem=full", "/usr", "/boot", "/efi", "/etc")
	case "strict":
		c.by("ProtectSystem=strict", "/")
		c.by("", append(homes, "/dev", "/proc", "/sys")...)
	}
	c.by("", s.ReadWrite...)
	return c.property
}

// A cover is the property that decides about a file so far: the first of those
// with the longest path.
type cover struct {
	file, property string
	longest        int
}

// by has a property cover directories; "" stands for one that leaves them
// writable.
func (c *cover) by(property string, dirs ...string) {
	for _, dir := range dirs {
		dir = path.Clean("/" + strings.TrimLeft(dir, "-+"))
		within := dir == "/" || c.file == dir || strings.HasPrefix(c.file, dir+"/")
		if within && len(dir) > c.longest {
			c.property, c.longest = property, len(dir)
		}
	}
}

// each has a property that lists directories cover them, and names the one that
// does.
func (c *cover) each(property string, dirs []string) {
	for _, dir := range dirs {
		c.by(property+"="+dir, dir)
	}
}
