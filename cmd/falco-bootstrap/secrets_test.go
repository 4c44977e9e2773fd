// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// secretURLs are addresses that give token away: as user, as password, in the
// query, in the fragment, and in the path, of whatever service.
func secretURLs(token string) []string {
	var all []string
	for _, authority := range []string{
		"mirror.test", "10.0.0.5:8080", "[fd00::1]:443", "hooks.slack.com", "discord.com", "events.pagerduty.com",
		"outlook.office.com", "objectstorage.uk-london-1.oraclecloud.com", "ns.objectstorage.uk-london-1.oci.customer-oci.com",
	} {
		for _, path := range []string{"/%s", "/p/%s/n/ns/b/x/o/", "/services/T0/B0/%s", "/api/webhooks/1/%s/slack", "/rpm?t=%s", "/rpm#%s"} {
			all = append(all, "https://"+authority+fmt.Sprintf(path, token))
		}
	}
	for _, authority := range []string{"mirror.test", "download.falco.org", "yum.oracle.com"} {
		all = append(all, "https://u:"+token+"@"+authority+"/rpm", "https://"+token+"@"+authority+"/rpm", "https://"+authority+"/rpm?t="+token)
	}
	return all
}

// A secretPlace puts a secret where a run finds it.
type secretPlace struct {
	name string
	put  func(s *secretRun, url, token string)
	// silent says that no output mentions the value at all.
	silent bool
}

// A secretRun is a node and a command line with a secret somewhere.
type secretRun struct {
	node     *fakeNode
	settings string
	environ  []string
	args     []string
	machine  secretMachine
	complain string
}

func secretPlaces() []secretPlace {
	settings := func(form string) func(*secretRun, string, string) {
		return func(s *secretRun, url, token string) {
			s.settings = strings.NewReplacer("URL", url, "TOKEN", token).Replace(form)
		}
	}
	file := func(name, form string) func(*secretRun, string, string) {
		return func(s *secretRun, url, token string) {
			s.node.files[name] = text(strings.NewReplacer("URL", url, "TOKEN", token).Replace(form))
		}
	}
	const output = "file_output:\n  enabled: false\n  filename: ./x\nrules_files: [/etc/falco/falco_rules.yaml]\n"
	return []secretPlace{
		{name: "the repository", put: settings("repository:\n  baseurl: \"URL\"\n  gpgkey: \"URL\"\n")},
		{name: "a repository that is none", put: settings("repository:\n  baseurl: \"ftp+URL\"\n")},
		{name: "a value of the wrong type", put: settings("repository:\n  warn_days: \"URL\"\n  baseurl: [\"URL\"]\n"), silent: true},
		{name: "an unknown key", put: settings("repository:\n  password: TOKEN\n"), silent: true},
		{name: "a broken settings file", put: settings("repository: {password: TOKEN\nx: \"URL\n"), silent: true},
		{name: "a local package", put: settings("falco:\n  rpm: \"URL\"\n"), silent: true},
		{name: "declared keys", put: settings("falco:\n  config:\n    http_output:\n      enabled: true\n      url: \"URL\"\n      headers: [\"X-Key: TOKEN\"]\n      client_key: TOKEN\n" +
			"    program_output: {program: \"curl -H 'Key: TOKEN' URL\"}\n    plugins: [{name: x, open_params: \"URL\", init_config: {api_key: TOKEN}}]\n")},
		{name: "flags", put: func(s *secretRun, url, token string) {
			s.args = []string{"--repository-baseurl=" + url, "--repository-gpgkey", url, "--set=http_output.url=" + url, "--set", "http_output.headers=['X: " + token + "']"}
		}},
		{name: "a flag that is wrong", put: func(s *secretRun, _, token string) { s.args = []string{"--set", "http_output.headers=['X: " + token} }},
		{name: "a flag that is no key", put: func(s *secretRun, url, _ string) { s.args = []string{"--set", url} }},
		{name: "a flag of another type", put: func(s *secretRun, url, _ string) { s.args = []string{"--warn-days=" + url} }},
		{name: "an unknown flag", put: func(s *secretRun, _, token string) { s.args = []string{"--password=" + token} }, silent: true},
		{name: "a word of flags", silent: true, put: func(s *secretRun, _, token string) { s.args = []string{"-" + token} }},
		{name: "an argument", put: func(s *secretRun, url, _ string) { s.args = []string{url} }},
		{name: "the tree", put: func(s *secretRun, url, _ string) { s.args = []string{"--root", "/x/" + url} }},
		{name: "the file of settings", put: func(s *secretRun, url, _ string) { s.args = []string{"--config", url} }},
		{name: "the level of the log", put: func(s *secretRun, url, _ string) { s.args = []string{"--log-level", url} }},
		{name: "the environment", put: func(s *secretRun, url, token string) {
			s.environ = []string{"FALCO_BOOTSTRAP_REPOSITORY_BASEURL=" + url, "FALCO_BOOTSTRAP_SET=http_output.url=" + url + "\nhttp_output.headers=['X: " + token + "']", "FALCO_BOOTSTRAP_PASSWORD=" + token}
		}},
		{name: "the environment, of another type", put: func(s *secretRun, url, _ string) { s.environ = []string{"FALCO_BOOTSTRAP_WARN_DAYS=" + url} }},
		{name: "falco.yaml", put: file("etc/falco/falco.yaml", "program_output:\n  program: curl -H X:TOKEN URL\nhttp_output:\n  client_key: TOKEN\n  url: URL\n  headers: ['X: TOKEN']\n"+output)},
		{name: "a value of falco.yaml", put: file("etc/falco/falco.yaml", "file_output:\n  enabled: true\n  filename: URL\n")},
		{name: "a falco.yaml that an upgrade moved", put: file("etc/falco/falco.yaml.rpmsave", "http_output: {url: \"URL\", headers: ['X: TOKEN']}\n")},
		{name: "a fragment", put: func(s *secretRun, url, token string) {
			s.args = []string{"--set=http_output.url=https://log.test", "--set=http_output.headers=['A: b']"}
			s.node.files["etc/falco/falco.yaml"] = text("config_files: [/etc/falco/config.d]\n" + output)
			s.node.files["etc/falco/config.d/x.yaml"] = text("http_output:\n  url: \"" + url + "\"\n  headers: ['X: " + token + "']\n")
		}},
		{name: "a broken fragment", silent: true, put: func(s *secretRun, url, token string) {
			s.node.files["etc/falco/falco.yaml"] = text("config_files: [/etc/falco/config.d]\n" + output)
			s.node.files["etc/falco/config.d/x.yaml"] = text("http_output:\n  url: [\"" + url + "\"\n  headers: 'X: " + token + "\n")
		}},
		{name: "the unit's command line", put: func(s *secretRun, url, token string) {
			s.args = []string{"--set=http_output.url=https://log.test", "--set=http_output.headers=['A: b']"}
			u := s.node.units["falco-modern-bpf.service"]
			u.ExecStart = []string{"/usr/bin/falco", "-o", "http_output.url=" + url, "-o", "http_output.headers=['X: " + token + "']", "-o", "file_output.filename=" + url}
			s.node.units[u.Name] = u
		}},
		{name: "a repository file", put: file("etc/yum.repos.d/falcosecurity.repo", "[falcosecurity-rpm]\nname=Falco\nbaseurl=URL\n  URL\nproxy=URL\nproxy_password=TOKEN\ngpgkey=URL\nenabled=0\n")},
		{name: "another repository file", put: file("etc/yum.repos.d/a.repo", "[falcosecurity-rpm]\nmirrorlist=URL\npassword = TOKEN\nproxy=u:TOKEN@proxy.test:3128\n")},
		{name: "the drop-in", put: file("etc/systemd/system/falco-modern-bpf.service.d/50-falco-bootstrap.conf", "[Service]\nEnvironment=\"COLLECTOR=TOKEN x\" PROXY=URL\nExecStart=/usr/bin/falco -o http_output.url=URL\n")},
		{name: "the drop-in of another unit", put: file("etc/systemd/system/falco-kmod.service.d/50-falco-bootstrap.conf", "[Service]\nEnvironment=COLLECTOR=TOKEN \\\n  X=TOKEN\nEnvironment='HTTPS_PROXY=URL'\n")},
		{name: "rotation", put: file("etc/logrotate.d/falco-bootstrap", "/var/log/falco.log {\n  postrotate\n  curl -H 'X: TOKEN' URL\n  endscript\n}\n")},
		{name: "what systemd or rpm says", put: func(s *secretRun, url, _ string) { s.node.err = errors.New("asking: " + url + ": refused") }},
		{name: "what dnf says", put: func(s *secretRun, url, _ string) { s.machine.say("Curl error (7) for %s [Failed to connect]", url) }},
		{name: "what dnf says of a proxy", put: func(s *secretRun, _, token string) {
			s.machine.say("Could not resolve proxy: u:%s@proxy.test, password=%[1]s", token)
		}},
		{name: "what Falco says", put: func(s *secretRun, url, token string) {
			s.complain = "Error: http_output: cannot post to " + url + "; headers: [X: " + token + "]"
			s.machine.say("%s", s.complain)
		}},
	}
}

// A secretMachine fails at its first change, and says why in all its ways.
type secretMachine struct {
	view node.View
	opts host.Options
	said string
}

func (m *secretMachine) say(format, secret string) { m.said = fmt.Sprintf(format, secret) }
func (m *secretMachine) View() node.View           { return m.view }
func (m *secretMachine) Close() error              { return nil }

func (m *secretMachine) Apply(context.Context, node.Change) error {
	m.opts.Progress(node.Progress{Message: m.said})
	m.opts.Progress(node.Progress{Message: m.said, Warning: true})
	return node.Errorf(node.CodePackages, m.said, "running dnf: %s", m.said)
}

// outputs runs the command and returns all that it says anywhere.
func (s secretRun) outputs(t *testing.T, args []string) string {
	t.Helper()
	b := newBench(s.node)
	b.env.environ = s.environ
	b.env.readFile = func(name string) ([]byte, error) {
		if s.settings == "" || strings.Contains(name, "://") {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return []byte(s.settings), nil
	}
	b.env.machine = func(_ context.Context, o host.Options) (machine, error) {
		m := s.machine
		m.view, m.opts = s.node, o
		return &m, nil
	}
	s.node.complains = s.complain
	b.env.bundle = func(context.Context, host.Options, pkgmgr.BundleOrder) (node.Bundle, error) {
		return node.Bundle{}, errors.New(s.machine.said)
	}
	b.run(t, slices.Concat(args, s.args)...)
	var kept bytes.Buffer
	for _, r := range b.kept {
		old := []byte(fmt.Sprintf(`{"schema_version": 0, "said": %q}`, s.machine.said))
		if err := report.WithPrevious(r, old).JSON(&kept); err != nil {
			t.Fatal(err)
		}
	}
	return b.stdout.String() + b.stderr.String() + kept.String() + strings.Join(slices.Collect(maps.Values(b.written)), "\n")
}

// Wherever a secret comes from, no output of any command shows it.
func TestNoOutputShowsASecret(t *testing.T) {
	outputs := []string{"--report-file=/r", "--metrics=/m"}
	commands := [][]string{
		append([]string{"--dry-run", "-v"}, outputs...),
		{"--dry-run", "--output=json"},
		append([]string{"--log-format=json", "--log-level=debug"}, outputs...),
		{"-v"},
		{"verify"},
		{"verify", "--output=json"},
		{"explain"},
		{"bundle", "/b"},
		{"config", "show", "--origin"},
		{"config", "show", "--output=json"},
	}
	for i, token := range []string{"Zq7SecretMarker", "zqmarkersecret", "9f86d081884c7d65-9a2feaa0_c55ad015"} {
		urls := secretURLs(token)
		for j, place := range secretPlaces() {
			t.Run(fmt.Sprintf("%s/%s", token, place.name), func(t *testing.T) {
				seen := false
				for k := i + j; k < len(urls); k += 13 {
					for _, args := range commands {
						s := secretRun{node: withFalco()}
						place.put(&s, urls[k], token)
						out := s.outputs(t, args)
						if at := strings.Index(out, token); at >= 0 {
							t.Fatalf("%q with %s shows the secret: …%s…", args, urls[k], out[max(0, at-200):min(len(out), at+60)])
						}
						seen = seen || strings.Contains(out, "[redacted]")
					}
				}
				if seen == place.silent {
					t.Errorf("the outputs mention the value: %v", seen)
				}
			})
		}
	}
}
