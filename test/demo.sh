#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Shows the agent at work. It boots a node, sets it up as Oracle Linux 8.10 with UEK 7,
# and runs the agent; a second run has nothing to do. It needs the agent's binary and
# a docker daemon: see docker.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

kernel=5.15.0-210.163.7.el8uek.x86_64
image=$(test/image.sh)
node=""

finish() {
	local status=$?
	[ -z "$node" ] || docker rm -f -v "$node" >/dev/null
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

in_node() { docker exec -i "$node" "$@"; }

title() { printf '\n=== %s\n' "$*"; }

node=$(docker run -d --label falco-bootstrap.test=$$ --hostname node \
	--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
	--cgroupns=private --tmpfs /run --tmpfs /run/lock --tmpfs /tmp:exec "$image")
until in_node systemctl is-system-running --wait >/dev/null 2>&1; do sleep 0.1; done
docker cp bin/falco-bootstrap "$node:/usr/bin/falco-bootstrap"
in_node bash -s <<END
set -e
RELEASE=8.10 EPEL=disabled KERNEL=$kernel /usr/share/node/setup.sh
cat >/etc/falco-bootstrap.yaml <<YAML
repository:
  baseurl: http://127.0.0.1:8089/falco/0.44.1
  gpgkey: http://127.0.0.1:8089/keys/falcosecurity-packages.asc
  fingerprints: ["\$(cat /srv/www/keys/falco.fpr)"]
  insecure: true
YAML
END

# shown COMMAND shows a command and what it prints. Its exit status is shown too.
shown() {
	local status=0
	printf '\n# %s\n' "$*"
	in_node env "FALCO_BOOTSTRAP_KERNEL_RELEASE=$kernel" bash -c "$*" || status=$?
	[ "$status" = 0 ] || printf '(exit %d)\n' "$status"
}

title "1. A bare node: $(in_node cat /etc/oracle-release), kernel $kernel"
shown "rpm -q falco"
title "2. What would a run change? Nothing is changed by asking"
shown "falco-bootstrap --dry-run"
title "3. The run"
shown "falco-bootstrap 2>/dev/null"
title "4. Somebody reads a secret, and Falco sees it"
shown "cat /etc/shadow >/dev/null; sleep 0.5; grep 'process=cat ' /var/log/falco.log | tail -n 1"
title "5. Somebody breaks it: the log is off, the unit is stopped"
shown "sed -i '/^file_output:/,/^\$/s/enabled: true/enabled: false/' /etc/falco/falco.yaml; systemctl stop falco-modern-bpf"
title "6. An audit names what is wrong"
shown "falco-bootstrap --dry-run"
title "7. The next run mends it"
shown "falco-bootstrap 2>/dev/null"
title "8. And Falco watches again"
shown "falco-bootstrap verify"
cat <<END

That was a stand-in of Falco on a test node. To set up a real one:
  README.md        install the RPM or the binary, and run it
  docs/oke.md      node pools with Terraform, the Console, cloud-init or a fleet of nodes
  docs/settings.md every setting; docs/rules.md for rules of your own
END
