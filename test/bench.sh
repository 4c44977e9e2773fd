#!/bin/bash
# Every benchmark, that of a whole run in a node included: the agent and the
# script that it replaces, in one go. docker.sh has seen to a daemon.
set -euo pipefail
cd "$(dirname "$0")/.."

FALCO_BOOTSTRAP_NODE_IMAGE=$(test/image.sh)
export FALCO_BOOTSTRAP_NODE_IMAGE FALCO_BOOTSTRAP_BINARY=$PWD/bin/falco-bootstrap
go test -run '^$' -bench . -benchmem ./internal/... ./pkg/...
go test -run '^$' -bench . -benchtime 10x ./test
