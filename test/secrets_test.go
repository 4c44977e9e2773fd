// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"
)

// Secrets that are put where a node may have them are in no output, and in no file
// that the agent keeps.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	const token = "Zq7SecretMarker"
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	files := "--report-file=/tmp/report --metrics=/tmp/metrics"
	plant := func(name, format string) func() {
		return func() { n.WriteFile(name, strings.ReplaceAll(format, "TOKEN", token)) }
	}
	falco := n.ReadFile("/etc/falco/falco.yaml")
	repo := n.ReadFile("/etc/yum.repos.d/falcosecurity.repo")
	par := "http://127.0.0.1:8089/p/" + token + "/n/ns/b/x/o"
	for _, tt := range []struct {
		name  string
		make  []func()
		flags string
		undo  string
	}{
		{
			name: "falco.yaml", make: []func(){plant("/etc/falco/falco.yaml", strings.Replace(falco, "file_output:\n", "http_output: {url: 'https://hooks.test/x/TOKEN', headers: ['X: TOKEN']}\nfile_output:\n", 1)+"\njson_output: true\n")},
			flags: "--set json_output=true --set http_output.url=https://chat.test/" + token,
		},
		{
			name: "a fragment", make: []func(){plant("/etc/falco/config.d/60-x.yaml", "http_output: {url: 'https://hooks.test/x/TOKEN', headers: ['X: TOKEN']}\n")},
			flags: "--set http_output.url=https://chat.test/y --set 'http_output.headers=[\"A: b\"]'", undo: "rm /etc/falco/config.d/60-x.yaml",
		},
		{
			name: "the unit", make: []func(){
				plant("/etc/systemd/system/falco-modern-bpf.service.d/60-x.conf", "[Service]\nEnvironment='COLLECTOR=TOKEN' HTTPS_PROXY=http://u:TOKEN@proxy.test:1\n"),
				plant("/etc/systemd/system/falco-modern-bpf.service.d/50-falco-bootstrap.conf", "[Service]\nEnvironment=\"COLLECTOR=TOKEN a\"\n"), func() { n.Must("systemctl daemon-reload") },
			},
			undo: "rm -r /etc/systemd/system/falco-modern-bpf.service.d; systemctl daemon-reload",
		},
		{
			name: "the repository", make: []func(){plant("/etc/yum.repos.d/falcosecurity.repo", repo+"proxy=http://u:TOKEN@127.0.0.1:1\nproxy_password=TOKEN\n")},
			flags: "--falco-version=0.43.0 --repository-baseurl=" + par,
		},
		{
			name: "a key that is not there", make: []func(){func() { n.Must("rpm -e gpg-pubkey --allmatches; rm -f /etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity") }},
			flags: "--insecure --repository-gpgkey=" + par + "/key --repository-baseurl='" + par + "?x=" + token + "'",
		},
		{
			name: "what Falco refuses", make: []func(){plant("/etc/falco/rules.d/bad.yaml", "- rule: X\n  desc: https://h.test/TOKEN\n  condition: nosuch.field = 1\n  output: https://h.test/TOKEN\n  priority: INFO\n")},
			flags: "--set json_output=true", undo: "rm /etc/falco/rules.d/bad.yaml",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.In(t)
			for _, f := range tt.make {
				f()
			}
			commands := []string{
				"--dry-run -v " + files, "--dry-run --output=json", "verify --within=1s", "config show --origin", "config show --output=json",
				"--log-level=debug --log-format=json " + files, "bundle /tmp/bundle",
			}
			for _, command := range commands {
				r := n.Sh(fmt.Sprintf("FALCO_BOOTSTRAP_KERNEL_RELEASE=%s FALCO_BOOTSTRAP_PASSWORD=%s https_proxy=http://u:%[2]s@127.0.0.1:1 %s %s %s", n.Setup.Kernel, token, agent, command, tt.flags))
				if out := r.Stdout + r.Stderr; strings.Contains(out, token) {
					t.Errorf("%s shows the secret: %v", command, r)
				} else if out == "" {
					t.Errorf("%s says nothing: %v", command, r)
				}
			}
			if found := n.Sh("grep -rl " + token + " /var/lib/falco-bootstrap /tmp/report /tmp/metrics /tmp/bundle"); found.Stdout != "" {
				t.Errorf("the secret is in %s", found.Stdout)
			}
			n.Sh(tt.undo)
			n.WriteFile("/etc/falco/falco.yaml", falco)
			n.WriteFile("/etc/yum.repos.d/falcosecurity.repo", repo)
		})
	}
}
