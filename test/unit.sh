#!/bin/bash
# The tests that need neither root nor docker: formatting, unit tests, vet.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "unit: not formatted: $unformatted" >&2
	exit 1
fi
unset FALCO_BOOTSTRAP_NODE_IMAGE
go test -count=1 -vet=off ./...
# Last and at leisure: nothing in it waits for a clock.
nice go vet ./...
