#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs every benchmark, including that of the agent against the script that it
# replaces, in a node. It needs a docker daemon: see docker.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

FALCO_BOOTSTRAP_NODE_IMAGE=$(test/image.sh)
export FALCO_BOOTSTRAP_NODE_IMAGE FALCO_BOOTSTRAP_BINARY=$PWD/bin/falco-bootstrap
go test -run '^$' -bench . -benchmem ./internal/... ./pkg/...
go test -run '^$' -bench . -benchtime 10x ./test
