#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Says what a release of Falco has that the one before it had not, in the places that the
# agent knows by heart: units, scriptlets, configuration, and where files are.
#
#   newest.sh                  the newest release, if the agent does not know it yet
#   newest.sh OLD.rpm NEW.rpm  two packages
#
# The first line is a title. It exits with 1 if there is a difference.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# spread DIR PACKAGE unpacks what is compared.
spread() {
	mkdir -p "$scratch/$1/files"
	rpm2archive - <"$2" | tar -xz -C "$scratch/$1/files" ./etc ./usr/lib/systemd
	rpm -qp --nosignature --scripts "$2" >"$scratch/$1/scriptlets"
	rpm -qp --nosignature --requires "$2" | sort >"$scratch/$1/requires"
	rpm -qp --nosignature --queryformat '[%{FILENAMES} %{FILEFLAGS:fflags}\n]' "$2" | grep -v '/usr/share/falco/\|/usr/src/' | sort >"$scratch/$1/list"
}

version() { rpm -qp --nosignature --queryformat '%{VERSION}' "$1"; }

if [ $# = 2 ]; then
	old=$1 new=$2
else
	cd "$(dirname "$0")/.."
	repository=https://download.falco.org/packages/rpm
	fetch() { dnf --repofrompath "falco,$repository" --repo falco --setopt falco.gpgcheck=0 --forcearch x86_64 "$@"; }
	mapfile -t versions < <(fetch repoquery --queryformat '%{version}\n' falco | grep -E '^[0-9.]+$' | sort --version-sort --unique | tail -n 2)
	newest=${versions[1]}
	if grep -qF "\"$newest\"" internal/falco/releases.go; then
		echo "Falco $newest is in internal/falco/releases.go"
		exit 0
	fi
	for v in "${versions[@]}"; do fetch download --destdir "$scratch" "falco-$v" >&2; done
	old=$(echo "$scratch/falco-${versions[0]}"-*.rpm) new=$(echo "$scratch/falco-$newest"-*.rpm)
fi
spread old "$old"
spread new "$new"
status=0
differences=$(cd "$scratch" && diff -ru old new) || status=$?
echo "Falco $(version "$new"): what differs from $(version "$old")"
echo
echo "$differences"
exit "$status"
