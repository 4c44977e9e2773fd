// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
)

// makeKey makes a key in the node with the user ID of Falco's keys, and writes it to
// the web server's keys. gpg takes time as the present time.
func (n *Node) makeKey(file, lives, time string) {
	n.t.Helper()
	n.Must(`set -e
		export GNUPGHOME=/srv/gnupg
		mail=` + file + `@falco.test
		gpg --batch --quiet --faked-system-time ` + time + ` --passphrase '' --pinentry-mode loopback \
			--quick-generate-key "Falcosecurity Package Signing <$mail>" rsa3072 sign ` + lives + ` 2>&1
		gpg --batch --armor --export "$mail" >/srv/www/keys/` + file + `.asc`)
}

// trusted lists the user IDs of the keys in rpm's database, except Oracle's.
func (n *Node) trusted() []string {
	n.t.Helper()
	var out []string
	for line := range strings.Lines(n.Must("rpm -q gpg-pubkey --queryformat '%{PACKAGER}\\n' | sort")) {
		if line = strings.TrimSpace(line); !strings.Contains(line, "oracle@") {
			out = append(out, line)
		}
	}
	return out
}

// forget returns a line of bash that removes a key from rpm's database.
func forget(mail string) string {
	return "rpm -e $(rpm -q gpg-pubkey --queryformat '%{NAME}-%{VERSION}-%{RELEASE} %{PACKAGER}\\n' | grep " + mail + " | cut -d ' ' -f 1) 2>&1; "
}

const falcoMail = "falco@falco.test"

// TestKeyLife follows the keys of a node over the years.
func TestKeyLife(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	pins := []string{"--fingerprint=" + n.Fingerprint("falco"), "--fingerprint=" + n.Fingerprint("other")}
	from := func(file string) string { return "--repository-gpgkey=" + www + "/keys/" + file }

	t.Run("dead keys of Falco are removed", func(t *testing.T) {
		n.In(t)
		n.makeKey("falco-2020", "1y", "20200101T000000!")
		n.Must("rpm --import /srv/www/keys/falco-2020.asc && rpm --import /srv/www/keys/other.asc")
		all := reportOf(t, n.Run("--output=json"))
		if all.Exit.Code != 0 || !slices.Contains(all.Drift, "key-expired") {
			t.Errorf("exit %d, drift %q", all.Exit.Code, all.Drift)
		}
		if got := strings.Join(n.trusted(), ", "); strings.Contains(got, "Falcosecurity") || !strings.Contains(got, falcoMail) || !strings.Contains(got, "other@") {
			t.Errorf("keys = %s, want the pinned one and the one that is not Falco's", got)
		}
		n.Must(forget("other@falco.test"))
	})
	t.Run("the same key with a later expiry replaces the old copy", func(t *testing.T) {
		n.In(t)
		n.Must(`set -e
			rm -rf /srv/short; cp -r /srv/gnupg /srv/short
			gpg --homedir /srv/short --batch --quiet --pinentry-mode loopback --passphrase '' --quick-set-expire $(cat /srv/www/keys/falco.fpr) seconds=1 2>&1
			gpg --homedir /srv/short --batch --armor --export falco@falco.test >/tmp/short.asc
			gpgconf --homedir /srv/short --kill all; sleep 1.5
			` + forget(falcoMail) + `rpm --import /tmp/short.asc; cp /tmp/short.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity`)
		all := reportOf(t, n.Run("--output=json"))
		if all.Exit.Code != 0 || !slices.Contains(all.Drift, "key-expired") {
			t.Errorf("exit %d, drift %q: %s", all.Exit.Code, all.Drift, failure(all).Message)
		}
		ends := n.Must(`for id in $(rpm -q gpg-pubkey); do rpm -q $id --queryformat '%{DESCRIPTION}' | gpg --show-keys --with-colons | grep -B9 falco@ | awk -F: '$1 == "pub" {print ($7 > systime())}'; done`)
		if ends != "1\n" {
			t.Errorf("copies of the key in rpm's database that are not expired = %q, want one", ends)
		}
	})
	t.Run("a warning before it expires", func(t *testing.T) {
		n.In(t)
		all := reportOf(t, n.Run("--output=json", "--warn-days=2000"))
		if !slices.Contains(all.Drift, "key-expiring") || !strings.Contains(warned(all), "expires in") || all.Exit.Code != 0 {
			t.Errorf("exit %d, drift %q, warnings %q", all.Exit.Code, all.Drift, warned(all))
		}
	})
	t.Run("the next key is pinned before it is served", func(t *testing.T) {
		n.In(t)
		for _, want := range []string{"changed", "ok"} {
			if all := reportOf(t, n.Run(append(pins, "--output=json")...)); all.Result != want {
				t.Errorf("result = %s, want %s: %s", all.Result, want, failure(all).Message)
			}
		}
	})
	t.Run("and looked for again when packages are needed", func(t *testing.T) {
		n.In(t)
		n.Must("rm /usr/share/falco/version")
		r := n.Run(append(pins, from("two.asc"), "--repository-baseurl="+www+"/falco/othersigned")...)
		if r.Exit != 0 {
			t.Errorf("reinstalling a package that the next key signed: %v", r)
		}
		if got := strings.Join(n.trusted(), ", "); !strings.Contains(got, falcoMail) || !strings.Contains(got, "other@") {
			t.Errorf("keys = %s, want both", got)
		}
	})
	t.Run("the old one is no longer served", func(t *testing.T) {
		n.In(t)
		n.Must(forget(falcoMail) + forget("other@falco.test") + "rm /etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity")
		for _, want := range []string{"changed", "ok"} {
			if all := reportOf(t, n.Run(append(pins, from("other.asc"), "--output=json")...)); all.Result != want {
				t.Errorf("result = %s, want %s: %s", all.Result, want, failure(all).Message)
			}
		}
		if got := strings.Join(n.trusted(), ", "); !strings.Contains(got, "other@") || strings.Contains(got, falcoMail) {
			t.Errorf("keys = %s, want only the new one", got)
		}
	})
	t.Run("only a pinned key that is valid", func(t *testing.T) {
		n.In(t)
		n.Must(forget("other@falco.test"))
		for _, name := range []string{"other", "expired", "revoked"} {
			args := []string{from(name + ".asc"), "--output=json"}
			if name != "other" {
				args = append(args, "--fingerprint="+n.Fingerprint(name))
			}
			all := reportOf(t, n.Run(args...))
			if all.Exit.Code != 4 || failure(all).Hint == "" {
				t.Errorf("%s: exit %d: %+v, want 4 and a hint", name, all.Exit.Code, failure(all))
			}
		}
		if got := n.trusted(); len(got) != 0 {
			t.Errorf("keys = %q, want none", got)
		}
	})
	t.Run("from a file, with no network", func(t *testing.T) {
		n.In(t)
		// The other key is pinned no longer, so a run would replace what it signed.
		n.Must("rpm -U --replacepkgs --quiet /srv/www/falco/0.44.1/falco-*.rpm >/dev/null 2>&1; systemctl stop node-server")
		for _, url := range []string{"/srv/www/keys/falco.asc", "file:///srv/www/keys/falco.asc"} {
			n.Must(forget(falcoMail) + "rm -f /etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity")
			if r := n.Run("--repository-gpgkey=" + url); r.Exit != 0 {
				t.Errorf("the key from %s: %v", url, r)
			}
		}
		if r := n.Run("--output=json"); reportOf(t, r).Result == "failed" {
			t.Errorf("a run on a converged node without a network: %v", r)
		}
	})
}

// forwarder is a proxy that sends every request to the node's own web server and
// logs it.
const forwarder = `import http.server, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, file=open("/var/log/forwarder", "a"))
        path = "/" + self.path.split("/", 3)[3]
        try:
            answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://127.0.0.1:8089" + path)
            body, status = answer.read(), 200
        except urllib.error.HTTPError as e:
            body, status = b"", e.code
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 3128), Handler).serve_forever()
`

// The key and the packages come from a mirror that only the environment's proxy can
// reach, and the URLs of Oracle's repositories are filled in while the node boots.
func TestProxyAndMapper(t *testing.T) {
	t.Parallel()
	d := OL("8.10")
	d.Falco, d.Config = "0.39.2", "falco:\n  version: 0.39.2\n" // needs dkms and kernel headers
	d.Files = map[string]string{
		"/srv/forwarder.py": forwarder,
		"/etc/systemd/system/oci-yum-repo-mapper.service": "[Service]\nExecStart=/bin/bash -c 'until [ -e /etc/yum.repos.d/falcosecurity.repo ]; do sleep 0.2; done; sleep 10; mkdir -p /etc/dnf/vars /var/lib/oci-linux-config; " +
			"echo .us-ashburn-1 >/etc/dnf/vars/ociregion; echo oci.oraclecloud.com >/etc/dnf/vars/ocidomain; touch /var/lib/oci-linux-config/yum_populated; sleep 1000'\n",
	}
	n := Start(t, d)
	const mirror = "http://mirror.example"
	n.Must(`set -e
		sed -i 's|` + www + `|` + mirror + `|' /etc/falco-bootstrap.yaml
		rm -f /etc/dnf/vars/oci* /etc/yum/vars/oci*
		systemctl daemon-reload
		systemd-run --quiet --unit=forwarder python3 /srv/forwarder.py
		for i in $(seq 100); do curl -s -x http://127.0.0.1:3128 ` + mirror + `/keys/falco.fpr >/dev/null && break; sleep 0.1; done
		systemctl start oci-yum-repo-mapper`)
	r := n.Exec(append([]string{"env", "http_proxy=http://127.0.0.1:3128", "no_proxy=127.0.0.1"}, n.agentCommand(nil)...)...)
	if r.Exit != 0 {
		t.Fatal(r)
	}
	Lines(t, n.ReadFile("/var/log/forwarder"), mirror+"/keys/falcosecurity-packages.asc", mirror+"/falco/0.39.2/repodata/repomd.xml", mirror+"/falco/0.39.2/falco-0.39.2-1")
	Lines(t, r.Stderr, "waiting for oci-yum-repo-mapper.service", "oci-yum-repo-mapper.service is done")
	if got := strings.Join(n.Requests(), "\n"); !strings.Contains(got, "/yum.us-ashburn-1.oci.oraclecloud.com/repo/OracleLinux/OL8/developer/EPEL/") {
		t.Errorf("requests = %s, want EPEL's of the region", got)
	}
	if r := n.Run("verify"); r.Exit != 0 {
		t.Errorf("verify: %v", r)
	}
}
