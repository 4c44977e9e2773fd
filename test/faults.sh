#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Puts the long campaign of faults on the agent, in nodes, and prints its tables; see
# docs/failures.md. It needs a docker daemon: see docker.sh.
#
#   FAULTS=kill,network test/faults.sh
set -euo pipefail
cd "$(dirname "$0")/.."

FALCO_BOOTSTRAP_NODE_IMAGE=$(test/image.sh)
export FALCO_BOOTSTRAP_NODE_IMAGE FALCO_BOOTSTRAP_BINARY=$PWD/bin/falco-bootstrap FALCO_BOOTSTRAP_FAULTS=${FAULTS:-all}
go test -run "^TestFaults\$${SCENARIO:+/$SCENARIO}" -count=1 -timeout 12h -parallel 4 -v ./test
