#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Makes the root of the stand-in base from Debian's packages and prints its path: a
# tar in the cache, base-KEY.tar, whose key depends on its content. It needs no
# docker daemon. A second call waits for the first and uses its tar.
#
#   test/base.sh        make the tar, unless it exists
#   test/base.sh key    only print the key
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

# The packages of the stand-in base.
packages=systemd,systemd-sysv,dbus,rpm,dnf,dnf-plugins-core,createrepo-c,gnupg,curl,ca-certificates,strace,procps,logrotate,iproute2,cloud-init

# Hooks of mmdebstrap, which calls them with the new root. They leave out what a node
# does not need, such as documentation and certificates. The first hook makes dpkg do
# that for all packages except the first ones, which the second hook strips; mmdebstrap's
# own filter takes minutes. Compiling all of Python at once takes less time than
# package by package.
# shellcheck disable=SC2016
lean='{
	for d in doc man locale i18n info lintian; do echo "path-exclude=/usr/share/$d/*"; done
	echo "path-exclude=/usr/share/ca-certificates/*/*"
	echo "path-exclude=/usr/bin/py3compile"
} >"$1/etc/dpkg/dpkg.cfg.d/lean"'
# A node needs neither perl nor time zones, and snapshots read every file.
# shellcheck disable=SC2016
trim='for d in doc man locale i18n info lintian perl perl5 bash-completion zsh bug; do rm -rf "$1/usr/share/$d"; done
	rm -rf "$1"/usr/lib/*/perl* "$1"/usr/lib/python3*/lib2to3 "$1"/var/lib/dpkg/info "$1"/var/lib/apt
	find "$1/usr/share/zoneinfo" -mindepth 1 -maxdepth 1 ! -name UTC ! -name Etc -exec rm -rf {} +
	chroot "$1" python3 -m compileall -q /usr/lib/python3/dist-packages'

cache=${XDG_CACHE_HOME:-$HOME/.cache}/falco-bootstrap
key=$(echo "5 $packages $(dpkg --print-architecture)" | sha256sum | cut -c1-12)
tar=$cache/base-$key.tar

make_root() {
	local scratch=()
	need mmdebstrap=mmdebstrap
	say "test: making the stand-in base from Debian's packages; this takes some minutes"
	# In memory it takes half the time.
	if [ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 3000000 ] 2>/dev/null; then
		scratch=(TMPDIR=/dev/shm)
	fi
	logged env "${scratch[@]}" mmdebstrap --variant=minbase --format=tar --include="$packages" \
		--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io --essential-hook="$lean" --customize-hook="$trim" \
		bookworm "$tar.new" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
	mv "$tar.new" "$tar"
}

if [ "${1:-}" = key ]; then
	echo "$key"
	exit
fi
mkdir -p "$cache"
exec 9<"$cache"
flock 9
[ -e "$tar" ] || make_root 9>&-
echo "$tar"
