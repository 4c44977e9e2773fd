// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRun(t *testing.T) {
	t.Setenv("SECRET", "x")
	out, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", `echo out; echo err >&2; env; read x && echo read; exit 3`}, Timeout: time.Minute, Env: []string{"MORE=1"}})
	if err != nil || out.Status != 3 || string(out.Stderr) != "err\n" {
		t.Fatalf("Run = %+v, %v", out, err)
	}
	got := string(out.Stdout)
	for text, want := range map[string]bool{"out\n": true, "LC_ALL=C\n": true, "MORE=1\n": true, "SECRET": false, "read\n": false} {
		if strings.Contains(got, text) != want {
			t.Errorf("the output %q has %q: %v, want %v", got, text, !want, want)
		}
	}
}

func TestRunAsNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	dir := t.TempDir()
	openUp(t, dir)
	out, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", `id -u; touch "$0/a"`, dir}, Timeout: time.Minute, AsNobody: true})
	if err != nil || strings.TrimSpace(string(out.Stdout)) != strconv.Itoa(nobody) || exists(filepath.Join(dir, "a")) {
		t.Errorf("Run = %q, %q, %v; want the user nobody, who cannot write", out.Stdout, out.Stderr, err)
	}
}

// When the time is up the whole group is killed, even a grandchild that ignores
// SIGTERM and holds the pipes open.
func TestRunTimeout(t *testing.T) {
	for _, grace := range []time.Duration{0, 100 * time.Millisecond} {
		began := time.Now()
		out, err := Run(t.Context(), Command{
			Argv:    []string{"/bin/sh", "-c", `trap "" TERM; (trap "" TERM; sleep 60) & echo $!; sleep 60`},
			Timeout: 2 * time.Second, Grace: grace,
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Run = %v, want %v", err, os.ErrDeadlineExceeded)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("Run took %v", took)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("grandchild %d is still running", pid)
			}
		}
	}
}

// alive reports whether a process is running and not a zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return !strings.Contains(string(stat), ") Z ")
}

func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Command{Argv: []string{"/bin/sleep", "60"}, Timeout: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run = %v, want %v", err, context.DeadlineExceeded)
	}
	if _, err := Run(t.Context(), Command{Argv: []string{"/nowhere/x"}, Timeout: time.Minute}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run of nothing = %v, want %v", err, os.ErrNotExist)
	}
}

// Run returns although a script has left a daemon behind.
func TestRunDaemon(t *testing.T) {
	began := time.Now()
	out, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", `sleep 60 & echo done`}, Timeout: time.Minute})
	if err != nil || string(out.Stdout) != "done\n" || out.Status != 0 || time.Since(began) > 30*time.Second {
		t.Errorf("Run = %+v, %v after %v", out, err, time.Since(began))
	}
}

func TestTail(t *testing.T) {
	out, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", `i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done`}, Timeout: time.Minute, Keep: 100})
	if err != nil || !out.Truncated || len(out.Stdout) != 100 || !strings.HasSuffix(string(out.Stdout), "line 1999\n") {
		t.Errorf("Run = %q, truncated %v, %v; want the last 100 bytes", out.Stdout, out.Truncated, err)
	}
	if got := LastLines([]byte("a\n\n b \r\nc"), 2); strings.Join(got, "|") != " b|c" {
		t.Errorf("LastLines = %q", got)
	}
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		out := &tail{keep: 100}
		_, _ = out.Write([]byte("first\nsecond\n\n"))
		var said []string
		c := Command{Argv: []string{"/usr/bin/dnf"}, Heartbeat: func(message string, elapsed time.Duration) {
			said = append(said, message+", "+elapsed.String())
		}}
		c.report(ctx, out)
		if got, want := strings.Join(said, "; "), "dnf is still running: second, 15s; dnf is still running: second, 30s"; got != want {
			t.Errorf("report said %q, want %q", got, want)
		}
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openUp lets the user nobody reach a directory.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
