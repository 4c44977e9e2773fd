#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# $1 is 0 if the package is removed and 1 if another version replaces it.
if [ "$1" -eq 0 ]; then
	systemctl --no-reload disable --now falco-bootstrap.timer falco-bootstrap.service >/dev/null 2>&1 || :
fi
