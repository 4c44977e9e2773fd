// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// queryTimeout bounds a query of rpm; it takes some 20 ms, and waits for a
// transaction's lock at worst.
const queryTimeout = time.Minute

// Control characters set records apart: descriptions and armored keys hold
// line ends. They stand in the format as they are, since rpm's own escapes
// know no octal or hexadecimal form (rpm 4.18, lib/headerfmt.c escapedChar).
const (
	recordStart = "\x1e"
	fieldEnd    = "\x1f"
	recordEnd   = "\x1d"
)

// queried are the packages that matter here.
func queried() []string {
	return []string{
		"falco", "dkms", "kernel-devel", "kernel-uek-devel", "gcc-toolset-11", "gcc-toolset-14",
		"oracle-epel-release-el7", "oracle-epel-release-el8", "oracle-epel-release-el9", "oracle-epel-release-el10",
		"gpg-pubkey",
	}
}

// queryFields are the tags asked for. A package's signature is in one of the
// four: the header's, RSA or DSA, or, of an old rpm, header and payload's.
func queryFields() []string {
	return []string{
		"%{NAME}", "%{EPOCH}", "%{VERSION}", "%{RELEASE}", "%{ARCH}", "%{INSTALLTIME}",
		"%{RSAHEADER:pgpsig}", "%{DSAHEADER:pgpsig}", "%{SIGPGP:pgpsig}", "%{SIGGPG:pgpsig}",
		"%{DESCRIPTION}",
	}
}

// errDatabase means that rpm answered, but not from its database.
var errDatabase = errors.New("rpm's database cannot be read")

// queryPackages asks the one question that answers all that is asked of rpm's
// database but for altered files. Signatures are not checked anew: on a host
// with a strict crypto policy old keys would only hide packages.
func queryPackages(ctx context.Context, t tools) (node.Packages, error) {
	format := recordStart + strings.Join(queryFields(), fieldEnd) + recordEnd
	out, err := run(ctx, command{
		argv:    t.rpmArgs(append([]string{"-q", "--nosignature", "--nodigest", "--queryformat", format}, queried()...)...),
		timeout: queryTimeout, query: true,
	})
	if err != nil {
		return node.Packages{}, fmt.Errorf("asking rpm what is installed: %w", err)
	}
	packages, missing, err := parseQuery(out.stdout)
	switch {
	case err != nil:
		return node.Packages{}, fmt.Errorf("asking rpm what is installed: %w%s", err, because(out.stderr))
	case out.lost:
		return node.Packages{}, errors.New("asking rpm what is installed: the answer is too long")
	case len(missing) > 0:
		// rpm says "not installed", with the same exit status, when it cannot
		// open its database. Only standard error tells the two apart.
		if err := databaseError(out.stderr); err != nil {
			return node.Packages{}, fmt.Errorf("asking rpm what is installed: %w", err)
		}
	case out.status != 0:
		return node.Packages{}, fmt.Errorf("asking rpm what is installed: exit status %d%s", out.status, because(out.stderr))
	}
	return packages, nil
}

// parseQuery reads the answer to queryPackages: the records, and the names
// that rpm has no package of.
func parseQuery(out []byte) (node.Packages, []string, error) {
	found := node.Packages{Installed: map[string][]node.Package{}}
	var missing []string
	for len(out) > 0 {
		if out[0] == recordStart[0] {
			record, rest, ok := bytes.Cut(out[1:], []byte(recordEnd))
			if !ok {
				return node.Packages{}, nil, errors.New("the answer breaks off")
			}
			if err := addRecord(&found, string(record)); err != nil {
				return node.Packages{}, nil, err
			}
			out = rest
			continue
		}
		end := bytes.IndexAny(out, recordStart+"\n")
		line, rest := out, []byte(nil)
		if end >= 0 {
			line, rest = out[:end], out[end:]
			rest = bytes.TrimPrefix(rest, []byte("\n"))
		}
		name, ok := notInstalled(string(line))
		if !ok {
			return node.Packages{}, nil, fmt.Errorf("an answer that is not understood: %q", clip(string(line)))
		}
		if name != "" {
			missing = append(missing, name)
		}
		out = rest
	}
	return found, missing, nil
}

// addRecord adds one package or key.
func addRecord(found *node.Packages, record string) error {
	f := strings.SplitN(record, fieldEnd, len(queryFields()))
	if len(f) != len(queryFields()) || f[0] == "" {
		return fmt.Errorf("a record of %d fields", len(f))
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
		return fmt.Errorf("the install time of %s: %w", clip(f[0]), err)
	}
	p := node.Package{
		Name: f[0], Epoch: f[1], Version: f[2], Release: f[3], Arch: f[4],
		Installed: time.Unix(installed, 0), SignerID: signer(f[6:10]),
	}
	found.Installed[p.Name] = append(found.Installed[p.Name], p)
	return nil
}

// signer finds the key id in rpm's words for a package's signatures; rpm 6
// names the whole fingerprint, whose last 16 digits are the id.
func signer(signatures []string) string {
	for _, s := range signatures {
		if id := trust.SignerID(s); id != "" {
			return id[len(id)-16:]
		}
	}
	return ""
}

// notInstalled reads rpm's line for a name that it has no package of. An empty
// line names nothing.
func notInstalled(line string) (name string, ok bool) {
	if strings.TrimSpace(line) == "" {
		return "", true
	}
	name, ok = strings.CutSuffix(strings.TrimSpace(line), " is not installed")
	if !ok {
		return "", false
	}
	name, ok = strings.CutPrefix(name, "package ")
	return name, ok && name != "" && !strings.ContainsAny(name, " \t")
}

// databaseError finds in rpm's standard error that it could not open its
// database; nil if it says no such thing.
func databaseError(stderr []byte) error {
	for line := range strings.Lines(string(stderr)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "error:") {
			continue
		}
		err := fmt.Errorf("%w: %s", errDatabase, clip(strings.TrimSpace(strings.TrimPrefix(line, "error:"))))
		// With sqlite, rpm calls any file that it may not open not permitted.
		if strings.Contains(string(stderr), "Permission denied") || strings.Contains(string(stderr), "Operation not permitted") {
			return fmt.Errorf("%w: %w", fs.ErrPermission, err)
		}
		return err
	}
	return nil
}

// because adds what a program said to an error, if it said anything.
func because(stderr []byte) string {
	if lines := lastLines(stderr, 1); len(lines) > 0 {
		return ": " + clip(lines[0])
	}
	return ""
}

// clip shortens foreign text for a message.
func clip(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}
