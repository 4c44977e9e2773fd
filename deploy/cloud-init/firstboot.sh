#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the pinned falco-bootstrap, installs it and runs it once.
#   firstboot         fetch, then run falco-bootstrap.service
#   firstboot fetch   only fetch
# Exit status: as falco-bootstrap's; 4 if the file is not the pinned one, 5 if it
# cannot be fetched. If falco-bootstrap did not report a failure, this script does,
# in docs/report.schema.json's form, so that a node without Falco is seen.
set -u -o pipefail
umask 022
root=${FB_ROOT:-}
home=$root/usr/local/libexec/falco-bootstrap
target=$root/usr/bin/falco-bootstrap
state=$root/var/lib/falco-bootstrap
reports=$root/var/log/falco-bootstrap-report.json

say() { printf 'falco-bootstrap-firstboot: %s\n' "$*" >&2; }
die() { local rc=$1; shift; say "error: $*"; report "$rc" "$*"; exit "$rc"; }

json() {
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

reported() { stat -c %s -- "$reports" 2>/dev/null || echo 0; }

# The unit tries again every few minutes: the same failure is reported once an hour.
report() {
  local code=$1 name=failed mode=converge last=$state/firstboot.failed
  case $code in
    3) name=preflight ;;
    4) name=trust ;;
    5) name=packages ;;
    6) name=config-refused ;;
    64) name=usage ;;
    *) code=1 ;;
  esac
  [ "${FALCO_BOOTSTRAP_DRY_RUN:-}" != true ] || mode=dry-run
  mkdir -p -- "$state" "${reports%/*}"
  [ "$2" != "$(cat -- "$last" 2>/dev/null)" ] || [ -z "$(find "$last" -mmin -60)" ] || return 0
  printf '{"schema_version":1,"tool":{"name":"falco-bootstrap-firstboot","version":""},"host":{"hostname":%s,"kernel":%s,"arch":%s},"mode":"%s","root":%s,"result":"failed","exit":{"code":%d,"name":"%s"},"started":"%s","duration_ms":%d,"drift":[],"steps":[],"summary":{"change":0,"changed":0,"ok":0,"waiting":0,"unknown":0,"failed":0,"skipped":0},"error":{"code":%d,"name":"%s","message":%s,"hint":"see journalctl -u falco-bootstrap-firstboot"}}\n' \
    "$(json "$(uname -n)")" "$(json "$(uname -r)")" "$(json "$(uname -m)")" "$mode" "$(json "${root:-/}")" \
    "$code" "$name" "$started" $((SECONDS * 1000)) "$code" "$name" "$(json "$2")" >>"$reports" &&
    printf '%s\n' "$2" >"$last"
}

load_pins() {
  local arch url_x86_64='' size_x86_64='' sha256_x86_64='' url_aarch64='' size_aarch64='' sha256_aarch64=''
  proto=https
  arch=$(uname -m)
  # shellcheck source=/dev/null
  . "$home/release" || die 64 "$home/release: not readable"
  case $arch in
    x86_64) url=$url_x86_64 size=$size_x86_64 sha256=$sha256_x86_64 ;;
    aarch64) url=$url_aarch64 size=$size_aarch64 sha256=$sha256_aarch64 ;;
    *) die 3 "there is no release for $arch" ;;
  esac
  [[ $sha256 =~ ^[0-9a-f]{64}$ && $size =~ ^[1-9][0-9]*$ && -n $url ]] ||
    die 64 "URL, size and SHA-256 for $arch are not pinned"
  # What is said names only the host: the path of a pre-authenticated request is a secret.
  host=${url#*://}
  host=${host%%/*}
  host=${host##*@}
}

has_size() { [ "$(stat -c %s -- "$1" 2>/dev/null)" = "$size" ]; }
is_pinned() { has_size "$1" && sha256sum --check --status <<<"$sha256  $1"; }

# The file size limit stops a server that never stops sending: older curl compares
# --max-filesize only with an announced length.
download() (
  ulimit -f $((size / 1024 + 1))
  exec curl --fail --silent --show-error --location --globoff \
    --proto "=$proto" --proto-redir "=$proto" --tlsv1.2 \
    --connect-timeout 15 --speed-limit 1024 --speed-time 30 --max-time 300 \
    --max-filesize "$size" --output "$1" -- "$url"
)

# Anybody but root who owns or may write the file could change it after the check.
is_secure() { [ "$(stat -c '%u %a' -- "$target" 2>/dev/null)" = "$(id -u) 755" ]; }

# A rename within one file system replaces even a running binary atomically.
install_binary() {
  chmod 0755 -- "$1" && sync -- "$1" && mkdir -p -- "${target%/*}" && mv -fT -- "$1" "$target" || return 1
  [ -n "$root" ] || ! command -v restorecon >/dev/null || restorecon -- "$target" || true
}

fetch() {
  local new=$home/falco-bootstrap.new pause
  is_pinned "$target" && is_secure && return 0
  rm -f -- "$new"
  # A copy, because somebody may hold the old file open.
  if is_pinned "$target" && cp -- "$target" "$new" && is_pinned "$new"; then
    install_binary "$new" || die 1 "$target: cannot be written"
    say "$target: owner and file mode set"
    return 0
  fi
  for pause in ${FB_FETCH_PAUSES:-5 10 20 40 60 0}; do
    rm -f -- "$new"
    if download "$new" && has_size "$new"; then
      is_pinned "$new" || { rm -f -- "$new"; die 4 "$host: SHA-256 is not the pinned one"; }
      install_binary "$new" || die 1 "$target: cannot be written"
      say "$host: installed as $target"
      return 0
    fi
    say "$host: download failed or incomplete"
    sleep "$pause"
  done
  rm -f -- "$new"
  die 5 "$host: cannot be fetched"
}

# status NAME prints a property of falco-bootstrap.service.
status() { local value; value=$(systemctl show -p "$1" falco-bootstrap.service) && echo "${value#*=}"; }

run() {
  local rc before
  before=$(reported)
  if systemctl start falco-bootstrap.service; then
    # A unit whose conditions are not met counts as started.
    [ "$(status ConditionResult)" = yes ] || die 1 "falco-bootstrap.service did not run: its conditions are not met"
    mkdir -p -- "$state" && : >"$state/firstboot.done"
    return 0
  fi
  rc=$(status ExecMainStatus)
  if [ "$(reported)" = "$before" ]; then
    report "$rc" "falco-bootstrap exited with $rc and wrote no report"
  fi
  case $rc in
    3 | 4 | 6 | 64) ;;
    *) rc=1 ;;
  esac
  say "error: falco-bootstrap failed; see journalctl -u falco-bootstrap"
  exit "$rc"
}

main() {
  started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  load_pins
  fetch
  [ "${1:-}" = fetch ] || run
}

main "$@"
