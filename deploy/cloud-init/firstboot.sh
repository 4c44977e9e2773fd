#!/bin/bash
# Fetches the pinned falco-bootstrap, installs it and runs it once.
#   firstboot         fetch, then run falco-bootstrap.service
#   firstboot fetch   only fetch
# Exit statuses are those of falco-bootstrap: 4 if the file is not the pinned one, 5 if
# it cannot be fetched.
set -u -o pipefail
umask 022
root=${FB_ROOT:-}
home=$root/usr/local/libexec/falco-bootstrap
target=$root/usr/local/bin/falco-bootstrap
state=$root/var/lib/falco-bootstrap

say() { printf 'falco-bootstrap-firstboot: %s\n' "$*" >&2; }
die() { local rc=$1; shift; say "error: $*"; exit "$rc"; }

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

# A rename within one file system replaces even a running binary atomically.
install_binary() {
  chmod 0755 -- "$1" && sync -- "$1" && mkdir -p -- "${target%/*}" && mv -fT -- "$1" "$target" || return 1
  [ -n "$root" ] || ! command -v restorecon >/dev/null || restorecon -- "$target" || true
}

fetch() {
  local new=$home/falco-bootstrap.new pause
  is_pinned "$target" && return 0
  for pause in ${FB_FETCH_PAUSES:-5 10 20 40 60 0}; do
    rm -f -- "$new"
    if download "$new" && has_size "$new"; then
      is_pinned "$new" || { rm -f -- "$new"; die 4 "$url: SHA-256 is not the pinned one"; }
      install_binary "$new" || die 1 "$target: cannot be written"
      say "$url: installed as $target"
      return 0
    fi
    say "$url: download failed or incomplete"
    sleep "$pause"
  done
  rm -f -- "$new"
  die 5 "$url: cannot be fetched"
}

run() {
  local rc
  if systemctl start falco-bootstrap.service; then
    mkdir -p -- "$state" && : >"$state/firstboot.done"
    return 0
  fi
  rc=$(systemctl show -p ExecMainStatus falco-bootstrap.service)
  rc=${rc#*=}
  case $rc in
    3 | 4 | 6 | 64) die "$rc" "falco-bootstrap exited with $rc; see journalctl -u falco-bootstrap" ;;
    *) die 1 "falco-bootstrap exited with $rc; trying again later" ;;
  esac
}

main() {
  load_pins
  fetch
  [ "${1:-}" = fetch ] || run
}

main "$@"
