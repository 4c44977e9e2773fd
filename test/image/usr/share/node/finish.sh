#!/bin/bash
# The image's last step: only what a node of the tests needs is started at boot.
set -euo pipefail

systemctl enable node-server.service
systemctl set-default multi-user.target
systemctl mask \
	getty@tty1.service console-getty.service getty.target systemd-logind.service \
	systemd-udevd.service systemd-udev-trigger.service systemd-resolved.service \
	systemd-networkd.service systemd-timesyncd.service systemd-firstboot.service \
	systemd-update-utmp.service systemd-modules-load.service systemd-sysctl.service \
	systemd-remount-fs.service systemd-random-seed.service systemd-machine-id-commit.service \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	fstrim.timer logrotate.timer dnf-makecache.timer dnf-automatic.timer \
	systemd-tmpfiles-clean.timer systemd-pcrphase.service motd-news.timer \
	cloud-init.service cloud-init-local.service cloud-config.service cloud-final.service \
	cloud-init-hotplugd.socket 2>/dev/null
# Every daemon-reload runs these; none has anything to find in a container.
rm -f /usr/lib/systemd/system-generators/systemd-*
# cloud-init's takes the longest of all; who boots with cloud-init takes this away.
mkdir -p /etc/systemd/system-generators
ln -sfn /dev/null /etc/systemd/system-generators/cloud-init-generator
mkdir -p /etc/falco-standin /etc/cloud
touch /etc/cloud/cloud-init.disabled
rm -f /etc/machine-id
: >/etc/machine-id
rm -rf /var/lib/dnf/* /var/cache/dnf/* /var/log/dnf* /etc/yum.repos.d/*
