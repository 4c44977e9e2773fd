// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
)

// TestMain lets the test binary be the probe.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == ProbeCommand {
		os.Exit(RunProbe(os.Stdin, os.Stdout, os.Args[2]))
	}
	os.Exit(m.Run())
}

func script(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755)
	if err = errors.Join(err, os.Chmod(path, 0o755)); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

const textAlert = "20:20:05.559837759: Warning Sensitive file opened for reading by non-trusted program | file=/etc/shadow gparent=timeout evt_type=openat user=root process=fb-probe-ABCDEF proc_exepath=/usr/bin/falco-bootstrap command=fb-probe-ABCDEF probe-open /etc/shadow"

func TestCompare(t *testing.T) {
	const bare = `{"hostname":"vm","priority":"Warning","rule":"Read sensitive file untrusted","source":"syscall","tags":["T1555"],"time":"2026-11-23T20:20:22.223613358Z"`
	tests := []struct {
		name, line string
		want       likeness
	}{
		{"text of 0.41 and later", textAlert, exact},
		{"text of 0.36", "20:20:05.5: Warning Sensitive file opened for reading by non-trusted program (file=/etc/shadow gparent=x ggparent=y process=fb-probe-ABCDEF)", exact},
		{"text of 0.35 and before", "20:20:05.5: Warning Sensitive file opened for reading by non-trusted program (user=root user_loginuid=-1 program=fb-probe-ABCDEF command=fb-probe-ABCDEF file=/etc/shadow parent=x)", exact},
		{"text with the date", "2026-11-23T20:20:05.559837759+0000: " + strings.TrimPrefix(textAlert, "20:20:05.559837759: "), exact},
		{"JSON", `{"hostname":"vm","output":"x","output_fields":{"fd.name":"/etc/shadow","proc.name":"fb-probe-ABCDEF"},"priority":"Warning","rule":"Read sensitive file untrusted"}`, exact},
		{"JSON without fields", `{"output":"` + textAlert + `"}`, exact},
		{"another output", "20:20:05.5: Warning somebody reads /etc/shadow: fb-probe-ABCDEF", likely},
		{"another output, the command only", "20:20:05.5: Warning read | cmd=fb-probe-ABCDEF probe-open /etc/shadow", likely},
		{"another output in JSON", bare + `,"output":"20:20:05.5: Warning by fb-probe-ABCDEF","output_fields":{"proc.name":"fb-probe-ABCDEF"}}`, likely},
		{"JSON with fields that name the command only", bare + `,"output_fields":{"proc.cmdline":"fb-probe-ABCDEF probe-open /etc/shadow"}}`, likely},
		{"JSON with a message", bare + `,"message":"by fb-probe-ABCDEF"}`, likely},
		{"JSON with neither output nor fields", bare + `}`, likely},
		{"JSON with neither, from before", strings.Replace(bare, "2026", "2025", 1) + `}`, unlike},
		{"JSON with neither, of another rule", strings.Replace(bare, "untrusted", "trusted", 1) + `}`, unlike},
		{"JSON of another process", bare + `,"output_fields":{"proc.name":"cat"}}`, unlike},
		{"JSON of another rule about the probe", strings.Replace(bare, "untrusted", "trusted", 1) + `,"output":"fb-probe-ABCDEF"}`, unlike},
		{"another process", strings.ReplaceAll(textAlert, "ABCDEF", "GHIJKL"), unlike},
		{"another file", strings.ReplaceAll(textAlert, "file=/etc/shadow ", "file=/etc/shadow- "), likely},
		{"another text", "20:20:05.5: Notice Something | file=/etc/shadow process=fb-probe-ABCDEF", likely},
		{"JSON cut short", `{"output":"` + textAlert, unlike},
		{"nothing", "", unlike},
	}
	began := time.Date(2026, 11, 23, 20, 20, 22, 0, time.UTC)
	for _, tt := range tests {
		if got := compare([]byte(tt.line), "/etc/shadow", "fb-probe-ABCDEF", began); got != tt.want {
			t.Errorf("%s: compare(%q) = %v, want %v", tt.name, tt.line, got, tt.want)
		}
	}
}

// What a killed agent left is removed; the link of one that is alive stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	own := "/proc/" + strconv.Itoa(os.Getpid()) + "/exe"
	old := filepath.Join(dir, MarkerPrefix+"OLDOLD")
	for name, target := range map[string]string{
		MarkerPrefix + "ALIVE0": own, MarkerPrefix + "OLDOLD": own, MarkerPrefix + "KILLED": "/proc/4194305/exe", "other": "/proc/4194305/exe",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	hour := unix.NsecToTimeval(time.Now().Add(-time.Hour).UnixNano())
	if err := errors.Join(unix.Lutimes(old, []unix.Timeval{hour, hour}), os.WriteFile(filepath.Join(dir, MarkerPrefix+"file"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	Sweep(dir)
	left, err := files.Glob(dir, "*")
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if want := []string{MarkerPrefix + "ALIVE0", MarkerPrefix + "file", "other"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("Sweep leaves %q, %v; want %q", left, err, want)
	}
}

// standIn stands in for Falco. It cannot see the open, since the probe closes the
// file at once. It finds the probe in /proc by its name instead, and reports it
// for as long as it runs.
func standIn(t *testing.T, write func(marker string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			all, _ := filepath.Glob("/proc/[0-9]*/comm")
			for _, path := range all {
				content, _ := os.ReadFile(path)
				comm := strings.TrimSpace(string(content))
				parent, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
				if strings.HasPrefix(comm, "fb-probe-") && strings.Contains(string(parent), " "+strconv.Itoa(os.Getpid())+" ") {
					write(comm)
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func alertFor(marker string) string {
	return strings.ReplaceAll(strings.ReplaceAll(textAlert, "fb-probe-ABCDEF", marker), "/etc/shadow ", "/etc/hostname ") + "\n"
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		_ = f.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

type watchCase struct {
	name   string
	before string // the log before; "" is none
	act    func(t *testing.T, log string) func(marker string)
	alerts int
}

// timeout is long if an alert is expected, because then Watch ends early.
func (c watchCase) timeout() time.Duration {
	if c.alerts == 0 {
		return time.Second
	}
	return 20 * time.Second
}

func TestWatch(t *testing.T) {
	tests := []watchCase{
		{name: "an existing log", before: "old line\n", alerts: 1, act: func(t *testing.T, log string) func(string) {
			once := false
			return func(marker string) {
				if !once {
					appendTo(t, log, alertFor(marker))
				}
				once = true
			}
		}},
		{name: "another output", before: "old line\n", alerts: 1, act: func(t *testing.T, log string) func(string) {
			once := false
			return func(marker string) {
				if !once {
					appendTo(t, log, "20:20:05.5: Warning by "+marker+"\n")
				}
				once = true
			}
		}},
		{name: "the first alert creates the log", alerts: 1, act: func(t *testing.T, log string) func(string) {
			once := false
			return func(marker string) {
				if !once {
					appendTo(t, log, alertFor(marker))
				}
				once = true
			}
		}},
		{name: "rotated meanwhile", before: strings.Repeat("old line\n", 1000), alerts: 1, act: func(t *testing.T, log string) func(string) {
			n := 0
			return func(marker string) {
				switch n++; n {
				case 2:
					if err := os.Rename(log, log+".1"); err != nil {
						t.Error(err)
					}
				case 5:
					appendTo(t, log, "new\n"+alertFor(marker))
				}
			}
		}},
		{name: "into the rotated file, by a Falco that keeps it open", before: "old line\n", alerts: 1, act: func(t *testing.T, log string) func(string) {
			n := 0
			return func(marker string) {
				switch n++; n {
				case 2:
					if err := os.Rename(log, log+".1"); err != nil {
						t.Error(err)
					}
					appendTo(t, log, "")
				case 5:
					appendTo(t, log+".1", alertFor(marker))
				}
			}
		}},
		{name: "truncated meanwhile", before: strings.Repeat("old line\n", 1000), alerts: 1, act: func(t *testing.T, log string) func(string) {
			n := 0
			return func(marker string) {
				switch n++; n {
				case 2:
					if err := os.Truncate(log, 0); err != nil {
						t.Error(err)
					}
				case 5:
					appendTo(t, log, alertFor(marker))
				}
			}
		}},
		{name: "no alert", before: "old line\n", act: func(t *testing.T, log string) func(string) {
			return func(string) { appendTo(t, log, alertFor("fb-probe-OTHERS")) }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			log := filepath.Join(dir, "falco.log")
			if tt.before != "" {
				appendTo(t, log, tt.before)
			}
			standIn(t, tt.act(t, log))
			p := Probe{Dir: dir, Log: log, file: "/etc/hostname", Timeout: tt.timeout(), Every: 20 * time.Millisecond, Linger: 50 * time.Millisecond}
			got, err := Watch(t.Context(), p)
			if err != nil || got.Alerts != tt.alerts || got.Opens < 1 {
				t.Errorf("Watch = %+v, %v; want %d alerts", got, err, tt.alerts)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "fb-probe-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestNewMarker(t *testing.T) {
	if a, b := newMarker(), newMarker(); len(a) != 15 || a == b {
		t.Errorf("newMarker = %q, %q; want two names of 15 characters", a, b)
	}
}

func TestWatchFails(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Watch(t.Context(), Probe{Log: fifo, Dir: dir, file: "/etc/hostname"}); !errors.Is(err, files.ErrNotRegular) {
		t.Errorf("Watch of a FIFO = %v, want %v", err, files.ErrNotRegular)
	}
	p := Probe{Dir: dir, Log: dir + "/log", file: dir + "/nowhere", Timeout: time.Second, Every: 20 * time.Millisecond}
	if _, err := Watch(t.Context(), p); err == nil || !strings.Contains(err.Error(), "cannot open") {
		t.Errorf("Watch of a missing file = %v, want an error that it cannot be opened", err)
	}
	p.file, p.Timeout = "/etc/hostname", time.Minute
	gone := fmt.Errorf("gone")
	p.Alive = func(context.Context) error { return gone }
	began := time.Now()
	if _, err := Watch(t.Context(), p); !errors.Is(err, gone) || time.Since(began) > 30*time.Second {
		t.Errorf("Watch = %v after %v, want %v at once", err, time.Since(began), gone)
	}
}

func TestWatchJournal(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "marker")
	journalctl := script(t, "journalctl", "until [ -e "+name+" ]; do sleep 0.1; done; cat "+name)
	standIn(t, func(marker string) {
		// Renamed, so that journalctl never reads half of it.
		next := filepath.Join(dir, "next")
		if err := errors.Join(os.WriteFile(next, []byte("x\n"+alertFor(marker)), 0o600), os.Rename(next, name)); err != nil {
			t.Error(err)
		}
	})
	p := Probe{Dir: dir, Log: dir + "/log", file: "/etc/hostname", Timeout: 5 * time.Second, Every: 20 * time.Millisecond, Journal: true, journalctl: journalctl}
	got, err := Watch(t.Context(), p)
	if err != nil || got.Detected() || got.Journal != 1 {
		t.Errorf("Watch = %+v, %v; want one alert, in the journal", got, err)
	}
}

// A line that is there already does not count; one that appears does.
func TestAwait(t *testing.T) {
	log := filepath.Join(t.TempDir(), "falco.log")
	put := func(text string) {
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Error(err)
		}
	}
	put("mine 1\n")
	mine := func(line []byte) bool { return strings.HasPrefix(string(line), "mine") }
	if line, err := Await(t.Context(), log, 200*time.Millisecond, mine); line != nil || err != nil {
		t.Errorf("Await = %q, %v before there is a line", line, err)
	}
	time.AfterFunc(150*time.Millisecond, func() { put("other\nmine 2\nmine 3\n") })
	if line, err := Await(t.Context(), log, 10*time.Second, mine); string(line) != "mine 2" || err != nil {
		t.Errorf("Await = %q, %v, want the first line", line, err)
	}
}
