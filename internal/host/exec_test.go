// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	t.Setenv("SECRET", "x")
	out, err := run(t.Context(), command{argv: []string{"/bin/sh", "-c", `echo out; echo err >&2; env; read x && echo read; exit 3`}, timeout: time.Minute, env: []string{"MORE=1"}})
	if err != nil || out.status != 3 || string(out.stderr) != "err\n" {
		t.Fatalf("run = %+v, %v", out, err)
	}
	got := string(out.stdout)
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
	folder := t.TempDir()
	openUp(t, folder)
	out, err := run(t.Context(), command{argv: []string{"/bin/sh", "-c", `id -u; touch "$0/a"`, folder}, timeout: time.Minute, query: true})
	if err != nil || strings.TrimSpace(string(out.stdout)) != strconv.Itoa(nobody) || exists(filepath.Join(folder, "a")) {
		t.Errorf("run = %q, %q, %v; want nobody, who writes nothing", out.stdout, out.stderr, err)
	}
}

// When the time is up the whole group goes, grandchildren that ignore SIGTERM
// and hold the pipes open included.
func TestRunTimeout(t *testing.T) {
	for _, grace := range []time.Duration{0, 100 * time.Millisecond} {
		began := time.Now()
		out, err := run(t.Context(), command{
			argv:    []string{"/bin/sh", "-c", `trap "" TERM; (trap "" TERM; sleep 60) & echo $!; sleep 60`},
			timeout: 2 * time.Second, grace: grace,
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("run = %v, want %v", err, os.ErrDeadlineExceeded)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("run took %v", took)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(out.stdout)))
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("grandchild %d still lives", pid)
			}
		}
	}
}

// alive reports whether a process runs, zombies apart.
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
	if _, err := run(ctx, command{argv: []string{"/bin/sleep", "60"}, timeout: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("run = %v, want %v", err, context.DeadlineExceeded)
	}
	if _, err := run(t.Context(), command{argv: []string{"/nowhere/x"}, timeout: time.Minute}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("run of nothing = %v, want %v", err, os.ErrNotExist)
	}
}

// A daemon that a script leaves behind does not keep the run from ending.
func TestRunDaemon(t *testing.T) {
	began := time.Now()
	out, err := run(t.Context(), command{argv: []string{"/bin/sh", "-c", `sleep 60 & echo done`}, timeout: time.Minute})
	if err != nil || string(out.stdout) != "done\n" || out.status != 0 || time.Since(began) > 30*time.Second {
		t.Errorf("run = %+v, %v after %v", out, err, time.Since(began))
	}
}

func TestTail(t *testing.T) {
	out, err := run(t.Context(), command{argv: []string{"/bin/sh", "-c", `i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done`}, timeout: time.Minute, keep: 100})
	if err != nil || !out.lost || len(out.stdout) != 100 || !strings.HasSuffix(string(out.stdout), "line 1999\n") {
		t.Errorf("run = %q, lost %v, %v; want the last 100 bytes", out.stdout, out.lost, err)
	}
	if got := lastLines([]byte("a\n\n b \r\nc"), 2); strings.Join(got, "|") != " b|c" {
		t.Errorf("lastLines = %q", got)
	}
}
