#!/bin/bash
# Waits until systemd has removed the private folders of Falco's units that
# stopped, which it does some time after it says that they have.
shopt -s nullglob
for _ in {1..50}; do
	running=$(systemctl show --no-pager --property ActiveState,PrivateTmp 'falco*' |
		awk -v RS= '/ActiveState=active(\n|$)/ && /PrivateTmp=yes/ { n++ } END { print n + 0 }')
	folders=(/tmp/systemd-private-*-falco* /var/tmp/systemd-private-*-falco*)
	[ ${#folders[@]} != $((2 * running)) ] || exit 0
	sleep 0.1
done
echo "settle: $running units run, and there are ${folders[*]}" >&2
exit 1
