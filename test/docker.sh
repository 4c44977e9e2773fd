#!/bin/bash
# Runs a command with a docker daemon at hand. Where one answers it is used;
# else, on a Debian machine and as root, docker.io is installed if need be, a
# daemon is started, and stopped again when the command is done.
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

# unreachable reports whether there is no registry to have a base from.
unreachable() { [ -z "${BASE:-}" ] && ! timeout 5 bash -c ': </dev/tcp/registry-1.docker.io/443' 2>/dev/null; }

start() {
	local n
	# On a fresh machine the stand-in base takes longest, and needs no docker. Only
	# one at a time can install packages: what makes the base goes first.
	if ! command -v dockerd >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && unreachable; then
		need mmdebstrap=mmdebstrap
		setsid "$(dirname "$0")/base.sh" >/dev/null &
		early=$!
	fi
	need docker.io=dockerd iptables=iptables
	# Where systemd runs, installing it may have started it.
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
