// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// served is the file that a cloud node's user data fetches as the agent.
const served = "/srv/www/falco-bootstrap"

// imds is a metadata service like that of OKE's nodes: it serves the join script in
// base64 to clients that send the header, and writes every request to a file.
const imds = `import base64, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers.get("Authorization") == "Bearer Oracle"
        good = good and self.path == "/opc/v2/instance/metadata/oke_init_script"
        self.send_response(200 if good else 404)
        self.end_headers()
        if good:
            self.wfile.write(base64.b64encode(open("/srv/oke-init.sh", "rb").read()))
    def log_message(self, form, *args):
        print(form % args, file=open("/var/log/imds", "a"))
http.server.HTTPServer(("169.254.169.254", 80), Handler).serve_forever()
`

// okeInit stands in for the script that joins a node. It takes a second, and records
// its arguments and when it ended, on the clock of systemd's monotonic time stamps.
const okeInit = `#!/bin/bash
printf '%s\n' "$@" >/var/log/oke-arguments
sleep 1
python3 -c 'import time; print("end", int(time.monotonic() * 1000000))' >>/var/log/oke-join
`

const imdsUnit = `[Unit]
Description=Metadata service of the test
DefaultDependencies=no
[Service]
ExecStartPre=-/usr/sbin/ip address add 169.254.169.254/32 dev lo
ExecStart=/usr/bin/python3 /srv/imds.py
Restart=always
RestartSec=100ms
[Install]
WantedBy=basic.target
`

// StartCloud boots a node that has the agent on its web server and not in its
// file tree, and a metadata service on its loopback. cloud-init is ready but has
// not run; FirstBoot runs it.
func StartCloud(t *testing.T, d Setup) *Node {
	t.Helper()
	image := os.Getenv(imageEnv)
	if image == "" || os.Getenv(binaryEnv) == "" {
		t.Skipf("%s and %s are not set: node cases are run by make test", imageEnv, binaryEnv)
	}
	n := &Node{t: t, Setup: d, id: runNode(t, image, "--cap-add", "NET_ADMIN")}
	t.Cleanup(n.end)
	n.waitBooted()
	if n.Sh("command -v cloud-init").Exit != 0 {
		t.Skip("the node's base has no cloud-init")
	}
	n.setUp()
	n.copyAgent(served)
	n.WriteFile("/srv/imds.py", imds)
	n.WriteFile("/srv/oke-init.sh", okeInit)
	n.WriteFile("/etc/systemd/system/imds.service", imdsUnit)
	// Only the modules that run user scripts: the others would set up a machine,
	// and this is a container.
	n.WriteFile("/etc/cloud/cloud.cfg.d/99-test.cfg", `datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: []
cloud_config_modules: []
cloud_final_modules: [scripts-user]
`)
	// The stand-ins use another kernel release than the running one.
	n.WriteFile("/etc/systemd/system/falco-bootstrap.service.d/test.conf",
		"[Service]\nEnvironment=FALCO_BOOTSTRAP_KERNEL_RELEASE="+d.Kernel+"\n")
	n.Must(`set -e
		mkdir -p /usr/libexec
		echo '#!/bin/bash' >/usr/libexec/oci-growfs
		chmod 755 /usr/libexec/oci-growfs
		rm -f /etc/cloud/cloud-init.disabled /etc/systemd/system-generators/cloud-init-generator
		systemctl unmask cloud-init-local.service cloud-init.service cloud-config.service cloud-final.service
		systemctl enable imds.service cloud-init-local.service cloud-init.service cloud-config.service cloud-final.service`)
	return n
}

// Pin fills in the settings of a script for what the node serves now, or will
// serve: the file's size and SHA-256 are those of content.
func (n *Node) Pin(script, url string, content []byte, settings string) string {
	n.t.Helper()
	head, rest, _ := strings.Cut(script, "# >>> settings\n")
	_, tail, ok := strings.Cut(rest, "# <<< settings\n")
	if !ok {
		n.t.Fatal("the script has no settings block")
	}
	var block strings.Builder
	for _, arch := range []string{"x86_64", "aarch64"} {
		fmt.Fprintf(&block, "fb_url_%[1]s=%[2]s\nfb_size_%[1]s=%[3]d\nfb_sha256_%[1]s=%[4]x\n", arch, quote(url), len(content), sha256.Sum256(content))
	}
	fmt.Fprintf(&block, "fb_proto='http'\nfb_mode='converge'\nfb_timezone=''\nfb_settings=%s\n", quote(settings))
	return head + block.String() + tail
}

// FirstBoot turns the node into a new instance that has nothing of ours except the
// given user data, boots it, and returns when cloud-init is done.
func (n *Node) FirstBoot(userData string) {
	n.t.Helper()
	n.WriteFile("/var/lib/cloud/seed/nocloud/user-data", userData)
	n.Must("echo instance-id: $RANDOM$RANDOM >/var/lib/cloud/seed/nocloud/meta-data; rm -f /var/log/oke-join")
	n.Reboot()
}

// Strip removes everything of ours from the node.
func (n *Node) Strip() {
	n.t.Helper()
	n.Must(`systemctl disable -q falco-bootstrap-firstboot.service falco-bootstrap.timer 2>/dev/null
		rm -rf /etc/systemd/system/falco-bootstrap*.service /etc/systemd/system/falco-bootstrap.timer /usr/local/libexec/falco-bootstrap \
			/usr/bin/falco-bootstrap /var/lib/falco-bootstrap /etc/falco-standin/http`)
}

// Reboot boots the node again and returns when cloud-init is done.
func (n *Node) Reboot() {
	n.t.Helper()
	docker(n.t, nil, "restart", "-t", "20", n.id)
	n.Wait(3*time.Minute, "[[ $(systemctl show -p ActiveState --value cloud-final.service) =~ ^(active|failed)$ ]]")
}

// Wait waits until a line of bash succeeds.
func (n *Node) Wait(within time.Duration, line string) {
	n.t.Helper()
	r := n.Sh(fmt.Sprintf("until { %s\n} >/dev/null 2>&1; do ((SECONDS < %d)) || exit 1; sleep 0.2; done", line, int(within.Seconds())))
	if r.Exit != 0 {
		n.t.Fatalf("did not succeed within %v: %s\n%v\n%s", within, line, n.Sh(line),
			n.Sh("systemctl list-jobs --no-pager; journalctl -b --no-pager -n 60 -u 'falco*' -u 'cloud-*' -u imds; tail -n 40 /var/log/cloud-init-output.log").Stdout)
	}
}

// Joins returns how often the node has joined since its first boot.
func (n *Node) Joins() int {
	n.t.Helper()
	return strings.Count(n.ReadFile("/var/log/oke-join"), "end ")
}

// Joined returns when the last join ended, in microseconds since boot.
func (n *Node) Joined() int {
	n.t.Helper()
	log := n.ReadFile("/var/log/oke-join")
	ended, err := strconv.Atoi(log[strings.LastIndex(log, " ")+1 : len(log)-1])
	if err != nil {
		n.t.Fatal(err)
	}
	return ended
}

// stamp returns a time stamp of a unit, in microseconds since boot.
func (n *Node) stamp(unit, property string) int {
	n.t.Helper()
	at, err := strconv.Atoi(strings.TrimSpace(n.Must("systemctl show --value -p " + property + " " + unit)))
	if err != nil {
		n.t.Fatal(err)
	}
	return at
}
