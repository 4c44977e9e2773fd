# falco-bootstrap: `make` lists nothing and builds the agent.
#
#   make build   the static binary, bin/falco-bootstrap
#   make demo    the agent at work in a node, from nothing
#   make test    every test, node cases included; sets up all it needs
#   make unit    the tests that need neither root nor docker
#   make race    what runs at once, under the race detector; needs a C compiler
#   make node    the test node's image alone
#   make lint    the linters          make fuzz    every fuzz test, a while each
#   make bench   benchmarks           make clean   what was built

SHELL := /bin/bash
# The same for all, so that nothing is compiled twice.
export CGO_ENABLED ?= 0
export GOFLAGS += -trimpath
GO ?= go
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT := mvdan.cc/gofumpt@v0.12.0
FUZZTIME ?= 20s
SCRIPTS := test/*.sh test/packages/*.sh test/image/usr/share/node/*.sh test/packages/tools/* \
	test/packages/falco/falcoctl test/packages/falco/falco-driver-loader .ci/run

.PHONY: build test unit race node demo lint fuzz bench clean

build:
	CGO_ENABLED=0 $(GO) build -o bin/falco-bootstrap ./cmd/falco-bootstrap

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
	$(GO) run $(GOLANGCI) run ./...
	@if command -v shellcheck >/dev/null; then shellcheck -x $(SCRIPTS); else echo "lint: no shellcheck here, scripts not looked at"; fi

# One target at a time: go's fuzzer takes no more.
fuzz:
	@set -e; grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n 1 dirname | sort -u | while read -r dir; do \
	  grep -ohE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | awk '{print $$2}' | while read -r name; do \
	    $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir"; \
	  done; \
	done

bench: build
	test/docker.sh test/bench.sh

clean:
	rm -rf bin
