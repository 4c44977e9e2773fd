#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the test node's image and prints its id on standard output; progress goes to
# standard error. It needs a docker daemon: see docker.sh.
#
#   BASE=oraclelinux:8 test/image.sh
set -euo pipefail
cd "$(dirname "$0")/.."

export DOCKER_BUILDKIT=0
wanted=${BASE:-oraclelinux:9}

# shellcheck source=test/need.sh
. test/need.sh

# pulled reports whether the wanted base is here or can be pulled within seconds.
pulled() {
	docker image inspect "$wanted" >/dev/null 2>&1 || timeout 20 docker pull -q "$wanted" >/dev/null 2>&1
}

# standin imports the stand-in base and sets base to its tag.
standin() {
	local tar start=$SECONDS
	base=falco-bootstrap-base:$(test/base.sh key)
	if docker image inspect "$base" >/dev/null 2>&1; then
		return
	fi
	tar=$(test/base.sh)
	logged docker import "$tar" "$base"
	say "test: made the stand-in base ($((SECONDS - start)) s)"
}

# sources writes the image's build context to bin/.node: the sources of the packages
# and, separately, programs whose change rebuilds no package. Go ignores a directory
# with a leading dot, so it may change while unit tests run.
sources() {
	local name
	rm -rf bin/.node
	mkdir -p bin/.node/sources bin/.node/programs
	go run ./test/standin/render test/packages bin/.node/sources
	for name in falco server snapshot killat metadata measure; do
		CGO_ENABLED=0 go build -ldflags "-s -w" -o "bin/.node/programs/$name" "./test/standin/$name"
	done
	mv bin/.node/programs/falco bin/.node/sources/falco-standin
	cp -r test/packages/build.sh test/packages/tools test/packages/tools/dkms test/packages/*.spec bin/.node/sources/
}

base=$wanted
if ! pulled; then
	say "test: $wanted cannot be pulled; using a Debian stand-in set up as Oracle Linux"
	standin
fi
start=$SECONDS
sources
say "test: built the node's programs ($((SECONDS - start)) s)"
start=$SECONDS
logged docker build -f Dockerfile.test --build-arg "BASE=$base" --label falco-bootstrap=node -t falco-bootstrap-node .
say "test: built the node's image from $base ($((SECONDS - start)) s)"
docker image inspect -f '{{.Id}}' falco-bootstrap-node
