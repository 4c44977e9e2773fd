// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// do counts a change, or fails if the power is lost.
func (n *fakeNode) do(c node.Change) error {
	if n.limit > 0 && len(n.changes) == n.limit {
		return errPower
	}
	n.changes = append(n.changes, c.String())
	if err := n.fails[c.String()]; err != nil {
		return err
	}
	n.clock = n.clock.Add(time.Second)
	return nil
}

func (n *fakeNode) writeFile(c node.WriteFile) error {
	if err := n.do(c); err != nil {
		return err
	}
	if got := n.read(c.Path); got != string(c.Old) {
		return fmt.Errorf("%s holds %q, not what was planned on", c.Path, got)
	}
	mode := c.Mode
	if f := n.files[inTree(c.Path)]; f != nil {
		mode = f.Mode
	}
	n.files[inTree(c.Path)] = &fstest.MapFile{Data: c.New, Mode: mode, ModTime: n.clock}
	return nil
}

func (n *fakeNode) removeFile(c node.RemoveFile) error {
	err := n.do(c)
	if err == nil {
		delete(n.files, inTree(c.Path))
	}
	return err
}

func (n *fakeNode) chmod(c node.Chmod) error {
	err := n.do(c)
	if err == nil {
		n.files[inTree(c.Path)].Mode = c.New
	}
	return err
}

func (n *fakeNode) chgrp(c node.Chgrp) error {
	err := n.do(c)
	if err == nil {
		n.groups[c.Path] = c.GID
	}
	return err
}

func (n *fakeNode) importKey(c node.ImportKey) error {
	keys, err := trust.Select(n.served, c.Fingerprints, n.clock)
	if err != nil {
		return &node.Error{Code: node.CodeTrust, Err: err}
	}
	if err := n.do(c); err != nil {
		return err
	}
	var unserved []string
	for _, f := range c.Fingerprints {
		if !slices.ContainsFunc(keys, func(k trust.Key) bool { return k.Fingerprint == f }) {
			unserved = append(unserved, f)
		}
	}
	n.write(c.Path, string(trust.FormatKeyFile(keys, unserved)))
	for _, k := range keys {
		name := "gpg-pubkey-" + strings.ToLower(k.Fingerprint[32:]) + "-693adef9"
		n.keys = slices.DeleteFunc(n.keys, func(p node.PublicKey) bool { return p.Package == name })
		n.keys = append(n.keys, node.PublicKey{Package: name, Armored: k.Armored})
	}
	return nil
}

func (n *fakeNode) removeKey(c node.RemoveKey) error {
	err := n.do(c)
	if err == nil {
		n.keys = slices.DeleteFunc(n.keys, func(p node.PublicKey) bool { return p.Package == c.Package })
	}
	return err
}

// falcoYAML is the falco.yaml of the node's Falco packages.
const falcoYAML = `# Falco.
json_output: false
rules_files: [/etc/falco/falco_rules.yaml]
stdout_output:
  enabled: true
file_output:
  enabled: false
  keep_alive: false
  filename: ./events.txt
`

func (n *fakeNode) install(c node.Install) error {
	if err := n.do(c); err != nil {
		return err
	}
	for _, t := range c.Targets {
		switch {
		case c.Action == "remove":
			n.packages = slices.DeleteFunc(n.packages, func(p node.Package) bool { return p.NEVRA() == t.Spec })
		case t.Name == "falco":
			n.installFalco(t)
		case strings.HasPrefix(t.Name, "oracle-epel-release"):
			n.write(repoDir+"/oracle-epel.repo", "# EPEL\n[ol10_u1_developer_EPEL]\nname=EPEL\nenabled=1\n")
			n.add(t.Name, "1.0")
		case strings.HasSuffix(t.Name, "-devel"):
			version, release, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(t.Spec, ".x86_64"), t.Name+"-"), "-")
			n.packages = append(n.packages, node.Package{Name: t.Name, Version: version, Release: release, Arch: "x86_64"})
		default:
			n.add(t.Name, "1.0")
		}
	}
	return nil
}

func (n *fakeNode) add(name, version string) {
	n.packages = append(n.packages, node.Package{Name: name, Version: version, Release: "1", Arch: "x86_64", Installed: n.clock})
}

// installFalco does what the package and its scriptlets do: files, units, and
// every unit disabled and stopped.
func (n *fakeNode) installFalco(t node.Target) {
	version := t.New
	if version == "" {
		version = n.offer
	}
	n.packages = slices.DeleteFunc(n.packages, func(p node.Package) bool { return p.Name == "falco" })
	fingerprint := n.served[0].Fingerprint
	n.packages = append(n.packages, node.Package{
		Name: "falco", Version: version, Release: "1", Arch: "x86_64", Installed: n.clock,
		SignerID: strings.ToLower(fingerprint[len(fingerprint)-16:]),
	})
	n.altered = nil
	n.write(falco.ConfigFile, falcoYAML)
	if falco.UnitFor("kmod", version) == falco.AliasUnit { // an era in which the key was rules_file
		n.module = !n.brokenBuild
		n.write(falco.ConfigFile, strings.Replace(falcoYAML, "rules_files", "rules_file", 1))
	}
	n.write("/etc/falco/falco_rules.yaml", "- rule: x\n")
	names := []string{"falco-kmod.service", "falco-modern-bpf.service", "falco-custom.service", falco.FollowUnit}
	if u := falco.UnitFor("kmod", version); u == falco.AliasUnit {
		names = []string{falco.AliasUnit}
	}
	for _, name := range names {
		n.units[name] = &systemd.Unit{Name: name, ID: name, LoadState: "loaded", ActiveState: "inactive", SubState: "dead", UnitFileState: "disabled", UMask: -1, Sandbox: falco.ShippedSandbox()}
	}
}

func (n *fakeNode) buildModule(c node.BuildModule) error {
	err := n.do(c)
	n.module = n.module || err == nil
	return err
}

func (n *fakeNode) changeUnit(c node.ChangeUnit) error {
	if c.Check != nil && n.complains != "" {
		return node.Refused(c.Unit, n.complains)
	}
	if err := n.do(c); err != nil {
		return err
	}
	u := n.units[c.Unit]
	if u == nil {
		return fmt.Errorf("no unit %s", c.Unit)
	}
	switch c.Action {
	case node.Enable:
		u.UnitFileState = "enabled"
		if own := n.units[falco.AliasUnit]; own == nil || own.ID != falco.AliasUnit { // no file where the alias belongs
			n.units[falco.AliasUnit] = u
		}
	case node.Disable:
		u.UnitFileState = "disabled"
		if n.units[falco.AliasUnit] == u && c.Unit != falco.AliasUnit {
			delete(n.units, falco.AliasUnit)
		}
	case node.Mask:
		u.UnitFileState, u.LoadState = "masked", "masked"
	case node.Unmask:
		u.UnitFileState, u.LoadState = "disabled", "loaded"
	case node.Stop:
		u.ActiveState, u.SubState = "inactive", "dead"
	case node.Start, node.Restart:
		n.starts++
		u.ActiveState, u.SubState, u.Started = "active", "running", n.clock
		u.NRestarts = 0 // as reset-failed does
		n.vitals = node.Vitals{}
		u.InvocationID = fmt.Sprint("invocation ", n.starts)
	case node.ReloadManager:
		u.NeedReload, u.DropIns = false, n.dropIns(c.Unit)
		if u.UnitFileState == "masked" {
			u.LoadState = "masked"
		}
	}
	return nil
}

// dropIns returns the drop-ins that systemd would read for a unit.
func (n *fakeNode) dropIns(unit string) []string {
	names, _ := fs.Glob(n.files, "etc/systemd/system/"+unit+".d/*.conf")
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names
}

func (n *fakeNode) prove(c node.Prove) error {
	if err := n.fails[c.String()]; err != nil {
		u := n.units[c.Unit]
		u.ActiveState, u.SubState = "activating", "auto-restart"
		return err
	}
	was := n.proof
	n.proof = node.Proof{Invocation: c.Invocation, Detected: true, Time: n.clock}
	if c.Invocation == "" {
		n.proof.Invocation = n.units[c.Unit].InvocationID
	}
	if n.blind != nil {
		n.proof.Detected, n.proof.Reason, n.proof.Hint, n.proof.Off = false, n.blind.Reason, n.blind.Hint, n.blind.Off
		n.proof.Lapsed = n.blind.Lapsed && was.Detected && was.Invocation == n.proof.Invocation
	}
	return nil
}

func (n *fakeNode) Apply(_ context.Context, c node.Change) error {
	switch c := c.(type) {
	case node.WriteFile:
		return n.writeFile(c)
	case node.RemoveFile:
		return n.removeFile(c)
	case node.RemoveDir:
		return fmt.Errorf("no step removes a directory, not even %s", c.Path)
	case node.Chmod:
		return n.chmod(c)
	case node.Chgrp:
		return n.chgrp(c)
	case node.Install:
		return n.install(c)
	case node.ImportKey:
		return n.importKey(c)
	case node.RemoveKey:
		return n.removeKey(c)
	case node.BuildModule:
		return n.buildModule(c)
	case node.ChangeUnit:
		return n.changeUnit(c)
	case node.Prove:
		return n.prove(c)
	}
	return fmt.Errorf("applying %T: unknown kind of change", c)
}

var (
	_ node.View    = (*fakeNode)(nil)
	_ node.Machine = (*fakeNode)(nil)
)

// state returns everything that a run may change, without times.
func (n *fakeNode) state() map[string]string {
	out := map[string]string{}
	for name, f := range n.files {
		out[name] = fmt.Sprintf("%v %s", f.Mode, f.Data)
	}
	for _, p := range n.packages {
		out["package "+p.NEVRA()] = p.SignerID
	}
	for _, k := range n.keys {
		out["key "+k.Package] = ""
	}
	for _, name := range slices.Sorted(maps.Keys(n.units)) {
		u := n.units[name]
		out["unit "+name] = strings.Join([]string{u.UnitFileState, u.ActiveState, u.SubState}, " ")
	}
	return out
}

func (n *fakeNode) Fetch(_ context.Context, url, _ string, _ bool) ([]byte, error) {
	n.fetched = append(n.fetched, url)
	content, ok := n.web[url]
	if !ok {
		return nil, node.Errorf(node.CodePackages, "a proxy", "fetching %s: no such file", url)
	}
	return []byte(content), nil
}
