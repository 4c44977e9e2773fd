// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"os"
	"strings"
	"testing"
)

// The script that the nightly workflow runs with the genuine Falco. Here only the
// repository and Falco differ.
func TestReal(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.Falco = "all"
	script, err := os.ReadFile("real.sh")
	if err != nil {
		t.Fatal(err)
	}
	n := Start(t, d)
	n.WriteFile("/root/real.sh", string(script))
	r := n.Sh("export FALCO_BOOTSTRAP_KERNEL_RELEASE=" + n.Setup.Kernel + "; bash /root/real.sh 0.43.1 0.44.1")
	if r.Exit != 0 || !strings.Contains(r.Stdout, "== all is as promised") {
		t.Fatal(r)
	}
}

// The script that looks at a new release shows what the tables of the agent must learn.
func TestNewestRelease(t *testing.T) {
	t.Parallel()
	n := Start(t, Setup{})
	script, err := os.ReadFile("newest.sh")
	if err != nil {
		t.Fatal(err)
	}
	n.WriteFile("/root/newest.sh", string(script))
	compare := func(from, to string) Result {
		return n.Sh("bash /root/newest.sh /srv/www/falco/" + from + "/falco-" + from + "-1.*.rpm /srv/www/falco/" + to + "/falco-" + to + "-1.*.rpm")
	}
	if r := compare("0.44.1", "0.44.1"); r.Exit != 0 {
		t.Errorf("a release and itself: %v", r)
	}
	r := compare("0.32.2", "0.44.1")
	if r.Exit != 1 || !strings.HasPrefix(r.Stdout, "Falco 0.44.1: what differs from 0.32.2\n") {
		t.Fatal(r)
	}
	Lines(t, r.Stdout, "falco.yaml", "falco-modern-bpf.service")
	for _, what := range []string{"+engine:", "-rules_file:", "old/requires", "old/scriptlets"} {
		if !strings.Contains(r.Stdout, what) {
			t.Errorf("no %q: %v", what, r)
		}
	}
}
