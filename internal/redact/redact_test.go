// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

const secret = "Zq7SecretMarker"

// secretForms are the ways in which a secret stands in a file, in place of %s.
func secretForms(t testing.TB) []string { return quoted(t, "forms.txt") }

// quoted reads a file of testdata that has a quoted string a line.
func quoted(t testing.TB, name string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		s, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, s)
	}
	return all
}

func TestText(t *testing.T) {
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
		{name: "userinfo with a quote in it", in: "https://u:p\"q@mirror/x", want: "https://[redacted]@mirror/x"},
		{name: "userinfo with angle brackets in it", in: "HTTPS://<p>@q@mirror/x", want: "HTTPS://[redacted]@mirror/x"},
		{name: "query", in: "https://h/x?a=1&access_token=abc&b=2#c", want: "https://h/x?[redacted]"},
		{name: "signed request", in: "https://h/x?X-Amz-Signature=abc", want: "https://h/x?[redacted]"},
		{name: "webhook", in: "curl -d @- -X POST https://hooks.slack.com/services/T0/B0/xyz", want: "curl -d @- -X POST https://hooks.slack.com/[redacted]"},
		{name: "pre-authenticated request", in: "https://objectstorage.eu-frankfurt-1.oraclecloud.com/p/s3-cr_et/n/ns/b/rpms/o/x", want: "https://objectstorage.eu-frankfurt-1.oraclecloud.com/p/[redacted]/n/ns/b/rpms/o/x"},
		{name: "pre-authenticated request of a namespace", in: "baseurl=https://axyz.objectstorage.uk-london-1.oci.customer-oci.com/p/s3-cr_et/n/axyz/b/falco/o/rpms/repodata/repomd.xml", want: "baseurl=https://axyz.objectstorage.uk-london-1.oci.customer-oci.com/p/[redacted]/n/[redacted]/b/falco/o/rpms/repodata/repomd.xml"},
		{name: "pre-authenticated request without a host", in: "GET /p/s3-cr_et/n/ns/b/x/o/ 404", want: "GET /p/[redacted]/n/ns/b/x/o/ 404"},
		{name: "webhook of another service", in: `url: "https://discord.com/api/webhooks/123456/abcdef"`, want: `url: "https://discord.com/api/webhooks/[redacted]"`},
		{name: "webhook with escaped slashes", in: `{"url":"https:\/\/chat.test\/hook\/abcdef"}`, want: `{"url":"https:\/\/chat.test\/hook\/[redacted]"}`},
		{name: "webhook without a scheme", in: "program: curl -d @- hooks.slack.com/services/T0/B0/xyz", want: "program: curl -d @- hooks.slack.com/[redacted]"},
		{name: "a token in the path", in: "url: https://collector.test/abcdef/in, then", want: "url: https://collector.test/[redacted]/in, then"},
		{name: "fragment", in: "https://h/x#abcdef", want: "https://h/x#[redacted]"},
		{name: "an encoded URL", in: "to=https%3A%2F%2Fh%2Fabcdef", want: "to=https%3A%2F%2F[redacted]"},
		{name: "a URL over two lines", in: "url: \"https://h/abcd\\\n  ef\"\nport: 1", want: "url: \"https://h/[redacted]\\\n  [redacted]\nport: 1"},
		{name: "Oracle's repository in a region", in: "baseurl=https://yum.eu-frankfurt-1.oci.oraclecloud.com/repo/OracleLinux/OL9/developer_EPEL/x86_64/"},
		{name: "Oracle's repository by variables", in: "baseurl=https://yum$ociregion.$ocidomain/repo/OracleLinux/OL9/developer_EPEL/$basearch/"},
		{name: "a host that only sounds public", in: "https://falco.org.evil.test/abcdef", want: "https://falco.org.evil.test/[redacted]"},
		{name: "a public host with a password", in: "https://u:p@download.falco.org/packages/anything?x=1", want: "https://[redacted]@download.falco.org/packages/anything?[redacted]"},
		{name: "a mirror's usual path", in: "https://mirror.test:8443/repos/ol9/falco/x86_64/repodata/repomd.xml"},
		{name: "a package", in: "https://mirror.test/rpms/falco-0.44.1-1.x86_64.rpm: 404"},
		{name: "a file", in: "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity"},
		{name: "a proxy without a scheme", in: "proxy=user:pa/ss@proxy.test:3128", want: "proxy=[redacted]@proxy.test:3128"},
		{name: "environment of a unit", in: "[Service]\nEnvironment=LD_PRELOAD=/usr/lib64/x.so \"COLLECTOR=ab cd\" HTTPS_PROXY=http://u:p@proxy:3128 LEVEL=debug CONFIG=/etc/x\nUMask=0077", want: "[Service]\nEnvironment=LD_PRELOAD=/usr/lib64/x.so \"COLLECTOR=[redacted]\" HTTPS_PROXY=http://[redacted]@proxy:3128 LEVEL=debug CONFIG=/etc/x\nUMask=0077"},
		{name: "environment over two lines", in: "Environment=A=abcdef \\\n  B=ghijkl\nUMask=0077", want: "Environment=A=[redacted] \\\n  [redacted]\nUMask=0077"},
		{name: "environment in a sentence", in: "Environment=LD_PRELOAD=/x/y.so of /etc/x.conf:3 overrules Environment=A=abcdef", want: "Environment=LD_PRELOAD=/x/y.so of /etc/x.conf:3 overrules Environment=A=[redacted]"},
		{name: "a header in a command", in: "program: curl -H 'Key: abc' -H X:abcdef --header \"A: b c\" x", want: "program: curl -H [redacted] -H [redacted] --header [redacted] x"},
		{name: "a header", in: "X-Api: abc", want: "X-Api: [redacted]"},
		{name: "basic", in: "sent Basic dXNlcjpwYXNz==", want: "sent Basic [redacted]"},
		{name: "a token known by its form", in: "no ghp_abcdefghijklmnop1234 here", want: "no [redacted] here"},
		{name: "a mail address", in: "mail root@localhost", want: ""},
		{name: "a control group", in: "in system.slice/falco-modern-bpf.service"},
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
		{name: "the path of a key", in: "client_key: \"/etc/ssl/certs/client.key\"\nsslclientkey=/etc/pki/x.key"},
		{name: "a key itself", in: "client_key: MIIabc/+==", want: "client_key: [redacted]"},
		{name: "base64 that begins like a path", in: "client_key: /9j4+x==", want: "client_key: [redacted]"},
		{name: "a password is not a path", in: "password: /etc/x", want: "password: [redacted]"},
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
			if got := redact.Text(tt.in); got != want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, want)
			}
		})
	}
}

func TestTextHidesEveryForm(t *testing.T) {
	for _, form := range secretForms(t) {
		for _, token := range quoted(t, "tokens.txt") {
			text := fmt.Sprintf(form, token)
			if got := redact.Text(text); strings.Contains(got, token) {
				t.Errorf("Text(%q) = %q, which shows the secret", text, got)
			}
			if got := redact.JSON([]byte(fmt.Sprintf(`{"a": [{"b": %q}]}`, text))); strings.Contains(string(got), token) {
				t.Errorf("JSON shows the secret of %q: %s", text, got)
			}
		}
	}
}

// Only a character that begins the path, the query or the next word ends the user
// and password of a URL.
func TestTextHidesAnyUserinfo(t *testing.T) {
	for c := byte(' '); c < 0x7f; c++ {
		if strings.IndexByte(" /?#@", c) >= 0 {
			continue
		}
		if got := redact.Text("https://" + secret + string(c) + "@host"); strings.Contains(got, secret) {
			t.Errorf("with %q in it Text shows %q", c, got)
		}
	}
}

// Text keeps the number of lines and is idempotent.
func FuzzText(f *testing.F) {
	for _, form := range secretForms(f) {
		f.Add(fmt.Sprintf(form, "x"))
	}
	f.Fuzz(func(t *testing.T, in string) {
		once := redact.Text(in)
		if strings.Count(once, "\n") != strings.Count(in, "\n") {
			t.Fatalf("Text(%q) = %q, with a different number of lines", in, once)
		}
		if twice := redact.Text(once); twice != once {
			t.Fatalf("Text(%q) = %q, and again %q", in, once, twice)
		}
	})
}

// A value is hidden because of its key or of its form.
func TestValue(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		value     any
		want      string
	}{
		{name: "plain", key: "file_output.filename", value: "/var/log/falco.log", want: "/var/log/falco.log"},
		{name: "number", key: "webserver.listen_port", value: 8765, want: "8765"},
		{name: "list under a secret key", key: "http_output.headers", value: []any{"X-A: abc"}, want: redact.Mask},
		{name: "element of a secret key", key: "http_output.headers[0]", value: "abc", want: redact.Mask},
		{name: "path under a secret key", key: "http_output.client_key", value: "/etc/x.key", want: "/etc/x.key"},
		{name: "URL", key: "http_output.url", value: "https://h.test/abcdef", want: "https://h.test/[redacted]"},
		{name: "map with a secret key", key: "plugins", value: map[string]any{"api_key": "abc"}, want: "map[api_key:[redacted]"},
		{name: "not set", key: "http_output.headers", want: redact.Mask},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := redact.Value(tt.key, tt.value); got != tt.want {
				t.Errorf("Value(%q, %v) = %q, want %q", tt.key, tt.value, got, tt.want)
			}
		})
	}
}
