#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs falco-bootstrap, its units and Falco in an image that is being built.
# falco-bootstrap-firstboot.service does the rest at each first boot.
#   bake.sh                  on the builder instance itself (Packer's shell
#                            provisioner): install the packages and prove Falco
#   bake.sh --root DIR       into a mounted tree: files only; what needs rpm, dnf
#                            or systemd waits for the first boot
#   --binary FILE            use this file; if it is not the pinned one, the pinned
#                            one is fetched
#   --kernel-release R       the kernel that the image will boot, if not this one
# The pins and settings are those in 60-falco-bootstrap.sh beside this script.
set -eu -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

parse() {
  root='' binary='' kernel=()
  while [ $# -gt 0 ]; do
    case $1 in
      --root) root=${2%/}; shift ;;
      --binary) binary=$2; shift ;;
      --kernel-release) kernel=(--kernel-release "$2"); shift ;;
      *) printf 'bake.sh: %s: unknown argument\n' "$1" >&2; exit 64 ;;
    esac
    shift
  done
}

put_files() {
  if [ -n "$root" ]; then
    bash "$here/60-falco-bootstrap.sh" --strict --root "$root"
  else
    bash "$here/60-falco-bootstrap.sh" --strict --no-start
  fi
}

# firstboot fetches nothing if the installed binary is the pinned one.
put_binary() {
  if [ -n "$binary" ]; then
    install -D -m 0755 -- "$binary" "$root/usr/bin/falco-bootstrap"
  fi
  FB_ROOT=$root "$root/usr/local/libexec/falco-bootstrap/firstboot" fetch
}

converge() {
  local command=/usr/bin/falco-bootstrap
  if [ -n "$root" ]; then
    "$root$command" --root "$root" ${kernel[@]+"${kernel[@]}"}
  else
    "$command" ${kernel[@]+"${kernel[@]}"}
    systemctl stop 'falco-*.service' 'falco-*.timer'
  fi
}

# Removes what belongs to the builder and not to the nodes of the image.
forget_builder() {
  rm -f -- "$root"/var/lib/falco-bootstrap/{firstboot.done,firstboot.failed,last-run.json} \
    "$root"/var/log/falco-bootstrap-report.json "$root"/var/log/falco.log*
}

main() {
  parse "$@"
  put_files
  put_binary
  converge
  forget_builder
}

main "$@"
