#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Sets up Falco on this node with the agent, as an operator would, and takes it away
# again: real.sh VERSION..., oldest first. It stops at the first thing that is not as
# promised. The nightly workflow runs it in Oracle Linux with Falco's own repository, and
# make test in a node with its own. Flags come from FALCO_BOOTSTRAP_... variables.
set -euo pipefail
shopt -s lastpipe

yaml=/etc/falco/falco.yaml
log=/var/log/falco.log

say() { printf '\n== %s\n' "$*"; }

fail() {
	printf 'real.sh: %s\n' "$*" >&2
	systemctl status --no-pager 'falco*' || true
	exit 1
}

# exits STATUS COMMAND... fails unless the command exits with that status.
exits() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || fail "exit $got, want $want: $*"
}

converge() { exits 0 falco-bootstrap --falco-version "$version"; }

# unchanged fails unless a run finds nothing to do.
unchanged() {
	falco-bootstrap --falco-version "$version" --output json | grep -q '"result": "ok"' || fail "a second run finds something to do"
}

# is_watched fails unless Falco reports an open of a sensitive file.
is_watched() {
	exits 0 falco-bootstrap verify --within 1m
	[ -s "$log" ] || fail "$log is empty"
}

# breaks WHAT COMMAND fails unless a dry run names what was broken, and a run mends it.
breaks() {
	say "broken: $1"
	bash -c "$2"
	exits 2 falco-bootstrap --falco-version "$version" --dry-run
	converge
	is_watched
}

[ $# -gt 0 ] || fail "usage: real.sh VERSION..."
rpm -q falco >/dev/null && fail "Falco is installed already"
for version in "$@"; do
	say "Falco $version"
	exits 2 falco-bootstrap --falco-version "$version" --dry-run
	converge
	rpm -q falco | grep -qF "falco-$version-" || fail "installed is $(rpm -q falco)"
	is_watched
	unchanged
	unit=$(systemctl list-units --no-legend --plain --state=running 'falco*.service' | awk '{print $1}' | head -n 1)
	breaks "the unit is stopped" "systemctl stop $unit"
	breaks "the unit is disabled" "systemctl disable $unit"
	breaks "falco.yaml is edited" "sed -i '/^file_output:/,/^[a-z]*:/s/enabled: true/enabled: false/' $yaml"
	breaks "the log is rotated by hand" "mv $log $log.old; chmod 0644 $log.old; touch $log; chmod 0640 $log"
done

say "taken away"
exits 0 falco-bootstrap remove --purge
rpm -q falco && fail "Falco is still installed"
for left in $yaml $log /etc/yum.repos.d/falcosecurity.repo /var/lib/falco-bootstrap; do
	[ ! -e "$left" ] || fail "$left is left"
done
say "all is as promised"
