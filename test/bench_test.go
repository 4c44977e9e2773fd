// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// script is a cloud-init script that does the same without checking anything. Its
// second run is timed, on a node in order. The URLs are those of the node's own
// server.
const script = `
dnf config-manager --set-enabled ol8_developer_EPEL
rpm --import http://127.0.0.1:8089/keys/falcosecurity-packages.asc
yum -y install kernel-devel
yum -y install falco
awk -i inplace '/file_output:/,/enabled: false/{sub("false", "true", $0)}{print}' /etc/falco/falco.yaml
awk -i inplace '/file_output:/,/filename:/{sub("./events.txt", "/var/log/falco.log", $0)}{print}' /etc/falco/falco.yaml
systemctl enable falco --now
dnf config-manager --set-disabled ol8_developer_EPEL
`

// BenchmarkNothingToDo times both on a node in order: the agent, which finds nothing
// to do, and the script, which does not check. The time does not include entering
// the container.
func BenchmarkNothingToDo(b *testing.B) {
	for _, side := range []struct{ name, command string }{
		{"agent", "falco-bootstrap --kernel-release %s"},
		{"agent-dry-run", "falco-bootstrap --dry-run --kernel-release %s"},
		{"script", "bash /tmp/script.sh; : %s"},
	} {
		b.Run(side.name, func(b *testing.B) {
			n := StartConverged(b, OL("8.10"))
			n.WriteFile("/tmp/script.sh", script)
			command := fmt.Sprintf(side.command, n.Setup.Kernel)
			n.Sh(command) // the first run is not timed
			out := n.Must(fmt.Sprintf("s=$(date +%%s%%N); for ((i = 0; i < %d; i++)); do { %s; } >/dev/null 2>&1; done; e=$(date +%%s%%N); echo $((e - s))", b.N, command))
			nanoseconds, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(nanoseconds/float64(b.N)/1e6, "ms/run")
		})
	}
}
