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

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/logrotate"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

const (
	repoDir  = "/etc/yum.repos.d"
	repoFile = repoDir + "/" + repoName
)

// now is the time of every test unless it says otherwise.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A fakeNode is a machine of maps: files, packages, keys and units. It is its own
// View and Machine, and can lose power.
type fakeNode struct {
	transaction node.Transaction
	files       fstest.MapFS
	packages    []node.Package
	keys        []node.PublicKey
	units       map[string]*systemd.Unit
	processes   []node.Process
	altered     []node.AlteredFile
	module      bool
	// brokenBuild makes the package of an early Falco install no module.
	brokenBuild bool
	groups      map[string]int // of files, by path
	inodes      map[string]uint64
	created     map[string]time.Time
	host        node.Host
	proof       node.Proof
	vitals      node.Vitals
	// blind has a proof see nothing, and explain it as this one does.
	blind *node.Proof
	// complains is what Falco says against its configuration, and questions how
	// it was asked; candidates are the files that it was asked about.
	complains  string
	questions  []node.FalcoCheck
	candidates []string

	warns   []string          // of Falco about its configuration
	schema  string            // what Falco prints with --config-schema
	web     map[string]string // contents by URL
	fetched []string          // URLs

	offer   string      // the Falco version that the repository has
	served  []trust.Key // what the key's URL serves
	clock   time.Time
	starts  int
	changes []string
	limit   int              // changes until the power goes; 0 means never
	fails   map[string]error // of changes, by what they are called
}

var errPower = errors.New("power lost")

// newNode returns a bare Oracle Linux node with a test key to trust.
func newNode(t *testing.T, release, kernel string) (*fakeNode, settings.Settings) {
	t.Helper()
	s := settings.Default()
	signer := testKey(t)
	s.Repository.Fingerprints = []string{signer.Fingerprint}
	n := &fakeNode{
		files: fstest.MapFS{}, units: map[string]*systemd.Unit{}, groups: map[string]int{}, offer: "0.44.1", clock: now,
		served: []trust.Key{signer},
		host:   node.Host{Kernel: kernel, KernelGiven: true, Arch: "x86_64", Systemd: true, Root: true},
	}
	n.write("/etc/oracle-release", "Oracle Linux Server release "+release+"\n")
	n.write(logrotate.Main, "weekly\nrotate 4\ncreate\ndateext\ninclude /etc/logrotate.d\n")
	n.write(repoDir+"/oracle-linux.repo", "[ol8_baseos_latest]\nbaseurl=https://yum/x\nenabled=1\n\n[ol8_ksplice]\nenabled=1\n")
	return n, s
}

// testKey returns one key for all nodes, because making one takes longer than a run.
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

func (n *fakeNode) write(path, content string) {
	n.files[inTree(path)] = &fstest.MapFile{Data: []byte(content), Mode: 0o644, ModTime: n.clock}
}

func (n *fakeNode) read(path string) string {
	if f := n.files[inTree(path)]; f != nil {
		return string(f.Data)
	}
	return ""
}

// A fakeView is the node as it is seen between two changes.
type fakeView struct{ *fakeNode }

func (n *fakeNode) View() node.View   { return &fakeView{n} }
func (n *fakeNode) Tree() fs.FS       { return n.files }
func (n *fakeNode) Host() node.Host   { return n.host }
func (n *fakeNode) Now() time.Time    { return n.clock }
func (n *fakeNode) Proof() node.Proof { return n.proof }

func (n *fakeNode) Vitals(int, string) (node.Vitals, error) { return n.vitals, n.asked() }

func (n *fakeNode) Stat(path string) (node.File, error) {
	info, err := n.files.Lstat(inTree(path))
	if err != nil {
		return node.File{}, err
	}
	file := node.File{Mode: info.Mode(), GID: n.groups[path], ModTime: info.ModTime(), Size: info.Size(), Inode: n.inodes[path], Created: n.created[path]}
	if info.Mode()&fs.ModeSymlink != 0 {
		file.Target, err = n.files.ReadLink(inTree(path))
	}
	return file, err
}

func (n *fakeNode) asked() error {
	if n.host.Tree {
		return node.ErrNotAsked
	}
	return nil
}

func (n *fakeNode) Packages(context.Context) (node.Packages, error) {
	p := node.Packages{Installed: map[string][]node.Package{}, Keys: n.keys}
	for _, q := range n.packages {
		p.Installed[q.Name] = append(p.Installed[q.Name], q)
	}
	return p, n.asked()
}

func (n *fakeNode) Requirers(context.Context, string) ([]string, error) { return nil, n.asked() }

func (n *fakeNode) Transaction() (node.Transaction, error) { return n.transaction, n.asked() }

func (n *fakeNode) Altered(context.Context) ([]node.AlteredFile, error) { return n.altered, n.asked() }

func (n *fakeNode) Units(_ context.Context, names ...string) (map[string]systemd.Unit, error) {
	out := map[string]systemd.Unit{}
	for _, name := range names {
		out[name] = systemd.Unit{Name: name, ID: name, LoadState: "not-found", ActiveState: "inactive"}
		if u := n.units[name]; u != nil {
			out[name] = *u
		}
	}
	return out, n.asked()
}

func (n *fakeNode) Falcos(context.Context) ([]node.Process, error) { return n.processes, n.asked() }

func (n *fakeNode) Examine(_ context.Context, check node.FalcoCheck, candidate []byte) (reason string, warnings []string, err error) {
	if !n.host.Root {
		return "", nil, fs.ErrPermission
	}
	n.questions, n.candidates = append(n.questions, check), append(n.candidates, string(candidate))
	return n.complains, n.warns, n.asked()
}

func (n *fakeNode) ConfigSchema(context.Context) ([]byte, error) { return []byte(n.schema), n.asked() }

func (n *fakeNode) Module(context.Context, string) (node.Module, error) {
	return node.Module{Built: n.module, Where: "test"}, n.asked()
}

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
