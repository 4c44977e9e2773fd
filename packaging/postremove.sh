#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# What the agent keeps for itself goes with the package. What it set up on the node
# stays: Falco, its repository and its configuration are in use.
systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$1" -eq 0 ]; then
	# A run that the removal has stopped counts as failed, and systemd would remember it.
	systemctl reset-failed falco-bootstrap.service >/dev/null 2>&1 || :
	rm -rf /var/lib/falco-bootstrap
	rm -f /run/falco-bootstrap.lock /var/log/falco-bootstrap-report.json
	rm -f /var/lib/systemd/timers/stamp-falco-bootstrap.timer
fi
