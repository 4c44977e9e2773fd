// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A convergedImage is an image of a node that the agent has converged. It is made
// when a test first asks for it.
type convergedImage struct {
	once sync.Once
	id   string
}

// convergedImages holds the images of this process by setup and flags. The process
// removes them when it ends.
var convergedImages sync.Map

// StartConverged boots a node that the agent has converged with these flags, as if
// it had been rebooted since: everything is as declared, and this start of Falco has
// not been proven yet. All tests that want the same node share one run, which makes
// it cheaper than a node from Start.
func StartConverged(t testing.TB, d Setup, flags ...string) *Node {
	t.Helper()
	if os.Getenv(imageEnv) == "" {
		t.Skipf("%s is not set: node cases are run by make test", imageEnv)
	}
	entry, _ := convergedImages.LoadOrStore(fmt.Sprintf("%+v %q", d, flags), &convergedImage{})
	image := entry.(*convergedImage)
	image.once.Do(func() { image.id = bake(t, d, flags) })
	if image.id == "" {
		t.Fatalf("converging a node as %+v %q failed before: see the first test that tried", d, flags)
	}
	n := &Node{Setup: d, t: t, id: runNode(t, image.id)}
	t.Cleanup(n.end)
	n.waitBooted()
	return n
}

// bake converges a node and makes an image of it.
func bake(t testing.TB, d Setup, flags []string) string {
	t.Helper()
	n := Start(t, d)
	if r := n.Run(flags...); r.Exit != 0 {
		t.Fatalf("converging a node as %+v %q: %v", d, flags, r)
	}
	// What systemd keeps about this boot is not part of the image; the next boot
	// makes its own journal and machine ID.
	n.Must("systemctl stop 'falco*.service' && sync")
	return strings.TrimSpace(docker(t, nil, "commit", "--change", "LABEL "+label+"="+strconv.Itoa(os.Getpid()), n.id))
}

// removeConverged removes the images of this process and of test runs that were
// killed.
func removeConverged() {
	out, err := exec.Command("docker", "image", "ls", "--all", "--no-trunc", "--filter", "label="+label, "--format", "{{.ID}}").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "test: listing images of converged nodes:", err)
		return
	}
	for _, id := range strings.Fields(string(out)) {
		pid, err := exec.Command("docker", "image", "inspect", "--format", `{{index .Config.Labels "`+label+`"}}`, id).Output()
		owner := strings.TrimSpace(string(pid))
		if _, alive := os.Stat("/proc/" + owner); err != nil || alive == nil && owner != strconv.Itoa(os.Getpid()) {
			continue
		}
		if out, err := exec.Command("docker", "image", "rm", "--force", id).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "test: removing the image of a converged node: %v: %s\n", err, out)
		}
	}
}
