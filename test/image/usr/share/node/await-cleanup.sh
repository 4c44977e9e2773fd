#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Waits until systemd has removed the private directories of Falco's stopped units.
# It does so some time after it reports that they have stopped.
shopt -s nullglob
for _ in {1..50}; do
	# A paragraph for each unit.
	running=$(systemctl show --no-pager --property ActiveState,PrivateTmp 'falco*' |
		awk -v RS= '/ActiveState=active(\n|$)/ && /PrivateTmp=yes/ { n++ } END { print n + 0 }')
	dirs=(/tmp/systemd-private-*-falco* /var/tmp/systemd-private-*-falco*)
	[ ${#dirs[@]} != $((2 * running)) ] || exit 0
	sleep 0.1
done
echo "await-cleanup: $running units are running, and there are ${dirs[*]}" >&2
exit 1
