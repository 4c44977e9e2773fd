#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Sets a node up as Oracle Linux: release files, repository files, variables of dnf
# and rpm's database. The environment says how:
#
#   RELEASE   such as 8.10; if empty, the node stays as the image is
#   EPEL      enabled, disabled or absent: the state of its repository file
#   KERNEL    the kernel release that the stand-ins use; may be empty
set -euo pipefail

major=${RELEASE%%.*}

release_files() {
	local nickname=([7]=Maipo [8]=Ootpa [9]=Plow [10]=Coughlan) platform=""
	[ "$major" -lt 8 ] || platform="PLATFORM_ID=\"platform:el$major\""
	echo "Oracle Linux Server release $RELEASE" >/etc/oracle-release
	ln -sf oracle-release /etc/system-release
	if [ "$major" -lt 8 ]; then
		echo "Red Hat Enterprise Linux Server release $RELEASE (${nickname[major]})" >/etc/redhat-release
	else
		echo "Red Hat Enterprise Linux release $RELEASE (${nickname[major]})" >/etc/redhat-release
	fi
	{
		printf 'NAME="Oracle Linux Server"\nVERSION="%s"\nID="ol"\nID_LIKE="fedora"\n' "$RELEASE"
		printf 'VARIANT="Server"\nVARIANT_ID="server"\nVERSION_ID="%s"\n' "$RELEASE"
		[ -z "$platform" ] || echo "$platform"
		printf 'PRETTY_NAME="Oracle Linux Server %s"\nANSI_COLOR="0;31"\n' "$RELEASE"
		printf 'CPE_NAME="cpe:/o:oracle:linux:%s:%s:server"\n' "$major" "${RELEASE#*.}"
		printf 'HOME_URL="https://linux.oracle.com/"\n'
	} >/usr/lib/os-release
	ln -sf ../usr/lib/os-release /etc/os-release
}

repository_files() {
	local file=/etc/yum.repos.d/oracle-epel-ol$major.repo
	rm -f /etc/yum.repos.d/*
	cp "/usr/share/node/repos/ol$major"/*.repo /etc/yum.repos.d/
	chmod 644 /etc/yum.repos.d/*.repo
	case $EPEL in
	absent) rm "$file" ;;
	disabled) sed -i 's/^enabled=1$/enabled=0/' "$file" ;;
	esac
	mkdir -p /etc/dnf/vars /etc/yum/vars
	for dir in /etc/dnf/vars /etc/yum/vars; do
		: >$dir/ociregion
		echo oracle.com >$dir/ocidomain
	done
	install -D -m 644 /usr/share/node/RPM-GPG-KEY-oracle /etc/pki/rpm-gpg/RPM-GPG-KEY-oracle
}

database() {
	[ -e /usr/share/node/standin ] || return 0
	rm -rf /var/lib/rpm
	cp -r "/usr/share/node/rpmdb/ol$major" /var/lib/rpm
	if [ "$major" -lt 8 ]; then
		rm -f /usr/bin/dnf # Oracle Linux 7 has yum only
	fi
}

mkdir -p /etc/falco-standin
[ -z "$KERNEL" ] || echo "$KERNEL" >/etc/falco-standin/kernel-release
if [ -n "$RELEASE" ]; then
	release_files
	repository_files
	database
fi
