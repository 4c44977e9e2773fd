// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

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
