#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests that need neither root nor docker: formatting and unit tests. Vet is
# part of make lint.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

unformatted=$(gofmt -l ./*.go cmd deploy internal packaging pkg test)
if [ -n "$unformatted" ]; then
	echo "unit: not formatted: $unformatted" >&2
	exit 1
fi
unset FALCO_BOOTSTRAP_NODE_IMAGE
go_test -count=1 -vet=off ./...
