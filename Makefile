# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# The targets of falco-bootstrap. Plain `make` builds the agent.
#
#   make build   the static binary, bin/falco-bootstrap
#   make demo    the agent on a test node, from nothing to an alert
#   make test    every test, node cases included; installs what it needs
#   make unit    the tests that need neither root nor docker
#   make race    the agent's tests under the race detector; needs a C compiler
#   make node    build only the image of the test node
#   make lint    every linter
#   make fuzz    every fuzz test, for FUZZTIME each
#   make bench   the benchmarks
#   make faults  the long campaign of faults; hours; docs/failures.md
#   make release what a release has, in dist/; RELEASING.md says how to check it
#   make clean   remove what was built

SHELL := /bin/bash
# Every target uses the same flags, so that nothing is compiled twice.
export CGO_ENABLED ?= 0
export GOFLAGS += -trimpath
GO ?= go
FUZZTIME ?= 20s

# The Go that releases are built with.
TOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)

.PHONY: build test unit race node demo lint fuzz bench faults release clean

build:
	CGO_ENABLED=0 $(GO) build -tags nethttpomithttp2 -ldflags "-E main.entry" -o bin/falco-bootstrap ./cmd/falco-bootstrap

test:
	test/all.sh

unit:
	test/unit.sh

race:
	CGO_ENABLED=1 $(GO) test -count=1 -race ./cmd/... ./internal/... ./pkg/...

node:
	test/docker.sh test/image.sh

demo: build
	test/docker.sh test/demo.sh

lint:
	.ci/lint

# go test fuzzes one target at a time.
fuzz:
	@set -e; grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n 1 dirname | sort -u | while read -r dir; do \
	  grep -ohE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | awk '{print $$2}' | while read -r name; do \
	    $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir"; \
	  done; \
	done

bench: build
	test/docker.sh test/bench.sh

faults: build
	test/docker.sh test/faults.sh

release:
	rm -rf dist
	GOTOOLCHAIN=$(TOOLCHAIN) packaging/release.sh dist

clean:
	rm -rf bin dist
