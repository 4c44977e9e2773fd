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

// secretForms returns the forms in which a secret appears in a file, each with %s
// in its place.
func secretForms(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/forms.txt")
	if err != nil {
		t.Fatal(err)
	}
	var forms []string
	for line := range strings.Lines(string(text)) {
		form, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		forms = append(forms, form)
	}
	return forms
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
		{name: "query", in: "https://h/x?a=1&access_token=abc&b=2#c", want: "https://h/x?a=1&access_token=[redacted]&b=2#c"},
		{name: "signed request", in: "https://h/x?X-Amz-Signature=abc", want: "https://h/x?X-Amz-Signature=[redacted]"},
		{name: "webhook", in: "curl -d @- -X POST https://hooks.slack.com/services/T0/B0/xyz", want: "curl -d @- -X POST https://hooks.slack.com/[redacted]"},
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
		if got := redact.Text(fmt.Sprintf(form, secret)); strings.Contains(got, secret) {
			t.Errorf("Text(%q) = %q, which shows the secret", form, got)
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
