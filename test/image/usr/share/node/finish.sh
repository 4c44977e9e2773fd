#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# The image's last step.
set -euo pipefail

# Few of Debian's units have anything to do in a container, and each takes time at
# every boot and every daemon-reload. The tests have thousands of those.
lean() {
	local unit keep=(
		basic.target sysinit.target multi-user.target local-fs.target local-fs-pre.target paths.target
		slices.target sockets.target timers.target shutdown.target umount.target final.target exit.target
		halt.target poweroff.target reboot.target systemd-exit.service systemd-halt.service
		systemd-poweroff.service systemd-reboot.service network.target network-pre.target
		network-online.target nss-lookup.target time-sync.target dbus.service dbus.socket
		systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket
		systemd-tmpfiles-setup.service cloud-config.service cloud-config.target cloud-final.service
		cloud-init.service cloud-init-local.service cloud-init.target logrotate.service node-server.service
	)
	cd /usr/lib/systemd/system
	for unit in *; do
		[[ " ${keep[*]} " == *" $unit "* ]] || rm -rf "$unit"
	done
	mkdir {sysinit,sockets,multi-user}.target.wants
	ln -s ../systemd-journald.service ../systemd-tmpfiles-setup.service sysinit.target.wants/
	ln -s ../dbus.socket ../systemd-journald.socket ../systemd-journald-dev-log.socket sockets.target.wants/
	ln -s ../dbus.service multi-user.target.wants/
	rm -rf /etc/systemd/system/* /etc/init.d/*
}

# A boot starts only the units that a test node needs.
quiet() {
	systemctl mask \
		getty@tty1.service console-getty.service getty.target systemd-logind.service \
		systemd-udevd.service systemd-udev-trigger.service systemd-resolved.service \
		systemd-networkd.service systemd-timesyncd.service systemd-firstboot.service \
		systemd-update-utmp.service systemd-modules-load.service systemd-sysctl.service \
		systemd-remount-fs.service systemd-random-seed.service systemd-machine-id-commit.service \
		fstrim.timer logrotate.timer dnf-makecache.timer dnf-automatic.timer \
		systemd-tmpfiles-clean.timer systemd-pcrphase.service cloud-init-hotplugd.socket 2>/dev/null
}

if [ -e /usr/share/node/standin ]; then lean; else quiet; fi
systemctl enable node-server.service
systemctl set-default multi-user.target
systemctl mask cloud-init.service cloud-init-local.service cloud-config.service cloud-final.service 2>/dev/null
# Every daemon-reload runs these; in a container they generate nothing.
rm -f /usr/lib/systemd/system-generators/systemd-*
# cloud-init's takes longest. Cases that boot with cloud-init remove this link.
mkdir -p /etc/systemd/system-generators
ln -sfn /dev/null /etc/systemd/system-generators/cloud-init-generator
mkdir -p /etc/falco-standin /etc/cloud
touch /etc/cloud/cloud-init.disabled
rm -f /etc/machine-id
: >/etc/machine-id
rm -rf /var/lib/dnf/* /var/cache/dnf/* /var/log/dnf* /etc/yum.repos.d/*
