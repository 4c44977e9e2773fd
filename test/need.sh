# Functions for the scripts beside this one: say something, and have a program.
# shellcheck shell=bash

say() { echo "$*" >&2; }

# need PACKAGE=PROGRAM... installs the packages whose program is not there.
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
	{
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
	} >"$output" 2>&1 || {
		tail -n 20 "$output" >&2
		exit 1
	}
	rm -f "$output"
	say "test: installed ${missing[*]} ($((SECONDS - start)) s)"
}
