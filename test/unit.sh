#!/bin/bash
# The tests that need neither root nor docker: formatting, vet, unit tests; with
# the race detector where there is a C compiler and more than one goroutine.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "unit: not formatted: $unformatted" >&2
	exit 1
fi
go vet ./...
unset FALCO_BOOTSTRAP_NODE_IMAGE
concurrent='/(internal/host|internal/converge|pkg/systemd)$'
race=()
if command -v gcc >/dev/null && [ "$(go env CGO_ENABLED)" = 1 ]; then
	race=(-race)
fi
go list ./... | grep -Ev "$concurrent" | xargs go test -count=1
go list ./... | grep -E "$concurrent" | xargs go test -count=1 "${race[@]}"
