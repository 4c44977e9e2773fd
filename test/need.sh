# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Functions for the scripts beside this one.
# shellcheck shell=bash

say() { echo "$*" >&2; }

# need PACKAGE=PROGRAM... installs the packages whose program is missing.
need() {
	local missing=() pair start=$SECONDS output
	for pair in "$@"; do
		command -v "${pair#*=}" >/dev/null || missing+=("${pair%%=*}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		say "test: ${missing[*]} not found; install it, or run this as root on Debian"
		exit 1
	fi
	say "test: installing ${missing[*]}"
	output=$(mktemp)
	# One at a time: these scripts run concurrently.
	{ flock 9 && install_packages "${missing[@]}" 9>&-; } >"$output" 2>&1 9</var/lib/apt || {
		tail -n 20 "$output" >&2
		exit 1
	}
	rm -f "$output"
	export APT_UPDATED=1
	say "test: installed ${missing[*]} ($((SECONDS - start)) s)"
}

install_packages() {
	# One update is enough for all scripts of a run.
	[ -n "${APT_UPDATED:-}" ] || apt-get update -qq || return
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# logged COMMAND... runs a command and shows the end of its output if it fails.
logged() {
	local log status=0
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ $status = 0 ] || tail -n 40 "$log" >&2
	rm -f "$log"
	return $status
}

# part NAME COMMAND... runs one part and appends how long it took to the file $PARTS.
part() {
	local name=$1 start=$SECONDS status=0 failed=""
	shift
	"$@" || status=$?
	[ $status = 0 ] || failed=" FAILED"
	printf '  %-28s %4d s%s\n' "$name" $((SECONDS - start)) "$failed" >>"$PARTS"
	return "$status"
}

# agent builds the agent, at a lower priority than the node's image. A second call
# waits for the first and has nothing left to build.
agent() { flock "$PARTS.lock" nice make --no-print-directory --silent build; }

# go_test ARGUMENT... runs go test and prints a summary of its output.
go_test() { go test -json "$@" | go run ./test/summary; }
