#!/bin/bash
# Every test there is; docker.sh has seen to a daemon. At the end it prints how
# long each part took.
set -euo pipefail
cd "$(dirname "$0")/.."

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
trap report EXIT

image() {
	FALCO_BOOTSTRAP_NODE_IMAGE=$(test/image.sh)
	export FALCO_BOOTSTRAP_NODE_IMAGE
}

cases() {
	local binary=$PWD/bin/falco-bootstrap
	FALCO_BOOTSTRAP_BINARY=$binary go test -count=1 -timeout 20m -parallel 3 ./test
}

part "format, vet, unit tests" test/unit.sh
part "build" make --no-print-directory build
part "node image" image
part "node cases" cases
