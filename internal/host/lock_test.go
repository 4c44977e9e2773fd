// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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

// The lock of a process that is dying is waited for, and a signal ends the wait.
func TestLockIsAwaited(t *testing.T) {
	root := t.TempDir()
	first := openMachine(t, root)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	_, err := OpenMachine(ctx, Options{Root: root})
	wantCode(t, err, node.CodeLocked)
	if took := time.Since(began); took >= lockPatience {
		t.Errorf("a run that was told to stop waits for %v", took)
	}
	time.AfterFunc(lockPatience/10, func() { _ = first.lock.Close() })
	second, err := OpenMachine(t.Context(), Options{Root: root})
	if err != nil {
		t.Fatalf("OpenMachine while another run ends: %v", err)
	}
	_ = second.Close()
}

// A umask that takes everything away leaves neither the lock nor its directory
// useless.
func TestLockWhateverTheUmask(t *testing.T) {
	root := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o777))
	_ = openMachine(t, root)
	for path, want := range map[string]fs.FileMode{"run": fs.ModeDir | 0o755, LockPath: 0o600} {
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
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
