// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{
		"usr/lib/systemd/system/a.service", "usr/lib/systemd/system/a.service.d/10-vendor.conf", "usr/lib/systemd/system/a.service.d/20-both.conf",
		"etc/systemd/system/a.service.d/20-both.conf", "etc/systemd/system/a.service.d/90-new.conf", "etc/systemd/system/alias.service.d/override.conf",
		"run/systemd/system/service.d/15-all.conf", "etc/systemd/system.control/a.service.d/50-Nice.conf", "etc/systemd/system/a.service.d/50-Nice.conf",
	} {
		tree[name] = &fstest.MapFile{Data: []byte("[Service]\n")}
	}
	tree["etc/systemd/system/a.service.d/95-empty.conf"] = &fstest.MapFile{}
	u := Unit{Name: "a.service", Fragment: "/usr/lib/systemd/system/a.service", DropIns: []string{
		"/usr/lib/systemd/system/a.service.d/10-vendor.conf", "/run/systemd/system/service.d/15-all.conf",
		"/etc/systemd/system.control/a.service.d/50-Nice.conf", "/etc/systemd/system/a.service.d/60-gone.conf",
	}}
	var got []string
	for _, f := range u.Files(tree, "alias.service") {
		got = append(got, f.Path)
	}
	want := []string{
		"/usr/lib/systemd/system/a.service", "/usr/lib/systemd/system/a.service.d/10-vendor.conf", "/run/systemd/system/service.d/15-all.conf",
		"/etc/systemd/system/a.service.d/20-both.conf", "/etc/systemd/system.control/a.service.d/50-Nice.conf",
		"/etc/systemd/system/a.service.d/90-new.conf", "/etc/systemd/system/alias.service.d/override.conf",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Files (-want +got):\n%s", d)
	}
}
