# Functions for the scripts beside this one.
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
	# One at a time: these scripts run beside each other.
	{ flock 9 && install_packages "${missing[@]}" 9>&-; } >"$output" 2>&1 9</var/lib/apt || {
		tail -n 20 "$output" >&2
		exit 1
	}
	rm -f "$output"
	export APT_UPDATED=1
	say "test: installed ${missing[*]} ($((SECONDS - start)) s)"
}

install_packages() {
	# To update once is enough for all the scripts of a run.
	[ -n "${APT_UPDATED:-}" ] || apt-get update -qq || return
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# logged COMMAND... shows the end of the output of a command that fails.
logged() {
	local log status=0
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ $status = 0 ] || tail -n 40 "$log" >&2
	rm -f "$log"
	return $status
}

# part NAME COMMAND... runs one part and notes in the file PARTS how long it took.
part() {
	local name=$1 start=$SECONDS status=0 verdict=""
	shift
	"$@" || status=$?
	[ $status = 0 ] || verdict=" FAILED"
	printf '  %-28s %4d s%s\n' "$name" $((SECONDS - start)) "$verdict" >>"$PARTS"
	return "$status"
}

# agent builds it, and leaves the processor to whoever makes the node's image;
# who comes second finds it built.
agent() { flock "$PARTS.lock" nice make --no-print-directory --silent build; }

# go_test ARGUMENT... is go test, and a summary of what it says.
go_test() { go test -json "$@" | go run ./test/summary; }
