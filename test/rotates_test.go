// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// Whatever somebody else has for logrotate, after a run the real logrotate takes
// its whole configuration, rotates the log, and Falco goes on writing.
func TestWholeRotation(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	const ours = "/etc/logrotate.d/falco-bootstrap"
	conf := n.ReadFile("/etc/logrotate.conf")
	for _, tt := range []struct {
		name  string
		files map[string]string
		keep  bool     // keep_alive
		ours  bool     // the agent's file is there after a run
		says  []string // in a warning
	}{
		{name: "nothing else", ours: true},
		{name: "names that logrotate skips", files: map[string]string{"/etc/logrotate.d/falco.rpmsave": "/var/log/falco.log {\n}\n", "/etc/logrotate.d/falco.disabled": "/var/log/falco.log {\n}\n"}, ours: true},
		{
			name: "a pattern", files: map[string]string{"/etc/logrotate.d/syslog": "/var/log/messages /var/log/falco*.log {\n  missingok\n  weekly\n  rotate 2\n}\n"},
			says: []string{"/etc/logrotate.d/syslog:1 already rotates", "rotate 2 instead of 7"},
		},
		{
			name: "a pattern, with keep_alive", files: map[string]string{"/etc/logrotate.d/syslog": "/var/log/falco*.log {\n  weekly\n  rotate 2\n  postrotate\n    pkill -USR1 -x falco\n  endscript\n}\n"},
			keep: true, says: []string{"rotate 2 instead of 7"},
		},
		{
			name: "the main file", files: map[string]string{"/etc/logrotate.conf": conf + "\n/var/log/falco.log {\n  size 100M\n  rotate 7\n}\n"},
		},
		{
			name: "another directory", files: map[string]string{"/etc/logrotate.conf": conf + "\ninclude /etc/site\n", "/etc/site/all": "/var/log/fal*.log {\n  daily\n  rotate 7\n}\n"},
			says: []string{"/etc/site/all:1 already rotates"},
		},
		{
			name: "what the main file has for all", files: map[string]string{"/etc/logrotate.conf": "copytruncate\nminsize 1G\nolddir /var/log/old\n" + conf, "/var/log/old/x": ""}, ours: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.In(t)
			for path, content := range tt.files {
				n.Must("mkdir -p $(dirname " + path + ")")
				n.WriteFile(path, content)
			}
			defer func() {
				n.Must("rm -rf /etc/site /var/log/old /etc/logrotate.d/falco.* /etc/logrotate.d/syslog /var/log/falco.log?*")
				n.WriteFile("/etc/logrotate.conf", conf)
			}()
			run := func() report.Report {
				return reportOf(t, n.Run("--output=json", "--set", fmt.Sprintf("file_output.keep_alive=%v", tt.keep)))
			}
			all := run()
			if all.Exit.Code != 0 || len(tt.says) == 0 && strings.Contains(warned(all), "rotate") {
				t.Fatalf("exit %d, warnings %q: %+v", all.Exit.Code, warned(all), failure(all))
			}
			Lines(t, warned(all), tt.says...)
			if n.Exists(ours) != tt.ours {
				t.Errorf("%s is there: %v, want %v", ours, !tt.ours, tt.ours)
			}
			n.Must("cat /etc/shadow >/dev/null; for ((i = 0; i < 300; i++)); do [ -s /var/log/falco.log ] && break; sleep 0.1; done")
			for _, command := range []string{"-d", "-f"} {
				if r := n.Exec("logrotate", command, "-s", "/tmp/rotation", "/etc/logrotate.conf"); r.Exit != 0 || strings.Contains(r.Stderr, "duplicate") {
					t.Errorf("logrotate %s: %v", command, r)
				}
			}
			if got := n.Must("ls /var/log | grep -c '^falco.log.'"); got != "1\n" {
				t.Errorf("rotated logs: %s", n.Must("ls -l /var/log /etc/logrotate.d"))
			}
			if !n.Alert("/var/log/falco.log", 30*time.Second) {
				t.Errorf("Falco does not write on: %s", n.Must("ls -l /var/log"))
			}
			if again := run(); again.Result != "ok" {
				t.Errorf("the next run: %s, drift %q", again.Result, again.Drift)
			}
		})
	}
}
