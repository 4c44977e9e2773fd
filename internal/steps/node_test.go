// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/falco-bootstrap/falco-bootstrap/internal/compat"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// now is when every test takes place, but for what it says itself.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A node is a machine of maps: files, packages, keys and units. It is its own
// View and Machine, and can lose power.
type node struct {
	files     fstest.MapFS
	packages  []converge.Package
	keys      []converge.PublicKey
	units     map[string]*systemd.Unit
	processes []converge.Process
	altered   []converge.AlteredFile
	module    bool
	// brokenBuild has the package of an early Falco build no module.
	brokenBuild bool
	groups      map[string]int // of files, by path
	host        converge.Host
	proof       converge.Proof

	offer   string      // the Falco version that the repository has
	served  []trust.Key // what the key's URL serves
	clock   time.Time
	starts  int
	changes []string
	limit   int // changes until the power goes; 0 means never
}

var errPower = errors.New("power lost")

// newNode is a bare Oracle Linux node with a test key to trust.
func newNode(t *testing.T, release, kernel string) (*node, settings.Settings) {
	t.Helper()
	s := settings.Default()
	signer := testKey(t)
	s.Repository.Fingerprints = []string{signer.Fingerprint}
	n := &node{
		files: fstest.MapFS{}, units: map[string]*systemd.Unit{}, groups: map[string]int{}, offer: "0.44.1", clock: now,
		served: []trust.Key{signer},
		host:   converge.Host{Kernel: kernel, KernelGiven: true, Arch: "x86_64", Systemd: true, Root: true},
	}
	n.write("/etc/oracle-release", "Oracle Linux Server release "+release+"\n")
	n.write(repoDir+"/oracle-linux.repo", "[ol8_baseos_latest]\nbaseurl=https://yum/x\nenabled=1\n\n[ol8_ksplice]\nenabled=1\n")
	return n, s
}

// testKey is one key for all nodes: making one takes longer than a run.
func testKey(t *testing.T) trust.Key {
	t.Helper()
	theKey.once.Do(func() { theKey.Key = newKey(t, "Falco test") })
	return theKey.Key
}

var theKey struct {
	once sync.Once
	trust.Key
}

// newKey makes a key that never expires.
func newKey(t *testing.T, name string) trust.Key {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", "test@falco.test", &packet.Config{Time: func() time.Time { return now.Add(-24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Serialize(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	keys, err := trust.ParseKeys(b.Bytes())
	if err != nil || len(keys) != 1 {
		t.Fatalf("ParseKeys = %d keys, %v", len(keys), err)
	}
	return keys[0]
}

func (n *node) write(path, content string) {
	n.files[inTree(path)] = &fstest.MapFile{Data: []byte(content), Mode: 0o644, ModTime: n.clock}
}

func (n *node) read(path string) string {
	if f := n.files[inTree(path)]; f != nil {
		return string(f.Data)
	}
	return ""
}

func (n *node) View() converge.View   { return n }
func (n *node) Tree() fs.FS           { return n.files }
func (n *node) Host() converge.Host   { return n.host }
func (n *node) Now() time.Time        { return n.clock }
func (n *node) Proof() converge.Proof { return n.proof }

func (n *node) Stat(path string) (converge.File, error) {
	info, err := fs.Stat(n.files, inTree(path))
	if err != nil {
		return converge.File{}, err
	}
	return converge.File{Mode: info.Mode(), GID: n.groups[path], ModTime: info.ModTime(), Size: info.Size()}, nil
}

func (n *node) asked() error {
	if n.host.Tree {
		return converge.ErrNotAsked
	}
	return nil
}

func (n *node) Packages(context.Context) (converge.Packages, error) {
	p := converge.Packages{Installed: map[string][]converge.Package{}, Keys: n.keys}
	for _, q := range n.packages {
		p.Installed[q.Name] = append(p.Installed[q.Name], q)
	}
	return p, n.asked()
}

func (n *node) Altered(context.Context) ([]converge.AlteredFile, error) { return n.altered, n.asked() }

func (n *node) Units(_ context.Context, names ...string) (map[string]systemd.Unit, error) {
	out := map[string]systemd.Unit{}
	for _, name := range names {
		out[name] = systemd.Unit{Name: name, ID: name, LoadState: "not-found", ActiveState: "inactive"}
		if u := n.units[name]; u != nil {
			out[name] = *u
		}
	}
	return out, n.asked()
}

func (n *node) Falcos(context.Context) ([]converge.Process, error) { return n.processes, n.asked() }

func (n *node) Module(context.Context, string) (converge.Module, error) {
	return converge.Module{Built: n.module, Where: "test"}, n.asked()
}

// do counts a change, or refuses it for want of power.
func (n *node) do(c converge.Change) error {
	if n.limit > 0 && len(n.changes) == n.limit {
		return errPower
	}
	n.changes = append(n.changes, c.String())
	n.clock = n.clock.Add(time.Second)
	return nil
}

func (n *node) WriteFile(_ context.Context, c converge.WriteFile) error {
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

func (n *node) RemoveFile(_ context.Context, c converge.RemoveFile) error {
	err := n.do(c)
	if err == nil {
		delete(n.files, inTree(c.Path))
	}
	return err
}

func (n *node) Chmod(_ context.Context, c converge.Chmod) error {
	err := n.do(c)
	if err == nil {
		n.files[inTree(c.Path)].Mode = c.New
	}
	return err
}

func (n *node) Chgrp(_ context.Context, c converge.Chgrp) error {
	err := n.do(c)
	if err == nil {
		n.groups[c.Path] = c.GID
	}
	return err
}

func (n *node) ImportKey(_ context.Context, c converge.ImportKey) error {
	keys, err := trust.Select(n.served, c.Fingerprints, n.clock)
	if err != nil {
		return &converge.Error{Code: converge.CodeTrust, Err: err}
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
	n.write(c.Path, string(trust.File(keys, unserved)))
	for _, k := range keys {
		n.keys = slices.DeleteFunc(n.keys, func(p converge.PublicKey) bool { return p.Package == k.Package() })
		n.keys = append(n.keys, converge.PublicKey{Package: k.Package(), Armored: k.Armored})
	}
	return nil
}

func (n *node) RemoveKey(_ context.Context, c converge.RemoveKey) error {
	err := n.do(c)
	if err == nil {
		n.keys = slices.DeleteFunc(n.keys, func(p converge.PublicKey) bool { return p.Package == c.Package })
	}
	return err
}

// falcoYAML is what the node's Falco packages bring.
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

func (n *node) Install(_ context.Context, c converge.Install) error {
	if err := n.do(c); err != nil {
		return err
	}
	for _, t := range c.Targets {
		switch {
		case c.Action == "remove":
			n.packages = slices.DeleteFunc(n.packages, func(p converge.Package) bool { return p.NEVRA() == t.Spec })
		case t.Name == "falco":
			n.installFalco(t)
		case strings.HasPrefix(t.Name, "oracle-epel-release"):
			n.write(repoDir+"/oracle-epel.repo", "# EPEL\n[ol10_u1_developer_EPEL]\nname=EPEL\nenabled=1\n")
			n.add(t.Name, "1.0")
		case strings.HasSuffix(t.Name, "-devel"):
			version, release, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(t.Spec, ".x86_64"), t.Name+"-"), "-")
			n.packages = append(n.packages, converge.Package{Name: t.Name, Version: version, Release: release, Arch: "x86_64"})
		default:
			n.add(t.Name, "1.0")
		}
	}
	return nil
}

func (n *node) add(name, version string) {
	n.packages = append(n.packages, converge.Package{Name: name, Version: version, Release: "1", Arch: "x86_64", Installed: n.clock})
}

// installFalco does what the package and its scriptlets do: files, units, and
// every unit disabled and stopped.
func (n *node) installFalco(t converge.Target) {
	version := t.New
	if version == "" {
		version = n.offer
	}
	n.packages = slices.DeleteFunc(n.packages, func(p converge.Package) bool { return p.Name == "falco" })
	fingerprint := n.served[0].Fingerprint
	n.packages = append(n.packages, converge.Package{
		Name: "falco", Version: version, Release: "1", Arch: "x86_64", Installed: n.clock,
		SignerID: strings.ToLower(fingerprint[len(fingerprint)-16:]),
	})
	n.altered = nil
	n.write(mainConfig, falcoYAML)
	if compat.UnitFor("kmod", version) == aliasUnit { // an era in which the key was another
		n.module = !n.brokenBuild
		n.write(mainConfig, strings.Replace(falcoYAML, "rules_files", "rules_file", 1))
	}
	n.write("/etc/falco/falco_rules.yaml", "- rule: x\n")
	names := []string{"falco-kmod.service", "falco-modern-bpf.service", "falco-custom.service", followUnit}
	if u := compat.UnitFor("kmod", version); u == aliasUnit {
		names = []string{aliasUnit}
	}
	for _, name := range names {
		n.units[name] = &systemd.Unit{Name: name, ID: name, LoadState: "loaded", ActiveState: "inactive", SubState: "dead", UnitFileState: "disabled"}
	}
}

func (n *node) BuildModule(_ context.Context, c converge.BuildModule) error {
	err := n.do(c)
	n.module = n.module || err == nil
	return err
}

func (n *node) ChangeUnit(_ context.Context, c converge.ChangeUnit) error {
	if err := n.do(c); err != nil {
		return err
	}
	u := n.units[c.Unit]
	if u == nil {
		return fmt.Errorf("no unit %s", c.Unit)
	}
	switch c.Action {
	case converge.Enable:
		u.UnitFileState = "enabled"
		if c.Unit != aliasUnit {
			n.units[aliasUnit] = u
		}
	case converge.Disable:
		u.UnitFileState = "disabled"
		if n.units[aliasUnit] == u && c.Unit != aliasUnit {
			delete(n.units, aliasUnit)
		}
	case converge.Mask:
		u.UnitFileState, u.LoadState = "masked", "masked"
	case converge.Unmask:
		u.UnitFileState, u.LoadState = "disabled", "loaded"
	case converge.Stop:
		u.ActiveState, u.SubState = "inactive", "dead"
	case converge.Start, converge.Restart:
		n.starts++
		u.ActiveState, u.SubState, u.Started = "active", "running", n.clock
		u.NRestarts = 0 // as reset-failed does
		u.InvocationID = fmt.Sprint("invocation ", n.starts)
	case converge.ReloadManager:
		u.NeedReload, u.DropIns = false, n.dropIns(c.Unit)
		if u.UnitFileState == "masked" {
			u.LoadState = "masked"
		}
	}
	return nil
}

// dropIns are what systemd would read for a unit, had it looked.
func (n *node) dropIns(unit string) []string {
	names, _ := fs.Glob(n.files, "etc/systemd/system/"+unit+".d/*.conf")
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names
}

func (n *node) Prove(_ context.Context, c converge.Prove) (*converge.Warning, error) {
	n.proof = converge.Proof{Invocation: c.Invocation, Detected: true, Time: n.clock}
	return nil, nil
}

var (
	_ converge.View    = (*node)(nil)
	_ converge.Machine = (*node)(nil)
)

// state is all that a run may leave, without times.
func (n *node) state() map[string]string {
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
