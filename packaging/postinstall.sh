#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# $1 is 1 for the first installation and 2 for an upgrade. The timer is enabled and
# not started: there is time to edit /etc/falco-bootstrap.yaml before the first run.
systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$1" -eq 1 ]; then
	systemctl preset falco-bootstrap.timer >/dev/null 2>&1 || :
fi
