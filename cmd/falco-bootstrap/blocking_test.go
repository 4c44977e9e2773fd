// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// patience is far more than anything here takes that does not hang.
const patience = time.Minute

// agent returns a command that runs this program.
func agent(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Args[0] = "falco-bootstrap"
	return cmd
}

// ended waits for a command. It returns the exit status, or -1 and the signal.
func ended(t *testing.T, cmd *exec.Cmd) (status int, s syscall.Signal) {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	ws, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return -1, ws.Signal()
	}
	return ws.ExitStatus(), 0
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// plant makes a tree in which falco.yaml is to be edited.
func plant(t *testing.T) (root string, edited func() bool) {
	t.Helper()
	root = t.TempDir()
	falco := filepath.Join(root, "etc/falco/falco.yaml")
	for name, content := range map[string]string{
		"etc/oracle-release":         "Oracle Linux Server release 8.10\n",
		"etc/falco/falco.yaml":       "rules_files: [/etc/falco/falco_rules.yaml]\nfile_output:\n  enabled: false\n  filename: ./x\n",
		"etc/falco/falco_rules.yaml": "- rule: x\n",
	} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return root, func() bool {
		content, err := os.ReadFile(falco)
		return err == nil && bytes.Contains(content, []byte("enabled: true"))
	}
}

// pipe returns the two ends of a pipe. A full one has room for nothing.
func pipe(t *testing.T, full bool) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	for size := 64 << 10; full && size > 0; size /= 2 {
		for {
			if _, err := unix.Write(fds[1], make([]byte, size)); err != nil {
				break
			}
		}
	}
	if err := unix.SetNonblock(fds[1], false); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// A run goes on when its reader goes away, and its exit status is that of a run with
// one.
func TestReaderIsGone(t *testing.T) {
	for _, tt := range []struct {
		arg  string
		want node.Code
	}{{"--dry-run", node.CodePending}, {"--output=json", node.CodeOK}, {"--verbose", node.CodeOK}} {
		root, edited := plant(t)
		cmd := agent(t, "--root="+root, tt.arg, "--log-level=debug")
		r, w := pipe(t, false)
		cmd.Stdout, cmd.Stderr = w, w
		_ = r.Close()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if status, s := ended(t, cmd); status != int(tt.want) {
			t.Errorf("%s without a reader ends with %d %v, want %d", tt.arg, status, s, tt.want)
		}
		if edited() != (tt.want == node.CodeOK) {
			t.Errorf("%s without a reader: falco.yaml is edited: %v", tt.arg, edited())
		}
	}
}

// A log that nobody reads delays a run by a second or so, and no more.
func TestLogIsNotRead(t *testing.T) {
	root, edited := plant(t)
	cmd := agent(t, "--root="+root, "--log-level=debug")
	_, cmd.Stderr = pipe(t, true)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if status, s := ended(t, cmd); status != 0 || !edited() {
		t.Errorf("the run ends with %d %v, and edits falco.yaml: %v", status, s, edited())
	}
}

// A report that nobody reads is kept on the node, holds up no other run, and hears
// a signal.
func TestReportIsNotRead(t *testing.T) {
	root, edited := plant(t)
	cmd := agent(t, "--root="+root)
	_, cmd.Stdout = pipe(t, true)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(root, files.StateDir, lastRun)
	eventually(t, "the report is kept", func() bool {
		_, err := os.Stat(kept)
		return err == nil && edited()
	})
	m, err := host.OpenMachine(t.Context(), host.Options{Root: root})
	if err != nil {
		t.Fatalf("while nobody reads the report: %v", err)
	}
	_ = m.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, s := ended(t, cmd); status != int(node.CodeFailed) || !strings.Contains(log.String(), "standard output: the process at the other end does not read") {
		t.Errorf("after SIGTERM: %d %v, %s", status, s, &log)
	}
}

// started starts `report`, and returns once it waits for more of standard input.
func started(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := agent(t, "report")
	r, w := pipe(t, false)
	cmd.Stdin = r
	if err := unix.SetNonblock(int(r.Fd()), false); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("{"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it reads standard input", func() bool {
		n, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
		return err == nil && n == 0
	})
	return cmd
}

func TestSumUpHearsASignal(t *testing.T) {
	cmd := started(t)
	_ = cmd.Process.Signal(syscall.SIGINT)
	if status, s := ended(t, cmd); status != int(node.CodeFailed) {
		t.Errorf("after SIGINT: %d %v, want %d", status, s, node.CodeFailed)
	}
}

// The exit status of a crash is none of the table.
func TestCrash(t *testing.T) {
	cmd := started(t)
	_ = cmd.Process.Signal(syscall.SIGQUIT) // Go's runtime crashes
	if status, s := ended(t, cmd); s != syscall.SIGABRT {
		t.Errorf("after SIGQUIT: %d %v, want %v", status, s, syscall.SIGABRT)
	}
	for _, how := range []string{"panic", "overflow"} {
		cmd := agent(t, how)
		cmd.Args[0], cmd.Dir = "crash", t.TempDir()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if status, s := ended(t, cmd); s != syscall.SIGABRT {
			t.Errorf("%s: %d %v, want %v", how, status, s, syscall.SIGABRT)
		}
		if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
			t.Errorf("%s leaves %v", how, left)
		}
	}
}

// Without room for Go's runtime no line of Go runs, and its exit status would be 2.
func TestNoAddressSpace(t *testing.T) {
	flags := regexp.MustCompile(`go build [^\n]*-ldflags "-E main\.entry|\$\(GO\) build [^\n]*-ldflags "-E main\.entry`)
	for _, file := range []string{"../../Makefile", "../../packaging/release.sh"} {
		if content, err := os.ReadFile(file); err != nil || !flags.Match(content) {
			t.Errorf("%s does not build with -ldflags \"-E main.entry\" (%v)", file, err)
		}
	}
	program := filepath.Join(t.TempDir(), "falco-bootstrap")
	build := exec.Command("go", "build", "-ldflags", "-E main.entry", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for limit, want := range map[string]int{"100000": 71, "400000": 71, "800000": 71, "1048576": 0, "unlimited": 0} {
		out, err := exec.Command("sh", "-c", "ulimit -v "+limit+"; exec "+program+" version").CombinedOutput()
		status := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			status = exit.ExitCode()
		}
		if status != want || (string(out) == noRoom) != (want == 71) {
			t.Errorf("with ulimit -v %s: %v, want %d\n%s", limit, err, want, out)
		}
	}
}

// crash is what no recover catches: a panic of another goroutine, and a fatal error.
func crash() {
	abortOnCrash()
	debug.SetMaxStack(1 << 20)
	var deeper func(n int) int
	deeper = func(n int) int { return deeper(n+1) + 1 }
	go func() {
		if os.Args[1] == "panic" {
			panic("a bug")
		}
		deeper(0)
	}()
	<-context.Background().Done()
}

// stubborn does not heed the first signal.
func stubborn() {
	ctx := untilSignal(context.Background())
	_, _ = os.Stdout.WriteString("ready\n")
	<-ctx.Done()
	_, _ = os.Stdout.WriteString("told\n")
	<-context.Background().Done()
}

func TestSecondSignal(t *testing.T) {
	cmd := agent(t)
	cmd.Args[0] = "stubborn"
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	lines := bufio.NewScanner(out)
	if err != nil || !lines.Scan() {
		t.Fatal(err, lines.Err())
	}
	// A terminal that closes sends several; none of them is a second wish.
	for range 3 {
		_ = cmd.Process.Signal(syscall.SIGHUP)
	}
	if !lines.Scan() || lines.Text() != "told" {
		t.Fatalf("after SIGHUP: %q, %v", lines.Text(), lines.Err())
	}
	eventually(t, "it ends", func() bool {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		return err == nil && info.Signo == int32(unix.SIGCHLD)
	})
	if status, s := ended(t, cmd); s != syscall.SIGTERM {
		t.Errorf("after a second SIGTERM: %d %v", status, s)
	}
}

// A log that is read late says what is missing, and keeps what came first and last.
func TestOutletDropsWhatIsNotRead(t *testing.T) {
	var got bytes.Buffer
	taken, read := make(chan struct{}, 8), make(chan struct{})
	waits := time.Millisecond
	o := &outlet{name: "x", stop: t.Context().Done(), patience: func() time.Duration { return waits }}
	o.w = writerFunc(func(p []byte) (int, error) {
		taken <- struct{}{}
		<-read
		return got.Write(p)
	})
	line := bytes.Repeat([]byte("x"), 1023)
	line = append(line, '\n')
	if _, err := o.Write([]byte("first\n")); !errors.Is(err, errUnread) {
		t.Errorf("Write = %v, want %v", err, errUnread)
	}
	<-taken // what comes now waits behind it
	for range 2 * maxUnread / len(line) {
		_, _ = o.Write(line)
	}
	close(read)
	if err := o.wait(patience); err != nil {
		t.Fatal(err)
	}
	waits = patience // its reader reads now, but may be slow to be woken
	if _, err := o.Write([]byte("last\n")); err != nil {
		t.Errorf("Write once it is read = %v", err)
	}
	if text := got.String(); !strings.HasPrefix(text, "first\nx") || got.Len() > maxUnread+200 ||
		!strings.HasSuffix(text, "bytes are missing here: nothing has read them\nlast\n") {
		t.Errorf("what was read are %d bytes: %.20q … %q", got.Len(), text, text[max(0, len(text)-200):])
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
