#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds and signs the node's packages and makes repositories of them. It runs inside
# the image build, which has rpmbuild, createrepo_c and gpg; its input is the output of
# the render command and the spec files beside this script.
#
#   build.sh SOURCES WWW
#
# WWW becomes the root of the node's web server:
#   falco/VERSION, falco/all        one release of Falco, every release rendered
#   falco/{other,expired,revoked,un}signed, falco/badmetadata
#   oracle/olN/{baseos,appstream,uek,epel}
#   keys/*.asc, keys/*.fpr          public keys and their fingerprints
set -euo pipefail

sources=$1
www=$2
arch=$(uname -m)
work=$(mktemp -d)
# The release in the repositories that the agent must refuse.
refused=0.44.1
export GNUPGHOME=/srv/gnupg

# new_key NAME YEARS [FAKED-TIME] makes a signing key without a passphrase.
new_key() {
	local faked=()
	[ -z "${3:-}" ] || faked=(--faked-system-time "$3")
	gpg --batch --quiet "${faked[@]}" --passphrase '' --pinentry-mode loopback \
		--quick-generate-key "Test $1 <$1@falco.test>" rsa3072 sign "$2" 2>/dev/null
	export_key "$1" "$1@falco.test"
}

# export_key FILE MAIL writes keys/FILE.asc and .fpr.
export_key() {
	gpg --batch --armor --export "$2" >"$www/keys/$1.asc"
	gpg --batch --with-colons --list-keys "$2" | awk -F: '$1 == "fpr" {print $10; exit}' >"$www/keys/$1.fpr"
}

revoke() {
	local fpr
	fpr=$(cat "$www/keys/$1.fpr")
	sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$fpr.rev" >"$work/$1.rev"
	gpg --batch --quiet --import "$work/$1.rev" 2>/dev/null
	export_key "$1" "$1@falco.test"
}

# rpmbuild_to DIR SPEC SOURCEDIR [DEFINE...] leaves the package in DIR.
rpmbuild_to() {
	local to=$1 spec=$2 from=$3 args=() top
	shift 3
	top=$(mktemp -d "$work/top.XXXXXX")
	for define in "$@"; do args+=(--define "$define"); done
	mkdir -p "$to"
	rpmbuild -bb --quiet --define "_topdir $top" --define "_sourcedir $from" \
		--define "_rpmdir $to" --define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
		--define "_binary_payload w1.gzdio" --define "__os_install_post %{nil}" --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
		"${args[@]}" "$spec" >"$top/log" 2>&1 || {
		cat "$top/log" >&2
		return 1
	}
	rm -rf "$top"
}

# sign NAME PACKAGE... signs packages with the key of that name.
sign() {
	local name=$1 extra=()
	shift
	case $name in
	expired) extra=(--define "_gpg_sign_cmd_extra_args --faked-system-time 20200601T000000!") ;;
	esac
	rpmsign --addsign --define "_gpg_name $name@falco.test" --define "__gpg /usr/bin/gpg" \
		"${extra[@]}" "$@" >"$work/sign.$BASHPID" 2>&1 || {
		cat "$work/sign.$BASHPID" >&2
		return 1
	}
}

# index DIR KEY makes DIR a repository whose metadata KEY signs.
index() {
	createrepo_c --quiet --general-compress-type=gz "$1"
	gpg --batch --yes --quiet --local-user "$2@falco.test" --armor --detach-sign "$1/repodata/repomd.xml"
}

build_keys() {
	mkdir -p "$www/keys" "$GNUPGHOME"
	chmod 700 "$GNUPGHOME"
	new_key falco 3y
	new_key oracle 10y
	new_key other 3y
	new_key expired 1y 20200101T000000!
	new_key revoked 3y
	cp "$www/keys/falco.asc" "$www/keys/falcosecurity-packages.asc"
	cat "$www/keys/falco.asc" "$www/keys/other.asc" >"$www/keys/two.asc"
	install -D -m 644 "$www/keys/oracle.asc" /usr/share/node/RPM-GPG-KEY-oracle
}

build_falco() {
	local dir version
	for dir in "$sources"/falco/*/; do
		version=$(basename "$dir")
		install -D -m 755 "$sources/falco-standin" "$dir/root/usr/bin/falco"
		rpmbuild_to "$www/falco/$version" "$dir/falco.spec" "$dir"
		[ "$version" != $refused ] || cp -r "$www/falco/$version" "$work/unsigned"
		sign falco "$www/falco/$version"/*.rpm
		index "$www/falco/$version" falco
		mkdir -p "$www/falco/all"
		ln "$www/falco/$version"/*.rpm "$www/falco/all/"
	done
	index "$www/falco/all" falco
}

# Repositories that the agent must refuse.
build_refusals() {
	local name
	for name in other expired revoked; do
		cp -r "$work/unsigned" "$www/falco/${name}signed"
		sign "$name" "$www/falco/${name}signed"/*.rpm
		index "$www/falco/${name}signed" falco
	done
	cp -r "$work/unsigned" "$www/falco/unsigned"
	index "$www/falco/unsigned" falco
	mkdir "$www/falco/badmetadata"
	cp "$www/falco/$refused"/*.rpm "$www/falco/badmetadata/"
	index "$www/falco/badmetadata" other
	revoke revoked
}

# kernel EL REPOSITORY NAME VERSION-RELEASE [VARIANT CAPABILITY]
kernel() {
	rpmbuild_to "$www/oracle/ol$1/$2" "$sources/kernel-devel.spec" "$sources" \
		"flavour $3" "kversion ${4%%-*}" "krelease ${4#*-}" ${5:+"variant $5" "capability $6"}
}

build_kernels() {
	kernel 7 base kernel-devel 3.10.0-1160.el7
	kernel 7 uek kernel-uek-devel 5.4.17-2136.320.7.el7uek
	kernel 8 baseos kernel-devel 4.18.0-553.16.1.el8_10
	kernel 8 baseos kernel-devel 4.18.0-553.el8_10
	kernel 8 baseos kernel-debug-devel 4.18.0-553.16.1.el8_10 +debug kernel-devel
	kernel 8 uek kernel-uek-devel 5.15.0-210.163.7.el8uek
	kernel 8 uek kernel-uek-devel 5.4.17-2136.311.6.1.el8uek
	kernel 9 appstream kernel-devel 5.14.0-570.12.1.el9_6
	kernel 9 uek kernel-uek-devel 6.12.0-202.76.4.1.el9uek
	kernel 9 uek kernel-uek-devel 5.15.0-210.163.7.el9uek
	kernel 10 appstream kernel-devel 6.12.0-55.9.1.el10_0
	kernel 10 uek kernel-uek-devel 6.12.0-202.76.4.1.el10uek
}

build_oracle() {
	local el top
	build_kernels
	for el in 7 8 9 10; do
		top=$www/oracle/ol$el
		mkdir -p "$top"/{base,baseos,appstream,uek,epel}
		rpmbuild_to "$top/epel" "$sources/dkms.spec" "$sources" "dist .el$el"
		rpmbuild_to "$top/baseos" "$sources/epel-release.spec" "$sources/repos/ol$el" "el $el" "epelrelease 5"
	done
	rpmbuild_to "$www/oracle/ol8/appstream" "$sources/gcc-toolset.spec" "$sources" "toolset 11" "dist .el8"
	rpmbuild_to "$www/oracle/ol9/appstream" "$sources/gcc-toolset.spec" "$sources" "toolset 14" "dist .el9"
	mv "$www"/oracle/ol7/baseos/*.rpm "$www/oracle/ol7/base/"
	find "$www/oracle" -name '*.rpm' -print0 | xargs -0 bash -c 'sign oracle "$@"' sign
	for top in "$www"/oracle/ol*/*/; do index "${top%/}" oracle; done
}

# link EL PATH REPOSITORY makes Oracle's own path a link to a repository here.
link() {
	mkdir -p "$www/yum.oracle.com/repo/OracleLinux/OL$1/$2"
	ln -sfn "$www/oracle/ol$1/$3" "$www/yum.oracle.com/repo/OracleLinux/OL$1/$2/$arch"
}

build_links() {
	local el
	link 7 latest base
	link 7 optional/latest base
	link 7 UEKR6 uek
	link 7 developer_EPEL epel
	for el in 8 9 10; do
		link $el baseos/latest baseos
		link $el appstream appstream
		link $el addons baseos
		link $el codeready/builder appstream
		link $el developer/EPEL epel
	done
	link 8 developer/EPEL/modular epel
	link 10 1/developer/EPEL epel
	link 8 UEKR6 uek
	link 8 UEKR7 uek
	link 9 UEKR7 uek
	link 9 UEKR8 uek
	link 10 UEKR8 uek
	ln -sfn yum.oracle.com "$www/yum.us-ashburn-1.oci.oraclecloud.com"
}

# platform EL NAME VERSION-RELEASE [PROVIDES]
platform() {
	rpmbuild_to "$work/platform$1" "$sources/platform.spec" "$sources" \
		"pkgname $2" "pkgversion ${3%%-*}" "pkgrelease ${3#*-}" ${4:+"pkgprovides $4"}
}

# build_platform EL GLIBC LIBSTDCXX SYSTEMD GLIBCXX... makes the rpm database that
# makes the stand-in base look like that release.
build_platform() {
	local el=$1 versions="" n
	for n in "${@:5}"; do versions+="${versions:+, }libstdc++.so.6(GLIBCXX_3.4.$n)(64bit)"; done
	platform "$el" glibc "$2"
	platform "$el" libstdc++ "$3" "$versions"
	platform "$el" systemd "$4" "systemd-units = 0"
	platform "$el" bash "5.1.8-1.el$el" "/bin/sh, /bin/bash, /usr/bin/bash, /usr/bin/sh"
	platform "$el" oraclelinux-release "$el.0-1.0.el$el" \
		"system-release = $el.0, system-release(releasever) = $el, redhat-release = $el.0"
	platform "$el" kmod "28-1.el$el" "/sbin/modprobe, /usr/sbin/modprobe"
	mkdir -p "/usr/share/node/rpmdb/ol$el"
	rpm --dbpath "/usr/share/node/rpmdb/ol$el" -i --justdb --nodeps --nosignature "$work/platform$el"/*.rpm
	rpm --dbpath "/usr/share/node/rpmdb/ol$el" --import "$www/keys/oracle.asc"
}

build_platforms() {
	build_platform 7 2.17-326.el7 4.8.5-44.el7 219-78.el7 17 18 19
	build_platform 8 2.28-251.0.3.el8_10.2 8.5.0-22.el8_10 239-82.el8 23 24 25
	build_platform 9 2.34-168.0.1.el9_6.20 11.5.0-5.el9 252-51.el9 25 26 27 28 29
	build_platform 10 2.39-46.0.1.el10_1 14.3.1-2.el10 257-9.el10 26 29 30 31 32 33
}

# timed WHAT COMMAND runs a command and prints how long it took.
timed() {
	local start=$SECONDS
	"$2"
	echo "node image: $1 ($((SECONDS - start)) s)"
}

export -f sign
export work
# The two halves are independent.
falco_half() {
	timed "falco packages" build_falco
	timed "packages to refuse" build_refusals
}
oracle_half() {
	timed "Oracle packages" build_oracle
	timed "links" build_links
	if [ -e /usr/share/node/standin ]; then
		timed "platform databases" build_platforms
	fi
}

timed "keys" build_keys
falco_half &
falco=$!
oracle_half
wait "$falco"
gpgconf --kill all || true
rm -rf "$work"
