#!/bin/bash
# What one node does when OCI Run Command reaches it. fleet.sh fills in the mode
# and, for install, the filled-in 60-falco-bootstrap.sh. The Oracle Cloud Agent
# runs it as ocarun, which has to be allowed sudo. Standard output is the report.
set -u -o pipefail

command=/usr/local/bin/falco-bootstrap
mode='@MODE@'

# The part only starts a unit; the report of what it did comes with the next run.
install_part() {
  sudo -n bash -s <<'FB_PART'
@PART@
FB_PART
}

run() {
  [ -x "$command" ] || { printf '%s: not on this node; use --mode install\n' "$command" >&2; return 3; }
  local dry=()
  [ "$mode" != audit ] || dry=(--dry-run)
  sudo -n "$command" --output json ${dry[@]+"${dry[@]}"}
}

main() {
  sudo -n true || { printf 'ocarun may not use sudo on this node\n' >&2; return 1; }
  if [ "$mode" = install ]; then
    install_part
    return
  fi
  run
  local rc=$?
  # Drift found by an audit is an answer, not a failed command.
  [ "$mode" = audit ] && [ "$rc" = 2 ] && rc=0
  return "$rc"
}

main "$@"
