// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
	"time"
)

// alertWriter writes numbered lines as Falco does without keep_alive: it opens the
// log for each.
const alertWriter = `
import time
for i in range(3000):
    with open("/var/log/falco.log", "a") as log:
        log.write("alert %d\n" % i)
    time.sleep(0.002)
open("/run/written", "w")
`

// follower reads as fluentd's in_tail does in the logging agent: it identifies a file
// by its inode, and goes on reading a renamed file for a while (rotate_wait) before it
// opens the new one.
const follower = `
import os, time
path, out = "/var/log/falco.log", open("/run/followed", "w", buffering=1)
log, moved, quiet = open(path), None, time.monotonic()
while True:
    text, now = log.read(), time.monotonic()
    if text:
        out.write(text)
        quiet = now
        continue
    try:
        same = os.stat(path).st_ino == os.fstat(log.fileno()).st_ino
    except FileNotFoundError:
        same = False
    if not same and moved is None:
        moved = now
    if moved is not None and now - moved > 0.5 and os.path.exists(path):
        log, moved = open(path), None
    if now - quiet > 3 and os.path.exists("/run/written"):
        break
    time.sleep(0.01)
`

// No alert is lost or read twice when logrotate, as the agent sets it up, renames a
// log that is being read.
func TestRotationLosesNothing(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.Config = "log:\n  rotate: {size: 1k, keep: 5}\n"
	n := Start(t, d)
	if r := n.Run(); r.Exit != 0 {
		t.Fatalf("falco-bootstrap = %v", r)
	}
	n.Must("systemctl stop falco-modern-bpf.service && : >/var/log/falco.log")
	n.WriteFile("/run/write.py", alertWriter)
	n.WriteFile("/run/follow.py", follower)
	n.Must("systemd-run -q --unit=follow python3 /run/follow.py && systemd-run -q --unit=write python3 /run/write.py")
	for range 3 {
		time.Sleep(2 * time.Second)
		n.Must("logrotate --state /run/logrotate.state /etc/logrotate.d/falco-bootstrap 2>&1")
	}
	n.Wait(3*time.Minute, "test -e /run/written && ! systemctl is-active --quiet follow.service")
	if got := strings.TrimSpace(n.Must("ls /var/log/falco.log.* | wc -l")); got < "2" {
		t.Fatalf("%s rotated logs, want 2 or more", got)
	}
	if r := n.Sh("diff <(seq -f 'alert %.0f' 0 2999) /run/followed"); r.Exit != 0 {
		t.Errorf("the reader did not read what was written: %v", r)
	}
}
