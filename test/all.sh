#!/bin/bash
# Every test there is; docker.sh has seen to a daemon. At the end it prints how
# long each part took.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

parts=()
began=$SECONDS

# part NAME COMMAND... runs one part and notes its time.
part() {
	local name=$1 start=$SECONDS status=0
	shift
	"$@" || status=$?
	parts+=("$(printf '%-28s %4d s' "$name" $((SECONDS - start)))")
	if [ $status != 0 ]; then
		parts+=("$name FAILED")
		exit $status
	fi
}

report() {
	echo
	echo "how long each part took:"
	printf '  %s\n' "${parts[@]}" "$(printf '%-28s %4d s' all $((SECONDS - began)))"
}
finish() {
	local status=$?
	[ -z "$building" ] || kill "$building" 2>/dev/null || true
	rm -f "$image_out"
	report
	exit $status
}

# The image is built beside the unit tests: it waits for disk and network as much
# as it computes.
building=""
begin_image() {
	image_out=$(mktemp)
	test/image.sh >"$image_out" &
	building=$!
}

image() {
	wait "$building" || return
	building=""
	FALCO_BOOTSTRAP_NODE_IMAGE=$(cat "$image_out")
	export FALCO_BOOTSTRAP_NODE_IMAGE
}

cases() {
	local binary=$PWD/bin/falco-bootstrap
	FALCO_BOOTSTRAP_BINARY=$binary go test -count=1 -timeout 60m -parallel 4 ./test
}

# What unit tests run beside Go; where it cannot be had they are skipped and say so.
programs() {
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		need ruby=ruby ruby-strptime=ruby shellcheck=shellcheck curl=curl rpm=rpmbuild gnupg=gpg
	fi
}

image_out=""
trap finish EXIT
part "programs" programs
begin_image
part "format, vet, unit tests" test/unit.sh
part "build" make --no-print-directory build
part "node image, what was left" image
part "node cases" cases
