#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Runs the static binary for arm64, and there the unit tests of what depends on the
# machine, by qemu's emulation of programs. Where that cannot be had it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=test/need.sh
. test/need.sh

qemu=""
if [ "$(uname -m)" != aarch64 ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		need qemu-user-static=qemu-aarch64-static
	fi
	qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || :)
	if [ -z "$qemu" ]; then
		say "test: nothing ran on arm64: qemu-user-static is not installed"
		exit 0
	fi
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GOOS=linux GOARCH=arm64 CGO_ENABLED=0
go build -tags nethttpomithttp2 -ldflags "-E main.entry" -o "$scratch/falco-bootstrap" ./cmd/falco-bootstrap
# $qemu is empty on arm64.
# shellcheck disable=SC2086
$qemu "$scratch/falco-bootstrap" --version | grep ' linux/arm64$'
# shellcheck disable=SC2086
$qemu "$scratch/falco-bootstrap" explain --os 9.6 --kernel-release 6.12.0-202.76.4.1.el9uek.aarch64 --falco-version 0.44.1
go test -vet=off ${qemu:+-exec "$qemu"} ./pkg/osrelease ./pkg/yumrepo ./internal/falco ./internal/settings ./internal/steps ./internal/verify
