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

// lastAlert returns the last line of the log.
func (n *Node) lastAlert() string {
	n.t.Helper()
	return strings.TrimSuffix(n.Must("tail -n 1 /var/log/falco.log"), "\n")
}

// The stand-in for Falco itself, on one node.
func TestStandinFalco(t *testing.T) {
	n := byHand(t, OL("9.6"), "0.44.1")
	if r := n.rpm("FALCO_DRIVER_CHOICE=none", "0.44.1"); r.Exit != 0 {
		t.Fatalf("installing falco: %v", r)
	}
	n.WriteFile("/etc/falco/config.d/50-test.yaml",
		"file_output: {enabled: true, keep_alive: false, filename: /var/log/falco.log}\n")
	n.Must("systemctl start falco-modern-bpf")
	n.inTurn(t, []turn{
		{"alert as text", alertText},
		{"alert as JSON", alertJSON},
		{"reload", reload},
		{"misbehaviour", misbehaviour},
	})
}

func alertText(t *testing.T, n *Node) {
	if n.Exists("/var/log/falco.log") {
		t.Error("the log is there before the first alert")
	}
	began := time.Now()
	n.Must("for ((i = 0; i < 100; i++)); do curl -sf http://127.0.0.1:8765/healthz && exit; sleep 0.02; done; exit 1")
	healthy := time.Since(began)
	if !n.Alert("/var/log/falco.log", 20*time.Second) {
		t.Fatalf("no alert: %v", n.Sh("systemctl status --no-pager falco-modern-bpf; journalctl -n 20 --no-pager"))
	}
	if alert := time.Since(began); alert < healthy {
		t.Errorf("alert after %v, /healthz after %v, want /healthz first", alert, healthy)
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
	before := n.Must("wc -l </var/log/falco.log")
	n.Must("for i in 1 2 3; do bash -c 'read x </etc/shadow'; done; sleep 0.3")
	if after := n.Must("wc -l </var/log/falco.log"); after != before {
		t.Errorf("a shell's open made alerts: %s lines, then %s", before, after)
	}
}

func alertJSON(t *testing.T, n *Node) {
	n.WriteFile("/etc/falco/config.d/60-json.yaml", "json_output: true\n")
	n.Must("systemctl restart falco-modern-bpf; rm /var/log/falco.log")
	defer n.Must("rm /etc/falco/config.d/60-json.yaml; systemctl restart falco-modern-bpf")
	for range 100 {
		n.Sh("cat /etc/shadow >/dev/null; sleep 0.1")
		if n.Exists("/var/log/falco.log") {
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

// A reload leaves Falco blind for almost two seconds, keeps the old
// configuration on an error, and is nothing where files are not watched.
func reload(t *testing.T, n *Node) {
	if !n.Alert("/var/log/falco.log", 20*time.Second) {
		t.Fatal("no alert")
	}
	before := n.Unit("falco-modern-bpf.service")
	n.Must("systemctl reload falco-modern-bpf; sleep 0.5; : >/var/log/falco.log; cat /etc/shadow >/dev/null; sleep 0.2")
	if log := n.ReadFile("/var/log/falco.log"); log != "" {
		t.Errorf("an alert while a reload is under way: %q", log)
	}
	n.Must("sleep 2; cat /etc/shadow >/dev/null; sleep 0.3; grep -q 'Sensitive file' /var/log/falco.log")
	n.WriteFile("/tmp/broken.yaml", "file_output: {enabled: true}\n")
	n.Must("mv /tmp/broken.yaml /etc/falco/config.d/60-broken.yaml; sleep 1; grep -q 'hot restart failure' /var/log/falco.log")
	n.Must("rm /etc/falco/config.d/60-broken.yaml; sleep 3")
	if after := n.Unit("falco-modern-bpf.service"); after.MainPID != before.MainPID {
		t.Errorf("process %d became %d over a reload", before.MainPID, after.MainPID)
	}
}

func misbehaviour(t *testing.T, n *Node) {
	n.Quirk("crash", "")
	n.Must("systemctl restart falco-modern-bpf; sleep 1")
	if u := n.Unit("falco-modern-bpf.service"); u.ActiveState != "activating" || u.SubState != "auto-restart" {
		t.Errorf("unit of a Falco that crashes = %+v", u)
	}
	n.Must("rm /etc/falco-standin/crash /var/log/falco.log; systemctl reset-failed; echo 0 >/etc/falco-standin/delay; : >/etc/falco-standin/hang")
	n.Must("systemctl restart falco-modern-bpf; sleep 0.5; curl -sf http://127.0.0.1:8765/healthz")
	if n.Alert("/var/log/falco.log", time.Second) {
		t.Error("a Falco that hangs made an alert")
	}
	n.Must("rm /etc/falco-standin/hang; systemctl restart falco-modern-bpf")
	if !n.Alert("/var/log/falco.log", 5*time.Second) {
		t.Error("no alert from a Falco that is well again")
	}
}
