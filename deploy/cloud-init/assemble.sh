#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Assembles the user data from its sources, so that nothing is maintained twice:
#   60-falco-bootstrap.sh   part.sh.in with firstboot.sh and the units in it
#   oke-falco.sh            oke.sh.in with 50-oke.sh in it, then the same part
# With --check it writes nothing, and exits with 1 if a file is out of date.
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# include FILE prints FILE with every "@@include OTHER@@" line replaced by OTHER.
include() {
  local line other
  while IFS= read -r line; do
    if [[ $line == '@@include '*'@@' ]]; then
      other=${line#@@include }
      cat -- "${other%@@}"
    else
      printf '%s\n' "$line"
    fi
  done <"$1"
}

part() { include part.sh.in; }
complete() {
  sed -e '/^@@join@@$/{r /dev/stdin' -e 'd;}' oke.sh.in < <(tail -n +6 50-oke.sh)
  part | tail -n +2
}

put() {
  if [ "$check" = yes ]; then
    cmp -- "$1" <("$2") || stale=1
  else
    "$2" >"$1.new"
    chmod 0755 "$1.new"
    mv -f "$1.new" "$1"
  fi
}

main() {
  check=no stale=0
  [ "${1:-}" != --check ] || check=yes
  put 60-falco-bootstrap.sh part
  put oke-falco.sh complete
  return "$stale"
}

main "$@"
