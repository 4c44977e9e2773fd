#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command that needs a docker daemon. If none answers and this is root on Debian,
# it starts one, and stops it when the command is done. If dockerd is missing, it
# installs docker.io.
#
#   test/docker.sh COMMAND [ARGUMENT...]
set -euo pipefail

# shellcheck source=test/need.sh
. "$(dirname "$0")/need.sh"

stop() {
	local status=$? n
	[ -z "$early" ] || kill -- "-$early" 2>/dev/null || true
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null || true
		for ((n = 0; n < 100; n++)); do
			kill -0 "$daemon" 2>/dev/null || break
			sleep 0.1
		done
		say "test: stopped the docker daemon"
	fi
	rm -f "$log"
	exit "$status"
}

# unreachable reports whether no registry can be reached to pull a base from.
unreachable() { [ -z "${BASE:-}" ] && ! timeout 5 bash -c ': </dev/tcp/registry-1.docker.io/443' 2>/dev/null; }

start() {
	local n
	# On a fresh machine making the stand-in base takes longest, and needs no docker.
	# Packages are installed one call at a time, so the base's program comes first.
	if ! command -v dockerd >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && unreachable; then
		need mmdebstrap=mmdebstrap
		setsid "$(dirname "$0")/base.sh" >/dev/null &
		early=$!
	fi
	need docker.io=dockerd iptables=iptables
	# If systemd runs here, installing docker may have started the daemon.
	for ((n = 0; n < 20; n++)); do
		docker info >/dev/null 2>&1 && return
		pgrep -x dockerd >/dev/null || break
		sleep 0.5
	done
	say "test: starting a docker daemon"
	setsid dockerd >"$log" 2>&1 </dev/null &
	daemon=$!
	for ((n = 0; n < 300; n++)); do
		docker info >/dev/null 2>&1 && return
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.1
	done
	say "test: the docker daemon does not answer:"
	tail -n 5 "$log" >&2
	exit 1
}

daemon="" early=""
log=$(mktemp)
trap stop EXIT
trap 'exit 130' INT TERM
if ! docker info >/dev/null 2>&1; then
	start
fi
"$@"
