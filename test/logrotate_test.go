// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"
)

// The real logrotate rotates the log several times while Falco writes alerts, and
// none is lost, whether Falco keeps the file open or not.
func TestLogRotation(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	const opens = 200
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep_alive %v", keep), func(t *testing.T) {
			n.In(t)
			log := fmt.Sprintf("/var/log/alerts-%v/falco.log", keep)
			flags := []string{"--log-mode=0640", "--set", "file_output.filename=" + log, "--set", fmt.Sprintf("file_output.keep_alive=%v", keep)}
			if r := n.Run(flags...); r.Exit != 0 {
				t.Fatal(r)
			}
			if got := n.Must("stat -c '%a %U %n' " + log); got != "640 root "+log+"\n" {
				t.Errorf("the log is %q after the first alert, want mode 640", got)
			}
			n.Must(fmt.Sprintf(`set -e
				(for ((i = 0; i < %d; i++)); do cat /etc/shadow >/dev/null; sleep 0.01; done; touch /tmp/done) &
				for ((r = 0; r < 4; r++)); do sleep 0.7; logrotate -f -s /tmp/rotated /etc/logrotate.d/falco-bootstrap 2>&1; done
				for ((i = 0; i < 600; i++)); do [ -e /tmp/done ] && break; sleep 0.1; done
				rm /tmp/done`, opens))
			// The last alerts may be late; there must not be too many, either.
			got := n.Must(fmt.Sprintf(`cd $(dirname %s); alerts() { for f in falco.log*; do case $f in *.gz) zcat $f ;; *) cat $f ;; esac; done | grep -c 'process=cat '; }
				for ((i = 0; i < 100; i++)); do [ $(alerts) -lt %d ] || break; sleep 0.1; done; sleep 0.5; alerts`, log, opens))
			if strings.TrimSpace(got) != fmt.Sprint(opens) {
				t.Errorf("%s alerts over %d opens:\n%s", strings.TrimSpace(got), opens, n.Must("wc -l "+log+"*"))
			}
			modes := n.Must("stat -c '%a %U' $(dirname " + log + ")/* | sort -u")
			if modes != "640 root\n" {
				t.Errorf("modes and owners of the logs = %q, want only 640 root", modes)
			}
			if files := strings.Fields(n.Must("ls $(dirname " + log + ")")); len(files) != 5 {
				t.Errorf("logs = %q, want one and four rotated", files)
			}
			if again := reportOf(t, n.Run(append(flags, "--output=json")...)); again.Result != "ok" {
				t.Errorf("a run after rotations: %s, drift %q", again.Result, again.Drift)
			}
		})
	}
}
