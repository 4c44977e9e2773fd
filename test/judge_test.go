// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
)

const siteDropIn = "/etc/systemd/system/falco-modern-bpf.service.d/60-site.conf"

// editYAML is bash that has sed change falco.yaml.
func editYAML(script string) string { return "sed -i " + quote(script) + " " + falcoYAML + "; " }

// append is bash that appends a text with the escapes of printf.
func appendYAML(text string) string { return "printf " + quote(text) + " >>" + falcoYAML + "; " }

// What Falco accepts is not refused where the declared values are in force,
// nothing is edited, and verify probes.
func TestFalcoIsTheJudge(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	n.Must("cp -a /etc/falco /srv/falco; mkdir -p " + siteDropIn[:strings.LastIndex(siteDropIn, "/")])
	const undo = "rm -rf /etc/falco; cp -a /srv/falco /etc/falco; rm -f " + siteDropIn + "; systemctl daemon-reload; " + restarted
	for _, c := range []struct{ name, do string }{
		{
			"text that only yaml-cpp reads", editYAML(`1i %YAML 1.2\n---`) +
				appendYAML(`\t\n# caf\351 \033[1m \302\205a: [ \342\200\250b: [\nfree: "\\/x"\n---\n[ a second document\n`),
		},
		{
			"variables of the unit", editYAML(`s/^priority: .*/priority: ${PRIORITY}/; s/^log_level: .*/log_level: ${LEVEL}/; s/^  listen_address: .*/  listen_address: ${ADDRESS}/`) +
				"printf '[Service]\\nEnvironment=PRIORITY=debug LEVEL=info ADDRESS=0.0.0.0 LOG=/var/log/falco.log\\n' >" + siteDropIn + "; " +
				"echo 'file_output: {enabled: \"yes\", filename: \"${LOG}\"}' >/etc/falco/config.d/60-site.yaml; systemctl daemon-reload; ",
		},
		{
			"words and empty entries", editYAML(`/^config_files:/a\  - ""`) +
				"echo 'file_output: {enabled: Y, filename: /var/log/falco.log}' >/etc/falco/config.d/60-site.yaml; " + appendYAML(`priority: loud\n`),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.In(t)
			n.Must(c.do + restarted)
			defer n.Must(undo)
			before := n.ReadFile(falcoYAML)
			for _, args := range [][]string{nil, {"--dry-run"}, {"verify"}} {
				if r := n.Run(args...); r.Exit != 0 {
					t.Errorf("%q: %v", args, r)
				}
			}
			if after := n.ReadFile(falcoYAML); after != before {
				t.Errorf("falco.yaml was edited: %q", after)
			}
		})
	}
	t.Run("an edit of such text", func(t *testing.T) {
		n.In(t)
		n.Must(editYAML(`1i %YAML 1.2\n---`) + appendYAML(`\t\n# caf\351 \033[1m \302\205a: [\n`))
		defer n.Must(undo)
		before := n.ReadFile(falcoYAML)
		if r := n.Run("--set", "output_timeout=3000"); r.Exit != 0 {
			t.Fatal(r)
		}
		if after, want := n.ReadFile(falcoYAML), strings.Replace(before, "\noutput_timeout: 2000\n", "\noutput_timeout: 3000\n", 1); after != want || after == before {
			t.Errorf("falco.yaml is %q, want %q", after, want)
		}
	})
}

// A run names who has the port of Falco's web server, as verify does.
func TestRunNamesWhoHasThePort(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Must("systemctl stop falco-modern-bpf; " + squatter("8765"))
	r := n.Run()
	if all := r.Stdout + r.Stderr; r.Exit != 7 || !strings.Contains(all, "another program listens on port 8765 (python3, process ") {
		t.Errorf("a run: %v, want 7 and who has the port", r)
	}
}

// What Falco has read again by itself is not older; what it does not notice is.
func TestHotReload(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	started := n.Must("systemctl show --value -p ExecMainStartTimestampMonotonic falco-modern-bpf")
	for _, c := range []struct {
		name, do string
		exit     int
		says     string
	}{
		{"a fragment that is moved in", "echo 'json_output: true' >/srv/a; mv /srv/a /etc/falco/config.d/60-site.yaml", 0, ""},
		{"falco.yaml that is replaced", "cp -a " + falcoYAML + " /srv/a; echo '# x' >>/srv/a; mv /srv/a " + falcoYAML, 0, ""},
		{"rules that are written", "echo '# x' >>/etc/falco/falco_rules.local.yaml", 0, ""},
		{"a fragment that is written in its place", "echo '# x' >>/etc/falco/config.d/60-site.yaml", 2, "config-stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.In(t)
			n.Must("sleep 1.1; " + c.do + "; sleep 3.5")
			r := n.Run("--dry-run", "--output=json")
			if r.Exit != c.exit || !strings.Contains(r.Stdout, c.says) {
				t.Errorf("a dry run: %v, want %d and %q", r, c.exit, c.says)
			}
		})
	}
	if now := n.Must("systemctl show --value -p ExecMainStartTimestampMonotonic falco-modern-bpf"); now != started {
		t.Errorf("Falco was restarted: %s, then %s", started, now)
	}
}

// A link is followed as Falco follows it, and a dry run says what a run does.
func TestLinkedFiles(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	for _, c := range []struct {
		name, do string
		flags    []string
		exit     int
		says     string
		then     string // bash that must succeed after the run
	}{
		{
			name: "falco.yaml", do: "mv " + falcoYAML + " /srv/falco.yaml; ln -s /srv/falco.yaml " + falcoYAML, flags: []string{"--set", "output_timeout=3000"},
			then: "[ $(readlink " + falcoYAML + ") = /srv/falco.yaml ] && grep -q '^output_timeout: 3000' /srv/falco.yaml",
		},
		{
			name: "the log", do: "rm -f /var/log/falco.log; ln -s /srv/alerts.log /var/log/falco.log", flags: []string{"--set", "output_timeout=3000"},
			then: "[ -L /var/log/falco.log ] && [ -f /srv/alerts.log ]",
		},
		{name: "the log, into nowhere", do: "rm -f /var/log/falco.log; ln -s /mnt/gone/alerts.log /var/log/falco.log", exit: 6, says: "is a link to /mnt/gone/alerts.log, whose directory does not exist"},
		{name: "the log, named by a variable", do: "rm -f /var/log/falco.log", flags: []string{"--set", "file_output.filename=/var/log/falco-${x}.log"}, exit: 6, says: "replaces variables"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.In(t)
			n.Must(c.do)
			dry, run := n.Run(append(c.flags, "--dry-run")...), n.Run(c.flags...)
			if run.Exit != c.exit || c.exit != 0 && dry.Exit != c.exit || c.exit == 0 && dry.Exit != 2 {
				t.Errorf("a dry run: %v\na run: %v\nwant %d", dry, run, c.exit)
			}
			if all := dry.Stdout + dry.Stderr; !strings.Contains(all, c.says) {
				t.Errorf("a dry run says %q, want %q", all, c.says)
			}
			if c.then != "" {
				n.Must(c.then)
			}
		})
	}
}
