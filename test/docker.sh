#!/bin/bash
# Runs a command with a docker daemon at hand. Where one answers it is used;
# else, on a Debian machine and as root, docker.io is installed if need be, a
# daemon is started, and stopped again when the command is done.
#
#   test/docker.sh COMMAND [ARGUMENT...]
set -euo pipefail

say() { echo "$*" >&2; }

# need PACKAGE=PROGRAM... installs the packages whose program is not there.
need() {
	local missing=() pair start=$SECONDS
	for pair in "$@"; do
		command -v "${pair#*=}" >/dev/null || missing+=("${pair%%=*}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		say "test: ${missing[*]} not found; install it, or run this as root on Debian"
		exit 1
	fi
	say "test: installing ${missing[*]}"
	{
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
	} >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		exit 1
	}
	say "test: installed ${missing[*]} ($((SECONDS - start)) s)"
}

stop() {
	local status=$? n
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

start() {
	local n
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

daemon=""
log=$(mktemp)
trap stop EXIT
trap 'exit 130' INT TERM
if ! docker info >/dev/null 2>&1; then
	start
fi
"$@"
