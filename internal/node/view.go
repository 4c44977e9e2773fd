// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// ErrNotAsked means that a question has no answer because the agent acts on a
// tree and this machine is never asked about it.
var ErrNotAsked = errors.New("not asked: acting on a tree, not on the running machine")

// A View is the node as it can be seen. It has no method that writes; answers
// are kept for the life of the View, so two steps always see the same node.
// Every error that wraps [fs.ErrPermission] means "cannot be seen by this
// user".
type View interface {
	// Tree is the node's file tree rooted at "/": names have no leading slash
	// (io/fs), symbolic links are followed inside the root. It implements
	// [fs.ReadFileFS], [fs.ReadDirFS] and [fs.StatFS].
	Tree() fs.FS
	// Stat tells of a file itself (a link is not followed), path with leading
	// slash.
	Stat(path string) (File, error)
	// Host tells of the machine; with a tree, of what the caller declared.
	Host() Host
	// Packages tells what rpm knows of the packages and keys that matter here.
	// [ErrNotAsked] for a tree.
	Packages(ctx context.Context) (Packages, error)
	// Altered lists the files of the installed falco package that are missing
	// or differ from what was installed (rpm -V), configuration files apart.
	Altered(ctx context.Context) ([]AlteredFile, error)
	// Units tells of the named systemd units, present or not, keyed by the
	// name asked for. [ErrNotAsked] for a tree.
	Units(ctx context.Context, names ...string) (map[string]systemd.Unit, error)
	// Falcos lists the running processes that are a falco, with their cgroup.
	Falcos(ctx context.Context) ([]Process, error)
	// Module tells whether Falco's kernel module is built for a kernel.
	Module(ctx context.Context, kernel string) (Module, error)
	// Proof is the last proof of a unit; zero if there is none.
	Proof() Proof
	// Now is the time of the View.
	Now() time.Time
}

// File is what Stat tells.
type File struct {
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	ModTime  time.Time
	// Target is the link's target if it is one.
	Target string
}

// Kind names the type of a file, such as "directory".
func Kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "regular file"
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	default:
		return "special file"
	}
}

// Host is what the running machine says of itself.
type Host struct {
	Kernel string // uname -r, or what was given instead
	// KernelGiven says that Kernel is not the running one, so nothing that is
	// probed here (BTF) speaks of it.
	KernelGiven bool
	Arch        string // x86_64, aarch64
	BTF         bool   // /sys/kernel/btf/vmlinux is there
	BootID      string
	Booted      time.Time
	Systemd     bool // systemd is running here
	Root        bool // this process is root
	FIPS        bool // the kernel is in FIPS mode
	Tree        bool // acting on a tree: this machine is not asked
}

// Package is one installed package.
type Package struct {
	Name, Epoch, Version, Release, Arch string
	// SignerID is the 16 hex digits, lower case, of the key that signed it;
	// empty if unsigned.
	SignerID  string
	Installed time.Time
}

// EVR is version-release, with the epoch in front if there is one.
func (p Package) EVR() string {
	evr := p.Version + "-" + p.Release
	if p.Epoch != "" && p.Epoch != "0" {
		evr = p.Epoch + ":" + evr
	}
	return evr
}

// NEVRA is the package's full name, as rpm prints it.
func (p Package) NEVRA() string { return p.Name + "-" + p.EVR() + "." + p.Arch }

// PublicKey is a key in rpm's database.
type PublicKey struct {
	// Package is gpg-pubkey-VERSION-RELEASE.
	Package string
	Armored []byte
}

// Packages is what rpm's database says of what matters here.
type Packages struct {
	// Installed holds every installed version by name: falco, dkms,
	// kernel-devel, kernel-uek-devel, gcc-toolset-11, gcc-toolset-14,
	// oracle-epel-release-el7 to -el10.
	Installed map[string][]Package
	Keys      []PublicKey
}

// Newest returns the version of a package that was installed last, or false.
func (p Packages) Newest(name string) (Package, bool) {
	var last Package
	for _, q := range p.Installed[name] {
		if last.Name == "" || q.Installed.After(last.Installed) {
			last = q
		}
	}
	return last, last.Name != ""
}

// AlteredFile is a file of a package that is not as it was installed.
type AlteredFile struct {
	Path    string
	Missing bool
	// What is rpm's string of marks, such as "S.5....T.".
	What string
}

// Process is a running process.
type Process struct {
	PID    int
	Exe    string
	Cgroup string
	// Container says that its cgroup is a container's.
	Container bool
}

// Module is the state of Falco's kernel module for one kernel.
type Module struct {
	// Built says that modinfo, dkms or the kernel's directory has it.
	Built bool
	// Where says how that is known, for the report.
	Where string
}

// Proof says whether a unit's process was seen to detect. It is kept in the
// agent's state directory.
type Proof struct {
	Invocation string    `json:"invocation"`
	Detected   bool      `json:"detected"`
	Time       time.Time `json:"time"`
	// Unseen says why the log could not be watched; empty if it was.
	Unseen string `json:"unseen,omitempty"`
	// Hidden says that this user may not read whether there is a proof.
	Hidden bool `json:"-"`
}

// Seen is the result of a probe: what followed the opening of a sensitive file.
type Seen struct {
	// Opens counts the opens, Alerts the alerts about them in the log. More
	// alerts than opens mean that two Falcos write there.
	Opens, Alerts int
	// Journal counts the alerts in the journal, if it was searched. Not zero
	// means that Falco detects but does not reach its log.
	Journal int
	// Full says that there was no alert and that the file system of the log has
	// no room, which Falco does not report.
	Full bool
	// First is the time from the first open to the first alert.
	First time.Duration
}

// Detected reports whether an alert appeared in the log.
func (s Seen) Detected() bool { return s.Alerts > 0 }

// A Machine changes the node. It is opened in one place, under the lock, and a
// dry run never reaches that place.
type Machine interface {
	// View returns a new view of the node.
	View() View
	// Apply carries out one change. Applying a change that is already made is
	// no error. The result of a [Prove] is the next View's Proof.
	Apply(ctx context.Context, c Change) error
}
