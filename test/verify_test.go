// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
	"time"
)

// A complaint is a way in which a node fails to detect, and what verify says about it.
type complaint struct {
	name string
	// do and undo are lines of bash; after undo Falco is as it was.
	do, undo string
	exit     int
	says     []string // in the message, in this order
	warns    []string // in the warnings
}

const (
	// restarted restarts Falco, detects waits until an alert is in the log, and dies
	// waits until Falco has died.
	restarted = "systemctl reset-failed falco-modern-bpf; systemctl restart falco-modern-bpf; "
	detects   = "for ((i = 0; i < 300; i++)); do cat /etc/shadow >/dev/null; sleep 0.1; [ -s " + alertsLog + " ] && break; done; "
	dies      = "for ((i = 0; i < 300; i++)); do [ $(systemctl show --value -p SubState falco-modern-bpf) = auto-restart ] && break; sleep 0.1; done; "
)

const alertsLog = "/var/log/alerts/falco.log"

// fragment writes a fragment of config.d.
func fragment(content string) string {
	return "echo " + quote(content) + " >/etc/falco/config.d/90-test.yaml; " + restarted
}

// squatter has another program listen on a port.
func squatter(port string) string {
	// http.server asks for the host's name between bind and listen.
	return "systemd-run --quiet --unit=squatter python3 -c 'import socket, time; s = socket.create_server((\"\", " + port + ")); time.sleep(999)'; " +
		"for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/" + port + ") 2>/dev/null && break; sleep 0.1; done; "
}

const noFragment = "rm -f /etc/falco/config.d/90-test.yaml; " + restarted

// verify names every reason why a node does not detect.
func TestVerifyTellsApart(t *testing.T) {
	t.Parallel()
	const log = alertsLog
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	flags := []string{"--set", "file_output.filename=" + log}
	if r := n.Run(flags...); r.Exit != 0 {
		t.Fatal(r)
	}
	flags = append(flags, "--output=json", "verify")
	for _, c := range []complaint{
		{name: "text", do: "true"},
		{name: "JSON", do: fragment("json_output: true"), undo: noFragment},
		{
			name: "JSON with neither output nor fields", undo: noFragment,
			do: fragment("{json_output: true, json_include_output_property: false, json_include_output_fields_property: false}"),
		},
		{
			name: "another output of the rule",
			do:   "printf -- '- rule: Read sensitive file untrusted\\n  output: \"by %%%%proc.name\"\\n  override: {output: replace}\\n' >/etc/falco/rules.d/output.yaml; " + restarted,
			undo: "rm /etc/falco/rules.d/output.yaml; " + restarted,
		},
		{
			name: "a macro that silences the rule", exit: 7, says: []string{"wrote no alert", "/etc/falco/rules.d/macro.yaml:1 changes the macro open_read"},
			do:   "printf -- '- macro: open_read\\n  condition: never_true\\n' >/etc/falco/rules.d/macro.yaml; " + restarted,
			undo: "rm /etc/falco/rules.d/macro.yaml; " + restarted,
		},
		{
			name: "a system call is left out", exit: 7, says: []string{"wrote no alert", "90-test.yaml:1: base_syscalls.custom_set leaves out the system call openat"},
			do: fragment("base_syscalls: {custom_set: ['!openat']}"), undo: noFragment,
		},
		{
			name: "its web server has another port, and somebody has 8765", undo: "systemctl stop squatter; " + noFragment,
			do: fragment("webserver: {enabled: true, listen_port: '0x223E'}") + squatter("8765"),
		},
		{
			name: "somebody has its own port", exit: 7, says: []string{"not running", "another program listens on port 8766 (python3, process"}, undo: "systemctl stop squatter; " + noFragment,
			do: fragment("webserver: {enabled: true, listen_port: \"8766\"}") + "systemctl stop falco-modern-bpf; " + squatter("8766") + "systemctl start falco-modern-bpf; " + dies,
		},
		{
			name: "a directory", exit: 7, says: []string{"no alert can reach the log", log + " is a directory"},
			do: "rm " + log + "; mkdir " + log, undo: "rmdir " + log,
		},
		{
			name: "every rules file is gone", exit: 7, says: []string{"wrote no alert", "every rules file is missing"},
			do:   "mkdir -p /srv/aside; mv /etc/falco/falco_rules*.yaml /srv/aside/; " + restarted, // it starts, since rules.d is there
			undo: "mv /srv/aside/* /etc/falco/; " + restarted,
		},
		{
			name: "the rule is disabled", exit: 7, says: []string{"wrote no alert", "90-test.yaml:1 disables the rule"},
			do: fragment(`rules: [{disable: {rule: "Read sensitive*"}}]`), undo: noFragment,
		},
		{
			name: "the rule is off in a rules file", exit: 7, says: []string{"wrote no alert", "/etc/falco/rules.d/off.yaml disables the rule"},
			do:   "printf -- '- rule: Read sensitive file untrusted\\n  enabled: false\\n' >/etc/falco/rules.d/off.yaml; " + restarted,
			undo: "rm /etc/falco/rules.d/off.yaml; " + restarted,
		},
		{
			name: "the priority is too high", exit: 7, says: []string{"wrote no alert", "90-test.yaml:1", "priority error drops"},
			do: fragment("priority: error"), undo: noFragment,
		},
		{
			name: "stuck", exit: 7, says: []string{"is running but wrote no alert to " + log},
			do: "touch /etc/falco-standin/hang; " + restarted, undo: "rm /etc/falco-standin/hang; " + restarted,
		},
		{
			name: "the directory is gone", exit: 7, says: []string{"no alert can reach the log", "/var/log/alerts does not exist"},
			do: "mv /var/log/alerts /srv/aside/", undo: "mv /srv/aside/alerts /var/log/",
		},
		{
			name: "a pipe", exit: 7, says: []string{"no alert can reach the log", log + " is a named pipe"},
			do: "rm " + log + "; mkfifo " + log, undo: "rm " + log,
		},
		{
			name: "the disk is full", exit: 7, says: []string{"no alert can reach the log", "is full"},
			do:   "mount -t tmpfs -o size=4k tmpfs /var/log/alerts; head -c 4096 /dev/zero >" + log + "; " + restarted,
			undo: "umount /var/log/alerts; " + restarted,
		},
		{
			name: "the log was moved away from an open Falco", exit: 7, says: []string{"falco writes to " + log + " (deleted)", "which is not " + log},
			do: fragment("file_output: {enabled: true, keep_alive: true, filename: "+log+"}") +
				"rm -f " + log + "; " + detects + "rm " + log,
			undo: noFragment,
		},
		{
			name: "two Falcos, one in a container", warns: []string{"another Falco runs in a container", "alerts: two Falcos write to " + log},
			do: "systemd-run --quiet --slice=kubepods-pod1.slice --unit=cri-falco /usr/bin/falco; " +
				"alerts() { cat " + log + " 2>/dev/null | wc -l; }; " +
				"for ((i = 0; i < 100; i++)); do n=$(alerts); cat /etc/shadow >/dev/null; sleep 0.3; [ $(alerts) -ge $((n + 2)) ] && break; done",
			undo: "systemctl stop cri-falco",
		},
		{
			name: "somebody else has the port", exit: 7, says: []string{"not running", "another program listens on port 8765 (python3, process"},
			do:   "systemctl stop falco-modern-bpf; " + squatter("8765") + "systemctl start falco-modern-bpf; " + dies,
			undo: "systemctl stop squatter; " + restarted,
		},
		{
			name: "a fragment that is broken", exit: 7, says: []string{"not running", "90-test.yaml:1", `priority "loud"`},
			do: fragment("priority: loud") + dies, undo: noFragment,
		},
		{
			name: "rules that Falco refuses", exit: 7, says: []string{"not running", "Falco says", "/etc/falco/rules.d/bad.yaml", "nosuch.field"},
			do:   "printf -- '- rule: X\\n  desc: x\\n  condition: nosuch.field = 1\\n  output: x\\n  priority: INFO\\n' >/etc/falco/rules.d/bad.yaml; " + restarted + dies,
			undo: "rm /etc/falco/rules.d/bad.yaml; " + restarted,
		},
		{
			name: "it crashes", exit: 7, says: []string{"not running", "no complaint about its configuration", "systemd says: exit-code"},
			do: "touch /etc/falco-standin/crash; " + restarted + dies, undo: "rm /etc/falco-standin/crash; " + restarted,
		},
		{name: "stopped", exit: 7, says: []string{"falco-modern-bpf.service is inactive", "not running"}, do: "systemctl stop falco-modern-bpf", undo: restarted},
		{name: "repaired", do: "true"},
		{name: "no Falco", exit: 7, says: []string{"falco is not installed"}, do: "rpm -e falco 2>&1"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, n, flags) })
	}
}

func (c complaint) check(t *testing.T, n *Node, flags []string) {
	n.In(t)
	n.Must(c.do)
	if c.undo != "" {
		defer n.Must(c.undo)
	}
	// A Falco that detects does so soon, even on a slow machine; if it does not,
	// verify takes all the time it has.
	within := "--within=20s"
	if c.exit != 0 {
		within = "--within=2s"
	}
	began := time.Now()
	r := n.Run(append(flags, within)...)
	all := reportOf(t, r)
	if r.Exit != c.exit {
		t.Fatalf("verify: %v", r)
	}
	Lines(t, failure(all).Message, c.says...)
	for _, w := range c.warns {
		if !strings.Contains(warned(all), w) {
			t.Errorf("warnings = %q, want %q among them", warned(all), w)
		}
	}
	if c.warns == nil && warned(all) != "" && c.exit == 0 {
		t.Errorf("warnings = %q, want none", warned(all))
	}
	if c.exit != 0 && failure(all).Hint == "" {
		t.Errorf("no hint with %q", failure(all).Message)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("verify took %v", took)
	}
}
