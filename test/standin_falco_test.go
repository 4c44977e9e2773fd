// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

const healthy = "curl -sf http://127.0.0.1:8765/healthz"

// longestSilence is the longest time between two alerts in the log.
func (n *Node) longestSilence() time.Duration {
	n.t.Helper()
	var longest time.Duration
	var last time.Time
	for line := range strings.Lines(n.ReadFile("/var/log/falco.log")) {
		stamp, _, _ := strings.Cut(line, ": ")
		now, err := time.Parse("15:04:05.000000000", stamp)
		if err != nil {
			n.t.Fatalf("the time of an alert: %v", err)
		}
		if now.Before(last) { // midnight
			now = now.Add(24 * time.Hour)
		}
		if !last.IsZero() {
			longest = max(longest, now.Sub(last))
		}
		last = now
	}
	return longest
}

// lastAlert returns the last line of the log.
func (n *Node) lastAlert() string {
	n.t.Helper()
	return strings.TrimSuffix(n.Must("tail -n 1 /var/log/falco.log"), "\n")
}

// TestStandinFalco tests the stand-in for Falco, on one node.
func TestStandinFalco(t *testing.T) {
	n := byHand(t, OL("9.6"), "0.44.1")
	if r := n.rpm("FALCO_DRIVER_CHOICE=none", "0.44.1"); r.Exit != 0 {
		t.Fatalf("installing falco: %v", r)
	}
	n.WriteFile("/etc/falco/config.d/50-test.yaml",
		"file_output: {enabled: true, keep_alive: false, filename: /var/log/falco.log}\n")
	n.Must("systemctl start falco-modern-bpf")
	n.runSubtests(t, []subtest{
		{"alert as text", alertText},
		{"alert as JSON", alertJSON},
		{"reload", reload},
		{"misbehaviour", misbehaviour},
	})
}

func alertText(t *testing.T, n *Node) {
	if n.Exists("/var/log/falco.log") {
		t.Error("the log exists before the first alert")
	}
	n.Must("for ((i = 0; i < 500; i++)); do [ -e /var/log/falco.log ] && exit 3; " + healthy + " && exit; cat /etc/shadow >/dev/null; sleep 0.02; done; exit 1")
	if !n.Alert("/var/log/falco.log", 20*time.Second) {
		t.Fatalf("no alert: %v", n.Sh("systemctl status --no-pager falco-modern-bpf; journalctl -n 20 --no-pager"))
	}
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{9}: Warning Sensitive file opened for reading by non-trusted program \| ` +
		`file=/etc/shadow gparent=\S+ ggparent=\S+ gggparent=\S+ evt_type=openat user=root user_uid=0 user_loginuid=-?\d+ ` +
		`process=cat proc_exepath=/usr/bin/cat parent=bash command=cat /etc/shadow terminal=\d+ container_id=host ` +
		`container_name=<NA> container_image_repository=<NA> container_image_tag=<NA> k8s_pod_name=<NA> k8s_ns_name=<NA>$`)
	if line := n.lastAlert(); !want.MatchString(line) {
		t.Errorf("alert = %q", line)
	}
	if mode := n.Must("stat -c '%a %U' /var/log/falco.log"); mode != "600 root\n" {
		t.Errorf("the log's mode and owner = %q, want 600 root", mode)
	}
	n.Must("for i in 1 2 3; do bash -c 'read x </etc/shadow'; done; sleep 0.3")
	if log := n.ReadFile("/var/log/falco.log"); strings.Contains(log, "process=bash") {
		t.Errorf("an open by a shell caused alerts: %s", log)
	}
}

func alertJSON(t *testing.T, n *Node) {
	n.WriteFile("/etc/falco/config.d/60-json.yaml", "json_output: true\n")
	n.Must("systemctl restart falco-modern-bpf; rm /var/log/falco.log")
	defer n.Must("rm /etc/falco/config.d/60-json.yaml; systemctl restart falco-modern-bpf")
	for range 100 {
		n.Sh("cat /etc/shadow >/dev/null; sleep 0.1")
		if n.Sh("[ -s /var/log/falco.log ]").Exit == 0 {
			break
		}
	}
	var alert struct {
		Hostname, Output, Priority, Rule, Source, Time string
		Tags                                           []string
		Fields                                         map[string]any `json:"output_fields"`
	}
	line := n.lastAlert()
	if err := json.Unmarshal([]byte(line), &alert); err != nil {
		t.Fatalf("alert = %q: %v", line, err)
	}
	if alert.Rule != "Read sensitive file untrusted" || alert.Priority != "Warning" || alert.Source != "syscall" ||
		alert.Fields["proc.name"] != "cat" || alert.Fields["fd.name"] != "/etc/shadow" || alert.Hostname != "node" ||
		!strings.HasSuffix(alert.Time, "Z") || !strings.Contains(alert.Output, "process=cat") {
		t.Errorf("alert = %q", line)
	}
}

// A reload makes Falco blind for almost two seconds. On an error it keeps the old
// configuration.
func reload(t *testing.T, n *Node) {
	n.Must(": >/var/log/falco.log")
	if !n.Alert("/var/log/falco.log", 20*time.Second) {
		t.Fatal("no alert")
	}
	before := n.Unit("falco-modern-bpf.service")
	n.Must("systemctl reload falco-modern-bpf; for ((i = 0; i < 50; i++)); do cat /etc/shadow >/dev/null; sleep 0.1; done")
	if blind := n.longestSilence(); blind < 1500*time.Millisecond || blind > 20*time.Second {
		t.Errorf("blind for %v over a reload:\n%s", blind, n.ReadFile("/var/log/falco.log"))
	}
	n.WriteFile("/tmp/broken.yaml", "file_output: {enabled: true}\n")
	n.Must("mv /tmp/broken.yaml /etc/falco/config.d/60-broken.yaml; for ((i = 0; i < 100; i++)); do grep -q 'hot restart failure' /var/log/falco.log && exit; sleep 0.1; done; exit 1")
	n.Must("rm /etc/falco/config.d/60-broken.yaml; sleep 3")
	if after := n.Unit("falco-modern-bpf.service"); after.MainPID != before.MainPID {
		t.Errorf("process %d became %d during a reload", before.MainPID, after.MainPID)
	}
}

func misbehaviour(t *testing.T, n *Node) {
	n.Quirk("crash", "")
	n.Must("systemctl restart falco-modern-bpf; " + dies)
	if u := n.Unit("falco-modern-bpf.service"); u.ActiveState != "activating" || u.SubState != "auto-restart" {
		t.Errorf("unit of a Falco that crashes = %+v", u)
	}
	n.Must("rm /etc/falco-standin/crash /var/log/falco.log; systemctl reset-failed; echo 0 >/etc/falco-standin/delay; : >/etc/falco-standin/hang")
	n.Must("systemctl restart falco-modern-bpf; for ((i = 0; i < 100; i++)); do " + healthy + " && exit; sleep 0.1; done; exit 1")
	if n.Alert("/var/log/falco.log", time.Second) {
		t.Error("a Falco that hangs wrote an alert")
	}
	n.Must("rm /etc/falco-standin/hang; systemctl restart falco-modern-bpf")
	if !n.Alert("/var/log/falco.log", 20*time.Second) {
		t.Error("no alert from a repaired Falco")
	}
}
