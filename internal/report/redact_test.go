// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{name: "nothing to hide", in: "falco 0.44.1 is installed"},
		{name: "a URL", in: "baseurl=https://download.falco.org/packages/rpm"},
		{name: "a URL with a port and an @ in its path", in: "https://mirror:8443/a/@b/c"},
		{name: "user and password", in: "reading https://u:p@mirror/x: refused", want: "reading https://[redacted]@mirror/x: refused"},
		{name: "a token as user", in: "https://ghp_abc@mirror/x", want: "https://[redacted]@mirror/x"},
		{name: "@ in a password", in: "https://u:p@ss@mirror/x", want: "https://[redacted]@mirror/x"},
		{name: "slash in a password", in: "https://u:p/s@mirror/x", want: "https://[redacted]@mirror/x"},
		{name: "quote in a password", in: "'https://u:p'q@mirror/x'", want: "'https://[redacted]@mirror/x'"},
		{name: "two URLs", in: "http://a:b@c http://d:e@f", want: "http://[redacted]@c http://[redacted]@f"},
		{name: "query", in: "https://h/x?a=1&access_token=abc&b=2#c", want: "https://h/x?a=1&access_token=[redacted]&b=2#c"},
		{name: "signed request", in: "https://h/x?X-Amz-Signature=abc", want: "https://h/x?X-Amz-Signature=[redacted]"},
		{name: "webhook", in: "curl -d @- -X POST https://hooks.slack.com/services/T0/B0/xyz", want: "curl -d @- -X POST https://hooks.slack.com/services/T0/B0/xyz"},
		{name: "pre-authenticated request", in: "https://objectstorage.eu-frankfurt-1.oraclecloud.com/p/s3-cr_et/n/ns/b/rpms/o/x", want: "https://objectstorage.eu-frankfurt-1.oraclecloud.com/p/[redacted]/n/ns/b/rpms/o/x"},
		{name: "a YAML value", in: "user: x\npassword: hunter2\nport: 1", want: "user: x\npassword: [redacted]\nport: 1"},
		{name: "quoted, with a comma inside", in: `{password: "a,b", port: 1}`, want: `{password: "[redacted]", port: 1}`},
		{name: "plain, in a flow map", in: `{password: a, port: 1}`, want: `{password: [redacted]`},
		{name: "JSON", in: `{"api_key":"a\"b","port":1}`, want: `{"api_key":"[redacted]","port":1}`},
		{name: "JSON within YAML", in: `init_config: "{\"api_key\":\"abc\"}"`, want: `init_config: "{\"api_key\":[redacted]`},
		{name: "a block", in: "token: |\n  abc\n\n  def\nport: 1", want: "token: |\n  [redacted]\n\n  [redacted]\nport: 1"},
		{name: "the next line", in: "token:\n  abc\nport: 1", want: "token:\n  [redacted]\nport: 1"},
		{name: "a list of headers", in: "headers:\n- 'A: b'\n- 'C: d'\nport: 1", want: "headers:\n- [redacted]\n- [redacted]\nport: 1"},
		{name: "a list of headers in brackets", in: "headers: ['A: b',\n'C: d'\n]\nport: 1", want: "headers: [redacted]\n[redacted]\n[redacted]\nport: 1"},
		{name: "a quote over two lines", in: "secret: 'a\nb'\nport: 1", want: "secret: [redacted]\n[redacted]\n[redacted]"},
		{name: "below a list item", in: "- password:\n    x\n  port: 1", want: "- password:\n    [redacted]\n  port: 1"},
		{name: "a comment below a value", in: "  token: x\n  # -- what comes next\n    # deeper", want: "  token: [redacted]\n  # -- what comes next\n    # [redacted]"},
		{name: "a long line", in: "a: 1\nb=" + strings.Repeat("x", 20_000) + "\nc: 2", want: "a: 1\n[redacted]\nc: 2"},
		{name: "a comment", in: "# password: old", want: "# password: [redacted]"},
		{name: "a diff", in: "-token: a\n+token:\n+  b\n port: 1", want: "-token: [redacted]\n+token:\n+  [redacted]\n port: 1"},
		{name: "INI", in: "proxy_password = a b\r\nenabled=1", want: "proxy_password = [redacted]\r\nenabled=1"},
		{name: "dotted", in: "--set http_output.token=abc", want: "--set http_output.token=[redacted]"},
		{name: "command line", in: "login --password hunter2 --user x", want: "login --password [redacted] --user x"},
		{name: "curl", in: "curl -u me:hunter2 x", want: "curl -u me:[redacted] x"},
		{name: "bearer", in: "sent Bearer abc.def and got 401", want: "sent Bearer [redacted] and got 401"},
		{name: "camel case", in: "clientSecret: x", want: "clientSecret: [redacted]"},
		{name: "a key's path", in: "client_key: \"/etc/ssl/certs/client.key\"\nsslclientkey=/etc/pki/x.key"},
		{name: "a key itself", in: "client_key: MIIabc/+==", want: "client_key: [redacted]"},
		{name: "base64 that begins like a path", in: "client_key: /9j4+x==", want: "client_key: [redacted]"},
		{name: "a password is no path", in: "password: /etc/x", want: "password: [redacted]"},
		{name: "a password's file", in: "password_file: /etc/x"},
		{name: "no secret set", in: "token: \"\"\npassword: null\nauth: false"},
		{name: "a file that is called so", in: "reading /etc/passwd: permission denied"},
		{name: "a private key", in: "x: 1\n-----BEGIN EC PRIVATE KEY-----\nMII\n-----END EC PRIVATE KEY-----\ny: 2", want: "x: 1\n[redacted]\n[redacted]\n-----[redacted]\ny: 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			if tt.name == "webhook" {
				want = strings.Replace(want, "services/T0/B0/xyz", "[redacted]", 1)
			}
			if got := report.Redact(tt.in); got != want {
				t.Errorf("Redact(%q) = %q, want %q", tt.in, got, want)
			}
		})
	}
}

// secretForms are the ways in which a secret stands in a file; %s is where.
func secretForms() []string {
	return []string{
		"password: %s", "password: '%s'", "password: \"%s\"", "  - api_key: %s", "{a: 1, token: %s, b: 2}",
		"password:\n  %s", "token: |\n  line\n  %s\n", "secret: >-\n\n   x %s y", "credentials:\n  user: x\n  deep:\n    - %s",
		"headers:\n- 'X-Key: %s'", "headers: [\n'X-Key: %s'\n]", "authorization: \"Bearer\n  %s\"", "secret: 'a\n%s\nb'",
		"url: https://user:%s@host/path", "url: https://%s@host/", "url: \"https://h/x?token=%s&y=z\"", "baseurl=http://h/?a=b;sig=%s",
		"# password: %s", "#   token: |\n#     %s", "proxy_password=%s", "{\"client_secret\":\"%s\",\"a\":1}", "init: '{\"api_key\": \"%s\"}'",
		"init: \"{\\\"api_key\\\": \\\"%s\\\"}\"", "client_key: %s", "program: curl --token %s x", "program: \"curl -u me:%s x\"",
		"program: curl -H 'Authorization: Bearer %s' x", "program: curl https://hooks.slack.com/services/T/B/%s",
		"baseurl=https://objectstorage.uk.oraclecloud.com/p/%s/n/ns/b/x/o/", "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----",
		"private_key: |\n  -----BEGIN PRIVATE KEY-----\n  %s\n  -----END PRIVATE KEY-----",
	}
}

// everyOutput is all that a report can say.
func everyOutput(t *testing.T, r report.Report) string {
	t.Helper()
	var buf bytes.Buffer
	for _, write := range []func(io.Writer) error{
		r.JSON, r.Line, r.Metrics,
		func(w io.Writer) error { return r.Text(w, report.TextOptions{Verbose: true, Color: true}) },
	} {
		if err := write(&buf); err != nil {
			t.Fatal(err)
		}
	}
	return buf.String()
}

// planted is the report of a run in which text is everywhere a step can put
// it: before and after a change, in reasons, warnings and errors.
func planted(around, text string) report.Report {
	write := func(before, after string) node.Change {
		return node.WriteFile{Path: "/etc/falco/falco.yaml", Old: []byte(before), New: []byte(after), Cause: node.Because(node.DriftConfigEdited, "")}
	}
	s := step("config", converge.StatusFailed, text,
		write(around, around+"\n"+text), write(around+"\n"+text, around), write(text+"\na: 1", text+"\na: 2"),
		write(text+"\n"+around, strings.ToUpper(around)+"\n"+text),
		node.RemoveFile{Path: "/x", Old: []byte(text + "\n" + around)},
		node.Install{Action: "install", Targets: []node.Target{{Name: "falco", Spec: text}}, Cause: node.Because("", text)},
		node.ImportKey{URL: text, Cause: node.Because("", text)},
		node.ChangeUnit{Unit: "falco.service", Action: node.Restart, From: text, To: text, Cause: node.Because("", text)})
	s.Waiting, s.Unknown = text, []string{text}
	s.Warnings = []node.Warning{{Message: text, Hint: text}}
	s.Err = &node.Error{Code: node.CodeConfig, Err: fmt.Errorf("checking: %s", text), Hint: text}
	m := meta(report.ModeConverge)
	m.Err = fmt.Errorf("panic:\n%s", text)
	return report.New(m, converge.Result{Steps: []converge.StepResult{s}, Err: s.Err})
}

// surroundings are lines that leave a reader of lines in a state that a secret
// below them may profit from.
func surroundings() []string {
	return []string{
		"token: 'unclosed", "token: \"unclosed\n- x: [", "headers: [", "headers: ['", "headers: [\"a", "token: {a: '",
		"  token:", "    password: |\n      x", "# token:", "token:\n# x", "credentials:\n# token: |", "token: a # b", "-----BEGIN PRIVATE KEY-----", "client_key: /etc/x", "token: \"\"",
		"a: https://u:p@h/ 'x", "- [{", "token: [redacted]", "x: |", "? token", "{", "'", "\"", "secret: >", "a: b: c: password:",
	}
}

const secret = "Zq7SecretMarker"

func TestNoSecretComesOut(t *testing.T) {
	for _, form := range secretForms() {
		for _, around := range append(surroundings(), "file_output:\n  enabled: true\n") {
			text := fmt.Sprintf(form, secret)
			if out := everyOutput(t, planted(around, text)); strings.Contains(out, secret) {
				t.Errorf("a secret planted as %q below %q comes out: …%s", text, around, out[max(0, strings.Index(out, secret)-80):strings.Index(out, secret)+20])
			}
		}
	}
}

// A secret in any of these forms, whatever lines surround it and at whatever
// depth it stands, never comes out of a report.
func FuzzNoSecretComesOut(f *testing.F) {
	for i := range secretForms() {
		f.Add(uint8(i), uint8(0), "a: 1\nb:\n  c: 2\n")
		around := surroundings()[i%len(surroundings())]
		f.Add(uint8(i), uint8(4), around)
	}
	f.Fuzz(func(t *testing.T, form, depth uint8, around string) {
		if strings.Contains(strings.ToUpper(around), strings.ToUpper(secret[:4])) || len(around) > 2000 {
			t.Skip()
		}
		forms := secretForms()
		pad := strings.Repeat(" ", int(depth%16))
		text := fmt.Sprintf(forms[int(form)%len(forms)], secret)
		text = pad + strings.ReplaceAll(text, "\n", "\n"+pad)
		if out := everyOutput(t, planted(around, text)); strings.Contains(out, secret) {
			t.Errorf("a secret planted as %q around %q comes out:\n%s", text, around, out)
		}
	})
}

// Redacting keeps the number of lines, and a second time changes nothing.
func FuzzRedact(f *testing.F) {
	for _, form := range secretForms() {
		f.Add(fmt.Sprintf(form, "x"))
	}
	f.Fuzz(func(t *testing.T, in string) {
		once := report.Redact(in)
		if strings.Count(once, "\n") != strings.Count(in, "\n") {
			t.Fatalf("Redact(%q) = %q, another number of lines", in, once)
		}
		if twice := report.Redact(once); twice != once {
			t.Fatalf("Redact(%q) = %q, and again %q", in, once, twice)
		}
	})
}
