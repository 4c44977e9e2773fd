// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// What rpm does while it works is known from the lock and from its scriptlets, and
// not from a reader's lock, or a scriptlet in a container.
func TestTransaction(t *testing.T) {
	const script = "/bin/sh\x00/var/tmp/rpm-tmp.Ab12cd\x001\x00"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  node.Transaction
	}{
		{name: "no database"},
		{name: "nobody has the lock", files: map[string]string{"var/lib/rpm/.rpm.lock": ""}},
		{
			name:  "a scriptlet",
			files: map[string]string{"proc/42/cmdline": script, "proc/42/cgroup": "0::/system.slice/x.service\n"},
			want:  node.Transaction{By: "a scriptlet of a package", PID: 42},
		},
		{name: "one in a container", files: map[string]string{"proc/42/cmdline": script, "proc/42/cgroup": "0::/kubepods.slice/pod1/abc\n"}},
		{name: "somebody who looks at it", files: map[string]string{"proc/42/cmdline": "vi\x00/x/rpm-tmp.Ab12cd\x00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, content := range tt.files {
				put(t, root, name, content)
			}
			got, err := transaction(newTree(t, root), filepath.Join(root, "proc"))
			if err != nil || got != tt.want {
				t.Errorf("transaction = %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestTransactionLock(t *testing.T) {
	root := t.TempDir()
	path := put(t, root, "var/lib/rpm/.rpm.lock", "")
	for kind, want := range map[string]node.Transaction{"read": {}, "write": {By: "rpm", PID: 1}} {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "HOST_TEST_LOCK="+kind+":"+path)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if want.PID != 0 {
				want.PID = cmd.Process.Pid
				put(t, root, fmt.Sprintf("proc/%d/comm", want.PID), "rpm\n")
			}
			got, err := transaction(newTree(t, root), filepath.Join(root, "proc"))
			if err != nil || got != want {
				t.Errorf("transaction = %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

// A transaction that does not end is named, with what to do.
func TestSettle(t *testing.T) {
	proc := t.TempDir()
	put(t, proc, "42/cmdline", "/bin/sh\x00/var/tmp/rpm-tmp.Ab12cd\x001\x00")
	var said []string
	opts := Options{tools: &tools{proc: proc}, Progress: func(p node.Progress) { said = append(said, p.Message) }}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	err := Settle(ctx, opts)
	wantCode(t, err, node.CodePackages)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "a scriptlet of a package (PID 42)") || len(said) != 1 {
		t.Errorf("Settle = %v, and said %q", err, said)
	}
	go func() { _ = os.RemoveAll(filepath.Join(proc, "42")) }()
	if err := Settle(t.Context(), opts); err != nil {
		t.Errorf("Settle = %v once the scriptlet has ended", err)
	}
}

// holdFile has a lock on a file until the process is killed.
func holdFile(kind, path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	lock := unix.Flock_t{Type: unix.F_RDLCK}
	if kind == "write" {
		lock.Type = unix.F_WRLCK
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("held\n")
	select {}
}
