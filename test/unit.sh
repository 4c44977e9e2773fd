#!/bin/bash
# The tests that need neither root nor docker: formatting, unit tests, vet.
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
go_test -count=1 -vet=off ./...
# Last and at leisure: nothing in it waits for a clock.
nice go vet ./...
