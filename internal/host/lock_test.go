// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestLock(t *testing.T) {
	root := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HOST_TEST_ROOT="+root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	_, err = OpenMachine(t.Context(), Options{Root: root})
	wantCode(t, err, node.CodeLocked)
	if want := fmt.Sprintf("(PID %d)", cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("OpenMachine = %v, want %s named", err, want)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	m, err := OpenMachine(t.Context(), Options{Root: root})
	if err != nil {
		t.Fatalf("OpenMachine after the holder was killed: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(root, LockPath)) {
		t.Error("the lock file was removed")
	}
}

// The lock file is not opened through a link: the PID would overwrite the
// link's target.
func TestLockRefusesLink(t *testing.T) {
	root := t.TempDir()
	victim := put(t, root, "run/victim", "keep")
	if err := os.Symlink("victim", filepath.Join(root, LockPath)); err != nil {
		t.Fatal(err)
	}
	if m, err := OpenMachine(t.Context(), Options{Root: root}); err == nil {
		_ = m.Close()
		t.Error("OpenMachine accepted a link as the lock file")
	}
	if got, _ := os.ReadFile(victim); string(got) != "keep" {
		t.Errorf("the link's target holds %q", got)
	}
}
