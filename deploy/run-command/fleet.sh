#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Audits many OKE nodes, converges them, or installs falco-bootstrap on them,
# through OCI Run Command.
#   fleet.sh send --mode audit|converge|install --out DIR --bucket B
#                 --compartment OCID [--pool OCID] [--part FILE]
#                 [--wave N] [--parallel N] [--timeout SECONDS]
#   fleet.sh collect --out DIR
# send writes one file for each node to DIR, so a second send continues where the
# first stopped, and --wave N takes N more nodes. collect fetches the reports that are
# ready and can be run again. Each mode needs its own DIR. Then run
# falco-bootstrap report DIR/reports/*
# Exit status: 0 all nodes succeeded, 1 some failed or a call failed, 2 some are
# not finished, 64 wrong arguments.
set -u -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() { printf 'fleet.sh: %s\n' "$*" >&2; exit 64; }

parse() {
  action=${1:-}; shift || true
  mode='' out='' bucket='' compartment='' pool='' part=$here/../cloud-init/60-falco-bootstrap.sh
  wave=0 parallel=16 timeout=1800
  while [ $# -gt 1 ]; do
    case $1 in
      --mode | --out | --bucket | --compartment | --pool | --part | --wave | --parallel | --timeout) printf -v "${1#--}" '%s' "$2" ;;
      *) die "$1: unknown argument" ;;
    esac
    shift 2
  done
  [ $# -eq 0 ] || die "$1: unknown argument, or its value is missing"
  [ -n "$out" ] || die '--out is required'
  local name
  for name in wave parallel timeout; do
    [[ ${!name} =~ ^[0-9]{1,9}$ ]] || die "--$name must be a number"
  done
  [ "$parallel" -gt 0 ] || die '--parallel must be at least 1'
}

# OCI Run Command takes 4 KB of text and returns 1 KB, so the script and the reports
# go through Object Storage.
script() {
  local line
  while IFS= read -r line; do
    case $line in
      @PART@) [ "$mode" != install ] || cat -- "$part" ;;
      "mode='@MODE@'") printf "mode='%s'\n" "$mode" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <"$here/node.sh"
}

# shellcheck disable=SC2016 # the backticks are JMESPath
nodes() {
  if [ -n "$pool" ]; then
    oci ce node-pool get --node-pool-id "$pool" --raw-output \
      --query 'join(`"\n"`, data.nodes[?"lifecycle-state"==`ACTIVE`].id)'
  else
    oci compute instance list --compartment-id "$compartment" --lifecycle-state RUNNING --all --raw-output \
      --query 'join(`"\n"`, data[].id)'
  fi
}

send_one() {
  local node=$1 id
  id=$(oci instance-agent command create --compartment-id "$compartment" --display-name "falco-bootstrap-$mode" \
    --timeout-in-seconds "$timeout" --target "{\"instanceId\":\"$node\"}" --raw-output --query data.id \
    --content "{\"source\":{\"sourceType\":\"OBJECT_STORAGE_TUPLE\",\"bucketName\":\"$bucket\",\"namespaceName\":\"$namespace\",\"objectName\":\"$prefix/node.sh\"},\"output\":{\"outputType\":\"OBJECT_STORAGE_TUPLE\",\"bucketName\":\"$bucket\",\"namespaceName\":\"$namespace\",\"objectName\":\"$prefix/$node.json\"}}") ||
    { printf '%s: command not accepted\n' "$node" >&2; return 1; }
  printf '%s\n' "$id" >"$out/commands/$node.new" && mv -f -- "$out/commands/$node.new" "$out/commands/$node"
}

send() {
  case $mode in audit | converge | install) ;; *) die '--mode must be audit, converge or install' ;; esac
  [[ -n $bucket && -n $compartment ]] || die '--bucket and --compartment are required'
  local sent=''
  mkdir -p -- "$out/commands" "$out/reports" || return 1
  if [ ! -s "$out/run" ]; then
    namespace=$(oci os ns get --raw-output --query data) || return 1
    printf 'sent=%q\nnamespace=%q\nprefix=%q\nbucket=%q\n' "$mode $bucket $compartment $pool" \
      "$namespace" "falco-bootstrap/$mode-$(date -u +%Y%m%dT%H%M%SZ)-$$" "$bucket" >"$out/run"
  fi
  # shellcheck source=/dev/null
  . "$out/run"
  # The nodes that were sent to count as done: with another mode or pool nothing would be sent.
  [ "$sent" = "$mode $bucket $compartment $pool" ] || die "$out holds what was sent with other arguments ($sent); use another --out"
  script >"$out/node.sh" || return 1
  oci os object put --bucket-name "$bucket" --name "$prefix/node.sh" --file "$out/node.sh" --force >/dev/null || return 1
  nodes >"$out/nodes" || return 1
  export -f send_one
  export compartment mode timeout bucket namespace prefix out
  local node count=0
  # shellcheck disable=SC2016 # the inner shell expands it
  while IFS= read -r node; do
    [ -n "$node" ] && [ ! -e "$out/commands/$node" ] || continue
    [ "$wave" -eq 0 ] || [ "$count" -lt "$wave" ] || break
    count=$((count + 1))
    printf '%s\0' "$node"
  done <"$out/nodes" | xargs -0 -r -n 1 -P "$parallel" bash -c 'send_one "$1"' send_one || return 1
}

collect_one() {
  local node=$1 id=$2 state
  # A command that no agent fetches in time stays ACCEPTED, and its delivery is EXPIRED.
  # shellcheck disable=SC2016 # the backticks are JMESPath
  state=$(oci instance-agent command-execution get --command-id "$id" --instance-id "$node" --raw-output \
    --query 'join(`" "`, [data."lifecycle-state", data."delivery-state" || `""`])') || state=UNKNOWN
  case $state in
    'ACCEPTED EXPIRED' | 'IN_PROGRESS EXPIRED') state=EXPIRED ;;
    *) state=${state%% *} ;;
  esac
  case $state in
    SUCCEEDED | FAILED)
      oci os object get --bucket-name "$bucket" --name "$prefix/$node.json" --file "$out/reports/$node.json" >/dev/null ||
        printf '%s: no output\n' "$node" >&2
      ;;
  esac
  printf '%s\n' "$state"
}

collect() {
  # shellcheck source=/dev/null
  . "$out/run" || die "$out: nothing was sent from here"
  local file state good=0 bad=0 waiting=0
  for file in "$out"/commands/*; do
    [ -e "$file" ] || continue
    state=$(collect_one "${file##*/}" "$(cat -- "$file")")
    case $state in
      SUCCEEDED) good=$((good + 1)) ;;
      EXPIRED)
        bad=$((bad + 1))
        printf '%s: never fetched the command; is the Run Command plugin running?\n' "${file##*/}" >&2
        ;;
      FAILED | TIMED_OUT | CANCELED) bad=$((bad + 1)); printf '%s: %s\n' "${file##*/}" "$state" >&2 ;;
      *) waiting=$((waiting + 1)) ;;
    esac
  done
  printf '%d succeeded, %d failed, %d are not finished\n' "$good" "$bad" "$waiting"
  [ "$bad" -eq 0 ] || return 1
  [ "$waiting" -eq 0 ] || return 2
}

main() {
  parse "$@"
  case $action in
    send) send ;;
    collect) collect ;;
    *) die 'the first argument must be send or collect' ;;
  esac
}

main "$@"
