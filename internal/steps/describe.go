// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// Facts are what a report says of a node. What is not known is empty.
type Facts struct {
	OS, OSVersion       string
	OSMajor             int
	Kernel, Flavour     string
	Arch, Glibc, BootID string
	Falco, Driver, Unit string
	Tree                bool
}

// Describe tells what the node is, refused or not.
func Describe(ctx context.Context, view node.View, s settings.Settings) Facts {
	h := view.Host()
	f := Facts{Kernel: h.Kernel, Arch: h.Arch, BootID: h.BootID, Tree: h.Tree}
	release, err := detect(view.Tree())
	if err != nil {
		return f
	}
	f.OS, f.OSMajor = "Oracle Linux", release.Major
	f.OSVersion = fmt.Sprintf("%d.%d", release.Major, release.Minor)
	f.Glibc = falco.Host{OS: release}.GlibcVersion()
	sv := &survey{view: view, release: release}
	if sv.identify(h) == nil {
		f.Flavour = strings.ToLower(string(sv.kernel.Flavour))
	}
	if sv, err = look(ctx, view, s); err != nil || sv.falco == nil {
		return f
	}
	f.Falco, f.Driver = sv.falco.Version, sv.verdict.Driver
	f.Unit = falco.UnitFor(f.Driver, f.Falco)
	return f
}

// HostOf tells what the compatibility table asks of a node.
func HostOf(view node.View) (falco.Host, error) {
	release, err := detect(view.Tree())
	if err != nil {
		return falco.Host{}, err
	}
	sv := &survey{view: view, release: release}
	err = sv.identify(view.Host())
	return sv.host, err
}
