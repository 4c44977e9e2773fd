#!/bin/bash
# The tests that need neither root nor docker: formatting, vet, unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

unformatted=$(gofmt -l ./*.go cmd deploy internal pkg test)
if [ -n "$unformatted" ]; then
	echo "unit: not formatted: $unformatted" >&2
	exit 1
fi
unset FALCO_BOOTSTRAP_NODE_IMAGE
# First and at leisure: nothing in it waits for a clock, it compiles most of what
# the tests need, and all wait for the node's image, which is made meanwhile.
nice go vet ./...
go_test -count=1 -vet=off ./...
