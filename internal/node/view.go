// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// ErrNotAsked means that a question has no answer because the agent acts on a
// tree and does not ask the running machine.
var ErrNotAsked = errors.New("not asked: acting on a tree, not on the running machine")

// A View is a read-only view of the node. It keeps its answers, so two steps
// always see the same node. An error that wraps [fs.ErrPermission] means that this
// user may not see the answer.
type View interface {
	// Tree is the node's file tree rooted at "/": names have no leading slash
	// (io/fs), symbolic links are followed inside the root. It implements
	// [fs.ReadFileFS], [fs.ReadDirFS] and [fs.StatFS].
	Tree() fs.FS
	// Stat describes the file at an absolute path and does not follow a
	// symbolic link.
	Stat(path string) (File, error)
	// Host describes the machine; for a tree, what the caller declared.
	Host() Host
	// Packages returns what rpm knows about the packages and keys that matter
	// here. For a tree the error is [ErrNotAsked].
	Packages(ctx context.Context) (Packages, error)
	// Requirers names the installed packages that require a package by its name.
	Requirers(ctx context.Context, name string) ([]string, error)
	// Transaction returns the package transaction that runs at this moment, or the
	// zero value. It is the only question that is asked anew each time.
	Transaction() (Transaction, error)
	// Altered lists the files of the installed falco package that are missing
	// or differ from what was installed (rpm -V). Configuration files are
	// listed only if they are missing.
	Altered(ctx context.Context) ([]AlteredFile, error)
	// Units returns the named systemd units, whether or not they exist, by the
	// name asked for. For a tree the error is [ErrNotAsked].
	Units(ctx context.Context, names ...string) (map[string]systemd.Unit, error)
	// Falcos lists the running Falco processes, also those in containers.
	Falcos(ctx context.Context) ([]Process, error)
	// Examine returns, in one line, why the installed Falco refuses its
	// configuration, or "", and Falco's warnings: those about rules, as FILE:LINE
	// and what is wrong, if check has rules. candidate, if not nil, takes the place
	// of falco.yaml. It costs a child process and changes nothing. Only root can ask
	// it ([fs.ErrPermission]).
	Examine(ctx context.Context, check FalcoCheck, candidate []byte) (reason string, warnings []string, err error)
	// ConfigSchema returns the JSON schema of falco.yaml that the installed Falco
	// prints, from 0.39 on. Any user can ask it.
	ConfigSchema(ctx context.Context) ([]byte, error)
	// Fetch returns what is at a URL: https://, file:// or a plain path; http://
	// only if insecure. repository is the id of the repository whose proxy leads
	// there. It writes nothing.
	Fetch(ctx context.Context, url, repository string, insecure bool) ([]byte, error)
	// Module says whether Falco's kernel module is built for a kernel.
	Module(ctx context.Context, kernel string) (Module, error)
	// Vitals describes a running process and the log that it should write to. It
	// runs no program and waits for nothing. log may be empty.
	Vitals(pid int, log string) (Vitals, error)
	// Proof returns the last proof of a unit, or the zero value.
	Proof() Proof
	// Now returns the time of the View.
	Now() time.Time
}

// File is the result of Stat.
type File struct {
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	ModTime  time.Time
	// Created is when the file itself was made; zero if the file system does not
	// say.
	Created time.Time
	Inode   uint64
	// Target is the target of a symbolic link.
	Target string
}

// The falco.yaml that the installed package has put in place, and that of the one
// before, in the agent's state directory.
const (
	ShippedConfig = "/var/lib/falco-bootstrap/falco.yaml.shipped"
	ShippedBefore = "/var/lib/falco-bootstrap/falco.yaml.shipped-before"
)

// HintNotRegular is what to do about a link or a directory in the place of a file.
const HintNotRegular = "only a regular file is replaced: put the file itself there, or move what is there out of the way"

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

// Host describes the running machine.
type Host struct {
	Kernel string // uname -r, or what was given instead
	// KernelGiven means that Kernel is not the running kernel, so BTF, which
	// is probed here, does not apply to it.
	KernelGiven bool
	Arch        string // x86_64, aarch64
	BTF         bool   // /sys/kernel/btf/vmlinux exists
	BootID      string
	Booted      time.Time
	Systemd     bool // systemd is running here
	Root        bool // this process is root
	FIPS        bool // the kernel is in FIPS mode
	Tree        bool // acting on a tree: this machine is not asked
}

// Transaction is a change of the installed packages that is going on.
type Transaction struct {
	By  string // who makes it, such as "dnf"; empty if there is none
	PID int    // of that process, or zero if it cannot be seen from here
}

// String names who makes the transaction.
func (t Transaction) String() string {
	if t.PID == 0 {
		return t.By
	}
	return fmt.Sprintf("%s (PID %d)", t.By, t.PID)
}

// Hint is what to do about a transaction that does not end.
func (t Transaction) Hint() string {
	if t.PID == 0 {
		return "`lslocks` names the process that has /var/lib/rpm/.rpm.lock; run again once it has ended"
	}
	return fmt.Sprintf("see what it does with `ps -fp %d`, and run again once it has ended", t.PID)
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

// Packages is what rpm's database has of the packages and keys that matter here.
type Packages struct {
	// Installed holds every installed version by name: falco, dkms, the headers of
	// this host's kernel (kernel-uek-devel), gcc-toolset-11, gcc-toolset-14,
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
	// Unseen says that the file is missing to rpm, which is asked without
	// root's rights and may not look into its directory.
	Unseen bool
	// What is rpm's string of marks, such as "S.5....T.", or "missing".
	What string
}

// Process is a running process.
type Process struct {
	PID    int
	Exe    string
	Cgroup string
	// Unit is the node's unit that the process belongs to, such as "falco.service"
	// or "session-3.scope"; empty if that is not known.
	Unit string
	// Container means that its cgroup belongs to a container.
	Container bool
}

// Module is the state of Falco's kernel module for one kernel.
type Module struct {
	// Built says that modinfo, dkms or the kernel's directory has it.
	Built bool
	// Where says how that is known, for the report.
	Where string
}

// Proof says whether a unit's process was seen to detect, and if not, why. It is
// kept in the agent's state directory.
type Proof struct {
	Invocation string    `json:"invocation"`
	Detected   bool      `json:"detected"`
	Time       time.Time `json:"time"`
	// Unseen says why the log could not be watched; empty if it was.
	Unseen string `json:"unseen,omitempty"`
	// Reason and Hint explain why no alert appeared.
	Reason string `json:"reason,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Off says that the operator has turned off the rule that the proof uses, so
	// that there is nothing wrong with seeing no alert.
	Off bool `json:"off,omitempty"`
	// Lapsed says that the same process was seen to detect before, and that
	// nothing on the node explains why it no longer does.
	Lapsed bool `json:"lapsed,omitempty"`
	// Package and Inputs are what the process was started from, if it was seen to
	// detect: Falco's NEVRA, and by path the files that it reads.
	Package string           `json:"package,omitempty"`
	Inputs  map[string]Input `json:"inputs,omitempty"`
	// Hidden means that this user may not read the proof.
	Hidden bool `json:"-"`
}

// Input is a file that a process has read. The hash is of its content, and the rest
// tells without reading it that it is still the same.
type Input struct {
	Inode   uint64    `json:"inode"`
	Size    int64     `json:"size"`
	ModTime time.Time `json:"mod_time"`
	SHA256  string    `json:"sha256"`
	// Created tells two files apart of which the later has the inode number of the
	// earlier; zero if the file system does not say it.
	Created time.Time `json:"created,omitzero"`
}

// Seen is the result of a probe: what happened after it opened a sensitive file.
type Seen struct {
	// Opens counts the opens, Alerts the alerts about them in the log. More
	// alerts than opens mean that two Falcos write there.
	Opens, Alerts int
	// Journal counts the alerts in the journal, if it was searched. Not zero
	// means that Falco detects but does not reach its log.
	Journal int
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
	// Apply carries out one change. It is not an error if the change has already
	// been made. The result of a [Prove] is the next View's Proof.
	Apply(ctx context.Context, c Change) error
}
