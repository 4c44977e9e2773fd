// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

const (
	// queryTimeout bounds a query of rpm. It takes about 20 ms, but may have to
	// wait for a transaction's lock.
	queryTimeout = time.Minute
	// changeTimeout bounds one change of rpm's database, which waits for the
	// lock of a transaction that is under way.
	changeTimeout = 2 * time.Minute
)

// Control characters separate records, since descriptions and armored keys
// contain newlines. The format has them verbatim, since rpm's escapes have no
// octal or hexadecimal form (rpm 4.18, lib/headerfmt.c escapedChar).
const (
	recordStart = "\x1e"
	fieldEnd    = "\x1f"
	recordEnd   = "\x1d"
)

// queried returns the names of the packages that matter here.
func (m *Manager) queried() []string {
	names := []string{
		"falco", "dkms", "gcc-toolset-11", "gcc-toolset-14",
		"oracle-epel-release-el7", "oracle-epel-release-el8", "oracle-epel-release-el9", "oracle-epel-release-el10",
		"gpg-pubkey",
	}
	if k, err := osrelease.ParseKernel(m.Kernel); err == nil {
		names = append(names, k.DevelName())
	}
	names = append(names, m.Also...)
	slices.Sort(names)
	return slices.Compact(names) // rpm would answer twice
}

// queryFields returns the tags to ask for. A package's signature is in one of
// the four signature tags: over the header, RSA or DSA, or, for an old rpm, over
// header and payload.
func queryFields() []string {
	return []string{
		"%{NAME}", "%{EPOCH}", "%{VERSION}", "%{RELEASE}", "%{ARCH}", "%{INSTALLTIME}",
		"%{RSAHEADER:pgpsig}", "%{DSAHEADER:pgpsig}", "%{SIGPGP:pgpsig}", "%{SIGGPG:pgpsig}",
		"%{DESCRIPTION}",
	}
}

// errDatabase means that rpm answered, but not from its database.
var errDatabase = errors.New("rpm's database cannot be read")

// query runs an rpm query as the user nobody.
func (m *Manager) query(ctx context.Context, args ...string) (program.Result, error) {
	return program.Run(ctx, program.Command{Argv: slices.Concat(m.RPM, args), Timeout: queryTimeout, AsNobody: true})
}

// Packages asks rpm for the installed packages and the signing keys that matter
// here, in one query. An rpm database that cannot be opened is an error, not an
// empty answer. Signatures are not checked again: on a host with a strict
// crypto policy old keys would only hide packages.
func (m *Manager) Packages(ctx context.Context) (node.Packages, error) {
	format := recordStart + strings.Join(queryFields(), fieldEnd) + recordEnd
	out, err := m.query(ctx, append([]string{"-q", "--nosignature", "--nodigest", "--queryformat", format}, m.queried()...)...)
	if err != nil {
		return node.Packages{}, fmt.Errorf("asking rpm what is installed: %w", err)
	}
	packages, missing, err := parseQuery(out.Stdout)
	switch {
	case err != nil:
		err = fmt.Errorf("%w%s", err, program.Because(out.Stderr))
	case out.Truncated:
		err = errors.New("the answer is too long")
	case len(missing) > 0:
		// rpm says "not installed", with the same exit status, when it cannot
		// open its database. Only standard error tells the two apart.
		err = databaseError(out.Stderr)
	case out.Status != 0:
		err = errors.New(out.Failure("rpm") + program.Because(out.Stderr))
	}
	if err != nil {
		return node.Packages{}, fmt.Errorf("asking rpm what is installed: %w", err)
	}
	return packages, nil
}

// Requirers names the installed packages that require a package by its name.
func (m *Manager) Requirers(ctx context.Context, name string) ([]string, error) {
	out, err := m.query(ctx, "-q", "--nosignature", "--nodigest", "--whatrequires", "--queryformat", "%{NAME}\n", name)
	if err == nil {
		err = databaseError(out.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("asking rpm what requires %s: %w", name, err)
	}
	var all []string
	for line := range strings.Lines(string(out.Stdout)) {
		if line = strings.TrimSpace(line); line != "" && !strings.ContainsAny(line, " \t") { // else "no package requires NAME"
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// parseQuery reads the answer to the query of packages: the records, and the
// names that are not installed.
func parseQuery(out []byte) (found node.Packages, missing []string, err error) {
	found.Installed = map[string][]node.Package{}
	for len(out) > 0 {
		if out[0] == recordStart[0] {
			record, rest, ok := bytes.Cut(out[1:], []byte(recordEnd))
			if !ok {
				return node.Packages{}, nil, errors.New("the answer is cut short")
			}
			if err := addRecord(&found, string(record)); err != nil {
				return node.Packages{}, nil, err
			}
			out = rest
			continue
		}
		line, rest, _ := bytes.Cut(out, []byte("\n"))
		name, ok := notInstalled(string(line))
		if !ok {
			return node.Packages{}, nil, fmt.Errorf("unknown line in the answer: %q", program.Clip(string(line)))
		}
		if name != "" {
			missing = append(missing, name)
		}
		out = rest
	}
	return found, missing, nil
}

func addRecord(found *node.Packages, record string) error {
	f := strings.SplitN(record, fieldEnd, len(queryFields()))
	if len(f) != len(queryFields()) || f[0] == "" {
		return fmt.Errorf("the answer has a record of %d fields", len(f))
	}
	for i, v := range f {
		if v == "(none)" {
			f[i] = ""
		}
	}
	if f[0] == "gpg-pubkey" {
		found.Keys = append(found.Keys, node.PublicKey{Package: f[0] + "-" + f[2] + "-" + f[3], Armored: []byte(f[10])})
		return nil
	}
	installed, err := strconv.ParseInt(f[5], 10, 64)
	if err != nil {
		return fmt.Errorf("the install time of %s: %w", program.Clip(f[0]), err)
	}
	p := node.Package{
		Name: f[0], Epoch: f[1], Version: f[2], Release: f[3], Arch: f[4],
		Installed: time.Unix(installed, 0), SignerID: signer(f[6:10]),
	}
	found.Installed[p.Name] = append(found.Installed[p.Name], p)
	return nil
}

// signer finds the key ID in rpm's description of a package's signatures. rpm 6
// gives the whole fingerprint, which ends with the ID.
func signer(signatures []string) string {
	for _, s := range signatures {
		if id := trust.SignerID(s); id != "" {
			return id[len(id)-16:]
		}
	}
	return ""
}

// notInstalled reads rpm's line for a package that is not installed. The name in
// a blank line is "".
func notInstalled(line string) (name string, ok bool) {
	if line = strings.TrimSpace(line); line == "" {
		return "", true
	}
	name, prefix := strings.CutPrefix(line, "package ")
	name, suffix := strings.CutSuffix(name, " is not installed")
	return name, prefix && suffix && name != "" && !strings.ContainsAny(name, " \t")
}

// databaseError returns an error if rpm's standard error says that it could not
// open its database.
func databaseError(stderr []byte) error {
	for line := range strings.Lines(string(stderr)) {
		reason, ok := strings.CutPrefix(strings.TrimSpace(line), "error:")
		if !ok {
			continue
		}
		err := fmt.Errorf("%w: %s", errDatabase, program.Clip(strings.TrimSpace(reason)))
		// With sqlite, rpm says "not permitted" about any file that it may not open.
		if strings.Contains(string(stderr), "Permission denied") || strings.Contains(string(stderr), "Operation not permitted") {
			return fmt.Errorf("%w: %w", fs.ErrPermission, err)
		}
		return err
	}
	return nil
}

// change runs rpm as root. Another program's transaction may hold its lock for
// a while.
func (m *Manager) change(ctx context.Context, what string, args ...string) error {
	pause := m.pauses()
	for try := 1; ; try++ {
		out, err := program.Run(ctx, program.Command{Argv: slices.Concat(m.RPM, args), Timeout: changeTimeout, Grace: 10 * time.Second})
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case out.Status == 0, strings.Contains(string(out.Stdout)+string(out.Stderr), "is not installed"):
			return nil
		}
		hint := "see with df -h and findmnt whether the file system of rpm's database is full or read-only"
		switch {
		case out.Signal == syscall.SIGXFSZ:
			hint = node.HintOf(syscall.EFBIG)
		case strings.Contains(string(out.Stderr), "transaction lock"):
			if try < 10 && pause(ctx) {
				continue
			}
			hint = "another program is changing packages: wait until it ends"
		}
		return node.Errorf(node.CodePackages, hint, "%s: %s%s", what, out.Failure("rpm"), program.Because(out.Stderr))
	}
}
