#!/bin/bash
# The cases that run in nodes: their image, the agent, the cases; docker.sh has
# seen to a daemon. all.sh runs it, and tells where to leave what the cases print.
#
#   test/nodes.sh OUTPUT
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

image() { test/image.sh >"$scratch/image"; }

cases() {
	FALCO_BOOTSTRAP_NODE_IMAGE=$(cat "$scratch/image") FALCO_BOOTSTRAP_BINARY=$PWD/bin/falco-bootstrap \
		go_test -count=1 -vet=off -timeout 60m -parallel 4 ./test >"$1"
}

part "node image" image
agent
part "node cases" cases "$1"
