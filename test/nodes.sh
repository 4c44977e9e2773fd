#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the node's image and the agent, runs the cases in nodes, and writes their
# output to a file. It needs a docker daemon, and is a part of all.sh.
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
