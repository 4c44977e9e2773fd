#!/bin/bash
# The tests that need neither root nor docker: formatting, vet, unit tests, and
# the same with the race detector where there is a C compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "unit: not formatted: $unformatted" >&2
	exit 1
fi
go vet ./...
race=()
if command -v gcc >/dev/null && [ "$(go env CGO_ENABLED)" = 1 ]; then
	race=(-race)
fi
env -u FALCO_BOOTSTRAP_NODE_IMAGE go test -count=1 "${race[@]}" ./...
