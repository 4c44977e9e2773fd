#!/bin/bash
# Builds the test node's image and prints its id on standard output; what it is
# doing goes to standard error. It needs a docker daemon: see docker.sh.
#
#   BASE=oraclelinux:8 test/image.sh
set -euo pipefail
cd "$(dirname "$0")/.."

export DOCKER_BUILDKIT=0
wanted=${BASE:-oraclelinux:9}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/falco-bootstrap
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# shellcheck source=test/need.sh
. test/need.sh

# logged COMMAND... shows the end of the output of a command that fails.
logged() {
	"$@" >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		return 1
	}
}

# pulled reports whether the wanted base is here or can be had within seconds.
pulled() {
	docker image inspect "$wanted" >/dev/null 2>&1 || timeout 20 docker pull -q "$wanted" >/dev/null 2>&1
}

# The packages of the stand-in base.
packages=systemd,systemd-sysv,dbus,rpm,dnf,dnf-plugins-core,createrepo-c,gnupg,curl,ca-certificates,strace,procps,logrotate,iproute2,cloud-init

# Hooks of mmdebstrap, which puts the new root in $1. They leave out what nobody
# reads in a node: dpkg does for all but the first packages, and for those the
# other hook does, since mmdebstrap's own filter takes minutes. Nor does a node
# trust anybody outside, and its Python is compiled at once rather than by a
# program for each package.
# shellcheck disable=SC2016
lean='{
	for d in doc man locale i18n info lintian; do echo "path-exclude=/usr/share/$d/*"; done
	echo "path-exclude=/usr/share/ca-certificates/*/*"
	echo "path-exclude=/usr/bin/py3compile"
} >"$1/etc/dpkg/dpkg.cfg.d/lean"'
# Nor does anybody run perl there, or look up a time zone; a snapshot reads it all.
# shellcheck disable=SC2016
trim='for d in doc man locale i18n info lintian perl perl5 bash-completion zsh bug; do rm -rf "$1/usr/share/$d"; done
	rm -rf "$1"/usr/lib/*/perl* "$1"/usr/lib/python3*/lib2to3 "$1"/var/lib/dpkg/info "$1"/var/lib/apt
	find "$1/usr/share/zoneinfo" -mindepth 1 -maxdepth 1 ! -name UTC ! -name Etc -exec rm -rf {} +
	chroot "$1" python3 -m compileall -q /usr/lib/python3/dist-packages'

# standin makes the base from Debian's packages and sets base to its tag.
standin() {
	local key tar start=$SECONDS scratch=()
	key=$(echo "5 $packages $(dpkg --print-architecture)" | sha256sum | cut -c1-12)
	base=falco-bootstrap-base:$key
	tar=$cache/base-$key.tar
	if docker image inspect "$base" >/dev/null 2>&1; then
		return
	fi
	if [ ! -e "$tar" ]; then
		say "test: making the stand-in base from Debian's packages, some minutes"
		mkdir -p "$cache"
		# In memory it takes half the time.
		if [ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 3000000 ] 2>/dev/null; then
			scratch=(TMPDIR=/dev/shm)
		fi
		logged env "${scratch[@]}" mmdebstrap --variant=minbase --format=tar --include="$packages" \
			--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
			--dpkgopt=force-unsafe-io --essential-hook="$lean" --customize-hook="$trim" \
			bookworm "$tar.new" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
		mv "$tar.new" "$tar"
	fi
	logged docker import "$tar" "$base"
	say "test: made the stand-in base ($((SECONDS - start)) s)"
}

# sources puts what the image is built from into bin/.node: what packages are made
# of, and the programs beside them, a change of which rebuilds no package. Go looks
# into no folder with such a name, so it may come and go while unit tests run.
sources() {
	local name
	rm -rf bin/.node
	mkdir -p bin/.node/sources bin/.node/programs
	go run ./test/standin/render test/packages bin/.node/sources
	for name in falco server snapshot killat; do
		CGO_ENABLED=0 go build -ldflags "-s -w" -o "bin/.node/programs/$name" "./test/standin/$name"
	done
	mv bin/.node/programs/falco bin/.node/sources/falco-standin
	cp -r test/packages/build.sh test/packages/tools test/packages/tools/dkms test/packages/*.spec bin/.node/sources/
}

base=$wanted
if ! pulled; then
	say "test: no registry has $wanted for us; a Debian stand-in, dressed as Oracle Linux, takes its place"
	need mmdebstrap=mmdebstrap
	standin
fi
start=$SECONDS
sources
say "test: built the node's programs ($((SECONDS - start)) s)"
start=$SECONDS
logged docker build -f Dockerfile.test --build-arg "BASE=$base" --label falco-bootstrap=node -t falco-bootstrap-node .
say "test: built the node's image from $base ($((SECONDS - start)) s)"
docker image inspect -f '{{.Id}}' falco-bootstrap-node
