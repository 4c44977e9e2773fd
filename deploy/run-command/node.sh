#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# What OCI Run Command runs on one node. fleet.sh fills in the mode and, for
# install, 60-falco-bootstrap.sh with its pins. The Oracle Cloud Agent runs it as
# ocarun, which must be allowed to use sudo. Standard output is the report.
set -u -o pipefail

command=/usr/bin/falco-bootstrap
mode='@MODE@'

# The part only starts a unit; the next run reports what it did.
install_part() {
  sudo -n bash -s -- --strict <<'FB_PART'
@PART@
FB_PART
}

run() {
  [ -x "$command" ] || { printf '%s: not installed on this node; use --mode install\n' "$command" >&2; return 3; }
  local dry=()
  [ "$mode" != audit ] || dry=(--dry-run)
  sudo -n "$command" --output json ${dry[@]+"${dry[@]}"}
}

main() {
  sudo -n true || { printf 'ocarun is not allowed to use sudo on this node\n' >&2; return 1; }
  if [ "$mode" = install ]; then
    install_part
    return
  fi
  run
  local rc=$?
  # An audit that finds drift has succeeded.
  [ "$mode" = audit ] && [ "$rc" = 2 ] && rc=0
  return "$rc"
}

main "$@"
