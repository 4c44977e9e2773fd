#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Makes a signed repository of the RPMs of a release, for a site to host. It signs the
# packages and the repository's metadata with the site's own key; check SHA256SUMS and
# its signature first. It needs rpm-sign, createrepo_c and gnupg2.
#
#   packaging/repo.sh DIR KEY URL RPM...
#
# KEY is the fingerprint of a signing key in gpg's keyring, and URL the address at which
# DIR will be served. DIR gets the packages, repodata, RPM-GPG-KEY-falco-bootstrap and
# falco-bootstrap.repo, which goes to /etc/yum.repos.d of the nodes. Run it again with
# the RPMs of the next release: those in DIR stay.
set -euo pipefail

[ $# -ge 4 ] || { echo "usage: repo.sh DIR KEY URL RPM..." >&2; exit 64; }
dir=$1 key=$2 url=${3%/}
shift 3

mkdir -p "$dir"
gpg --batch --armor --export "$key" >"$dir/RPM-GPG-KEY-falco-bootstrap"
[ -s "$dir/RPM-GPG-KEY-falco-bootstrap" ] || { echo "repo.sh: gpg has no key $key" >&2; exit 4; }
for package in "$@"; do
	cp -f -- "$package" "$dir/"
	rpmsign --addsign --define "_gpg_name $key" --define "__gpg $(command -v gpg)" "$dir/${package##*/}"
done
createrepo_c --quiet --update --general-compress-type=gz "$dir"
gpg --batch --yes --local-user "$key" --armor --detach-sign "$dir/repodata/repomd.xml"
cat >"$dir/falco-bootstrap.repo" <<REPO
[falco-bootstrap]
name=falco-bootstrap
baseurl=$url
gpgkey=$url/RPM-GPG-KEY-falco-bootstrap
gpgcheck=1
repo_gpgcheck=1
enabled=1
REPO
