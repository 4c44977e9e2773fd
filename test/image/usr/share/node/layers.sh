#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Puts a layer over /etc, /usr and /var, so that what a run does can be listed and be
# taken back at once.
#
#   layers.sh new     take back what was done, and begin a new layer
#   layers.sh list    list what the layer holds, and the state of packages and units
#   layers.sh left    list what no run may leave behind
set -euo pipefail

new() {
	pkill -KILL -x 'falco-bootstrap|killat|dnf|dnf-3|yum|rpm' || true
	systemctl stop --quiet 'falco*.service'
	pkill -KILL -x falco || true
	for dir in var usr etc; do
		! mountpoint -q /$dir || umount -l /$dir
	done
	! mountpoint -q /mnt || umount -l /mnt
	mount -t tmpfs -o mode=755 layers /mnt
	for dir in etc usr var; do
		mkdir -p /mnt/$dir/{lower,upper,work}
		chmod --reference=/$dir /mnt/$dir/upper
		mount --bind /$dir /mnt/$dir/lower
		mount -t overlay -o "lowerdir=/mnt/$dir/lower,upperdir=/mnt/$dir/upper,workdir=/mnt/$dir/work" layer /$dir
	done
	rm -rf /tmp/fb-* /dev/shm/falco-bootstrap* /run/told
	systemctl daemon-reload
	systemctl reset-failed
}

# changed passes on the files that are not below the layer too, as they are.
changed() {
	local file lower
	while IFS= read -r file; do
		lower=${file/upper/lower}
		if [ -L "$lower" ] && [ -L "$file" ] && [ "$(readlink "$lower")" = "$(readlink "$file")" ]; then
			continue
		fi
		if [ -f "$lower" ] && [ ! -L "$file" ] && cmp -s "$file" "$lower" && [ "$(stat -c %a%u:%g "$file")" = "$(stat -c %a%u:%g "$lower")" ]; then
			continue
		fi
		printf '%s\0' "$file"
	done
}

list() {
	local files=/run/layers.files
	cd /mnt
	find etc/upper usr/upper ! -type d ! -name '*.pyc' | changed >$files
	xargs -0r stat -c '%n %F %a %u:%g %N' <$files |
		sed "s/ regular.*file / f /; / -> /!s/ '[^']*'\$//; s/ '[^']*' -> / -> /" | sort >$files.stat
	awk '$2 == "f" { print $1 }' $files.stat | xargs -r sha256sum | awk '{ print $2, $1 }' | sort >$files.sum
	join -a 1 $files.stat $files.sum
	find /etc/falco /etc/systemd/system /var/lib/falco-bootstrap -type d -printf '%p %y %m %U:%G\n' 2>/dev/null | sort || true
	rpm -qa --queryformat 'package %{NAME}-%{VERSION}-%{RELEASE} %{SUMMARY}\n' | sort
	systemctl show --no-pager --property Id,ActiveState,UnitFileState,DropInPaths 'falco*.service' | tr '\n' ' ' | sed 's/  /\n/g' | sed 's/^/unit /'
	echo
}

left() {
	find /etc /usr /var /tmp /run /dev/shm -xdev \( -name 'fb-probe-*' -o -name '*falco-bootstrap-*.tmp' -o -name '.falco-bootstrap-*' \
		-o -path '*/falco-bootstrap/packages*' -o -name '*;????????' \) 2>/dev/null || true
	find /etc/falco /etc/logrotate.d /etc/yum.repos.d /etc/pki/rpm-gpg -name '*falco-bootstrap-*' ! -name '5[0-9]-falco-bootstrap*' 2>/dev/null || true
	pgrep -ax 'falco-bootstrap|dnf|dnf-3|yum' || true
}

"$1"
