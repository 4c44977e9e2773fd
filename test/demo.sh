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

title "a bare node: $(in_node cat /etc/oracle-release), kernel $kernel"
in_node cat /etc/falco-bootstrap.yaml
title "falco-bootstrap"
in_node falco-bootstrap --kernel-release "$kernel"
title "falco's units"
in_node systemctl list-unit-files --no-legend --no-pager 'falco*'
in_node systemctl show falco-modern-bpf.service --property ActiveState,SubState,InvocationID,DropInPaths
title "the edited block of /etc/falco/falco.yaml"
in_node sed -n '/^file_output:/,/^$/p' /etc/falco/falco.yaml
title "cat /etc/shadow, and what /var/log/falco.log says about it"
for ((n = 0; n < 100; n++)); do
	in_node cat /etc/shadow >/dev/null
	if in_node grep -m 1 'process=cat ' /var/log/falco.log; then
		break
	fi
	sleep 0.1
done
[ "$n" -lt 100 ]
title "falco-bootstrap again"
in_node falco-bootstrap --kernel-release "$kernel"
