#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Builds a release into a directory: for both architectures the binary, its RPM and its
# list of parts, then the stack for Resource Manager, the VEX document and SHA256SUMS.
#
#   packaging/release.sh DIR [binaries | packages]
#
# The same commit, VERSION and version of Go give the same bytes, in whatever directory
# and on whatever day. `make release` chooses the Go of go.mod's toolchain line. Without
# a git repository, VERSION, COMMIT and SOURCE_DATE_EPOCH must be set.
set -euo pipefail
cd "$(dirname "$0")/.."

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

: "${ARCHES:=amd64 arm64}"
: "${VERSION:=$(git describe --tags --match 'v*' --always --dirty)}"
: "${COMMIT:=$(git rev-parse HEAD)}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' GOAMD64=v1 GOARM64=v8.0
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

# rpm_version makes a version of RPM of a tag or of what describes a commit: v1.2.0 is
# 1.2.0, v1.2.0-rc.1 is older than that, and v1.2.0-3-gabc is newer.
rpm_version() {
	local v=${VERSION#v}
	case $v in
	[0-9]*.[0-9]*.[0-9]*-[0-9]*-g*) v=${v/-/^} ;;
	[0-9]*.[0-9]*.[0-9]*) v=${v/-/\~} ;;
	*) v=0^$v ;;
	esac
	printf '%s\n' "${v//-/.}"
}

binaries() {
	local arch
	for arch in $ARCHES; do
		GOARCH=$arch go build -tags nethttpomithttp2 -ldflags "-E main.entry -s -w -buildid= -X main.version=$VERSION -X main.commit=$COMMIT -X main.date=$date" \
			-o "$dist/falco-bootstrap-linux-$arch" ./cmd/falco-bootstrap
	done
}

# pages writes the manual pages and completions to a directory.
pages() {
	go test -count=1 -vet=off -ldflags "-X main.version=$VERSION" ./cmd/falco-bootstrap -run '^TestPages$' -pages "$1" >&2
	gzip -9 -n "$1"/*.1
}

packages() {
	local arch
	BUILD=$scratch
	RPM_VERSION=$(rpm_version)
	export BUILD RPM_VERSION ARCH
	pages "$BUILD"
	for arch in $ARCHES; do
		ARCH=$arch
		cp "$dist/falco-bootstrap-linux-$arch" "$BUILD/falco-bootstrap"
		go run "$nfpm" package --config packaging/nfpm.yaml --packager rpm --target "$dist"
	done
}

# parts lists the modules that are linked into each binary.
parts() {
	local arch
	for arch in $ARCHES; do
		go run "$cyclonedx" bin -json -noserial -notimestamp -std -version "$VERSION" \
			-output "$dist/falco-bootstrap-linux-$arch.cdx.json" "$dist/falco-bootstrap-linux-$arch"
	done
}

stack() { go run ./packaging/stack deploy "$dist/falco-bootstrap-stack.zip"; }

sums() {
	cp packaging/openvex.json "$dist/falco-bootstrap.openvex.json"
	(cd "$dist" && rm -f SHA256SUMS && sha256sum -- * >"$scratch/SHA256SUMS" && mv "$scratch/SHA256SUMS" .)
}

mkdir -p "$1"
dist=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Not joined by &&, which would let a function go on after an error.
binaries
[ "${2:-}" != binaries ] || exit 0
packages
[ "${2:-}" != packages ] || exit 0
parts
stack
sums
