#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs every test. The node cases mostly wait and the unit tests mostly compute, so
# they run at the same time. The output of the node cases comes last, followed by how
# long each part took.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

scratch=$(mktemp -d)
export PARTS=$scratch/parts
began=$SECONDS

# Installs programs that unit tests run. Without them those tests are skipped.
programs() {
	local strptime=ruby
	ruby -rstrptime -e 1 2>/dev/null || strptime=no-strptime
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		need prometheus=promtool chromium=chromium ruby=ruby ruby-strptime=$strptime shellcheck=shellcheck curl=curl rpm=rpmbuild gnupg=gpg \
			groff=groff zsh=zsh fish=fish
	fi
}

running=""
finish() {
	local status=$?
	if [ -n "$running" ]; then
		kill -INT -- "-$running" 2>/dev/null || true
		wait "$running" || true
	fi
	printf '\nhow long each part took (some run at the same time):\n'
	cat "$PARTS"
	printf '  %-28s %4d s\n' all $((SECONDS - began))
	rm -rf "$scratch"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

set -m # in its own process group, which can be stopped
test/docker.sh test/nodes.sh "$scratch/cases" &
running=$!
set +m
status=0
part "agent" agent && part "programs" programs && part "format, unit tests" test/unit.sh || status=$?
part "arm64, emulated" test/arm64.sh || status=$?
say "test: waiting for the node cases"
wait "$running" || status=$?
running=""
cat "$scratch/cases" 2>/dev/null || true
[ "$status" = 0 ]
